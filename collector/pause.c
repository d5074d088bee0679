/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pause.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collector/alone.h"

#define PRESSING 4   /* a ring filled to this part of its capacity will not wait */
#define BLIND_MS 100 /* without membarrier a first event may go unseen this long */

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

void ss_pause_init(struct ss_pause *pause, struct ss_drain *drain)
{
	*pause = (struct ss_pause){ .drain = drain };
	pause->barrier = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

static struct ss_ring *ring_at(const struct ss_pause *pause, uint32_t i)
{
	return &pause->drain->view->rings[i];
}

/* `parts` of a ring's capacity; 0: the first record. */
static void set_levels(const struct ss_pause *pause, uint32_t parts)
{
	uint32_t i;

	for (i = 0; i < pause->drain->view->ring_count; i++) {
		struct ss_ring *ring = ring_at(pause, i);
		uint64_t capacity = ss_ring_capacity(ring);
		uint32_t level = parts == 0 ? 1 : (uint32_t)(capacity / parts);

		/* A ring nobody has claimed yet gets its capacity later; its first record wakes us.
		 */
		__atomic_store_n(&ring->wake_level, level == 0 ? 1 : level, __ATOMIC_RELAXED);
	}
}

void ss_pause_end(const struct ss_pause *pause)
{
	uint32_t i;

	for (i = 0; i < pause->drain->view->ring_count; i++)
		__atomic_store_n(&ring_at(pause, i)->wake_level, UINT32_MAX, __ATOMIC_RELAXED);
}

static bool used_at_least(const struct ss_pause *pause, uint32_t parts)
{
	uint32_t i;

	for (i = 0; i < pause->drain->view->ring_count; i++) {
		const struct ss_ring *ring = ring_at(pause, i);
		uint64_t used = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) - ring->tail;

		if (used > 0 && (parts == 0 || used >= ss_ring_capacity(ring) / parts))
			return true;
	}
	return false;
}

bool ss_pause_pressed(const struct ss_pause *pause)
{
	return used_at_least(pause, PRESSING);
}

static void wait(const struct ss_pause *pause, uint32_t wake, uint32_t ms)
{
	struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };

	/* Not FUTEX_PRIVATE: it must match the other side's calls. */
	syscall(SYS_futex, &pause->drain->view->image->wake, FUTEX_WAIT, wake, ms ? &time : NULL,
		NULL, 0);
}

void ss_pause_collect(const struct ss_pause *pause, uint32_t wake)
{
	uint32_t ms = pause->drain->view->image->flush_ms;

	set_levels(pause, PRESSING);
	if (!ss_pause_pressed(pause))
		wait(pause, wake, ms ? ms : 1);
}

/* How long to sleep when nothing happens, `limit_ms` at most; 0: until woken. */
static uint32_t idle_ms(const struct ss_pause *pause, uint32_t limit_ms)
{
	uint32_t ms = pause->barrier ? 0 : BLIND_MS;

	/* Partner: the host's release stores, after which it wakes us. */
	if (__atomic_load_n(&pause->drain->view->image->main_left, __ATOMIC_ACQUIRE))
		ms = SS_ALONE_MS;
	else if (__atomic_load_n(&pause->drain->view->image->may_lose_threads, __ATOMIC_ACQUIRE))
		ms = SS_ALONE_KILLED_MS;
	return limit_ms != 0 && (ms == 0 || limit_ms < ms) ? limit_ms : ms;
}

bool ss_pause_idle(const struct ss_pause *pause, uint32_t wake, uint32_t limit_ms)
{
	set_levels(pause, 0);
	/* Partner: the producer commits, then reads wake_level. Either it sees the level, or we,
	 * after a barrier on its CPU, see its event. */
	if (pause->barrier)
		membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	else
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!used_at_least(pause, 0))
		wait(pause, wake, idle_ms(pause, limit_ms));
	return used_at_least(pause, 0);
}
