/* SPDX-License-Identifier: Apache-2.0
 *
 * The exported wrappers of the functions that start a thread: it inherits its creator's current
 * span, native or Python's. Runs on the creating thread and first thing on the new one; exceptions,
 * pthread_exit and cancellation pass through the start functions, which have nothing to clean up.
 * Must not: show other results or thread identities than libc's, or wrap when nothing is inherited.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <threads.h>

#include "shim/context.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"
#include "shim/python/python.h"
#include "shim/sanitizer.h"

#define EXPORTED __attribute__((visibility("default")))

typedef int (*pthread_create_fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
typedef int (*thrd_create_fn)(thrd_t *, thrd_start_t, void *);

/* Made by the creator, freed by the new thread before anything of the host runs there. */
struct start {
	struct ss_inheritance inheritance;
	void *bequest; /* of ss_python_bequeath */
	uint64_t stack_bytes;
	union {
		void *(*posix)(void *);
		thrd_start_t c11;
	} routine;
	void *arg;
};

static uint64_t stack_size(const pthread_attr_t *attributes)
{
	pthread_attr_t defaults;
	size_t bytes = 0;

	if (attributes) {
		pthread_attr_getstacksize(attributes, &bytes);
		return bytes;
	}
	if (pthread_getattr_default_np(&defaults) != 0)
		return 0;
	pthread_attr_getstacksize(&defaults, &bytes);
	pthread_attr_destroy(&defaults);
	return bytes;
}

/* What the creator is in, seen from both sides. False: nothing. */
static bool bequeath(struct ss_inheritance *ret_inheritance, void **ret_bequest)
{
	bool any = ss_context_bequeath(ret_inheritance);

	*ret_bequest = ss_python_bequeath();
	/* Python's span itself: unlike a copy, the bequest tells when it has ended. */
	if (*ret_bequest && ret_inheritance->span.span_id == ret_inheritance->python_id)
		ret_inheritance->span.span_id = 0;
	return any || *ret_bequest;
}

static struct start *new_start(const pthread_attr_t *attributes, void *arg)
{
	struct ss_inheritance inheritance = { .span.span_id = 0 };
	struct start *start;
	void *bequest;

	if (!bequeath(&inheritance, &bequest))
		return NULL;
	start = malloc(sizeof(*start));
	if (!start) {
		ss_python_disinherit(bequest);
		return NULL;
	}
	start->inheritance = inheritance;
	start->bequest = bequest;
	start->stack_bytes = stack_size(attributes);
	start->arg = arg;
	return start;
}

/* NULL: nothing to inherit, or no memory for it; the thread starts all the same. */
static struct start *prepare(const pthread_attr_t *attributes, void *arg)
{
	int saved_errno = errno;
	struct start *start = ss_process_active() ? new_start(attributes, arg) : NULL;

	errno = saved_errno;
	return start;
}

/* There is no new thread after all. */
static void discard(struct start *start)
{
	ss_python_disinherit(start->bequest);
	free(start);
}

static struct start take_over(void *context)
{
	struct start start = *(struct start *)context;

	free(context);
	ss_context_inherit(&start.inheritance, start.stack_bytes);
	ss_python_inherit(start.bequest);
	errno = 0;
	return start;
}

/* What is left by pthread_exit has no redzones on its stack: AddressSanitizer would not know that
 * they are no more. */
static SS_LEFT_EARLY void *run_posix(void *context)
{
	struct start start = take_over(context);

	return start.routine.posix(start.arg);
}

static SS_LEFT_EARLY int run_c11(void *context)
{
	struct start start = take_over(context);

	return start.routine.c11(start.arg);
}

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			    void *(*routine)(void *), void *arg)
{
	static pthread_create_fn real;
	struct start *start;
	int r;

	if (!real)
		real = (pthread_create_fn)ss_intercept_real("pthread_create");
	if (!real)
		return EAGAIN;
	start = prepare(attributes, arg);
	if (!start)
		return real(thread, attributes, routine, arg);
	start->routine.posix = routine;
	r = real(thread, attributes, run_posix, start);
	if (r != 0)
		discard(start);
	return r;
}

EXPORTED int thrd_create(thrd_t *thread, thrd_start_t routine, void *arg)
{
	static thrd_create_fn real;
	struct start *start;
	int r;

	if (!real)
		real = (thrd_create_fn)ss_intercept_real("thrd_create");
	if (!real)
		return thrd_error;
	start = prepare(NULL, arg);
	if (!start)
		return real(thread, routine, arg);
	start->routine.c11 = routine;
	r = real(thread, run_c11, start);
	if (r != thrd_success)
		discard(start);
	return r;
}
