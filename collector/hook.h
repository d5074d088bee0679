/* SPDX-License-Identifier: Apache-2.0
 *
 * One hook event as subscribers see it: typed, read-only, in unix time, its payload in one piece.
 * And how to walk attributes. Nothing here lives longer than the call it is passed to.
 */
#ifndef SS_HOOK_H
#define SS_HOOK_H

#include <stddef.h>
#include <stdint.h>

#include "shim/event.h"

struct ss_hook_event {
	uint64_t time_ns; /* unix */
	uint64_t span_id;
	uint64_t parent_id;          /* OPEN */
	uint64_t trace_hi, trace_lo; /* OPEN */
	int64_t result;              /* CLOSE, POINT without SS_EVENT_NO_RESULT */
	uint32_t entry;              /* of the binding table, or enum ss_dialect */
	uint32_t tid;
	uint8_t kind;   /* enum ss_event_kind */
	uint8_t hook;   /* enum ss_hook */
	uint8_t flags;  /* enum ss_event_flags */
	uint8_t status; /* enum ss_status */
	uint32_t payload_bytes;
	const char *payload; /* struct ss_attr entries, 8-aligned */
};

struct ss_attr_iter {
	const char *at, *end;
};

/* The next attribute that is whole, its value (if it has bytes) right behind it; NULL at the end.
 */
static inline const struct ss_attr *ss_attr_next(struct ss_attr_iter *iter)
{
	const struct ss_attr *attr = (const struct ss_attr *)iter->at;
	size_t left = (size_t)(iter->end - iter->at), bytes = sizeof(*attr);

	if (left < bytes)
		return NULL;
	if (attr->type == SS_ATTR_STRING || attr->type == SS_ATTR_STACK ||
	    attr->type == SS_ATTR_STRINGS)
		bytes += ((size_t)attr->s.bytes + 7) & ~(size_t)7;
	if (left < bytes)
		return NULL;
	iter->at += bytes;
	return attr;
}

#endif
