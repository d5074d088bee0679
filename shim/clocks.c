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

void ss_clocks_sleep_us(uint32_t us)
{
	struct timespec time = { us / 1000000, us % 1000000 * 1000l };

	syscall(SYS_nanosleep, &time, NULL);
}
