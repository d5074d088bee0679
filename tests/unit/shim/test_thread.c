/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "shim/context.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"
#include "shim/python/python.h"

static bool active, has_inheritance;
static int inherit_count;
static struct ss_inheritance inherited;
static uint64_t inherited_stack_bytes;
static pid_t inherited_by;
static uint64_t python_id;
static int bequests, inherited_bequests, returned_bequests;
static bool has_bequest;

bool ss_process_active(void)
{
	return active;
}

bool ss_context_bequeath(struct ss_inheritance *ret_inheritance)
{
	if (!has_inheritance)
		return false;
	*ret_inheritance = (struct ss_inheritance){
		.span = { .span_id = 1, .trace_hi = 2, .trace_lo = 3, .session_id = 4 },
		.python_id = python_id,
		.ambient_key = 5,
		.ambient_id = 6,
	};
	errno = EDOM;
	return true;
}

void *ss_python_bequeath(void)
{
	errno = EDOM;
	if (!has_bequest)
		return NULL;
	bequests++;
	return &bequests;
}

void ss_python_inherit(void *bequest)
{
	inherited_bequests += bequest == &bequests;
	errno = EDOM;
}

void ss_python_disinherit(void *bequest)
{
	returned_bequests += bequest == &bequests;
	errno = EDOM;
}

void ss_context_inherit(const struct ss_inheritance *inheritance, uint64_t stack_bytes)
{
	inherit_count++;
	inherited = *inheritance;
	inherited_stack_bytes = stack_bytes;
	inherited_by = gettid();
	errno = EDOM;
}

void *ss_intercept_real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

struct seen {
	pthread_t self;
	pid_t tid;
	int first_errno;
};

static void *look_around(void *arg)
{
	struct seen *seen = arg;

	seen->first_errno = errno;
	seen->self = pthread_self();
	seen->tid = gettid();
	return arg;
}

static int look_around_c11(void *arg)
{
	look_around(arg);
	return -7;
}

static void set_up(void)
{
	active = has_inheritance = true;
}

TestSuite(thread, .init = set_up);

static void assert_thread(const pthread_attr_t *attributes)
{
	struct seen seen = { .first_errno = -1 };
	pthread_t thread;
	void *result;

	errno = 1234;
	cr_assert_eq(pthread_create(&thread, attributes, look_around, &seen), 0);
	cr_assert_eq(errno, 1234);
	cr_assert_eq(pthread_join(thread, &result), 0);
	cr_assert_eq(result, &seen);
	cr_assert(pthread_equal(seen.self, thread));
	cr_assert_eq(seen.first_errno, 0);
	if (inherit_count)
		cr_assert_eq(seen.tid, inherited_by);
}

Test(thread, inherits_before_the_host_runs)
{
	assert_thread(NULL);
	cr_assert_eq(inherit_count, 1);
	cr_assert_eq(inherited.span.span_id, 1);
	cr_assert_eq(inherited.span.trace_hi, 2);
	cr_assert_eq(inherited.span.trace_lo, 3);
	cr_assert_eq(inherited.span.session_id, 4);
	cr_assert_eq(inherited.ambient_key, 5);
	cr_assert_eq(inherited.ambient_id, 6);
}

Test(thread, nothing_to_inherit)
{
	has_inheritance = false;
	assert_thread(NULL);
	cr_assert_eq(inherit_count, 0);
}

Test(thread, python_span_and_native_call)
{
	has_bequest = true;
	python_id = 99;
	assert_thread(NULL);
	cr_assert_eq(inherited_bequests, 1);
	cr_assert_eq(inherited.span.span_id, 1);
	cr_assert_eq(inherited.python_id, 99);
}

Test(thread, python_span_alone)
{
	has_bequest = true;
	has_inheritance = false;
	assert_thread(NULL);
	cr_assert_eq(inherit_count, 1);
	cr_assert_eq(inherited_bequests, 1);
}

/* The bequest knows when it has ended, a copy would not. */
Test(thread, python_span_is_not_copied_as_well)
{
	has_bequest = true;
	python_id = 1;
	assert_thread(NULL);
	cr_assert_eq(inherited_bequests, 1);
	cr_assert_eq(inherited.span.span_id, 0);
	has_bequest = false;
	assert_thread(NULL);
	cr_assert_eq(inherited.span.span_id, 1);
}

Test(thread, inert)
{
	active = false;
	assert_thread(NULL);
	cr_assert_eq(inherit_count, 0);
}

Test(thread, stack_size_is_the_attributes)
{
	pthread_attr_t attributes;
	size_t bytes;

	pthread_attr_init(&attributes);
	cr_assert_eq(pthread_attr_setstacksize(&attributes, 512 << 10), 0);
	assert_thread(&attributes);
	cr_assert_eq(inherited_stack_bytes, 512 << 10);
	pthread_attr_destroy(&attributes);

	pthread_getattr_default_np(&attributes);
	pthread_attr_getstacksize(&attributes, &bytes);
	assert_thread(NULL);
	cr_assert_eq(inherited_stack_bytes, bytes);

	pthread_attr_setstacksize(&attributes, 1 << 20);
	cr_assert_eq(pthread_setattr_default_np(&attributes), 0);
	pthread_attr_destroy(&attributes);
	assert_thread(NULL);
	cr_assert_eq(inherited_stack_bytes, 1 << 20);
}

Test(thread, c11)
{
	struct seen seen = { .first_errno = -1 };
	thrd_t thread;
	int result;

	cr_assert_eq(thrd_create(&thread, look_around_c11, &seen), thrd_success);
	cr_assert_eq(thrd_join(thread, &result), thrd_success);
	cr_assert_eq(result, -7);
	cr_assert(thrd_equal(seen.self, thread));
	cr_assert_eq(seen.first_errno, 0);
	cr_assert_eq(inherit_count, 1);
	cr_assert_gt(inherited_stack_bytes, 0);

	has_inheritance = false;
	cr_assert_eq(thrd_create(&thread, look_around_c11, &seen), thrd_success);
	cr_assert_eq(thrd_join(thread, &result), thrd_success);
	cr_assert_eq(result, -7);
	cr_assert_eq(inherit_count, 1);
}

static sem_t waiting;

static void *leave_by_pthread_exit(void *arg)
{
	pthread_exit((void *)0x1234);
}

static void count_cleanup(void *arg)
{
	++*(int *)arg;
}

static void *wait_to_be_cancelled(void *arg)
{
	pthread_cleanup_push(count_cleanup, arg);
	sem_post(&waiting);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

Test(thread, pthread_exit_passes_through)
{
	pthread_t thread;
	void *result;

	cr_assert_eq(pthread_create(&thread, NULL, leave_by_pthread_exit, NULL), 0);
	cr_assert_eq(pthread_join(thread, &result), 0);
	cr_assert_eq(result, (void *)0x1234);
}

Test(thread, cancellation_passes_through)
{
	pthread_t thread;
	void *result;
	int cleanups = 0;

	sem_init(&waiting, 0, 0);
	cr_assert_eq(pthread_create(&thread, NULL, wait_to_be_cancelled, &cleanups), 0);
	sem_wait(&waiting);
	cr_assert_eq(pthread_cancel(thread), 0);
	cr_assert_eq(pthread_join(thread, &result), 0);
	cr_assert_eq(result, PTHREAD_CANCELED);
	cr_assert_eq(cleanups, 1);
}

Test(thread, failure_is_libcs_and_leaks_nothing)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
		(typeof(real))dlsym(RTLD_NEXT, "pthread_create");
	pthread_attr_t attributes;
	pthread_t thread;
	size_t before;
	int error;

	pthread_attr_init(&attributes);
	cr_assert_eq(pthread_attr_setstacksize(&attributes, (size_t)1 << 50), 0);
	error = real(&thread, &attributes, look_around, NULL);
	cr_assert_neq(error, 0);
	has_bequest = true;
	before = mallinfo2().uordblks;
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(pthread_create(&thread, &attributes, look_around, NULL), error);
	cr_assert_eq(bequests, 1000);
	cr_assert_eq(returned_bequests, 1000);
	cr_assert_eq(inherited_bequests, 0);
	cr_assert_lt((long)(mallinfo2().uordblks - before),
		     (long)(1000 * sizeof(struct ss_inheritance) / 2));
	pthread_attr_destroy(&attributes);
}

static void start_and_join(int count)
{
	static struct seen seen[200];
	pthread_t threads[200];

	for (int i = 0; i < count; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, look_around, &seen[i]), 0);
	for (int i = 0; i < count; i++) {
		void *result;

		cr_assert_eq(pthread_join(threads[i], &result), 0);
		cr_assert_eq(result, &seen[i]);
	}
}

Test(thread, many_leave_no_memory_behind)
{
	long allowed = (long)(1000 * sizeof(struct ss_inheritance) / 2), left = LONG_MAX;

	/* The allocator's own arenas grow with how many run at once, by chance: a leak grows
	 * always.
	 */
	start_and_join(200);
	for (int round = 0; round < 3 && left >= allowed; round++) {
		size_t before = mallinfo2().uordblks;

		for (int i = 0; i < 5; i++)
			start_and_join(200);
		left = (long)(mallinfo2().uordblks - before);
	}
	cr_assert_lt(left, allowed);
}
