/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/shim/exec_fixture.h"

#define CMDLINE_ARGS "-c", "tr '\\0' '\\n' </proc/$$/cmdline"

static char *const env_args[] = { "env", NULL };
static char *small_env[] = { "A=1",
			     "TRACEPARENT=old",
			     "TRACESTATE=k=v",
			     "TRACEPARENTS=no",
			     "SPANSHIM_PREVIOUS=/gone",
			     "TRACEPARENT=older",
			     NULL };
#define SMALL_ENV_SEEN "A=1\nTRACESTATE=k=v\nTRACEPARENTS=no\n" PARENT "\n"

/* ---- what the child's environment says ---- */

static void do_execve(void)
{
	execve("/usr/bin/env", env_args, small_env);
}

static void do_execvpe(void)
{
	execvpe("env", env_args, small_env);
}

static void do_execle(void)
{
	execle("/usr/bin/env", "env", NULL, small_env);
}

static void do_fexecve(void)
{
	fexecve(open("/usr/bin/env", O_RDONLY | O_CLOEXEC), env_args, small_env);
}

static void do_execveat(void)
{
	execveat(open("/usr/bin", O_RDONLY | O_CLOEXEC), "env", env_args, small_env, 0);
}

static void do_spawn(void)
{
	pid_t pid;

	if (CALL(posix_spawn)(&pid, "/usr/bin/env", NULL, NULL, env_args, small_env) == 0)
		wait_for(pid);
}

static void do_spawnp(void)
{
	pid_t pid;

	if (CALL(posix_spawnp)(&pid, "env", NULL, NULL, env_args, small_env) == 0)
		wait_for(pid);
}

Test(exec, child_sees_the_current_span)
{
	cr_assert_str_eq(output_of(do_execve), SMALL_ENV_SEEN);
	cr_assert_str_eq(output_of(do_execvpe), SMALL_ENV_SEEN);
	cr_assert_str_eq(output_of(do_execle), SMALL_ENV_SEEN);
	cr_assert_str_eq(output_of(do_fexecve), SMALL_ENV_SEEN);
	cr_assert_str_eq(output_of(do_execveat), SMALL_ENV_SEEN);
	cr_assert_str_eq(output_of(do_spawn), SMALL_ENV_SEEN "status=0 errno=0");
	cr_assert_str_eq(output_of(do_spawnp), SMALL_ENV_SEEN "status=0 errno=0");
	cr_assert_str_eq(small_env[1], "TRACEPARENT=old");
	cr_assert_str_eq(small_env[4], "SPANSHIM_PREVIOUS=/gone");
}

Test(exec, child_sees_that_the_trace_is_not_sampled)
{
	sampled = false;
	cr_assert_not_null(strstr(output_of(do_execve), PARENT_UNSAMPLED "\n"));
	cr_assert_not_null(strstr(output_of(do_spawn), PARENT_UNSAMPLED "\n"));
}

static void do_execv(void)
{
	execv("/usr/bin/env", env_args);
}

static void do_execvp(void)
{
	execvp("env", env_args);
}

static void do_execl(void)
{
	execl("/usr/bin/env", "env", NULL);
}

static void do_execlp(void)
{
	execlp("env", "env", NULL);
}

static void do_system(void)
{
	int status = CALL(system)("env");

	dprintf(1, "status=%x ", status);
}

static void do_popen(void)
{
	FILE *stream = CALL(popen)("env", "r");
	char line[4096];

	while (fgets(line, sizeof(line), stream))
		dprintf(1, "%s", line);
	dprintf(1, "status=%x ", pclose(stream));
}

static void (*const with_environ[])(void) = { do_execv,  do_execvp, do_execl,
					      do_execlp, do_system, do_popen };

Test(exec, functions_that_use_environ)
{
	setenv("TRACEPARENT", "old", 1);
	setenv("MARK", "here", 1);
	for (size_t i = 0; i < sizeof(with_environ) / sizeof(with_environ[0]); i++) {
		output_of(with_environ[i]);
		cr_assert_eq(count_in(outcomes[0].output, "\n" PARENT "\n"), 1, "%zu: %s", i,
			     outcomes[0].output);
		cr_assert_eq(count_in(outcomes[0].output, "TRACEPARENT="), 1, "%zu", i);
		cr_assert_eq(count_in(outcomes[0].output, "MARK=here\n"), 1, "%zu", i);
	}
	cr_assert_str_eq(getenv("TRACEPARENT"), "old");
}

Test(exec, without_a_span_nothing_changes)
{
	static void (*const others[])(void) = { do_spawn, do_spawnp };

	for (int mode = 0; mode < 2; mode++) {
		has_span = mode == 1;
		active = mode == 0;
		setenv("TRACEPARENT", "old", 1);
		for (size_t i = 0; i < 2; i++) {
			compare(others[i]);
			cr_assert_eq(count_in(outcomes[0].output, "TRACEPARENT=old\n"), 1);
		}
		compare(do_system);
		compare(do_popen);
		for (size_t i = 0; i < sizeof(with_environ) / sizeof(with_environ[0]); i++)
			cr_assert_eq(count_in(output_of(with_environ[i]), "\nTRACEPARENT=old\n"),
				     1);
		cr_assert_eq(count_in(output_of(do_execve), "SPANSHIM_PREVIOUS=/gone\n"), 1);
	}
}

Test(exec, exec_names_the_ring_file_it_leaves)
{
	ring_file = "/dev/shm/some.ring";
	cr_assert_str_eq(output_of(do_execve),
			 SMALL_ENV_SEEN "SPANSHIM_PREVIOUS=/dev/shm/some.ring\n");
	has_span = false;
	cr_assert_str_eq(output_of(do_execve),
			 "A=1\nTRACEPARENT=old\nTRACESTATE=k=v\nTRACEPARENTS=no\n"
			 "TRACEPARENT=older\nSPANSHIM_PREVIOUS=/dev/shm/some.ring\n");
	has_span = true;
	cr_assert_str_eq(output_of(do_spawn), SMALL_ENV_SEEN "status=0 errno=0");
}

static void exec_without_environment(void)
{
	execve("/usr/bin/env", env_args, NULL);
}

static void exec_with_empty_environment(void)
{
	execve("/usr/bin/env", env_args, (char *[]){ NULL });
}

Test(exec, no_environment_is_an_empty_one)
{
	cr_assert_str_eq(output_of(exec_without_environment), PARENT "\n");
	cr_assert_str_eq(output_of(exec_with_empty_environment), PARENT "\n");
}

static size_t variable_count;

static void exec_with_many_variables(void)
{
	char **envp = calloc(variable_count + 1, sizeof(*envp));

	for (size_t i = 0; i < variable_count; i++)
		envp[i] = "V=";
	execve("/usr/bin/env", env_args, envp);
}

Test(exec, too_many_variables_pass_through)
{
	variable_count = 16384;
	cr_assert_eq(count_in(output_of(exec_with_many_variables), "V="), 16384);
	cr_assert_eq(count_in(outcomes[0].output, PARENT), 1);
	variable_count = 16385;
	cr_assert_eq(count_in(output_of(exec_with_many_variables), "V="), 16385);
	cr_assert_eq(count_in(outcomes[0].output, PARENT), 0);
}

/* ---- arguments ---- */

#define A10(x) x "0", x "1", x "2", x "3", x "4", x "5", x "6", x "7", x "8", x "9"
#define A100(x)                                                                             \
	A10(x "0"), A10(x "1"), A10(x "2"), A10(x "3"), A10(x "4"), A10(x "5"), A10(x "6"), \
		A10(x "7"), A10(x "8"), A10(x "9")

/* The variants of one call with more and more arguments after those of CMDLINE_ARGS. */
static int variant;
static char *environment_of_execle[] = { "PATH=/usr/bin:/bin", NULL };

#define VARIANTS(function, file, ...)                                                             \
	switch (variant) {                                                                        \
	case 0:                                                                                   \
		CALL(function)(file, "sh", CMDLINE_ARGS, NULL, ##__VA_ARGS__);                    \
		break;                                                                            \
	case 1:                                                                                   \
		CALL(function)(file, "sh", CMDLINE_ARGS, "", NULL, ##__VA_ARGS__);                \
		break;                                                                            \
	case 2:                                                                                   \
		CALL(function)(file, "sh", CMDLINE_ARGS, "a", "b c", NULL, ##__VA_ARGS__);        \
		break;                                                                            \
	case 3:                                                                                   \
		CALL(function)(file, "sh", CMDLINE_ARGS, "a", "", "c", NULL, ##__VA_ARGS__);      \
		break;                                                                            \
	case 4:                                                                                   \
		CALL(function)(file, "sh", CMDLINE_ARGS, A10("a"), NULL, ##__VA_ARGS__);          \
		break;                                                                            \
	case 5:                                                                                   \
		CALL(function)(file, "sh", CMDLINE_ARGS, A100("a"), NULL, ##__VA_ARGS__);         \
		break;                                                                            \
	default:                                                                                  \
		CALL(function)                                                                    \
		(file, "sh", CMDLINE_ARGS, A100("a"), A100("b"), A100("c"), NULL, ##__VA_ARGS__); \
	}

static void do_execl_variant(void)
{
	VARIANTS(execl, "/bin/sh")
}

static void do_execlp_variant(void)
{
	VARIANTS(execlp, "sh")
}

static void do_execle_variant(void)
{
	VARIANTS(execle, "/bin/sh", environment_of_execle)
}

static int lines_in(const char *text)
{
	return count_in(text, "\n");
}

Test(exec, argument_lists_arrive_whole)
{
	static const int counts[] = { 3, 4, 5, 6, 13, 103, 303 };
	static void (*const functions[])(void) = { do_execl_variant, do_execlp_variant,
						   do_execle_variant };

	for (variant = 0; variant < 7; variant++)
		for (int i = 0; i < 3; i++) {
			compare(functions[i]);
			cr_assert_eq(lines_in(outcomes[0].output), counts[variant], "%d %d: %s",
				     variant, i, outcomes[0].output);
		}
}

static void exec_name_alone(void)
{
	CALL(execl)("/bin/sh", "some-name", NULL);
}

Test(exec, single_argument)
{
	int in = open("/dev/null", O_RDONLY);

	dup2(in, STDIN_FILENO);
	compare(exec_name_alone);
	cr_assert_eq(outcomes[0].status, 0);
}

static void do_execvp_missing(void)
{
	ring_file = "/r";
	execvp("/nonexistent", env_args);
	dprintf(1, "%d before %d after ", before_count, after_count);
}

Test(exec, failed_exec_is_announced_and_taken_back)
{
	cr_assert_str_eq(output_of(do_execvp_missing), "1 before 1 after errno=2");
	active = false;
	cr_assert_str_eq(output_of(do_execvp_missing), "0 before 0 after errno=2");
}

static void spawn_counts(void)
{
	do_spawn();
	dprintf(1, "%d before", before_count);
}

Test(exec, spawn_is_no_exec)
{
	cr_assert_eq(count_in(output_of(spawn_counts), "0 before"), 1);
}

static void exec_without_libc(void)
{
	hide_real = true;
	do_execve();
}

static void others_without_libc(void)
{
	hide_real = true;
	dprintf(1, "%d ", execvp("env", env_args));
	dprintf(1, "%d ", errno);
	dprintf(1, "%d ", posix_spawn(NULL, "env", NULL, NULL, env_args, environ) == ENOSYS);
	dprintf(1, "%d ", system("env"));
	dprintf(1, "%d ", popen("env", "r") == NULL);
}

Test(exec, without_libc)
{
	cr_assert_str_eq(output_of(exec_without_libc), SMALL_ENV_SEEN);
	cr_assert_str_eq(output_of(others_without_libc), "-1 38 1 -1 1 errno=38");
}

/* ---- posix_spawn's extras ---- */

static void spawn_with_everything(void)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid = 0;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, 9);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, 0);
	r = CALL(posix_spawn)(
		&pid, "/bin/sh", &actions, &attributes,
		(char *[]){ "sh", "-c",
			    "echo $# \"$@\" >&9; read -r a b c d group f </proc/self/stat; "
			    "test $group = $$ && echo own group; exit 5",
			    "name", "x", "y", NULL },
		(char *[]){ "PATH=/bin:/usr/bin", NULL });
	wait_for(pid);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	dprintf(1, "r=%d ", r);
}

Test(exec, spawn_actions_and_attributes)
{
	compare(spawn_with_everything);
	cr_assert_str_eq(outcomes[0].output, "2 x y\nown group\nstatus=500 r=0 errno=0");
}

/* ---- in a vfork child, where memory is shared with the parent ---- */

static void vfork_then_exec(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execve("/nonexistent", env_args, small_env);
		execve("/usr/bin/env", env_args, small_env);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	errno = 0;
	dprintf(1, "status=%x %s ", status, small_env[1]);
}

Test(exec, vfork_child)
{
	cr_assert_str_eq(output_of(vfork_then_exec),
			 SMALL_ENV_SEEN "status=0 TRACEPARENT=old errno=0");
}
