/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cli/cli.h"

char *ss_run_directory_base(const char *given)
{
	const char *directory = given ? given : getenv("SPANSHIM_DIR");
	char *path;

	if (directory && *directory)
		return ss_cli_absolute(directory);
	if (asprintf(&path, "/dev/shm/spanshim-%u", (unsigned)geteuid()) < 0)
		return NULL;
	return path;
}

/* Whoever may write there could put links in our way. */
static int check_base(const char *base)
{
	struct stat info;

	if (mkdir(base, 0700) && errno != EEXIST)
		return -errno;
	if (lstat(base, &info))
		return -errno;
	if (!S_ISDIR(info.st_mode))
		return -ENOTDIR;
	if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return 0;
}

int ss_run_directory_make(const char *base, char **ret_path, int *ret_fd)
{
	int r = check_base(base), fd;
	char *path;

	if (r)
		return r;
	if (asprintf(&path, "%s/" SS_RUN_DIRECTORY_PREFIX "XXXXXX", base) < 0)
		return -ENOMEM;
	if (!mkdtemp(path)) {
		r = -errno;
		goto out;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB)) {
		r = -errno;
		rmdir(path);
		if (fd >= 0)
			close(fd);
		goto out;
	}
	*ret_path = path;
	*ret_fd = fd;
	return 0;
out:
	free(path);
	return r;
}

static bool only_log_left(DIR *directory)
{
	const struct dirent *entry;

	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    strcmp(entry->d_name, SS_RUN_DIRECTORY_LOG))
			return false;
	return true;
}

bool ss_run_directory_remove(const char *path, int fd)
{
	int own = fd >= 0 ? dup(fd) : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = own >= 0 ? fdopendir(own) : NULL;
	bool gone = false;

	if (!directory) {
		if (own >= 0)
			close(own);
		return false;
	}
	if (!flock(dirfd(directory), LOCK_EX | LOCK_NB) && only_log_left(directory)) {
		unlinkat(dirfd(directory), SS_RUN_DIRECTORY_LOG, 0);
		gone = rmdir(path) == 0;
	}
	closedir(directory);
	return gone;
}
