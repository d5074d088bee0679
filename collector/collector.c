/* SPDX-License-Identifier: Apache-2.0
 *
 * Composition root of the drain side: what libspanshim-collector.so does for the shim. The only
 * file here that logs. Drain thread, except ss_collector_backtrace (host threads).
 */
#include "collector/collector.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/alone.h"
#include "collector/drain.h"
#include "collector/losses.h"
#include "collector/pause.h"
#include "collector/plugins.h"
#include "collector/source.h"
#include "collector/symbolize.h"

#define LINGER_TRIES 10 /* milliseconds that events in the making get at the end */

struct ss_session {
	struct ss_image_view view;
	struct ss_drain drain[1];
	struct ss_pause pause;
	struct ss_plugins *plugins; /* NULL: none */
	struct ss_collector_seat *seat;
	uint64_t export_ms; /* when the metrics are written next */
	ss_log_fn log;
	bool told_lost, told_metrics;
};

static void tell_lost(struct ss_session *session)
{
	struct ss_drain *drain = session->drain;
	char text[512];

	if (session->told_lost || drain->sink_error == 0)
		return;
	session->told_lost = true;
	snprintf(text, sizeof(text), "spans are lost: cannot write %.300s: %s", drain->sink.path,
		 strerror(-drain->sink_error));
	session->log(text);
}

static void tell_metrics(struct ss_session *session)
{
	struct ss_drain *drain = session->drain;
	char text[512];

	if (session->told_metrics || drain->metrics_error == 0)
		return;
	session->told_metrics = true;
	snprintf(text, sizeof(text), "metrics are lost: cannot write %.300s: %s",
		 drain->metrics_sink.path, strerror(-drain->metrics_error));
	session->log(text);
}

static void tell_end(struct ss_session *session)
{
	struct ss_drain *drain = session->drain;
	char text[900], counts[700];

	ss_losses_describe(drain->view, counts, sizeof(counts));
	if (counts[0] != '\0') {
		snprintf(text, sizeof(text), "events lost: %s", counts);
		session->log(text);
	}
	if (drain->spans_lost > 0) {
		snprintf(text, sizeof(text), "spans lost: %llu could not be written to %.300s",
			 (unsigned long long)drain->spans_lost, drain->sink.path);
		session->log(text);
	}
	if (drain->metrics != NULL && ss_metrics_lost(drain->metrics) > 0) {
		snprintf(text, sizeof(text), "metrics lost: %llu measurements, no memory",
			 (unsigned long long)ss_metrics_lost(drain->metrics));
		session->log(text);
	}
}

static void serve_flush(struct ss_image *image, uint32_t request)
{
	/* Partner: the host's acquire load after its wait: its spans are in the file. */
	__atomic_store_n(&image->flush_done, request, __ATOMIC_RELEASE);
	syscall(SYS_futex, &image->flush_done, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void finish(struct ss_session *session)
{
	struct ss_drain *drain = session->drain;
	struct ss_image *image = drain->view->image;
	int i;

	for (i = 0; i < LINGER_TRIES && !drain->whole; i++) {
		ss_clock_sleep_ms(1);
		ss_drain_batch(drain);
	}
	ss_drain_finish(drain);
	__atomic_store_n(&image->state, SS_IMAGE_FINISHED, __ATOMIC_RELEASE);
	/* Lost spans may be written by a later `recover` no more: they were given up and counted.
	 */
	i = ss_image_reopen(drain->view);
	if (i >= 0) {
		unlink(drain->view->path);
		close(i);
	}
	tell_lost(session);
	tell_metrics(session);
	tell_end(session);
	/* Last: a host that waits no longer for a plugin leaves nothing behind. */
	ss_plugins_finish(session->plugins);
}

/* Writes the metrics when it is time. Returns in how many milliseconds that will be; 0: there is
 * nothing to tell. */
static uint32_t export(struct ss_session *session)
{
	struct ss_drain *drain = session->drain;
	uint64_t now;

	if (drain->metrics == NULL || !ss_metrics_changed(drain->metrics, false))
		return 0;
	now = ss_clock_monotonic_ns() / 1000000;
	if (now < session->export_ms)
		return (uint32_t)(session->export_ms - now);
	ss_drain_export(drain);
	tell_metrics(session);
	session->export_ms = now + drain->view->image->metrics_ms;
	return 0;
}

/* For a flush, or for the thread to end. */
static bool host_waits(const struct ss_session *session)
{
	const struct ss_image *image = session->drain->view->image;

	return __atomic_load_n(&image->flush_request, __ATOMIC_ACQUIRE) != image->flush_done ||
	       __atomic_load_n(&session->seat->park, __ATOMIC_ACQUIRE) == SS_PARK_ASKED;
}

/* Batches until no ring is filling fast, plugins have enough, or the host waits: one batch shows it
 * all that it told before, and threads that never let up must not keep it waiting. Returns events
 * consumed. */
static uint64_t run_batches(struct ss_session *session)
{
	uint64_t consumed = 0;

	ss_pause_end(&session->pause);
	do {
		ss_source_populate(session->drain->sources, session->drain->view);
		consumed += ss_drain_batch(session->drain);
		tell_lost(session);
		export(session);
	} while (ss_pause_pressed(&session->pause) && session->drain->whole &&
		 !ss_plugins_full(session->plugins) && !host_waits(session));
	ss_plugins_settle(session->plugins, session->drain->whole);
	return consumed;
}

/* What a waiting host has told so far reaches the plugins before it goes on: it may exec or abort.
 * The second batch settles the first. */
static void flush_plugins(struct ss_session *session)
{
	if (session->plugins == NULL)
		return;
	run_batches(session);
	ss_plugins_deliver(session->plugins, true);
}

/* True once the host wants the thread gone, and did not think better of it. */
static bool parks(struct ss_collector_seat *seat)
{
	uint32_t asked = SS_PARK_ASKED;

	/* Partner: the host's own exchange, by which one of us wins. */
	return __atomic_load_n(&seat->park, __ATOMIC_ACQUIRE) == SS_PARK_ASKED &&
	       __atomic_compare_exchange_n(&seat->park, &asked, SS_PARK_GRANTED, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* A regular file is opened for each batch, which may not be allowed to whoever goes on. Where
 * nobody will, nothing stays open, and the metrics are told. */
static void park(struct ss_session *session, bool hold)
{
	struct ss_drain *drain = session->drain;
	struct ss_sink *sinks[] = { &drain->sink, drain->metrics ? &drain->metrics_sink : NULL };

	if (!hold)
		ss_drain_export(drain);
	for (int i = 0; i < 2 && sinks[i] != NULL; i++) {
		if (hold)
			ss_sink_hold(sinks[i]);
		else
			ss_sink_deinit(sinks[i]);
	}
}

/* Returns 0, SS_COLLECTOR_ALONE or SS_COLLECTOR_PARKED. */
static int run(struct ss_session *session)
{
	struct ss_image *image = session->drain->view->image;
	uint32_t request, wake, limit_ms;
	enum ss_plugins_rest rest;
	bool finishing, quiet;

	for (;;) {
		/* Read before the batch: what the host asks for later needs a later batch. Partner:
		 * its additions to flush_request (finish stored before) and wake. */
		wake = __atomic_load_n(&image->wake, __ATOMIC_ACQUIRE);
		request = __atomic_load_n(&image->flush_request, __ATOMIC_ACQUIRE);
		finishing = __atomic_load_n(&image->finish, __ATOMIC_ACQUIRE) != 0;
		quiet = run_batches(session) == 0 && !ss_drain_waiting(session->drain);
		if (finishing && request != image->flush_done) {
			finish(session);
			serve_flush(image, request);
			return 0;
		}
		if (request != image->flush_done) {
			flush_plugins(session);
			/* The image may end here: by exec, by abort. */
			ss_drain_export(session->drain);
			tell_metrics(session);
			ss_drain_part(session->drain);
			serve_flush(image, request);
		}
		rest = ss_plugins_deliver(session->plugins, false);
		limit_ms = export(session);
		if (quiet &&
		    (__atomic_load_n(&image->main_left, __ATOMIC_RELAXED) ||
		     __atomic_load_n(&image->may_lose_threads, __ATOMIC_RELAXED)) &&
		    ss_alone(image->drain_tid)) {
			finish(session);
			if (!__atomic_load_n(&image->main_left, __ATOMIC_RELAXED))
				session->seat->status = ss_alone_status();
			return SS_COLLECTOR_ALONE;
		}
		if (parks(session->seat)) {
			park(session, session->seat->hold);
			return SS_COLLECTOR_PARKED;
		}
		if (rest == SS_PLUGINS_BUSY)
			continue;
		if (!quiet || rest == SS_PLUGINS_HELD) {
			ss_pause_collect(&session->pause, wake);
			continue;
		}
		if (!ss_pause_idle(&session->pause, wake, limit_ms))
			continue;
		/* A first event: give it company, unless the host is waiting. */
		wake = __atomic_load_n(&image->wake, __ATOMIC_ACQUIRE);
		if (!host_waits(session))
			ss_pause_collect(&session->pause, wake);
	}
}

static int begin(struct ss_image *image, ss_log_fn log, ss_open_fn open,
		 struct ss_session **ret_session)
{
	struct ss_session *session = calloc(1, sizeof(*session));
	const char *reason;
	char text[128];
	int rc;

	if (session == NULL)
		return -ENOMEM;
	session->log = log;
	rc = ss_image_attach(image, &session->view, &reason);
	if (rc != 0) {
		snprintf(text, sizeof(text), "the ring file cannot be used: %s", reason);
		log(text);
		goto out;
	}
	rc = ss_drain_init(session->drain, &session->view);
	if (rc != 0)
		goto out;
	if (session->drain->otlp.resource_ignored)
		log("OTEL_RESOURCE_ATTRIBUTES is ignored: expected key=value,... percent-encoded");
	session->export_ms = ss_clock_monotonic_ns() / 1000000 + image->metrics_ms;
	session->plugins = ss_plugins_new(&session->view, open, log);
	/* All hooks have room for it: see ss_drain_init. */
	(void)ss_plugins_subscribe(session->plugins, &session->drain->dispatch);
	ss_pause_init(&session->pause, session->drain);
	*ret_session = session;
	return 0;
out:
	free(session);
	return rc;
}

int ss_collector_run(uint32_t abi, struct ss_image *image, ss_log_fn log, ss_open_fn open,
		     ss_gettime_fn gettime, struct ss_collector_seat *seat)
{
	struct ss_session *session;
	int rc;

	if (abi != SS_COLLECTOR_ABI)
		return -EPROTO;
	ss_clock_source(gettime);
	if (seat->session == NULL) {
		rc = begin(image, log, open, &seat->session);
		if (rc != 0)
			return rc;
	} else {
		ss_plugins_succeed(seat->session->plugins);
	}
	session = seat->session;
	session->seat = seat;
	rc = run(session);
	if (rc == SS_COLLECTOR_PARKED)
		return rc;
	seat->session = NULL;
	ss_plugins_free(session->plugins);
	ss_drain_deinit(session->drain);
	free(session);
	return rc;
}

int ss_collector_backtrace(void **addresses, int count)
{
	return ss_symbolize_backtrace(addresses, count);
}
