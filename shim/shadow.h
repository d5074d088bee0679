/* SPDX-License-Identifier: Apache-2.0
 *
 * The calling thread's wrapped calls in progress, and from them: whose child a new span is. Own
 * thread and its signal handlers only. Must not: call libc or touch vector registers (hot side).
 */
#ifndef SS_SHADOW_H
#define SS_SHADOW_H

#include <stdint.h>

#include "shim/value.h"

/* A record for `frame`, made the innermost one, or NULL when calls are nested too deep. */
struct ss_shadow *ss_shadow_push(struct ss_thread *thread, struct ss_frame *frame);

/* Takes the record out of the chain, wherever it is, and frees it. */
void ss_shadow_drop(struct ss_thread *thread, struct ss_shadow *shadow);

/* Innermost record, or NULL. */
struct ss_shadow *ss_shadow_top(const struct ss_thread *thread);

/* The record that encloses this one, or NULL. */
struct ss_shadow *ss_shadow_outer(const struct ss_thread *thread, const struct ss_shadow *shadow);

/* Number of a record for a frame to keep (+ 1; 0: none), and back (NULL if it is not this frame's).
 */
uint64_t ss_shadow_number(const struct ss_thread *thread, const struct ss_shadow *shadow);
struct ss_shadow *ss_shadow_of(const struct ss_thread *thread, const struct ss_frame *frame);

/* Whether the record's frame can no longer exist while the stack pointer is at `sp`: it lies deeper
 * on the thread's own stack, so a longjmp went over it. */
bool ss_shadow_is_dead(const struct ss_thread *thread, const struct ss_shadow *shadow,
		       uintptr_t sp);

/* Parent for a span that the call opens, by handle, then by thread, then from outside; trace filled
 * in also for a root. ret_parent->span_id 0: a root; *ret_remote: the parent came from TRACEPARENT.
 */
void ss_shadow_parent(const struct ss_call *call, struct ss_span_ref *ret_parent, bool *ret_remote);

/* The innermost recorded call of the binding on this thread (whose events come without a handle),
 * or NULL. */
struct ss_shadow *ss_shadow_of_binding(const struct ss_thread *thread, uint32_t binding);

/* Remembers a session this thread opened, for later calls that name no handle. */
void ss_shadow_remember_session(struct ss_thread *thread, uint64_t key, uint64_t span_id);

/* From the environment: parent and trace of the image's roots; set once before any event. */
extern struct ss_span_ref ss_remote_parent;

#endif
