/* SPDX-License-Identifier: Apache-2.0
 *
 * The calling thread's wrapped calls in progress, and from them: whose child a new span is. Own
 * thread and its signal handlers only. Must not: call libc or touch vector registers (hot side).
 */
#ifndef SS_SHADOW_H
#define SS_SHADOW_H

#include <stddef.h>
#include <stdint.h>

#include "shim/value.h"

/* A record for `frame`, made the innermost one, or NULL when calls are nested too deep. */
static inline struct ss_shadow *ss_shadow_push(struct ss_thread *thread, struct ss_frame *frame)
{
	struct ss_shadow *shadow = thread->free_shadow;
	uint64_t fresh;

	if (likely(shadow != NULL)) {
		thread->free_shadow = shadow->outer;
	} else {
		/* One step, or a signal handler in the middle of it would get the same record. */
		fresh = thread->fresh_shadow;
		do {
			if (unlikely(fresh >= SS_DEPTH))
				return NULL;
		} while (!ss_arch_cmpxchg_local(&thread->fresh_shadow, &fresh, fresh + 1));
		shadow = &thread->pool[fresh];
	}
	/* It is taken before it is filled. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	shadow->frame = frame;
	shadow->span.span_id = 0; /* nobody's parent yet */
	shadow->own_id = 0;
	shadow->stream_id = 0;
	shadow->has_handle = 0;
	shadow->outer = thread->current;
	/* A signal handler that comes now finds the record complete. */
	__atomic_signal_fence(__ATOMIC_RELEASE);
	thread->current = shadow;
	return shadow;
}

/* What is inside the call gets `span`, under the id `id`, as its parent. A signal handler's call
 * that comes now finds all of it or nothing. */
static inline void ss_shadow_set_span(struct ss_shadow *shadow, const struct ss_span_ref *span,
				      uint64_t id)
{
	shadow->span.span_id = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	shadow->span.trace_hi = span->trace_hi;
	shadow->span.trace_lo = span->trace_lo;
	shadow->span.session_id = span->session_id;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	shadow->span.span_id = id;
}

/* Takes the record out of the chain, wherever it is (coroutines), and frees it. */
static inline void ss_shadow_drop(struct ss_thread *thread, struct ss_shadow *shadow)
{
	struct ss_shadow **link = &thread->current;

	if (unlikely(*link != shadow))
		for (int i = 0; i < SS_DEPTH && *link && *link != shadow; i++)
			link = &(*link)->outer;
	if (likely(*link == shadow))
		*link = shadow->outer;
	shadow->frame = NULL;
	shadow->outer = thread->free_shadow;
	__atomic_signal_fence(__ATOMIC_RELEASE);
	thread->free_shadow = shadow;
}

/* The record of this frame, which keeps its address in `span`, or NULL. */
static inline struct ss_shadow *ss_shadow_of(const struct ss_thread *thread,
					     const struct ss_frame *frame)
{
	struct ss_shadow *shadow = (struct ss_shadow *)(uintptr_t)frame->span;

	return shadow && thread->pool && shadow->frame == frame ? shadow : NULL;
}

static inline bool ss_shadow_is_native(const struct ss_thread *thread, uintptr_t address)
{
	return address - thread->stack_low < thread->stack_high - thread->stack_low;
}

/* Whether the record's frame can no longer exist while the stack pointer is at `sp`: it lies deeper
 * on the thread's own stack, so a longjmp went over it. */
static inline bool ss_shadow_is_dead(const struct ss_thread *thread, const struct ss_shadow *shadow,
				     uintptr_t sp)
{
	uintptr_t frame = (uintptr_t)shadow->frame;

	return frame < sp && ss_shadow_is_native(thread, sp) && ss_shadow_is_native(thread, frame);
}

/* Asks for the thread's Python span; false: there is none. Before the real function only. */
bool ss_shadow_ask_python(struct ss_thread *thread, struct ss_python_current *ret_python);

/* Parent for a span that the call opens, by handle, then by thread, then from outside; trace filled
 * in also for a root. ret_parent->span_id 0: a root; *ret_remote: the parent came from TRACEPARENT.
 * With Python spans in between: see context.c.
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
