/* SPDX-License-Identifier: Apache-2.0
 *
 * What a seccomp filter would do to the system calls that spanshim makes, found out by running it
 * on each of them before it is installed (the kernel's rules: Documentation/userspace-api/
 * seccomp_filter.rst). Host threads. Must not: make a system call, allocate, or believe that the
 * filter is a valid one.
 */
#ifndef SS_SECCOMP_FILTER_H
#define SS_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

struct ss_filter_verdict {
	const char *forbidden; /* a system call of ours that would be more than refused, or NULL */
	bool kills_threads;    /* it can kill one thread and leave the others */
};

/* `code` must be readable. stacks: those are taken, too. */
struct ss_filter_verdict ss_seccomp_filter_judge(const struct sock_filter *code, uint32_t count,
						 bool stacks);

#endif
