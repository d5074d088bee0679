/* SPDX-License-Identifier: Apache-2.0
 *
 * A kill at each step of the batch protocol, and ring files that are torn or forged. Built with
 * SS_TESTPOINTS: at each named place the ring file and the output are copied, as a kill would leave
 * them, and recovered apart.
 */
#include "collector/recover.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/drain.h"
#include "collector/testpoint.h"
#include "fixture.h"
#include "totals.h"

#define SPANS     300u
#define SNAPS_MAX 1200u

static struct fixture fixture;
static struct ss_drain drain;
static struct ss_image_view view;
static char copies[64], sums[128]; /* sums: the metrics' file */
static uint32_t snaps;
static uint32_t opened[SNAPS_MAX]; /* spans begun, by snap */
static bool snapping;
static uint32_t kill_at; /* testpoint of a recoverer that "dies"; 0: none */
static uint32_t cut_at;  /* testpoint at which someone cuts the ring file off; 0: none */
static off_t cut_to;
static char *cut_path;

static void snap_path(char *path, uint32_t number, const char *suffix)
{
	snprintf(path, 128, "%s/%05u.%s", copies, number, suffix);
}

/* The copy writes elsewhere; `string` is the path's, as long as the new one. */
static void redirect(const char *ring, uint32_t string, const char *out)
{
	int fd = open(ring, O_RDWR | O_CLOEXEC);
	struct ss_image *image =
		mmap(NULL, fixture.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cr_assert_neq(image, MAP_FAILED);
	strcpy((char *)image + image->strings_off + string, out);
	fixture_seal(image);
	munmap(image, fixture.bytes);
	close(fd);
}

/* How many spans had been opened (committed to a ring) when the copy was taken. Then whatever the
 * drain has given back is overwritten, as a fast producer may have done by the time of the kill. */
static uint32_t scrub(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct ss_image *image =
		mmap(NULL, fixture.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint32_t i, highest = 0;

	cr_assert_neq(image, MAP_FAILED);
	for (i = 0; i < image->ring_count; i++) {
		struct ss_ring *ring = (struct ss_ring *)((char *)image + image->rings_off) + i;
		uint64_t at = ring->head > ring->mask ? ring->head - ring->mask - 1 : 0;

		for (; at < ring->head; at++) {
			const struct ss_event *event = ss_ring_peek(image, ring, at);

			if (event && event->kind == SS_EVENT_OPEN && event->span_id > highest)
				highest = (uint32_t)event->span_id;
		}
		for (at = ring->head; at < ring->tail + ring->mask + 1; at++)
			memset(ss_ring_record(image, ring, at), 0xee, SS_RECORD_BYTES);
	}
	munmap(image, fixture.bytes);
	close(fd);
	return highest;
}

static void snap(void)
{
	char ring[128], out[128], sum[128];

	snap_path(ring, snaps, "ring");
	snap_path(out, snaps, "out");
	snap_path(sum, snaps, "sum");
	cr_assert_lt(snaps, SNAPS_MAX);
	fixture_copy(fixture.ring_path, ring);
	opened[snaps++] = scrub(ring);
	if (access(fixture.out_path, F_OK) == 0)
		fixture_copy(fixture.out_path, out);
	if (access(sums, F_OK) == 0)
		fixture_copy(sums, sum);
	redirect(ring, fixture.image->out_str, out);
	redirect(ring, fixture.image->metrics_str, sum);
}

void ss_testpoint(const char *name)
{
	(void)name;
	if (snapping)
		snap();
	if (kill_at != 0 && --kill_at == 0)
		_exit(77);
	if (cut_at != 0 && --cut_at == 0)
		cr_assert_eq(truncate(cut_path, cut_to), 0);
}

static void begin(uint32_t rings, uint64_t ring_bytes)
{
	const char *reason = "";

	fixture_make(&fixture, rings, ring_bytes);
	snprintf(sums, sizeof(sums), "%s/sum.jsonl", fixture.directory);
	fixture_metrics(&fixture, sums);
	strcpy(copies, "/tmp/spanshim-snap-XXXXXX");
	cr_assert_not_null(mkdtemp(copies));
	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_drain_init(&drain, &view), 0);
	snaps = 0;
}

static void end(void)
{
	char command[128];

	ss_drain_deinit(&drain);
	fixture_remove(&fixture);
	snprintf(command, sizeof(command), "rm -rf %s", copies);
	cr_assert_eq(system(command), 0);
}

/* Spans that open in one batch and close in another, from two rings, some with long logs, some
 * failed; metrics written now and then. */
static void busy_program(void)
{
	char text[700];
	struct payload payload = { 0 };
	uint32_t i;

	memset(text, 'x', sizeof(text));
	payload_text(&payload, fixture.key_text, text, sizeof(text), 0);
	for (i = 1; i <= SPANS; i++) {
		fixture_open(&fixture, i % 2, i % 5 ? FIX_ACTION : FIX_CALL, i, 0,
			     i % 7 ? NULL : &payload);
		if (i % 3 == 0)
			fixture_point(&fixture, 1 - i % 2, i, NULL);
		if (i > 10)
			fixture_close(&fixture, i % 2, FIX_CLOSE, i - 10,
				      i % 9 ? SS_STATUS_OK : SS_STATUS_ERROR, i % 4 + 3, NULL);
		if (i % 20 == 0)
			ss_drain_batch(&drain);
		if (i % 60 == 0)
			ss_drain_export(&drain);
	}
}

static void expect_each_once(uint32_t number, uint32_t expected)
{
	char out[128], *text;
	uint32_t i, missing = 0, doubled = 0, found = 0;

	snap_path(out, number, "out");
	text = fixture_output(out);
	for (i = 1; i <= SPANS; i++) {
		uint32_t count = fixture_spans(text, i);

		found += count > 0;
		doubled += count > 1;
		missing += count == 0 && i <= expected;
	}
	cr_assert_eq(missing, 0, "snap %u: %u spans missing of %u", number, missing, expected);
	cr_assert_eq(doubled, 0, "snap %u: %u spans doubled", number, doubled);
	cr_assert_geq(found, expected);
	free(text);
}

/* The metrics are of just these spans. */
static void expect_metrics(uint32_t number)
{
	struct totals spans, metrics;
	char path[128], what[32];

	snap_path(path, number, "out");
	totals_of_spans(&spans, path);
	snap_path(path, number, "sum");
	totals_of_metrics(&metrics, path);
	snprintf(what, sizeof(what), "snap %u", number);
	totals_expect_same(&spans, &metrics, what);
}

Test(recover, a_kill_at_every_step_loses_and_doubles_nothing)
{
	struct ss_recover_stats stats;
	char ring[128];
	uint32_t i;

	begin(2, 65536);
	snapping = true;
	busy_program();
	snapping = false;
	cr_expect_gt(snaps, 60);
	for (i = 0; i < snaps; i++) {
		int rc;

		snap_path(ring, i, "ring");
		rc = ss_recover_file(ring, &stats);
		cr_assert_eq(rc, 0, "snap %u: %d %s", i, rc, stats.reason);
		cr_assert_eq(stats.torn + stats.orphans + stats.unreadable, 0);
		cr_assert_neq(access(ring, F_OK), 0);
		expect_each_once(i, opened[i]);
		expect_metrics(i);
	}
	end();
}

/* The recoverer itself is killed at each of its steps, in a child, then run again. */
Test(recover, a_killed_recovery_can_be_run_again)
{
	struct ss_recover_stats stats;
	char ring[128];
	uint32_t i, steps = 0, base;

	begin(2, 65536);
	busy_program();
	for (i = 0; i < 20; i++)
		snap();
	base = snaps;
	for (i = 0; i < base; i++) {
		int status;
		pid_t child;

		snap_path(ring, i, "ring");
		child = fork();
		if (child == 0) {
			kill_at = i + 1;
			ss_recover_file(ring, &stats);
			_exit(0);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		steps += WEXITSTATUS(status) == 77;
		if (access(ring, F_OK) == 0)
			cr_assert_eq(ss_recover_file(ring, &stats), 0, "%s", stats.reason);
		expect_each_once(i, SPANS);
		expect_metrics(i);
	}
	cr_expect_geq(steps, 8, "only %u kills happened", steps);
	end();
}

Test(recover, the_line_of_losses_is_written_once)
{
	struct ss_recover_stats stats;
	char ring[128], out[128], *text;
	uint32_t i;

	begin(1, 65536);
	fixture.image->dropped[SS_DROP_DEPTH][SS_EVENT_OPEN] = 4;
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	snapping = true;
	ss_drain_finish(&drain);
	snapping = false;
	for (i = 0; i < snaps; i++) {
		snap_path(ring, i, "ring");
		snap_path(out, i, "out");
		cr_assert_eq(ss_recover_file(ring, &stats), 0);
		cr_expect_eq(stats.lost, 4);
		text = fixture_output(out);
		cr_expect_eq(fixture_count(text, "spanshim.dropped.depth.open"), 1, "snap %u", i);
		cr_expect_eq(fixture_spans(text, 1), 1);
		free(text);
	}
	cr_expect_gt(snaps, 6);
	end();
}

Test(recover, torn_events_are_skipped)
{
	struct ss_recover_stats stats;
	struct payload payload = { 0 };
	uint64_t position;
	char *text;

	begin(1, 65536);
	payload_text(&payload, fixture.key_text, "0123456789012345678901234567890123456789", 40, 0);
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	position = fixture_open(&fixture, 0, FIX_CALL, 2, 0, &payload);
	fixture_open(&fixture, 0, FIX_CALL, 3, 0, NULL);
	ss_ring_record(fixture.image, view.rings, position)->commit = 0;
	cr_assert_eq(ss_recover_file(fixture.ring_path, &stats), 0, "%s", stats.reason);
	cr_expect_eq(stats.torn, 1);
	cr_expect_eq(stats.spans, 2);
	cr_expect_eq(stats.unfinished, 2);
	text = fixture_output(fixture.out_path);
	cr_expect_eq(fixture_spans(text, 1) + fixture_spans(text, 3), 2);
	cr_expect_eq(fixture_spans(text, 2), 0);
	free(text);
	end();
}

Test(recover, a_living_process_is_left_alone)
{
	struct ss_recover_stats stats;

	begin(1, 65536);
	fixture.image->pid = (uint32_t)getpid();
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EBUSY);
	cr_expect_str_eq(stats.reason, "its process is alive");
	cr_expect_eq(access(fixture.ring_path, F_OK), 0);
	end();
}

Test(recover, only_one_at_a_time)
{
	struct ss_recover_stats stats;
	int fd;

	begin(1, 65536);
	fd = open(fixture.ring_path, O_RDWR | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EBUSY);
	close(fd);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), 0);
	end();
}

Test(recover, a_full_disk_keeps_the_file)
{
	struct ss_recover_stats stats;
	char *text;

	begin(1, 65536);
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	redirect(fixture.ring_path, fixture.image->out_str, "/dev/full");
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EIO);
	cr_expect_eq(stats.spans_lost, 1);
	cr_assert_eq(access(fixture.ring_path, F_OK), 0);
	redirect(fixture.ring_path, fixture.image->out_str, fixture.out_path);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), 0);
	text = fixture_output(fixture.out_path);
	cr_expect_eq(fixture_spans(text, 1), 1);
	free(text);
	end();
}

Test(recover, metrics_that_cannot_be_written_keep_the_file)
{
	struct ss_recover_stats stats;
	struct totals spans, metrics;
	uint32_t i;

	begin(1, 65536);
	for (i = 1; i <= 3; i++)
		fixture_open(&fixture, 0, FIX_CALL, i, 0, NULL);
	fixture_close(&fixture, 0, FIX_CALL, 1, SS_STATUS_OK, 0, NULL);
	ss_drain_batch(&drain);
	fixture_close(&fixture, 0, FIX_CALL, 2, SS_STATUS_ERROR, 9, NULL);
	redirect(fixture.ring_path, fixture.image->metrics_str, "/dev/full");
	for (i = 0; i < 2; i++) {
		cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EIO);
		cr_expect_str_eq(stats.reason, "its metrics cannot be written");
		cr_assert_eq(access(fixture.ring_path, F_OK), 0);
	}
	redirect(fixture.ring_path, fixture.image->metrics_str, sums);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), 0, "%s", stats.reason);
	totals_of_spans(&spans, fixture.out_path);
	totals_of_metrics(&metrics, sums);
	totals_expect_same(&spans, &metrics, "tried again");
	cr_expect_eq(spans.count, 2);
	end();
}

Test(recover, never_finished_files)
{
	struct ss_recover_stats stats;

	begin(1, 65536);
	fixture.image->magic = 0;
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EINVAL);
	cr_expect_str_eq(stats.reason, "its header is gone"); /* a thread had claimed a ring */
	cr_expect_eq(access(fixture.ring_path, F_OK), 0);
	view.rings[0].mask = 0;
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), 0); /* pid 1073741823 cannot be */
	cr_expect_neq(access(fixture.ring_path, F_OK), 0);
	end();
}

static void report(void *context, const char *path, int rc, const struct ss_recover_stats *stats)
{
	(void)path;
	*(uint64_t *)context += rc == 0 ? stats->spans : 1000;
}

Test(recover, a_directory)
{
	uint64_t seen = 0;
	char path[160];

	begin(1, 65536);
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	snprintf(path, sizeof(path), "%s/other.ring", fixture.directory);
	fixture_copy(fixture.ring_path, path);
	snprintf(path, sizeof(path), "%s/no-ring", fixture.directory);
	fixture_copy(fixture.ring_path, path);
	cr_expect_eq(ss_recover_dir(fixture.directory, report, &seen), 0);
	cr_expect_eq(seen, 2);
	cr_expect_eq(ss_recover_dir("/nonexistent", report, &seen), -ENOENT);
	end();
}

Test(recover, files_that_are_no_ring_files)
{
	struct ss_recover_stats stats;
	char link_path[160];

	begin(1, 65536);
	cr_expect_eq(ss_recover_file("/dev/null", &stats), -EINVAL);
	cr_expect_eq(ss_recover_file("/nonexistent", &stats), -ENOENT);
	snprintf(link_path, sizeof(link_path), "%s/link.ring", fixture.directory);
	cr_assert_eq(symlink(fixture.ring_path, link_path), 0);
	cr_expect_eq(ss_recover_file(link_path, &stats), -ELOOP);
	cr_assert_eq(truncate(fixture.ring_path, (off_t)sizeof(struct ss_image) + 5), 0);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EINVAL);
	cr_expect_not_null(stats.reason);
	cr_expect_eq(access(fixture.ring_path, F_OK), 0);
	end();
}

/* Pages that are gone are SIGBUS: at each step, cut off in each of the file's structures. */
Test(recover, a_file_that_is_cut_off_meanwhile)
{
	static const off_t sizes[] = { 0, 4096, 16384, 65536, 262144 };
	struct ss_recover_stats stats;
	char ring[128], pristine[128];
	uint32_t step, i, cut = 0, late = 0;

	if (getenv("UNDER_VALGRIND"))
		cr_skip_test("valgrind takes what is mapped in a signal handler for nothing");
	begin(2, 65536);
	busy_program();
	snap();
	snap_path(pristine, 0, "ring");
	snap_path(cut_path = ring, 9, "ring");
	for (step = 1; step <= 20; step++) {
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			int rc;

			fixture_copy(pristine, ring);
			cut_at = step;
			cut_to = sizes[i];
			rc = ss_recover_file(ring, &stats);
			late += rc == 0;
			cut += rc == -EIO;
			if (rc == 0)
				continue;
			cr_assert_str_eq(stats.reason, "it was cut off while it was read");
			cr_assert_eq(access(ring, F_OK), 0);
		}
	}
	cut_at = 0;
	cr_expect_geq(cut, 25, "%u cut, %u too late", cut, late);
	end();
}

Test(recover, damaged_paths_and_names)
{
	struct ss_recover_stats stats;
	char *strings, *out;

	begin(1, 65536);
	strings = (char *)fixture.image + fixture.image->strings_off;
	out = strings + fixture.image->out_str;
	out[9] ^= 1;
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EINVAL);
	cr_expect_str_eq(stats.reason, "its output paths are damaged");
	fixture.image->out_str = fixture.image->executable_str;
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EINVAL);
	fixture.image->out_str = (uint32_t)(out - strings);
	out[9] ^= 1;
	strings[SS_KEY_RESERVED + 1] ^= 1;
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), 0, "%s", stats.reason);
	cr_expect_eq(stats.spans, 1);
	cr_expect_eq(stats.unreadable, 1);
	end();
}

Test(recover, rings_that_share_records)
{
	struct ss_recover_stats stats;

	begin(2, 65536);
	view.rings[1].data_off = view.rings[0].data_off + 64;
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EINVAL);
	cr_expect_str_eq(stats.reason, "a ring's records lie outside, or in another ring");
	end();
}

/* A hundred attributes that are all the same long string of the file. */
static void payload_of_names(struct payload *payload, uint32_t text, uint32_t text_bytes)
{
	uint32_t i;

	for (i = 1; i <= 100; i++) {
		payload_int(payload, text + text_bytes - i, text);
		((struct ss_attr *)(payload->data + payload->bytes))[-1].type = SS_ATTR_NAME;
	}
}

Test(recover, a_forged_file_does_not_fill_the_disk)
{
	struct ss_recover_stats stats;
	struct payload payload = { 0 };
	uint32_t text, i;

	begin(2, 1u << 19);
	redirect(fixture.ring_path, fixture.image->out_str, "/dev/null");
	redirect(fixture.ring_path, fixture.image->metrics_str, "/dev/null");
	text = view.image->strings_used;
	memset((char *)view.image + view.image->strings_off + text, 'x',
	       view.image->strings_bytes - text - 1);
	payload_of_names(&payload, text, (uint32_t)view.image->strings_bytes - text - 1);
	for (i = 1; fixture_open(&fixture, i % 2, FIX_CALL, i, 0, &payload) != UINT64_MAX; i++)
		;
	cr_assert_gt(i, 500);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EINVAL);
	cr_expect_str_eq(stats.reason, "it makes more than any process would have written");
	cr_expect_gt(stats.spans, 100);
	cr_expect_lt(stats.spans, 500);
	cr_expect_eq(access(fixture.ring_path, F_OK), 0);
	end();
}

static uint64_t nasty(void)
{
	static const uint64_t values[] = { 0,          1,         7,         64,         255,
					   4095,       4096,      65536,     UINT32_MAX, 1ull << 32,
					   1ull << 40, INT64_MAX, UINT64_MAX };

	return rand() % 2 ? values[rand() % 13] : (uint64_t)rand() << rand() % 33;
}

/* Random damage to a valid file, mostly in its structures: any result but a crash (ASan, UBSan). */
Test(recover, damaged_files_never_crash, .timeout = 300)
{
	struct ss_recover_stats stats;
	uint32_t round, ok = 0, refused = 0;
	char ring[128], out[128], pristine[128], *bytes;
	struct stat status;

	begin(2, 65536);
	busy_program();
	snap();
	snap_path(pristine, 0, "ring");
	bytes = fixture_output(pristine);
	cr_assert_eq(stat(pristine, &status), 0);
	snap_path(out, 9, "out");
	memcpy(bytes + fixture.image->strings_off + fixture.image->out_str, "/dev/null", 10);
	memcpy(bytes + fixture.image->strings_off + fixture.image->metrics_str, "/dev/null", 10);
	fixture_seal((struct ss_image *)bytes);
	srand(42);
	for (round = 0; round < 1500; round++) {
		int fd, hits = rand() % 8 + 1, rc;

		snap_path(ring, 9, "ring");
		fd = open(ring, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		cr_assert_eq(write(fd, bytes, (size_t)status.st_size), status.st_size);
		while (hits-- > 0) {
			static const uint32_t widths[] = { 1, 2, 4, 8 };
			uint64_t value = nasty(), at, area = (uint64_t)rand() % 6;
			uint32_t width = widths[rand() % 4];

			at = area == 0   ? (uint64_t)rand() % 400
			     : area == 1 ? offsetof(struct ss_image, batch) + (uint64_t)rand() % 48
			     : area == 2 ? fixture.image->rings_off + (uint64_t)rand() % 900
			     : area == 3 ? fixture.image->table_off + (uint64_t)rand() % 2600
			     : area == 4 ? fixture.image->arena_off + (uint64_t)rand() % 40000
					 : fixture.image->data_off + (uint64_t)rand() % 130000;
			cr_assert_eq(pwrite(fd, &value, width, (off_t)at), (ssize_t)width);
		}
		if (rand() % 10 == 0)
			cr_assert_eq(ftruncate(fd, rand() % status.st_size), 0);
		close(fd);
		rc = ss_recover_file(ring, &stats);
		ok += rc == 0;
		refused += rc != 0;
	}
	cr_expect_gt(ok, 100);
	cr_expect_gt(refused, 100);
	free(bytes);
	end();
}
