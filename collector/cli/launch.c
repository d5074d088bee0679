/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/launch.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/cli/cli.h"

#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127
#define STATUS_SIGNAL         128

/* What we take care of while the child runs. Blocked and waited for, never handled. */
static const int watched[] = { SIGCHLD, SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
			       SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU };

struct launch {
	pid_t child;
	bool child_stopped;
	bool told_to_stop; /* the terminal stops the whole foreground group: us as well */
};

static void run_child(char *const *argv, const struct ss_launch_variable *variables,
		      const sigset_t *mask, const struct sigaction *on_child)
{
	int error = 0;

	for (; variables->name && !error; variables++)
		error = variables->value ? setenv(variables->name, variables->value, 1)
					 : unsetenv(variables->name);
	if (!error) {
		sigaction(SIGCHLD, on_child, NULL);
		sigprocmask(SIG_SETMASK, mask, NULL);
		execvp(argv[0], argv);
	}
	error = errno;
	ss_cli_error("run", "%s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

/* We stop when both hold: the terminal told us to, and the child obeyed. A program that ignores the
 * stop goes on in the foreground as it would without us; one that is stopped alone stays our
 * affair. */
static void stop_with_child(struct launch *launch)
{
	if (!launch->child_stopped || !launch->told_to_stop)
		return;
	launch->child_stopped = launch->told_to_stop = false;
	raise(SIGSTOP);
	/* Continued: whoever did it may have meant us alone. */
	kill(launch->child, SIGCONT);
}

/* True when the child is gone, its wait status in *ret_status. */
static bool reap(struct launch *launch, int *ret_status)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(launch->child, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (WIFSTOPPED(status)) {
			launch->child_stopped = true;
		} else if (WIFCONTINUED(status)) {
			launch->child_stopped = launch->told_to_stop = false;
		} else {
			*ret_status = status;
			return true;
		}
	}
	return false;
}

static void on_signal(struct launch *launch, const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		launch->told_to_stop = true;
		break;
	default:
		/* The terminal's own go to the whole foreground group; a process may mean us alone.
		 */
		if (info->si_code <= 0)
			kill(launch->child, info->si_signo);
	}
}

static int wait_for_child(struct launch *launch, const sigset_t *set)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (sigwaitinfo(set, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD)
			on_signal(launch, &info);
		else if (reap(launch, &status))
			break;
		stop_with_child(launch);
	}
	return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

int ss_launch(char *const *argv, const struct ss_launch_variable *variables)
{
	struct sigaction reaping = { .sa_handler = SIG_DFL }, on_child;
	struct launch launch = { 0 };
	sigset_t set, mask;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		sigaddset(&set, watched[i]);
	sigprocmask(SIG_BLOCK, &set, &mask);
	/* Were it ignored, the child's status would be lost. */
	sigaction(SIGCHLD, &reaping, &on_child);
	launch.child = fork();
	if (launch.child < 0)
		return -errno;
	if (!launch.child)
		run_child(argv, variables, &mask, &on_child);
	return wait_for_child(&launch, &set);
}
