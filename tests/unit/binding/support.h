/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the binding compiler share: compiling a text, and finding things in the table.
 */
#ifndef SS_TEST_SUPPORT_H
#define SS_TEST_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/binding/compile.h"

#define ERROR_BYTES 2048

/* Compiles one text called t.json for x86-64; the error text stays "" when all is well. */
static inline int compile(enum ss_arch arch, const char *text, struct ss_binding_table **ret_table,
			  char *error)
{
	struct ss_binding_text source = { "t.json", "t.json", text, strlen(text) };

	error[0] = '\0';
	return ss_compile_texts(arch, &source, 1, ret_table, error, ERROR_BYTES);
}

/* Compiles the elements of "entries" alone; NULL and the message on stderr when that fails. */
static inline struct ss_binding_table *compile_entries(enum ss_arch arch, const char *entries)
{
	struct ss_binding_table *table = NULL;
	char error[ERROR_BYTES], *text = NULL;

	if (asprintf(&text, "{\"spanshim\": 1, \"name\": \"t\",\n\"entries\": [\n%s\n]}", entries) <
	    0)
		return NULL;
	if (compile(arch, text, &table, error) < 0)
		fprintf(stderr, "%s\n", error);
	free(text);
	return table;
}

static inline const char *text_of(const struct ss_binding_table *table, uint32_t offset)
{
	return (const char *)ss_binding_array(table, table->strings) + offset;
}

static inline const struct ss_entry *entry_at(const struct ss_binding_table *table, uint32_t index)
{
	return (const struct ss_entry *)ss_binding_array(table, table->entries) + index;
}

static inline const struct ss_entry *entry_of(const struct ss_binding_table *table,
					      const char *symbol)
{
	for (uint32_t i = 0; i < table->entries.count; i++)
		if (strcmp(text_of(table, entry_at(table, i)->symbol), symbol) == 0)
			return entry_at(table, i);
	return NULL;
}

static inline const struct ss_capture *capture_at(const struct ss_binding_table *table,
						  uint32_t index)
{
	return (const struct ss_capture *)ss_binding_array(table, table->captures) + index;
}

/* Changes `text` a little: bytes overwritten, cut out or doubled. */
static inline void mutate(char *text)
{
	static const char soup[] = "{}[]\",:0123456789-eE.\\ntrufalse \n\xc3\xa9";
	size_t length = strlen(text), at = rand() % length, n = 1 + rand() % 24;

	if (n > length - at)
		n = length - at;
	switch (rand() % 4) {
	case 0:
		text[at] = soup[rand() % (sizeof(soup) - 1)];
		break;
	case 1:
		memmove(text + at, text + at + n, length - at - n + 1);
		break;
	case 2:
		memmove(text + at + n, text + at, length - at + 1);
		break;
	default:
		memmove(text + rand() % (length - n + 1), text + at, n);
	}
}

#endif
