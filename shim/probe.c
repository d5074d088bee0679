/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/probe.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#include "shim/hot.h"

#define EFAULT_RESULT (-14)

bool ss_probe_valgrind;

/* Valgrind complains of any address that a system call is given; not of another process's, and
 * does not look who that is. */
static bool probe_quietly(uintptr_t address)
{
	uint64_t word;
	struct iovec local = { .iov_base = &word, .iov_len = sizeof(word) };
	struct iovec remote = { .iov_base = (void *)address, .iov_len = sizeof(word) };
	long self = ss_arch_syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0);

	return ss_arch_syscall6(SYS_process_vm_readv, self, (long)&local, 1, (long)&remote, 1, 0) ==
	       sizeof(word);
}

/* A system call that must fail, after it has read 8 bytes: EFAULT says that it could not. Unlike
 * mincore() it is not fooled by mapped pages without access. */
bool ss_probe_word(uintptr_t address)
{
	if (unlikely(ss_retired))
		return false;
	if (unlikely(ss_probe_valgrind))
		return probe_quietly(address);
	return ss_arch_syscall6(SYS_rt_sigprocmask, ~0l, (long)address, 0, 8, 0, 0) !=
	       EFAULT_RESULT;
}
