/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/drain_thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/collector.h"
#include "shim/clocks.h"
#include "shim/context.h"
#include "shim/emit.h"
#include "shim/hot.h"
#include "shim/intercept/intercept.h"
#include "shim/intercept/objects.h"
#include "shim/log.h"

#define STACK_BYTES (512u << 10)
#ifndef RTLD_DEEPBIND /* musl has nothing like it */
#define RTLD_DEEPBIND 0
#endif

static char collector_path[PATH_MAX];
static struct ss_collector_seat seat;
static uint64_t seat_nonce; /* the image that it belongs to */

/* Where it was built, or copied to with the shim; or installed, where only the shim is in the
 * loader's way. */
static bool find_beside(const char *object)
{
	static const char *const below[] = { "", "spanshim/" };
	const char *slash = strrchr(object, '/');
	int n;

	for (size_t i = 0; slash && i < sizeof(below) / sizeof(below[0]); i++) {
		n = snprintf(collector_path, sizeof(collector_path),
			     "%.*s/%slibspanshim-collector.so", (int)(slash - object), object,
			     below[i]);
		if (n < 0 || (size_t)n >= sizeof(collector_path))
			collector_path[0] = '\0';
		else if (!access(collector_path, F_OK))
			return true;
	}
	return false;
}

void ss_drain_thread_locate(const char *object)
{
	char resolved[PATH_MAX];

	if (!find_beside(object) && realpath(object, resolved))
		find_beside(resolved);
}

bool ss_drain_thread_sanitized(void)
{
	return ss_objects_global("__tsan_init", NULL);
}

static void *load(int flags)
{
	ss_open_fn real_dlopen = (ss_open_fn)ss_intercept_real("dlopen");
	void *library = NULL;

	/* Local scope: neither its cJSON nor its libunwind may serve the host's own references. */
	if (real_dlopen && collector_path[0])
		library = real_dlopen(collector_path, RTLD_NOW | RTLD_LOCAL | flags);
	if (!library)
		ss_log("cannot load %s: %s", collector_path, dlerror());
	return library;
}

/* What the host's own references of this name get. */
static void *global(const char *name)
{
	void *(*real_dlsym)(void *, const char *) =
		(void *(*)(void *, const char *))ss_intercept_real("dlsym");

	return real_dlsym ? real_dlsym(RTLD_DEFAULT, name) : NULL;
}

static bool malloc_is_libcs(void)
{
	Dl_info info;

	return dladdr(global("malloc"), &info) && info.dli_fname &&
	       strstr(info.dli_fname, "libc.so");
}

/* A host that exports functions of cJSON's names would get the collector's calls of them: then its
 * own libraries come first. Not where malloc is not libc's: libc itself would hand out memory from
 * one allocator to be freed by the other (and sanitizers abort at the request). -EXDEV: neither
 * will do. */
static int compile_flags(int *ret_flags)
{
	*ret_flags = 0;
	if (!global("cJSON_Delete"))
		return 0;
	if (!RTLD_DEEPBIND || !malloc_is_libcs())
		return -EXDEV;
	*ret_flags = RTLD_DEEPBIND;
	return 0;
}

static void *find(void *library, const char *name)
{
	void *(*real_dlsym)(void *, const char *) =
		(void *(*)(void *, const char *))ss_intercept_real("dlsym");
	void *symbol = real_dlsym ? real_dlsym(library, name) : NULL;

	if (!symbol)
		ss_log("%s lacks %s: it belongs to another version", collector_path, name);
	return symbol;
}

static void set_state(struct ss_image *image, uint32_t state)
{
	__atomic_store_n(&image->drain_state, state, __ATOMIC_RELEASE);
}

/* As it would have ended with its last thread, were it not for us: libc exits when that left; if
 * the kernel killed it, it was by a signal that ends the whole process. */
static void end_process(const struct ss_image *image)
{
	sigset_t mask;

	if (image->main_left)
		exit(0);
	if (WIFSIGNALED(seat.status)) {
		signal(WTERMSIG(seat.status), SIG_DFL);
		sigemptyset(&mask);
		sigaddset(&mask, WTERMSIG(seat.status));
		pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
		syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid),
			WTERMSIG(seat.status));
	}
	syscall(SYS_exit_group, WEXITSTATUS(seat.status));
}

static void *drain_main(void *arg)
{
	struct ss_image *image = arg;
	ss_collector_run_fn run;
	void *library;
	int r;

	ss_guard_enter(); /* nothing this thread does is the host's doing */
	prctl(PR_SET_NAME, "spanshim");
	__atomic_store_n(&image->drain_tid, (uint64_t)syscall(SYS_gettid), __ATOMIC_RELAXED);
	/* A filter that was there before the program: what it may do is not known. */
	if (prctl(PR_GET_SECCOMP) > 0)
		__atomic_store_n(&image->may_lose_threads, 1, __ATOMIC_RELAXED);
	library = load(0);
	run = library ? (ss_collector_run_fn)find(library, "ss_collector_run") : NULL;
	if (!run) {
		set_state(image, SS_DRAIN_FAILED);
		return NULL;
	}
	if (image->stacks)
		__atomic_store_n(&ss_backtrace,
				 (int (*)(void **, int))find(library, "ss_collector_backtrace"),
				 __ATOMIC_RELEASE);
	set_state(image, SS_DRAIN_RUNNING);
	r = run(SS_COLLECTOR_ABI, image, ss_log_line, (ss_open_fn)ss_intercept_real("dlopen"),
		ss_clocks_read, &seat);
	if (r == SS_COLLECTOR_PARKED) {
		/* Release: what the next thread goes on with. Partner: ss_drain_thread_stop. */
		__atomic_store_n(&seat.park, SS_PARK_NONE, __ATOMIC_RELEASE);
		return NULL;
	}
	if (r == SS_COLLECTOR_ALONE) {
		set_state(image, SS_DRAIN_DONE);
		end_process(image);
	}
	if (r)
		ss_log("the collector stopped: error %d", -r);
	set_state(image, r ? SS_DRAIN_FAILED : SS_DRAIN_DONE);
	return NULL;
}

typedef int (*create_fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* The next one; but ThreadSanitizer, which may be in the executable, serves only threads that it
 * has made. */
static create_fn find_create(void)
{
	return (create_fn)(ss_drain_thread_sanitized() ? ss_objects_global("pthread_create", NULL)
						       : ss_intercept_real("pthread_create"));
}

int ss_drain_thread_start(struct ss_image *image)
{
	create_fn real_create = find_create();
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int r = ENOSYS;

	set_state(image, SS_DRAIN_STARTING);
	if (seat_nonce != image->nonce) /* what a forked child has of its parent's is of no use */
		seat = (struct ss_collector_seat){ .park = SS_PARK_NONE };
	seat_nonce = image->nonce;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (real_create)
		r = real_create(&thread, &attributes, drain_main, image);
	if (r == EINVAL) { /* a host with much thread-local storage: libc's own size then */
		pthread_attr_destroy(&attributes);
		pthread_attr_init(&attributes);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		r = real_create(&thread, &attributes, drain_main, image);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (r)
		set_state(image, SS_DRAIN_FAILED);
	return -r;
}

static bool is_gone(uint64_t tid, int ms)
{
	for (int i = 0; i < ms * 20; i++) {
		if (syscall(SYS_tgkill, syscall(SYS_getpid), (pid_t)tid, 0) != 0)
			return true;
		ss_clocks_sleep_us(50);
	}
	return false;
}

bool ss_drain_thread_stop(struct ss_image *image, int ms, bool hold)
{
	uint32_t asked = SS_PARK_ASKED;

	ss_drain_thread_settle(image, ms);
	if (__atomic_load_n(&image->drain_state, __ATOMIC_ACQUIRE) != SS_DRAIN_RUNNING)
		return false;
	seat.hold = hold;
	/* Partner: the drain's acquire load; it reads `hold` after it. */
	__atomic_store_n(&seat.park, SS_PARK_ASKED, __ATOMIC_RELEASE);
	ss_image_wake_drain(image);
	/* Taken back, unless it was granted just now. */
	if (!is_gone(image->drain_tid, ms) &&
	    __atomic_compare_exchange_n(&seat.park, &asked, SS_PARK_NONE, false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED))
		return false;
	while (!is_gone(image->drain_tid, ms))
		; /* it has nothing left to do */
	__atomic_exchange_n(&seat.park, SS_PARK_NONE, __ATOMIC_ACQUIRE);
	/* The number may become another thread's. */
	__atomic_store_n(&image->drain_tid, 0, __ATOMIC_RELAXED);
	return true;
}

int ss_drain_thread_compile(const char *list, void **ret_table, char *error, size_t error_bytes)
{
	ss_collector_compile_fn compile;
	void *library;
	int flags, r;

	r = compile_flags(&flags);
	if (r) {
		snprintf(error, error_bytes,
			 "binding files cannot be read in a program that exports "
			 "cJSON's functions and replaces malloc");
		return r;
	}
	library = load(flags);
	compile = library ? (ss_collector_compile_fn)find(library, "ss_collector_compile") : NULL;
	if (!compile) {
		snprintf(error, error_bytes, "%s cannot be used", collector_path);
		if (library)
			dlclose(library);
		return -ELIBACC;
	}
	r = compile(SS_COLLECTOR_ABI, list, ret_table, error, error_bytes);
	dlclose(library);
	return r;
}

void ss_drain_thread_settle(const struct ss_image *image, int ms)
{
	for (int i = 0; i < ms * 20; i++) {
		uint32_t state = __atomic_load_n(&image->drain_state, __ATOMIC_ACQUIRE);
		uint32_t plugins = __atomic_load_n(&image->in_plugin, __ATOMIC_ACQUIRE);

		if (state != SS_DRAIN_STARTING &&
		    (state != SS_DRAIN_RUNNING || plugins != SS_PLUGIN_LOADING))
			return;
		ss_clocks_sleep_us(50);
	}
}
