/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

static const struct ss_launch_variable no_variables[] = { { NULL, NULL } };

/* A process launches once: each launch gets one of its own. */
static int launch(char *const *argv, const struct ss_launch_variable *variables)
{
	pid_t launcher = fork();
	int status;

	if (!launcher)
		_exit(ss_launch(argv, variables));
	cr_assert_eq(waitpid(launcher, &status, 0), launcher);
	cr_assert(WIFEXITED(status), "the launcher itself died");
	return WEXITSTATUS(status);
}

static int shell(const char *script, const struct ss_launch_variable *variables)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };

	return launch(argv, variables);
}

Test(launch, statuses)
{
	char *missing[] = { "/no/such/program", NULL }, *data[] = { "/etc/passwd", NULL };

	cr_assert_eq(shell("exit 7", no_variables), 7);
	cr_assert_eq(shell("kill -TERM $$", no_variables), 128 + SIGTERM);
	cr_assert_eq(shell("kill -KILL $$", no_variables), 128 + SIGKILL);
	cr_assert_eq(launch(missing, no_variables), 127);
	cr_assert_eq(launch(data, no_variables), 126);
}

Test(launch, environment)
{
	const struct ss_launch_variable variables[] = { { "SS_A", "a b" },
							{ "SS_B", NULL },
							{ NULL, NULL } };

	setenv("SS_B", "there", 1);
	cr_assert_eq(shell("test \"$SS_A\" = 'a b' && test -z \"${SS_B+set}\"", variables), 0);
	cr_assert_null(getenv("SS_A"));
	cr_assert_str_eq(getenv("SS_B"), "there");
}

static unsigned long long status_mask(FILE *file, const char *name)
{
	unsigned long long mask = 0;
	char line[256];

	rewind(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			mask = strtoull(line + strlen(name), NULL, 16);
	return mask;
}

static unsigned long long bit(int number)
{
	return 1ull << (number - 1);
}

/* Even when the launcher itself was started with SIGCHLD ignored and a signal blocked. */
Test(launch, dispositions_and_mask_are_the_childs)
{
	char path[] = "/tmp/test_launch-XXXXXX";
	char *argv[] = { "cp", "/proc/self/status", path, NULL };
	FILE *file = fdopen(mkstemp(path), "r");
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	pid_t launcher;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	launcher = fork();
	if (!launcher) {
		sigprocmask(SIG_SETMASK, &set, NULL);
		sigaction(SIGCHLD, &ignore, NULL);
		sigaction(SIGUSR2, &ignore, NULL);
		_exit(ss_launch(argv, no_variables));
	}
	cr_assert_eq(waitpid(launcher, NULL, 0), launcher);
	cr_assert_eq(status_mask(file, "SigBlk:"), bit(SIGUSR1));
	cr_assert_eq(status_mask(file, "SigIgn:") & (bit(SIGUSR2) | bit(SIGCHLD) | bit(SIGTERM)),
		     bit(SIGUSR2) | bit(SIGCHLD));
	fclose(file);
	unlink(path);
}

static unsigned count_descriptors(void)
{
	unsigned count = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return count;
}

Test(launch, no_descriptor_more)
{
	char script[128];

	if (getenv("UNDER_VALGRIND"))
		cr_skip_test("valgrind's own descriptors are its children's too");
	/* the directory that ls reads is its own */
	snprintf(script, sizeof(script), "test $(ls /proc/self/fd | wc -l) -eq %u",
		 count_descriptors() + 1);
	cr_assert_eq(shell(script, no_variables), 0);
}

/* In a process of its own: the launcher's status when `sent` reaches it while the script runs. */
static int launch_and_signal(const char *script, int sent)
{
	int ready[2], status;
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	char path[64], byte;
	pid_t launcher;

	cr_assert_eq(pipe(ready), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ready[1]);
	launcher = fork();
	if (!launcher) {
		/* A shell can set no trap for what it was started with ignored, as jobs in the
		 * background are SIGINT. */
		signal(sent, SIG_DFL);
		setenv("READY", path, 1);
		_exit(ss_launch(argv, no_variables));
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	kill(launcher, sent);
	cr_assert_eq(waitpid(launcher, &status, 0), launcher);
	close(ready[0]);
	close(ready[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

Test(launch, signals_are_forwarded, .timeout = 30)
{
	static const struct {
		int signal;
		const char *name;
	} forwarded[] = { { SIGTERM, "TERM" },
			  { SIGHUP, "HUP" },
			  { SIGUSR1, "USR1" },
			  { SIGUSR2, "USR2" },
			  { SIGINT, "INT" } };
	char script[256];
	size_t i;

	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
		snprintf(script, sizeof(script),
			 "trap 'exit 42' %s; echo >$READY; while :; do sleep 0.05; done",
			 forwarded[i].name);
		cr_assert_eq(launch_and_signal(script, forwarded[i].signal), 42, "%s",
			     forwarded[i].name);
	}
	cr_assert_eq(launch_and_signal("echo >$READY; exec sleep 20", SIGTERM), 128 + SIGTERM);
}
