/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that look at none of what their arguments point to, so that these may be anything.
 */
#include <stddef.h>
#include <stdint.h>

int po_text(const char *text);
int po_sized(const char *text, uint64_t bytes);
int po_cell(const int64_t *cell);

int po_text(const char *text)
{
	return text != NULL;
}

int po_sized(const char *text, uint64_t bytes)
{
	return text != NULL && bytes > 0;
}

int po_cell(const int64_t *cell)
{
	return cell != NULL;
}
