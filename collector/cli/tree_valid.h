/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a text is JSON, as RFC 8259 has it, in one pass and without memory. Must not: accept what
 * cJSON would not.
 */
#ifndef SS_TREE_VALID_H
#define SS_TREE_VALID_H

#include <stdbool.h>
#include <stddef.h>

/* One value with nothing but blanks around it. ret_byte: where it is not. */
bool ss_tree_valid(const char *text, size_t bytes, size_t *ret_byte);

#endif
