/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/drain.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/losses.h"
#include "collector/otlp_metrics.h"
#include "collector/source.h"
#include "collector/subscribers/tracing.h"
#include "collector/testpoint.h"

/* The longest that a recovery writes, of a file of so many bytes: what a record of 64 bytes makes
 * is far below that many times its size. */
#define OUT_BYTES_MIN  (64u << 20)
#define OUT_PER_RECORD 64u

static bool is_sampled(const struct ss_drain *drain, const struct ss_span_view *span)
{
	const struct ss_sampling *sampling = &drain->view->image->sampling;
	const struct ss_log_entry *open;

	if (sampling->sampler == SS_SAMPLER_ALWAYS_ON)
		return true;
	open = ss_parts_open(span);
	return open == NULL || ss_is_sampled(sampling, open->trace_hi, open->trace_lo);
}

static void complete(void *context, const struct ss_span_view *span)
{
	struct ss_drain *drain = context;

	drain->changed = true;
	if (drain->metrics != NULL)
		ss_metrics_native(&drain->metrics_subscriber, span);
	if (drain->too_much || !is_sampled(drain, span))
		return;
	if (drain->written.ids.slots != NULL &&
	    ss_spanmap_find(&drain->written.ids, span->id) != NULL)
		return;
	if (!ss_otlp_span(&drain->otlp, span))
		drain->spans_unreadable++;
	else if (span->unfinished)
		drain->unfinished++;
}

static int write_bounded(struct ss_drain *drain, struct ss_sink *sink, const char *line,
			 size_t bytes, uint64_t epoch)
{
	if (!drain->view->live) {
		drain->too_much |= bytes > drain->bytes_left;
		if (drain->too_much)
			return -EFBIG;
		drain->bytes_left -= bytes;
	}
	return ss_sink_write(sink, line, bytes, epoch);
}

static void write_line(void *context, const char *line, size_t bytes, uint32_t spans)
{
	struct ss_drain *drain = context;
	struct ss_image *image = drain->view->image;
	int rc;

	ss_testpoint("before line");
	rc = write_bounded(drain, &drain->sink, line, bytes, image->batch + 1);
	ss_testpoint("after line");
	__atomic_fetch_add(&image->progress, 1, __ATOMIC_RELAXED);
	if (rc == 0) {
		drain->spans_written += spans;
		return;
	}
	drain->spans_lost += spans;
	drain->sink_error = rc;
}

static void write_metrics(void *context, const char *line, size_t bytes)
{
	struct ss_drain *drain = context;
	int rc;

	ss_testpoint("before metrics");
	rc = write_bounded(drain, &drain->metrics_sink, line, bytes, 0);
	ss_testpoint("after metrics");
	__atomic_fetch_add(&drain->view->image->progress, 1, __ATOMIC_RELAXED);
	if (rc != 0)
		drain->metrics_error = rc;
}

/* When the metrics were so: when the drain last looked, or the last event that it saw. Later lines
 * have later times, also those of a recovery, which knows no more than this. */
static uint64_t metrics_time(const struct ss_drain *drain)
{
	uint64_t looked_ns = drain->clock.knots[drain->clock.count - 1].unix_ns;

	return looked_ns > drain->spans.last_ns ? looked_ns : drain->spans.last_ns;
}

static void export(struct ss_drain *drain, const struct ss_losses *losses)
{
	struct ss_otlp_metrics what = { .view = drain->view,
					.metrics = drain->metrics,
					.time_ns = metrics_time(drain),
					.losses = losses,
					.json = &drain->metrics_json,
					.line = write_metrics,
					.context = drain };
	int rc;

	drain->metrics_error = 0;
	rc = ss_otlp_metrics_write(&what);
	if (rc != 0)
		drain->metrics_error = rc;
	ss_sink_end(&drain->metrics_sink);
	/* What was not written is new the next time too. */
	(void)ss_metrics_changed(drain->metrics, drain->metrics_error == 0);
}

void ss_drain_export(struct ss_drain *drain)
{
	if (drain->metrics != NULL && ss_metrics_changed(drain->metrics, false))
		export(drain, NULL);
}

/* The last line tells what the metrics lack. */
static void export_last(struct ss_drain *drain)
{
	struct ss_losses losses;

	if (drain->metrics == NULL)
		return;
	ss_losses_read(&losses, drain->view);
	ss_losses_add(&losses, "sink", "span", drain->spans_lost);
	ss_losses_add(&losses, "assembly", "measurement", ss_metrics_lost(drain->metrics));
	if (losses.count > 0 || ss_metrics_changed(drain->metrics, false))
		export(drain, &losses);
}

/* After the spans, whose arena the metrics share. */
static int init_metrics(struct ss_drain *drain)
{
	struct ss_image_view *view = drain->view;
	const char *path = ss_image_string(view, view->image->metrics_str);

	if (*path != '/' && strcmp(path, "-") != 0)
		return 0;
	drain->metrics = ss_metrics_new(&drain->spans.arena);
	if (drain->metrics == NULL)
		return -ENOMEM;
	drain->metrics_subscriber = (struct ss_metrics_subscriber){ .metrics = drain->metrics,
								    .view = view,
								    .parts = drain->otlp.parts };
	ss_sink_init(&drain->metrics_sink, path, NULL);
	if (ss_json_init(&drain->metrics_json, 0) != 0)
		return -ENOMEM;
	return ss_metrics_subscribe(&drain->dispatch, &drain->metrics_subscriber);
}

int ss_drain_init(struct ss_drain *drain, struct ss_image_view *view)
{
	const struct ss_image *image = view->image;
	const struct ss_commit *commit = &image->commit[image->batch & 1];
	int rc;

	*drain = (struct ss_drain){ .view = view };
	ss_sink_init(&drain->sink, ss_image_string(view, image->out_str), view->image);
	rc = ss_buffer_reserve(&drain->memory, (view->ring_count + 1) * sizeof(struct ss_source));
	if (rc != 0)
		return rc;
	drain->sources = drain->memory.base;
	drain->bytes_left = OUT_BYTES_MIN + OUT_PER_RECORD * view->mapped_bytes;
	drain->spans_written = commit->spans_written;
	drain->spans_lost = commit->spans_lost;
	drain->unreadable_rings = ss_source_init(drain->sources, view, commit);
	if (view->live)
		ss_clock_init(&drain->clock, view->image);
	else
		ss_clock_init_dead(&drain->clock, image);
	rc = ss_otlp_init(&drain->otlp, view, write_line, drain);
	if (rc == 0)
		rc = ss_spans_init(&drain->spans, view, complete, drain);
	/* Disjoint families in a table with room for eight a hook: none can be refused. */
	(void)ss_tracing_subscribe(&drain->dispatch, &drain->spans);
	if (rc == 0)
		rc = init_metrics(drain);
	if (rc == 0 && !view->live)
		rc = ss_written_read(&drain->written, view);
	if (rc != 0)
		ss_drain_deinit(drain);
	return rc;
}

void ss_drain_deinit(struct ss_drain *drain)
{
	ss_metrics_unsubscribe(&drain->metrics_subscriber);
	ss_metrics_free(drain->metrics);
	ss_sink_deinit(&drain->metrics_sink);
	ss_json_deinit(&drain->metrics_json);
	ss_spans_deinit(&drain->spans);
	ss_otlp_deinit(&drain->otlp);
	ss_sink_deinit(&drain->sink);
	ss_written_deinit(&drain->written);
	ss_buffer_free(&drain->memory);
}

/* Hands one event, found sound, to the subscribers. Its payload is passed in place unless it wraps.
 */
static void pass_on(struct ss_drain *drain, const struct ss_source *source,
		    const struct ss_event *event, uint64_t position)
{
	const char *data = (const char *)drain->view->image + source->data_off;
	uint64_t start = (position + 1) & source->mask;
	uint64_t room = (source->mask + 1 - start) * SS_RECORD_BYTES;
	struct ss_hook_event hook;

	hook.time_ns = ss_clock_convert(&drain->clock, event->time);
	hook.span_id = event->span_id;
	hook.entry = event->entry;
	hook.kind = event->kind;
	hook.hook = event->hook;
	hook.flags = event->flags;
	hook.status = event->status;
	hook.payload_bytes = event->payload_bytes;
	hook.payload = data + start * SS_RECORD_BYTES;
	if (__builtin_expect(hook.payload_bytes > room, 0)) {
		memcpy(drain->scratch, hook.payload, room);
		memcpy(drain->scratch + room, data, hook.payload_bytes - room);
		hook.payload = drain->scratch;
	}
	if (event->kind == SS_EVENT_OPEN) {
		hook.parent_id = event->open.parent_id;
		hook.trace_hi = event->open.trace_hi;
		hook.trace_lo = event->open.trace_lo;
		hook.tid = event->open.tid;
		hook.result = 0;
	} else {
		hook.parent_id = hook.trace_hi = hook.trace_lo = 0;
		hook.tid = event->close.tid;
		hook.result = event->close.result;
	}
	ss_dispatch_event(&drain->dispatch, &hook);
	drain->consumed++;
}

/* Reads one ring up to its second head (alone: up to the first, see ss_spans_settle). */
static void consume(struct ss_drain *drain, struct ss_source *source, bool alone)
{
	uint64_t end = alone ? source->first : source->second, position = source->tail;

	while (position < end) {
		const struct ss_event *event = ss_source_peek(drain->view, source, position, end);

		if (__builtin_expect(event == NULL, 0)) {
			if (!drain->skip_torn && !source->retired) {
				drain->whole &= position >= source->first;
				break;
			}
			position = ss_source_skip(drain->view, source, position, end);
			drain->torn++;
			continue;
		}
		if (!alone)
			drain->spans.mode =
				position < source->first ? SS_SPANS_MIXED : SS_SPANS_LATE;
		pass_on(drain, source, event, position);
		position += event->records;
	}
	drain->changed |= position != source->tail;
	source->tail = position;
}

static void consume_all(struct ss_drain *drain)
{
	uint32_t i, busy = 0;

	drain->consumed = 0;
	drain->whole = true;
	for (i = 0; i < drain->view->ring_count; i++)
		busy += drain->sources[i].second > drain->sources[i].tail;
	drain->spans.mode = SS_SPANS_ALONE;
	for (i = 0; i < drain->view->ring_count; i++) {
		if (drain->sources[i].second > drain->sources[i].tail)
			consume(drain, &drain->sources[i], busy == 1 && !drain->skip_torn);
		ss_testpoint("ring consumed");
	}
}

/* What recovery will trust from the store of `batch` on. */
static void commit(struct ss_drain *drain)
{
	struct ss_image *image = drain->view->image;
	struct ss_commit *next = &image->commit[(image->batch + 1) & 1];
	uint32_t i;

	for (i = 0; i < drain->view->ring_count; i++)
		next->tails[i] = drain->sources[i].tail;
	next->spans_written = drain->spans_written;
	next->spans_lost = drain->spans_lost;
	next->orphans = drain->spans.orphans;
	next->last_ns = drain->spans.last_ns;
	ss_testpoint("commit filled");
	__atomic_store_n(&image->batch, image->batch + 1, __ATOMIC_RELEASE);
	ss_testpoint("batch stored");
	ss_spans_commit(&drain->spans);
}

static void end_batch(struct ss_drain *drain)
{
	struct ss_image *image = drain->view->image;

	ss_otlp_flush(&drain->otlp);
	ss_sink_end(&drain->sink);
	/* Recovery can be tried again when there is space: what was not written must stay. */
	if (!drain->view->live && drain->sink_error != 0)
		return;
	if (drain->changed)
		commit(drain);
	drain->changed = false;
	ss_source_publish(drain->sources, drain->view->ring_count);
	ss_testpoint("tails published");
	__atomic_fetch_add(&image->progress, 1, __ATOMIC_RELAXED);
	/* Partner: `block` producers sample it, register as waiters, look at the tail, then wait.
	 */
	__atomic_fetch_add(&image->space, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&image->space_waiters, __ATOMIC_SEQ_CST) != 0)
		syscall(SYS_futex, &image->space, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void begin_batch(struct ss_drain *drain)
{
	ss_image_count_rings(drain->view);
	ss_source_look(drain->sources, drain->view);
	if (drain->view->live)
		ss_clock_calibrate(&drain->clock, drain->view->image);
	ss_testpoint("heads read");
	consume_all(drain);
}

uint64_t ss_drain_batch(struct ss_drain *drain)
{
	begin_batch(drain);
	ss_spans_settle(&drain->spans, drain->whole);
	end_batch(drain);
	return drain->consumed;
}

void ss_drain_finish(struct ss_drain *drain)
{
	drain->skip_torn = true;
	begin_batch(drain);
	ss_spans_finish(&drain->spans);
	ss_otlp_flush(&drain->otlp);
	export_last(drain);
	if (!drain->written.losses)
		ss_losses_write(&drain->otlp, drain->view, drain->spans_lost);
	drain->changed = true;
	end_batch(drain);
}

void ss_drain_part(struct ss_drain *drain)
{
	drain->view->image->unsaid = drain->spans.map.count > 0 || drain->spans_lost > 0 ||
				     ss_losses_total(drain->view) > 0;
}

bool ss_drain_waiting(const struct ss_drain *drain)
{
	return drain->spans.ready.count + drain->spans.late.count + drain->spans.halves.count > 0 ||
	       !drain->whole;
}
