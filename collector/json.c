/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK 4096u /* bytes of a string per reservation; each may become six */

int ss_json_init(struct ss_json *json, size_t bytes)
{
	struct ss_buffer buffer = { 0 };
	int rc = ss_buffer_reserve(&buffer, bytes < SS_JSON_BYTES_MIN ? SS_JSON_BYTES_MIN : bytes);

	if (rc != 0)
		return rc;
	json->buffer = buffer;
	json->p = buffer.base;
	json->end = json->p + buffer.bytes;
	json->failed = false;
	return 0;
}

void ss_json_deinit(struct ss_json *json)
{
	ss_buffer_free(&json->buffer);
	json->p = json->end = NULL;
}

void ss_json_grow(struct ss_json *json, size_t bytes)
{
	size_t length = ss_json_length(json);

	if (ss_buffer_reserve(&json->buffer, length + bytes) != 0) {
		json->failed = true;
		length = 0;
	}
	json->p = (char *)json->buffer.base + length;
	json->end = (char *)json->buffer.base + json->buffer.bytes;
}

/* Decimals n / 10^k with n < 2^53 and 10^k exact divide correctly rounded, so a match reads back as
 * the same double; the smallest k that matches has the fewest digits. */
static bool write_fixed(struct ss_json *json, double value)
{
	double scale = 1;
	int places;

	for (places = 0; places <= 15; places++, scale *= 10) {
		double scaled = value * scale;
		uint64_t digits, whole;
		char fraction[16];
		int i;

		if (!(scaled < 9007199254740992.0))
			return false;
		digits = (uint64_t)(scaled + 0.5);
		if ((double)digits / scale != value)
			continue;
		whole = (uint64_t)scale;
		ss_json_uint(json, digits / whole);
		if (places == 0)
			return true;
		digits %= whole;
		for (i = places; i > 0; i--, digits /= 10)
			fraction[i - 1] = (char)('0' + digits % 10);
		ss_json_raw(json, ".");
		ss_json_bytes(json, fraction, (size_t)places);
		return true;
	}
	return false;
}

/* printf's decimal point is the locale's, of any length: only its digits and exponent are taken. */
static void write_scientific(struct ss_json *json, double value)
{
	char text[64], digits[24];
	int precision, count = 0;
	const char *p;

	for (precision = 14; precision <= 16; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	for (p = text; *p != 'e' && *p != '\0'; p++) {
		if (*p >= '0' && *p <= '9' && count < (int)sizeof(digits))
			digits[count++] = *p;
	}
	while (count > 2 && digits[count - 1] == '0')
		count--;
	ss_json_bytes(json, digits, 1);
	ss_json_raw(json, ".");
	ss_json_bytes(json, digits + 1, (size_t)count - 1);
	ss_json_bytes(json, p, strlen(p));
}

void ss_json_double(struct ss_json *json, double value)
{
	if (isnan(value)) {
		ss_json_raw(json, "\"NaN\"");
		return;
	}
	if (isinf(value)) {
		ss_json_raw(json, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
		return;
	}
	if (signbit(value)) {
		ss_json_raw(json, "-");
		value = -value;
	}
	if (value != 0 && value < 1e-5) {
		write_scientific(json, value);
		return;
	}
	if (!write_fixed(json, value))
		write_scientific(json, value);
}

static inline void append(struct ss_json *json, const char *text, size_t bytes, bool quoted)
{
	size_t at = 0;

	do {
		size_t left = bytes - at, limit = left < CHUNK ? left : CHUNK, used;
		char *p = ss_json_begin(json, 6 * limit + 16 + 2);

		if (quoted && at == 0)
			*p++ = '"';
		p = ss_put_escaped(p, text + at, limit, left, &used);
		at += used;
		if (quoted && at == bytes)
			*p++ = '"';
		ss_json_end(json, p);
	} while (at < bytes);
}

void ss_json_escaped(struct ss_json *json, const char *text, size_t bytes)
{
	append(json, text, bytes, false);
}

/* Bytes of the first max_chars characters; an ill-formed part counts as one, as it is written. */
static size_t cut(const char *text, size_t bytes, uint32_t max_chars)
{
	size_t at = 0;

	while (at < bytes && max_chars-- > 0)
		at += (size_t)abs(ss_put_character(text + at, bytes - at));
	return at;
}

void ss_json_string(struct ss_json *json, const char *text, size_t bytes, uint32_t max_chars)
{
	if (bytes > max_chars)
		bytes = cut(text, bytes, max_chars);
	append(json, text, bytes, true);
}
