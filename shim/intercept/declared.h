/* SPDX-License-Identifier: Apache-2.0
 *
 * Which symbols are declared: a hash over the names in the enabled bindings, with a filter in front
 * of it that rejects nearly every other name by its first four characters. Beside them the few that
 * get a function of ours instead of a thunk. Filled once, before any other thread can ask;
 * read-only afterwards. Must not: allocate.
 */
#ifndef SS_DECLARED_H
#define SS_DECLARED_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/bindings/binding.h"

#define SS_DECLARED_MAX 2048u /* names */

/* Takes the entries of the bindings whose bit is set in `enabled`. Returns how many of them found
 * no room. `table` must live on. */
uint32_t ss_declared_set(const struct ss_binding_table *table, uint64_t enabled);

/* Beyond any entry's index: a replacement's, added to this. Also SS_NO_INDEX is. */
#define SS_DECLARED_REPLACED 0x80000000u
#define SS_REPLACEMENTS_MAX  8u

/* See ss_intercept_replace. False: no room. Before any other thread can ask. */
bool ss_declared_replace(const char *name, void *function, void **real);

/* The function of ours that objects get instead of `real`; `real` itself if it is not the one that
 * others got it for. Any thread. */
void *ss_declared_replacement(uint32_t index, void *real);

/* The first enabled entry of the symbol, or SS_DECLARED_REPLACED plus something, or SS_NO_INDEX.
 * Any thread; signal-safe. */
uint32_t ss_declared_find(const char *name);

/* The table, NULL while there is none. */
const struct ss_binding_table *ss_declared_table(void);

#endif
