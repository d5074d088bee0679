/* SPDX-License-Identifier: Apache-2.0
 *
 * Native calls and Python spans enclose each other. Each wrapped call in progress remembers the id
 * of the Python span that was current when it began (python_id). Let N be the innermost wrapped
 * call that has a span, P the Python span that is current now, in this task or thread:
 * 1. N is inside P if N remembers P: then N is the parent, else P is. The same for a Python span
 *    that is opened while P is current (ss_context_around).
 * 2. What a thread inherited from the call in which it was created stands for an outermost N.
 * 3. A session that the call's handle names, or that this thread has open (ambient), goes before P
 *    if it was opened while P was current or P is a session itself. Else P, an act or the like,
 *    goes before: a statement hangs below the act it is run in, not beside it. A declared act (the
 *    statement of a row) always goes before P.
 * 4. A span that hangs below P by rule 3 still counts as one of the session its handle names.
 * Where there is no P, all this comes to what it is in a process without Python.
 */
#include "shim/context.h"

#include <stddef.h>

#include "shim/hot.h"
#include "shim/intercept/intercept.h"
#include "shim/shadow.h"

__thread struct ss_thread ss_thread;
struct ss_span_ref ss_remote_parent;

struct python_request {
	void (*tell)(struct ss_python_current *ret_current);
	struct ss_python_current *ret_current;
};

static void ask_python(void *arg)
{
	const struct python_request *request = arg;

	request->tell(request->ret_current);
}

bool ss_shadow_ask_python(struct ss_thread *thread, struct ss_python_current *ret_python)
{
	/* Acquire: partner of the release in native.c. It may be NULL again by now. */
	struct python_request request = { __atomic_load_n(&ss_python_current, __ATOMIC_ACQUIRE),
					  ret_python };

	if (!request.tell)
		return false;
	thread->guard++;
	ss_arch_call_at_entry(ask_python, &request);
	thread->guard--;
	return ret_python->span.span_id != 0;
}

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

/* Rule 3. */
static bool goes_before_python(uint64_t session_key, const struct ss_python_current *python)
{
	return likely(!python) || python->is_session ||
	       ss_handles_python(session_key) == python->span.span_id;
}

/* A remembered session among ambient[first..end), of `binding` or (SS_NO_INDEX) of any. */
static bool find_ambient(const struct ss_thread *thread, uint32_t first, uint32_t end,
			 uint32_t binding, const struct ss_python_current *python,
			 struct ss_span_ref *ret_span)
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
		if (!goes_before_python(thread->ambient[i].key, python))
			continue;
		*ret_span = handle.span;
		return true;
	}
	return false;
}

/* enclosing_call, from `shadow` outwards. */
static bool enclosing_from(const struct ss_shadow *shadow, const struct ss_thread *thread,
			   const struct ss_frame *frame, const struct ss_python_current *python,
			   struct ss_span_ref *ret_span)
{
	bool native = frame && ss_shadow_is_native(thread, (uintptr_t)frame);

	while (shadow && (!shadow->span.span_id || shadow->frame == frame ||
			  (native && !ss_shadow_is_native(thread, (uintptr_t)shadow->frame))))
		shadow = shadow->outer;
	if (!shadow || (unlikely(python != NULL) && shadow->python_id != python->span.span_id))
		return false;
	*ret_span = shadow->span;
	return true;
}

/* The enclosing call on the same kind of stack: a call on the thread's own stack is not inside one
 * that a suspended coroutine left half-way. False also where the Python span is further in. */
static inline bool enclosing_call(const struct ss_thread *thread, const struct ss_frame *frame,
				  const struct ss_python_current *python,
				  struct ss_span_ref *ret_span)
{
	const struct ss_shadow *shadow = thread->current;

	/* The asking call itself; mostly there is no other. */
	if (shadow && shadow->frame == frame)
		shadow = shadow->outer;
	return shadow && enclosing_from(shadow, thread, frame, python, ret_span);
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

static void choose_by_handle(const struct ss_call *call, const struct ss_handle *handle,
			     struct ss_span_ref *ret_parent)
{
	bool is_session = handle->span.session_id == handle->span.span_id;
	struct ss_span_ref enclosing;

	*ret_parent = handle->span;
	/* Already inside a span of that very session (a nested or recursive act): hang below it. */
	if (enclosing_call(call->thread, call->frame, call->python, &enclosing) &&
	    enclosing.session_id == handle->span.span_id)
		*ret_parent = enclosing;
	else if (is_session && !goes_before_python(handle->key, call->python))
		*ret_parent = call->python->span;
	ret_parent->session_id = handle->span.session_id;
}

/* Rule 2. */
static bool inherited_counts(const struct ss_thread *thread, uint64_t python_id)
{
	if (!thread->inherited.span_id)
		return false;
	if (likely(thread->inherited_python == python_id))
		return true;
	/* The thread came with a Python span, and that has ended, and with it what was inside. */
	return !python_id && !thread->bequest;
}

static inline bool find_by_thread(const struct ss_thread *thread, const struct ss_frame *frame,
				  uint32_t binding, const struct ss_python_current *python,
				  struct ss_span_ref *ret_span)
{
	if (enclosing_call(thread, frame, python, ret_span) ||
	    (thread->own_ambients &&
	     find_ambient(thread, 0, thread->own_ambients, binding, python, ret_span)))
		return true;
	if (inherited_counts(thread, python ? python->span.span_id : 0)) {
		*ret_span = thread->inherited;
		return true;
	}
	if (thread->ambient[0].key &&
	    find_ambient(thread, thread->own_ambients, SS_AMBIENTS, binding, python, ret_span))
		return true;
	if (likely(!python))
		return false;
	*ret_span = python->span;
	return true;
}

void ss_shadow_parent(const struct ss_call *call, struct ss_span_ref *ret_parent, bool *ret_remote)
{
	const struct ss_entry *entry = call->entry;
	uint32_t binding = entry->role == SS_ROLE_SESSION ? SS_NO_INDEX - 1 : entry->binding;
	struct ss_handle handle;

	*ret_remote = false;
	if (find_declared(call, &handle)) {
		choose_by_handle(call, &handle, ret_parent);
		return;
	}
	if (find_by_thread(call->thread, call->frame, binding, call->python, ret_parent))
		return;
	*ret_parent = ss_remote_parent;
	*ret_remote = ss_remote_parent.span_id != 0;
	if (!ret_parent->trace_hi && !ret_parent->trace_lo) {
		ret_parent->trace_hi = ss_random(call->thread);
		ret_parent->trace_lo = ss_random(call->thread);
	}
}

/* Of the calling thread, outside of a wrapped call's ends; NULL: none. */
static const struct ss_python_current *python_now(struct ss_python_current *storage)
{
	return ss_shadow_ask_python(&ss_thread, storage) ? storage : NULL;
}

bool ss_context_current(struct ss_span_ref *ret_span)
{
	const struct ss_thread *thread = &ss_thread;
	struct ss_python_current storage;

	if (find_by_thread(thread, NULL, SS_NO_INDEX, python_now(&storage), ret_span))
		return true;
	if (!ss_remote_parent.span_id)
		return false;
	*ret_span = ss_remote_parent;
	return true;
}

bool ss_context_around(uint64_t python_span_id, struct ss_span_ref *ret_span)
{
	const struct ss_thread *thread = &ss_thread;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	const struct ss_shadow *shadow = thread->current;

	/* Without a Python span now, the call is what this is inside of, whatever was around it. */
	while (shadow &&
	       (!shadow->span.span_id || (python_span_id && shadow->python_id != python_span_id) ||
		ss_shadow_is_dead(thread, shadow, here)))
		shadow = shadow->outer;
	if (shadow)
		*ret_span = shadow->span;
	else if (inherited_counts(thread, python_span_id))
		*ret_span = thread->inherited;
	else
		return false;
	return true;
}

bool ss_context_bequeath(struct ss_inheritance *ret_inheritance)
{
	const struct ss_thread *thread = &ss_thread;
	struct ss_python_current storage;
	const struct ss_python_current *python = python_now(&storage);
	struct ss_handle handle;
	bool any;

	ret_inheritance->ambient_key = 0;
	ret_inheritance->ambient_id = 0;
	ret_inheritance->python_id = python ? python->span.span_id : 0;
	any = enclosing_call(thread, NULL, python, &ret_inheritance->span);
	if (!any && inherited_counts(thread, ret_inheritance->python_id))
		ret_inheritance->span = thread->inherited;
	else if (!any && python)
		ret_inheritance->span = python->span;
	else if (!any)
		ret_inheritance->span.span_id = 0;
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
	thread->inherited_python = inheritance->python_id;
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
