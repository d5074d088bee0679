/* SPDX-License-Identifier: Apache-2.0
 *
 * The exported wrappers of the functions that change who the process is, or where it is. libc makes
 * each thread change its identity and ends the process when they do not all get the same answer; a
 * thread keeps its capabilities to itself (PR_SET_KEEPCAPS, capset), so that the drain's may be
 * refused what the program's is granted. And the kernel refuses unshare(CLONE_NEWUSER) and setns
 * where there is a second thread. So the drain's thread ends before and another one starts
 * afterwards, with the identity that its creator has then. Runs on host threads. Must not: change a
 * result.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "shim/intercept/intercept.h"
#include "shim/process.h"

#define EXPORTED __attribute__((visibility("default")))

/* The result of a function that cannot be found. */
static int lacking(void)
{
	errno = ENOSYS;
	return -1;
}

static int company(bool was_alone, int result)
{
	if (was_alone)
		ss_process_drain_again();
	return result;
}

static int change_id(const char *name, uid_t id)
{
	int (*real)(uid_t) = ss_intercept_real(name);
	bool alone = ss_process_alone();

	return company(alone, real ? real(id) : lacking());
}

static int change_two(const char *name, uid_t real_id, uid_t effective)
{
	int (*real)(uid_t, uid_t) = ss_intercept_real(name);
	bool alone = ss_process_alone();

	return company(alone, real ? real(real_id, effective) : lacking());
}

static int change_three(const char *name, uid_t real_id, uid_t effective, uid_t saved)
{
	int (*real)(uid_t, uid_t, uid_t) = ss_intercept_real(name);
	bool alone = ss_process_alone();

	return company(alone, real ? real(real_id, effective, saved) : lacking());
}

EXPORTED int setuid(uid_t uid)
{
	return change_id("setuid", uid);
}

EXPORTED int setgid(gid_t gid)
{
	return change_id("setgid", gid);
}

EXPORTED int seteuid(uid_t uid)
{
	return change_id("seteuid", uid);
}

EXPORTED int setegid(gid_t gid)
{
	return change_id("setegid", gid);
}

EXPORTED int setreuid(uid_t real_id, uid_t effective)
{
	return change_two("setreuid", real_id, effective);
}

EXPORTED int setregid(gid_t real_id, gid_t effective)
{
	return change_two("setregid", real_id, effective);
}

EXPORTED int setresuid(uid_t real_id, uid_t effective, uid_t saved)
{
	return change_three("setresuid", real_id, effective, saved);
}

EXPORTED int setresgid(gid_t real_id, gid_t effective, gid_t saved)
{
	return change_three("setresgid", real_id, effective, saved);
}

EXPORTED int setgroups(size_t count, const gid_t *groups)
{
	int (*real)(size_t, const gid_t *) = ss_intercept_real("setgroups");
	bool alone = ss_process_alone();

	return company(alone, real ? real(count, groups) : lacking());
}

/* libc's own calls setgroups without asking anybody. */
EXPORTED int initgroups(const char *user, gid_t group)
{
	int (*real)(const char *, gid_t) = ss_intercept_real("initgroups");
	bool alone = ss_process_alone();

	return company(alone, real ? real(user, group) : lacking());
}

EXPORTED int unshare(int flags)
{
	int (*real)(int) = ss_intercept_real("unshare");
	bool alone = ss_process_alone();

	return company(alone, real ? real(flags) : lacking());
}

EXPORTED int setns(int fd, int kinds)
{
	int (*real)(int, int) = ss_intercept_real("setns");
	bool alone = ss_process_alone();

	return company(alone, real ? real(fd, kinds) : lacking());
}
