/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's ways to get at functions at run time: dlsym, dlvsym, dladdr, and the moment an
 * object's initialisers start. Runs on host threads; keeps errno, and dlerror's state as the host
 * expects it. dlopen and its kin are left alone: the loader wants to see who calls them (RUNPATH,
 * $ORIGIN, namespace), and __gmon_start__ and dlsym come in time.
 */
#ifndef SS_DL_H
#define SS_DL_H

#include <stddef.h>

/* libc's own, for thunk.S to jump to; NULL before ss_dl_resolve. */
extern void *ss_dl_dlsym, *ss_dl_dlvsym;

/* Finds the real functions behind our own. Any thread; idempotent. */
void ss_dl_resolve(void);

/* What dlsym (version NULL) or dlvsym is to answer: a thunk when the symbol is declared, else NULL
 * and the real one gets to answer the caller itself. Called by thunk.S; any thread. */
void *ss_dl_symbol(void *handle, const char *name, const char *version, void *caller);

/* Address of a symbol, searched for in `handle`, from dlopen or RTLD_DEFAULT. Leaves no error for
 * dlerror. NULL when there is none. Any thread that holds no lock of ours. */
void *ss_dl_lookup(void *handle, const char *name, const char *version);

#endif
