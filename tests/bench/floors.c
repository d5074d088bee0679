/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of a wrapped call cost on this machine, with nothing of ours around them: how much
 * of a wrapped call no better code could save. Prints one line for each, "NAME NS": the median over
 * many rounds of the nanoseconds that a call of foo() through a pointer takes, or takes more with
 * the part around it. The thunk is the real one (thunk.S), its two ends empty. No shim is loaded.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "frame.h"
#include "shim/intercept/intercept.h"
#include "shim/intercept/slot.h"
#include "tests/bench/foo.h"

#define ROUNDS     101
#define CALLS      20000
#define LINE_WORDS 8u
#define RING_WORDS ((1u << 20) / 8u) /* as large as the first threads' rings are by default */

typedef int (*function)(int);

static uint64_t *ring, position;
static volatile uint64_t clock_sink;

/* What thunk.S refers to: two ends that do nothing, and a loader that it never looks at. */
void *ss_dl_symbol(void *handle, const char *name, const char *version, void *caller);
int ss_unwind_personality(void);
void *ss_dl_dlsym, *ss_dl_dlvsym;

struct ss_enter_result ss_record_enter(struct ss_frame *frame)
{
	frame->span = 1;
	return (struct ss_enter_result){ (void *)foo, 0 };
}

void ss_record_exit(struct ss_frame *frame)
{
}

void *ss_dl_symbol(void *handle, const char *name, const char *version, void *caller)
{
	return NULL;
}

int ss_unwind_personality(void)
{
	return 0;
}

static void store_record(uint64_t a, uint64_t b)
{
	uint64_t *line = ring + position * LINE_WORDS % RING_WORDS;

	for (unsigned i = 1; i < LINE_WORDS; i++)
		line[i] = i & 1 ? a : b;
	__atomic_store_n(line, ++position, __ATOMIC_RELEASE);
}

static function volatile real = foo;

static __attribute__((noinline)) int call_plain(int x)
{
	return real(x);
}

static __attribute__((noinline)) int call_clocked(int x)
{
	uint64_t begin = ss_arch_ticks();

	x = real(x);
	clock_sink = ss_arch_ticks() - begin;
	return x;
}

static __attribute__((noinline)) int call_stored(int x)
{
	store_record((uint64_t)x, position);
	x = real(x);
	store_record((uint64_t)x, position);
	return x;
}

static __attribute__((noinline)) int call_both(int x)
{
	store_record(ss_arch_ticks(), position);
	x = real(x);
	store_record(ss_arch_ticks(), position);
	return x;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double round_ns(int (*call)(int))
{
	uint64_t begin = now_ns();
	int x = 0;

	for (int i = 0; i < CALLS; i++)
		x = call(x);
	return (double)(now_ns() - begin) / CALLS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static const struct {
		const char *name;
		int (*call)(int);
		function real;
	} parts[] = {
		{ "call", call_plain, foo },
		{ "thunk", call_plain, (function)ss_thunks },
		{ "clock", call_clocked, foo },
		{ "records", call_stored, foo },
		{ "clock_records", call_both, foo },
		{ "thunk_clock_records", call_both, (function)ss_thunks },
	};
	enum { PARTS = sizeof(parts) / sizeof(*parts) };
	static double ns[PARTS][ROUNDS];

	ring = mmap(NULL, RING_WORDS * 8, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (ring == MAP_FAILED) {
		perror("floors: mmap");
		return 1;
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PARTS; i++) {
			real = parts[i].real;
			ns[i][round] = round_ns(parts[i].call);
		}
	}
	for (int i = 0; i < PARTS; i++) {
		qsort(ns[i], ROUNDS, sizeof(ns[i][0]), compare);
		printf("%s %.2f\n", parts[i].name, ns[i][ROUNDS / 2] - (i ? ns[0][ROUNDS / 2] : 0));
	}
	return 0;
}
