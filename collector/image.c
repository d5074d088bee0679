/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "collector/aside.h"

#define FILE_BYTES_MAX ((uint64_t)1 << 40)
#define BATCH_MAX      ((uint64_t)1 << 60) /* the next one is not 0, which means none */

/* An array of `count` items of `size` at `offset` lies within `bytes`, aligned for 8-byte members.
 */
static bool fits(uint64_t offset, uint64_t count, uint64_t size, uint64_t bytes)
{
	return offset % 8 == 0 && offset <= bytes && count <= (bytes - offset) / size;
}

static const char *check_header(const struct ss_image *image, uint64_t bytes)
{
	if (image->version != SS_IMAGE_VERSION)
		return "it is of another version";
	if (image->file_bytes > bytes || image->arena_off > bytes ||
	    image->arena_off < sizeof(struct ss_image) || image->arena_off % 4096 != 0)
		return "it is shorter than its header says";
	if (image->ring_count > SS_RINGS_MAX || image->rings_off % 64 != 0 ||
	    image->rings_off < sizeof(struct ss_image) ||
	    !fits(image->rings_off, image->ring_count, sizeof(struct ss_ring), image->arena_off))
		return "its rings lie outside";
	if (image->strings_off < sizeof(struct ss_image) || image->strings_bytes == 0 ||
	    !fits(image->strings_off, image->strings_bytes, 1, image->arena_off))
		return "its strings lie outside";
	if (image->clock > SS_CLOCK_MONOTONIC)
		return "its clock is unknown";
	if (image->batch > BATCH_MAX)
		return "its count of batches is damaged";
	return NULL;
}

static const char *check_rings(const struct ss_image *image, const struct ss_ring *rings)
{
	uint64_t end = sizeof(struct ss_image);
	uint32_t i;

	for (i = 0; i < image->ring_count; i++) {
		/* Partner: the release in ring_file.c. In a live image a thread may be preparing
		 * its ring right now: without a mask there is nothing yet. */
		uint32_t mask = __atomic_load_n(&rings[i].mask, __ATOMIC_ACQUIRE);
		uint64_t capacity = (uint64_t)mask + 1;

		if (mask == 0)
			continue;
		if ((capacity & (capacity - 1)) != 0 || rings[i].data_off % SS_RECORD_BYTES != 0 ||
		    rings[i].data_off < end ||
		    !fits(rings[i].data_off, capacity, SS_RECORD_BYTES, image->arena_off))
			return "a ring's records lie outside, or in another ring";
		end = rings[i].data_off + capacity * SS_RECORD_BYTES;
	}
	return NULL;
}

/* Resolves one array of the table; NULL when it does not fit. */
static const void *table_array(const struct ss_binding_table *table, uint64_t bytes,
			       struct ss_span_of span, size_t size, uint32_t *ret_count)
{
	if (!fits(span.offset, span.count, size, bytes))
		return NULL;
	*ret_count = span.count;
	return (const char *)table + span.offset;
}

static const char *check_table(struct ss_image_view *view)
{
	uint64_t offset = view->image->table_off, room = view->image->arena_off;
	const struct ss_binding_table *table;
	uint64_t bytes;

	if (!fits(offset, 1, sizeof(*table), room) || offset < sizeof(struct ss_image))
		return "its binding table lies outside";
	table = (const void *)((const char *)view->image + offset);
	bytes = table->bytes;
	if (table->magic != SS_BINDING_MAGIC || table->version != SS_BINDING_VERSION ||
	    bytes < sizeof(*table) || bytes > room - offset)
		return "its binding table is damaged";
	view->bindings = table_array(table, bytes, table->bindings, sizeof(*view->bindings),
				     &view->binding_count);
	view->entries = table_array(table, bytes, table->entries, sizeof(*view->entries),
				    &view->entry_count);
	view->codes =
		table_array(table, bytes, table->codes, sizeof(*view->codes), &view->code_count);
	view->constants = table_array(table, bytes, table->constants, sizeof(*view->constants),
				      &view->constant_count);
	if (!view->bindings || !view->entries || !view->codes || !view->constants)
		return "an array of its binding table lies outside";
	return NULL;
}

static int attach(struct ss_image *image, uint64_t bytes, struct ss_image_view *ret_view,
		  const char **ret_reason)
{
	struct ss_image_view view = { .image = image, .mapped_bytes = bytes, .fd = -1 };
	const char *reason = "it is not a ring file";

	if (image->magic != SS_IMAGE_MAGIC)
		goto bad;
	reason = check_header(image, bytes);
	if (reason != NULL)
		goto bad;
	view.ring_count = image->ring_count;
	view.rings = (struct ss_ring *)((char *)image + image->rings_off);
	view.strings = (const char *)image + image->strings_off;
	view.strings_bytes = image->strings_bytes;
	view.path = ss_image_string(&view, image->ring_file_str);
	reason = check_rings(image, view.rings);
	if (reason == NULL)
		reason = check_table(&view);
	if (reason != NULL)
		goto bad;
	*ret_view = view;
	return 0;
bad:
	*ret_reason = reason;
	return -EINVAL;
}

int ss_image_attach(struct ss_image *image, struct ss_image_view *ret_view, const char **ret_reason)
{
	int rc = attach(image, image->file_bytes, ret_view, ret_reason);

	if (rc == 0)
		ret_view->live = true;
	return rc;
}

int ss_image_reopen(const struct ss_image_view *view)
{
	int fd = open(view->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint64_t nonce;

	if (fd < 0)
		return -errno;
	fd = ss_aside(fd);
	if (pread(fd, &nonce, sizeof(nonce), offsetof(struct ss_image, nonce)) == sizeof(nonce) &&
	    nonce == view->image->nonce)
		return fd;
	close(fd);
	return -ESTALE;
}

/* In a live process nobody but us writes there. */
static const char *check_sums(struct ss_image_view *view)
{
	const struct ss_image *image = view->image;
	const struct ss_binding_table *table =
		(const void *)((const char *)image + image->table_off);
	const char *out = ss_image_string(view, image->out_str);
	const char *metrics = ss_image_string(view, image->metrics_str);
	uint64_t used = image->strings_used, sum;

	sum = ss_image_sum(0, out, strlen(out));
	if (ss_image_sum(sum, metrics, strlen(metrics)) != image->paths_sum)
		return "its output paths are damaged";
	if (used > view->strings_bytes)
		used = view->strings_bytes;
	sum = ss_image_sum(0, view->strings, used);
	view->names_damaged =
		ss_image_sum(sum, (const char *)table, table->bytes) != image->names_sum;
	return NULL;
}

/* Without a header: a ring that a thread has claimed is proof that there was one. */
static bool was_finished(const struct ss_image *image, uint64_t bytes)
{
	uint64_t offset = (sizeof(*image) + 63) & ~63ull;
	const struct ss_ring *first = (const void *)((const char *)image + offset);

	return bytes - offset >= sizeof(*first) && bytes >= offset && first->mask != 0;
}

static int check_file(int fd, uint64_t *ret_bytes, const char **ret_reason)
{
	struct stat status;
	uint64_t magic;

	if (fstat(fd, &status) != 0)
		return -errno;
	if (!S_ISREG(status.st_mode)) {
		*ret_reason = "it is not a regular file";
		return -EINVAL;
	}
	if (status.st_uid != geteuid()) {
		*ret_reason = "it belongs to another user";
		return -EPERM;
	}
	if ((uint64_t)status.st_size < sizeof(struct ss_image)) {
		*ret_reason = "it is shorter than a header";
		return pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) && magic != 0
			       ? -EINVAL
			       : -ENODATA;
	}
	if ((uint64_t)status.st_size > FILE_BYTES_MAX) {
		*ret_reason = "it is absurdly long";
		return -EINVAL;
	}
	*ret_bytes = (uint64_t)status.st_size;
	return 0;
}

int ss_image_open(const char *path, struct ss_image_view *ret_view, const char **ret_reason)
{
	struct ss_image *image = MAP_FAILED;
	struct ss_image_view view;
	const char *reason;
	uint64_t bytes = 0;
	int fd, rc;

	*ret_reason = "it cannot be opened";
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	rc = check_file(fd, &bytes, ret_reason);
	if (rc != 0)
		goto out;
	image = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED) {
		rc = -errno;
		*ret_reason = "it cannot be mapped";
		goto out;
	}
	if (image->magic == 0) {
		rc = was_finished(image, bytes) ? -EINVAL : -ENODATA;
		*ret_reason = rc == -EINVAL ? "its header is gone" : "it was never finished";
		goto out;
	}
	rc = attach(image, bytes, &view, ret_reason);
	if (rc == 0 && (reason = check_sums(&view)) != NULL) {
		*ret_reason = reason;
		rc = -EINVAL;
	}
	if (rc == 0) {
		*ret_view = view;
		ret_view->fd = fd;
		ret_view->path = path;
	}
out:
	if (rc != 0) {
		if (image != MAP_FAILED)
			munmap(image, bytes);
		close(fd);
	}
	return rc;
}

void ss_image_close(struct ss_image_view *view)
{
	munmap(view->image, view->mapped_bytes);
	close(view->fd);
	*view = (struct ss_image_view){ .fd = -1 };
}

/* Whether a thread maps the file; -1: it has no memory any more, or there is no such thread. */
static int maps_file(const char *path, const struct stat *status)
{
	unsigned int major_number, minor_number;
	unsigned long inode;
	int mapped = -1;
	char line[4500];
	FILE *maps;

	maps = fopen(path, "re");
	if (maps == NULL)
		return errno == ENOENT || errno == ESRCH ? -1 : 1;
	while (mapped != 1 && fgets(line, sizeof(line), maps) != NULL) {
		mapped = 0;
		if (sscanf(line, "%*s %*s %*s %x:%x %lu", &major_number, &minor_number, &inode) ==
		    3)
			mapped = inode == status->st_ino && major_number == major(status->st_dev) &&
				 minor_number == minor(status->st_dev);
	}
	fclose(maps);
	return mapped;
}

bool ss_image_alive(const struct ss_image_view *view)
{
	unsigned int pid = view->image->pid;
	const struct dirent *task;
	struct stat status;
	char path[80];
	DIR *tasks;
	int mapped;

	if (fstat(view->fd, &status) != 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	mapped = maps_file(path, &status);
	if (mapped >= 0)
		return mapped;
	/* A first thread that has left (pthread_exit) shows no memory; the others still do. */
	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	tasks = opendir(path);
	if (tasks == NULL)
		return errno != ENOENT && errno != ESRCH;
	while (mapped < 0 && (task = readdir(tasks)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%u/task/%.20s/maps", pid, task->d_name);
		mapped = task->d_name[0] == '.' ? -1 : maps_file(path, &status);
	}
	closedir(tasks);
	return mapped > 0;
}

const char *ss_image_string(const struct ss_image_view *view, uint64_t offset)
{
	if (offset < SS_KEY_RESERVED || offset >= view->strings_bytes ||
	    memchr(view->strings + offset, 0, view->strings_bytes - offset) == NULL)
		return "";
	return view->strings + offset;
}

const struct ss_binding *ss_image_binding(const struct ss_image_view *view,
					  const struct ss_entry *entry)
{
	return entry->binding < view->binding_count ? &view->bindings[entry->binding] : NULL;
}

const char *ss_image_code_name(const struct ss_image_view *view, const struct ss_entry *entry,
			       int64_t code)
{
	const struct ss_binding *binding = ss_image_binding(view, entry);
	uint32_t i;

	if (binding == NULL ||
	    !fits(0, (uint64_t)binding->first_code + binding->code_count, 1, view->code_count))
		return NULL;
	for (i = 0; i < binding->code_count; i++) {
		const struct ss_code *known = &view->codes[binding->first_code + i];

		if (known->value == code)
			return ss_image_string(view, known->name);
	}
	return NULL;
}

const char *ss_image_function(const struct ss_image_view *view, const struct ss_entry *entry,
			      char *buffer, size_t bytes)
{
	const char *symbol = ss_image_string(view, entry->symbol);
	char *colon;

	if (!(entry->flags & SS_ENTRY_PYTHON))
		return symbol;
	snprintf(buffer, bytes, "%s", symbol);
	colon = strchr(buffer, ':');
	if (colon != NULL)
		*colon = '.';
	return buffer;
}

void ss_image_count_rings(struct ss_image_view *view)
{
	uint32_t used;

	if (!view->live)
		return;
	/* Partner: the release in ring_file.c, after the ring was prepared. */
	used = __atomic_load_n(&view->image->rings_used, __ATOMIC_ACQUIRE);
	view->ring_count = used < view->image->ring_count ? used : view->image->ring_count;
}
