/* SPDX-License-Identifier: Apache-2.0
 *
 * What a span's JSON has before anything of its own: the scope it stands in, its name and kind, and
 * the attributes that all spans of a binding's entry have. Part of otlp.c's work, same rules; reads
 * the opening event in otlp->parts.
 */
#ifndef SS_OTLP_HEAD_H
#define SS_OTLP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/otlp.h"

/* Begins the span's place in the line: in the scope that is open, or in its own one. At most
 * SS_SCOPE_MAX bytes. */
#define SS_SCOPE_MAX 1024u
void ss_otlp_scope(struct ss_otlp *otlp);

/* The entry's ready-made text, valid until the next call; NULL: an adapter's span has none. */
const struct ss_heading *ss_otlp_heading(struct ss_otlp *otlp);

/* An adapter's span's name, quoted. */
void ss_otlp_name(struct ss_otlp *otlp);

/* Whether an adapter's span is of kind CLIENT, else INTERNAL. */
bool ss_otlp_is_client(const struct ss_otlp *otlp);

/* Appends a part of another text, however long. */
void ss_otlp_append_slow(struct ss_json *json, const char *text, size_t bytes);
static inline void ss_otlp_append(struct ss_json *json, const struct ss_json *from, size_t start,
				  size_t bytes)
{
	if (__builtin_expect(bytes <= SS_JSON_BYTES_MIN, 1))
		ss_json_bytes(json, ss_json_text(from) + start, bytes);
	else
		ss_otlp_append_slow(json, ss_json_text(from) + start, bytes);
}

#endif
