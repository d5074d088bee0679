/* SPDX-License-Identifier: Apache-2.0
 *
 * Streaming JSON writer: appends text to one growing buffer; the caller places commas and brackets.
 * Drain thread (or the command) only. Output is always valid UTF-8 and, fed in order, valid JSON.
 * Must not: depend on the locale (the host may have set one), or write past the buffer when memory
 * runs out: then `failed` is set and the text is garbage of bounded size.
 */
#ifndef SS_JSON_H
#define SS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collector/buffer.h"
#include "collector/put.h"

#define SS_JSON_BYTES_MIN  65536u /* least capacity; no single reservation is longer */
#define SS_JSON_NUMBER_MAX (1 + SS_PUT_UINT_MAX + SS_PUT_SLACK)

struct ss_json {
	struct ss_buffer buffer;
	char *p, *end;
	bool failed;
};

/* Allocates the first `bytes` (at least SS_JSON_BYTES_MIN). 0 or -ENOMEM. ss_json_deinit frees. */
int ss_json_init(struct ss_json *json, size_t bytes);
void ss_json_deinit(struct ss_json *json);

/* Grows, or sets `failed` and starts over; in both cases `bytes` more (<= SS_JSON_BYTES_MIN) fit.
 */
void ss_json_grow(struct ss_json *json, size_t bytes);

static inline size_t ss_json_length(const struct ss_json *json)
{
	return (size_t)(json->p - (char *)json->buffer.base);
}

static inline char *ss_json_text(const struct ss_json *json)
{
	return json->buffer.base;
}

static inline void ss_json_need(struct ss_json *json, size_t bytes)
{
	if (__builtin_expect((size_t)(json->end - json->p) < bytes, 0))
		ss_json_grow(json, bytes);
}

/* Room for `bytes` (<= SS_JSON_BYTES_MIN), to be filled with put.h; ss_json_end says up to where.
 */
static inline char *ss_json_begin(struct ss_json *json, size_t bytes)
{
	ss_json_need(json, bytes);
	return json->p;
}

static inline void ss_json_end(struct ss_json *json, char *p)
{
	json->p = p;
}

/* Text as it is, at most SS_JSON_BYTES_MIN. */
static inline __attribute__((always_inline)) void ss_json_bytes(struct ss_json *json,
								const char *text, size_t bytes)
{
	ss_json_end(json, ss_put_bytes(ss_json_begin(json, bytes), text, bytes));
}

/* A literal: its length is known when compiled. */
static inline __attribute__((always_inline)) void ss_json_raw(struct ss_json *json,
							      const char *text)
{
	ss_json_bytes(json, text, strlen(text));
}

/* Decimal digits, no quotes. */
static inline void ss_json_uint(struct ss_json *json, uint64_t value)
{
	ss_json_end(json, ss_put_uint(ss_json_begin(json, SS_JSON_NUMBER_MAX), value));
}

static inline void ss_json_int(struct ss_json *json, int64_t value)
{
	ss_json_end(json, ss_put_int(ss_json_begin(json, SS_JSON_NUMBER_MAX), value));
}

/* 16 lowercase hex digits, most significant first, no quotes. */
static inline void ss_json_hex(struct ss_json *json, uint64_t value)
{
	ss_json_end(json, ss_put_hex(ss_json_begin(json, 16), value));
}

/* Shortest decimal that reads back as the same double; NaN and infinities become the strings "NaN",
 * "Infinity", "-Infinity" (protobuf's JSON mapping). */
void ss_json_double(struct ss_json *json, double value);

/* A quoted string of any bytes: escaped, bad UTF-8 replaced by U+FFFD, cut after `max_chars`
 * characters. */
void ss_json_string(struct ss_json *json, const char *text, size_t bytes, uint32_t max_chars);

/* The same without the quotes: for values put together from several texts. */
void ss_json_escaped(struct ss_json *json, const char *text, size_t bytes);

#endif
