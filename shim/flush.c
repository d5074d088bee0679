/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/flush.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim/clocks.h"
#include "shim/emit.h"
#include "shim/log.h"

#define PATIENCE_MS        2000 /* how long an exit waits for a drain that makes no progress */
#define PLUGIN_PATIENCE_MS 250  /* the same while the drain is in a plugin's code */
#define STEP_MS            20

static uint32_t request_flush(struct ss_image *image)
{
	uint32_t request = __atomic_add_fetch(&image->flush_request, 1, __ATOMIC_ACQ_REL);

	ss_image_wake_drain(image);
	return request;
}

static uint64_t monotonic_ms(void)
{
	return ss_now_slow() / 1000000u;
}

static uint32_t in_plugin(const struct ss_image *image)
{
	return __atomic_load_n(&image->in_plugin, __ATOMIC_RELAXED);
}

static uint64_t patience_ms(const struct ss_image *image)
{
	return in_plugin(image) == SS_PLUGIN_RUNNING ? PLUGIN_PATIENCE_MS : PATIENCE_MS;
}

/* Waits as long as the drain makes progress. */
static bool wait_flushed(struct ss_image *image, uint32_t request)
{
	struct timespec step = { 0, STEP_MS * 1000000l };
	uint64_t progress = 0, since_ms = monotonic_ms();
	uint32_t where = in_plugin(image);

	while (monotonic_ms() - since_ms < patience_ms(image)) {
		uint32_t done = __atomic_load_n(&image->flush_done, __ATOMIC_ACQUIRE);
		uint32_t state = __atomic_load_n(&image->drain_state, __ATOMIC_ACQUIRE);
		uint64_t now = __atomic_load_n(&image->progress, __ATOMIC_RELAXED);
		uint32_t now_where = in_plugin(image);

		if ((int32_t)(done - request) >= 0)
			return true;
		if (state == SS_DRAIN_FAILED || state == SS_DRAIN_DONE)
			return false;
		/* A plugin that is called just now has all of its time, however long we waited. */
		if (now != progress || now_where != where)
			since_ms = monotonic_ms();
		progress = now;
		where = now_where;
		syscall(SYS_futex, &image->flush_done, FUTEX_WAIT, done, &step, NULL, 0);
	}
	return false;
}

bool ss_flush(struct ss_image *image)
{
	/* Never started: has been said, or is as it must be (a child forked by a bare system call).
	 */
	if (__atomic_load_n(&image->drain_state, __ATOMIC_ACQUIRE) == SS_DRAIN_FAILED)
		return false;
	if (wait_flushed(image, request_flush(image)))
		return true;
	if (in_plugin(image) == SS_PLUGIN_RUNNING)
		ss_log("a plugin takes long: not waited for any longer");
	if (__atomic_load_n(&image->state, __ATOMIC_ACQUIRE) != SS_IMAGE_FINISHED)
		ss_log("events are not written out yet; run 'spanshim recover %s' when the "
		       "process has ended",
		       (const char *)image + image->strings_off + image->ring_file_str);
	return false;
}
