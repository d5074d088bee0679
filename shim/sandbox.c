/* SPDX-License-Identifier: Apache-2.0
 *
 * The exported wrappers of the functions by which a program puts itself under seccomp: prctl, and
 * syscall (by way of syscall.S). A filter that leaves us all we call is none of our business. One
 * that would kill or trap the process at a call of ours, the host not having made it, lets the shim
 * retire first (process.h). One that can kill single threads is told to the drain, which must not
 * be what keeps the process alive. Runs on host threads, and in children of vfork. Must not: change
 * a result, or make a system call between the filter and the return.
 */
#include "shim/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "arch.h"
#include "shim/config.h"
#include "shim/hot.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"
#include "shim/seccomp_filter.h"
#include "shim/value.h"

#define EXPORTED __attribute__((visibility("default")))

typedef int (*prctl_fn)(int, ...);

long (*ss_sandbox_next_syscall)(long, ...);
static prctl_fn next_prctl;

/* A call that the program makes of the kernel. */
struct request {
	long number, arguments[6];
	bool as_prctl; /* by prctl(), not by syscall() */
};

void ss_sandbox_resolve(void)
{
	next_prctl = (prctl_fn)ss_intercept_real("prctl");
	ss_sandbox_next_syscall = (long (*)(long, ...))ss_intercept_real("syscall");
}

static long call_kernel(const struct request *request)
{
	const long *a = request->arguments;
	long r = ss_arch_syscall6(request->number, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (r >= 0 || r < -4095)
		return r;
	errno = (int)-r;
	return -1;
}

static long pass_on(const struct request *request)
{
	const long *a = request->arguments;

	if (request->as_prctl && next_prctl)
		return next_prctl((int)a[0], a[1], a[2], a[3], a[4]);
	if (!request->as_prctl && ss_sandbox_next_syscall)
		return ss_sandbox_next_syscall(request->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return call_kernel(request);
}

/* BLIND: in strict mode the processor's counter cannot be read either, as after PR_SET_TSC. */
enum kind { NOTHING, FILTER, BLIND };

/* What it asks for. */
static enum kind kind_of(const struct request *request)
{
	const long *a = request->arguments;

	if (request->number == SYS_prctl && (int)a[0] == PR_SET_TSC)
		return a[1] == PR_TSC_SIGSEGV ? BLIND : NOTHING;
	if (request->number == SYS_prctl && (int)a[0] == PR_SET_SECCOMP)
		return a[1] == SECCOMP_MODE_FILTER   ? FILTER
		       : a[1] == SECCOMP_MODE_STRICT ? BLIND
						     : NOTHING;
	if (request->number == SYS_seccomp && (unsigned int)a[0] == SECCOMP_SET_MODE_FILTER)
		return FILTER;
	if (request->number == SYS_seccomp && (unsigned int)a[0] == SECCOMP_SET_MODE_STRICT &&
	    a[1] == 0 && a[2] == 0)
		return BLIND;
	return NOTHING;
}

/* False: the kernel is going to say what is wrong with it. */
static bool is_program(const struct sock_fprog *program)
{
	return ss_value_readable(&ss_thread, (uintptr_t)program, sizeof(*program)) &&
	       program->len > 0 && program->len <= BPF_MAXINSNS &&
	       ss_value_readable(&ss_thread, (uintptr_t)program->filter,
				 program->len * sizeof(*program->filter));
}

/* Positive results are descriptors, where one was asked for, or the thread that stood in the way.
 */
static bool succeeded(const struct request *request, long result)
{
	return result == 0 || (result > 0 && request->number == SYS_seccomp &&
			       (request->arguments[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

static long retire_for(const struct request *request, bool blind, const char *why, const char *what)
{
	int saved_errno = errno;
	bool retired = ss_process_retire(blind, why, what);
	long result;

	errno = saved_errno;
	result = pass_on(request);
	if (retired && !succeeded(request, result))
		ss_process_unretire();
	return result;
}

static long install_filter(const struct request *request, const struct sock_fprog *program)
{
	struct ss_filter_verdict verdict =
		ss_seccomp_filter_judge(program->filter, program->len, ss_stacks != SS_STACKS_OFF);

	if (verdict.forbidden)
		return retire_for(request, false, "a seccomp filter forbids ", verdict.forbidden);
	if (verdict.kills_threads)
		ss_process_may_lose_threads();
	return pass_on(request);
}

static long handle(const struct request *request)
{
	/* Both calls have it there. The kernel reads it once more, as it is then. */
	const struct sock_fprog *program = (const void *)request->arguments[2];
	/* Before the constructor, nothing of ours is ready, nor is a sanitizer's run time. */
	enum kind kind = next_prctl && ss_process_active() ? kind_of(request) : NOTHING;

	if (kind == BLIND)
		return retire_for(request, true, "the program may not read the clock any more", "");
	if (kind == FILTER && is_program(program))
		return install_filter(request, program);
	return pass_on(request);
}

long ss_sandbox_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	return handle(&(struct request){ .number = number, .arguments = { a, b, c, d, e, f } });
}

EXPORTED int prctl(int option, ...)
{
	struct request request = { .number = SYS_prctl, .as_prctl = true };
	va_list args;

	request.arguments[0] = option;
	va_start(args, option);
	for (int i = 1; i <= 4; i++)
		request.arguments[i] = va_arg(args, long);
	va_end(args);
	return (int)handle(&request);
}
