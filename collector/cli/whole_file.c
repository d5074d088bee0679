/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 100u

/* The directory part, malloc'ed. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* A name beside path that nobody has: made by what has none yet, or by a new file. */
static int take_name(const char *path, int unnamed, char **ret_name)
{
	char link[64], *name;
	unsigned i;
	int fd = -1;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", unnamed);
	for (i = 0; i < TRIES; i++) {
		if (asprintf(&name, "%s.%d.%u.tmp", path, (int)getpid(), i) < 0)
			return -ENOMEM;
		if (unnamed >= 0 && !linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW))
			fd = unnamed;
		else if (unnamed < 0)
			fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0) {
			*ret_name = name;
			return fd;
		}
		free(name);
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

static int open_beside(struct ss_whole_file *whole)
{
	char *directory = directory_of(whole->path);
	int fd;

	if (!directory)
		return -ENOMEM;
	fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(directory);
	if (fd >= 0)
		return fd;
	return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL
		       ? take_name(whole->path, -1, &whole->temporary)
		       : -errno;
}

int ss_whole_file_open(struct ss_whole_file *whole, const char *path)
{
	struct stat info;
	int fd;

	*whole = (struct ss_whole_file){ 0 };
	if (!stat(path, &info) && S_ISDIR(info.st_mode))
		return -EISDIR;
	if (!stat(path, &info) && !S_ISREG(info.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return -errno;
	} else {
		/* A symbolic link stays one. */
		whole->path = realpath(path, NULL);
		if (!whole->path && errno == ENOENT)
			whole->path = strdup(path);
		if (!whole->path)
			return -errno;
		fd = open_beside(whole);
	}
	whole->file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (whole->file)
		return 0;
	if (fd >= 0)
		close(fd);
	ss_whole_file_discard(whole);
	return fd < 0 ? fd : -ENOMEM;
}

/* Why an earlier write failed is not kept: then the next one tells. */
static int write_error(FILE *file)
{
	errno = 0;
	if (!fflush(file) && !ferror(file))
		return 0;
	if (!errno) {
		clearerr(file);
		putc('\n', file);
		fflush(file);
	}
	return errno ? -errno : -EIO;
}

int ss_whole_file_finish(struct ss_whole_file *whole)
{
	int r = write_error(whole->file), fd = fileno(whole->file);

	if (!r && whole->path && !whole->temporary) {
		r = take_name(whole->path, fd, &whole->temporary);
		r = r < 0 ? r : 0;
	}
	if (!r && whole->path && rename(whole->temporary, whole->path))
		r = -errno;
	if (!r) {
		free(whole->temporary);
		whole->temporary = NULL;
	}
	ss_whole_file_discard(whole);
	return r;
}

void ss_whole_file_discard(struct ss_whole_file *whole)
{
	if (whole->file)
		fclose(whole->file);
	if (whole->temporary)
		unlink(whole->temporary);
	free(whole->temporary);
	free(whole->path);
	*whole = (struct ss_whole_file){ 0 };
}
