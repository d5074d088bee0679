/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/clock.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NS_PER_S    1000000000ull
#define SLOPE_ONE   ((uint64_t)1 << 60)
#define BASELINE_NS 1000000ull /* shortest one that a tick's length is measured over */
#define RECOVERY_NS NS_PER_S   /* age of the older knot that recovery gets: a steady slope */
#define FIRST_GAP   1000ull    /* ticks between the first two knots */

static int ask_kernel(clockid_t clock, struct timespec *ret_time)
{
	return (int)syscall(SYS_clock_gettime, clock, ret_time);
}

static int (*gettime)(clockid_t, struct timespec *) = ask_kernel;

void ss_clock_source(int (*source)(clockid_t, struct timespec *))
{
	gettime = source;
}

void ss_clock_sleep_ms(uint32_t ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000l };

	syscall(SYS_nanosleep, &time, NULL);
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec now = { 0, 0 };

	gettime(id, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t ss_clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t ss_clock_ticks(uint32_t kind)
{
#if defined(__x86_64__)
	if (kind == SS_CLOCK_TSC)
		return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	if (kind == SS_CLOCK_TSC) {
		__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
		return ticks;
	}
#endif
	return clock_ns(CLOCK_MONOTONIC);
}

/* Reads both clocks "at once": the narrowest of three brackets, taken in its middle. */
static void read_both(uint32_t kind, uint64_t *ret_ticks, uint64_t *ret_mono_ns)
{
	uint64_t best = UINT64_MAX;
	int i;

	if (kind != SS_CLOCK_TSC) {
		*ret_ticks = *ret_mono_ns = clock_ns(CLOCK_MONOTONIC);
		return;
	}
	for (i = 0; i < 3; i++) {
		uint64_t before = ss_clock_ticks(kind), mono = clock_ns(CLOCK_MONOTONIC);
		uint64_t after = ss_clock_ticks(kind);

		if (after - before >= best)
			continue;
		best = after - before;
		*ret_ticks = before + best / 2;
		*ret_mono_ns = mono;
	}
}

static uint64_t slope_of(const struct ss_calibration *from, const struct ss_calibration *to)
{
	uint64_t ticks = to->ticks - from->ticks, ns = to->unix_ns - from->unix_ns;

	if (to->ticks <= from->ticks || to->unix_ns < from->unix_ns || ns / ticks >= 15)
		return SLOPE_ONE;
	return (uint64_t)(((unsigned __int128)ns << 60) / ticks);
}

/* Every second of the older half goes: memory stays flat, and old times get coarser, not lost. */
static void thin(struct ss_timebase *base)
{
	uint32_t half = SS_CLOCK_KNOTS / 2, i;

	for (i = 1; i < half / 2; i++)
		base->knots[i] = base->knots[2 * i];
	memmove(base->knots + half / 2, base->knots + half, half * sizeof(base->knots[0]));
	base->count = half / 2 + half;
}

static void add(struct ss_timebase *base, struct ss_calibration knot)
{
	if (base->count > 0) {
		const struct ss_calibration *last = &base->knots[base->count - 1];

		if (knot.ticks <= last->ticks)
			return;
		if (knot.unix_ns < last->unix_ns)
			knot.unix_ns = last->unix_ns;
	}
	if (base->count == SS_CLOCK_KNOTS)
		thin(base);
	base->knots[base->count++] = knot;
	if (base->count >= 2)
		base->slope =
			slope_of(&base->knots[base->count - 2], &base->knots[base->count - 1]);
}

void ss_clock_init(struct ss_timebase *base, struct ss_image *image)
{
	struct ss_calibration now;
	uint64_t mono;

	*base = (struct ss_timebase){ .kind = image->clock };
	add(base, image->calibration[0]);
	do {
		read_both(base->kind, &now.ticks, &mono);
	} while (now.ticks - base->knots[0].ticks < FIRST_GAP);
	/* Ticks that ran backwards since: the start cannot be right, now is all that is known. */
	if (now.ticks < base->knots[0].ticks)
		base->knots[0].ticks = now.ticks - FIRST_GAP;
	/* Not what the wall clock says now: it may have been set since. */
	base->offset_ns = base->knots[0].unix_ns - image->start_mono_ns;
	now.unix_ns = mono + base->offset_ns;
	add(base, now);
}

static uint64_t measure_slope(uint32_t kind)
{
	struct ss_calibration from = { 0 }, to = { 0 };

	if (kind != SS_CLOCK_TSC)
		return SLOPE_ONE;
	read_both(kind, &from.ticks, &from.unix_ns);
	do {
		read_both(kind, &to.ticks, &to.unix_ns);
	} while (to.unix_ns - from.unix_ns < BASELINE_NS);
	return slope_of(&from, &to);
}

void ss_clock_init_dead(struct ss_timebase *base, const struct ss_image *image)
{
	struct ss_calibration from = image->calibration[0], to = image->calibration[1];

	*base = (struct ss_timebase){ .kind = image->clock, .beyond = true };
	base->knots[0] = from;
	base->knots[1] = to;
	base->count = 2;
	/* An odd count: the process died between the two stores of a knot; the older one is whole.
	 */
	if (to.ticks > from.ticks && to.unix_ns >= from.unix_ns && !(image->calibration_seq & 1)) {
		base->slope = slope_of(&from, &to);
		return;
	}
	base->slope = measure_slope(base->kind);
	base->knots[1] = from;
}

void ss_clock_calibrate(struct ss_timebase *base, struct ss_image *image)
{
	struct ss_calibration now, older;
	uint32_t i, seq = image->calibration_seq;
	uint64_t mono;

	read_both(base->kind, &now.ticks, &mono);
	now.unix_ns = mono + base->offset_ns;
	add(base, now);
	now = base->knots[base->count - 1];
	for (i = base->count - 2; i > 0 && now.unix_ns - base->knots[i].unix_ns < RECOVERY_NS; i--)
		;
	older = base->knots[i];
	/* Odd publishes "being written" to ss_clock_init_dead, which never runs beside us: compiler
	 * order is enough. */
	__atomic_store_n(&image->calibration_seq, seq | 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	image->calibration[1] = now;
	image->calibration[0] = older;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&image->calibration_seq, (seq | 1) + 1, __ATOMIC_RELAXED);
}

uint64_t ss_clock_convert_slow(const struct ss_timebase *base, uint64_t ticks)
{
	const struct ss_calibration *last = &base->knots[base->count - 1];
	uint32_t i = base->count - 2;
	uint64_t slope;

	if (ticks >= last->ticks) {
		if (!base->beyond)
			return last->unix_ns;
		return last->unix_ns +
		       (uint64_t)(((unsigned __int128)(ticks - last->ticks) * base->slope) >> 60);
	}
	while (i > 0 && ticks < base->knots[i].ticks)
		i--;
	slope = i == base->count - 2 ? base->slope : slope_of(&base->knots[i], &base->knots[i + 1]);
	if (ticks >= base->knots[i].ticks)
		return base->knots[i].unix_ns +
		       (uint64_t)(((unsigned __int128)(ticks - base->knots[i].ticks) * slope) >>
				  60);
	return base->knots[0].unix_ns -
	       (uint64_t)(((unsigned __int128)(base->knots[0].ticks - ticks) * slope) >> 60);
}
