/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shrunk.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096u

static volatile sig_atomic_t happened;

/* The instruction is tried again when this returns. mmap is one system call. */
static void on_bus_error(int signal_number, siginfo_t *info, void *context)
{
	void *page = (void *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));

	if (info->si_code == BUS_ADRERR &&
	    mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == page)
		happened = 1;
	else
		signal(SIGBUS, SIG_DFL);
}

void ss_shrunk_watch(void)
{
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &action, NULL);
}

bool ss_shrunk_happened(void)
{
	bool was = happened != 0;

	happened = 0;
	return was;
}
