/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON text that comes again and again, kept ready made: the beginnings of attributes, up to their
 * values, and the names of span events. Part of otlp.c's work, same rules.
 */
#ifndef SS_OTLP_KEY_H
#define SS_OTLP_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/otlp.h"
#include "shim/event.h"

#define SS_OTLP_SHORT      128u /* bytes of a string that is written at once */
#define SS_OTLP_VALUE_ROOM (6 * SS_OTLP_SHORT + 32)
#define SS_OTLP_EVENT_NAME SS_ATTR_TYPES /* a fragment's type, beside those of attributes */

struct ss_fragment {  /* struct ss_otlp has SS_FRAGMENTS of them */
	uint32_t key; /* 0: empty */
	uint16_t type;
	uint16_t bytes;
	char text[SS_FRAGMENT_MAX + 8]; /* more: it is copied from the second byte on, too */
};
_Static_assert(sizeof(struct ss_fragment) == 128, "whole cache lines");

/* Where that one is, if it is known. */
static inline struct ss_fragment *ss_otlp_fragment(struct ss_otlp *otlp, uint32_t key, uint8_t type)
{
	return &otlp->fragments[(key + type * 37) * 0x9e3779b1u >> 24];
}

/* Begins an attribute whose key is the string at that offset: {"key":"...","value":{"intValue":"
 * for one of type SS_ATTR_INT. A comma goes first unless it is the `first`.
 * Returns where the value is to be put, with SS_OTLP_VALUE_ROOM bytes of room; ss_json_end takes
 * it. SS_OTLP_EVENT_NAME: ","name":"..." instead, for behind a time. */
char *ss_otlp_key_slow(struct ss_otlp *otlp, uint32_t key, uint8_t type, bool first);
static inline char *ss_otlp_key(struct ss_otlp *otlp, uint32_t key, uint8_t type, bool first)
{
	const struct ss_fragment *fragment = ss_otlp_fragment(otlp, key, type);
	char *p;

	if (__builtin_expect(fragment->key != key || fragment->type != type, 0))
		return ss_otlp_key_slow(otlp, key, type, first);
	p = ss_json_begin(&otlp->json, SS_FRAGMENT_MAX + SS_OTLP_VALUE_ROOM);
	memcpy(p, fragment->text + first, SS_FRAGMENT_MAX / 2);
	if (fragment->bytes > SS_FRAGMENT_MAX / 2)
		memcpy(p, fragment->text + first, SS_FRAGMENT_MAX);
	return p + fragment->bytes - first;
}

/* The same with a key that needs no escapes, at most 128 bytes long. */
char *ss_otlp_key_text(struct ss_otlp *otlp, const char *key, size_t bytes, uint8_t type,
		       bool first);

#endif
