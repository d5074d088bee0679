/* SPDX-License-Identifier: Apache-2.0
 *
 * A binding table (shim/bindings/binding.h) under construction: growing arrays, shared strings, and
 * laying them out as one block. Same calls in the same order give the same bytes.
 * When memory runs out, `failed` sticks and all calls stay harmless; ss_block_finish tells.
 */
#ifndef SS_BLOCK_H
#define SS_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/bindings/binding.h"

enum ss_block_kind { /* in the order of the block */
		     SS_BLOCK_BINDINGS,
		     SS_BLOCK_ENTRIES,
		     SS_BLOCK_CAPTURES,
		     SS_BLOCK_GETTERS,
		     SS_BLOCK_CALLBACKS,
		     SS_BLOCK_CODES,
		     SS_BLOCK_CONSTANTS,
		     SS_BLOCK_STRINGS,
		     SS_BLOCK_KINDS,
};

struct ss_block_array {
	void *items;
	uint32_t count, capacity;
};

struct ss_block {
	struct ss_block_array arrays[SS_BLOCK_KINDS];
	uint32_t *buckets; /* hash of the strings: offset, 0 = empty */
	uint32_t bucket_count, string_count;
	bool failed;
};

/* Caller's memory; deinit also after a failed init. init: 0 or -ENOMEM. */
int ss_block_init(struct ss_block *block);
void ss_block_deinit(struct ss_block *block);

/* Size of one item of an array. */
size_t ss_block_item_bytes(enum ss_block_kind kind);

uint32_t ss_block_count(const struct ss_block *block, enum ss_block_kind kind);

/* Copies *item to the array's end; returns its index (SS_NO_INDEX when memory ran out). */
uint32_t ss_block_append(struct ss_block *block, enum ss_block_kind kind, const void *item);

/* Item `index`, which must exist; good until the next append. */
void *ss_block_at(struct ss_block *block, enum ss_block_kind kind, uint32_t index);

/* Offset of a string equal to `text` in the string area, added if need be. */
uint32_t ss_block_string(struct ss_block *block, const char *text);
/* The string at an offset; the pointer is good until the next string is added. */
const char *ss_block_text(const struct ss_block *block, uint32_t offset);

/* The finished block, malloc'ed, caller frees. 0 or -ENOMEM. */
int ss_block_finish(const struct ss_block *block, struct ss_binding_table **ret_table);

#endif
