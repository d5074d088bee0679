/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cli/cli.h"

static int open_copy(void)
{
	const char *directory = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!directory || !*directory)
		directory = "/tmp";
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/spanshim-tree-XXXXXX", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd >= 0 ? fd : -errno;
}

static int open_reader(const char *path, bool follow)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (follow ? O_NONBLOCK : 0), fd;

	if (strcmp(path, "-") != 0)
		fd = open(path, flags);
	else if (!follow)
		fd = STDIN_FILENO;
	else {
		/* Not to wait is a property of an open file that others may share with us. */
		fd = open("/proc/self/fd/0", flags);
		if (fd < 0)
			fd = STDIN_FILENO;
	}
	return fd >= 0 ? fd : -errno;
}

static int open_source(struct ss_tree_source *source, bool follow)
{
	struct stat info;
	int fd = open_reader(source->path, follow);

	if (fd < 0)
		return fd;
	source->reader.fd = fd;
	source->reading = true;
	if (fstat(fd, &info))
		return -errno;
	if (S_ISDIR(info.st_mode))
		return -EISDIR;
	source->device = info.st_dev;
	source->inode = info.st_ino;
	/* The standard input may be a file that somebody has read a part of. */
	source->regular = S_ISREG(info.st_mode) && !lseek(fd, 0, SEEK_CUR);
	if (!source->regular)
		source->fd = open_copy();
	else if ((source->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
		return -errno;
	return source->fd < 0 ? source->fd : 0;
}

int ss_tree_source_open(struct ss_tree_sources *sources, const char *path, bool follow,
			struct ss_tree_source **ret_source)
{
	struct ss_tree_source *source;
	int r;

	/* Each file stays open. */
	if (!sources->count)
		ss_cli_raise_file_limit();
	if (sources->count == SS_TREE_SOURCE_MAX)
		return -EMFILE;
	if (sources->count == sources->capacity) {
		uint32_t capacity = sources->capacity ? 2 * sources->capacity : 16;
		void *wider = realloc(sources->list, capacity * sizeof(struct ss_tree_source *));

		if (!wider)
			return -ENOMEM;
		sources->list = wider;
		sources->capacity = capacity;
	}
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->path = path;
	source->fd = source->reader.fd = -1;
	r = open_source(source, follow);
	if (r) {
		ss_tree_source_finish(source, true);
		free(source);
		return r;
	}
	sources->list[sources->count++] = source;
	*ret_source = source;
	return 0;
}

static int copy_line(struct ss_tree_source *source, const struct ss_dump_line *line)
{
	const char *text = line->text;
	size_t bytes = line->too_long ? 0 : line->bytes;

	while (bytes) {
		ssize_t done = pwrite(source->fd, text, bytes, (off_t)source->copied);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			text += done;
			bytes -= (size_t)done;
			source->copied += (uint64_t)done;
		}
	}
	return 1;
}

int ss_tree_source_next(struct ss_tree_source *source, bool follow, struct ss_dump_line *ret_line,
			uint64_t *ret_at)
{
	struct ss_dump_reader *reader = &source->reader;
	int r = ss_dump_next(reader, ret_line);

	if (follow)
		reader->at_end = false;
	if (r != 1)
		return r;
	if (follow && !ret_line->ended) {
		ss_dump_put_back(reader, ret_line);
		return 0;
	}
	if (source->regular) {
		if (!ret_line->too_long)
			*ret_at = reader->bytes - reader->used +
				  (uint64_t)(ret_line->text - reader->buffer);
		return 1;
	}
	*ret_at = source->copied;
	return copy_line(source, ret_line);
}

void ss_tree_source_finish(struct ss_tree_source *source, bool gone)
{
	if (source->reading)
		ss_dump_close(&source->reader);
	source->reading = false;
	if (gone && source->fd >= 0) {
		close(source->fd);
		source->fd = -1;
	}
}

int ss_tree_source_read(const struct ss_tree_source *source, uint64_t at, char *text, size_t bytes)
{
	while (bytes) {
		ssize_t done = pread(source->fd, text, bytes, (off_t)at);

		if (source->fd < 0 || !done)
			return -ENODATA;
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			text += done;
			bytes -= (size_t)done;
			at += (uint64_t)done;
		}
	}
	return 0;
}

void ss_tree_sources_deinit(struct ss_tree_sources *sources)
{
	uint32_t i;

	for (i = 0; i < sources->count; i++) {
		ss_tree_source_finish(sources->list[i], true);
		free(sources->list[i]);
	}
	free(sources->list);
	*sources = (struct ss_tree_sources){ 0 };
}
