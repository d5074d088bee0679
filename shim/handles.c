/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/handles.h"

#include <stddef.h>

#define EMPTY     0ull
#define REMOVED   1ull /* was used: searches go on behind it, insertions may take it */
#define CLAIMED   2ull /* being filled, or emptied */
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

/* Each side of a copy word by word: who reads may meet who writes, and `version` tells afterwards.
 * A struct assignment could also become a call of memcpy, which is the host's. */
#define LOAD(word)         __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define STORE(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELAXED)

static void read_body(const struct ss_handle *body, struct ss_handle *ret_copy)
{
	ret_copy->span.span_id = LOAD(body->span.span_id);
	ret_copy->span.trace_hi = LOAD(body->span.trace_hi);
	ret_copy->span.trace_lo = LOAD(body->span.trace_lo);
	ret_copy->span.session_id = LOAD(body->span.session_id);
	ret_copy->stream_id = LOAD(body->stream_id);
	ret_copy->generation = LOAD(body->generation);
	ret_copy->entry = LOAD(body->entry);
}

static void write_body(struct ss_handle *body, const struct ss_handle *from)
{
	STORE(body->span.span_id, from->span.span_id);
	STORE(body->span.trace_hi, from->span.trace_hi);
	STORE(body->span.trace_lo, from->span.trace_lo);
	STORE(body->span.session_id, from->span.session_id);
	STORE(body->stream_id, from->stream_id);
	STORE(body->generation, from->generation);
	STORE(body->entry, from->entry);
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
		STORE(body->version, LOAD(body->version) + 1);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		write_body(body, handle);
		__atomic_store_n(&body->version, LOAD(body->version) + 1, __ATOMIC_RELEASE);
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
	read_body(&bodies[at], &copy);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	/* Closed (and perhaps reused) under our eyes: the host races with itself; step aside. */
	if ((version & 1) || __atomic_load_n(&bodies[at].version, __ATOMIC_RELAXED) != version ||
	    __atomic_load_n(&keys[at], __ATOMIC_RELAXED) != key)
		return false;
	read_body(&copy, ret_handle);
	ret_handle->key = key;
	return true;
}

bool ss_handles_remove(uint64_t key, struct ss_handle *ret_handle)
{
	uint32_t at = locate(key);
	uint64_t present = key;

	if (at == SS_HANDLES)
		return false;
	/* Ours first, then read: another thread may have removed it and inserted the same key with
	 * another span meanwhile. */
	if (!__atomic_compare_exchange_n(&keys[at], &present, CLAIMED, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	read_body(&bodies[at], ret_handle);
	ret_handle->key = key;
	/* Release: whoever takes the place overwrites it after we have read. */
	__atomic_store_n(&keys[at], REMOVED, __ATOMIC_RELEASE);
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
