/* SPDX-License-Identifier: Apache-2.0
 *
 * Another process's threads, stepped one instruction at a time (ptrace). The first thread that is
 * born is the shim's drain. Whatever goes wrong ends the test with a message. One thread only.
 */
#ifndef RACE_TRACE_H
#define RACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#define TRACE_SKIPPED 77 /* exit status: no other process can be traced here */

#define REQUIRE(condition, ...)                                                                 \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__);                                           \
			fputc('\n', stderr);                                                    \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

struct trace {
	pid_t pid;
	pid_t drain;    /* 0: not born yet */
	bool frozen;    /* the drain is never let run */
	pid_t standing; /* a thread that came to a mark meanwhile; 0: none */
	uint64_t steps;
};

/* What a thread stands at. */
enum trace_stop { TRACE_STEP, TRACE_MARK, TRACE_END };

/* Starts argv with this environment; it stands before its first instruction, without address
 * randomisation. */
void trace_start(struct trace *trace, char *const *argv, char *const *envp, bool frozen);

/* Kills it. */
void trace_end(struct trace *trace);

/* One instruction of the thread; with a signal, its handler's first one. */
enum trace_stop trace_step(struct trace *trace, pid_t tid, int signal);

/* To the thread's next mark (int3), or its end. */
enum trace_stop trace_run(struct trace *trace, pid_t tid);

/* As trace_run, from a step that is still under way (a system call that waits). */
enum trace_stop trace_await(struct trace *trace, pid_t tid);

/* As trace_run of `tid`, and of all that wait for it: until one of them stands at a mark: that one.
 * 0: the process has ended. */
pid_t trace_next_mark(struct trace *trace, pid_t tid);

/* The drain stops where it is, and goes on. */
void trace_hold_drain(struct trace *trace);
void trace_release_drain(struct trace *trace);

/* Of a thread that stands. */
uint64_t trace_place(pid_t tid);
bool trace_takes(pid_t tid, int signal);

/* Runs until it comes to the instruction at `place` (TRACE_STEP), or to a mark, or ends. */
enum trace_stop trace_run_to(struct trace *trace, pid_t tid, uint64_t place);

#endif
