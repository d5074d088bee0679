/* SPDX-License-Identifier: Apache-2.0
 *
 * A call into ordinary code between the host's call of a wrapped function and that function. What is
 * alive then in vector registers is arguments, in the first eight (System V psABI 1.0, 3.2.3); the
 * mask, x87 and other vector registers are free, and frame.h has the general ones. A tenth of what
 * ss_arch_call_saved costs. Must not: widen what the host uses of the vector registers, which may
 * slow the processor down, or be used once the real function has returned.
 */
#define USES_YMM	(1 << 2)
#define USES_ZMM	(1 << 6)	/* upper halves of zmm0-15 */
#define SAVE_BYTES	512

	.macro	EACH instruction, register, bytes
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7
	\instruction	\register\i, (\bytes * \i)(%rsp)
	.endr
	.endm
	.macro	EACH_BACK instruction, register, bytes
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7
	\instruction	(\bytes * \i)(%rsp), \register\i
	.endr
	.endm

	.text
/* void ss_arch_call_at_entry(void (*fn)(void *), void *arg) */
	.globl	ss_arch_call_at_entry
	.hidden	ss_arch_call_at_entry
	.type	ss_arch_call_at_entry, @function
	.p2align 4
ss_arch_call_at_entry:
	.cfi_startproc
	endbr64
	/* Not measured yet, or a processor that does not tell what is in use. */
	cmpl	$0, ss_arch_tells_use(%rip)
	je	ss_arch_call_saved
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	subq	$SAVE_BYTES, %rsp
	andq	$-64, %rsp
	movq	%rdi, %r11
	movq	%rsi, %rdi
	movl	$1, %ecx
	xgetbv
	testl	$USES_ZMM, %eax
	jnz	.Lzmm
	testl	$USES_YMM, %eax
	jnz	.Lymm
	EACH	movaps, %xmm, 16
	call	*%r11
	EACH_BACK movaps, %xmm, 16
	jmp	.Ldone
.Lymm:
	EACH	vmovaps, %ymm, 32
	call	*%r11
	EACH_BACK vmovaps, %ymm, 32
	jmp	.Ldone
.Lzmm:
	EACH	vmovaps, %zmm, 64
	call	*%r11
	EACH_BACK vmovaps, %zmm, 64
.Ldone:
	leave
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	ret
	.cfi_endproc
	.size	ss_arch_call_at_entry, . - ss_arch_call_at_entry

#include "note.inc"
