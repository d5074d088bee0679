/* SPDX-License-Identifier: Apache-2.0
 *
 * ss_collector_run on a thread, as the shim runs it: batching, flush, finish, drain under load.
 */
#include "collector/collector.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

static struct fixture fixture;
static pthread_t thread;
static char last_log[1024];
static struct ss_collector_seat seat;

static void log_line(const char *line)
{
	snprintf(last_log, sizeof(last_log), "%s", line);
}

static void *run(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)ss_collector_run(SS_COLLECTOR_ABI, fixture.image, log_line, dlopen,
						  clock_gettime, &seat);
}

static void start(uint32_t rings, uint64_t ring_bytes, const char *out)
{
	struct timespec now;

	last_log[0] = '\0';
	fixture_make_out(&fixture, rings, ring_bytes, out);
	clock_gettime(CLOCK_MONOTONIC, &now);
	fixture.now = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	fixture.image->calibration[0].ticks = fixture.image->start_mono_ns = fixture.now;
	cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

static void wake(void)
{
	__atomic_fetch_add(&fixture.image->wake, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &fixture.image->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void flush(void)
{
	uint32_t request = __atomic_add_fetch(&fixture.image->flush_request, 1, __ATOMIC_ACQ_REL);
	struct timespec step = { 0, 10000000 };
	int i;

	wake();
	for (i = 0; i < 1000; i++) {
		uint32_t done = __atomic_load_n(&fixture.image->flush_done, __ATOMIC_ACQUIRE);

		if (done == request)
			return;
		syscall(SYS_futex, &fixture.image->flush_done, FUTEX_WAIT, done, &step, NULL, 0);
	}
	cr_assert_fail("the flush was never served");
}

static void stop(void)
{
	void *result;

	__atomic_store_n(&fixture.image->finish, 1, __ATOMIC_RELEASE);
	flush();
	pthread_join(thread, &result);
	cr_expect_null(result);
	cr_expect_eq(fixture.image->state, SS_IMAGE_FINISHED);
	cr_expect_neq(access(fixture.ring_path, F_OK), 0);
}

static void expect_spans(uint32_t count)
{
	char *text = fixture_output(fixture.out_path);

	cr_expect_eq(fixture_count(text, "\"spanId\""), count);
	free(text);
}

Test(collector, another_abi_is_refused)
{
	cr_expect_eq(ss_collector_run(SS_COLLECTOR_ABI + 1, NULL, log_line, dlopen, clock_gettime,
				      &seat),
		     -EPROTO);
}

Test(collector, flush_writes_what_is_complete)
{
	start(1, 65536, NULL);
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	fixture_close(&fixture, 0, FIX_CALL, 1, SS_STATUS_OK, 0, NULL);
	fixture_open(&fixture, 0, FIX_CALL, 2, 0, NULL);
	flush();
	expect_spans(1);
	stop();
	expect_spans(2);
	cr_expect_str_empty(last_log);
	fixture_remove(&fixture);
}

/* The producer does what the shim does: it wakes the drain when the level says so, and only then.
 */
Test(collector, the_first_event_wakes_an_idle_drain)
{
	struct timespec pause = { 0, 60000000 };
	struct ss_ring *ring;
	int i;

	start(1, 65536, NULL);
	ring = (struct ss_ring *)((char *)fixture.image + fixture.image->rings_off);
	for (i = 0; i < 200 && __atomic_load_n(&ring->wake_level, __ATOMIC_RELAXED) != 1; i++)
		nanosleep(&pause, NULL);
	cr_assert_eq(ring->wake_level, 1);
	nanosleep(&pause, NULL);
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	fixture_close(&fixture, 0, FIX_CALL, 1, SS_STATUS_OK, 0, NULL);
	wake();
	for (i = 0; i < 100 && __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) != 2; i++)
		nanosleep(&pause, NULL);
	expect_spans(1);
	stop();
	fixture_remove(&fixture);
}

struct load {
	uint32_t ring;
	uint64_t first;
};

static void *produce(void *arg)
{
	struct load *load = arg;
	struct ss_ring *ring =
		(struct ss_ring *)((char *)fixture.image + fixture.image->rings_off) + load->ring;
	struct timespec pause = { 0, 100000 };
	uint64_t i;

	for (i = 0; i < 50000; i++) {
		while (ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) + 4 >
		       ring->mask) {
			wake();
			nanosleep(&pause, NULL);
		}
		fixture_open(&fixture, load->ring, FIX_ACTION, load->first + i, 0, NULL);
		fixture_close(&fixture, load->ring, FIX_CLOSE, load->first + i, SS_STATUS_OK, 0,
			      NULL);
	}
	return NULL;
}

Test(collector, nothing_is_lost_under_load, .timeout = 120)
{
	struct load loads[2] = { { 0, 1 }, { 1, 1000001 } };
	pthread_t producers[2];
	int i;

	start(2, 65536, NULL);
	for (i = 0; i < 2; i++)
		pthread_create(&producers[i], NULL, produce, &loads[i]);
	for (i = 0; i < 2; i++)
		pthread_join(producers[i], NULL);
	stop();
	expect_spans(100000);
	fixture_remove(&fixture);
}

Test(collector, retired_rings_are_freed_and_torn_events_skipped)
{
	struct ss_ring *ring;
	uint64_t position;

	start(1, 65536, NULL);
	ring = (struct ss_ring *)((char *)fixture.image + fixture.image->rings_off);
	position = fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	ss_ring_record(fixture.image, ring, position)->commit = 0;
	flush();
	cr_expect_eq(ring->tail, 0);
	__atomic_store_n(&ring->state, SS_RING_RETIRED, __ATOMIC_RELEASE);
	flush();
	cr_expect_eq(ring->tail, 1);
	cr_expect_eq(ring->state, SS_RING_FREE);
	stop();
	fixture_remove(&fixture);
}

Test(collector, a_full_disk_is_told_once)
{
	start(1, 65536, "/dev/full");
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	stop();
	cr_expect_str_eq(last_log, "spans lost: 1 could not be written to /dev/full");
	fixture_remove(&fixture);
}

Test(collector, a_damaged_image_is_refused)
{
	fixture_make(&fixture, 1, 65536);
	fixture.image->strings_off = UINT64_MAX;
	cr_expect_eq(ss_collector_run(SS_COLLECTOR_ABI, fixture.image, log_line, dlopen,
				      clock_gettime, &seat),
		     -EINVAL);
	cr_expect_str_eq(last_log, "the ring file cannot be used: its strings lie outside");
	fixture_remove(&fixture);
}

Test(collector, backtrace)
{
	void *addresses[16];

	cr_expect_gt(ss_collector_backtrace(addresses, 16), 2);
}
