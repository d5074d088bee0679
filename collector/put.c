/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/put.h"

#define E8 100000000u

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
