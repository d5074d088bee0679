/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/finished.h"

#include <string.h>

#include "shim/intercept/lock.h"

#define CELLS     1024u
#define COUNT_MAX (CELLS / 4 * 3)

struct object_set {
	uintptr_t cells[CELLS]; /* open addressing, 0: empty */
	uint32_t count;
};

static struct ss_lock lock;
static struct object_set startup_objects, late_objects;
static uint32_t added_count;

static uintptr_t *cell_of(struct object_set *set, uintptr_t object)
{
	uint32_t i = (uint32_t)(object / 16) % CELLS;

	while (set->cells[i] && set->cells[i] != object)
		i = (i + 1) % CELLS;
	return &set->cells[i];
}

bool ss_finished_has(const struct ss_elf *elf)
{
	uintptr_t object = (uintptr_t)elf->dynamic;
	bool finished;

	if (!ss_lock_enter(&lock))
		return true;
	finished = *cell_of(&startup_objects, object) || *cell_of(&late_objects, object);
	ss_lock_leave(&lock);
	return finished;
}

void ss_finished_add(const struct ss_elf *elf, bool forever)
{
	struct object_set *set = forever ? &startup_objects : &late_objects;
	uintptr_t *cell;

	if (!ss_lock_enter(&lock))
		return;
	cell = cell_of(set, (uintptr_t)elf->dynamic);
	if (!*cell && set->count < COUNT_MAX) {
		*cell = (uintptr_t)elf->dynamic;
		set->count++;
		added_count++;
	}
	ss_lock_leave(&lock);
}

void ss_finished_forget(void)
{
	if (!ss_lock_enter(&lock))
		return;
	memset(&late_objects, 0, sizeof(late_objects));
	ss_lock_leave(&lock);
}

bool ss_finished_has_room(void)
{
	return __atomic_load_n(&startup_objects.count, __ATOMIC_RELAXED) < COUNT_MAX &&
	       __atomic_load_n(&late_objects.count, __ATOMIC_RELAXED) < COUNT_MAX;
}

uint32_t ss_finished_count(void)
{
	return __atomic_load_n(&added_count, __ATOMIC_RELAXED);
}
