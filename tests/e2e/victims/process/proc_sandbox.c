/* SPDX-License-Identifier: Apache-2.0
 *
 * proc_sandbox WAY ACTION PLAN: sandboxes itself in the course of its calls of vict_act, and then
 * makes no system call that its filter does not allow. PLAN is a row of steps:
 *   N     so many calls of vict_act           sN  a session with so many calls
 *   +     the filter, of the few calls that what follows takes
 *   -, =  one that forbids getppid alone, membarrier alone
 *   !     a filter that the kernel refuses    p   getppid(), which either forbids
 *   fN,tN a child, a thread, that makes so many calls, and is waited for
 *   F,T   a child, a thread, that goes on with the plan; the first is waited for, then ends
 *   c     a child that shares the memory and has no thread-local storage; it only ends (as
 * Chromium's) yCMD  system(CMD) (to the plan's end) xPROG an exec of PROG (to the plan's end) with
 * the victim's other arguments, argv[0] first WAY: prctl, seccomp, tsync, library (libseccomp's
 * seccomp_load), strict. ACTION: process, thread, trap.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vict_proc.h"

/* Writing, ending, and what libc needs for children and threads: all of it is made by the plain
 * program, and by little else. */
static const int few[] = { SYS_write, SYS_exit, SYS_exit_group, SYS_rt_sigreturn };
static const int more[] = { SYS_write,    SYS_exit,           SYS_exit_group,   SYS_rt_sigreturn,
			    SYS_clone,    SYS_clone3,         SYS_wait4,        SYS_set_robust_list,
			    SYS_futex,    SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_mmap,
			    SYS_mprotect, SYS_munmap,         SYS_madvise,      SYS_rseq,
			    SYS_gettid,   SYS_getrandom };

static char **words;
static const char *way, *whole_plan;
static uint32_t action;
static void *volatile heap; /* which is there then */

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(98);
}

static void fail(const char *what)
{
	say(what);
	say(" failed\n");
	_exit(99);
}

static void act(long count)
{
	for (long i = 0; i < count; i++)
		if (vict_act(i) != i + 1)
			fail("vict_act");
}

static void session(long count)
{
	void *handle = vict_session_open("a name on the heap");

	for (long i = 0; i < count; i++)
		if (vict_session_act(handle, i) != i + 1)
			fail("vict_session_act");
	vict_session_close(handle);
}

/* ---- filters ---- */

static struct sock_filter code[128];
static struct sock_fprog program = { 0, code };

static void put(uint16_t operation, uint32_t k, uint8_t jt, uint8_t jf)
{
	code[program.len++] = (struct sock_filter){ operation, jt, jf, k };
}

static void build(const int *numbers, size_t count, uint32_t listed, uint32_t others)
{
	program.len = 0;
	put(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (size_t i = 0; i < count; i++) {
		put(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)numbers[i], 0, 1);
		put(BPF_RET | BPF_K, listed, 0, 0);
	}
	put(BPF_RET | BPF_K, others, 0, 0);
}

static void by_library(const int *numbers, size_t count)
{
	void *library = dlopen("libseccomp.so.2", RTLD_NOW);
	void *(*init)(uint32_t) = dlsym(library, "seccomp_init");
	int (*add)(void *, uint32_t, int, unsigned int) = dlsym(library, "seccomp_rule_add");
	int (*load)(void *) = dlsym(library, "seccomp_load");
	void *context = init(action);

	for (size_t i = 0; i < count; i++)
		add(context, SECCOMP_RET_ALLOW, numbers[i], 0);
	if (load(context))
		fail("seccomp_load");
}

static void load(unsigned int flags)
{
	long r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("PR_SET_NO_NEW_PRIVS");
	if (!strcmp(way, "prctl"))
		r = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	else
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    flags | (strcmp(way, "tsync") ? 0 : SECCOMP_FILTER_FLAG_TSYNC),
			    &program);
	if (r && !flags)
		fail("the filter");
	if (flags && (r != -1 || errno != EINVAL))
		fail("a refusal");
}

static void install(int black, unsigned int flags)
{
	bool simple = !strpbrk(whole_plan, "ftFT");
	const int *numbers = simple ? few : more;
	size_t count = (simple ? sizeof(few) : sizeof(more)) / sizeof(int);

	if (!strcmp(way, "strict")) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			fail("strict mode");
		return;
	}
	if (black)
		build(&black, 1, action, SECCOMP_RET_ALLOW);
	else if (strcmp(way, "library") != 0)
		build(numbers, count, SECCOMP_RET_ALLOW, action);
	else {
		by_library(numbers, count);
		return;
	}
	load(flags);
}

/* ---- the plan ---- */

static void follow(const char *plan);

static void *follow_in_thread(void *plan)
{
	follow(plan);
	return NULL;
}

static void *act_in_thread(void *count)
{
	act((long)(intptr_t)count);
	return NULL;
}

static void in_thread(void *(*routine)(void *), const void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, routine, (void *)arg))
		fail("pthread_create");
	pthread_join(thread, NULL);
}

static void in_child(const char *plan, long count)
{
	int status = -1;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		act(count);
		follow(plan);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	say(status == 7 << 8 ? "the child ended\n" : "the child was killed\n");
}

static int end(void *unused)
{
	_exit(7);
}

static void in_bare_child(void)
{
	int flags = CLONE_FS | CLONE_VM | CLONE_VFORK | SIGCHLD, status = -1;
	static _Alignas(64) char stack[65536], storage[65536];

#if defined(__x86_64__) /* elsewhere libc keeps more in it */
	flags |= CLONE_SETTLS;
#endif
	waitpid(clone(end, stack + sizeof(stack), flags, NULL, NULL, storage + sizeof(storage) / 2,
		      NULL),
		&status, 0);
	say(status == 7 << 8 ? "the bare child ended\n" : "the bare child was killed\n");
}

static void follow(const char *plan)
{
	while (*plan) {
		char step = *plan++;
		char *end = (char *)plan;
		long count = strchr("sft", step) ? strtol(plan, &end, 10) : 0;

		if (step >= '0' && step <= '9')
			act(strtol(plan - 1, &end, 10));
		plan = end;
		if (step == 's')
			session(count);
		else if (step == 'f')
			in_child("", count);
		else if (step == 't')
			in_thread(act_in_thread, (void *)(intptr_t)count);
		else if (step == 'p')
			syscall(SYS_getppid);
		else if (step == 'c')
			in_bare_child();
		else if (step == '+')
			install(0, 0);
		else if (step == '-' || step == '=')
			install(step == '-' ? SYS_getppid : SYS_membarrier, 0);
		else if (step == '!')
			install(SYS_membarrier, 1u << 30);
		if (step == 'y') {
			say(system(plan) ? "the command failed\n" : "the command ended\n");
			return;
		}
		if (step == 'F')
			return in_child(plan, 0);
		if (step == 'T')
			return in_thread(follow_in_thread, plan);
		if (step == 'x') {
			execv(plan, words);
			fail("exec");
		}
	}
	say("done\n");
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	way = argv[1];
	words = argv + 4;
	whole_plan = argv[3];
	heap = malloc(100);
	action = !strcmp(argv[2], "process")  ? SECCOMP_RET_KILL_PROCESS
		 : !strcmp(argv[2], "thread") ? SECCOMP_RET_KILL_THREAD
					      : SECCOMP_RET_TRAP;
	follow(argv[3]);
	/* exit_group, which strict mode does not know */
	if (!strcmp(way, "strict"))
		syscall(SYS_exit, 0);
	return 0;
}
