/* SPDX-License-Identifier: Apache-2.0
 *
 * The Python span that is current, for the native side. Native code is called with the GIL or, more
 * often, after an extension module has let go of it; the context variable can be read only with it.
 * So each thread keeps a copy: renewed when the variable is set, when it is read and, as tasks take
 * turns on a thread unseen by us, whenever an extension module lets go of the GIL. Must not: wait
 * for the GIL, take it, or touch a reference count without it.
 */
#include "shim/python/native.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "shim/hot.h"
#include "shim/intercept/dl.h"
#include "shim/intercept/intercept.h"
#include "shim/python/python.h"
#include "shim/python/spans.h"

/* What a thread got from its creator. */
struct bequest {
	struct bequest *next; /* in `left` */
	PyObject *capsule;    /* owned */
};

void (*ss_python_current)(struct ss_python_current *ret_current);

static void *(*own_state)(void);      /* PyGILState_GetThisThreadState */
static void *(*attached_state)(void); /* PyThreadState_GetUnchecked and its older name */
static void *(*real_save_thread)(void);
static void (*real_gilstate_release)(int state);
static __thread struct ss_python_current remembered;
static pthread_key_t key; /* whose destructor ends a bequest */
static bool key_made;
/* Bequests of threads that have ended, until somebody with the GIL comes by. Bounded: a thread that
 * starts another with one releases these first. */
static struct bequest *left;

/* PyGILState_Check says yes too often: always, once there was a subinterpreter. Before 3.12 the
 * attached state is the process's, not the thread's, so it may be another thread's. */
static bool holds_gil(void)
{
	void *own = own_state();

	return own && attached_state() == own && ss_python_api_is_main();
}

/* ---- what threads take along ---- */

/* The first in the bequest's chain that has not ended. Needs no GIL: the thread's reference keeps
 * the chain, and nothing in it but `ended` changes. */
static PyObject *alive(const struct bequest *bequest)
{
	PyObject *capsule = bequest ? bequest->capsule : NULL;
	const struct ss_python_span *span;

	while ((span = ss_python_span_of(capsule)) &&
	       __atomic_load_n(&span->ended, __ATOMIC_RELAXED))
		capsule = span->parent;
	return span ? capsule : NULL;
}

PyObject *ss_python_native_inherited(void)
{
	return alive(ss_thread.bequest);
}

/* With the GIL. */
static void release_left(void)
{
	struct bequest *bequest, *next;

	if (likely(!__atomic_load_n(&left, __ATOMIC_RELAXED)))
		return;
	/* Acquire: partner of the release in ss_python_disinherit. */
	bequest = __atomic_exchange_n(&left, NULL, __ATOMIC_ACQUIRE);
	for (; bequest; bequest = next) {
		next = bequest->next;
		ss_py.Py_DecRef(bequest->capsule);
		free(bequest);
	}
}

static struct bequest *new_bequest(void)
{
	struct bequest *bequest = malloc(sizeof(*bequest));

	if (!bequest)
		return NULL;
	bequest->capsule = ss_python_span_current();
	if (bequest->capsule)
		return bequest;
	free(bequest);
	return NULL;
}

void *ss_python_bequeath(void)
{
	struct bequest *bequest;

	if (!ss_python_current || !key_made || ss_thread.guard || !holds_gil())
		return NULL;
	ss_guard_enter();
	release_left();
	bequest = new_bequest();
	ss_guard_leave();
	return bequest;
}

void ss_python_inherit(void *bequest)
{
	if (!bequest)
		return;
	if (pthread_setspecific(key, bequest))
		ss_python_disinherit(bequest);
	else
		ss_thread.bequest = bequest;
}

void ss_python_disinherit(void *reference)
{
	struct bequest *bequest = reference;

	if (!bequest)
		return;
	bequest->next = __atomic_load_n(&left, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&left, &bequest->next, bequest, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

static void end_thread(void *bequest)
{
	ss_thread.bequest = NULL;
	ss_python_disinherit(bequest);
}

/* ---- what is current ---- */

static void copy_span(const struct ss_python_span *span, struct ss_python_current *ret_copy)
{
	ret_copy->span = span->ref;
	ret_copy->is_session = span->is_session;
}

static void remember(const struct ss_python_span *span)
{
	if (span)
		copy_span(span, &remembered);
	else
		remembered.span.span_id = 0;
}

/* With the GIL. */
static void renew(void)
{
	PyObject *capsule = ss_python_span_current();

	remember(ss_python_span_of(capsule));
	ss_py.Py_DecRef(capsule);
}

void ss_python_native_remember(PyObject *value)
{
	const struct ss_python_span *span = ss_python_span_of(value);

	while (span && __atomic_load_n(&span->ended, __ATOMIC_RELAXED))
		span = ss_python_span_of(span->parent);
	remember(span);
}

static void tell_current(struct ss_python_current *ret_current)
{
	const struct ss_python_span *inherited;
	int saved_errno = errno;

	if (holds_gil())
		renew();
	else if (!own_state()) /* no thread of Python's, or not any more */
		remember(NULL);
	*ret_current = remembered;
	if (!ret_current->span.span_id) {
		inherited = ss_python_span_of(alive(ss_thread.bequest));
		if (inherited)
			copy_span(inherited, ret_current);
	}
	errno = saved_errno;
}

/* ---- the moment before the GIL is gone ---- */

static void note_departure(void)
{
	int saved_errno = errno;

	if (!ss_python_current || ss_thread.guard || !holds_gil())
		return;
	ss_guard_enter();
	release_left();
	renew();
	ss_guard_leave();
	errno = saved_errno;
}

static void *save_thread(void)
{
	ss_intercept_replaced();
	note_departure();
	return real_save_thread();
}

static void gilstate_release(int state)
{
	ss_intercept_replaced();
	note_departure();
	real_gilstate_release(state);
}

void ss_python_native_prepare(void)
{
	ss_intercept_replace("PyEval_SaveThread", save_thread, (void **)&real_save_thread);
	ss_intercept_replace("PyGILState_Release", gilstate_release,
			     (void **)&real_gilstate_release);
}

static void *(*find(const char *name))(void)
{
	return (void *(*)(void))ss_dl_lookup(RTLD_DEFAULT, name, NULL);
}

void ss_python_native_start(void)
{
	own_state = find("PyGILState_GetThisThreadState");
	attached_state = find("PyThreadState_GetUnchecked"); /* 3.13 */
	if (!attached_state)
		attached_state = find("_PyThreadState_UncheckedGet");
	if (!own_state || !attached_state)
		return;
	if (!key_made)
		key_made = pthread_key_create(&key, end_thread) == 0;
	/* This thread came with nothing, and nor do contexts that are copied from its. */
	ss_py.Py_DecRef(ss_python_span_swap(ss_py._Py_NoneStruct));
	/* Release: what it needs is there. Partner: ss_shadow_ask_python. */
	__atomic_store_n(&ss_python_current, tell_current, __ATOMIC_RELEASE);
}

void ss_python_native_stop(void)
{
	__atomic_store_n(&ss_python_current, NULL, __ATOMIC_RELEASE);
}
