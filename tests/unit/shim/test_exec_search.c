/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/shim/exec_fixture.h"

static char *search_environment[] = { "PATH=/usr/bin:/bin", NULL };
static char dir[64];
static const char *searched;

static void make_file(const char *name, const char *text, mode_t mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0700);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void make_path(void)
{
	char path[128];

	strcpy(dir, "/tmp/spanshim-exec-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	make_file("script", "echo plain script \"$@\"\n", 0700);
	make_file("hashbang", "#!/bin/sh\necho hashbang \"$@\"\n", 0700);
	make_file("nobang", "#!/nonexistent/interpreter\n", 0700);
	make_file("unexecutable", "echo no\n", 0600);
	snprintf(path, sizeof(path), "%s/directory", dir);
	mkdir(path, 0700);
	cr_assert_eq(chdir(dir), 0);
}

static void remove_path(void)
{
	char command[128];

	setenv("PATH", "/usr/bin:/bin", 1);
	has_span = false;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(exec_search, .init = make_path, .fini = remove_path);

static char *const search_args[] = { "zero", "one", "two words", NULL };

static void search_execvp(void)
{
	CALL(execvp)(searched, search_args);
}

static void search_execvpe(void)
{
	CALL(execvpe)(searched, search_args, search_environment);
}

static void search_execlp(void)
{
	CALL(execlp)(searched, "zero", "one", "two words", NULL);
}

static void search_execve(void)
{
	CALL(execve)(searched, search_args, search_environment);
}

static void search_execv(void)
{
	CALL(execv)(searched, search_args);
}

static void search_spawnp(void)
{
	pid_t pid;
	int r = CALL(posix_spawnp)(&pid, searched, NULL, NULL, search_args, environ);

	if (r == 0)
		wait_for(pid);
	dprintf(1, "r=%d ", r);
}

static void (*const searches[])(void) = { search_execvp, search_execvpe, search_execlp,
					  search_execve, search_execv,   search_spawnp };

Test(exec_search, is_libcs)
{
	static const char *const paths[] = { "%s",           "/nonexistent:%s",
					     "%s/script:%s", ":/x",
					     "/x:",          "",
					     "/proc/1/:%s",  "%s/directory",
					     "/usr/bin",     NULL };
	static const char *const files[] = {
		"script",      "hashbang", "nobang",   "unexecutable", "directory",
		"nonexistent", "",         "./script", "script/below", "true"
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char path[256];

		unsetenv("PATH");
		if (paths[i]) {
			snprintf(path, sizeof(path), paths[i], dir, dir);
			setenv("PATH", path, 1);
		}
		for (size_t j = 0; j < sizeof(files) / sizeof(files[0]); j++)
			for (size_t k = 0; k < sizeof(searches) / sizeof(searches[0]); k++) {
				searched = files[j];
				compare(searches[k]);
			}
	}
}

/* The comparison above would also pass if nothing ever ran. */
Test(exec_search, finds_and_fails)
{
	setenv("PATH", dir, 1);
	searched = "script";
	cr_assert_str_eq(output_of(search_execvp), "plain script one two words\n");
	searched = "nonexistent";
	cr_assert_str_eq(output_of(search_execvp), "errno=2");
	searched = "unexecutable";
	cr_assert_str_eq(output_of(search_execvpe), "errno=13");
	searched = "./script";
	cr_assert_str_eq(output_of(search_execve), "errno=8");
	searched = "hashbang";
	cr_assert_str_eq(output_of(search_spawnp), "hashbang one two words\nstatus=0 r=0 errno=0");
}
