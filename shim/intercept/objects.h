/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to the loader's list of objects, asked through dl_iterate_phdr: its lock is held while
 * a callback runs, so no object goes away under it. Nothing is kept but how many objects the
 * process started with. Must not: use the host's dlsym, or call the loader from within a callback.
 */
#ifndef SS_OBJECTS_H
#define SS_OBJECTS_H

#include "shim/intercept/elf.h"

struct ss_objects_counts {
	uint64_t added, removed; /* objects, since the process began */
};

/* libc's dl_iterate_phdr, whoever else has one: ThreadSanitizer's does not work yet when it first
 * calls our dlsym. Any thread. */
typedef int (*ss_objects_callback)(struct dl_phdr_info *info, size_t size, void *arg);
int ss_objects_iterate(ss_objects_callback callback, void *arg);

/* Any thread. */
void ss_objects_counts(struct ss_objects_counts *ret_counts);

/* The first definition of `name` behind our own object in the start-up list, or NULL. Any thread.
 */
void *ss_objects_next(const char *name);

/* The first definition in the start-up list, i.e. the global scope but for objects that were added
 * to it later; leaves out our own object. Versions as in ss_elf_lookup. NULL when there is none. */
void *ss_objects_global(const char *name, const char *version);

/* An object and what it is linked to, breadth first: what its loader looks through after the global
 * scope. They stay loaded as long as the first one does. Any thread. */
#define SS_CLOSURE_MAX 32u
struct ss_objects_closure {
	uint32_t count;
	struct ss_elf objects[SS_CLOSURE_MAX];
};
void ss_objects_closure(const struct ss_elf *first, struct ss_objects_closure *ret_closure);
void *ss_objects_closure_find(const struct ss_objects_closure *closure, const char *name,
			      const char *version);

/* The soname, or for want of one the last part of the path. May be NULL. */
const char *ss_objects_name(const struct ss_elf *elf, const char *path);

/* Calls visit(object, arg) with the loader's list locked for the object that `address` lies in.
 * False when it lies in none (of the main namespace). Any thread. */
typedef void (*ss_objects_visit)(const struct ss_elf *elf, void *arg);
bool ss_objects_at(const void *address, ss_objects_visit visit, void *arg);

/* Whether it is our own object. Signal-safe. */
bool ss_objects_is_self(const struct ss_elf *elf);
/* Whether the address lies in our own object. Signal-safe. */
bool ss_objects_self_contains(const void *address);

#endif
