/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/put.h"

#include <stdlib.h>

#define E8     100000000u
#define BLANKS 0x2020202020202020ull

typedef int8_t lanes __attribute__((vector_size(16)));

/* The eight digits of a number below 10^8, a byte each, first digit in the lowest byte: halves,
 * quarters and eighths are split side by side, by multiplications with the rounded-up inverses of
 * 100 and 10, which are exact for numbers this small. */
static uint64_t digits8(uint32_t value)
{
	uint64_t x = value / 10000 | (uint64_t)(value % 10000) << 32, q;

	q = (x * 10486 >> 20) & 0x0000007f0000007full;
	x = q | (x - q * 100) << 16;
	q = (x * 103 >> 10) & 0x000f000f000f000full;
	return q | (x - q * 10) << 8;
}

static char *put8(char *to, uint64_t digits)
{
	digits += 0x3030303030303030ull;
	return ss_put_bytes(to, &digits, sizeof(digits));
}

char *ss_put_uint(char *to, uint64_t value)
{
	uint64_t digits;
	uint32_t zeros;

	if (value >= E8)
		return put8(ss_put_uint(to, value / E8), digits8((uint32_t)(value % E8)));
	digits = digits8((uint32_t)value);
	zeros = (uint32_t)__builtin_ctzll(digits | 1ull << 56) / 8; /* leading, but for the last */
	return put8(to, digits >> 8 * zeros) - zeros;
}

char *ss_put_time(struct ss_put_time *last, char *to, uint64_t time_ns)
{
	uint64_t high = time_ns / E8;

	if (high == 0)
		return ss_put_uint(to, time_ns);
	if (high != last->high) {
		last->high = high;
		last->bytes = (uint32_t)(ss_put_uint(last->text, high) - last->text);
	}
	memcpy(to, last->text, SS_PUT_UINT_MAX);
	return put8(to + last->bytes, digits8((uint32_t)(time_ns % E8)));
}

/* The first bytes of a text, at most eight; blanks where there are fewer. */
static uint64_t load8(const char *text, size_t bytes)
{
	const unsigned char *start = (const unsigned char *)text;
	uint64_t word = 0;
	uint32_t first, last;

	if (bytes >= 8) {
		memcpy(&word, text, sizeof(word));
		return word;
	}
	if (bytes >= 4) { /* two halves that overlap */
		memcpy(&first, text, sizeof(first));
		memcpy(&last, text + bytes - 4, sizeof(last));
		word = first | (uint64_t)last << 8 * (bytes - 4);
	} else if (bytes > 0) {
		word = start[0] | (uint64_t)start[bytes / 2] << 8 * (bytes / 2) |
		       (uint64_t)start[bytes - 1] << 8 * (bytes - 1);
	}
	return word | BLANKS << 8 * bytes;
}

/* The same, at most sixteen. */
static lanes load16(const char *text, size_t bytes)
{
	uint64_t words[2] = { load8(text, bytes), BLANKS };
	lanes sixteen;

	if (bytes >= 16)
		memcpy(words, text, sizeof(words));
	else if (bytes > 8)
		words[1] = load8(text + 8, bytes - 8);
	memcpy(&sixteen, words, sizeof(sixteen));
	return sixteen;
}

/* How many of the first ones can stand in a string as they are: neither control characters, nor
 * quotes, nor backslashes, nor above 0x7f, which is below 0 here. */
static uint32_t plain16(lanes text)
{
	typedef int64_t halves __attribute__((vector_size(16)));
	halves special = (halves)((text < ' ') | (text == '"') | (text == '\\'));

	if (special[0] != 0)
		return (uint32_t)__builtin_ctzll((uint64_t)special[0]) / 8;
	return special[1] != 0 ? 8 + (uint32_t)__builtin_ctzll((uint64_t)special[1]) / 8 : 16;
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
		out[3] = "0123456789abcdef"[c >> 4];
		out[4] = "0123456789abcdef"[c & 15];
		out += 5;
	}
	return out;
}

/* Unicode 15, table 3-7. */
int ss_put_character(const char *start, size_t bytes)
{
	const unsigned char *text = (const unsigned char *)start;
	unsigned char lead = text[0], low = 0x80, high = 0xbf;
	int length, i;

	if (lead < 0x80)
		return 1;
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
static size_t put_special(char **to, const char *text, size_t bytes)
{
	unsigned char first = (unsigned char)text[0];
	int length;

	if (first < 0x80) {
		*to = escape(*to, first);
		return 1;
	}
	length = ss_put_character(text, bytes);
	*to = length > 0 ? ss_put_bytes(*to, text, (size_t)length)
			 : ss_put_raw(*to, "\xef\xbf\xbd");
	return (size_t)abs(length);
}

char *ss_put_escaped(char *to, const char *text, size_t limit, size_t bytes, size_t *ret_used)
{
	size_t at = 0;

	while (at < limit) {
		size_t count = limit - at < 16 ? limit - at : 16;
		lanes sixteen = load16(text + at, count);
		uint32_t plain = plain16(sixteen);

		memcpy(to, &sixteen, sizeof(sixteen));
		if (plain == 16) {
			to += count;
			at += count;
			continue;
		}
		to += plain;
		at += plain;
		do
			at += put_special(&to, text + at, bytes - at);
		while (at < limit && (unsigned char)text[at] >= 0x80);
	}
	*ret_used = at;
	return to;
}
