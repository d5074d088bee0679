/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull
#define CHUNK 4096u /* bytes of a string per reservation; each may become six */

static const char digit_pairs[201] = "00010203040506070809101112131415161718192021222324"
				     "25262728293031323334353637383940414243444546474849"
				     "50515253545556575859606162636465666768697071727374"
				     "75767778798081828384858687888990919293949596979899";
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

void ss_json_uint(struct ss_json *json, uint64_t value)
{
	char text[20];
	unsigned int at = sizeof(text);

	while (value >= 100) {
		at -= 2;
		memcpy(text + at, digit_pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(text + at, digit_pairs + 2 * value, 2);
	} else {
		text[--at] = (char)('0' + value);
	}
	ss_json_bytes(json, text + at, sizeof(text) - at);
}

void ss_json_int(struct ss_json *json, int64_t value)
{
	if (value < 0)
		ss_json_raw(json, "-");
	ss_json_uint(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* One nibble a byte, first digit in the lowest byte, all eight turned into digits at once. */
static uint64_t hex8(uint32_t value)
{
	uint64_t x = __builtin_bswap32(value);

	x = (x | x << 16) & 0x0000ffff0000ffffull;
	x = (x | x << 8) & 0x00ff00ff00ff00ffull;
	x = ((x & 0x000f000f000f000full) << 8) | ((x >> 4) & 0x000f000f000f000full);
	return x + '0' * ONES + (((x + 6 * ONES) >> 4) & ONES) * ('a' - '9' - 1);
}

void ss_json_hex(struct ss_json *json, uint64_t value)
{
	uint64_t high = hex8((uint32_t)(value >> 32)), low = hex8((uint32_t)value);

	ss_json_need(json, 16);
	memcpy(json->p, &high, 8);
	memcpy(json->p + 8, &low, 8);
	json->p += 16;
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

static bool plain8(uint64_t x)
{
	uint64_t quote = x ^ '"' * ONES, backslash = x ^ '\\' * ONES;

	return ((x | (x - 0x20 * ONES) | (quote - ONES) | (backslash - ONES)) & HIGHS) == 0;
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

/* Copies what lies in text[0..limit) and returns how many bytes were used: more than limit when a
 * character crosses it. */
static size_t copy_chunk(struct ss_json *json, const unsigned char *text, size_t limit,
			 size_t bytes)
{
	size_t at = 0;
	char *out;

	ss_json_need(json, 6 * CHUNK + 16);
	out = json->p;
	while (at < limit) {
		unsigned char c = text[at];
		uint64_t eight;
		int length;

		if (at + 8 <= limit) {
			memcpy(&eight, text + at, 8);
			if (plain8(eight)) {
				memcpy(out, &eight, 8);
				out += 8;
				at += 8;
				continue;
			}
		}
		if (c < 0x80) {
			if (c < 0x20 || c == '"' || c == '\\')
				out = escape(out, c);
			else
				*out++ = (char)c;
			at++;
			continue;
		}
		length = sequence(text + at, bytes - at);
		memcpy(out, length > 0 ? (const char *)text + at : "\xef\xbf\xbd",
		       length > 0 ? (size_t)length : 3);
		out += length > 0 ? length : 3;
		at += (size_t)abs(length);
	}
	json->p = out;
	return at;
}

void ss_json_escaped(struct ss_json *json, const char *text, size_t bytes)
{
	size_t at = 0;

	while (at < bytes) {
		size_t left = bytes - at;

		at += copy_chunk(json, (const unsigned char *)text + at,
				 left < CHUNK ? left : CHUNK, left);
	}
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
	ss_json_raw(json, "\"");
	ss_json_escaped(json, text, bytes);
	ss_json_raw(json, "\"");
}
