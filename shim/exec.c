/* SPDX-License-Identifier: Apache-2.0
 *
 * The exported wrappers of the functions that replace, start or end a process: the child learns
 * from TRACEPARENT which span it belongs to, and the image gets the chance to write out what it
 * has. Runs on host threads, in signal handlers and in vfork children, so everything is on the
 * stack. Must not: allocate, lock, change the host's environ or the caller's arrays, or show
 * another result or errno than the real function's.
 */
#include <alloca.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/context.h"
#include "shim/hot.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"

#define EXPORTED __attribute__((visibility("default")))

/* Beyond these the call passes through unchanged: the copies lie on the host's stack. */
#define VARIABLES_MAX     16384
#define COMMAND_BYTES_MAX 32768

#define TRACEPARENT "TRACEPARENT="
#define TRACEPARENT_BYTES \
	sizeof(TRACEPARENT "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
#define PREVIOUS       "SPANSHIM_PREVIOUS="
#define EXPORT_COMMAND "; export "
#define DISABLE        "SPANSHIM_DISABLE="

enum real {
	REAL_EXECVE,
	REAL_EXECVPE,
	REAL_FEXECVE,
	REAL_EXECVEAT,
	REAL_SPAWN,
	REAL_SPAWNP,
	REAL_SYSTEM,
	REAL_POPEN,
	REAL_COUNT,
};

static const char *const real_names[REAL_COUNT] = {
	[REAL_EXECVE] = "execve",     [REAL_EXECVPE] = "execvpe",   [REAL_FEXECVE] = "fexecve",
	[REAL_EXECVEAT] = "execveat", [REAL_SPAWN] = "posix_spawn", [REAL_SPAWNP] = "posix_spawnp",
	[REAL_SYSTEM] = "system",     [REAL_POPEN] = "popen",
};

typedef int (*execve_fn)(const char *, char *const *, char *const *);
typedef int (*fexecve_fn)(int, char *const *, char *const *);
typedef int (*execveat_fn)(int, const char *, char *const *, char *const *, int);
typedef int (*spawn_fn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			const posix_spawnattr_t *, char *const *, char *const *);
typedef int (*system_fn)(const char *);
typedef FILE *(*popen_fn)(const char *, const char *);

/* A call that hands an environment to a child; which fields count depends on `real`. */
struct call {
	enum real real;
	int fd, flags;
	const char *path;
	char *const *argv;
	char *const *envp;
	pid_t *pid;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
};

static void *find_real(enum real real)
{
	static void *found[REAL_COUNT];
	/* threads that race here store the same pointer */
	void *function = __atomic_load_n(&found[real], __ATOMIC_RELAXED);

	if (!function) {
		function = ss_intercept_real(real_names[real]);
		__atomic_store_n(&found[real], function, __ATOMIC_RELAXED);
	}
	return function;
}

static int call_real(const struct call *call, char *const *envp)
{
	void *function = find_real(call->real);

	if (!function && call->real == REAL_EXECVE)
		return (int)syscall(SYS_execve, call->path, call->argv, envp);
	if (!function && (call->real == REAL_SPAWN || call->real == REAL_SPAWNP))
		return ENOSYS;
	if (!function) {
		errno = ENOSYS;
		return -1;
	}
	switch (call->real) {
	case REAL_FEXECVE:
		return ((fexecve_fn)function)(call->fd, call->argv, envp);
	case REAL_EXECVEAT:
		return ((execveat_fn)function)(call->fd, call->path, call->argv, envp, call->flags);
	case REAL_SPAWN:
	case REAL_SPAWNP:
		return ((spawn_fn)function)(call->pid, call->path, call->actions, call->attributes,
					    call->argv, envp);
	default:
		return ((execve_fn)function)(call->path, call->argv, envp);
	}
}

static char *write_hex(char *at, uint64_t number)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[number >> shift & 15];
	return at;
}

/* "TRACEPARENT=..." of the current span, or "" when there is none. */
static void write_traceparent(char ret_text[TRACEPARENT_BYTES])
{
	struct ss_span_ref span;
	char *at;

	ret_text[0] = '\0';
	if (!ss_context_current(&span) || span.span_id == 0)
		return;
	at = mempcpy(ret_text, TRACEPARENT "00-", sizeof(TRACEPARENT "00-") - 1);
	at = write_hex(at, span.trace_hi);
	at = write_hex(at, span.trace_lo);
	*at++ = '-';
	at = write_hex(at, span.span_id);
	strcpy(at, ss_process_sampled(&span) ? "-01" : "-00");
}

static size_t count_variables(char *const *envp)
{
	size_t count = 0;

	while (envp && envp[count] && count <= VARIABLES_MAX)
		count++;
	return count;
}

/* `copy` has room for all of envp and three more. "" leaves that variable out. `own`: of ours. */
static void copy_environment(char **copy, char *const *envp, char *traceparent, char *own)
{
	for (; envp && *envp; envp++) {
		if (*traceparent && strncmp(*envp, TRACEPARENT, sizeof(TRACEPARENT) - 1) == 0)
			continue;
		/* an earlier image's: this one has seen to it */
		if (strncmp(*envp, PREVIOUS, sizeof(PREVIOUS) - 1) == 0)
			continue;
		if (ss_retired && strncmp(*envp, DISABLE, sizeof(DISABLE) - 1) == 0)
			continue;
		*copy++ = *envp;
	}
	if (*traceparent)
		*copy++ = traceparent;
	if (*own)
		*copy++ = own;
	*copy = NULL;
}

static int call_extended(const struct call *call, char *traceparent, const char *ring_file)
{
	size_t count = count_variables(call->envp);
	/* A child lives under the filter that forbids what we do. */
	char *own = ss_retired ? DISABLE "true" : "";
	char **copy;

	if (count > VARIABLES_MAX || (!*traceparent && !*ring_file && !*own))
		return call_real(call, call->envp);
	if (*ring_file) {
		own = alloca(sizeof(PREVIOUS) + strlen(ring_file));
		stpcpy(stpcpy(own, PREVIOUS), ring_file);
	}
	copy = alloca((count + 3) * sizeof(*copy));
	copy_environment(copy, call->envp, traceparent, own);
	return call_real(call, copy);
}

static int call_exec(const struct call *call)
{
	char traceparent[TRACEPARENT_BYTES];
	const char *ring_file = "";
	int r, saved_errno = errno;

	if (!ss_process_active() && !ss_retired)
		return call_real(call, call->envp);
	write_traceparent(traceparent);
	ss_process_before_exec(&ring_file);
	errno = saved_errno;
	r = call_extended(call, traceparent, ring_file);
	saved_errno = errno;
	ss_process_after_exec();
	errno = saved_errno;
	return r;
}

static int call_spawn(const struct call *call)
{
	char traceparent[TRACEPARENT_BYTES];

	if (!ss_process_active() && !ss_retired)
		return call_real(call, call->envp);
	write_traceparent(traceparent);
	return call_extended(call, traceparent, "");
}

EXPORTED int execve(const char *path, char *const argv[], char *const envp[])
{
	return call_exec(
		&(struct call){ .real = REAL_EXECVE, .path = path, .argv = argv, .envp = envp });
}

EXPORTED int execv(const char *path, char *const argv[])
{
	return call_exec(
		&(struct call){ .real = REAL_EXECVE, .path = path, .argv = argv, .envp = environ });
}

/* The search along PATH and the fallback to a shell are libc's own. */
EXPORTED int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return call_exec(
		&(struct call){ .real = REAL_EXECVPE, .path = file, .argv = argv, .envp = envp });
}

EXPORTED int execvp(const char *file, char *const argv[])
{
	return call_exec(&(struct call){
		.real = REAL_EXECVPE, .path = file, .argv = argv, .envp = environ });
}

EXPORTED int fexecve(int fd, char *const argv[], char *const envp[])
{
	return call_exec(
		&(struct call){ .real = REAL_FEXECVE, .fd = fd, .argv = argv, .envp = envp });
}

int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags);

EXPORTED int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return call_exec(&(struct call){ .real = REAL_EXECVEAT,
					 .fd = fd,
					 .flags = flags,
					 .path = path,
					 .argv = argv,
					 .envp = envp });
}

/* Pointers that an argument list takes with its closing NULL. */
static size_t count_arguments(const char *first, va_list *args)
{
	size_t count = 1;

	for (const char *arg = first; arg; arg = va_arg(*args, const char *))
		count++;
	return count;
}

static void collect_arguments(char **argv, const char *first, va_list *args)
{
	for (const char *arg = first; arg; arg = va_arg(*args, const char *))
		*argv++ = (char *)arg;
	*argv = NULL;
}

EXPORTED int execl(const char *path, const char *arg, ...)
{
	va_list args;
	char **argv;

	va_start(args, arg);
	argv = alloca(count_arguments(arg, &args) * sizeof(*argv));
	va_end(args);
	va_start(args, arg);
	collect_arguments(argv, arg, &args);
	va_end(args);
	return execv(path, argv);
}

EXPORTED int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	va_list args;
	char **argv;

	va_start(args, arg);
	argv = alloca(count_arguments(arg, &args) * sizeof(*argv));
	va_end(args);
	va_start(args, arg);
	collect_arguments(argv, arg, &args);
	envp = va_arg(args, char *const *);
	va_end(args);
	return execve(path, argv, envp);
}

EXPORTED int execlp(const char *file, const char *arg, ...)
{
	va_list args;
	char **argv;

	va_start(args, arg);
	argv = alloca(count_arguments(arg, &args) * sizeof(*argv));
	va_end(args);
	va_start(args, arg);
	collect_arguments(argv, arg, &args);
	va_end(args);
	return execvp(file, argv);
}

EXPORTED int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			 const posix_spawnattr_t *attributes, char *const argv[],
			 char *const envp[])
{
	return call_spawn(&(struct call){ .real = REAL_SPAWN,
					  .path = path,
					  .argv = argv,
					  .envp = envp,
					  .pid = pid,
					  .actions = actions,
					  .attributes = attributes });
}

EXPORTED int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attributes, char *const argv[],
			  char *const envp[])
{
	return call_spawn(&(struct call){ .real = REAL_SPAWNP,
					  .path = file,
					  .argv = argv,
					  .envp = envp,
					  .pid = pid,
					  .actions = actions,
					  .attributes = attributes });
}

/* libc starts the shell with its own environ, so the variable goes in front of the command, on the
 * same line (shells number lines in messages); once the shim has retired it is the one that spares
 * the shell's children. Returns the bytes that takes; 0: leave the command alone. A command that
 * begins like an option stays one to shells that are called without "--". */
static size_t command_bytes(const char *command, char ret_variable[TRACEPARENT_BYTES])
{
	size_t bytes;

	if (!command || *command == '-' || *command == '+' || (!ss_process_active() && !ss_retired))
		return 0;
	bytes = strnlen(command, COMMAND_BYTES_MAX);
	if (ss_retired)
		strcpy(ret_variable, DISABLE "true");
	else
		write_traceparent(ret_variable);
	if (!*ret_variable || bytes == COMMAND_BYTES_MAX)
		return 0;
	return 2 * TRACEPARENT_BYTES + sizeof(EXPORT_COMMAND) + bytes;
}

static void write_command(char *text, const char *variable, const char *command)
{
	text = stpcpy(stpcpy(text, variable), EXPORT_COMMAND);
	text = mempcpy(text, variable, strcspn(variable, "="));
	stpcpy(stpcpy(text, "; "), command);
}

EXPORTED int system(const char *command)
{
	system_fn function = find_real(REAL_SYSTEM);
	char variable[TRACEPARENT_BYTES];
	size_t bytes = command_bytes(command, variable);
	char *text;

	if (!function) {
		errno = ENOSYS;
		return -1;
	}
	if (bytes == 0)
		return function(command);
	text = alloca(bytes);
	write_command(text, variable, command);
	return function(text);
}

EXPORTED FILE *popen(const char *command, const char *mode)
{
	popen_fn function = find_real(REAL_POPEN);
	char variable[TRACEPARENT_BYTES];
	size_t bytes = command_bytes(command, variable);
	char *text;

	if (!function) {
		errno = ENOSYS;
		return NULL;
	}
	if (bytes == 0)
		return function(command, mode);
	text = alloca(bytes);
	write_command(text, variable, command);
	return function(text, mode);
}
