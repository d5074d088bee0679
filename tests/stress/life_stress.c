/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's and the collector's own sources as one program, so that ThreadSanitizer sees all sides
 * of what they share: threads that begin and end, nested calls, sessions by handle, a drain that
 * reads meanwhile, that is ended and started anew, forked children. At the end every call that was
 * made is in the dump, once. Calls are made by hand, without thunks.
 * Usage: life_stress threads|park|fork BINDING ROUNDS
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/collector.h"
#include "collector/recover.h"
#include "shim/config.h"
#include "shim/drain_thread.h"
#include "shim/hot.h"
#include "shim/intercept/declared.h"
#include "shim/intercept/intercept.h"
#include "shim/intercept/slot.h"
#include "shim/log.h"
#include "shim/process.h"
#include "shim/python/python.h"
#include "shim/ring_file.h"
#include "tests/e2e/load/load.h"
#include "tests/stress/require.h"

#define WORKERS      3
#define CHILD_ACTS   5
#define SESSION_ACTS 3

/* ---- what the shim's other files would define ---- */

char ss_thunks[SS_SLOTS * SS_THUNK_BYTES] __attribute__((aligned(64)));
void (*ss_python_current)(struct ss_python_current *ret_current);

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

void ss_arch_call_saved(void (*fn)(void *), void *arg)
{
	fn(arg);
}

void ss_arch_call_at_entry(void (*fn)(void *), void *arg)
{
	fn(arg);
}

void ss_log_line(const char *line)
{
	fprintf(stderr, "%s\n", line);
}

void ss_log(const char *format, ...)
{
	fprintf(stderr, "log: %s\n", format);
}

/* As long as it may take: all threads come with their first event meanwhile. */
static void *open_collector(const char *path, int mode)
{
	static bool opened;

	if (!opened)
		usleep(45000);
	opened = true;
	return (void *)path;
}

static void *find_in_collector(void *library, const char *name)
{
	if (strcmp(name, "ss_collector_run") == 0)
		return (void *)ss_collector_run;
	return strcmp(name, "ss_collector_backtrace") == 0 ? (void *)ss_collector_backtrace : NULL;
}

void ss_intercept_stats(struct ss_intercept_stats *ret_stats)
{
	*ret_stats = (struct ss_intercept_stats){ .slots = 1 };
}

void *ss_intercept_real(const char *name)
{
	if (strcmp(name, "dlopen") == 0)
		return (void *)open_collector;
	if (strcmp(name, "dlsym") == 0)
		return (void *)find_in_collector;
	return dlsym(RTLD_DEFAULT, name);
}

/* ---- wrapped calls ---- */

enum { OPEN, CLOSE, ACT, ACT_IN, AROUND, FUNCTIONS };
static const char *const names[FUNCTIONS] = { "load_open", "load_close", "load_act", "load_act_in",
					      "load_around" };
static uint64_t slots[FUNCTIONS];
static uint64_t made; /* spans; atomic */

static void enter(struct ss_frame *frame, int function, uint64_t a, uint64_t b, uint64_t c,
		  uint64_t d)
{
	memset(frame, 0, sizeof(*frame));
	frame->slot = slots[function];
	frame->gpr[0] = a;
	frame->gpr[1] = b;
	frame->gpr[2] = c;
	frame->gpr[3] = d;
	REQUIRE(ss_record_enter(frame).real != NULL);
}

static void leave(struct ss_frame *frame, uint64_t result)
{
	frame->result = result;
	if (frame->span)
		ss_record_exit(frame);
}

static void act(uint64_t number)
{
	struct ss_frame frame;

	enter(&frame, ACT, 1, number, 0, 0);
	leave(&frame, 0);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
}

static void nested(uint64_t number)
{
	struct ss_frame frame;

	enter(&frame, AROUND, 1, 0, 0, 0);
	act(number);
	leave(&frame, 1);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
}

static void *act_in(void *session)
{
	struct ss_frame frame;

	enter(&frame, ACT_IN, (uint64_t)session, 1, 2, 0);
	leave(&frame, 0);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Opened here, used and closed by threads of their own. */
static void session(void)
{
	static uint64_t last;
	uint64_t handle = 0x1000 + 64 * __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	struct ss_frame frame;
	pthread_t thread;

	enter(&frame, OPEN, (uint64_t)(uintptr_t) "name", 0, 0, 0);
	leave(&frame, handle);
	for (int i = 0; i < SESSION_ACTS; i++) {
		REQUIRE(!pthread_create(&thread, NULL, act_in, (void *)handle));
		act_in((void *)handle);
		pthread_join(thread, NULL);
	}
	enter(&frame, CLOSE, handle, 0, 0, 0);
	leave(&frame, 0);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
}

/* ---- threads ---- */

static int rounds, running;

static void *short_life(void *number)
{
	nested((uint64_t)number);
	return NULL;
}

static void *work(void *arg)
{
	pthread_t thread;

	for (int i = 0; i < rounds; i++) {
		REQUIRE(!pthread_create(&thread, NULL, short_life, (void *)(uint64_t)i));
		nested((uint64_t)i);
		session();
		pthread_join(thread, NULL);
	}
	__atomic_sub_fetch(&running, 1, __ATOMIC_RELEASE);
	return arg;
}

static void park(void)
{
	bool alone = ss_process_alone();

	act(0); /* waits in the ring, or comes after a drain that could not be ended */
	if (alone)
		ss_process_drain_again();
}

/* Has nobody to write its spans: its ring file is recovered later. */
static void fork_child(void)
{
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < CHILD_ACTS; i++)
			nested((uint64_t)i);
		ss_process_finish();
		_exit(0);
	}
	REQUIRE(waitpid(child, NULL, 0) == child);
	__atomic_add_fetch(&made, 2 * CHILD_ACTS, __ATOMIC_RELAXED);
}

static void run(const char *what)
{
	pthread_t threads[WORKERS];

	running = WORKERS;
	for (int i = 0; i < WORKERS; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, work, NULL));
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE)) {
		if (strcmp(what, "park") == 0)
			park();
		else if (strcmp(what, "fork") == 0)
			fork_child();
		else
			ss_process_flush();
		usleep(500);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- beginning and end ---- */

static char directory[] = "/tmp/spanshim-life-XXXXXX", out[64];

static void begin(const char *binding)
{
	static struct ss_config config;
	static struct ss_ring_file_facts facts = { .config = &config,
						   .program = "life",
						   .executable = "/life",
						   .cwd = "/",
						   .enabled = ~0ull };
	char rings[64], error[512] = "", dir_variable[96], out_variable[96];
	char *environment[] = { dir_variable, out_variable, "SPANSHIM_ON_FULL=block",
				"SPANSHIM_RING_BYTES=256K", NULL };
	void *table = NULL;

	REQUIRE(mkdtemp(directory));
	snprintf(rings, sizeof(rings), "%s/rings", directory);
	snprintf(out, sizeof(out), "%s/out.jsonl", directory);
	REQUIRE(mkdir(rings, 0700) == 0);
	snprintf(dir_variable, sizeof(dir_variable), "SPANSHIM_DIR=%s", rings);
	snprintf(out_variable, sizeof(out_variable), "SPANSHIM_OUT=%s", out);
	ss_config_read(&config, environment, NULL);
	ss_config_sampling(&config, &facts.sampling);
	if (ss_collector_compile(SS_COLLECTOR_ABI, binding, &table, error, sizeof(error)))
		fprintf(stderr, "%s\n", error);
	REQUIRE(table);
	facts.table = table;
	/* Only looked for, see open_collector. */
	snprintf(error, sizeof(error), "%s/libspanshim-collector.so", directory);
	REQUIRE(symlink("/dev/null", error) == 0);
	ss_drain_thread_locate(error);
	REQUIRE(ss_process_init(&facts) == 0);
	REQUIRE(ss_declared_set(table, ~0ull) == 0);
	for (int i = 0; i < FUNCTIONS; i++) {
		void *real = dlsym(RTLD_DEFAULT, names[i]);
		char *thunk = ss_slot_thunk(ss_declared_find(names[i]), real);

		REQUIRE(thunk != real);
		slots[i] = (uint64_t)(thunk - ss_thunks) / SS_THUNK_BYTES;
	}
}

static void report(void *context, const char *path, int rc, const struct ss_recover_stats *stats)
{
	REQUIRE(rc == 0 && stats->torn == 0 && stats->orphans == 0 && stats->unfinished == 0);
}

static uint64_t count_in_dump(const char *needle)
{
	FILE *file = fopen(out, "re");
	uint64_t count = 0;
	char *line = NULL;
	size_t bytes = 0;

	REQUIRE(file);
	while (getline(&line, &bytes, file) > 0)
		for (const char *at = line; (at = strstr(at, needle)); at++)
			count++;
	free(line);
	fclose(file);
	return count;
}

static void end(void)
{
	char rings[64], command[96];

	ss_process_finish();
	snprintf(rings, sizeof(rings), "%s/rings", directory);
	REQUIRE(ss_recover_dir(rings, report, NULL) == 0);
	printf("made %llu, written %llu\n", (unsigned long long)made,
	       (unsigned long long)count_in_dump("\"spanId\":"));
	REQUIRE(count_in_dump("\"spanId\":") == made);
	REQUIRE(count_in_dump("spanshim.dropped") == 0);
	REQUIRE(count_in_dump("unfinished") == 0);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	REQUIRE(system(command) == 0);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	load_act(0, 0); /* so that the linker keeps the library */
	rounds = atoi(argv[3]);
	begin(argv[2]);
	run(argv[1]);
	end();
	return 0;
}
