/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull
#define CHUNK 4096u /* bytes of a string per reservation; each may become six */

static const char hex_digits[17] = "0123456789abcdef";

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

/* The top bit of the first byte that cannot stand in a string as it is, and of any byte behind it.
 * 0: all can. */
static uint64_t special8(uint64_t x)
{
	uint64_t quote = x ^ '"' * ONES, backslash = x ^ '\\' * ONES;

	return (x | (x - 0x20 * ONES) | (quote - ONES) | (backslash - ONES)) & HIGHS;
}

/* The first bytes of a text, at most eight; blanks where there are fewer. */
static uint64_t load8(const unsigned char *text, size_t bytes)
{
	uint64_t word;
	uint32_t first, last;

	if (bytes >= 8) {
		memcpy(&word, text, sizeof(word));
		return word;
	}
	if (bytes >= 4) { /* two halves that overlap */
		memcpy(&first, text, sizeof(first));
		memcpy(&last, text + bytes - 4, sizeof(last));
		word = first | (uint64_t)last << 8 * (bytes - 4);
	} else {
		word = text[0] | (uint64_t)text[bytes / 2] << 8 * (bytes / 2) |
		       (uint64_t)text[bytes - 1] << 8 * (bytes - 1);
	}
	return word | ' ' * ONES << 8 * bytes;
}

static char *escape(char *out, unsigned char c)
{
	static const char short_form[32] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};

	*out++ = '\\';
	if (c >= 0x20) {
		*out++ = (char)c;
	} else if (short_form[c] != 0) {
		*out++ = short_form[c];
	} else {
		memcpy(out, "u00", 3);
		out[3] = hex_digits[c >> 4];
		out[4] = hex_digits[c & 15];
		out += 5;
	}
	return out;
}

/* Length of the well-formed sequence at text (Unicode 15, table 3-7), or minus the length of the
 * ill-formed part that one U+FFFD stands for. */
static int sequence(const unsigned char *text, size_t bytes)
{
	unsigned char lead = text[0], low = 0x80, high = 0xbf;
	int length, i;

	if (lead < 0xc2 || lead > 0xf4)
		return -1;
	length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	for (i = 1; i < length; i++, low = 0x80, high = 0xbf) {
		if ((size_t)i >= bytes || text[i] < low || text[i] > high)
			return -i;
	}
	return length;
}

/* One character, in its own way; returns how many bytes it has. */
static size_t copy_special(char **out, const unsigned char *text, size_t bytes)
{
	int length;

	if (text[0] < 0x80) {
		*out = escape(*out, text[0]);
		return 1;
	}
	length = sequence(text, bytes);
	*out = length > 0 ? ss_put_bytes(*out, text, (size_t)length)
			  : ss_put_raw(*out, "\xef\xbf\xbd");
	return (size_t)abs(length);
}

/* Copies what lies in text[0..limit) and returns how many bytes were used: more than limit when a
 * character crosses it. Room for 6 * limit + 16 is there. */
static size_t copy_chunk(char **end, const unsigned char *text, size_t limit, size_t bytes)
{
	char *out = *end;
	size_t at = 0;

	while (at < limit) {
		size_t count = limit - at < 8 ? limit - at : 8;
		uint64_t eight = load8(text + at, count), special = special8(eight);

		memcpy(out, &eight, sizeof(eight));
		if (special != 0)
			count = (size_t)__builtin_ctzll(special) / 8;
		out += count;
		at += count;
		if (special != 0)
			at += copy_special(&out, text + at, bytes - at);
	}
	*end = out;
	return at;
}

static inline void append(struct ss_json *json, const char *text, size_t bytes, bool quoted)
{
	size_t at = 0;

	do {
		size_t left = bytes - at, limit = left < CHUNK ? left : CHUNK;
		char *p = ss_json_begin(json, 6 * limit + 16 + 2);

		if (quoted && at == 0)
			*p++ = '"';
		at += copy_chunk(&p, (const unsigned char *)text + at, limit, left);
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
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0;

	while (at < bytes && max_chars-- > 0)
		at += p[at] < 0x80 ? 1 : (size_t)abs(sequence(p + at, bytes - at));
	return at;
}

void ss_json_string(struct ss_json *json, const char *text, size_t bytes, uint32_t max_chars)
{
	if (bytes > max_chars)
		bytes = cut(text, bytes, max_chars);
	append(json, text, bytes, true);
}
