/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/slot.h"

#include <errno.h>
#include <stddef.h>

#include "reloc.h"
#include "shim/bindings/binding.h"
#include "shim/intercept/declared.h"
#include "shim/intercept/lock.h"
#include "shim/intercept/objects.h"
#include "shim/sanitizer.h"

#define CELLS   (2 * SS_SLOTS)
#define NO_SLOT SS_SLOTS

struct ss_slot ss_slots[SS_SLOTS] __attribute__((aligned(64)));

static struct ss_lock lock;
/* Slot number + 1 by (entry, real), open addressing. Cells are only ever filled; one whose slot was
 * freed stays until `rebuild`, and is told by its slot, which no longer matches. */
static uint16_t cells[CELLS];
/* The object (its dynamic section) each slot's function was in; NULL: in none that we know, e.g. a
 * function made at run time, whose end nobody tells. */
static const void *owners[SS_SLOTS];
/* Slots whose functions seem to be gone: not found by anybody while `refresh` makes sure. */
static bool leaving[SS_SLOTS];
static uint32_t used, refused;
static uint32_t first_free; /* no slot below it is free */

static SS_BEFORE_SANITIZER bool is_thunk(const void *p)
{
	return (uintptr_t)p - (uintptr_t)ss_thunks < SS_SLOTS * SS_THUNK_BYTES;
}

SS_BEFORE_SANITIZER void *ss_slot_real(void *p)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)ss_thunks;

	if (!is_thunk(p) || offset % SS_THUNK_BYTES)
		return p;
	return __atomic_load_n(&ss_slots[offset / SS_THUNK_BYTES].real, __ATOMIC_ACQUIRE);
}

static uint32_t first_cell(uint32_t entry, const void *real)
{
	uint64_t key = (uintptr_t)real / 16 ^ (uint64_t)entry << 40;

	return (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32) % CELLS;
}

/* Without the lock: a hit is sure, a miss may be somebody else's slot in the making. */
static uint32_t find(uint32_t entry, const void *real)
{
	uint32_t i = first_cell(entry, real);

	for (uint32_t n = 0; n < CELLS; n++, i = (i + 1) % CELLS) {
		/* Acquire: partner of the release in `fill_cell`. */
		uint32_t slot = __atomic_load_n(&cells[i], __ATOMIC_ACQUIRE);

		if (!slot)
			break;
		if (__atomic_load_n(&ss_slots[slot - 1].real, __ATOMIC_ACQUIRE) == real &&
		    __atomic_load_n(&ss_slots[slot - 1].entry, __ATOMIC_RELAXED) == entry &&
		    !__atomic_load_n(&leaving[slot - 1], __ATOMIC_RELAXED))
			return slot - 1;
	}
	return NO_SLOT;
}

/* ---- getters ---- */

struct getter_search {
	const struct ss_binding_table *table;
	struct ss_slot *slot;
	const void *owner;
	bool unwrappable;
};

static void note_getter(struct ss_slot *slot, uint32_t getter)
{
	for (unsigned int i = 0; i < SS_SLOT_GETTERS; i++) {
		if (slot->getter_index[i] == getter + 1)
			return;
		if (!slot->getter_index[i]) {
			slot->getter_index[i] = getter + 1;
			return;
		}
	}
}

/* A getter, and those whose results are its arguments. */
static void add_getter(const struct ss_binding_table *table, struct ss_slot *slot, uint32_t getter)
{
	const struct ss_getter *getters = ss_binding_array(table, table->getters);

	if (getter == SS_NO_INDEX)
		return;
	note_getter(slot, getter);
	for (unsigned int i = 0; i < getters[getter].arg_count; i++) {
		const struct ss_value *arg = &getters[getter].args[i];

		if (arg->place == SS_PLACE_GETTER)
			note_getter(slot, (uint32_t)arg->constant);
	}
}

/* What all entries of the symbol need together. */
static void read_entries(const struct ss_binding_table *table, struct ss_slot *slot)
{
	const struct ss_entry *entries = ss_binding_array(table, table->entries);
	const struct ss_capture *captures = ss_binding_array(table, table->captures);
	uint32_t index = slot->entry;

	while (index != SS_NO_INDEX && index < table->entries.count) {
		const struct ss_entry *entry = &entries[index];

		if (entry->stack_words > slot->stack_words)
			slot->stack_words = entry->stack_words;
		for (uint32_t i = 0; i < entry->capture_count; i++)
			add_getter(table, slot, captures[entry->first_capture + i].getter);
		if (entry->error_message != SS_NO_INDEX)
			add_getter(table, slot, captures[entry->error_message].getter);
		index = entry->next_same_symbol;
	}
}

static const char *entry_name(const struct ss_binding_table *table, uint32_t entry)
{
	const struct ss_entry *entries = ss_binding_array(table, table->entries);
	const char *strings = ss_binding_array(table, table->strings);

	return strings + entries[entry].symbol;
}

static const char *getter_name(const struct ss_binding_table *table, uint32_t getter)
{
	const struct ss_getter *getters = ss_binding_array(table, table->getters);
	const char *strings = ss_binding_array(table, table->strings);

	return strings + getters[getter].symbol;
}

static bool is_unwrappable(const struct ss_elf *elf, const char *name)
{
	const ElfW(Sym) *symbol = ss_elf_lookup(elf, name, NULL);

	return symbol && SS_RELOC_UNWRAPPABLE(symbol->st_other);
}

/* The getters that the object defines. Loader's list locked. */
static void take_getters(const struct ss_elf *elf, void *arg)
{
	struct getter_search *search = arg;
	struct ss_slot *slot = search->slot;

	if (!search->owner) {
		search->owner = elf->dynamic;
		search->unwrappable = is_unwrappable(elf, entry_name(search->table, slot->entry));
	}
	for (unsigned int i = 0; i < SS_SLOT_GETTERS && slot->getter_index[i]; i++) {
		const char *name = getter_name(search->table, slot->getter_index[i] - 1);
		const ElfW(Sym) * symbol;

		if (slot->getter[i])
			continue;
		symbol = ss_elf_lookup(elf, name, NULL);
		if (symbol)
			slot->getter[i] = ss_elf_address(elf, symbol);
	}
}

static bool lacks_getter(const struct ss_slot *slot)
{
	for (unsigned int i = 0; i < SS_SLOT_GETTERS && slot->getter_index[i]; i++) {
		if (!slot->getter[i])
			return true;
	}
	return false;
}

/* `real` may be an interposer's or a callback of the host, which has no getters: then the library
 * is the one that the binding's other functions are in, else whichever comes first in the process.
 */
static void take_getters_elsewhere(struct getter_search *search)
{
	const struct ss_entry *entries = ss_binding_array(search->table, search->table->entries);
	struct ss_slot *slot = search->slot;

	for (uint32_t i = 0; i < SS_SLOTS && lacks_getter(slot); i++) {
		void *real = __atomic_load_n(&ss_slots[i].real, __ATOMIC_ACQUIRE);

		if (real && entries[ss_slots[i].entry].binding == entries[slot->entry].binding &&
		    !(entries[ss_slots[i].entry].flags & SS_ENTRY_CALLBACK))
			ss_objects_at(real, take_getters, search);
	}
	for (unsigned int i = 0; i < SS_SLOT_GETTERS && slot->getter_index[i]; i++) {
		if (!slot->getter[i])
			slot->getter[i] = ss_objects_global(
				getter_name(search->table, slot->getter_index[i] - 1), NULL);
	}
}

/* Fills everything of a slot but its place in the tables; `real` stays NULL if the function cannot
 * be wrapped. Returns the owner. */
static const void *prepare(struct ss_slot *slot, uint32_t entry, void *real)
{
	struct getter_search search = { .table = ss_declared_table(), .slot = slot };
	const void *owner;

	*slot = (struct ss_slot){ .real = real, .entry = entry };
	read_entries(search.table, slot);
	ss_objects_at(real, take_getters, &search);
	owner = search.owner;
	if (lacks_getter(slot))
		take_getters_elsewhere(&search);
	if (search.unwrappable)
		slot->real = NULL;
	return owner;
}

/* ---- the table; everything below with the lock held ---- */

static void fill_cell_locked(uint32_t slot)
{
	uint32_t i = first_cell(ss_slots[slot].entry, ss_slots[slot].real);

	while (cells[i])
		i = (i + 1) % CELLS;
	/* Release: the slot is complete for whoever finds it. Partner: `find`. */
	__atomic_store_n(&cells[i], (uint16_t)(slot + 1), __ATOMIC_RELEASE);
}

/* Drops the cells of freed slots. Who looks meanwhile may miss, and then comes for the lock. */
static void rebuild_cells_locked(void)
{
	for (uint32_t i = 0; i < CELLS; i++)
		__atomic_store_n(&cells[i], 0, __ATOMIC_RELEASE);
	for (uint32_t slot = 0; slot < SS_SLOTS; slot++) {
		if (ss_slots[slot].real)
			fill_cell_locked(slot);
	}
}

static uint32_t insert_locked(const struct ss_slot *fresh, const void *owner)
{
	struct ss_slot *slot;

	while (first_free < SS_SLOTS && ss_slots[first_free].real)
		first_free++;
	if (first_free == SS_SLOTS)
		return NO_SLOT;
	slot = &ss_slots[first_free];
	__atomic_store_n(&slot->entry, fresh->entry, __ATOMIC_RELAXED);
	slot->stack_words = fresh->stack_words;
	for (unsigned int i = 0; i < SS_SLOT_GETTERS; i++) {
		slot->getter_index[i] = fresh->getter_index[i];
		slot->getter[i] = fresh->getter[i];
	}
	owners[first_free] = owner;
	__atomic_store_n(&slot->real, fresh->real, __ATOMIC_RELEASE);
	fill_cell_locked(first_free);
	__atomic_store_n(&used, used + 1, __ATOMIC_RELAXED);
	return first_free;
}

static uint32_t make(uint32_t entry, void *real)
{
	struct ss_slot fresh;
	const void *owner = prepare(&fresh, entry, real);
	uint32_t slot;

	if (!ss_lock_enter(&lock))
		return NO_SLOT;
	slot = find(entry, real);
	if (slot == NO_SLOT && fresh.real)
		slot = insert_locked(&fresh, owner);
	if (slot == NO_SLOT)
		__atomic_store_n(&refused, refused + 1, __ATOMIC_RELAXED);
	ss_lock_leave(&lock);
	return slot;
}

void *ss_slot_thunk(uint32_t entry, void *real)
{
	int saved_errno = errno;
	uint32_t slot;

	if (is_thunk(real) || ss_objects_self_contains(real))
		return real;
	slot = find(entry, real);
	if (slot == NO_SLOT)
		slot = make(entry, real);
	errno = saved_errno;
	return slot == NO_SLOT ? real : ss_thunks + slot * SS_THUNK_BYTES;
}

/* Why a freed slot can be used again: whoever still had its thunk's address had it instead of the
 * address of a function that is unmapped, and the words of objects that import from it went with
 * them, since the loader keeps what an object is bound to. Nobody is inside the function either. */
static void free_locked(uint32_t index)
{
	__atomic_store_n(&ss_slots[index].real, NULL, __ATOMIC_RELEASE);
	owners[index] = NULL;
	__atomic_store_n(&used, used - 1, __ATOMIC_RELAXED);
	if (index < first_free)
		first_free = index;
}

struct function_search {
	const char *name;
	const void *address;
	bool found;
};

/* Loader's list locked. */
static void see_function(const struct ss_elf *elf, void *arg)
{
	struct function_search *search = arg;
	const ElfW(Sym) *symbol = ss_elf_lookup(elf, search->name, NULL);

	/* An indirect one's resolver is not asked: the object may be half-loaded. */
	search->found = symbol && (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC ||
				   ss_elf_address(elf, symbol) == search->address);
}

/* The object went, but another thread may have loaded it again, to the same place, and been given
 * this slot. From here on it is given to nobody; who got it before had loaded the object by then,
 * in the loader's order, and it is seen. */
static bool is_back(uint32_t index, const void *real)
{
	struct function_search search = {
		.name = entry_name(ss_declared_table(), ss_slots[index].entry),
		.address = real,
	};

	__atomic_store_n(&leaving[index], true, __ATOMIC_RELAXED);
	ss_objects_at(real, see_function, &search);
	return search.found;
}

static bool refresh(uint32_t index)
{
	void *real = __atomic_load_n(&ss_slots[index].real, __ATOMIC_ACQUIRE);
	const void *owner = owners[index];
	struct ss_slot fresh;
	bool gone;

	if (!real || !owner)
		return false;
	gone = prepare(&fresh, ss_slots[index].entry, real) != owner;
	if (gone && is_back(index, real)) {
		prepare(&fresh, ss_slots[index].entry, real);
		gone = false;
	}
	if (!ss_lock_enter(&lock)) /* nor is it used again then: it stays `leaving` */
		return false;
	if (ss_slots[index].real != real || ss_slots[index].entry != fresh.entry) {
		gone = false;
	} else if (gone) {
		free_locked(index);
	} else {
		for (unsigned int i = 0; i < SS_SLOT_GETTERS; i++)
			__atomic_store_n(&ss_slots[index].getter[i], fresh.getter[i],
					 __ATOMIC_RELAXED);
	}
	__atomic_store_n(&leaving[index], false, __ATOMIC_RELAXED);
	ss_lock_leave(&lock);
	return gone;
}

void ss_slot_forget(void)
{
	bool freed = false;

	for (uint32_t i = 0; i < SS_SLOTS; i++)
		freed |= refresh(i);
	if (!freed || !ss_lock_enter(&lock))
		return;
	rebuild_cells_locked();
	ss_lock_leave(&lock);
}

void ss_slot_counts(uint32_t *ret_used, uint32_t *ret_refused)
{
	*ret_used = __atomic_load_n(&used, __ATOMIC_RELAXED);
	*ret_refused = __atomic_load_n(&refused, __ATOMIC_RELAXED);
}
