/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounds check of a compiled binding table of unknown origin: after it, every index, offset, enum
 * and string in the table can be used without further checks. For ring files that a crash tore.
 * Any thread; pure. Must not: trust anything in the block before it has been checked.
 */
#ifndef SS_VERIFY_H
#define SS_VERIFY_H

#include <stddef.h>

#include "shim/bindings/binding.h"

/* Checks the block at `table` (8-aligned), of which `bytes` bytes can be read. Returns 0, or
 * -EINVAL. Strings end within the string area. */
int ss_binding_verify(const struct ss_binding_table *table, size_t bytes);

#endif
