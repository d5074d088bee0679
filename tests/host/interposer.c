/* SPDX-License-Identifier: Apache-2.0
 *
 * A preload object of somebody else's, which wraps some of what spanshim wraps: dlsym, dlopen and
 * pthread_create, each handing on to the next one. At the end it says how many threads it saw.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static int threads;
static pid_t first;

int getpid(void);

static void *next(const char *name)
{
	/* dlvsym is nobody's but libc's: dlsym is ourselves */
	return dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5");
}

void *dlsym(void *handle, const char *name)
{
	static void *(*real)(void *, const char *);

	if (!real)
		real = (void *(*)(void *, const char *))next("dlsym");
	return real(handle, name);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
		   void *data)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (!real)
		real = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
				void *))dlsym(RTLD_NEXT, "pthread_create");
	if (start)
		__atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	return real(thread, attr, start, data);
}

__attribute__((constructor)) static void begin(void)
{
	first = getpid();
}

__attribute__((destructor)) static void end(void)
{
	if (getpid() == first && threads)
		fprintf(stderr, "interposer: %d threads\n", threads);
}
