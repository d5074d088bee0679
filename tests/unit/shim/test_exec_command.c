/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/shim/exec_fixture.h"

static const char *command;

static void run_system(void)
{
	int status;

	errno = 0;
	status = CALL(system)(command);
	dprintf(1, "status=%x ", status);
}

/* Prints what it read at the end, so that what the command says on stderr always comes before. */
static void run_popen(void)
{
	FILE *stream = CALL(popen)(command, "re");
	int flags = fcntl(fileno(stream), F_GETFD);
	char text[4096];
	size_t bytes = fread(text, 1, sizeof(text), stream);
	int status = pclose(stream);

	dprintf(1, "%.*scloexec=%d status=%x ", (int)bytes, text, flags, status);
}

Test(exec_command, commands_behave_as_without_us)
{
	static const char *const commands[] = {
		"echo a; echo b",
		"exit 7",
		"kill -9 $$",
		"false",
		"",
		" ",
		"# only a comment",
		"#!/bin/sh\necho second line",
		"\n\necho $0 $# $?",
		"true &&\n\n nonexistent-command",
		"echo a | tr a b | cat",
		"cat <<X\nhere $((1+1))\nX\n",
		"if true; then echo yes; fi",
		"! true",
		"(exit 3)",
		"f() { return 4; }; f",
		"nonexistent-command",
		"echo 'unterminated",
		"; x",
		"& x",
		")",
		"echo first\n)",
		"-c",
		"-e",
		"+x",
		"--",
		"exec echo replaced",
		"trap 'echo trapped' 0; exit 2",
		"echo \"$@\" \"$#\" \"$-\" \"${PPID:+ppid}\"",
		"sleep 0 & wait; echo waited",
		"while false; do :; done",
		"set -e; false; echo unreached",
		"read x; echo $x",
	};
	int in = open("/dev/null", O_RDONLY);

	dup2(in, STDIN_FILENO);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		command = commands[i];
		compare(run_system);
		compare(run_popen);
	}
	command = "exit 7";
	cr_assert_str_eq(output_of(run_system), "status=700 errno=0");
}

Test(exec_command, system_null_asks_for_a_shell)
{
	command = NULL;
	compare(run_system);
	cr_assert_str_eq(outcomes[0].output, "status=1 errno=0");
}

static size_t command_size;

static void run_long_command(void)
{
	char *text = malloc(command_size + 1);

	memset(text, ' ', command_size);
	text[command_size] = '\0';
	memcpy(text + command_size - 21, "echo \"[$TRACEPARENT]\"", 21);
	command = text;
	run_system();
}

Test(exec_command, very_long_commands_pass_through)
{
	unsetenv("TRACEPARENT");
	command_size = 32767;
	cr_assert_str_eq(output_of(run_long_command), "[" FIXTURE_TRACEPARENT "]\n"
						      "status=0 errno=0");
	command_size = 32768;
	cr_assert_str_eq(output_of(run_long_command), "[]\nstatus=0 errno=0");
	command_size = 131071;
	cr_assert_str_eq(output_of(run_long_command), "[]\nstatus=0 errno=0");
}

static void popen_write(void)
{
	FILE *stream = popen("cat; echo $TRACEPARENT", "w");

	fputs("to the child\n", stream);
	dprintf(1, "%x", pclose(stream));
}

static void popen_bad_mode(void)
{
	dprintf(1, "%d ", CALL(popen)("true", "q") == NULL);
}

Test(exec_command, popen_modes)
{
	cr_assert_str_eq(output_of(popen_write), "to the child\n" FIXTURE_TRACEPARENT "\n"
						 "0errno=0");
	compare(popen_bad_mode);
	cr_assert_str_eq(outcomes[0].output, "1 errno=22");
}
