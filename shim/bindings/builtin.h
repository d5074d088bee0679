/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in bindings in compiled form, linked into the preloaded object (generated from the JSON
 * at build time), so that nobody pays for a parser who uses no files of his own.
 * Any thread; no libc.
 */
#ifndef SS_BUILTIN_H
#define SS_BUILTIN_H

#include <stdint.h>

#include "shim/bindings/binding.h"

extern const unsigned char ss_builtin_table[];

static inline const struct ss_binding_table *ss_builtin_get(void)
{
	return (const struct ss_binding_table *)ss_builtin_table;
}

/* Reads a colon-separated list (SPANSHIM_BINDINGS) of built-in names, "auto" (all) and "none".
 * 0: bit i of *ret_enabled is set for each binding i of the built-in table that is listed.
 * -ENOENT: something else is in the list, the collector has to compile it. */
int ss_builtin_select(const char *list, uint64_t *ret_enabled);

#endif
