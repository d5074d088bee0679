/* SPDX-License-Identifier: Apache-2.0
 *
 * "did you mean": the known word nearest to a mistyped one. Any thread; pure.
 */
#ifndef SS_SUGGEST_H
#define SS_SUGGEST_H

#include <stddef.h>
#include <stdint.h>

/* The word of words[count] within two edits (and a third of its length) of `wrong`, or NULL. */
const char *ss_suggest_nearest(const char *wrong, const char *const *words, uint32_t count);

/* Writes `"a", "b" or "c"`, cut to fit; returns `buffer`. */
const char *ss_suggest_list(const char *const *words, uint32_t count, char *buffer, size_t bytes);

#endif
