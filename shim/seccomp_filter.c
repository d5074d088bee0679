/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/seccomp_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "arch.h"

#define ANY_FD 1000 /* a filter that knows descriptors knows the host's */

struct made_call {
	const char *name;
	uint32_t number;
	uint64_t arguments[4];
};

#define CALL(name, ...)                             \
	{                                           \
#name, SYS_##name, { __VA_ARGS__ }, \
	}

/* All that is called on host threads and on the drain's from the constructor on, by ourselves or by
 * libc for us; docs/SAFETY.md has the list for authors of filters, and a test compares. Arguments
 * are those that filters look at. Calls that have two spellings are here in both. */
static const struct made_call calls[] = {
	/* files: the ring file, output, the log, the collector's objects */
	CALL(openat, (uint64_t)AT_FDCWD, 0, O_RDONLY | O_CLOEXEC),
	CALL(openat, (uint64_t)AT_FDCWD, 0, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	     0600),
	CALL(openat, (uint64_t)AT_FDCWD, 0, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	     0600),
	CALL(openat, (uint64_t)AT_FDCWD, 0, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0600),
	CALL(close, ANY_FD),
	CALL(read, ANY_FD),
	CALL(pread64, ANY_FD),
	CALL(write, ANY_FD),
	CALL(newfstatat, ANY_FD),
	CALL(fstat, ANY_FD),
	CALL(ftruncate, ANY_FD),
	CALL(fallocate, ANY_FD),
	CALL(flock, ANY_FD),
	CALL(lseek, ANY_FD),
	CALL(fcntl, ANY_FD, F_DUPFD_CLOEXEC),
	CALL(getdents64, ANY_FD),
	CALL(unlinkat, ANY_FD),
	CALL(getcwd),
#ifdef SYS_open /* the older spellings, which AArch64 lacks */
	CALL(unlink),
	CALL(mkdir),
	CALL(access),
	CALL(readlink),
#else
	CALL(mkdirat, (uint64_t)AT_FDCWD),
	CALL(faccessat, (uint64_t)AT_FDCWD),
	CALL(readlinkat, (uint64_t)AT_FDCWD),
#endif
	/* memory */
	CALL(brk),
	CALL(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS),
	CALL(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED),
	CALL(mmap, 0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK),
	CALL(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE),
	CALL(mprotect, 0, 4096, PROT_READ),
	CALL(mprotect, 0, 4096, PROT_READ | PROT_WRITE),
	CALL(mremap),
	CALL(munmap),
	CALL(madvise, 0, 4096, MADV_WIPEONFORK),
	CALL(madvise, 0, 4096, MADV_DONTNEED),
	/* threads and waiting */
	CALL(clone3),
	CALL(clone, 0x3d0f00), /* libc's flags for a thread */
	CALL(set_robust_list),
	CALL(rseq),
	CALL(exit),
	CALL(futex, 0, FUTEX_WAIT),
	CALL(futex, 0, FUTEX_WAKE),
	CALL(futex, 0, FUTEX_WAIT_PRIVATE),
	CALL(futex, 0, FUTEX_WAKE_PRIVATE),
	CALL(futex, 0, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME),
	CALL(membarrier),
	CALL(clock_nanosleep),
	CALL(nanosleep),
	CALL(clock_gettime),
	CALL(sched_yield),
	CALL(tgkill),
	CALL(rt_sigprocmask, SIG_SETMASK),
	CALL(rt_sigaction),
	CALL(rt_sigpending),
	CALL(rt_sigtimedwait),
	CALL(sigaltstack),
	/* who and where */
	CALL(getpid),
	CALL(gettid),
	CALL(geteuid),
	CALL(getrandom),
	CALL(prlimit64),
	CALL(prctl, PR_SET_NAME),
	CALL(prctl, PR_GET_SECCOMP),
	CALL(uname),
	/* with SPANSHIM_STACKS alone: libunwind asks what it may read */
	CALL(mincore),
};
#define CALLS ((uint32_t)(sizeof(calls) / sizeof(calls[0])))

static uint32_t alu(uint16_t operation, uint32_t a, uint32_t operand)
{
	switch (operation) {
	case BPF_ADD:
		return a + operand;
	case BPF_SUB:
		return a - operand;
	case BPF_MUL:
		return a * operand;
	case BPF_DIV:
		return operand ? a / operand : 0;
	case BPF_OR:
		return a | operand;
	case BPF_AND:
		return a & operand;
	case BPF_XOR:
		return a ^ operand;
	case BPF_LSH:
		return operand < 32 ? a << operand : 0;
	case BPF_RSH:
		return operand < 32 ? a >> operand : 0;
	default:
		return 0u - a;
	}
}

static bool holds(uint16_t comparison, uint32_t a, uint32_t operand)
{
	switch (comparison) {
	case BPF_JEQ:
		return a == operand;
	case BPF_JGT:
		return a > operand;
	case BPF_JGE:
		return a >= operand;
	default:
		return a & operand;
	}
}

struct machine {
	uint32_t a, x, memory[BPF_MEMWORDS];
	const struct seccomp_data *data;
};

/* Loads, for both registers: what there is to load from is the call, constants and memory. */
static uint32_t load(const struct machine *machine, const struct sock_filter *op)
{
	const uint32_t *words = (const void *)machine->data;

	switch (BPF_MODE(op->code)) {
	case BPF_ABS:
		return op->k < sizeof(*machine->data) ? words[op->k / 4] : 0;
	case BPF_MEM:
		return machine->memory[op->k % BPF_MEMWORDS];
	case BPF_LEN:
		return sizeof(*machine->data);
	default:
		return op->k;
	}
}

/* Anything but a jump or a return. */
static void step(struct machine *machine, const struct sock_filter *op, uint32_t operand)
{
	switch (BPF_CLASS(op->code)) {
	case BPF_LD:
		machine->a = load(machine, op);
		break;
	case BPF_LDX:
		machine->x = load(machine, op);
		break;
	case BPF_ST:
		machine->memory[op->k % BPF_MEMWORDS] = machine->a;
		break;
	case BPF_STX:
		machine->memory[op->k % BPF_MEMWORDS] = machine->x;
		break;
	case BPF_ALU:
		machine->a = alu(BPF_OP(op->code), machine->a, operand);
		break;
	default: /* BPF_MISC */
		if (BPF_MISCOP(op->code) == BPF_TXA)
			machine->a = machine->x;
		else
			machine->x = machine->a;
	}
}

/* The filter's answer. Jumps only go forward; one that the kernel would not take may say anything.
 */
static uint32_t run(const struct sock_filter *code, uint32_t count, const struct seccomp_data *data)
{
	struct machine machine = { .data = data };

	for (uint64_t at = 0; at < count; at++) {
		const struct sock_filter *op = &code[at];
		uint32_t operand = BPF_SRC(op->code) == BPF_X ? machine.x : op->k;

		if (BPF_CLASS(op->code) == BPF_RET)
			return BPF_RVAL(op->code) == BPF_A ? machine.a : op->k;
		if (BPF_CLASS(op->code) != BPF_JMP)
			step(&machine, op, operand);
		else if (BPF_OP(op->code) == BPF_JA)
			at += op->k;
		else
			at += holds(BPF_OP(op->code), machine.a, operand) ? op->jt : op->jf;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* Refusals are borne. Not: death, a signal that the host may handle, a tracer's or a supervisor's
 * notice of a call that the host did not make. */
static bool is_harmless(uint32_t answer)
{
	uint32_t action = answer & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG ||
	       action == SECCOMP_RET_ERRNO;
}

static bool may_kill_threads(const struct sock_filter *code, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (BPF_CLASS(code[i].code) == BPF_RET &&
		    (BPF_RVAL(code[i].code) == BPF_A ||
		     (code[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD))
			return true;
	return false;
}

struct ss_filter_verdict ss_seccomp_filter_judge(const struct sock_filter *code, uint32_t count,
						 bool stacks)
{
	struct ss_filter_verdict verdict = { .kills_threads = may_kill_threads(code, count) };

	for (uint32_t i = 0; i < CALLS - !stacks && !verdict.forbidden; i++) {
		struct seccomp_data data = { .nr = (int)calls[i].number,
					     .arch = SS_ARCH_AUDIT,
					     .instruction_pointer = (uintptr_t)calls };

		for (size_t n = 0; n < 4; n++)
			data.args[n] = calls[i].arguments[n];
		if (!is_harmless(run(code, count, &data)))
			verdict.forbidden = calls[i].name;
	}
	return verdict;
}
