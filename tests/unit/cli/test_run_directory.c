/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/run_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char parent[] = "/tmp/test_run_directory-XXXXXX";
static char base[64];

static void setup(void)
{
	cr_assert(mkdtemp(parent));
	snprintf(base, sizeof(base), "%s/base", parent);
}

static void teardown(void)
{
	unlink(base);
	rmdir(base);
	cr_assert_eq(rmdir(parent), 0, "something is left behind");
}

static void touch(const char *directory, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
}

Test(run_directory, made_private_and_removed_with_its_log, .init = setup, .fini = teardown)
{
	struct stat info;
	char *path;
	int fd;

	cr_assert_eq(ss_run_directory_make(base, &path, &fd), 0);
	cr_assert_eq(stat(base, &info), 0);
	cr_assert_eq(info.st_mode & 07777, 0700);
	cr_assert_eq(stat(path, &info), 0);
	cr_assert_eq(info.st_mode & 07777, 0700);
	touch(path, SS_RUN_DIRECTORY_LOG);
	cr_assert(ss_run_directory_remove(path, fd));
	cr_assert_eq(stat(path, &info), -1);
	close(fd);
	free(path);
}

Test(run_directory, stays_while_rings_are_in_it, .init = setup, .fini = teardown)
{
	char *path, ring[128];
	int fd;

	cr_assert_eq(ss_run_directory_make(base, &path, &fd), 0);
	touch(path, "1-0.ring");
	cr_assert_not(ss_run_directory_remove(path, fd));
	snprintf(ring, sizeof(ring), "%s/1-0.ring", path);
	cr_assert_eq(unlink(ring), 0);
	cr_assert(ss_run_directory_remove(path, fd));
	close(fd);
	free(path);
}

Test(run_directory, stays_while_its_run_lasts, .init = setup, .fini = teardown)
{
	char *path;
	int fd;

	cr_assert_eq(ss_run_directory_make(base, &path, &fd), 0);
	cr_assert_not(ss_run_directory_remove(path, -1), "removed under a launcher's feet");
	close(fd);
	cr_assert(ss_run_directory_remove(path, -1));
	free(path);
}

Test(run_directory, refuses_a_base_that_others_may_write, .init = setup, .fini = teardown)
{
	char *path;
	int fd;

	cr_assert_eq(mkdir(base, 0700), 0);
	cr_assert_eq(chmod(base, 0777), 0);
	cr_assert_eq(ss_run_directory_make(base, &path, &fd), -EPERM);
	cr_assert_eq(rmdir(base), 0);
	cr_assert_eq(symlink("/tmp", base), 0);
	cr_assert_eq(ss_run_directory_make(base, &path, &fd), -ENOTDIR);
}

Test(run_directory, base)
{
	char *path;

	setenv("SPANSHIM_DIR", "/some/where", 1);
	path = ss_run_directory_base(NULL);
	cr_assert_str_eq(path, "/some/where");
	free(path);
	path = ss_run_directory_base("/else");
	cr_assert_str_eq(path, "/else");
	free(path);
	setenv("SPANSHIM_DIR", "", 1);
	path = ss_run_directory_base(NULL);
	cr_assert_str_eq(path + strlen(path) - strlen("/dev/shm/spanshim-") -
				 snprintf(NULL, 0, "%u", (unsigned)geteuid()),
			 path);
	free(path);
}
