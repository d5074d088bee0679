/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/clocks.h"

#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch.h"
#include "shim/hot.h"
#include "shim/intercept/elf.h"

#define TRIES 3 /* of which the shortest counts */

uint32_t ss_clock = SS_CLOCK_MONOTONIC;
static int (*vdso_gettime)(clockid_t, struct timespec *);

void ss_clocks_find(void)
{
	const void *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Sym) * symbol;
	struct ss_elf elf;

	if (!vdso || ss_elf_read_image(&elf, vdso))
		return;
	symbol = ss_elf_lookup(&elf, SS_VDSO_CLOCK_GETTIME, NULL);
	if (symbol)
		vdso_gettime = (int (*)(clockid_t, struct timespec *))ss_elf_address(&elf, symbol);
}

int ss_clocks_read(clockid_t clock, struct timespec *ret_time)
{
	if (vdso_gettime && !vdso_gettime(clock, ret_time))
		return 0;
	return (int)ss_arch_syscall6(SYS_clock_gettime, clock, (long)ret_time, 0, 0, 0, 0);
}

uint64_t ss_clocks_ns(clockid_t clock)
{
	struct timespec now = { 0, 0 };

	ss_clocks_read(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ss_now_slow(void)
{
	return ss_clocks_ns(CLOCK_MONOTONIC);
}

uint32_t ss_clocks_choose(void)
{
	char name[32] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return SS_CLOCK_MONOTONIC;
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	return strcmp(name, SS_CLOCKSOURCE "\n") ? SS_CLOCK_MONOTONIC : SS_CLOCK_TSC;
}

void ss_clocks_begin(uint32_t clock, struct ss_calibration *ret_start, uint64_t *ret_mono_ns)
{
	uint64_t best_ns = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before_ns = ss_clocks_ns(CLOCK_MONOTONIC);
		uint64_t ticks = clock == SS_CLOCK_TSC ? ss_arch_ticks() : 0;
		uint64_t unix_ns = ss_clocks_ns(CLOCK_REALTIME);
		uint64_t took_ns = ss_clocks_ns(CLOCK_MONOTONIC) - before_ns;

		if (took_ns >= best_ns)
			continue;
		best_ns = took_ns;
		*ret_mono_ns = before_ns + took_ns / 2;
		*ret_start = (struct ss_calibration){ clock == SS_CLOCK_TSC ? ticks : *ret_mono_ns,
						      unix_ns };
	}
}

void ss_clocks_sleep_us(uint32_t us)
{
	struct timespec time = { us / 1000000, us % 1000000 * 1000l };

	syscall(SYS_nanosleep, &time, NULL);
}
