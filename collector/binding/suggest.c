/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 32

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Levenshtein distance; words longer than WORD_MAX are far from everything. */
static uint32_t distance(const char *a, const char *b)
{
	uint32_t row[WORD_MAX + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > WORD_MAX || b_length > WORD_MAX)
		return UINT32_MAX;
	for (uint32_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (uint32_t i = 1; i <= a_length; i++) {
		uint32_t diagonal = row[0];

		row[0] = i;
		for (uint32_t j = 1; j <= b_length; j++) {
			uint32_t above = row[j];

			row[j] =
				least(row[j - 1] + 1, above + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_length];
}

const char *ss_suggest_nearest(const char *wrong, const char *const *words, uint32_t count)
{
	const char *nearest = NULL;
	uint32_t best = 3;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t edits = distance(wrong, words[i]);

		if (edits < best && 3 * edits <= strlen(words[i])) {
			best = edits;
			nearest = words[i];
		}
	}
	return nearest;
}

const char *ss_suggest_list(const char *const *words, uint32_t count, char *buffer, size_t bytes)
{
	size_t length = 0;

	buffer[0] = '\0';
	for (uint32_t i = 0; i < count && length < bytes; i++) {
		const char *joint = i == 0 ? "" : i + 1 == count ? " or " : ", ";

		length += snprintf(buffer + length, bytes - length, "%s\"%s\"", joint, words[i]);
	}
	return buffer;
}
