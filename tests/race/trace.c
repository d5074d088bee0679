/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/race/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGTRAP_CLONE (SIGTRAP | PTRACE_EVENT_CLONE << 8)
#define OPTIONS       (PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)

static void resume(enum __ptrace_request how, pid_t tid, int signal)
{
	REQUIRE(ptrace(how, tid, NULL, (void *)(long)signal) == 0 || errno == ESRCH,
		"thread %d: %s", (int)tid, strerror(errno));
}

void trace_start(struct trace *trace, char *const *argv, char *const *envp, bool frozen)
{
	int status = 0;

	*trace = (struct trace){ .frozen = frozen, .pid = fork() };
	if (trace->pid == 0) {
		personality(ADDR_NO_RANDOMIZE);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			execve(argv[0], argv, envp);
		_exit(TRACE_SKIPPED);
	}
	REQUIRE(waitpid(trace->pid, &status, 0) == trace->pid, "%s", strerror(errno));
	if (!WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, trace->pid, NULL, (void *)(long)OPTIONS) != 0) {
		fprintf(stderr, "a process cannot be traced here: skipped\n");
		exit(TRACE_SKIPPED);
	}
}

void trace_end(struct trace *trace)
{
	kill(trace->pid, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

static bool is_mark(pid_t tid)
{
	siginfo_t info = { 0 };

	return ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 && info.si_signo == SIGTRAP &&
	       info.si_code == SI_KERNEL;
}

/* What is none of the caller's business. False: it is. */
static bool look_after(struct trace *trace, pid_t who, int status)
{
	bool newborn = who != trace->pid && who != trace->drain && WSTOPSIG(status) == SIGSTOP;

	if (newborn && trace->drain == 0) {
		trace->drain = who;
		if (!trace->frozen)
			resume(PTRACE_CONT, who, 0);
		return true;
	}
	if (newborn || status >> 8 == SIGTRAP_CLONE) {
		resume(PTRACE_CONT, who, 0);
		return true;
	}
	if (WSTOPSIG(status) == SIGTRAP)
		return false;
	resume(PTRACE_CONT, who, WSTOPSIG(status));
	return true;
}

/* Until `tid` stops or ends; 0: any thread. Who it was. */
static pid_t wait_for(struct trace *trace, pid_t tid, enum trace_stop *ret_stop)
{
	for (;;) {
		int status = 0;
		pid_t who = waitpid(-1, &status, __WALL);

		REQUIRE(who > 0, "waiting: %s", strerror(errno));
		if (!WIFSTOPPED(status)) {
			*ret_stop = TRACE_END;
			if (who == tid)
				return who;
			REQUIRE(!WIFSIGNALED(status), "killed by signal %d", WTERMSIG(status));
			if (who == trace->pid)
				return 0;
			continue;
		}
		*ret_stop = TRACE_STEP;
		if (who == tid && (status >> 8 == SIGTRAP_CLONE || WSTOPSIG(status) == SIGSTOP))
			return who;
		if (look_after(trace, who, status))
			continue;
		if (is_mark(who))
			*ret_stop = TRACE_MARK;
		if (tid == 0 || who == tid)
			return who;
		/* Who waited for a thread goes on before we hear of its end. */
		REQUIRE(trace->standing == 0, "thread %d came to a mark", (int)who);
		trace->standing = who;
	}
}

enum trace_stop trace_await(struct trace *trace, pid_t tid)
{
	enum trace_stop stop;

	wait_for(trace, tid, &stop);
	return stop;
}

enum trace_stop trace_step(struct trace *trace, pid_t tid, int signal)
{
	trace->steps++;
	resume(PTRACE_SINGLESTEP, tid, signal);
	return trace_await(trace, tid);
}

enum trace_stop trace_run(struct trace *trace, pid_t tid)
{
	enum trace_stop stop;

	do {
		resume(PTRACE_CONT, tid, 0);
		stop = trace_await(trace, tid);
	} while (stop == TRACE_STEP);
	return stop;
}

pid_t trace_next_mark(struct trace *trace, pid_t tid)
{
	pid_t who = trace->standing;
	enum trace_stop stop;

	trace->standing = 0;
	if (who != 0)
		return who;
	resume(PTRACE_CONT, tid, 0);
	do
		who = wait_for(trace, 0, &stop);
	while (who != 0 && stop != TRACE_MARK);
	return who;
}

void trace_hold_drain(struct trace *trace)
{
	enum trace_stop stop;

	REQUIRE(syscall(SYS_tgkill, trace->pid, trace->drain, SIGSTOP) == 0, "%s", strerror(errno));
	wait_for(trace, trace->drain, &stop);
}

void trace_release_drain(struct trace *trace)
{
	resume(PTRACE_CONT, trace->drain, 0);
}

static struct user_regs_struct registers_of(pid_t tid)
{
	struct user_regs_struct registers;

	REQUIRE(ptrace(PTRACE_GETREGS, tid, NULL, &registers) == 0, "%s", strerror(errno));
	return registers;
}

uint64_t trace_place(pid_t tid)
{
	return registers_of(tid).rip;
}

bool trace_takes(pid_t tid, int signal)
{
	uint64_t blocked = ~0ull;

	ptrace(PTRACE_GETSIGMASK, tid, (void *)sizeof(blocked), &blocked);
	return !(blocked >> (signal - 1) & 1);
}

/* Swaps the byte at `place`; its threads need not stand. */
static uint8_t swap_code(pid_t pid, uint64_t place, uint8_t byte)
{
	char path[64];
	uint8_t before;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(pread(fd, &before, 1, (off_t)place) == 1 && pwrite(fd, &byte, 1, (off_t)place) == 1,
		"%s: %s", path, strerror(errno));
	close(fd);
	return before;
}

enum trace_stop trace_run_to(struct trace *trace, pid_t tid, uint64_t place)
{
	uint8_t before = swap_code(trace->pid, place, 0xcc);
	enum trace_stop stop = trace_run(trace, tid);
	struct user_regs_struct registers;

	swap_code(trace->pid, place, before);
	if (stop == TRACE_END)
		return stop;
	registers = registers_of(tid);
	if (registers.rip != place + 1)
		return stop;
	registers.rip = place;
	ptrace(PTRACE_SETREGS, tid, NULL, &registers);
	return TRACE_STEP;
}
