/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking through text that is known to be JSON (tree_valid.h), without building anything in
 * memory: nothing needs to be checked, only passed. Inline: whole dumps go through this byte by
 * byte. Must not: be given text that was not validated.
 */
#ifndef SS_JSON_WALK_H
#define SS_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct ss_tree_slice { /* of the line */
	const char *text;
	size_t bytes;
};

static inline const char *ss_walk_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
		at++;
	return at;
}

static inline const char *ss_walk_string(const char *at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

static inline const char *ss_walk_value(const char *at)
{
	unsigned depth = 0;

	if (*at != '{' && *at != '[' && *at != '"') {
		while (!strchr(",]} \t\r\n", *at))
			at++;
		return at;
	}
	do {
		char c = *at;

		if (c == '"') {
			at = ss_walk_string(at);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		at++;
	} while (depth);
	return at;
}

/* The next member of an object or element of an array, from behind the bracket or the value
 * before. */
static inline bool ss_walk_next(const char **at, struct ss_tree_slice *ret_key,
				const char **ret_value)
{
	const char *p = ss_walk_blanks(*at);

	if (*p == ',')
		p = ss_walk_blanks(p + 1);
	if (*p == '}' || *p == ']')
		return false;
	if (ret_key) {
		ret_key->text = p + 1;
		p = ss_walk_string(p);
		ret_key->bytes = (size_t)(p - 1 - ret_key->text);
		p = ss_walk_blanks(ss_walk_blanks(p) + 1);
	}
	*ret_value = p;
	return true;
}

static inline bool ss_walk_is(struct ss_tree_slice slice, const char *word)
{
	return slice.bytes == strlen(word) && memcmp(slice.text, word, slice.bytes) == 0;
}

static inline struct ss_tree_slice ss_walk_slice(const char *value)
{
	return (struct ss_tree_slice){ value, (size_t)(ss_walk_value(value) - value) };
}

#endif
