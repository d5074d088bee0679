/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins behind a drain, and what they may do to it: the plugin is this program itself.
 */
#include "collector/plugins.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector/drain.h"
#include "collector/include/spanshim/plugin.h"
#include "fixture.h"
#include "shim/field.h"

static struct fixture fixture;
static struct ss_image_view view;
static struct ss_drain drain;
static struct ss_plugins *plugins;
static char last_log[1024];
static uint32_t log_lines;

/* ---- the plugin */

enum way { FINE, GARBAGE, FAILS, EXITS, CANCELS, CHANGES, SLEEPS, WAITED };
static enum way way;
static int init_result, inits, finis, calls;
static char seen[4096]; /* "kind:span," of each event */
static void (*look)(const struct spanshim_event *event);

static int init(const struct spanshim_host *host, void **ret_state)
{
	inits++;
	*ret_state = &inits;
	cr_expect_eq(host->pid, 0x3fffffff);
	cr_expect_str_eq(host->program, "prog");
	if (way == EXITS && init_result != 0)
		pthread_exit(NULL);
	return init_result;
}

static void change_thread(void)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	fesetround(FE_UPWARD);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
}

static void cancel_itself(void)
{
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_cancel(pthread_self());
	pthread_testcancel();
}

static int on_event(void *state, const struct spanshim_event *event)
{
	struct timespec pause = { 0, 120000000 };
	size_t used = strlen(seen);

	calls++;
	cr_expect_eq(state, &inits);
	snprintf(seen + used, sizeof(seen) - used, "%u:%llu,", event->kind,
		 (unsigned long long)event->span_id);
	if (look != NULL)
		look(event);
	switch (way) {
	case GARBAGE:
		return 1;
	case FAILS:
		return -EIO;
	case EXITS:
		pthread_exit(NULL);
	case CANCELS:
		cancel_itself();
		break;
	case CHANGES:
		change_thread();
		break;
	case SLEEPS:
		nanosleep(&pause, NULL);
		break;
	case WAITED:
		__atomic_fetch_add(&fixture.image->flush_request, 1, __ATOMIC_RELEASE);
		break;
	default:
		break;
	}
	return 0;
}

static void fini(void *state)
{
	finis++;
}

const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI,
	sizeof(struct spanshim_plugin),
	"unit",
	SPANSHIM_ALL_HOOKS,
	init,
	on_event,
	fini,
};

/* ---- around it */

static void log_line(const char *line)
{
	snprintf(last_log, sizeof(last_log), "%s", line);
	log_lines++;
}

static void *open_self(const char *file, int mode)
{
	return dlopen(NULL, mode);
}

static void start(uint32_t rings)
{
	const char *reason;

	fixture_make(&fixture, rings, 65536);
	fixture.image->plugins_str = fixture.image->program_str; /* any name will do */
	fixture.image->in_plugin = SS_PLUGIN_LOADING;
	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0);
	cr_assert_eq(ss_drain_init(&drain, &view), 0);
	plugins = ss_plugins_new(&view, open_self, log_line);
	cr_expect_eq(fixture.image->in_plugin, SS_PLUGIN_NONE);
	cr_assert_eq(ss_plugins_subscribe(plugins, &drain.dispatch), 0);
}

static enum ss_plugins_rest batch(void)
{
	const struct ss_image *image = fixture.image;
	enum ss_plugins_rest rest;

	ss_drain_batch(&drain);
	ss_plugins_settle(plugins, drain.whole);
	do /* a slow machine's rounds are short */
		rest = ss_plugins_deliver(plugins, false);
	while (rest == SS_PLUGINS_BUSY && image->flush_request == image->flush_done);
	return rest;
}

static void stop(void)
{
	ss_drain_finish(&drain);
	ss_plugins_finish(plugins);
	ss_plugins_free(plugins);
	ss_drain_deinit(&drain);
	fixture_remove(&fixture);
}

static void put_span(uint32_t ring, uint64_t id)
{
	fixture_open(&fixture, ring, FIX_CALL, id, 0, NULL);
	fixture_close(&fixture, ring, FIX_CALL, id, SS_STATUS_OK, 0, NULL);
}

static void run_batches(void)
{
	put_span(0, 1);
	put_span(0, 2);
	batch();
	batch();
	batch();
}

Test(plugins, none_are_asked_for)
{
	fixture_make(&fixture, 1, 65536);
	ss_image_attach(fixture.image, &view, &(const char *){ NULL });
	plugins = ss_plugins_new(&view, open_self, log_line);
	cr_expect_null(plugins);
	cr_expect_eq(ss_plugins_subscribe(NULL, NULL), 0);
	ss_plugins_settle(NULL, true);
	cr_expect_eq(ss_plugins_deliver(NULL, true), SS_PLUGINS_IDLE);
	cr_expect_not(ss_plugins_full(NULL));
	ss_plugins_finish(NULL);
	ss_plugins_free(NULL);
	fixture_remove(&fixture);
}

Test(plugins, events_come_after_the_next_batch)
{
	start(1);
	put_span(0, 1);
	cr_expect_eq(batch(), SS_PLUGINS_HELD);
	cr_expect_str_empty(seen);
	cr_expect_eq(batch(), SS_PLUGINS_IDLE);
	cr_expect_str_eq(seen, "1:1,2:1,");
	put_span(0, 2);
	stop();
	cr_expect_str_eq(seen, "1:1,2:1,1:2,2:2,");
	cr_expect_eq(inits, 1);
	cr_expect_eq(finis, 1);
	cr_expect_eq(log_lines, 0, "%s", last_log);
}

/* The opening event lies behind one that its thread has not finished. */
Test(plugins, closing_is_read_batches_before_opening)
{
	struct ss_ring *ring;
	uint64_t position;

	start(2);
	ring = (struct ss_ring *)((char *)fixture.image + fixture.image->rings_off) + 1;
	position = fixture_open(&fixture, 1, FIX_CALL, 9, 0, NULL);
	ss_ring_record(fixture.image, ring, position)->commit = 0;
	fixture_open(&fixture, 1, FIX_SESSION, 1, 0, NULL);
	fixture_point(&fixture, 0, 1, NULL);
	fixture_close(&fixture, 0, FIX_CLOSE, 1, SS_STATUS_OK, 0, NULL);
	batch();
	batch();
	batch();
	cr_expect_str_empty(seen);
	ss_ring_record(fixture.image, ring, position)->commit = (uint32_t)(position + 1);
	batch();
	batch();
	cr_expect_str_eq(seen, "1:9,1:1,3:1,2:1,");
	stop();
}

Test(plugins, a_breach_ends_its_use)
{
	start(1);
	way = GARBAGE;
	run_batches();
	cr_expect_eq(calls, 1);
	cr_expect_str_eq(last_log, "plugin unit: on_event returned 1, expected 0 or a negative "
				   "errno: no more events for it");
	stop();
	cr_expect_eq(finis, 0);
	cr_expect_eq(log_lines, 1);
}

Test(plugins, errors_are_counted)
{
	start(1);
	way = FAILS;
	run_batches();
	cr_expect_eq(calls, 4);
	cr_expect_str_eq(last_log, "plugin unit: cannot handle an event: Input/output error");
	stop();
	cr_expect_not_null(strstr(last_log, "; 4 not handled"));
	cr_expect_eq(finis, 1);
	cr_expect_eq(log_lines, 2);
}

Test(plugins, a_failed_init)
{
	init_result = -ENOMEM;
	start(1);
	cr_expect_null(plugins);
	cr_expect_str_eq(last_log, "plugin unit: init failed: Cannot allocate memory: not used");
	run_batches();
	stop();
	cr_expect_eq(calls + finis, 0);
}

Test(plugins, an_init_of_garbage)
{
	init_result = 5;
	start(1);
	cr_expect_null(plugins);
	cr_expect_str_eq(last_log,
			 "plugin unit: init returned 5, expected 0 or a negative errno: not used");
	stop();
}

/* On a thread of its own, as the drain's: the test's first thread would end the process. */
static void *live_on(void *ended)
{
	int state;

	start(1);
	if (plugins != NULL)
		run_batches();
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	cr_expect_eq(state, PTHREAD_CANCEL_DISABLE);
	stop();
	*(bool *)ended = true;
	return NULL;
}

static void end_thread(enum way how, const char *expected)
{
	bool ended = false;
	pthread_t thread;

	way = how;
	cr_assert_eq(pthread_create(&thread, NULL, live_on, &ended), 0);
	pthread_join(thread, NULL);
	cr_expect(ended);
	cr_expect_str_eq(last_log, expected);
	cr_expect_eq(finis, 0);
}

Test(plugins, its_pthread_exit_does_not_end_the_drain)
{
	end_thread(EXITS, "plugin unit: on_event ended its thread: no more events for it");
	cr_expect_eq(calls, 1);
}

Test(plugins, its_cancellation_does_not_end_the_drain)
{
	end_thread(CANCELS, "plugin unit: on_event ended its thread: no more events for it");
	cr_expect_eq(calls, 1);
}

Test(plugins, an_init_that_exits)
{
	init_result = 1;
	end_thread(EXITS, "plugin unit: init ended its thread: not used");
	cr_expect_eq(calls, 0);
}

Test(plugins, the_thread_is_put_back)
{
	sigset_t all, now;
	int state;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	start(1);
	way = CHANGES;
	run_batches();
	cr_expect_eq(calls, 4);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	cr_expect_eq(sigismember(&now, SIGTERM), 1);
	cr_expect_eq(sigismember(&now, SIGUSR1), 1);
	cr_expect_eq(fegetround(), FE_TONEAREST);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	cr_expect_eq(state, PTHREAD_CANCEL_DISABLE);
	cr_expect_str_eq(last_log,
			 "plugin unit: left the thread changed (signal mask, cancellation "
			 "or floating-point mode): put back");
	stop();
	cr_expect_eq(log_lines, 1);
	cr_expect_eq(finis, 1);
}

Test(plugins, a_host_that_begins_to_wait_comes_first)
{
	start(1);
	way = WAITED;
	put_span(0, 1);
	batch();
	cr_expect_eq(batch(), SS_PLUGINS_BUSY);
	cr_expect_eq(calls, 1);
	fixture.image->flush_done = fixture.image->flush_request;
	cr_expect_eq(batch(), SS_PLUGINS_BUSY);
	cr_expect_eq(calls, 2);
	/* it waits already: all it may have */
	put_span(0, 2);
	batch();
	ss_drain_batch(&drain);
	ss_plugins_settle(plugins, true);
	cr_expect_eq(ss_plugins_deliver(plugins, true), SS_PLUGINS_IDLE);
	cr_expect_eq(calls, 4);
	stop();
}

Test(plugins, the_end_is_bounded, .timeout = 30)
{
	uint64_t id;

	start(1);
	way = SLEEPS;
	for (id = 1; id <= 50; id++)
		put_span(0, id);
	stop();
	cr_expect_lt(calls, 50);
	cr_expect_gt(calls, 0);
	cr_expect_eq(finis, 1);
	cr_expect_eq(log_lines, 3); /* slow, not delivered, totals */
}

static void look_at_values(const struct spanshim_event *event)
{
	const struct spanshim_attribute *strings;
	uint32_t at = 0, size = 0;

	cr_expect_eq(event->trace_hi, 0xa0a1a2a3a4a5a6a7ull);
	cr_expect_eq(event->parent_id, 42);
	cr_expect_str_eq(event->binding, "db");
	cr_expect_eq(event->flags & SPANSHIM_STRAY, 0);
	cr_expect_str_eq(event->correlation_id, "of mine");
	if (event->kind != SPANSHIM_OPEN) {
		cr_expect_eq(event->result, -3);
		cr_expect_eq(event->status, SPANSHIM_ERROR);
		cr_expect_str_eq(event->symbol, "db_close");
		return;
	}
	cr_expect_str_eq(event->symbol, "db_open");
	cr_expect_str_eq(event->role, "session");
	cr_expect_str_eq(event->hook_name, "component_pre_execute");
	cr_expect_eq(spanshim_int(spanshim_named(event, "number"), 0), -12);
	cr_expect_eq(spanshim_double(spanshim_named(event, "real"), 0), 0.5);
	cr_expect_eq(spanshim_double(spanshim_named(event, "number"), 0), -12.0);
	cr_expect_eq(spanshim_bool(spanshim_named(event, "flag"), 0), 1);
	/* eight bytes: no padding behind them */
	cr_expect_str_eq(spanshim_string(spanshim_named(event, "text"), ""), "12345678");
	cr_expect_str_eq(spanshim_string(spanshim_field(event, SPANSHIM_FIELD_MODEL), ""), "m");
	cr_expect_str_eq(spanshim_string(spanshim_named(event, "model"), ""), "m");
	cr_expect_str_eq(spanshim_string(spanshim_named(event, "nothing"), "other"), "other");
	cr_expect_eq(spanshim_int(spanshim_named(event, "text"), 77), 77);
	cr_expect_str_eq(spanshim_string(spanshim_named(event, "number"), "no"), "no");
	strings = spanshim_field(event, SPANSHIM_FIELD_FINISH_REASONS);
	cr_assert_not_null(strings);
	cr_expect_arr_eq(spanshim_next_string(strings, &at, &size), "stop", 4);
	cr_expect_eq(size, 4);
	cr_expect_arr_eq(spanshim_next_string(strings, &at, &size), "", 0);
	cr_expect_eq(size, 0);
	cr_expect_null(spanshim_next_string(strings, &at, &size));
}

Test(plugins, values)
{
	static const char *const reasons[] = { "stop", "" };
	struct payload payload = { 0 };

	start(1);
	look = look_at_values;
	payload_text(&payload, SS_FIELD_CORRELATION_ID, "of mine", 7, 0);
	payload_int(&payload, fixture.key_number, -12);
	payload_double(&payload, fixture.key_real, 0.5);
	payload_bool(&payload, fixture.key_flag, 1);
	payload_text(&payload, fixture.key_text, "12345678", 8, 0);
	payload_text(&payload, SS_FIELD_MODEL, "m", 1, 0);
	payload_strings(&payload, SS_FIELD_FINISH_REASONS, reasons, 2);
	fixture_open(&fixture, 0, FIX_SESSION, 1, 42, &payload);
	fixture_close(&fixture, 0, FIX_CLOSE, 1, SS_STATUS_ERROR, -3, NULL);
	batch();
	batch();
	cr_expect_eq(calls, 2);
	stop();
}

Test(plugins, hex)
{
	char text[17];

	cr_expect_str_eq(spanshim_hex(0x0123456789abcdefull, text), "0123456789abcdef");
}
