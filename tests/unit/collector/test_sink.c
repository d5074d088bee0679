/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sink.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define LINE "{\"resourceSpans\":[1]}\n"

static char directory[64], path[96];
static struct ss_image image;
static struct ss_sink sink;

static void setup(void)
{
	strcpy(directory, "/tmp/spanshim-sink-XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/out.jsonl", directory);
	memset(&image, 0, sizeof(image));
	ss_sink_init(&sink, path, &image);
}

static void teardown(void)
{
	char command[96];

	ss_sink_deinit(&sink);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(sink, .init = setup, .fini = teardown);

static void put_file(const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect_file(const char *expected)
{
	char *text = fixture_output(path);

	cr_expect_str_eq(text, expected);
	free(text);
}

static int write_line(uint64_t epoch)
{
	int rc = ss_sink_write(&sink, LINE, strlen(LINE), epoch);

	ss_sink_end(&sink);
	return rc;
}

Test(sink, opens_lazily_and_privately)
{
	struct stat status;

	cr_expect_neq(access(path, F_OK), 0);
	cr_expect_eq(write_line(1), 0);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	cr_expect_eq(sink.fd, -1);
	expect_file(LINE);
}

Test(sink, notes_where_a_batch_begins)
{
	cr_expect_eq(write_line(5), 0);
	cr_expect_eq(image.out_batch, 5);
	cr_expect_eq(image.out_offset, 0);
	cr_expect_eq(write_line(5), 0);
	cr_expect_eq(image.out_offset, 0);
	cr_expect_eq(write_line(6), 0);
	cr_expect_eq(image.out_batch, 6);
	cr_expect_eq(image.out_offset, 2 * strlen(LINE));
}

Test(sink, cuts_off_a_line_that_was_not_finished)
{
	put_file(LINE "{\"resourceSpans\":[{\"res");
	cr_expect_eq(write_line(1), 0);
	expect_file(LINE LINE);
	put_file("{\"res");
	cr_expect_eq(write_line(2), 0);
	expect_file(LINE);
	put_file(LINE "{\"resourceMetrics\":[{\"res");
	cr_expect_eq(write_line(3), 0);
	expect_file(LINE LINE);
	put_file("{\"resourceM");
	cr_expect_eq(write_line(4), 0);
	expect_file(LINE);
}

/* Its writer may have been stopped in the middle of it. */
Test(sink, cuts_nothing_off_that_another_has_locked)
{
	int other;

	put_file(LINE "{\"resourceSpans\":[{\"res");
	other = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_eq(flock(other, LOCK_EX), 0);
	cr_expect_eq(write_line(1), 0);
	expect_file(LINE "{\"resourceSpans\":[{\"res\n" LINE);
	close(other);
}

Test(sink, cuts_nothing_off_a_strange_file)
{
	put_file("{\"resourceLogs\":[");
	cr_expect_eq(write_line(1), 0);
	expect_file("{\"resourceLogs\":[\n" LINE);
	put_file("precious notes\nwithout newline");
	cr_expect_eq(write_line(1), 0);
	expect_file("precious notes\nwithout newline\n" LINE);
}

Test(sink, long_unfinished_line)
{
	char *text = calloc(1, 600001), *expected = calloc(1, 700000);

	memset(text, 'x', 600000);
	memcpy(text, "{\"resourceSpans\":[", 18);
	put_file(LINE);
	FILE *file = fopen(path, "a");
	fputs(text, file);
	fclose(file);
	cr_expect_eq(write_line(1), 0);
	expect_file(LINE LINE);
	free(text);
	free(expected);
}

/* As in /tmp. In a directory of ours alone there is nothing that we have not put there. */
static void open_to_all(const char *path)
{
	cr_assert_eq(chmod(path, 01777), 0);
}

/* Somebody else's, for whom the rest of the file is done; only root can try that. */
static void become_other(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(seteuid(65534), 0);
}

static void become_root(void)
{
	cr_assert_eq(seteuid(0), 0);
}

Test(sink, follows_a_link_of_ours)
{
	char target[96];

	snprintf(target, sizeof(target), "%s/target", directory);
	cr_assert_eq(symlink(target, path), 0);
	open_to_all(directory);
	cr_expect_eq(write_line(1), 0);
	cr_expect_eq(write_line(2), 0);
	cr_expect_eq(unlink(path), 0);
	cr_expect_eq(rename(target, path), 0);
	expect_file(LINE LINE);
}

Test(sink, never_follows_a_planted_link)
{
	char target[96];

	open_to_all(directory);
	become_other();
	snprintf(target, sizeof(target), "%s/target", directory);
	cr_assert_eq(symlink(target, path), 0);
	become_root();
	cr_expect_eq(write_line(1), -EPERM);
	cr_expect_neq(access(target, F_OK), 0);
}

Test(sink, never_follows_a_link_of_ours_to_a_planted_file)
{
	char target[96];

	open_to_all(directory);
	snprintf(target, sizeof(target), "%s/target", directory);
	cr_assert_eq(symlink(target, path), 0);
	become_other();
	cr_assert_eq(close(open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0666)), 0);
	become_root();
	cr_expect_eq(write_line(1), -EPERM);
	cr_assert_eq(chmod(directory, 0755), 0);
	cr_expect_eq(write_line(1), 0);
}

Test(sink, never_writes_to_a_planted_file)
{
	open_to_all(directory);
	become_other();
	put_file("");
	become_root();
	cr_expect_eq(write_line(1), -EPERM);
	expect_file("");
	cr_assert_eq(chmod(directory, 0755), 0);
	cr_expect_eq(write_line(1), 0);
	expect_file(LINE);
}

Test(sink, never_writes_to_a_planted_fifo)
{
	open_to_all(directory);
	become_other();
	cr_assert_eq(mkfifo(path, 0666), 0);
	become_root();
	cr_expect_eq(write_line(1), -EPERM); /* nor waits for a reader */
}

Test(sink, never_writes_to_a_second_name_where_all_may_write)
{
	char precious[96];

	snprintf(precious, sizeof(precious), "%s/precious", directory);
	put_file("precious\n");
	cr_assert_eq(link(path, precious), 0);
	open_to_all(directory);
	cr_expect_eq(write_line(1), -EPERM);
	expect_file("precious\n");
	cr_assert_eq(chmod(directory, 0755), 0);
	cr_expect_eq(write_line(1), 0);
	expect_file("precious\n" LINE);
}

Test(sink, dev_stderr_is_stderr)
{
	int saved = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_eq(write(fd, "first\n", 6), 6);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	ss_sink_init(&sink, "/dev/stderr", &image);
	cr_expect_eq(write_line(1), 0);
	cr_assert_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	expect_file("first\n" LINE);
}

Test(sink, a_missing_directory_fails_at_once)
{
	ss_sink_init(&sink, "/nonexistent/out.jsonl", &image);
	cr_expect_eq(write_line(1), -ENOENT);
}

Test(sink, full_device)
{
	ss_sink_init(&sink, "/dev/full", &image);
	cr_expect_eq(write_line(1), -ENOSPC);
	cr_expect(sink.failing);
}

/* The limit on the file's size cuts a write short: nothing of the line may stay. */
Test(sink, short_write_is_taken_back)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(write_line(1), 0);
	limit.rlim_cur = strlen(LINE) + 5;
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(write_line(2), -EFBIG);
	expect_file(LINE);
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(write_line(2), 0);
	cr_expect_not(sink.failing);
	expect_file(LINE LINE);
}

Test(sink, survives_a_host_that_closes_and_reuses_the_number)
{
	char fifo[96], other[96];
	int reader, reused;
	char got[64] = "";

	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ss_sink_init(&sink, fifo, &image);
	cr_expect_eq(write_line(1), 0);
	reused = open(other, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_gt(sink.fd, reused, "not a number that open() gives");
	cr_assert_eq(dup2(reused, sink.fd), sink.fd);
	close(reused);
	reused = sink.fd;
	cr_expect_eq(write_line(2), 0);
	cr_expect_eq(lseek(reused, 0, SEEK_END), 0);
	cr_expect_eq(read(reader, got, sizeof(got)), 2 * (ssize_t)strlen(LINE));
	close(reader);
	close(reused);
}

/* Two processes, one file, each cutting off what it takes for the other's unfinished line. */
Test(sink, two_writers)
{
	static char line[100001];
	char *text, *at;
	int writer, i;

	for (writer = 0; writer < 2; writer++) {
		if (fork() != 0)
			continue;
		memset(line, 'a' + writer, 100000);
		memcpy(line, "{\"resourceSpans\":[", 18);
		line[100000] = '\0';
		line[99999] = '\n';
		for (i = 0; i < 100; i++) {
			if (ss_sink_write(&sink, line, 100000, (uint64_t)i + 1) != 0)
				_exit(1);
			ss_sink_end(&sink);
		}
		_exit(0);
	}
	for (writer = 0; writer < 2; writer++) {
		int status;

		wait(&status);
		cr_expect_eq(status, 0);
	}
	at = text = fixture_output(path);
	for (i = 0; *at != '\0'; i++, at += 100000) {
		cr_assert_eq(memcmp(at, "{\"resourceSpans\":[", 18), 0);
		cr_assert_eq(strspn(at + 18, at[18] == 'a' ? "a" : "b"), 99981);
	}
	cr_expect_eq(i, 200);
	free(text);
}

/* Where a program changes its user before anything was written: nobody may ever read the FIFO. */
Test(sink, holds_no_fifo_that_nobody_reads, .timeout = 10)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	ss_sink_hold(&sink);
	cr_expect_eq(sink.fd, -1);
}
