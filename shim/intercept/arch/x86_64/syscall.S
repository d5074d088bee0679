/* SPDX-License-Identifier: Apache-2.0
 *
 * The exported wrapper of syscall(): the calls that sandbox.c wants to see go there, all others to
 * the next definition, with registers and stack as they came (a child that clone made returns on
 * another stack). Same file name and function in every arch folder.
 */
#include <asm/unistd.h>

	.text
	.globl	syscall
	.type	syscall, @function
	.p2align 4
syscall:
	.cfi_startproc
	endbr64
	cmpq	$__NR_seccomp, %rdi
	je	ss_sandbox_syscall
	cmpq	$__NR_prctl, %rdi
	je	ss_sandbox_syscall
	movq	ss_sandbox_next_syscall(%rip), %rax
	testq	%rax, %rax
	jz	ss_sandbox_syscall
	jmp	*%rax
	.cfi_endproc
	.size	syscall, . - syscall

#include "note.inc"
