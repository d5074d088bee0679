/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: proc_spawn vfork|spawn|spawnp|system|popen ACTS
 *        proc_spawn child NAME ACTS
 * In a vict_call, starts itself as a child that acts ACTS times: by vfork and execv,
 * posix_spawn[p], with system() as both halves of a pipeline, or with popen() (the child's line is
 * then passed on). `child` copies its stdin first where NAME is "second". Lines: parent, and child
 * or first and second.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"

static const char *mode, *acts;
static int status = -1;

static void copy(FILE *from)
{
	char line[2048];

	while (fgets(line, sizeof(line), from))
		if (write(STDOUT_FILENO, line, strlen(line)) < 0)
			_exit(98);
}

static void start_pipeline(const char *self)
{
	char command[16384];

	snprintf(command, sizeof(command), "'%s' child first %s | '%s' child second %s", self, acts,
		 self, acts);
	status = system(command);
}

static void start_popen(const char *self)
{
	char command[8192];
	FILE *stream;

	snprintf(command, sizeof(command), "'%s' child child %s", self, acts);
	stream = popen(command, "r");
	if (!stream)
		return;
	copy(stream);
	status = pclose(stream);
}

static void start_one(const char *self)
{
	char *const args[] = { (char *)self, "child", "child", (char *)acts, NULL };
	pid_t pid = -1;

	if (strcmp(mode, "spawn") == 0) {
		if (posix_spawn(&pid, self, NULL, NULL, args, environ) != 0)
			return;
	} else if (strcmp(mode, "spawnp") == 0) {
		if (posix_spawnp(&pid, self, NULL, NULL, args, environ) != 0)
			return;
	} else {
		pid = vfork();
		if (pid == 0) {
			execv(self, args);
			_exit(97);
		}
	}
	waitpid(pid, &status, 0);
}

static void start(void *unused)
{
	const char *self = tally_self();

	(void)unused;
	if (strcmp(mode, "system") == 0)
		start_pipeline(self);
	else if (strcmp(mode, "popen") == 0)
		start_popen(self);
	else
		start_one(self);
}

static int run_child(const char *name, int count)
{
	if (strcmp(name, "second") == 0)
		copy(stdin);
	while (count-- > 0)
		tally_act(count);
	tally_print(name);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "child") == 0)
		return run_child(argv[2], atoi(argv[3]));
	if (argc != 3)
		return 2;
	mode = argv[1];
	acts = argv[2];
	tally_call(start, NULL);
	tally_print("parent");
	return status == 0 ? 0 : 3;
}
