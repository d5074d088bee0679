/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool ss_retired; /* shim/hot.h */

static char dir[32], path[64], content[131072];

static void make_dir(void)
{
	strcpy(dir, "/tmp/spanshim-log-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
}

static void remove_dir(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(log, .init = make_dir, .fini = remove_dir);

static const char *read_log(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, content, sizeof(content) - 1);

	if (fd >= 0)
		close(fd);
	content[n < 0 ? 0 : n] = '\0';
	return content;
}

static int count_lines(void)
{
	int count = 0;

	for (const char *p = read_log(); *p; p++)
		count += *p == '\n';
	return count;
}

static const char *prefixed(const char *message)
{
	static char line[2048];

	snprintf(line, sizeof(line), "spanshim[%d]: %s\n", getpid(), message);
	return line;
}

Test(log, off_by_default)
{
	ss_log_line("nowhere");
	ss_log_init("");
	ss_log_line("nowhere");
	cr_assert_neq(access(path, F_OK), 0);
}

Test(log, line_gets_prefix_and_newline_and_file_is_private)
{
	struct stat st;

	umask(0);
	ss_log_init(path);
	ss_log_line("hello");
	cr_assert_str_eq(read_log(), prefixed("hello"));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
}

Test(log, appends)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	cr_assert_eq(write(fd, "before\n", 7), 7);
	close(fd);
	ss_log_init(path);
	ss_log_line("a");
	ss_log_line("b");
	cr_assert_eq(count_lines(), 3);
	cr_assert_eq(strncmp(read_log(), "before\n", 7), 0);
}

Test(log, target_is_copied)
{
	char target[64];

	strcpy(target, path);
	ss_log_init(target);
	memset(target, 'x', sizeof(target));
	ss_log_line("hello");
	cr_assert_eq(count_lines(), 1);
}

/* A link that whoever `owner` is puts where all may write: how many lines come through it. */
static int lines_through_link(uid_t owner)
{
	char real[64];
	int count;

	snprintf(real, sizeof(real), "%s/real", dir);
	cr_assert_eq(chmod(dir, 01777), 0);
	cr_assert_eq(seteuid(owner), 0);
	cr_assert_eq(symlink(real, path), 0);
	cr_assert_eq(seteuid(getuid()), 0);
	ss_log_init(path);
	ss_log_line("into the trap");
	count = count_lines();
	cr_expect_eq(access(real, F_OK) == 0, count > 0);
	unlink(real);
	return count;
}

Test(log, link_of_ours_is_followed)
{
	cr_expect_eq(lines_through_link(geteuid()), 1);
}

Test(log, link_of_somebody_else_is_refused)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_expect_eq(lines_through_link(65534), 0);
}

Test(log, control_characters_do_not_forge_lines)
{
	ss_log_init(path);
	ss_log_line("a\nspanshim[1]: b\r\t\033[0m\177 \xc3\xa4");
	cr_assert_str_eq(read_log(), prefixed("a?spanshim[1]: b???[0m? \xc3\xa4"));
}

Test(log, long_line_is_cut)
{
	char message[2000], cut[901];

	memset(message, 'm', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	memset(cut, 'm', 900);
	cut[900] = '\0';
	ss_log_init(path);
	ss_log_line(message);
	cr_assert_str_eq(read_log(), prefixed(cut));
	unlink(path);
	ss_log("%s%s", message, message);
	cr_assert_str_eq(read_log(), prefixed(cut));
}

Test(log, stops_after_64_lines_and_says_so)
{
	ss_log_init(path);
	for (int i = 0; i < 200; i++)
		ss_log("line %d", i);
	cr_assert_eq(count_lines(), 65);
	cr_assert_not_null(strstr(read_log(), "line 63\n"));
	cr_assert_null(strstr(read_log(), "line 64\n"));
	cr_assert_not_null(strstr(read_log(), prefixed("no more messages from this process")));
}

Test(log, forked_child_counts_anew)
{
	pid_t pid;

	ss_log_init(path);
	for (int i = 0; i < 100; i++)
		ss_log_line("parent");
	pid = fork();
	if (pid == 0) {
		ss_log_line("child");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	cr_assert_eq(count_lines(), 66);
}

/* Without the attribute that has the compiler check its formats: some here are wrong on purpose. */
static void (*volatile unchecked_log)(const char *format, ...) = ss_log;

Test(log, formats)
{
	ss_log_init(path);
	unchecked_log("%s|%d|%d|%u|%x|%llu|%llx|%lld|%zu|%lu|%%|%c|%", "s", -5, -2147483647 - 1,
		      4294967295u, 0xbeefu, 18446744073709551615ull, 0x123456789abcdefull,
		      -9223372036854775807ll - 1, (size_t)7, 8ul);
	cr_assert_str_eq(read_log(),
			 prefixed("s|-5|-2147483648|4294967295|beef|18446744073709551615|"
				  "123456789abcdef|-9223372036854775808|7|8|%|%c|%"));
	unlink(path);
	unchecked_log("%s", NULL);
	cr_assert_str_eq(read_log(), prefixed("(null)"));
}

Test(log, keeps_errno_and_leaves_no_descriptor)
{
	int before = dup(0);

	close(before);
	errno = 1234;
	ss_log_init("/nonexistent/directory/log");
	ss_log_line("lost");
	cr_assert_eq(errno, 1234);
	ss_log_init(path);
	ss_log_line("written");
	cr_assert_eq(errno, 1234);
	cr_assert_eq(dup(0), before);
}

Test(log, over_long_target_is_ignored)
{
	static char target[8192];

	memset(target, 'x', sizeof(target) - 1);
	ss_log_init(target);
	ss_log_line("lost");
	cr_assert_neq(access(path, F_OK), 0);
}

Test(log, stderr_is_written_only_when_asked, .init = cr_redirect_stderr)
{
	char line[64];

	ss_log_line("before");
	ss_log_init("stderr");
	ss_log_line("after");
	strcpy(line, prefixed("after"));
	cr_assert_stderr_eq_str(line);
}

/* A reader that went away must not cost the host its life. */
Test(log, closed_pipe_on_stderr_is_survived)
{
	int ends[2];
	sigset_t pending;

	signal(SIGPIPE, SIG_DFL);
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ss_log_init("stderr");
	ss_log_line("hello");
	sigpending(&pending);
	cr_assert_not(sigismember(&pending, SIGPIPE));
}

Test(log, fifo_without_reader_does_not_block)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	ss_log_init(path);
	alarm(10);
	ss_log_line("hello");
}
