/* SPDX-License-Identifier: Apache-2.0
 *
 * The two ends of every wrapped call: what thunk.S calls before and after the real function, and
 * what an unwinder or a longjmp makes of a call that never returned. Host threads only. Must not:
 * call libc, touch vector registers, lock, allocate or wait (hot side); anything unexpected means:
 * let the call through and record nothing.
 */
#include <stddef.h>

#include "shim/emit.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"
#include "shim/shadow.h"
#include "shim/spans.h"

/* The first entry of the symbol whose condition on the arguments holds. */
static const struct ss_entry *choose_entry(struct ss_call *call)
{
	uint32_t index = call->slot->entry;

	while (index != SS_NO_INDEX) {
		call->entry = ss_spans_entry(index);
		call->index = index;
		if (!(ss_enabled >> call->entry->binding & 1)) {
			index = call->entry->next_same_symbol;
			continue;
		}
		if (likely(call->entry->only_if.op == SS_OP_ALWAYS) ||
		    ss_value_holds(call, &call->entry->only_if))
			return call->entry;
		index = call->entry->next_same_symbol;
	}
	return NULL;
}

struct callback_request {
	uint32_t entry;
	void *function;
	void *thunk;
};

static void make_callback(void *arg)
{
	struct callback_request *request = arg;

	request->thunk = ss_slot_thunk(request->entry, request->function);
}

/* Puts thunks in front of the functions that the host hands to the library. */
static void wrap_callbacks(struct ss_call *call, struct ss_frame *frame)
{
	const struct ss_callback *callbacks = ss_binding_array(ss_table, ss_table->callbacks);
	struct callback_request request;

	for (uint32_t i = 0; i < call->entry->callback_count; i++) {
		const struct ss_callback *callback = &callbacks[call->entry->first_callback + i];

		if (callback->value.place != SS_PLACE_GPR)
			continue;
		request.entry = callback->entry;
		request.function = (void *)frame->gpr[callback->value.index];
		if (!request.function)
			continue;
		call->thread->guard++;
		ss_arch_call_saved(make_callback, &request);
		call->thread->guard--;
		frame->gpr[callback->value.index] = (uint64_t)request.thunk;
	}
}

static __attribute__((noinline)) void reap_dead_slow(struct ss_thread *thread, uintptr_t sp)
{
	do
		ss_spans_abandon(thread, thread->current, SS_STATUS_LONGJMP, NULL, 0);
	while (thread->current && ss_shadow_is_dead(thread, thread->current, sp));
}

/* Calls that a longjmp jumped out of are noticed when the next one comes by. */
static inline void reap_dead(struct ss_thread *thread, uintptr_t sp)
{
	const struct ss_shadow *shadow = thread->current;

	if (unlikely(shadow && ss_shadow_is_dead(thread, shadow, sp)))
		reap_dead_slow(thread, sp);
}

/* A Python span that was opened inside the enclosing call is what this call is inside of. */
static void note_python(struct ss_call *call, struct ss_shadow *shadow,
			struct ss_python_current *python)
{
	const struct ss_shadow *outer = shadow->outer;

	shadow->python_id = 0;
	if (!ss_shadow_ask_python(call->thread, python))
		return;
	call->python = python;
	shadow->python_id = python->span.span_id;
	if (!outer || outer->python_id != shadow->python_id)
		ss_shadow_set_span(shadow, &python->span, python->span.span_id);
}

static void begin(struct ss_call *call, struct ss_frame *frame)
{
	struct ss_thread *thread = call->thread;
	struct ss_python_current python;
	struct ss_shadow *outer, *shadow;

	reap_dead(thread, (uintptr_t)frame + 1);
	outer = thread->current;
	shadow = ss_shadow_push(thread, frame);
	if (unlikely(!shadow)) {
		if (call->entry->when == SS_WHEN_CALL || call->entry->when == SS_WHEN_OPEN)
			ss_emit_lost(thread, SS_DROP_DEPTH, SS_EVENT_OPEN);
		return;
	}
	shadow->entry = call->index;
	shadow->when = call->entry->when;
	/* Calls that open a span find out by themselves. */
	if (outer && call->entry->when != SS_WHEN_CALL && call->entry->when != SS_WHEN_OPEN)
		ss_shadow_set_span(shadow, &outer->span, outer->span.span_id);
	if (unlikely(ss_python_current != NULL))
		note_python(call, shadow, &python);
	frame->span = (uint64_t)(uintptr_t)shadow;
	shadow->t0 = ss_now();
	ss_spans_begin(call, shadow);
}

/* Copying more stack words than the caller pushed is harmless unless it runs off a mapping's end.
 */
static uint64_t readable_words(const struct ss_thread *thread, uintptr_t args, uint64_t words)
{
	uintptr_t last = args + words * 8 - 1;

	if (likely((args & ~(SS_PAGE_BYTES - 1)) == (last & ~(SS_PAGE_BYTES - 1))) ||
	    ss_value_readable(thread, args, words * 8))
		return words;
	return ((last & ~(SS_PAGE_BYTES - 1)) - args) / 8;
}

/* A thread's first call, and the first one after a fork, make it so. */
static inline bool is_ready(struct ss_thread *thread)
{
	if (likely(ss_thread_ready(thread)))
		return true;
	ss_arch_call_saved(ss_process_join, thread);
	return ss_thread_ready(thread);
}

struct ss_enter_result ss_record_enter(struct ss_frame *frame)
{
	const struct ss_slot *slot = &ss_slots[(uint32_t)frame->slot];
	struct ss_thread *thread = &ss_thread;
	struct ss_call call = { .frame = frame, .slot = slot, .thread = thread };
	struct ss_enter_result result = { slot->real, slot->stack_words };

	frame->span = 0;
	if (result.stack_words)
		result.stack_words =
			readable_words(thread, (uintptr_t)frame->stack_args, result.stack_words);
	if (unlikely(thread->guard) || unlikely(!choose_entry(&call)))
		return result;
	if (likely(call.entry->when != SS_WHEN_REGISTER)) {
		if (likely(is_ready(thread)) && likely(thread->pool != NULL))
			begin(&call, frame);
	}
	if (unlikely(call.entry->callback_count))
		wrap_callbacks(&call, frame);
	return result;
}

void ss_record_exit(struct ss_frame *frame)
{
	struct ss_thread *thread = &ss_thread;
	struct ss_shadow *shadow = ss_shadow_of(thread, frame);
	struct ss_call call = { .frame = frame,
				.slot = &ss_slots[(uint32_t)frame->slot],
				.thread = thread };
	uint64_t now;

	if (!shadow)
		return;
	if (unlikely(!ss_thread_ready(thread))) { /* forked inside the call, or after the end */
		ss_shadow_drop(thread, shadow);
		return;
	}
	now = ss_now();
	reap_dead(thread, (uintptr_t)frame);
	call.index = shadow->entry;
	call.entry = ss_spans_entry(call.index);
	call.failed = ss_value_holds(&call, &call.entry->error);
	ss_spans_end(&call, shadow, now);
	ss_shadow_drop(thread, shadow);
}

static uint32_t take_text(struct ss_taken *taken, uint32_t key, const char *text)
{
	uint32_t length = 0;

	if (!text)
		return 0;
	while (length < 1000 && text[length])
		length++;
	taken->key = key;
	taken->type = SS_ATTR_STRING;
	taken->flags = 0;
	taken->text = text;
	taken->bytes = taken->length = length;
	return 1;
}

void ss_record_unwound(uintptr_t sp, int status, const char *type, const char *message)
{
	struct ss_thread *thread = &ss_thread;
	struct ss_shadow *shadow;
	struct ss_taken taken[2];
	uint32_t count;

	if (thread->guard || !thread->pool || !ss_thread_ready(thread))
		return;
	reap_dead(thread, sp);
	shadow = thread->current;
	if (!shadow)
		return;
	count = take_text(taken, SS_KEY_EXCEPTION_TYPE, type);
	count += take_text(taken + count, SS_KEY_EXCEPTION_MESSAGE, message);
	shadow->frame->span = 0;
	ss_spans_abandon(thread, shadow, status, taken, count);
}

/* The thread is gone, its calls with it. From process.c, when the thread's data are torn down. */
void ss_record_thread_end(struct ss_thread *thread)
{
	struct ss_shadow *shadow;

	while ((shadow = thread->current))
		ss_spans_abandon(thread, shadow, SS_STATUS_THREAD_EXIT, NULL, 0);
}
