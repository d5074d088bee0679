/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/dl.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include "shim/intercept/declared.h"
#include "shim/intercept/objects.h"
#include "shim/intercept/scratch.h"
#include "shim/intercept/slot.h"
#include "shim/intercept/walk.h"
#include "shim/main.h"

#define EXPORT __attribute__((visibility("default")))

/* glibc finds it by this name: crti.o's _init, in nearly every object, calls it if there is one. */
EXPORT void __gmon_start__(void);

void *ss_dl_dlsym, *ss_dl_dlvsym;
static int (*real_dladdr)(const void *, Dl_info *);
static char *(*real_dlerror)(void);

void ss_dl_resolve(void)
{
	if (__atomic_load_n(&ss_dl_dlsym, __ATOMIC_ACQUIRE))
		return;
	ss_dl_dlvsym = ss_objects_next("dlvsym");
	real_dladdr = ss_objects_next("dladdr");
	real_dlerror = ss_objects_next("dlerror");
	/* Release: the others are there, too. */
	__atomic_store_n(&ss_dl_dlsym, ss_objects_next("dlsym"), __ATOMIC_RELEASE);
}

static void *ask(void *handle, const char *name, const char *version)
{
	void *(*symbol)(void *, const char *) = ss_dl_dlsym;
	void *(*versioned)(void *, const char *, const char *) = ss_dl_dlvsym;

	if (version)
		return versioned ? versioned(handle, name, version) : NULL;
	return symbol ? symbol(handle, name) : NULL;
}

void *ss_dl_lookup(void *handle, const char *name, const char *version)
{
	void *found = ask(handle, name, version);

	if (!found && real_dlerror)
		real_dlerror();
	return found;
}

static void copy_object(const struct ss_elf *elf, void *arg)
{
	*(struct ss_elf *)arg = *elf;
}

/* RTLD_DEFAULT as the caller's object means it: the global scope, then its own. */
static void *ask_default(const void *caller, const char *name, const char *version)
{
	void *found = ask(RTLD_DEFAULT, name, version);
	struct ss_objects_closure *closure;
	struct ss_elf object;

	if (found || !ss_objects_at(caller, copy_object, &object))
		return found;
	closure = ss_scratch_new(sizeof(*closure));
	if (!closure)
		return NULL;
	ss_objects_closure(&object, closure);
	found = ss_objects_closure_find(closure, name, version);
	ss_scratch_free(closure, sizeof(*closure));
	return found;
}

static void *find_thunk(void *handle, const char *name, const char *version, void *caller)
{
	uint32_t entry;
	void *real;

	if (handle != RTLD_DEFAULT)
		ss_walk_handle(handle);
	entry = ss_declared_find(name);
	/* A replaced function is one that extension modules are linked to. */
	if (entry >= SS_DECLARED_REPLACED)
		return NULL;
	real = handle == RTLD_DEFAULT ? ask_default(caller, name, version)
				      : ask(handle, name, version);
	if (!real || ss_walk_is_plt_entry(name, real))
		return NULL;
	return ss_slot_thunk(entry, real);
}

void *ss_dl_symbol(void *handle, const char *name, const char *version, void *caller)
{
	int saved_errno = errno;
	void *thunk = NULL;

	ss_dl_resolve();
	/* The next definition is asked for by somebody who wraps the function himself. */
	if (ss_walk_is_active() && name && handle != RTLD_NEXT)
		thunk = find_thunk(handle, name, version, caller);
	errno = saved_errno;
	return thunk;
}

/* A wrapped function's address tells of the function. */
EXPORT int dladdr(const void *address, Dl_info *info)
{
	ss_dl_resolve();
	return real_dladdr ? real_dladdr(ss_slot_real((void *)address), info) : 0;
}

EXPORT void __gmon_start__(void)
{
	int saved_errno = errno;

	if (!ss_walk_is_active())
		ss_main_start(environ);
	/* The executable's own is called last, without the loader's lock, and brings nothing new.
	 */
	else if (!ss_walk_is_program(__builtin_return_address(0)))
		ss_walk_loaded();
	errno = saved_errno;
}
