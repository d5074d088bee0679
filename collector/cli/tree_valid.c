/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_valid.h"

#include <string.h>

#define DEPTH_MAX 500 /* cJSON's own limit is 1000 */

/* Each check returns what follows, or NULL with `bad` at the trouble. */
struct input {
	const char *end, *bad;
};

static const char *fail(struct input *input, const char *at)
{
	input->bad = at;
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_blanks(const struct input *input, const char *at)
{
	while (at < input->end && is_blank(*at))
		at++;
	return at;
}

static int hex4(const struct input *input, const char *at)
{
	int value = 0, i;

	if (input->end - at < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* Behind a backslash. Halves of surrogate pairs must come in pairs. */
static const char *check_escape(struct input *input, const char *at)
{
	int code;

	if (at < input->end && *at != 'u')
		return strchr("\"\\/bfnrt", *at) && *at ? at + 1 : fail(input, at);
	code = hex4(input, at + 1);
	if (at >= input->end || code < 0 || (code >= 0xdc00 && code < 0xe000))
		return fail(input, at);
	at += 5;
	if (code < 0xd800 || code >= 0xdc00)
		return at;
	if (input->end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return fail(input, at);
	code = hex4(input, at + 2);
	return code >= 0xdc00 && code < 0xe000 ? at + 6 : fail(input, at);
}

/* Behind the opening quote. */
static const char *check_string(struct input *input, const char *at)
{
	while (at && at < input->end) {
		unsigned char c = *at;

		if (c == '"')
			return at + 1;
		if (c < 0x20)
			return fail(input, at);
		at = c == '\\' ? check_escape(input, at + 1) : at + 1;
	}
	return at ? fail(input, at) : NULL;
}

static const char *check_digits(struct input *input, const char *at)
{
	const char *first = at;

	while (at < input->end && *at >= '0' && *at <= '9')
		at++;
	return at > first ? at : fail(input, at);
}

static const char *check_number(struct input *input, const char *at)
{
	if (*at == '-')
		at++;
	if (at < input->end && *at == '0')
		at++;
	else
		at = check_digits(input, at);
	if (at && at < input->end && *at == '.')
		at = check_digits(input, at + 1);
	if (at && at < input->end && (*at | 0x20) == 'e') {
		at++;
		at += at < input->end && (*at == '+' || *at == '-');
		at = check_digits(input, at);
	}
	return at;
}

static const char *check_word(struct input *input, const char *at, const char *word)
{
	size_t bytes = strlen(word);

	if ((size_t)(input->end - at) < bytes || memcmp(at, word, bytes) != 0)
		return fail(input, at);
	return at + bytes;
}

static const char *check_scalar(struct input *input, const char *at)
{
	if (*at == '"')
		return check_string(input, at + 1);
	if (*at == 't')
		return check_word(input, at, "true");
	if (*at == 'f')
		return check_word(input, at, "false");
	if (*at == 'n')
		return check_word(input, at, "null");
	return check_number(input, at);
}

/* A member's name and its colon. */
static const char *check_key(struct input *input, const char *at)
{
	at = skip_blanks(input, at);
	if (at == input->end || *at != '"')
		return fail(input, at);
	at = check_string(input, at + 1);
	if (!at)
		return NULL;
	at = skip_blanks(input, at);
	return at < input->end && *at == ':' ? at + 1 : fail(input, at);
}

/* One value, whatever is in it. */
static const char *check_value(struct input *input, const char *at)
{
	bool is_object[DEPTH_MAX];
	unsigned depth = 0;

	do {
		at = skip_blanks(input, at);
		if (at == input->end)
			return fail(input, at);
		if (*at == '{' || *at == '[') {
			if (depth == DEPTH_MAX)
				return fail(input, at);
			is_object[depth++] = *at == '{';
			at = skip_blanks(input, at + 1);
			if (at == input->end || *at != (is_object[depth - 1] ? '}' : ']')) {
				if (is_object[depth - 1])
					at = check_key(input, at);
				continue;
			}
		} else {
			at = check_scalar(input, at);
			if (!at)
				return NULL;
		}
		for (; depth; at++) {
			at = skip_blanks(input, at);
			if (at == input->end)
				return fail(input, at);
			if (*at == ',')
				break;
			if (*at != (is_object[depth - 1] ? '}' : ']'))
				return fail(input, at);
			depth--;
		}
		if (depth)
			at = is_object[depth - 1] ? check_key(input, at + 1) : at + 1;
	} while (at && depth);
	return at;
}

bool ss_tree_valid(const char *text, size_t bytes, size_t *ret_byte)
{
	struct input input = { .end = text + bytes };
	const char *at = check_value(&input, text);

	if (at)
		at = skip_blanks(&input, at);
	if (at == input.end)
		return true;
	*ret_byte = (size_t)((at ? at : input.bad) - text);
	return false;
}
