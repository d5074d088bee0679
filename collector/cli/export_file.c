/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_reader(struct ss_export_file *file, bool follow)
{
	struct stat info;
	int fd = STDIN_FILENO;

	if (strcmp(file->path, "-") != 0)
		fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (follow ? O_NONBLOCK : 0));
	if (fd < 0)
		return -errno;
	file->reader = (struct ss_dump_reader){ .fd = fd };
	file->open = true;
	file->read = file->busy = false;
	file->state = (struct ss_export_state){ .lock = -1 };
	file->sent = (struct ss_export_place){ 0, 0 };
	if (fstat(fd, &info))
		return -errno;
	if (S_ISDIR(info.st_mode))
		return -EISDIR;
	file->device = info.st_dev;
	file->inode = info.st_ino;
	/* The standard input may be a file that somebody has read a part of. */
	file->regular = S_ISREG(info.st_mode) && fd != STDIN_FILENO;
	return 0;
}

static int go_to(struct ss_export_file *file, const struct ss_export_place *place)
{
	struct ss_dump_reader *reader = &file->reader;

	if (lseek(reader->fd, (off_t)place->offset, SEEK_SET) < 0)
		return -errno;
	reader->start = reader->used = reader->scanned = 0;
	reader->at_end = false;
	reader->bytes = place->offset;
	reader->number = place->line;
	return 0;
}

static int resume(struct ss_export_file *file, const struct ss_export_file_options *options,
		  const char **ret_notice)
{
	struct ss_export_place place = { 0, 0 };
	int r;

	if (ss_export_state_init(&file->state, file->device, file->inode, options->endpoint)) {
		*ret_notice =
			"no place for the state (XDG_STATE_HOME, HOME): when this is exported "
			"again it is sent again";
		return 0;
	}
	r = options->from_start ? -ENOENT
				: ss_export_state_load(&file->state, file->reader.fd, &place);
	if (r == -ESTALE)
		*ret_notice = "was truncated or replaced since it was sent: from its beginning";
	else if (r && r != -ENOENT)
		*ret_notice = "what was sent of it cannot be read: from its beginning";
	if (r)
		return 0;
	file->sent = place;
	return go_to(file, &place);
}

int ss_export_file_open(struct ss_export_file *file, const struct ss_export_file_options *options,
			const char **ret_notice)
{
	int r = open_reader(file, options->follow);

	*ret_notice = NULL;
	if (!r && options->follow && !file->regular)
		r = -EINVAL;
	if (!r && file->regular)
		r = resume(file, options, ret_notice);
	if (r)
		ss_export_file_close(file);
	return r;
}

int ss_export_file_begin(struct ss_export_file *file, const struct ss_export_file_options *options)
{
	struct ss_export_place place;
	struct stat info;
	int r;

	file->busy = false;
	if (!file->regular || !file->state.path)
		return 0;
	if (file->read && !fstat(file->reader.fd, &info) &&
	    (uint64_t)info.st_size == file->reader.bytes)
		return -EALREADY;
	r = ss_export_state_lock(&file->state);
	file->busy = r == -EWOULDBLOCK;
	if (r || options->from_start)
		return file->busy ? r : 0;
	if (ss_export_state_load(&file->state, file->reader.fd, &place) ||
	    place.offset <= file->sent.offset)
		return 0;
	file->sent = place;
	return go_to(file, &place);
}

void ss_export_file_end(struct ss_export_file *file)
{
	file->read = true;
	if (file->regular && file->state.path)
		ss_export_state_unlock(&file->state);
}

/* A thousand programs' files may be followed, most of them at rest. */
static void release_buffer(struct ss_dump_reader *reader)
{
	if (reader->used > reader->start)
		return;
	free(reader->buffer);
	reader->buffer = NULL;
	reader->capacity = reader->start = reader->used = reader->scanned = 0;
}

int ss_export_file_next(struct ss_export_file *file, bool follow, struct ss_dump_line *ret_line)
{
	int r = ss_dump_next(&file->reader, ret_line);

	if (!follow)
		return r;
	file->reader.at_end = false;
	if (r == 1 && !ret_line->ended) {
		ss_dump_put_back(&file->reader, ret_line);
		r = 0;
	}
	if (r == 0)
		release_buffer(&file->reader);
	return r;
}

struct ss_export_place ss_export_file_place(const struct ss_export_file *file)
{
	return (struct ss_export_place){ ss_dump_offset(&file->reader), file->reader.number };
}

int ss_export_file_done(struct ss_export_file *file, const struct ss_export_place *place)
{
	if (place->offset == file->sent.offset)
		return 0;
	file->sent = *place;
	if (!file->regular || !file->state.path)
		return 0;
	return ss_export_state_save(&file->state, file->reader.fd, file->path, place);
}

bool ss_export_file_changed(struct ss_export_file *file, const char **ret_notice)
{
	bool same;
	struct stat info;

	/* Gone: whoever removed it will not write it. */
	if (stat(file->path, &info))
		return false;
	same = info.st_dev == file->device && info.st_ino == file->inode;
	if (same && (uint64_t)info.st_size >= file->reader.bytes)
		return false;
	*ret_notice = same ? "was truncated" : "was replaced";
	ss_export_file_close(file);
	return true;
}

bool ss_export_file_is_cut_off(const struct ss_export_file *file)
{
	return file->reader.used > file->reader.start;
}

int ss_export_file_rewind(struct ss_export_file *file)
{
	file->read = false;
	return file->regular ? go_to(file, &file->sent) : 0;
}

void ss_export_file_close(struct ss_export_file *file)
{
	if (file->open)
		ss_dump_close(&file->reader);
	ss_export_state_deinit(&file->state);
	file->open = false;
}
