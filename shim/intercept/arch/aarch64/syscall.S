/* SPDX-License-Identifier: Apache-2.0
 *
 * The exported wrapper of syscall(): the calls that sandbox.c wants to see go there, all others to
 * the next definition, with registers and stack as they came (a child that clone made returns on
 * another stack). Same file name and function in every arch folder.
 */
#include <asm/unistd.h>

#define BTI_C		hint	#34	/* older processors pass over it */

	.text
	.globl	syscall
	.type	syscall, %function
	.p2align 4
syscall:
	.cfi_startproc
	BTI_C
	cmp	x0, #__NR_seccomp
	b.eq	1f
	cmp	x0, #__NR_prctl
	b.eq	1f
	adrp	x16, ss_sandbox_next_syscall
	ldr	x16, [x16, #:lo12:ss_sandbox_next_syscall]
	cbz	x16, 1f
	br	x16
1:	b	ss_sandbox_syscall
	.cfi_endproc
	.size	syscall, . - syscall

#include "note.inc"
