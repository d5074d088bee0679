/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ring_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch.h"
#include "frame.h"
#include "shim/clocks.h"

/* For the image's own texts, behind the binding table's: what is configured, and paths. */
#define STRINGS_SPARE (2 * SS_CONFIG_TEXT_BYTES)

static uint64_t align(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

/* Power of two at or below. */
static uint64_t floor_power(uint64_t value)
{
	return 1ull << (63 - __builtin_clzll(value));
}

void ss_ring_file_default_directory(char *buf, size_t bytes)
{
	snprintf(buf, bytes, "/dev/shm/spanshim-%u", (unsigned)geteuid());
}

/* A directory of ours, that nobody else may write: what is in it cannot be a trap. */
static int open_directory(const char *directory)
{
	struct stat st;
	int fd;

	if (mkdir(directory, 0700) && errno != EEXIST)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static uint32_t add_string(struct ss_image *image, const char *text)
{
	char *area = (char *)image + image->strings_off;
	size_t bytes = strlen(text) + 1;
	uint32_t at = image->strings_used;

	if (!text[0] || bytes > image->strings_bytes - at)
		return 0;
	memcpy(area + at, text, bytes);
	image->strings_used += (uint32_t)bytes;
	return at;
}

/* Where lines go: "-", or a pattern, made a path. */
static int add_target(struct ss_image *image, const struct ss_ring_file_facts *facts,
		      const char *pattern, uint32_t *ret_at)
{
	char text[SS_RING_PATH_BYTES * 2];
	int r;

	if (!pattern[0] || !strcmp(pattern, "-")) {
		*ret_at = add_string(image, pattern);
		return 0;
	}
	r = ss_config_expand(pattern, facts->program, facts->pid, facts->nonce, facts->cwd, text,
			     sizeof(text));
	if (!r)
		*ret_at = add_string(image, text);
	return r;
}

static void add_arguments(struct ss_image *image, const struct ss_ring_file_facts *facts)
{
	char *area = (char *)image + image->strings_off;
	uint32_t bytes = facts->arguments_bytes;

	if (bytes == 0 || bytes > image->strings_bytes - image->strings_used)
		return;
	image->arguments_str = image->strings_used;
	memcpy(area + image->strings_used, facts->arguments, bytes);
	image->strings_used += bytes;
	for (uint32_t i = 0; i < bytes; i++)
		image->argument_count += facts->arguments[i] == '\0';
}

/* Entries with a slash are paths, and mean the same wherever the process goes; others are looked
 * for where dlopen looks. Returns 0, or -ENAMETOOLONG. */
static int add_plugins(struct ss_image *image, const char *list, const char *cwd)
{
	char *area = (char *)image + image->strings_off;
	uint64_t at = image->strings_used, room = image->strings_bytes;

	while (*list) {
		int bytes = (int)strcspn(list, ":");
		bool relative = *list != '/' && memchr(list, '/', (size_t)bytes);
		int n = snprintf(area + at, room - at, "%s%s%s%.*s",
				 at > image->strings_used ? ":" : "", relative ? cwd : "",
				 relative ? "/" : "", bytes, list);

		if (n < 0 || (uint64_t)n >= room - at)
			return -ENAMETOOLONG;
		at += (uint64_t)n;
		list += bytes + (list[bytes] == ':');
	}
	if (at == image->strings_used)
		return 0;
	image->plugins_str = image->strings_used;
	image->in_plugin = SS_PLUGIN_LOADING;
	image->strings_used = (uint32_t)at + 1;
	return 0;
}

static void lay_out(struct ss_image *image, const struct ss_ring_file_facts *facts, uint32_t rings)
{
	uint64_t total = floor_power(facts->config->ring_bytes), bytes;
	uint64_t at = align(sizeof(struct ss_image), 64);

	image->version = SS_IMAGE_VERSION;
	image->ring_count = rings;
	image->ring_total = total;
	image->rings_off = at;
	at = align(at + rings * sizeof(struct ss_ring), 64);
	image->strings_off = at;
	image->strings_bytes = facts->table->strings.count + STRINGS_SPARE + facts->arguments_bytes;
	at = align(at + image->strings_bytes, 64);
	image->table_off = at;
	image->data_off = align(at + facts->table->bytes, SS_PAGE_BYTES_MAX);
	image->data_bytes = ss_ring_geometry(total, rings - 1, &bytes);
	image->data_bytes += bytes;
	image->arena_off = align(image->data_off + image->data_bytes, SS_PAGE_BYTES_MAX);
	image->file_bytes = image->arena_off;
}

static void fill_config(struct ss_image *image, const struct ss_config *config)
{
	image->flush_ms = config->flush_ms;
	image->on_full = config->on_full;
	image->stacks = config->stacks;
	image->content = config->content;
	image->attribute_count_limit = config->attribute_count_limit;
	image->event_count_limit = config->event_count_limit;
	image->link_count_limit = config->link_count_limit;
	image->event_attribute_count_limit = config->event_attribute_count_limit;
	image->attribute_value_limit = config->attribute_value_limit;
	image->metrics_ms = config->metrics_ms;
	image->service_str = add_string(image, config->service_name);
	image->resource_str = add_string(image, config->resource_attributes);
	image->tracestate_str = add_string(image, config->tracestate);
}

/* Of what stays as it is now. */
static void seal(struct ss_image *image)
{
	const char *base = (const char *)image, *strings = base + image->strings_off;
	const struct ss_binding_table *table = (const void *)(base + image->table_off);
	const char *out = strings + image->out_str, *metrics = strings + image->metrics_str;

	image->paths_sum = ss_image_sum(0, out, strlen(out));
	if (image->metrics_str)
		image->paths_sum = ss_image_sum(image->paths_sum, metrics, strlen(metrics));
	image->names_sum = ss_image_sum(0, strings, image->strings_used);
	image->names_sum = ss_image_sum(image->names_sum, (const char *)table, table->bytes);
}

static int fill(struct ss_image *image, const struct ss_ring_file_facts *facts, const char *path)
{
	const struct ss_binding_table *table = facts->table;
	int r;

	memcpy((char *)image + image->strings_off, (const char *)table + table->strings.offset,
	       table->strings.count);
	image->strings_used = table->strings.count;
	memcpy((char *)image + image->table_off, table, table->bytes);
	image->nonce = facts->nonce;
	image->pid = facts->pid;
	image->uid = geteuid();
	image->clock = facts->clock;
	r = add_target(image, facts, facts->config->out, &image->out_str);
	if (!r)
		r = add_target(image, facts, facts->config->metrics_out, &image->metrics_str);
	if (r)
		return r;
	r = add_plugins(image, facts->config->plugins, facts->cwd);
	if (r < 0)
		return r;
	fill_config(image, facts->config);
	image->sampling = facts->sampling;
	image->program_str = add_string(image, facts->program);
	image->executable_str = add_string(image, facts->executable);
	add_arguments(image, facts);
	if (facts->python_version)
		image->python_str = add_string(image, facts->python_version());
	image->ring_file_str = add_string(image, path);
	if (!image->out_str || !image->ring_file_str)
		return -ENAMETOOLONG;
	ss_clocks_begin(facts->clock, &image->calibration[0], &image->start_mono_ns);
	image->start_ns = image->calibration[0].unix_ns;
	image->state = SS_IMAGE_LIVE;
	seal(image);
	__atomic_store_n(&image->magic, SS_IMAGE_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

/* A header to try sizes on. Not on the stack: the first event may come on a small one (a signal's).
 * Only one thread at a time makes an image. */
static struct ss_image shape;

/* Fewer rings where the process may not make a file (or an address range) of the full size. */
static uint32_t ring_count_allowed(const struct ss_ring_file_facts *facts)
{
	struct rlimit limit;
	uint32_t rings = SS_RINGS_MAX;

	for (; rings > 8; rings /= 2) {
		memset(&shape, 0, sizeof(shape));
		lay_out(&shape, facts, rings);
		if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
		    limit.rlim_cur < 2 * shape.file_bytes)
			continue;
		if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY &&
		    limit.rlim_cur / 8 < shape.file_bytes)
			continue;
		break;
	}
	return rings;
}

/* Beyond RLIMIT_FSIZE the kernel would send the host a SIGXFSZ. */
static bool is_allowed(uint64_t file_bytes)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) || file_bytes <= limit.rlim_cur;
}

static int map_new(int fd, const struct ss_ring_file_facts *facts, struct ss_image **ret_image)
{
	struct ss_image *image;
	int r;

	memset(&shape, 0, sizeof(shape));
	lay_out(&shape, facts, ring_count_allowed(facts));
	if (!is_allowed(shape.file_bytes))
		return -EFBIG;
	if (ftruncate(fd, (off_t)shape.file_bytes))
		return -errno;
	r = posix_fallocate(fd, 0, (off_t)shape.data_off);
	if (r)
		return -r;
	image = mmap(NULL, shape.file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED)
		return -errno;
	lay_out(image, facts, shape.ring_count);
	*ret_image = image;
	return 0;
}

int ss_ring_file_create(const struct ss_ring_file_facts *facts, char *path, size_t path_bytes,
			struct ss_image **ret_image)
{
	struct ss_image *image = NULL;
	char name[64];
	int directory, fd, r, n;

	snprintf(name, sizeof(name), "%u-%016llx.ring", facts->pid,
		 (unsigned long long)facts->nonce);
	n = snprintf(path, path_bytes, "%s/%s", facts->directory, name);
	if (n < 0 || (size_t)n >= path_bytes)
		return -ENAMETOOLONG;
	directory = open_directory(facts->directory);
	if (directory < 0)
		return directory;
	fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = -errno;
		goto out_directory;
	}
	r = map_new(fd, facts, &image);
	if (!r)
		r = fill(image, facts, path);
	close(fd);
	if (r) {
		if (image)
			munmap(image, image->file_bytes);
		unlinkat(directory, name, 0);
		goto out_directory;
	}
	*ret_image = image;
out_directory:
	close(directory);
	return r;
}

/* Asks the file system for the ring's pages; by path, since a descriptor kept open would be the
 * host's to close (daemons close all they find). */
static bool reserve_pages(const struct ss_image *image, uint64_t offset, uint64_t bytes)
{
	const char *path = (const char *)image + image->strings_off + image->ring_file_str;
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return false;
	r = is_allowed(offset + bytes) ? posix_fallocate(fd, (off_t)offset, (off_t)bytes) : EFBIG;
	close(fd);
	return r == 0;
}

static void raise_rings_used(struct ss_image *image, uint32_t count)
{
	uint32_t used = __atomic_load_n(&image->rings_used, __ATOMIC_RELAXED);

	/* Partner: the drain's acquire load; it looks at no ring behind this one. */
	while (used < count && !__atomic_compare_exchange_n(&image->rings_used, &used, count, false,
							    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static bool prepare(struct ss_image *image, struct ss_ring *ring, uint32_t index)
{
	uint64_t bytes, offset;

	offset = ss_ring_geometry(image->ring_total, index, &bytes);
	if (!reserve_pages(image, image->data_off + offset, bytes))
		return false;
	ring->data_off = image->data_off + offset;
	/* The drain may be asleep, and does not know of this ring yet; or knows one behind it. */
	__atomic_store_n(&ring->wake_level, 1, __ATOMIC_RELAXED);
	/* Partner: the collector's check of the file, which takes a ring with a mask for placed. */
	__atomic_store_n(&ring->mask, (uint32_t)(bytes / SS_RECORD_BYTES - 1), __ATOMIC_RELEASE);
	/* Rings are tried in order: only the first few of the file's pages are ever touched. */
	if (index >= __atomic_load_n(&image->rings_used, __ATOMIC_RELAXED))
		raise_rings_used(image, index + 1);
	return true;
}

struct ss_ring *ss_ring_file_claim(struct ss_image *image, uint32_t tid)
{
	struct ss_ring *rings = (struct ss_ring *)((char *)image + image->rings_off);

	for (uint32_t i = 0; i < image->ring_count; i++) {
		struct ss_ring *ring = &rings[i];
		uint32_t state = SS_RING_FREE;

		/* Partner: the drain's release store when it frees a ring: head and tail are final.
		 */
		if (!__atomic_compare_exchange_n(&ring->state, &state, SS_RING_CLAIMED, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		if (!ring->mask && !prepare(image, ring, i)) {
			__atomic_store_n(&ring->state, SS_RING_FREE, __ATOMIC_RELEASE);
			return NULL;
		}
		ring->tid = tid;
		ring->seen_tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
		__atomic_store_n(&ring->state, SS_RING_OWNED, __ATOMIC_RELEASE);
		return ring;
	}
	return NULL;
}

void ss_ring_file_retire(struct ss_ring *ring)
{
	__atomic_store_n(&ring->state, SS_RING_RETIRED, __ATOMIC_RELEASE);
}
