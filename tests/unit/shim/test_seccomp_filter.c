/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/seccomp_filter.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "arch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD(name)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##what)
#define IS(k, t, f)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)

#define JUDGE(...)                                                           \
	({                                                                   \
		const struct sock_filter code[] = { __VA_ARGS__ };           \
		ss_seccomp_filter_judge(code, (uint32_t)COUNT(code), false); \
	})

Test(seccomp_filter, answers)
{
	cr_expect_null(JUDGE(ANSWER(ALLOW)).forbidden);
	cr_expect_null(JUDGE(ANSWER(LOG)).forbidden);
	cr_expect_null(JUDGE(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)).forbidden);
	cr_expect_not_null(JUDGE(ANSWER(KILL_PROCESS)).forbidden);
	cr_expect_not_null(JUDGE(ANSWER(KILL_THREAD)).forbidden);
	cr_expect_not_null(JUDGE(ANSWER(TRAP)).forbidden);
	cr_expect_not_null(JUDGE(ANSWER(TRACE)).forbidden);
	cr_expect_not_null(JUDGE(ANSWER(USER_NOTIF)).forbidden);
}

Test(seccomp_filter, names_the_call)
{
	cr_expect_str_eq(
		JUDGE(FIELD(nr), IS(SYS_membarrier, 0, 1), ANSWER(TRAP), ANSWER(ALLOW)).forbidden,
		"membarrier");
	cr_expect_null(
		JUDGE(FIELD(nr), IS(SYS_getppid, 0, 1), ANSWER(TRAP), ANSWER(ALLOW)).forbidden);
	cr_expect_null(
		JUDGE(FIELD(arch), IS(SS_ARCH_AUDIT, 0, 1), ANSWER(ALLOW), ANSWER(TRAP)).forbidden);
}

Test(seccomp_filter, stacks_take_one_call_more)
{
	const struct sock_filter code[] = { FIELD(nr), IS(SYS_mincore, 0, 1), ANSWER(TRAP),
					    ANSWER(ALLOW) };

	cr_expect_null(ss_seccomp_filter_judge(code, COUNT(code), false).forbidden);
	cr_expect_str_eq(ss_seccomp_filter_judge(code, COUNT(code), true).forbidden, "mincore");
}

Test(seccomp_filter, death_of_single_threads)
{
	cr_expect(JUDGE(FIELD(nr), IS(SYS_getppid, 0, 1), ANSWER(KILL_THREAD), ANSWER(ALLOW))
			  .kills_threads);
	cr_expect(JUDGE(BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_A, 0))
			  .kills_threads);
	cr_expect_not(JUDGE(FIELD(nr), IS(SYS_getppid, 0, 1), ANSWER(KILL_PROCESS), ANSWER(ALLOW))
			      .kills_threads);
}

/* ---- what filters look at ---- */

/* Memory that may be written and executed: an argument, the halves of which are two words. */
Test(seccomp_filter, arguments)
{
	cr_expect_null(JUDGE(FIELD(nr), IS(SYS_mmap, 0, 3), FIELD(args[2]),
			     BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), ANSWER(ALLOW),
			     ANSWER(ALLOW))
			       .forbidden);
	cr_expect_str_eq(JUDGE(FIELD(nr), IS(SYS_mmap, 0, 3), FIELD(args[2]),
			       BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), ANSWER(TRAP),
			       ANSWER(ALLOW))
				 .forbidden,
			 "mmap");
	/* openat's first is negative: its upper half is not 0 */
	cr_expect_str_eq(JUDGE(FIELD(nr), IS(SYS_openat, 0, 3),
			       BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					offsetof(struct seccomp_data, args[0]) + 4),
			       IS(UINT32_MAX, 0, 1), ANSWER(TRAP), ANSWER(ALLOW))
				 .forbidden,
			 "openat");
}

/* A sum that the filter may come to in many ways. */
#define COMES_TO(result, ...) \
	cr_expect_null(JUDGE(__VA_ARGS__, IS(result, 0, 1), ANSWER(ALLOW), ANSWER(TRAP)).forbidden)
#define SET(k)      BPF_STMT(BPF_LD | BPF_IMM, k)
#define SET_X(k)    BPF_STMT(BPF_LDX | BPF_IMM, k)
#define DO(what, k) BPF_STMT(BPF_ALU | BPF_##what | BPF_K, k)
#define DO_X(what)  BPF_STMT(BPF_ALU | BPF_##what | BPF_X, 0)

Test(seccomp_filter, arithmetic)
{
	COMES_TO(12, SET(5), DO(ADD, 7));
	COMES_TO(12, SET(19), SET_X(7), DO_X(SUB));
	COMES_TO(35, SET(5), DO(MUL, 7));
	COMES_TO(5, SET(37), DO(DIV, 7));
	COMES_TO(0, SET(37), SET_X(0), DO_X(DIV));
	COMES_TO(0x0f, SET(0x3f), DO(AND, 0xcf));
	COMES_TO(0xff, SET(0x3f), DO(OR, 0xc0));
	COMES_TO(0xf0, SET(0x0f), DO(XOR, 0xff));
	COMES_TO(0x30, SET(3), DO(LSH, 4));
	COMES_TO(3, SET(0x30), DO(RSH, 4));
	COMES_TO(UINT32_MAX, SET(1), DO(NEG, 0));
	COMES_TO(sizeof(struct seccomp_data), BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
	COMES_TO(9, SET(9), BPF_STMT(BPF_ST, 3), SET(0), BPF_STMT(BPF_LDX | BPF_MEM, 3),
		 BPF_STMT(BPF_MISC | BPF_TXA, 0));
	COMES_TO(9, SET(9), BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_STX, 15), SET(0),
		 BPF_STMT(BPF_LD | BPF_MEM, 15));
}

Test(seccomp_filter, jumps)
{
	cr_expect_null(
		JUDGE(BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), ANSWER(TRAP), ANSWER(ALLOW)).forbidden);
	cr_expect_null(JUDGE(SET(5), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 5, 0, 1), ANSWER(TRAP),
			     ANSWER(ALLOW))
			       .forbidden);
	cr_expect_null(JUDGE(SET(5), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 5, 1, 0), ANSWER(TRAP),
			     ANSWER(ALLOW))
			       .forbidden);
	cr_expect_null(JUDGE(SET(5), SET_X(5), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0),
			     ANSWER(TRAP), ANSWER(ALLOW))
			       .forbidden);
}

/* The kernel takes none of these, and neither may they harm us. */
Test(seccomp_filter, rubbish)
{
	struct sock_filter code[64] = { 0 };

	cr_expect_not_null(ss_seccomp_filter_judge(code, 0, false).forbidden);
	cr_expect_not_null(JUDGE(BPF_JUMP(BPF_JMP | BPF_JA, UINT32_MAX, 0, 0)).forbidden);
	cr_expect_not_null(JUDGE(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 255)).forbidden);
	srand(1);
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < COUNT(code); i++)
			code[i] = (struct sock_filter){ (uint16_t)rand(), (uint8_t)rand(),
							(uint8_t)rand(),
							(uint32_t)rand() << 16 ^ (uint32_t)rand() };
		(void)ss_seccomp_filter_judge(code, COUNT(code), true);
	}
}
