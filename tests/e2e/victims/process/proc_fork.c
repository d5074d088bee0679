/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: proc_fork fork|inside|raw|twice _exit|exit|return
 * fork: one act, then a fork; the child acts twice, the parent once more.
 * inside: the fork happens in a vict_call, and both processes return through it (in the child's
 * line it has returned without having been entered). raw: as fork, by system call, past all of
 * libc's fork handlers. twice: the child of `fork` forks again; the grandchild acts three times.
 * The second argument is how the children end. Each process prints one line: parent, child,
 * grandchild.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"

static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void fork_inside(void *ret_pid)
{
	*(pid_t *)ret_pid = fork();
	if (*(pid_t *)ret_pid == 0)
		tally_reset();
}

static int act(int count)
{
	while (count-- > 0)
		tally_act(count);
	return 0;
}

static int end(const char *process, const char *how)
{
	tally_print(process);
	if (strcmp(how, "_exit") == 0)
		_exit(0);
	if (strcmp(how, "exit") == 0)
		exit(0);
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static int run_child(const char *mode, const char *how)
{
	pid_t pid;

	act(2);
	if (strcmp(mode, "twice") != 0)
		return end("child", how);
	pid = fork();
	if (pid == 0) {
		tally_reset();
		act(3);
		return end("grandchild", how);
	}
	return wait_for(pid) == 0 ? end("child", how) : 4;
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc != 3)
		return 2;
	act(1);
	if (strcmp(argv[1], "inside") == 0)
		tally_call(fork_inside, &pid);
	else
		pid = strcmp(argv[1], "raw") == 0 ? raw_fork() : fork();
	if (pid == 0) {
		if (strcmp(argv[1], "inside") != 0)
			tally_reset();
		return run_child(argv[1], argv[2]);
	}
	if (wait_for(pid) != 0)
		return 3;
	act(1);
	tally_print("parent");
	return 0;
}
