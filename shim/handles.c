/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/handles.h"

#include <stddef.h>

#define EMPTY     0ull
#define REMOVED   1ull /* was used: searches go on behind it, insertions may take it */
#define CLAIMED   2ull /* being filled */
#define PROBE_MAX 32u  /* bounds every search */

/* Keys apart from the rest: a search that finds nothing then reads four cache lines at most. */
static uint64_t keys[SS_HANDLES] __attribute__((aligned(64)));
static struct ss_handle bodies[SS_HANDLES] __attribute__((aligned(64)));
/* Apart as well: without Python nobody comes here. */
static uint64_t python_ids[SS_HANDLES];

uint64_t ss_handles_key(uint32_t binding, uint32_t role, uint64_t value)
{
	uint64_t key = ((value << 8) | (value >> 56)) ^ (binding << 2 | role);

	/* A bijection that keeps real keys off the three marks above. */
	key ^= 0x9e3779b97f4a7c15ull;
	return key > CLAIMED ? key : ~key;
}

static uint32_t home_of(uint64_t key)
{
	key *= 0xff51afd7ed558ccdull;
	return (uint32_t)(key >> 40) & (SS_HANDLES - 1);
}

/* Index of the key, or SS_HANDLES. */
static uint32_t locate(uint64_t key)
{
	uint32_t home = home_of(key);

	for (uint32_t i = 0; i < PROBE_MAX; i++) {
		uint32_t at = (home + i) & (SS_HANDLES - 1);
		/* Partner: the release store in ss_handles_insert, which publishes the body. */
		uint64_t present = __atomic_load_n(&keys[at], __ATOMIC_ACQUIRE);

		if (present == key)
			return at;
		if (present == EMPTY)
			break;
	}
	return SS_HANDLES;
}

/* Field by field: a struct assignment may become a call of memcpy, which is the host's. */
static void copy_body(struct ss_handle *to, const struct ss_handle *from)
{
	to->span.span_id = from->span.span_id;
	to->span.trace_hi = from->span.trace_hi;
	to->span.trace_lo = from->span.trace_lo;
	to->span.session_id = from->span.session_id;
	to->stream_id = from->stream_id;
	to->generation = from->generation;
	to->entry = from->entry;
}

bool ss_handles_insert(const struct ss_handle *handle)
{
	uint32_t home = home_of(handle->key);
	struct ss_handle replaced;

	ss_handles_remove(handle->key, &replaced);
	for (uint32_t i = 0; i < PROBE_MAX; i++) {
		uint32_t at = (home + i) & (SS_HANDLES - 1);
		struct ss_handle *body = &bodies[at];
		uint64_t present = __atomic_load_n(&keys[at], __ATOMIC_RELAXED);

		if (present != EMPTY && present != REMOVED)
			continue;
		if (!__atomic_compare_exchange_n(&keys[at], &present, CLAIMED, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		__atomic_store_n(&body->version, body->version + 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		copy_body(body, handle);
		__atomic_store_n(&body->version, body->version + 1, __ATOMIC_RELEASE);
		__atomic_store_n(&keys[at], handle->key, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

bool ss_handles_find(uint64_t key, struct ss_handle *ret_handle)
{
	uint32_t at = locate(key);
	struct ss_handle copy;
	uint32_t version;

	if (at == SS_HANDLES)
		return false;
	version = __atomic_load_n(&bodies[at].version, __ATOMIC_ACQUIRE);
	copy_body(&copy, &bodies[at]);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	/* Closed (and perhaps reused) under our eyes: the host races with itself; step aside. */
	if ((version & 1) || __atomic_load_n(&bodies[at].version, __ATOMIC_RELAXED) != version ||
	    __atomic_load_n(&keys[at], __ATOMIC_RELAXED) != key)
		return false;
	copy_body(ret_handle, &copy);
	ret_handle->key = key;
	return true;
}

bool ss_handles_remove(uint64_t key, struct ss_handle *ret_handle)
{
	uint32_t at = locate(key);
	struct ss_handle copy;
	uint64_t present = key;

	if (at == SS_HANDLES)
		return false;
	copy_body(&copy, &bodies[at]);
	if (!__atomic_compare_exchange_n(&keys[at], &present, REMOVED, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return false;
	copy_body(ret_handle, &copy);
	ret_handle->key = key;
	return true;
}

void ss_handles_set_stream(uint64_t key, uint64_t stream_id)
{
	uint32_t at = locate(key);

	if (at != SS_HANDLES)
		__atomic_store_n(&bodies[at].stream_id, stream_id, __ATOMIC_RELAXED);
}

void ss_handles_set_python(uint64_t key, uint64_t python_id)
{
	uint32_t at = locate(key);

	if (at != SS_HANDLES)
		__atomic_store_n(&python_ids[at], python_id, __ATOMIC_RELAXED);
}

uint64_t ss_handles_python(uint64_t key)
{
	uint32_t at = locate(key);

	return at == SS_HANDLES ? 0 : __atomic_load_n(&python_ids[at], __ATOMIC_RELAXED);
}
