/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose child is this? Per-thread state: the shadow stack of wrapped calls in progress, the span
 * that was current where the thread was created, recently opened sessions. Written by its own
 * thread and that thread's signal handlers only. Must not: call libc or touch vector registers (hot
 * side, compiled -mgeneral-regs-only), except in the functions marked cold.
 */
#ifndef SS_CONTEXT_H
#define SS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

struct ss_frame;

/* One span as others need to know it to be its child. span_id 0: none. */
struct ss_span_ref {
	uint64_t span_id;
	uint64_t trace_hi, trace_lo;
	uint64_t session_id; /* span id of the session it belongs to; 0: none */
};

/* The calling thread's current span: innermost wrapped call or Python span, else the newest session
 * it opened that is still open, else what it inherited, else TRACEPARENT's. False when there is
 * none. Any thread; signal-safe; in a child of fork or vfork as well. */
bool ss_context_current(struct ss_span_ref *ret_span);

/* For a Python span about to be opened under `python_span_id` (0: under none): the innermost
 * wrapped call in progress that was made inside that very span, else what the thread inherited from
 * within it, goes between the two. False: nothing does. Own thread. */
bool ss_context_around(uint64_t python_span_id, struct ss_span_ref *ret_span);

/* What a new thread takes over from its creator. */
struct ss_inheritance {
	struct ss_span_ref span;
	uint64_t python_id;   /* the creator's Python span; may be `span` itself */
	uint64_t ambient_key; /* handle-table key of the creator's newest session */
	uint64_t ambient_id;
};
/* False when there is nothing to inherit (the common case in an untraced thread). */
bool ss_context_bequeath(struct ss_inheritance *ret_inheritance);
/* First thing on the new thread; stack_bytes: size of its stack, 0 if unknown. Cold. */
void ss_context_inherit(const struct ss_inheritance *inheritance, uint64_t stack_bytes);

/* Enter/leave: what the calling thread does in between is the shim's own and not recorded. Nests.
 */
void ss_guard_enter(void);
void ss_guard_leave(void);

#endif
