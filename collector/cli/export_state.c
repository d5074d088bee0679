/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "collector/dump.h"

#define STATE_BYTES_MAX 16384u
#define BEFORE_BYTES    512u /* of the file, that are remembered as a hash */

static char *directory_name(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int r = -1;

	/* The specification of these directories has relative ones ignored. */
	if (state && *state == '/')
		r = asprintf(&path, "%s/spanshim/export", state);
	else if (home && *home == '/')
		r = asprintf(&path, "%s/.local/state/spanshim/export", home);
	return r < 0 ? NULL : path;
}

/* With all that is above it. */
static int make_directory(char *path)
{
	char *slash = path;

	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		if (slash)
			*slash = '/';
	} while (slash);
	return 0;
}

int ss_export_state_init(struct ss_export_state *state, dev_t device, ino_t inode,
			 uint64_t endpoint)
{
	char *directory = directory_name();
	int r = directory ? make_directory(directory) : -ENOENT;

	*state = (struct ss_export_state){ .lock = -1 };
	if (!r && asprintf(&state->path, "%s/%" PRIx64 "-%" PRIx64 "-%016" PRIx64 ".json",
			   directory, (uint64_t)device, (uint64_t)inode, endpoint) < 0) {
		state->path = NULL;
		r = -ENOMEM;
	}
	free(directory);
	return r;
}

void ss_export_state_deinit(struct ss_export_state *state)
{
	if (state->path && state->lock >= 0)
		close(state->lock);
	free(state->path);
	*state = (struct ss_export_state){ .lock = -1 };
}

/* On a file of its own, which stays: the state's is another one after each save. */
int ss_export_state_lock(struct ss_export_state *state)
{
	char *path;

	if (state->lock < 0) {
		if (asprintf(&path, "%s.lock", state->path) < 0)
			return -ENOMEM;
		state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		free(path);
	}
	return state->lock < 0 || flock(state->lock, LOCK_EX | LOCK_NB) ? -errno : 0;
}

void ss_export_state_unlock(struct ss_export_state *state)
{
	flock(state->lock, LOCK_UN);
}

/* Of the bytes that stand before offset. Returns 0, or -ESTALE when they are not there. */
static int hash_before(int fd, uint64_t offset, uint64_t *ret_hash)
{
	char bytes[BEFORE_BYTES];
	size_t wanted = offset < BEFORE_BYTES ? offset : BEFORE_BYTES;

	if (pread(fd, bytes, wanted, (off_t)(offset - wanted)) != (ssize_t)wanted)
		return -ESTALE;
	*ret_hash = ss_dump_hash(SS_DUMP_HASH, bytes, wanted);
	return 0;
}

static bool read_number(const cJSON *json, const char *key, uint64_t *ret_number)
{
	return !ss_dump_parse_uint(cJSON_GetObjectItemCaseSensitive(json, key), ret_number);
}

int ss_export_state_load(const struct ss_export_state *state, int fd,
			 struct ss_export_place *ret_place)
{
	struct ss_export_place place = { 0, 0 };
	uint64_t before = 0, now = 0;
	char text[STATE_BYTES_MAX];
	ssize_t bytes;
	cJSON *json;
	bool whole;
	int file = open(state->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (file < 0)
		return -errno;
	bytes = read(file, text, sizeof(text));
	close(file);
	if (bytes < 0)
		return -errno;
	json = cJSON_ParseWithLength(text, (size_t)bytes);
	whole = read_number(json, "offset", &place.offset) &&
		read_number(json, "line", &place.line) && read_number(json, "before", &before) &&
		place.offset <= INT64_MAX;
	cJSON_Delete(json);
	if (!whole)
		return -EBADMSG;
	if (hash_before(fd, place.offset, &now) || now != before)
		return -ESTALE;
	*ret_place = place;
	return 0;
}

static char *compose(const char *file, const struct ss_export_place *place, uint64_t before)
{
	cJSON *json = cJSON_CreateObject();
	char number[32], *text;

	cJSON_AddStringToObject(json, "file", file);
	snprintf(number, sizeof(number), "%" PRIu64, place->offset);
	cJSON_AddStringToObject(json, "offset", number);
	snprintf(number, sizeof(number), "%" PRIu64, place->line);
	cJSON_AddStringToObject(json, "line", number);
	snprintf(number, sizeof(number), "%" PRIu64, before);
	cJSON_AddStringToObject(json, "before", number);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}

/* The directory is not synced: after a power cut an older state only means sending again. */
static int replace(const char *path, const char *text)
{
	size_t bytes = strlen(text);
	char *temporary;
	int fd, r = 0;

	if (asprintf(&temporary, "%s.new", path) < 0)
		return -ENOMEM;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	errno = EIO;
	if (write(fd, text, bytes) != (ssize_t)bytes || fsync(fd))
		r = -errno;
	close(fd);
	if (!r && rename(temporary, path))
		r = -errno;
	if (r)
		unlink(temporary);
out:
	free(temporary);
	return r;
}

int ss_export_state_save(const struct ss_export_state *state, int fd, const char *file,
			 const struct ss_export_place *place)
{
	uint64_t before;
	char *text;
	int r = hash_before(fd, place->offset, &before);

	if (r)
		return r;
	text = compose(file, place, before);
	if (!text)
		return -ENOMEM;
	r = strlen(text) < STATE_BYTES_MAX ? replace(state->path, text) : -ENAMETOOLONG;
	cJSON_free(text);
	return r;
}
