/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/spans.h"

#include <stddef.h>

#include "shim/config.h"
#include "shim/emit.h"
#include "shim/intercept/intercept.h"

#define STACK_FRAMES 64

uint32_t ss_stacks; /* enum ss_stacks */
int (*ss_backtrace)(void **, int);

struct backtrace_request {
	void *addresses[STACK_FRAMES];
	int count;
};

static void take_backtrace(void *arg)
{
	struct backtrace_request *request = arg;

	request->count = ss_backtrace(request->addresses, STACK_FRAMES);
}

/* The host's own frames: what lies above the return address of the wrapped call. */
static bool capture_stack(const struct ss_call *call, struct backtrace_request *request,
			  struct ss_taken *ret_taken)
{
	int first = 0;

	if (!__atomic_load_n(&ss_backtrace, __ATOMIC_ACQUIRE))
		return false;
	call->thread->guard++;
	ss_arch_call_saved(take_backtrace, request);
	call->thread->guard--;
	while (first < request->count &&
	       request->addresses[first] != (void *)call->frame->return_address)
		first++;
	if (first >= request->count)
		return false;
	ret_taken->key = SS_KEY_STACK;
	ret_taken->type = SS_ATTR_STACK;
	ret_taken->flags = 0;
	ret_taken->text = (const char *)&request->addresses[first];
	ret_taken->bytes = (uint32_t)(request->count - first) * 8;
	ret_taken->length = ret_taken->bytes;
	return true;
}

/* With attributes: what was declared of the arguments, the stack. */
static __attribute__((noinline)) bool emit_open_with(struct ss_call *call, struct ss_emission e,
						     bool captures)
{
	struct ss_taken taken[SS_TAKEN_MAX + 1];
	struct backtrace_request stack;

	e.taken = taken;
	if (captures)
		e.count = ss_value_capture(call, 0, taken);
	if (ss_stacks == SS_STACKS_ALL && e.count < SS_TAKEN_MAX)
		e.count += capture_stack(call, &stack, &taken[e.count]);
	return ss_emit(call->thread, &e);
}

static inlined bool emit_open(struct ss_call *call, uint64_t time, uint64_t span_id,
			      const struct ss_span_ref *parent, bool remote, bool captures)
{
	struct ss_emission e = { .kind = SS_EVENT_OPEN,
				 .hook = call->entry->hook_open,
				 .flags = remote ? SS_EVENT_PARENT_REMOTE : 0,
				 .time = time,
				 .span_id = span_id,
				 .entry = call->index,
				 .parent = parent };

	captures = captures && call->entry->capture_count;
	if (unlikely(captures) || unlikely(ss_stacks == SS_STACKS_ALL))
		return emit_open_with(call, e, captures);
	return ss_emit_bare(call->thread, &e);
}

/* The result as a code. A pointer is none, unless it is NULL: that is 0. */
static bool read_result(const struct ss_call *call, int64_t *ret_result)
{
	const struct ss_value *value = &call->entry->error.value;
	bool is_pointer = value->type == SS_TYPE_POINTER || value->type == SS_TYPE_STRING;
	int64_t result;

	if (!ss_value_read(call, value, &result) || (is_pointer && result))
		return false;
	*ret_result = result;
	return true;
}

/* With attributes, or a failure. */
static __attribute__((noinline)) void emit_close_with(struct ss_call *call, struct ss_emission e,
						      bool attributes)
{
	struct ss_taken taken[SS_TAKEN_MAX + 1];
	struct backtrace_request stack;

	e.taken = taken;
	if (attributes)
		e.count = ss_value_capture(call, SS_CAPTURE_AT_EXIT, taken);
	if (e.count == SS_TAKEN_MAX)
		e.count--;
	if (e.status == SS_STATUS_ERROR) {
		if (read_result(call, &e.result))
			e.flags = 0;
		e.count += ss_value_message(call, call->entry->error_message, &taken[e.count]);
		if (ss_stacks == SS_STACKS_ERROR && e.count < SS_TAKEN_MAX)
			e.count += capture_stack(call, &stack, &taken[e.count]);
	}
	ss_emit(call->thread, &e);
}

/* Closing event of a span. `attributes`: this very call's exit captures belong to it. */
static inlined void emit_close(struct ss_call *call, uint32_t hook, uint64_t span_id, uint64_t time,
			       int status, bool attributes)
{
	struct ss_emission e = { .kind = SS_EVENT_CLOSE,
				 .hook = (uint8_t)hook,
				 .flags = SS_EVENT_NO_RESULT,
				 .time = time,
				 .span_id = span_id,
				 .entry = call->index,
				 .status = (uint8_t)status };

	if (unlikely(attributes) || unlikely(status == SS_STATUS_ERROR))
		emit_close_with(call, e, attributes);
	else
		ss_emit_bare(call->thread, &e);
}

static void emit_point(struct ss_call *call, uint64_t span_id, uint64_t time, bool status_only)
{
	struct ss_taken taken[SS_TAKEN_MAX];
	struct ss_emission e = { .kind = SS_EVENT_POINT,
				 .hook = call->entry->hook_point,
				 .time = time,
				 .span_id = span_id,
				 .entry = call->index,
				 .taken = taken };

	if (!read_result(call, &e.result))
		e.flags = SS_EVENT_NO_RESULT;
	if (status_only) {
		e.flags |= SS_EVENT_STATUS_ONLY;
		e.status = SS_STATUS_ERROR;
		e.count = ss_value_message(call, call->entry->error_message, taken);
	} else {
		e.count = ss_value_capture(call, SS_CAPTURE_AT_EXIT, taken);
	}
	ss_emit(call->thread, &e);
}

static void emit_discard(struct ss_call *call, uint64_t span_id, uint64_t time)
{
	struct ss_emission e = { .kind = SS_EVENT_DISCARD,
				 .flags = SS_EVENT_NO_RESULT,
				 .time = time,
				 .span_id = span_id,
				 .entry = call->index };

	ss_emit(call->thread, &e);
}

/* CALL and OPEN: a span begins now. */
static void begin_span(struct ss_call *call, struct ss_shadow *shadow)
{
	const struct ss_entry *entry = call->entry;
	uint64_t id = ss_random(call->thread), parent_id;
	struct ss_span_ref span;
	bool remote;

	ss_shadow_parent(call, &span, &remote);
	parent_id = span.span_id;
	/* Not let in: what happens inside hangs below the parent instead. */
	if (unlikely(!emit_open(call, shadow->t0, id, &span, remote, true))) {
		ss_shadow_set_span(shadow, &span, parent_id);
		return;
	}
	shadow->own_id = id;
	if (likely(entry->when == SS_WHEN_CALL)) {
		if (entry->role == SS_ROLE_SESSION)
			span.session_id = id;
		ss_shadow_set_span(shadow, &span, id);
		return;
	}
	/* An opening call may yet turn out to open nothing, so it is nobody's parent. */
	ss_shadow_set_span(shadow, &span, parent_id);
	shadow->handle.span = span;
	shadow->handle.span.span_id = id;
	if (entry->role == SS_ROLE_SESSION)
		shadow->handle.span.session_id = id;
}

static uint64_t handle_key(const struct ss_entry *entry, uint32_t role, uint64_t value)
{
	return ss_handles_key(entry->binding, role, value);
}

/* The handle's value as the call has it now; 0 without one is the binding's only session (or act).
 */
static bool read_handle(struct ss_call *call, uint64_t *ret_value)
{
	int64_t value = 0;

	if (call->entry->flags & SS_ENTRY_HAS_HANDLE) {
		if (!ss_value_read(call, &call->entry->handle, &value) || !value)
			return false;
	}
	*ret_value = (uint64_t)value;
	return true;
}

/* The innermost open span with this handle that an entry of this role can belong to. */
static bool find_outward(const struct ss_entry *entry, uint64_t value, struct ss_handle *ret_handle)
{
	static const uint8_t outward[] = { SS_ROLE_STREAM, SS_ROLE_CHAT, SS_ROLE_ACTION,
					   SS_ROLE_SESSION };
	uint32_t i = 0;

	while (outward[i] != entry->role)
		i++;
	for (; i < sizeof(outward); i++)
		if (ss_handles_find(handle_key(entry, outward[i], value), ret_handle))
			return true;
	return false;
}

/* CLOSE: take the handle out before the real call frees it, or another thread could get the same
 * address for a new one and lose it to us. */
static void begin_close(struct ss_call *call, struct ss_shadow *shadow)
{
	const struct ss_entry *entry = call->entry;
	uint64_t value;

	if (!read_handle(call, &value))
		return;
	if (ss_handles_remove(handle_key(entry, entry->role, value), &shadow->handle)) {
		shadow->has_handle = 1;
		return;
	}
	/* A stream nobody opened by itself: the implicit one of what has this handle. */
	if (entry->role == SS_ROLE_STREAM && find_outward(entry, value, &shadow->handle))
		shadow->has_handle = 2;
}

/* EVENT: whose is it? */
static void begin_event(struct ss_call *call, struct ss_shadow *shadow)
{
	const struct ss_entry *entry = call->entry;
	uint64_t value;

	if (!(entry->flags & SS_ENTRY_HAS_HANDLE) || !read_handle(call, &value))
		return;
	shadow->has_handle = find_outward(entry, value, &shadow->handle);
	if (shadow->has_handle)
		ss_shadow_set_span(shadow, &shadow->handle.span, shadow->handle.span.span_id);
}

void ss_spans_begin(struct ss_call *call, struct ss_shadow *shadow)
{
	if (shadow->when == SS_WHEN_CLOSE)
		begin_close(call, shadow);
	else if (shadow->when == SS_WHEN_EVENT)
		begin_event(call, shadow);
	else
		begin_span(call, shadow);
}

/* OPEN came back: there is a handle now, or a failure, or nothing. */
static void finish_open(struct ss_call *call, struct ss_shadow *shadow, uint64_t now)
{
	const struct ss_entry *entry = call->entry;
	struct ss_taken taken[SS_TAKEN_MAX];
	struct ss_emission e = { .kind = SS_EVENT_ATTR,
				 .time = now,
				 .span_id = shadow->own_id,
				 .entry = shadow->entry,
				 .taken = taken };
	uint64_t value;

	if (!shadow->own_id)
		return;
	if (call->failed) {
		emit_close(call, entry->hook_error, shadow->own_id, now, SS_STATUS_ERROR, true);
		return;
	}
	if (!read_handle(call, &value)) {
		emit_discard(call, shadow->own_id, now);
		return;
	}
	if (entry->capture_count)
		e.count = ss_value_capture(call, SS_CAPTURE_AT_EXIT, taken);
	if (e.count)
		ss_emit(call->thread, &e);
	shadow->handle.key = handle_key(entry, entry->role, value);
	shadow->handle.entry = shadow->entry;
	shadow->handle.stream_id = 0;
	shadow->handle.generation = ss_generation_now();
	if (!ss_handles_insert(&shadow->handle)) {
		ss_emit_lost(call->thread, SS_DROP_HANDLES, SS_EVENT_OPEN);
		emit_discard(call, shadow->own_id, now);
		return;
	}
	if (unlikely(ss_python_current != NULL))
		ss_handles_set_python(shadow->handle.key, shadow->python_id);
	if (entry->role == SS_ROLE_SESSION)
		ss_shadow_remember_session(call->thread, shadow->handle.key, shadow->own_id);
}

static void close_stream(struct ss_call *call, uint64_t *stream_id, uint64_t now, int status)
{
	if (*stream_id)
		emit_close(call, SS_HOOK_STREAMING_END, *stream_id, now, status, false);
	*stream_id = 0;
}

static void finish_close(struct ss_call *call, struct ss_shadow *shadow, uint64_t now)
{
	struct ss_handle *handle = &shadow->handle;
	const struct ss_entry *entry = call->entry;

	if (!shadow->has_handle)
		return;
	if (shadow->has_handle == 1 && call->failed) {
		/* Refused (sqlite3_close with open statements): it lives on. */
		ss_handles_insert(handle);
		return;
	}
	/* Opened before a fork: its end is the parent's to tell. */
	if (handle->generation != ss_generation_now())
		return;
	close_stream(call, &handle->stream_id, now, SS_STATUS_OK);
	if (shadow->has_handle == 2)
		ss_handles_set_stream(handle->key, 0);
	else
		emit_close(call, entry->hook_close, handle->span.span_id, now, SS_STATUS_OK, true);
}

/* One event on the stream of a span; the first one opens that stream. */
static void add_event(struct ss_call *call, const struct ss_shadow *shadow,
		      const struct ss_span_ref *owner, uint64_t *stream_id, uint64_t now)
{
	uint64_t id;

	if (!call->entry->stream_name) {
		emit_point(call, owner->span_id, now, false);
		return;
	}
	if (!*stream_id) {
		id = ss_random(call->thread);
		if (emit_open(call, shadow->t0, id, owner, false, false))
			*stream_id = id;
	}
	if (*stream_id)
		emit_point(call, *stream_id, now, false);
	else
		ss_emit_lost(call->thread, SS_DROP_RING_FULL, SS_EVENT_POINT);
}

static void note_event(struct ss_call *call, const struct ss_shadow *shadow,
		       const struct ss_span_ref *owner, uint64_t *stream_id, uint64_t now)
{
	if (call->failed) {
		close_stream(call, stream_id, now, SS_STATUS_ERROR);
		emit_point(call, owner->span_id, now, true);
		return;
	}
	if (ss_value_holds(call, &call->entry->event_if))
		add_event(call, shadow, owner, stream_id, now);
	if (ss_value_holds(call, &call->entry->ends))
		close_stream(call, stream_id, now, SS_STATUS_OK);
}

static void finish_event(struct ss_call *call, struct ss_shadow *shadow, uint64_t now)
{
	uint64_t stream_id = shadow->handle.stream_id;
	struct ss_shadow *host_call;

	if (shadow->has_handle) {
		if (shadow->handle.generation != ss_generation_now())
			return;
		note_event(call, shadow, &shadow->handle.span, &stream_id, now);
		if (stream_id != shadow->handle.stream_id)
			ss_handles_set_stream(shadow->handle.key, stream_id);
		return;
	}
	host_call = ss_shadow_of_binding(call->thread, call->entry->binding);
	if (host_call)
		note_event(call, shadow, &host_call->span, &host_call->stream_id, now);
}

static void finish_call(struct ss_call *call, struct ss_shadow *shadow, uint64_t now)
{
	int status = call->failed ? SS_STATUS_ERROR : SS_STATUS_OK;
	const struct ss_entry *entry = call->entry;

	if (!shadow->own_id)
		return;
	if (unlikely(shadow->stream_id))
		close_stream(call, &shadow->stream_id, now, status);
	emit_close(call, call->failed ? entry->hook_error : entry->hook_close, shadow->own_id, now,
		   status, entry->capture_count != 0);
}

void ss_spans_end(struct ss_call *call, struct ss_shadow *shadow, uint64_t now)
{
	if (likely(shadow->when == SS_WHEN_CALL))
		finish_call(call, shadow, now);
	else if (shadow->when == SS_WHEN_OPEN)
		finish_open(call, shadow, now);
	else if (shadow->when == SS_WHEN_CLOSE)
		finish_close(call, shadow, now);
	else
		finish_event(call, shadow, now);
}

static void emit_abandoned(struct ss_thread *thread, const struct ss_shadow *shadow, uint32_t hook,
			   uint64_t span_id, int status, const struct ss_taken *taken,
			   uint32_t count)
{
	struct ss_emission e = { .kind = SS_EVENT_CLOSE,
				 .hook = (uint8_t)hook,
				 .flags = SS_EVENT_NO_RESULT,
				 .time = ss_now(),
				 .span_id = span_id,
				 .entry = shadow->entry,
				 .status = (uint8_t)status,
				 .taken = taken,
				 .count = count };

	ss_emit(thread, &e);
}

/* The call ends without returning. */
void ss_spans_abandon(struct ss_thread *thread, struct ss_shadow *shadow, int status,
		      const struct ss_taken *taken, uint32_t count)
{
	uint32_t hook = ss_spans_entry(shadow->entry)->hook_error;
	bool ours = shadow->has_handle && shadow->handle.generation == ss_generation_now();

	if (shadow->own_id && shadow->stream_id)
		emit_abandoned(thread, shadow, SS_HOOK_STREAMING_END, shadow->stream_id, status,
			       NULL, 0);
	if (shadow->own_id)
		emit_abandoned(thread, shadow, hook, shadow->own_id, status, taken, count);
	else if (shadow->when == SS_WHEN_CLOSE && shadow->has_handle == 1 && ours)
		emit_abandoned(thread, shadow, hook, shadow->handle.span.span_id, status, taken,
			       count);
	ss_shadow_drop(thread, shadow);
}
