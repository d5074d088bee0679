/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled binding in words, for `spanshim bindings NAME`. What it says comes from the block that
 * the shim would use, not from the JSON. Main thread of the command; prints with stdio.
 */
#ifndef SS_EXPLAIN_H
#define SS_EXPLAIN_H

#include <stdio.h>

#include "shim/bindings/binding.h"

/* Prints binding `index` of a table that ss_compile_list made (or ss_binding_verify accepted). */
void ss_explain_binding(FILE *out, const struct ss_binding_table *table, uint32_t index);

#endif
