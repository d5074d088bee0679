/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/race/snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/race/trace.h"
#include "tests/unit/collector/fixture.h"

#define BYTES_MAX (4u << 20)
#define NOBODY    0x3fffffffu

void snapshot_begin(struct snapshot *snapshot)
{
	*snapshot = (struct snapshot){ .directory = "/tmp/spanshim-race-XXXXXX" };
	REQUIRE(mkdtemp(snapshot->directory) != NULL, "no directory");
	snprintf(snapshot->rings, sizeof(snapshot->rings), "%s/rings", snapshot->directory);
	snprintf(snapshot->out, sizeof(snapshot->out), "%s/real.jsonl", snapshot->directory);
	snprintf(snapshot->copy_out, sizeof(snapshot->copy_out), "%s/copy.jsonl",
		 snapshot->directory);
	REQUIRE(mkdir(snapshot->rings, 0700) == 0, "no directory");
	snapshot->before = calloc(1, BYTES_MAX);
	REQUIRE(snapshot->before, "no memory");
}

void snapshot_end(struct snapshot *snapshot)
{
	char command[96];

	free(snapshot->before);
	snprintf(command, sizeof(command), "rm -rf %s", snapshot->directory);
	REQUIRE(system(command) == 0, "%s", command);
}

/* The first one that there is; false: none. */
static bool find_ring(const struct snapshot *snapshot, char path[PATH_MAX])
{
	DIR *directory = opendir(snapshot->rings);
	const struct dirent *entry;
	bool found = false;

	REQUIRE(directory, "%s", snapshot->rings);
	while (!found && (entry = readdir(directory)) != NULL) {
		found = strstr(entry->d_name, ".ring") != NULL;
		snprintf(path, PATH_MAX, "%s/%s", snapshot->rings, entry->d_name);
	}
	closedir(directory);
	return found;
}

static uint64_t length_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* Also anew, when it has grown. */
static void map(struct snapshot *snapshot)
{
	char path[PATH_MAX];
	uint64_t bytes;
	int fd;

	if (!find_ring(snapshot, path))
		return;
	bytes = length_of(path);
	if (bytes < sizeof(struct ss_image) || bytes == snapshot->bytes)
		return;
	REQUIRE(bytes <= BYTES_MAX, "%lu bytes", (unsigned long)bytes);
	if (snapshot->image)
		munmap(snapshot->image, snapshot->bytes);
	fd = open(path, O_RDWR | O_CLOEXEC);
	snapshot->image = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(snapshot->image != MAP_FAILED, "%s", path);
	snapshot->bytes = bytes;
	close(fd);
}

bool snapshot_changed(struct snapshot *snapshot)
{
	uint64_t out_bytes = length_of(snapshot->out);

	map(snapshot);
	if (!snapshot->image || (out_bytes == snapshot->out_bytes &&
				 memcmp(snapshot->before, snapshot->image, snapshot->bytes) == 0))
		return false;
	memcpy(snapshot->before, snapshot->image, snapshot->bytes);
	snapshot->out_bytes = out_bytes;
	snapshot->states++;
	return true;
}

/* What has been given back may be overwritten by the time of the kill. */
static void scrub(struct ss_image *image)
{
	struct ss_ring *ring = (struct ss_ring *)((char *)image + image->rings_off);

	for (uint32_t i = 0; i < image->rings_used; i++, ring++) {
		uint64_t end = ring->tail + ring->mask + 1;

		for (uint64_t at = ring->head; ring->mask && at < end; at++)
			memset(ss_ring_record(image, ring, at), 0xee, SS_RECORD_BYTES);
	}
}

/* As it is in `before`, but for where it writes, whose it is, and a second time to tell the clock
 * by, which spares recovery a millisecond. */
static void copy(const struct snapshot *snapshot, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct ss_image *image;

	REQUIRE(ftruncate(fd, (off_t)snapshot->bytes) == 0, "%s", path);
	image = mmap(NULL, snapshot->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(image != MAP_FAILED, "%s", path);
	memcpy(image, snapshot->before, snapshot->bytes);
	if (image->magic == SS_IMAGE_MAGIC) {
		strcpy((char *)image + image->strings_off + image->out_str, snapshot->copy_out);
		image->pid = NOBODY;
		scrub(image);
		if (!image->calibration[1].ticks) {
			image->calibration[1].ticks = image->calibration[0].ticks + 2000000000;
			image->calibration[1].unix_ns = image->calibration[0].unix_ns + 1000000000;
		}
		fixture_seal(image);
	}
	munmap(image, snapshot->bytes);
	close(fd);
}

static const struct snapshot_spans *read_dump(const char *path, int rc,
					      const struct ss_recover_stats *stats)
{
	static struct snapshot_spans spans;

	free(spans.text);
	spans = (struct snapshot_spans){ .text = fixture_output(path) };
	if (stats)
		spans.stats = *stats;
	spans.spans = fixture_count(spans.text, "\"spanId\":");
	spans.unfinished = fixture_count(spans.text, "\"spanshim.unfinished\"");
	(void)rc;
	return &spans;
}

const struct snapshot_spans *snapshot_recover(struct snapshot *snapshot)
{
	struct ss_recover_stats stats;
	char path[96];
	int rc;

	snprintf(path, sizeof(path), "%s/%u-copy.ring", snapshot->directory, NOBODY);
	unlink(snapshot->copy_out);
	if (snapshot->out_bytes)
		fixture_copy(snapshot->out, snapshot->copy_out);
	copy(snapshot, path);
	rc = ss_recover_file(path, &stats);
	REQUIRE(rc == 0, "state %lu cannot be recovered: %d %s", (unsigned long)snapshot->states,
		rc, stats.reason ? stats.reason : "");
	REQUIRE(access(path, F_OK) != 0, "the copy stays");
	return read_dump(snapshot->copy_out, rc, &stats);
}

const struct snapshot_spans *snapshot_dump(struct snapshot *snapshot)
{
	return read_dump(snapshot->out, 0, NULL);
}

uint32_t snapshot_count(const struct snapshot_spans *spans, const char *needle)
{
	return fixture_count(spans->text, needle);
}

uint32_t snapshot_ask(struct snapshot *snapshot)
{
	struct ss_image *image = snapshot->image;
	uint32_t request = __atomic_add_fetch(&image->flush_request, 1, __ATOMIC_ACQ_REL);

	__atomic_fetch_add(&image->wake, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &image->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
	return request;
}

bool snapshot_served(const struct snapshot *snapshot, uint32_t request)
{
	return __atomic_load_n(&snapshot->image->flush_done, __ATOMIC_ACQUIRE) == request;
}

void snapshot_consume(struct snapshot *snapshot)
{
	struct ss_image *image = snapshot->image;
	struct ss_ring *rings = (struct ss_ring *)((char *)image + image->rings_off);

	for (uint32_t i = 0; i < image->rings_used; i++) {
		rings[i].tail = rings[i].head;
		image->commit[image->batch & 1].tails[i] = rings[i].head;
	}
}
