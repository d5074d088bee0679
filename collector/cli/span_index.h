/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash table from 64-bit keys (span ids, or mixed trace and span ids) to positions in the
 * caller's array. Grows; nothing is ever removed. One thread.
 */
#ifndef SS_SPAN_INDEX_H
#define SS_SPAN_INDEX_H

#include <stdint.h>

#define SS_SPAN_INDEX_NONE UINT32_MAX

struct __attribute__((packed)) ss_span_index_slot { /* millions of them */
	uint64_t key;
	uint32_t position;
};

struct ss_span_index { /* all zero: empty */
	struct ss_span_index_slot *slots;
	uint32_t capacity; /* a power of two */
	uint32_t count;
};

/* Position stored for key, or SS_SPAN_INDEX_NONE. */
uint32_t ss_span_index_find(const struct ss_span_index *index, uint64_t key);

/* Stores key -> position unless key is there already. Returns 0, -EEXIST (nothing changed;
 * *ret_found is the position that is there), or -ENOMEM. */
int ss_span_index_add(struct ss_span_index *index, uint64_t key, uint32_t position,
		      uint32_t *ret_found);

void ss_span_index_deinit(struct ss_span_index *index);

/* One key of a trace id and a span id (0 for the trace alone). Random ids do not collide in it. */
static inline uint64_t ss_span_index_key(uint64_t trace_hi, uint64_t trace_lo, uint64_t span_id)
{
	uint64_t key = (trace_hi * 0x9e3779b97f4a7c15ull) ^ trace_lo;

	return (key ^ key >> 29) * 0xbf58476d1ce4e5b9ull ^ span_id;
}

#endif
