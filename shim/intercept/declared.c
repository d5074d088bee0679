/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/declared.h"

#include <stddef.h>
#include <string.h>

#define CELLS       (2 * SS_DECLARED_MAX)
#define FILTER_BITS 1024u

static const struct ss_binding_table *declared_table;
static uint16_t cells[CELLS]; /* entry index + 1, open addressing */
static uint64_t filter[FILTER_BITS / 64];
static struct replacement {
	const char *name;
	void *function;
	void **real;
} replacements[SS_REPLACEMENTS_MAX];
static uint32_t replacement_count;

static uint32_t filter_bit(const char *name)
{
	uint32_t hash = 0;

	for (unsigned int i = 0; i < 4 && name[i]; i++)
		hash = hash * 31 + (unsigned char)name[i];
	return hash % FILTER_BITS;
}

static void let_through(const char *name)
{
	uint32_t bit = filter_bit(name);

	filter[bit / 64] |= 1ull << bit % 64;
}

static uint32_t hash_name(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static const char *entry_name(uint32_t index)
{
	const struct ss_entry *entries = ss_binding_array(declared_table, declared_table->entries);
	const char *strings = ss_binding_array(declared_table, declared_table->strings);

	return strings + entries[index].symbol;
}

/* The cell that holds the name, or the empty one where it belongs. */
static uint16_t *cell_of(const char *name)
{
	uint32_t i = hash_name(name) % CELLS;

	while (cells[i] && strcmp(entry_name(cells[i] - 1u), name) != 0)
		i = (i + 1) % CELLS;
	return &cells[i];
}

uint32_t ss_declared_set(const struct ss_binding_table *table, uint64_t enabled)
{
	const struct ss_entry *entries = ss_binding_array(table, table->entries);
	uint32_t count = 0, refused = 0;

	declared_table = table;
	for (uint32_t i = 0; i < table->entries.count; i++) {
		uint16_t *cell;

		if (entries[i].flags & (SS_ENTRY_CALLBACK | SS_ENTRY_PYTHON) ||
		    !(enabled >> entries[i].binding & 1))
			continue;
		cell = cell_of(entry_name(i));
		if (*cell) /* a later entry of the chain */
			continue;
		if (count == SS_DECLARED_MAX || i >= UINT16_MAX) {
			refused++;
			continue;
		}
		*cell = (uint16_t)(i + 1);
		count++;
		let_through(entry_name(i));
	}
	return refused;
}

bool ss_declared_replace(const char *name, void *function, void **real)
{
	if (replacement_count == SS_REPLACEMENTS_MAX)
		return false;
	replacements[replacement_count++] = (struct replacement){ name, function, real };
	let_through(name);
	return true;
}

void *ss_declared_replacement(uint32_t index, void *real)
{
	const struct replacement *replacement = &replacements[index - SS_DECLARED_REPLACED];
	void *known = NULL;

	/* Release: whoever finds our function in a word finds the real one here. */
	if (__atomic_compare_exchange_n(replacement->real, &known, real, false, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED) ||
	    known == real)
		return replacement->function;
	return real;
}

uint32_t ss_declared_find(const char *name)
{
	uint32_t bit = filter_bit(name);
	uint16_t *cell;

	if (!(filter[bit / 64] >> bit % 64 & 1))
		return SS_NO_INDEX;
	for (uint32_t i = 0; i < replacement_count; i++) {
		if (strcmp(replacements[i].name, name) == 0)
			return SS_DECLARED_REPLACED + i;
	}
	if (!declared_table)
		return SS_NO_INDEX;
	cell = cell_of(name);
	return *cell ? *cell - 1u : SS_NO_INDEX;
}

const struct ss_binding_table *ss_declared_table(void)
{
	return declared_table;
}
