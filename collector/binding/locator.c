/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/locator.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

unsigned int ss_locator_line_at(const char *text, size_t offset)
{
	unsigned int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* Adds to *number how many values stand before `node` in document order. */
static bool number_of(const cJSON *tree, const cJSON *node, size_t *number)
{
	const cJSON *child;

	if (tree == node)
		return true;
	++*number;
	cJSON_ArrayForEach (child, tree) {
		if (number_of(child, node, number))
			return true;
	}
	return false;
}

static bool is_space(char c)
{
	return (unsigned char)c <= ' ';
}

static size_t skip_space(const char *text, size_t bytes, size_t at)
{
	while (at < bytes && is_space(text[at]))
		at++;
	return at;
}

/* End of the string, number or word that starts at `at`. */
static size_t skip_scalar(const char *text, size_t bytes, size_t at)
{
	if (text[at] != '"') {
		while (at < bytes && !is_space(text[at]) && !strchr(",:[]{}", text[at]))
			at++;
		return at;
	}
	for (at++; at < bytes && text[at] != '"'; at++)
		at += text[at] == '\\';
	return at < bytes ? at + 1 : bytes;
}

/* Offset of value number `number` (from 0, document order), or of its key. */
static size_t offset_of(const char *text, size_t bytes, size_t number)
{
	bool have_key = false;
	size_t at = 0, start = 0, end, next;

	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	for (at = skip_space(text, bytes, at); at < bytes; at = skip_space(text, bytes, end)) {
		end = at + 1;
		if (strchr(",:]}", text[at]))
			continue;
		if (!have_key)
			start = at;
		have_key = false;
		if (text[at] != '[' && text[at] != '{') {
			end = skip_scalar(text, bytes, at);
			next = skip_space(text, bytes, end);
			if (next < bytes && text[next] == ':') {
				have_key = true;
				continue;
			}
		}
		if (number-- == 0)
			return start;
	}
	return bytes;
}

unsigned int ss_locator_line(const char *text, size_t bytes, const cJSON *root, const cJSON *node)
{
	size_t number = 0;

	if (!number_of(root, node, &number))
		return 0;
	return ss_locator_line_at(text, offset_of(text, bytes, number));
}

int ss_locator_path(const cJSON *root, const cJSON *node, char *ret_path, size_t bytes)
{
	size_t length = 0;

	ret_path[0] = '\0';
	while (root != node) {
		const cJSON *child, *holder = NULL;
		size_t number, index = 0, at = 0;

		cJSON_ArrayForEach (child, root) {
			number = 0;
			if (number_of(child, node, &number)) {
				holder = child;
				at = index;
				break;
			}
			index++;
		}
		if (!holder)
			return -ENOENT;
		if (cJSON_IsArray(root))
			length += snprintf(ret_path + length, bytes - length, "[%zu]", at);
		else
			length += snprintf(ret_path + length, bytes - length, "%s%.64s",
					   length ? "." : "", holder->string);
		if (length >= bytes)
			length = bytes - 1;
		root = holder;
	}
	return 0;
}
