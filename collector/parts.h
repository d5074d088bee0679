/* SPDX-License-Identifier: Apache-2.0
 *
 * A span's log, read: which events and attributes it has, what went wrong. First half of writing a
 * span; otlp.c is the second. Drain only. Pointers lead into the log and live as long as it. Must
 * not: trust the log; in recovery it comes from a file.
 */
#ifndef SS_PARTS_H
#define SS_PARTS_H

#include <stdint.h>

#include "collector/image.h"
#include "collector/span.h"
#include "collector/vocabulary.h"

#define SS_PARTS_VALUES  2048u
#define SS_PARTS_POINTS  (SS_SPAN_LOG_MAX / 32)
#define SS_PARTS_SPECIAL (SS_FIELD_EXCEPTION_STACKTRACE + 1) /* keys from here on are no such */
#define SS_NO_VALUE      0u

struct ss_parts_value { /* an attribute, or a further piece of one */
	const struct ss_attr *attr;
	const struct ss_spelling *spelling; /* of a field; NULL: attr->key is a string's offset */
	uint32_t next;                      /* piece, or SS_NO_VALUE */
	uint32_t last;                      /* piece; of the first one */
};

struct ss_parts {
	const struct ss_log_entry *open;
	const struct ss_log_entry *close; /* NULL: unfinished */
	const struct ss_log_entry *fault; /* the event that tells what failed, or NULL */
	uint32_t value_count;             /* [0] is not used */
	uint32_t attribute_count;
	uint32_t point_count;
	uint32_t attributes_dropped;
	uint64_t
		seen; /* a bit, of 64, for each key in `attributes`: mostly tells that one is new */
	/* By enum ss_attr_key or ss_field, what is not an attribute: a value, or SS_NO_VALUE */
	uint32_t special[SS_PARTS_SPECIAL];
	uint32_t attributes[SS_PARTS_VALUES]; /* values, first pieces, one per key as spelled */
	struct ss_parts_value values[SS_PARTS_VALUES];
	const struct ss_log_entry *points[SS_PARTS_POINTS]; /* by time */
};

/* Reads the log. 0, or -EINVAL when there is no opening event in it. */
int ss_parts_read(struct ss_parts *parts, const struct ss_span_view *span);

/* The opening event, or NULL. Events of several threads may stand in the log in any order; mostly
 * it is the first. */
const struct ss_log_entry *ss_parts_open(const struct ss_span_view *span);

/* What an entry has before its payload. */
static inline uint32_t ss_parts_fixed_bytes(const struct ss_log_entry *entry)
{
	return entry->kind == SS_EVENT_OPEN ? (uint32_t)sizeof(*entry) : SS_LOG_SHORT_BYTES;
}

/* The log's entry at byte `at`, or NULL where it ends. */
static inline const struct ss_log_entry *ss_parts_entry(const struct ss_span_view *span,
							uint32_t at)
{
	const struct ss_log_entry *entry = (const void *)(span->log + at);

	if (span->bytes - at < SS_LOG_SHORT_BYTES || entry->bytes % 8 != 0 ||
	    entry->bytes > span->bytes - at || entry->bytes < ss_parts_fixed_bytes(entry))
		return NULL;
	return entry;
}

/* Attributes of one entry. */
static inline struct ss_attr_iter ss_parts_attributes(const struct ss_log_entry *entry)
{
	return (struct ss_attr_iter){ (const char *)entry + ss_parts_fixed_bytes(entry),
				      (const char *)entry + entry->bytes };
}

/* Attribute `key` (enum ss_attr_key or ss_field) of one entry, or NULL. */
const struct ss_attr *ss_parts_find(const struct ss_log_entry *entry, uint32_t key);

/* How an attribute of that entry is spelled, if it is a field of an adapter's. */
const struct ss_spelling *ss_parts_spell(const struct ss_log_entry *entry, uint32_t key);

#endif
