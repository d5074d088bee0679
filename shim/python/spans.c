/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/python/spans.h"

#include <stdlib.h>

#include "shim/emit.h"
#include "shim/process.h"
#include "shim/python/native.h"
#include "shim/shadow.h"

static const char capsule_name[] = "_spanshim.span";
static PyObject *variable;
static bool own_metrics;

int ss_python_spans_init(void)
{
	if (!variable)
		variable = ss_py.PyContextVar_New("_spanshim.current", NULL);
	if (variable)
		return 0;
	ss_py.PyErr_Clear();
	return -1;
}

struct ss_python_span *ss_python_span_of(PyObject *capsule)
{
	if (!capsule || !ss_py.PyCapsule_IsValid(capsule, capsule_name))
		return NULL;
	return ss_py.PyCapsule_GetPointer(capsule, capsule_name);
}

static bool has_ended(const struct ss_python_span *span)
{
	return __atomic_load_n(&span->ended, __ATOMIC_RELAXED);
}

/* Destructor of a capsule. The last reference to a long chain (sessions never left) goes span by
 * span, not by recursion: the destructor of a parent leaves its own parent to its caller. */
static void free_span(PyObject *capsule)
{
	static __thread PyObject *next;
	static __thread bool busy;
	struct ss_python_span *span = ss_py.PyCapsule_GetPointer(capsule, capsule_name);
	PyObject *parent = span->parent;

	ss_py.Py_DecRef(span->key);
	ss_guard_enter();
	free(span);
	ss_guard_leave();
	if (busy) {
		next = parent;
		return;
	}
	busy = true;
	while (parent) {
		next = NULL;
		ss_py.Py_DecRef(parent);
		parent = next;
	}
	busy = false;
}

/* What the variable holds: a capsule or None. New reference, or NULL: it was never set here. */
static PyObject *get_raw(void)
{
	PyObject *value = NULL;

	if (!variable)
		return NULL;
	if (ss_py.PyContextVar_Get(variable, NULL, &value) < 0)
		ss_py.PyErr_Clear();
	return value;
}

static void set_raw(PyObject *value)
{
	PyObject *token = ss_py.PyContextVar_Set(variable, value);

	if (token)
		ss_python_native_remember(value);
	else
		ss_py.PyErr_Clear();
	ss_py.Py_DecRef(token);
}

/* As get_raw, and where it was never set, what the thread came with. */
static PyObject *get_top(void)
{
	PyObject *top = get_raw();

	return top ? top : ss_python_new_reference(ss_python_native_inherited());
}

/* The first from `capsule` up its chain that has not ended. Borrowed: the chain's top holds it. */
static PyObject *skip_ended(PyObject *capsule)
{
	struct ss_python_span *span;

	while ((span = ss_python_span_of(capsule)) && has_ended(span))
		capsule = span->parent;
	return span ? capsule : NULL;
}

static bool is_generation(uint8_t hook)
{
	return hook == SS_HOOK_GENERATION_PRE_CALL || hook == SS_HOOK_GENERATION_BATCH_PRE_CALL;
}

/* A generation is a leaf among Mellea's spans and among generations: a lazy result may leave one
 * open above what comes after it. Borrowed. */
static PyObject *skip_generations(PyObject *capsule)
{
	struct ss_python_span *span;

	while ((span = ss_python_span_of(capsule)) &&
	       (is_generation(span->hook) || has_ended(span)))
		capsule = span->parent;
	return span ? capsule : NULL;
}

/* The image, if there is one by now, knows before any event of this thread is in it. */
static void tell_own_metrics(void)
{
	/* Acquire: ss_image is of this generation, though another thread may have made it. */
	if (own_metrics &&
	    __atomic_load_n(ss_generation, __ATOMIC_ACQUIRE) > SS_GENERATION_FINISHED)
		__atomic_store_n(&ss_image->own_metrics, 1, __ATOMIC_RELAXED);
}

void ss_python_own_metrics(void)
{
	own_metrics = true;
	tell_own_metrics();
}

static struct ss_thread *ready_thread(void)
{
	struct ss_thread *thread = &ss_thread;

	if (!ss_thread_ready(thread)) {
		ss_process_join(thread);
		tell_own_metrics();
	}
	return ss_thread_ready(thread) ? thread : NULL;
}

PyObject *ss_python_span_current(void)
{
	PyObject *top = get_top();
	PyObject *current = ss_python_new_reference(skip_ended(top));

	ss_py.Py_DecRef(top);
	return current;
}

/* A binding names a session by handle, and what is current is inside of it already (a nested or
 * recursive act): as ss_shadow_parent has it for native calls. */
static bool is_inside(PyObject *capsule, const struct ss_python_opening *opening)
{
	const struct ss_python_span *span = ss_python_span_of(capsule);
	const struct ss_python_span *named = ss_python_span_of(opening->parent);

	return span && named && named->is_session && !ss_is_dialect(opening->entry) &&
	       span->ref.session_id == named->ref.span_id;
}

/* Parent in Python. New reference or NULL. */
static PyObject *choose_parent(const struct ss_python_opening *opening)
{
	PyObject *top = get_top();
	PyObject *current = skip_ended(top), *parent = current;

	if (opening->parent && !is_inside(current, opening))
		parent = opening->parent;
	if (is_generation(opening->hook) || (!opening->parent && ss_is_dialect(opening->entry)))
		parent = skip_generations(parent);
	ss_python_new_reference(parent);
	ss_py.Py_DecRef(top);
	return parent;
}

/* What the span gets as its parent and trace: a native call that was made inside the Python parent
 * (or, without one, any on this thread) and made Python run goes before. Returns flags. */
static uint8_t refer_to(struct ss_thread *thread, const struct ss_python_opening *opening,
			const struct ss_python_span *parent, struct ss_span_ref *ret_ref)
{
	if (!opening->parent && ss_context_around(parent ? parent->ref.span_id : 0, ret_ref))
		return 0;
	if (parent) {
		*ret_ref = parent->ref;
		return 0;
	}
	*ret_ref = ss_remote_parent;
	if (!ret_ref->trace_hi && !ret_ref->trace_lo) {
		ret_ref->trace_hi = ss_random(thread);
		ret_ref->trace_lo = ss_random(thread);
	}
	return ret_ref->span_id ? SS_EVENT_PARENT_REMOTE : 0;
}

static bool opens_session(const struct ss_python_opening *opening)
{
	const struct ss_entry *entries;

	if (ss_is_dialect(opening->entry))
		return opening->hook == SS_HOOK_SESSION_ENTER;
	entries = ss_binding_array(ss_table, ss_table->entries);
	return entries[opening->entry].role == SS_ROLE_SESSION;
}

static bool emit(struct ss_thread *thread, struct ss_emission *e,
		 const struct ss_python_values *values)
{
	uint32_t sizes[SS_PYTHON_VALUES_MAX];

	e->taken = values->taken;
	e->count = values->count;
	return e->count ? ss_emit_many(thread, e, sizes) : ss_emit(thread, e);
}

static PyObject *new_capsule(struct ss_python_span *span)
{
	PyObject *capsule = ss_py.PyCapsule_New(span, capsule_name, free_span);

	if (!capsule)
		ss_py.PyErr_Clear();
	return capsule;
}

/* Takes over nothing: on failure the caller still owns `parent`. */
static PyObject *new_span(const struct ss_python_opening *opening, PyObject *parent,
			  struct ss_python_span **ret_span)
{
	struct ss_python_span *span = calloc(1, sizeof(*span));
	PyObject *capsule;

	if (!span)
		return NULL;
	span->generation = ss_generation_now();
	span->parent = parent;
	span->key = opening->key;
	span->entry = opening->entry;
	span->hook = opening->hook;
	span->is_session = opens_session(opening);
	capsule = new_capsule(span);
	if (!capsule) {
		free(span);
		return NULL;
	}
	ss_py.Py_IncRef(parent);
	ss_py.Py_IncRef(span->key);
	*ret_span = span;
	return capsule;
}

static PyObject *open_under(struct ss_thread *thread, const struct ss_python_opening *opening,
			    PyObject *parent, const struct ss_python_values *values)
{
	struct ss_emission e = { .kind = SS_EVENT_OPEN,
				 .hook = opening->hook,
				 .entry = opening->entry };
	struct ss_python_span *span;
	struct ss_span_ref ref;
	PyObject *capsule = new_span(opening, parent, &span);

	if (!capsule)
		return NULL;
	e.flags = refer_to(thread, opening, ss_python_span_of(parent), &ref);
	e.parent = &ref;
	e.span_id = ss_random(thread);
	e.time = ss_now();
	span->ref = ref;
	span->ref.span_id = e.span_id;
	if (span->is_session)
		span->ref.session_id = e.span_id;
	if (!emit(thread, &e, values)) {
		ss_py.Py_DecRef(capsule);
		return NULL;
	}
	set_raw(capsule);
	return capsule;
}

PyObject *ss_python_span_open(const struct ss_python_opening *opening,
			      const struct ss_python_values *values)
{
	struct ss_thread *thread = ready_thread();
	PyObject *parent, *capsule;

	if (!thread || !variable)
		return NULL;
	parent = choose_parent(opening);
	capsule = open_under(thread, opening, parent, values);
	ss_py.Py_DecRef(parent);
	return capsule;
}

/* Whoever is current in this context is so no longer if the span is among its ancestors. */
static void leave(const struct ss_python_span *span)
{
	PyObject *top = get_top(), *parent;
	const struct ss_python_span *at = ss_python_span_of(top);

	while (at && at != span)
		at = ss_python_span_of(at->parent);
	if (at) {
		parent = skip_ended(span->parent);
		set_raw(parent ? parent : ss_py._Py_NoneStruct);
	}
	ss_py.Py_DecRef(top);
}

/* Of this process image: a forked child tells nothing of its parent's spans. */
static struct ss_thread *thread_for(const struct ss_python_span *span)
{
	struct ss_thread *thread = ready_thread();

	return thread && span->generation == thread->generation ? thread : NULL;
}

void ss_python_span_close(struct ss_python_span *span, const struct ss_python_ending *ending,
			  const struct ss_python_values *values)
{
	struct ss_emission e = { .kind = SS_EVENT_CLOSE,
				 .hook = ending->hook,
				 .flags = SS_EVENT_NO_RESULT,
				 .status = ending->status,
				 .time = ending->time,
				 .span_id = span->ref.span_id,
				 .entry = span->entry };
	struct ss_thread *thread;

	if (__atomic_exchange_n(&span->ended, 1, __ATOMIC_RELAXED))
		return;
	if (ending->inferred)
		e.flags |= SS_EVENT_INFERRED;
	thread = thread_for(span);
	if (thread)
		emit(thread, &e, values);
	leave(span);
}

void ss_python_span_point(struct ss_python_span *span, uint32_t entry, uint8_t hook, uint8_t flags,
			  const struct ss_python_values *values)
{
	struct ss_emission e = { .kind = SS_EVENT_POINT,
				 .hook = hook,
				 .flags = flags | SS_EVENT_NO_RESULT,
				 .entry = entry };
	struct ss_thread *thread = ready_thread();

	if (!thread)
		return;
	if (span && span->generation != thread->generation)
		span = NULL;
	if (!(flags & SS_EVENT_OBSERVED) && (!span || has_ended(span)))
		return;
	if (span)
		e.span_id = span->ref.span_id;
	if (flags & SS_EVENT_STATUS_ONLY)
		e.status = SS_STATUS_ERROR;
	e.time = ss_now();
	emit(thread, &e, values);
}

void ss_python_span_annotate(struct ss_python_span *span, const struct ss_python_values *values)
{
	struct ss_emission e = { .kind = SS_EVENT_ATTR,
				 .span_id = span->ref.span_id,
				 .entry = span->entry };
	struct ss_thread *thread = has_ended(span) ? NULL : thread_for(span);

	if (!thread || !values->count)
		return;
	e.time = ss_now();
	emit(thread, &e, values);
}

PyObject *ss_python_span_swap(PyObject *capsule)
{
	PyObject *before = get_top();

	if (variable)
		set_raw(capsule);
	return before ? before : ss_python_new_reference(ss_py._Py_NoneStruct);
}

PyObject *ss_python_span_enclosing(uint8_t hook)
{
	PyObject *top = get_top(), *key = NULL;
	const struct ss_python_span *span = ss_python_span_of(top);

	while (span && (span->hook != hook || has_ended(span)))
		span = ss_python_span_of(span->parent);
	if (span)
		key = ss_python_new_reference(span->key);
	ss_py.Py_DecRef(top);
	return key;
}
