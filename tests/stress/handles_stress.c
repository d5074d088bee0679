/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that open, look up and close handles with the same few keys, as threads do that share a
 * handle, or have none: whatever is found is of one opening, and each is taken out once.
 * Usage: handles_stress THREADS ROUNDS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/handles.h"
#include "tests/stress/require.h"

#define THREADS_MAX 16
#define KEYS        8

static uint64_t rounds, last_id, found_count;
static uint8_t *taken; /* by id */

static struct ss_handle handle_of(uint64_t id)
{
	return (struct ss_handle){ .key = ss_handles_key(1, 1, id % KEYS),
				   .span = { id, ~id, id * 3, id ^ 0x5555 },
				   .generation = id + 1,
				   .entry = (uint32_t)id * 7 };
}

static void expect_whole(const struct ss_handle *handle)
{
	struct ss_handle expected = handle_of(handle->span.span_id);

	REQUIRE(handle->key == expected.key);
	REQUIRE(handle->span.trace_hi == expected.span.trace_hi);
	REQUIRE(handle->span.trace_lo == expected.span.trace_lo);
	REQUIRE(handle->span.session_id == expected.span.session_id);
	REQUIRE(handle->generation == expected.generation && handle->entry == expected.entry);
}

static void *work(void *arg)
{
	struct ss_handle handle;

	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);

		handle = handle_of(id);
		REQUIRE(ss_handles_insert(&handle));
		ss_handles_set_stream(handle_of(id + 1).key, id);
		if (ss_handles_find(handle_of(id + 2).key, &handle)) {
			expect_whole(&handle);
			__atomic_add_fetch(&found_count, 1, __ATOMIC_RELAXED);
		}
		if (i % 2 || !ss_handles_remove(handle_of(id + 3).key, &handle))
			continue;
		expect_whole(&handle);
		REQUIRE(__atomic_exchange_n(&taken[handle.span.span_id], 1, __ATOMIC_RELAXED) == 0);
	}
	return arg;
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[1]) : 0;
	pthread_t threads[THREADS_MAX];
	uint64_t removed = 0;

	if (count < 1 || count > THREADS_MAX)
		return 2;
	rounds = strtoull(argv[2], NULL, 10);
	taken = calloc(rounds * (uint64_t)count + 1, 1);
	REQUIRE(taken);
	for (int i = 0; i < count; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, work, NULL));
	for (int i = 0; i < count; i++)
		REQUIRE(!pthread_join(threads[i], NULL));
	for (uint64_t id = 1; id <= last_id; id++)
		removed += taken[id];
	REQUIRE(removed > 0 && found_count > 0);
	printf("opened %llu, closed %llu, found %llu\n", (unsigned long long)last_id,
	       (unsigned long long)removed, (unsigned long long)found_count);
	free(taken);
	return 0;
}
