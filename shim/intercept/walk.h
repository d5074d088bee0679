/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts thunks into loaded objects: into the words through which they reach declared functions of
 * other objects. Calls inside the defining object stay as they are, so that results do not depend
 * on how a library was linked. Owns the set of objects that are finished. Runs on host threads,
 * cold. Must not: touch an object that the loader may still be relocating or may unload meanwhile,
 * or hold a lock of ours while it asks the loader.
 */
#ifndef SS_WALK_H
#define SS_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* The first walk, over everything the process started with. Constructor's thread, once, after
 * ss_declared_set. */
void ss_walk_start(void);

/* Whether ss_walk_start has been called. Any thread. */
bool ss_walk_is_active(void);

/* Walks all objects that are not finished. Only on a thread that the loader is running initialisers
 * on: it holds the loader's lock, and everything in the list is relocated. */
void ss_walk_loaded(void);

/* Walks the unfinished objects among `handle` (from dlopen or dlmopen) and what it depends on; they
 * stay, as the caller has the handle. Any thread. */
void ss_walk_handle(void *handle);

/* Whether `address` is where the executable's linkage table stands in for `name`: calls through it
 * come to a patched word anyway. Any thread. */
bool ss_walk_is_plt_entry(const char *name, const void *address);

/* Whether `address` lies in the executable. Any thread. */
bool ss_walk_is_program(const void *address);

void ss_walk_counts(uint32_t *ret_objects, uint32_t *ret_patched);

#endif
