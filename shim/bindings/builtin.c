/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/bindings/builtin.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static bool is_word(const char *item, size_t length, const char *word)
{
	size_t i = 0;

	while (i < length && word[i] && word[i] == item[i])
		i++;
	return i == length && word[i] == '\0';
}

static uint64_t select_item(const char *item, size_t length)
{
	const struct ss_binding_table *table = ss_builtin_get();
	const struct ss_binding *bindings = ss_binding_array(table, table->bindings);
	const char *strings = ss_binding_array(table, table->strings);
	bool all = is_word(item, length, "auto");
	uint64_t enabled = 0;

	for (uint32_t i = 0; i < table->bindings.count; i++)
		if (all || is_word(item, length, strings + bindings[i].name))
			enabled |= 1ull << i;
	return enabled;
}

int ss_builtin_select(const char *list, uint64_t *ret_enabled)
{
	uint64_t enabled = 0;

	while (*list) {
		size_t length = 0;

		while (list[length] && list[length] != ':')
			length++;
		if (length > 0 && !is_word(list, length, "none")) {
			uint64_t bits = select_item(list, length);

			if (!bits)
				return -ENOENT;
			enabled |= bits;
		}
		list += length + (list[length] == ':');
	}
	*ret_enabled = enabled;
	return 0;
}
