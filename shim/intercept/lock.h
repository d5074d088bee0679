/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock of intercept/: guards the slot table and the words being patched, for a few dozen
 * instructions or two mprotect calls. A leaf: nothing of the loader is called while it is held, so
 * that it cannot dead-lock with the loader's own locks.
 * A lock that a forked child inherited from a thread it does not have is taken over.
 */
#ifndef SS_LOCK_H
#define SS_LOCK_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/hot.h"

#define SS_LOCK_PATIENCE 1000

struct ss_lock {
	int owner; /* thread id, 0: free */
};

/* False when the calling thread holds it already (a signal handler interrupted it), or when no
 * system calls may be made: do without. Any thread; may change errno. */
static inline bool ss_lock_enter(struct ss_lock *lock)
{
	unsigned int tries = 0;
	int self;

	if (ss_retired)
		return false;
	self = (int)syscall(SYS_gettid);
	for (;;) {
		int owner = 0;

		/* Acquire: partner of the release in ss_lock_leave. */
		if (__atomic_compare_exchange_n(&lock->owner, &owner, self, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
		if (owner == self)
			return false;
		if (++tries % SS_LOCK_PATIENCE == 0 &&
		    syscall(SYS_tgkill, syscall(SYS_getpid), owner, 0) != 0 && errno == ESRCH &&
		    __atomic_compare_exchange_n(&lock->owner, &owner, self, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
		sched_yield();
	}
}

static inline void ss_lock_leave(struct ss_lock *lock)
{
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELEASE);
}

#endif
