/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/event.h"

static const size_t item_bytes[SS_BLOCK_KINDS] = {
	[SS_BLOCK_BINDINGS] = sizeof(struct ss_binding),
	[SS_BLOCK_ENTRIES] = sizeof(struct ss_entry),
	[SS_BLOCK_CAPTURES] = sizeof(struct ss_capture),
	[SS_BLOCK_GETTERS] = sizeof(struct ss_getter),
	[SS_BLOCK_CALLBACKS] = sizeof(struct ss_callback),
	[SS_BLOCK_CODES] = sizeof(struct ss_code),
	[SS_BLOCK_CONSTANTS] = sizeof(struct ss_constant),
	[SS_BLOCK_STRINGS] = 1,
};

size_t ss_block_item_bytes(enum ss_block_kind kind)
{
	return item_bytes[kind];
}

uint32_t ss_block_count(const struct ss_block *block, enum ss_block_kind kind)
{
	return block->arrays[kind].count;
}

/* Room for `count` more items; they are zero. */
static bool grow(struct ss_block *block, enum ss_block_kind kind, uint32_t count)
{
	struct ss_block_array *array = &block->arrays[kind];
	uint32_t capacity = array->capacity ? array->capacity : 64;
	void *items;

	if (block->failed)
		return false;
	while (capacity - array->count < count)
		capacity *= 2;
	if (capacity == array->capacity)
		return true;
	items = realloc(array->items, capacity * item_bytes[kind]);
	if (!items) {
		block->failed = true;
		return false;
	}
	memset((char *)items + array->count * item_bytes[kind], 0,
	       (capacity - array->count) * item_bytes[kind]);
	array->items = items;
	array->capacity = capacity;
	return true;
}

int ss_block_init(struct ss_block *block)
{
	*block = (struct ss_block){ .bucket_count = 256 };
	block->buckets = calloc(block->bucket_count, sizeof(*block->buckets));
	if (!block->buckets || !grow(block, SS_BLOCK_STRINGS, SS_KEY_RESERVED + 1)) {
		block->failed = true;
		return -ENOMEM;
	}
	block->arrays[SS_BLOCK_STRINGS].count = SS_KEY_RESERVED + 1;
	return 0;
}

void ss_block_deinit(struct ss_block *block)
{
	for (int kind = 0; kind < SS_BLOCK_KINDS; kind++)
		free(block->arrays[kind].items);
	free(block->buckets);
	*block = (struct ss_block){ .failed = true };
}

uint32_t ss_block_append(struct ss_block *block, enum ss_block_kind kind, const void *item)
{
	struct ss_block_array *array = &block->arrays[kind];

	if (!grow(block, kind, 1))
		return SS_NO_INDEX;
	memcpy((char *)array->items + array->count * item_bytes[kind], item, item_bytes[kind]);
	return array->count++;
}

void *ss_block_at(struct ss_block *block, enum ss_block_kind kind, uint32_t index)
{
	return (char *)block->arrays[kind].items + index * item_bytes[kind];
}

const char *ss_block_text(const struct ss_block *block, uint32_t offset)
{
	return (const char *)block->arrays[SS_BLOCK_STRINGS].items + offset;
}

/* The bucket that holds `text`, or the empty one where it belongs. */
static uint32_t *bucket_of(const struct ss_block *block, const char *text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		hash = (hash ^ *s) * 16777619u;
	for (;; hash++) {
		uint32_t *bucket = &block->buckets[hash % block->bucket_count];

		if (!*bucket || strcmp(ss_block_text(block, *bucket), text) == 0)
			return bucket;
	}
}

static bool grow_buckets(struct ss_block *block)
{
	uint32_t *old = block->buckets, old_count = block->bucket_count;
	uint32_t *buckets = calloc(2 * old_count, sizeof(*buckets));

	if (!buckets) {
		block->failed = true;
		return false;
	}
	block->buckets = buckets;
	block->bucket_count = 2 * old_count;
	for (uint32_t i = 0; i < old_count; i++)
		if (old[i])
			*bucket_of(block, ss_block_text(block, old[i])) = old[i];
	free(old);
	return true;
}

uint32_t ss_block_string(struct ss_block *block, const char *text)
{
	struct ss_block_array *strings = &block->arrays[SS_BLOCK_STRINGS];
	size_t bytes = strlen(text) + 1;
	uint32_t *bucket;

	if (bytes == 1 || block->failed)
		return SS_KEY_RESERVED;
	if (2 * block->string_count >= block->bucket_count && !grow_buckets(block))
		return SS_KEY_RESERVED;
	bucket = bucket_of(block, text);
	if (*bucket)
		return *bucket;
	if (!grow(block, SS_BLOCK_STRINGS, bytes))
		return SS_KEY_RESERVED;
	memcpy((char *)strings->items + strings->count, text, bytes);
	*bucket = strings->count;
	strings->count += bytes;
	block->string_count++;
	return *bucket;
}

int ss_block_finish(const struct ss_block *block, struct ss_binding_table **ret_table)
{
	struct ss_binding_table *table;
	struct ss_span_of spans[SS_BLOCK_KINDS];
	size_t bytes = (sizeof(*table) + 7) & ~(size_t)7;

	if (block->failed)
		return -ENOMEM;
	for (int kind = 0; kind < SS_BLOCK_KINDS; kind++) {
		spans[kind] = (struct ss_span_of){ bytes, block->arrays[kind].count };
		bytes = (bytes + spans[kind].count * item_bytes[kind] + 7) & ~(size_t)7;
	}
	table = calloc(1, bytes);
	if (!table)
		return -ENOMEM;
	for (int kind = 0; kind < SS_BLOCK_KINDS; kind++)
		if (spans[kind].count)
			memcpy((char *)table + spans[kind].offset, block->arrays[kind].items,
			       spans[kind].count * item_bytes[kind]);
	*table = (struct ss_binding_table){
		.magic = SS_BINDING_MAGIC,
		.version = SS_BINDING_VERSION,
		.bytes = bytes,
		.bindings = spans[SS_BLOCK_BINDINGS],
		.entries = spans[SS_BLOCK_ENTRIES],
		.captures = spans[SS_BLOCK_CAPTURES],
		.getters = spans[SS_BLOCK_GETTERS],
		.callbacks = spans[SS_BLOCK_CALLBACKS],
		.codes = spans[SS_BLOCK_CODES],
		.constants = spans[SS_BLOCK_CONSTANTS],
		.strings = spans[SS_BLOCK_STRINGS],
	};
	*ret_table = table;
	return 0;
}
