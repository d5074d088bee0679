/* SPDX-License-Identifier: Apache-2.0
 *
 * The process image's life: its ring file and drain thread from the first event to the last flush,
 * over fork, vfork, exec and every way to end. Runs on host threads, on cold paths only. Must not:
 * wait without bound, or touch the parent's ring from a forked child.
 */
#ifndef SS_PROCESS_H
#define SS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ss_ring_file_facts;
struct ss_span_ref;

/* Makes the shim active: from now on the first event makes an image. `about` is copied, what it
 * points to must stay. Constructor's thread, once. Returns 0 or -errno (stay inert). */
int ss_process_init(const struct ss_ring_file_facts *about);

/* Asks the drain to write out all complete spans and waits until it has, while it makes progress
 * (at most 2 s without any). No-op in an image without events, in a vfork child, and on the drain
 * thread. Keeps errno. Any thread. */
void ss_process_flush(void);

/* As ss_process_flush, then ends open spans, writes the losses and removes the ring file: the image
 * is about to end for sure (_exit, exit handlers). Later events are counted as dropped. Touches no
 * thread-local variable in a vfork child, which may have been made without any. */
void ss_process_finish(void);

/* Before an exec: flush, and note in the ring file that the image may end here. `ret_ring_file`
 * (may be "") is the file that the next image of this process must look at (SPANSHIM_PREVIOUS). */
void ss_process_before_exec(const char **ret_ring_file);
/* The exec failed: the image goes on. */
void ss_process_after_exec(void);

/* The sampled flag that TRACEPARENT has for children of `span`: the sampler's decision, or, when
 * that is no span of ours but the one in our own TRACEPARENT, the flag that came with it. Any
 * thread; signal-safe; in a child of fork or vfork as well. */
bool ss_process_sampled(const struct ss_span_ref *span);

/* Gives `thread` (struct ss_thread *, the calling thread's) its ring and shadow records in the
 * present image; makes the image first if this is its first event, or the first after a fork.
 * Called from the hot side through ss_arch_call_saved. Keeps errno; on failure the thread records
 * nothing. */
void ss_process_join(void *thread);

/* The process's first thread is about to leave it to the others (pthread_exit): libc ends the
 * process with its last thread, and the drain must not be that. Any thread; keeps errno. */
void ss_process_main_leaves(void);

/* Around calls that the kernel or libc refuse, or carry out otherwise, in a process with a second
 * thread: ss_process_alone ends the drain's, if it can within a moment, and ss_process_drain_again
 * starts it anew; what is recorded in between waits in the rings. The second belongs to each of the
 * first that returned true. Any thread, signal handlers included; keep errno. */
bool ss_process_alone(void);
void ss_process_drain_again(void);

/* Before the program gets a seccomp filter that would harm it at a system call of ours: writes out
 * what there is and ends the drain; from then on the shim makes no system call in this process.
 * What is recorded waits in the ring file, for `spanshim recover`; what has no room is counted.
 * `blind`: nothing can be recorded either, all is counted. Says so on the log ("WHYWHAT: ...").
 * False: nothing was done. ss_process_unretire takes it back: there is no filter after all. Any
 * thread. */
bool ss_process_retire(bool blind, const char *why, const char *what);
void ss_process_unretire(void);

/* A filter can kill one thread: the drain must not be what is left. Any thread. */
void ss_process_may_lose_threads(void);

/* True when any binding is active (the shim is not inert, and has not retired). */
bool ss_process_active(void);

/* True while the drain is one of the process's threads. Any thread. */
bool ss_process_drains(void);

#endif
