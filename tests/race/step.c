/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring's and the drain's protocols, one instruction at a time, in a program with the real
 * shim. After each instruction that changed the ring file it is recovered as a kill there would
 * leave it. RACE_ALL in the environment: without leaving instructions out. x86-64.
 * Usage: race_step VICTIM SHIM BINDING SCENARIO
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/race/signals.h"
#include "tests/race/snapshot.h"
#include "tests/race/trace.h"
#include "tests/race/victim.h"

static struct trace trace;
static struct snapshot snapshot;
static const char *victim_path, *shim_path, *binding_path;
static bool all; /* RACE_ALL */

/* ---- the victim ---- */

static void start(const char *what, const char *count, bool frozen)
{
	/* Few rings, so that a copy is cheap; the drain's arena needs room. */
	struct rlimit limit = { frozen ? 1u << 18 : 1u << 20, RLIM_INFINITY };
	char *argv[] = { (char *)victim_path, (char *)what, (char *)count, NULL };
	char preload[512], bindings[512], rings[160], out[160];
	char *envp[] = { preload,
			 bindings,
			 rings,
			 out,
			 "SPANSHIM_RING_BYTES=65536",
			 "SPANSHIM_FLUSH_MS=1",
			 "SPANSHIM_LOG=stderr",
			 NULL };

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", shim_path);
	snprintf(bindings, sizeof(bindings), "SPANSHIM_BINDINGS=%s", binding_path);
	snapshot_begin(&snapshot);
	snprintf(rings, sizeof(rings), "SPANSHIM_DIR=%s", snapshot.rings);
	snprintf(out, sizeof(out), "SPANSHIM_OUT=%s", snapshot.out);
	trace_start(&trace, argv, envp, frozen);
	REQUIRE(prlimit(trace.pid, RLIMIT_FSIZE, &limit, NULL) == 0, "no limit");
	REQUIRE(trace_run(&trace, trace.pid) == TRACE_MARK, "the victim does not begin");
	limit.rlim_cur = RLIM_INFINITY;
	if (!frozen)
		prlimit(trace.pid, RLIMIT_FSIZE, &limit, NULL);
}

static void finish(const char *what, uint64_t states)
{
	trace_end(&trace);
	printf("%s: %lu instructions, %lu states\n", what, (unsigned long)trace.steps,
	       (unsigned long)snapshot.states);
	REQUIRE(snapshot.states >= states, "too few states");
	snapshot_end(&snapshot);
}

/* ---- a kill at each instruction ---- */

/* What had been seen in an earlier state is never lost again. */
struct progress {
	uint32_t spans, finished, name_bytes, torn_states;
};

/* The longest run of 'n': as much as there is of the session's name. */
static uint32_t name_bytes(const struct snapshot_spans *spans)
{
	uint32_t longest = 0, run = 0;

	for (const char *at = spans->text; *at; at++) {
		run = *at == 'n' ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest > 10 ? longest : 0;
}

/* Each event's parts are all there. */
static void expect_whole(const struct snapshot_spans *spans)
{
	uint32_t acts = snapshot_count(spans, "\"action load\"");

	REQUIRE(snapshot_count(spans, "\"load.level\",\"value\":{\"intValue\":\"1\"}") +
				snapshot_count(spans, "\"load.sequence\"") ==
			acts,
		"half of an event");
	REQUIRE(snapshot_count(spans, "\"load.thread\",\"value\":{\"intValue\":\"7\"}") ==
			snapshot_count(spans, "\"load.sequence\""),
		"a strange value");
	REQUIRE(acts + snapshot_count(spans, "\"session load\"") == spans->spans, "strange spans");
	REQUIRE(snapshot_count(spans, "\"traceId\":\"0000000000000000") == 0, "no trace");
}

static void look(struct progress *progress)
{
	const struct snapshot_spans *spans;
	uint32_t finished, bytes;

	if (!snapshot_changed(&snapshot))
		return;
	spans = snapshot_recover(&snapshot);
	finished = spans->spans - spans->unfinished;
	bytes = name_bytes(spans);
	REQUIRE(spans->stats.torn <= 1, "%lu torn", (unsigned long)spans->stats.torn);
	REQUIRE(spans->stats.orphans == 0 && spans->stats.unreadable == 0, "orphans");
	REQUIRE(spans->spans == spans->stats.spans, "doubled");
	REQUIRE(spans->spans >= progress->spans && finished >= progress->finished, "lost again");
	REQUIRE(bytes >= progress->name_bytes, "the name was longer");
	expect_whole(spans);
	progress->torn_states += spans->stats.torn;
	*progress = (struct progress){ spans->spans, finished, bytes, progress->torn_states };
}

static enum trace_stop step_on(pid_t tid, struct progress *progress)
{
	enum trace_stop stop;

	do {
		stop = trace_step(&trace, tid, 0);
		look(progress);
	} while (stop == TRACE_STEP);
	return stop;
}

/* Nested acts on a thread whose ring and records are there. */
static void kill_nested(void)
{
	struct progress progress = { 0 };

	start("nested", "1", true);
	step_on(trace.pid, &progress);
	REQUIRE(progress.spans == 3 && progress.finished == 3, "%u spans", progress.spans);
	REQUIRE(progress.torn_states > 10, "no event was seen half-way");
	finish("nested", 40);
}

/* Events of several records, further ones for a long text, laps of the ring. */
static void kill_session(void)
{
	int laps = all ? 12 : 3; /* the third one wraps around */

	start("session", "12", true);
	for (int i = 0; i < laps; i++) {
		struct progress progress = { 0 };

		REQUIRE(snapshot_changed(&snapshot) || i > 0, "no ring");
		snapshot_consume(&snapshot);
		if (!all && i + 1 < laps) {
			trace_run(&trace, trace.pid);
			continue;
		}
		step_on(trace.pid, &progress);
		REQUIRE(progress.spans == 1 && progress.finished == 1, "%u", progress.spans);
		REQUIRE(progress.name_bytes == VICTIM_NAME_BYTES, "%u of the name",
			progress.name_bytes);
		REQUIRE(progress.torn_states > 10, "no event was seen half-way");
	}
	finish("session", 100);
}

/* A ring that gets full: exact counts. */
static void kill_full(void)
{
	struct progress progress = { 0 };
	const struct snapshot_spans *spans = NULL;
	uint32_t made = 1;

	start("act", "40", true);
	for (; made < 15; made++)
		trace_run(&trace, trace.pid);
	for (; made < 18; made++) {
		step_on(trace.pid, &progress);
		spans = snapshot_recover(&snapshot);
		REQUIRE(spans->spans + spans->stats.lost == made + 1, "%u spans, %lu lost of %u",
			spans->spans, (unsigned long)spans->stats.lost, made + 1);
	}
	REQUIRE(spans->stats.lost > 0, "the ring was never full");
	finish("full", 20);
}

static struct ss_ring *rings(void)
{
	return (struct ss_ring *)((char *)snapshot.image + snapshot.image->rings_off);
}

/* A thread from before its first event to its end: it takes a ring and gives it back. */
static void kill_thread(void)
{
	struct progress progress = { 0 };
	pid_t tid;

	start("thread", "1", true);
	tid = trace_next_mark(&trace, trace.pid);
	REQUIRE(step_on(tid, &progress) == TRACE_END, "the thread goes on");
	REQUIRE(progress.spans == 3 && progress.finished == 3, "%u spans", progress.spans);
	REQUIRE(rings()[1].state == SS_RING_RETIRED, "its ring is %u", rings()[1].state);
	finish("thread", 40);
}

/* The process's first event: the ring file in the making. */
static void kill_image(void)
{
	struct progress progress = { 0 };
	enum trace_stop stop;

	start("image", "1", true);
	do {
		stop = trace_step(&trace, trace.pid, 0);
		look(&progress);
		/* Not waited for: it does not come. */
		if (trace.drain && snapshot.image->drain_state == SS_DRAIN_STARTING)
			snapshot.image->drain_state = SS_DRAIN_RUNNING;
	} while (stop == TRACE_STEP);
	REQUIRE(progress.spans == 1 && progress.finished == 1, "%u spans", progress.spans);
	finish("image", 60);
}

/* ---- the drain ---- */

/* Lets the drain read all there is, at its own pace. */
static void flush(void)
{
	uint32_t request;

	snapshot_changed(&snapshot);
	request = snapshot_ask(&snapshot);
	for (int i = 0; !snapshot_served(&snapshot, request); i++) {
		REQUIRE(i < 100000, "no flush");
		usleep(100);
	}
}

/* Steps a drain that is held through a whole batch; `between` comes after each instruction. */
static void step_drain(void (*between)(uint64_t number))
{
	uint32_t request = snapshot_ask(&snapshot);

	for (uint64_t i = 0; !snapshot_served(&snapshot, request); i++) {
		REQUIRE(trace_step(&trace, trace.drain, 0) == TRACE_STEP, "the drain ended");
		between(i);
	}
}

static uint32_t opened, open_now;

/* Whatever the drain is doing, each span is there once. */
static void look_at_drain(uint64_t number)
{
	const struct snapshot_spans *spans;

	(void)number;
	if (!snapshot_changed(&snapshot))
		return;
	spans = snapshot_recover(&snapshot);
	REQUIRE(spans->spans == opened && spans->unfinished == open_now,
		"%u spans of %u, %u of %u open", spans->spans, opened, spans->unfinished, open_now);
	REQUIRE(spans->stats.torn + spans->stats.orphans + spans->stats.unreadable == 0, "damaged");
}

/* A kill at each of the drain's instructions: spans that begin, stay and end in its batches. */
static void kill_drain(void)
{
	start("opened", "9", false);
	opened = 2; /* act 0 is closed, the first around is open */
	open_now = 1;
	flush();
	trace_hold_drain(&trace);
	for (int i = 0; i < (all ? 8 : 2); i++) {
		trace_run(&trace, trace.pid);
		opened++; /* the act; or the next one around, while the last one ends */
		step_drain(look_at_drain);
	}
	finish("drain", 40);
}

/* One more act of the producer, at each of the drain's instructions. */
static void act_between(uint64_t number)
{
	if (number % (all ? 1 : 256) == 0 && trace_run(&trace, trace.pid) == TRACE_MARK)
		opened++;
}

/* The next of the victim's threads, before its first call. */
static pid_t next_thread(void)
{
	pid_t tid = trace_next_mark(&trace, trace.pid);

	return tid == trace.pid ? trace_next_mark(&trace, trace.pid) : tid;
}

/* A thread's whole life. */
static void thread_between(uint64_t number)
{
	if (number % (all ? 128 : 2048) != 0)
		return;
	REQUIRE(trace_run(&trace, next_thread()) == TRACE_END, "the thread goes on");
	opened += 2;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(*(const char *const *)a, *(const char *const *)b, 16);
}

static void expect_once(const struct snapshot_spans *spans)
{
	const char **ids = calloc(spans->spans + 1, sizeof(*ids)), *at = spans->text;
	uint32_t count = 0;

	while (ids && (at = strstr(at, "\"spanId\":\"")) != NULL)
		ids[count++] = at += 10;
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (uint32_t i = 1; i < count; i++)
		REQUIRE(compare_ids(&ids[i - 1], &ids[i]) != 0, "%.16s is there twice", ids[i]);
	free(ids);
}

static void expect_all(void)
{
	const struct snapshot_spans *spans;
	uint64_t lost = snapshot.image->dropped[SS_DROP_NO_RING][SS_EVENT_OPEN];

	for (uint32_t i = 0; i < snapshot.image->rings_used; i++)
		lost += rings()[i].dropped[SS_DROP_RING_FULL][SS_EVENT_OPEN];
	spans = snapshot_dump(&snapshot);
	REQUIRE(spans->spans + lost == opened && spans->unfinished == 0,
		"%u spans, %lu lost of %u, %u unfinished", spans->spans, (unsigned long)lost,
		opened, spans->unfinished);
	expect_whole(spans);
	expect_once(spans);
}

/* Batches, and what the producers do meanwhile. */
static void step_batches(const char *victim, void (*between)(uint64_t number))
{
	start(victim, "100000", false);
	flush();
	opened = 1;
	trace_hold_drain(&trace);
	for (int i = 0; i < 2; i++)
		step_drain(between);
	trace_release_drain(&trace);
	flush();
	flush();
	expect_all();
	snapshot.states = opened;
	finish(victim, 50);
}

static void acts_between(void)
{
	step_batches("act", act_between);
}

static void threads_between(void)
{
	step_batches("thread", thread_between);
}

/* The drain reads all there is at each instruction of a thread's life that changes a ring. */
static void beside(void)
{
	int threads = 2;
	pid_t tid;

	start("thread", "2", false);
	opened = 1;
	for (int i = 0; i < threads; i++) {
		enum trace_stop stop;

		tid = next_thread();
		do {
			stop = trace_step(&trace, tid, 0);
			if (snapshot_changed(&snapshot)) {
				flush();
				snapshot_changed(&snapshot);
			}
		} while (stop == TRACE_STEP);
		opened += 2;
	}
	flush();
	flush();
	expect_all();
	REQUIRE(snapshot.image->rings_used == 2, "%u rings", snapshot.image->rings_used);
	finish("beside", 100);
}

/* ---- signals ---- */

/* To the end of the process: what it made is all there, and ended. */
static void expect_all_at_end(void)
{
	while (trace_next_mark(&trace, trace.pid) != 0)
		;
	snapshot.states = opened;
	expect_all();
}

/* Nobody writes to a ring that is nobody's. */
static void check_rings(void)
{
	static uint64_t heads[SS_RINGS_MAX];

	for (uint32_t i = 0; i < snapshot.image->rings_used; i++) {
		uint32_t state = __atomic_load_n(&rings()[i].state, __ATOMIC_ACQUIRE);
		bool idle = state == SS_RING_FREE || state == SS_RING_RETIRED;

		REQUIRE(!idle || !heads[i] || heads[i] == rings()[i].head + 1,
			"ring %u in state %u was written to", i, state);
		heads[i] = idle ? rings()[i].head + 1 : 0;
	}
}

/* A thread that is interrupted in each of its steps. */
static void signals_dense(void)
{
	pid_t tid;

	start("thread", "2", false);
	REQUIRE(snapshot_changed(&snapshot), "no ring");
	signals_find_shim(trace.pid, shim_path);
	opened = 1;
	for (int i = 0; i < 2; i++) {
		tid = next_thread();
		opened += 2 + signals_everywhere(&trace, tid, all ? 1 : 19, check_rings);
	}
	expect_all_at_end();
	finish("signals", 100);
}

/* Many threads, each interrupted once: what a thread does only the first time. */
static void signals_first(void)
{
	uint32_t count, missed = 0, step = all ? 1 : 3;
	uint64_t *places;

	start("thread", "100000", false);
	signals_find_shim(trace.pid, shim_path);
	trace_run(&trace, next_thread()); /* which prepares the ring that the others take */
	flush();
	count = signals_places(&trace, next_thread(), &places);
	opened = 5;
	for (uint32_t i = 0; i < count; i += step) {
		bool interrupted;

		flush();
		interrupted = signals_at(&trace, next_thread(), places[i]);
		opened += 2 + interrupted;
		missed += !interrupted;
	}
	snapshot.states = count;
	flush();
	flush();
	expect_all();
	REQUIRE(missed < count / step / 4, "%u of %u not reached", missed, count / step);
	/* One that is interrupted behind the end of its first ring takes another one. */
	REQUIRE(snapshot.image->rings_used <= 3, "%u rings", snapshot.image->rings_used);
	finish("first", 100);
}

static const struct scenario {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{ "nested", kill_nested },    { "session", kill_session },    { "full", kill_full },
	{ "thread", kill_thread },    { "image", kill_image },        { "drain", kill_drain },
	{ "acts", acts_between },     { "threads", threads_between }, { "beside", beside },
	{ "signals", signals_dense }, { "first", signals_first },
};

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	victim_path = argv[1];
	shim_path = argv[2];
	binding_path = argv[3];
	all = getenv("RACE_ALL") != NULL;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(scenarios[i].name, argv[4]) != 0)
			continue;
		scenarios[i].run();
		return 0;
	}
	return 2;
}
