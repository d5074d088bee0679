/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct ss_image image;
static struct ss_timebase base;

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void begin(uint32_t kind)
{
	struct timespec pause = { 0, 2000000 };

	memset(&image, 0, sizeof(image));
	image.clock = kind;
	image.calibration[0].ticks = ss_clock_ticks(kind);
	image.calibration[0].unix_ns = realtime_ns();
	image.start_mono_ns =
		kind == SS_CLOCK_MONOTONIC ? image.calibration[0].ticks : ss_clock_monotonic_ns();
	nanosleep(&pause, NULL);
	ss_clock_init(&base, &image);
}

static void keeps_order_over_many_knots(uint32_t kind)
{
	uint64_t first = ss_clock_ticks(kind), last_ticks = first, last_ns = 0;
	int i;

	for (i = 0; i < 2000; i++) {
		uint64_t ticks = ss_clock_ticks(kind), ns, again;

		ss_clock_calibrate(&base, &image);
		ns = ss_clock_convert(&base, ticks);
		again = ss_clock_convert(&base, last_ticks);
		cr_assert_geq(ticks, last_ticks);
		cr_assert_geq(ns, last_ns, "time ran backwards by %lu ns", last_ns - ns);
		/* What was told once stays true. */
		if (i > 0)
			cr_assert_eq(again, last_ns);
		last_ticks = ticks;
		last_ns = ns;
	}
	cr_expect_leq(ss_clock_convert(&base, first), last_ns);
	cr_expect_lt(llabs((long long)(last_ns - realtime_ns())), 50000000);
}

Test(clock, tsc_keeps_order)
{
	begin(SS_CLOCK_TSC);
	keeps_order_over_many_knots(SS_CLOCK_TSC);
}

Test(clock, monotonic_keeps_order)
{
	begin(SS_CLOCK_MONOTONIC);
	keeps_order_over_many_knots(SS_CLOCK_MONOTONIC);
}

Test(clock, monotonic_is_exact)
{
	uint64_t ticks;

	begin(SS_CLOCK_MONOTONIC);
	ticks = image.calibration[0].ticks + 12345;
	cr_expect_eq(ss_clock_convert(&base, ticks), image.calibration[0].unix_ns + 12345);
	cr_expect_eq(ss_clock_convert(&base, image.calibration[0].ticks - 500),
		     image.calibration[0].unix_ns - 500);
}

static void wall_clock_set_by(int64_t ns)
{
	uint64_t begin_ns = realtime_ns() - (uint64_t)ns, now;

	memset(&image, 0, sizeof(image));
	image.clock = SS_CLOCK_TSC;
	image.calibration[0].ticks = ss_clock_ticks(SS_CLOCK_TSC);
	image.calibration[0].unix_ns = begin_ns;
	image.start_mono_ns = ss_clock_monotonic_ns();
	ss_clock_init(&base, &image);
	ss_clock_calibrate(&base, &image);
	now = ss_clock_convert(&base, ss_clock_ticks(SS_CLOCK_TSC));
	cr_expect_geq(now, begin_ns);
	cr_expect_lt(now, begin_ns + 10000000000ull);
}

Test(clock, wall_clock_set_back_before_the_drain_started)
{
	wall_clock_set_by(-3600000000000ll);
}

Test(clock, wall_clock_set_forth_before_the_drain_started)
{
	wall_clock_set_by(3600000000000ll);
}

Test(clock, recovery_goes_on_from_the_last_knot)
{
	static struct ss_timebase dead;
	uint64_t before, after;

	begin(SS_CLOCK_TSC);
	ss_clock_calibrate(&base, &image);
	ss_clock_init_dead(&dead, &image);
	before = ss_clock_convert(&base, image.calibration[1].ticks);
	cr_expect_eq(ss_clock_convert(&dead, image.calibration[1].ticks), before);
	after = ss_clock_convert(&dead, image.calibration[1].ticks + 2000000);
	cr_expect_gt(after, before);
	cr_expect_lt(after - before, 20000000);
}

Test(clock, recovery_without_a_drain)
{
	static struct ss_timebase dead;
	uint64_t ns;

	memset(&image, 0, sizeof(image));
	image.clock = SS_CLOCK_TSC;
	image.calibration[0] = (struct ss_calibration){ 1000000, 5000000000 };
	ss_clock_init_dead(&dead, &image);
	ns = ss_clock_convert(&dead, 3000000);
	cr_expect_gt(ns, 5000000000);
	cr_expect_lt(ns, 5020000000);
}

Test(clock, nonsense_is_survived)
{
	static struct ss_timebase dead;
	int i;

	srand(3);
	for (i = 0; i < 2000; i++) {
		memset(&image, 0, sizeof(image));
		image.calibration[0].ticks = (uint64_t)rand() << (rand() % 40);
		image.calibration[0].unix_ns = (uint64_t)rand() << (rand() % 40);
		image.calibration[1].ticks = (uint64_t)rand() << (rand() % 40);
		image.calibration[1].unix_ns = (uint64_t)rand() << (rand() % 40);
		image.calibration_seq = (uint32_t)rand();
		image.clock = SS_CLOCK_MONOTONIC;
		ss_clock_init_dead(&dead, &image);
		ss_clock_convert(&dead, (uint64_t)rand() << (rand() % 40));
	}
	ss_clock_convert(&dead, UINT64_MAX);
	cr_expect_eq(dead.count, 2);
}
