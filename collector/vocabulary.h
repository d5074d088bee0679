/* SPDX-License-Identifier: Apache-2.0
 *
 * How each version of an adapted framework (enum ss_dialect) spells a field (shim/field.h) as an
 * attribute, what it calls a provider, and its service's name. Constant data; binding/vocabulary.h
 * is another language's. Must not: trust a number that comes from a ring file.
 */
#ifndef SS_SPELLING_H
#define SS_SPELLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/event.h"
#include "shim/field.h"

enum { SS_DIALECTS = SS_DIALECT_END - SS_DIALECT_BASE };

struct ss_spelling {
	const char *key;  /* the same pointer for the same key of a dialect; needs no escapes */
	uint32_t bytes;   /* of the key */
	uint32_t dialect; /* PROVIDER only: whose name the value has to get; 0: it stays */
};

/* An event, as far as a field's key depends on it. */
struct ss_vocabulary_place {
	uint32_t dialect;
	uint8_t hook;
	uint8_t kind; /* enum ss_event_kind: a span event's keys may be other ones */
};

/* The key of a field there; NULL: that version has no such attribute. */
const struct ss_spelling *ss_vocabulary_spell(struct ss_vocabulary_place place, uint32_t field);

/* The provider's name in a dialect; NULL: as it is. */
const char *ss_vocabulary_provider(uint32_t dialect, const char *name, size_t bytes);

/* True when the version calls a generation by that provider one of kind CLIENT. */
bool ss_vocabulary_is_remote(uint32_t dialect, const char *name, size_t bytes);

/* service.name of a process where the user gives none; NULL: not a dialect. */
const char *ss_vocabulary_service(uint32_t dialect);

#endif
