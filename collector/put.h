/* SPDX-License-Identifier: Apache-2.0
 *
 * Text behind a pointer: each function puts something at `to` and returns where the next piece
 * goes. For runs of short pieces, whose room is made once (ss_json_begin): the pointer stays in a
 * register. Any thread. Must not: check room. Numbers store up to SS_PUT_SLACK bytes more than they
 * return.
 */
#ifndef SS_PUT_H
#define SS_PUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SS_PUT_UINT_MAX 20u /* digits */
#define SS_PUT_SLACK    8u

static inline __attribute__((always_inline)) char *ss_put_bytes(char *to, const void *text,
								size_t bytes)
{
	memcpy(to, text, bytes);
	return to + bytes;
}

/* A literal: its length is known when compiled. */
static inline __attribute__((always_inline)) char *ss_put_raw(char *to, const char *text)
{
	return ss_put_bytes(to, text, strlen(text));
}

/* Decimal digits. */
char *ss_put_uint(char *to, uint64_t value);

static inline char *ss_put_int(char *to, int64_t value)
{
	if (value < 0)
		*to++ = '-';
	return ss_put_uint(to, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* Unix times in ns: most share what stands before the last eight digits with the one before. All
 * zero to begin with. */
struct ss_put_time {
	uint64_t high; /* all digits but the last eight; their text: */
	uint32_t bytes;
	char text[SS_PUT_UINT_MAX + SS_PUT_SLACK];
};
char *ss_put_time(struct ss_put_time *last, char *to, uint64_t time_ns);

/* The content of a JSON string: escaped, bad UTF-8 replaced by U+FFFD. Takes text[0..limit), and
 * what a character that begins there has beyond, up to `bytes`; *ret_used says how much that was.
 * Needs 6 * limit + 16 bytes of room. */
char *ss_put_escaped(char *to, const char *text, size_t limit, size_t bytes, size_t *ret_used);

/* The length of the character at `text`, at least 1; of an ill-formed part, as long as one U+FFFD
 * stands for, minus that. */
int ss_put_character(const char *text, size_t bytes);

/* 16 lowercase hex digits, most significant first. A nibble a byte, in a vector's lanes: SSE2 and
 * NEON have them all in a dozen instructions. */
static inline char *ss_put_hex(char *to, uint64_t value)
{
	typedef uint8_t lanes __attribute__((vector_size(16)));
	lanes bytes = { 0 }, high, low, nibbles;

	value = __builtin_bswap64(value);
	memcpy(&bytes, &value, sizeof(value));
	high = bytes >> 4;
	low = bytes & 15;
	nibbles = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
					  22, 7, 23);
	nibbles += '0' + ((lanes)(nibbles > 9) & ('a' - '9' - 1));
	return ss_put_bytes(to, &nibbles, sizeof(nibbles));
}

#endif
