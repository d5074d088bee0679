/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/run_export.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/export_settings.h"
#include "collector/cli/run_report.h"
#include "collector/cli/run_setup.h"
#include "collector/clock.h"

/* On top of the exporter's own: whatever happens, the user gets the prompt back. */
#define KILL_AFTER_NS ((uint64_t)(SS_RUN_EXPORT_WAIT_S + 20) * 1000000000)
#define POLL_NS       (50l * 1000000)
#define TELL_AFTER_NS 1500000000u /* of a wait that shorter would go unnoticed */

static const char *endpoint_of(const struct ss_run_setup *run)
{
	return strcmp(run->export, SS_RUN_EXPORT_ENVIRONMENT) ? run->export : NULL;
}

int ss_run_export_check(struct ss_run_setup *run)
{
	const struct ss_export_options options = { .endpoint = endpoint_of(run),
						   .endpoint_option = "--export" };
	struct ss_export_settings settings = { 0 };
	int r;

	if (!strcmp(run->out_pattern, "-") ||
	    (run->metrics_pattern && !strcmp(run->metrics_pattern, "-")))
		return ss_cli_usage("run", "--export needs files, --out or --metrics is -");
	r = ss_export_settings_read(&settings, &options, "run");
	if (!r) {
		run->export_shown = settings.targets[SS_EXPORT_TRACES].shown;
		settings.targets[SS_EXPORT_TRACES].shown = NULL;
	}
	ss_export_settings_deinit(&settings);
	return r;
}

/* Nothing of the program's: not its terminal, its descriptors, nor its tracing. */
static int leave_the_program(pid_t parent, bool verbose)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || setsid() < 0)
		return -errno;
	/* If the launcher is killed, what is there is sent. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || setenv("SPANSHIM_DISABLE", "1", 1))
		return -errno;
	if (getppid() != parent)
		raise(SIGTERM);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(verbose ? STDERR_FILENO : null, STDOUT_FILENO) < 0)
		return -errno;
	syscall(SYS_close_range, 3, UINT_MAX, 0); /* musl lacks close_range() */
	return 0;
}

static void run_exporter(const struct ss_run_setup *run, char *const *patterns, pid_t parent)
{
	const char *argv[16] = { "spanshim", "export", "--follow", "--since" };
	char since[24], wait[24];
	unsigned count = 4;
	int r = leave_the_program(parent, run->verbose);

	snprintf(since, sizeof(since), "%" PRIu64, run->started_ns);
	snprintf(wait, sizeof(wait), "%d", SS_RUN_EXPORT_WAIT_S);
	argv[count++] = since;
	argv[count++] = "--wait";
	argv[count++] = wait;
	if (!run->verbose)
		argv[count++] = "--quiet";
	if (endpoint_of(run)) {
		argv[count++] = "--endpoint";
		argv[count++] = endpoint_of(run);
	}
	argv[count++] = "--";
	for (; *patterns; patterns++)
		argv[count++] = *patterns;
	if (!r)
		execv("/proc/self/exe", (char *const *)argv);
	ss_cli_error("run", "cannot start the export: %s", strerror(r ? -r : errno));
	_exit(SS_EXIT_USAGE);
}

pid_t ss_run_export_start(const struct ss_run_setup *run)
{
	char *patterns[3] = { ss_run_report_glob(run->out_pattern),
			      run->metrics_pattern ? ss_run_report_glob(run->metrics_pattern)
						   : NULL };
	pid_t parent = getpid(), pid = -ENOMEM;
	sigset_t set, mask;

	/* It unblocks this one when it is ready to be stopped; until then the signal waits. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &mask);
	if (patterns[0] && (patterns[1] || !run->metrics_pattern)) {
		pid = fork();
		if (!pid)
			run_exporter(run, patterns, parent);
		if (pid < 0)
			pid = -errno;
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	free(patterns[0]);
	free(patterns[1]);
	return pid;
}

/* Once, to a user who wonders; not to one who has hurried it. */
static void tell_of_waiting(const struct ss_run_setup *run)
{
	ss_cli_error("run", "waiting up to %d s for an answer of %s; Ctrl-C ends it",
		     SS_RUN_EXPORT_WAIT_S, run->export_shown);
}

void ss_run_export_finish(const struct ss_run_setup *run, pid_t pid)
{
	static const int hurries[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct timespec pause = { .tv_nsec = POLL_NS };
	uint64_t start_ns = ss_clock_monotonic_ns();
	bool told = false;
	int status = 0;
	sigset_t set;
	unsigned i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(hurries) / sizeof(hurries[0]); i++)
		sigaddset(&set, hurries[i]);
	kill(pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		uint64_t waited_ns;

		if (sigtimedwait(&set, NULL, &pause) > 0) {
			kill(pid, SIGTERM);
			told = true;
		}
		waited_ns = ss_clock_monotonic_ns() - start_ns;
		if (waited_ns > TELL_AFTER_NS && !told) {
			tell_of_waiting(run);
			told = true;
		}
		if (waited_ns > KILL_AFTER_NS)
			kill(pid, SIGKILL);
	}
	if (WIFSIGNALED(status))
		ss_cli_error(
			"run",
			"the export was killed by signal %d; 'spanshim export' goes on with it",
			WTERMSIG(status));
}
