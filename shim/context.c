/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/context.h"

#include <stddef.h>

#include "shim/hot.h"
#include "shim/shadow.h"

__thread struct ss_thread ss_thread;
struct ss_span_ref ss_remote_parent;

struct ss_shadow *ss_shadow_of_binding(const struct ss_thread *thread, uint32_t binding)
{
	const struct ss_entry *entries = ss_binding_array(ss_table, ss_table->entries);
	struct ss_shadow *shadow = thread->current;

	while (shadow && (!shadow->own_id || entries[shadow->entry].binding != binding))
		shadow = shadow->outer;
	return shadow;
}

void ss_shadow_remember_session(struct ss_thread *thread, uint64_t key, uint64_t span_id)
{
	for (int i = SS_AMBIENTS - 1; i > 0; i--) {
		thread->ambient[i].key = thread->ambient[i - 1].key;
		thread->ambient[i].span_id = thread->ambient[i - 1].span_id;
	}
	thread->ambient[0].key = key;
	thread->ambient[0].span_id = span_id;
	thread->own_ambients += thread->own_ambients < SS_AMBIENTS;
}

/* The session itself, if it is still open. */
static bool ambient_alive(const struct ss_ambient *ambient, struct ss_handle *ret_handle)
{
	return ss_handles_find(ambient->key, ret_handle) &&
	       ret_handle->span.span_id == ambient->span_id;
}

/* A remembered session among ambient[first..end), of `binding` or (SS_NO_INDEX) of any. */
static bool find_ambient(const struct ss_thread *thread, uint32_t first, uint32_t end,
			 uint32_t binding, struct ss_span_ref *ret_span)
{
	const struct ss_entry *entries = ss_binding_array(ss_table, ss_table->entries);
	struct ss_handle handle;

	for (uint32_t i = first; i < end; i++) {
		if (!thread->ambient[i].key)
			break; /* newest first, no gaps */
		if (!ambient_alive(&thread->ambient[i], &handle))
			continue;
		if (binding != SS_NO_INDEX && entries[handle.entry].binding != binding)
			continue;
		*ret_span = handle.span;
		return true;
	}
	return false;
}

/* The enclosing call on the same kind of stack: a call on the thread's own stack is not inside one
 * that a suspended coroutine left half-way. */
static bool enclosing_call(const struct ss_thread *thread, const struct ss_frame *frame,
			   struct ss_span_ref *ret_span)
{
	bool native = frame && ss_shadow_is_native(thread, (uintptr_t)frame);
	const struct ss_shadow *shadow = thread->current;

	while (shadow && (!shadow->span.span_id || shadow->frame == frame ||
			  (native && !ss_shadow_is_native(thread, (uintptr_t)shadow->frame))))
		shadow = shadow->outer;
	if (!shadow)
		return false;
	*ret_span = shadow->span;
	return true;
}

/* By handle: the nearest enclosing role that has this handle open. */
static bool find_declared(const struct ss_call *call, struct ss_handle *ret_handle)
{
	const struct ss_entry *entry = call->entry;
	int role = entry->role == SS_ROLE_SESSION ? SS_ROLE_SESSION : (int)entry->role - 1;
	int64_t value;

	if (!(entry->flags & SS_ENTRY_HAS_PARENT) || !ss_value_read(call, &entry->parent, &value) ||
	    !value)
		return false;
	for (; role >= 0; role--)
		if (ss_handles_find(ss_handles_key(entry->binding, (uint32_t)role, (uint64_t)value),
				    ret_handle))
			return true;
	return false;
}

static bool find_by_thread(const struct ss_call *call, struct ss_span_ref *ret_parent)
{
	const struct ss_thread *thread = call->thread;
	uint32_t binding =
		call->entry->role == SS_ROLE_SESSION ? SS_NO_INDEX - 1 : call->entry->binding;

	if (enclosing_call(thread, call->frame, ret_parent) ||
	    (thread->own_ambients &&
	     find_ambient(thread, 0, thread->own_ambients, binding, ret_parent)))
		return true;
	if (thread->inherited.span_id) {
		*ret_parent = thread->inherited;
		return true;
	}
	return thread->ambient[0].key &&
	       find_ambient(thread, thread->own_ambients, SS_AMBIENTS, binding, ret_parent);
}

void ss_shadow_parent(const struct ss_call *call, struct ss_span_ref *ret_parent, bool *ret_remote)
{
	struct ss_span_ref enclosing;
	struct ss_handle handle;

	*ret_remote = false;
	if (find_declared(call, &handle)) {
		*ret_parent = handle.span;
		/* Already inside a span of that very session (a nested or recursive act): hang
		 * below it. */
		if (enclosing_call(call->thread, call->frame, &enclosing) &&
		    enclosing.session_id == handle.span.span_id)
			*ret_parent = enclosing;
		return;
	}
	if (find_by_thread(call, ret_parent))
		return;
	*ret_parent = ss_remote_parent;
	*ret_remote = ss_remote_parent.span_id != 0;
	if (!ret_parent->trace_hi && !ret_parent->trace_lo) {
		ret_parent->trace_hi = ss_random(call->thread);
		ret_parent->trace_lo = ss_random(call->thread);
	}
}

bool ss_context_current(struct ss_span_ref *ret_span)
{
	const struct ss_thread *thread = &ss_thread;
	bool ours = ss_thread_ready(thread);

	if (ours && (enclosing_call(thread, NULL, ret_span) ||
		     find_ambient(thread, 0, thread->own_ambients, SS_NO_INDEX, ret_span)))
		return true;
	if (thread->inherited.span_id) {
		*ret_span = thread->inherited;
		return true;
	}
	if (ss_table && find_ambient(thread, ours ? thread->own_ambients : 0, SS_AMBIENTS,
				     SS_NO_INDEX, ret_span))
		return true;
	if (!ss_remote_parent.span_id)
		return false;
	*ret_span = ss_remote_parent;
	return true;
}

bool ss_context_bequeath(struct ss_inheritance *ret_inheritance)
{
	const struct ss_thread *thread = &ss_thread;
	struct ss_handle handle;
	bool any;

	ret_inheritance->ambient_key = 0;
	ret_inheritance->ambient_id = 0;
	any = ss_thread_ready(thread) && enclosing_call(thread, NULL, &ret_inheritance->span);
	if (!any)
		ret_inheritance->span = thread->inherited;
	for (int i = 0; i < SS_AMBIENTS && thread->ambient[i].key; i++) {
		if (!ambient_alive(&thread->ambient[i], &handle))
			continue;
		ret_inheritance->ambient_key = thread->ambient[i].key;
		ret_inheritance->ambient_id = thread->ambient[i].span_id;
		break;
	}
	return any || ret_inheritance->span.span_id || ret_inheritance->ambient_key;
}

void ss_context_inherit(const struct ss_inheritance *inheritance, uint64_t stack_bytes)
{
	struct ss_thread *thread = &ss_thread;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	thread->inherited = inheritance->span;
	thread->ambient[0].key = inheritance->ambient_key;
	thread->ambient[0].span_id = inheritance->ambient_id;
	if (!stack_bytes)
		return;
	/* Frames of the thread's start lie above us: two pages cover them and the thread's
	 * descriptor. */
	thread->stack_high = (here + 2 * SS_PAGE_BYTES) & ~(SS_PAGE_BYTES - 1);
	thread->stack_low = thread->stack_high - stack_bytes;
}

void ss_guard_enter(void)
{
	ss_thread.guard++;
}

void ss_guard_leave(void)
{
	ss_thread.guard--;
}
