/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a wrapped call: thunk -> ss_record_enter -> real function -> ss_record_exit -> caller.
 * The real function is called, not jumped to, so calls and returns stay balanced (shadow stacks),
 * any unwinder gets through by ordinary CFI, and exceptions come by the personality routine.
 * Runs on host threads, on any stack. Must not: touch a vector, x87 or mask register other than to
 * store it, since what is in them (arguments, results) is not restored; frame.h has the layout.
 */
#define SLOTS		512
#define FRAME_BYTES	240
#define GPR		128
#define RAX		176
#define R10		184
#define SLOT		192
#define SPAN		200
#define RESULT		224
/* x87, SSE, AVX, opmask, upper halves of zmm0-15, zmm16-31. */
#define XSAVE_MASK	0xe7
#define XSAVE_HEADER	512
#define FXSAVE_BYTES	512

	.text

/* r11 is the one register that is neither an argument, nor the static chain, nor preserved. */
	.globl	ss_thunks
	.hidden	ss_thunks
	.type	ss_thunks, @function
	.p2align 6
ss_thunks:
	.cfi_startproc
	.set	i, 0
	.rept	SLOTS
	.p2align 4
	endbr64
	movl	$i, %r11d
	jmp	wrapped_call
	.set	i, i + 1
	.endr
	.cfi_endproc
	.size	ss_thunks, . - ss_thunks

/* What the real function gets; ss_record_enter may have changed it in the frame. */
	.macro	LOAD_ARGUMENTS
	movq	(GPR +  0 - FRAME_BYTES)(%rbp), %rdi
	movq	(GPR +  8 - FRAME_BYTES)(%rbp), %rsi
	movq	(GPR + 16 - FRAME_BYTES)(%rbp), %rdx
	movq	(GPR + 24 - FRAME_BYTES)(%rbp), %rcx
	movq	(GPR + 32 - FRAME_BYTES)(%rbp), %r8
	movq	(GPR + 40 - FRAME_BYTES)(%rbp), %r9
	movq	(RAX - FRAME_BYTES)(%rbp), %rax
	movq	(R10 - FRAME_BYTES)(%rbp), %r10
	.endm

	.type	wrapped_call, @function
	.p2align 6
wrapped_call:
	.cfi_startproc
	/* DW_EH_PE_pcrel | DW_EH_PE_sdata4 to a hidden symbol: no relocation at run time. */
	.cfi_personality 0x1b, ss_unwind_personality
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	subq	$FRAME_BYTES, %rsp
	movups	%xmm0, 0(%rsp)
	movups	%xmm1, 16(%rsp)
	movups	%xmm2, 32(%rsp)
	movups	%xmm3, 48(%rsp)
	movups	%xmm4, 64(%rsp)
	movups	%xmm5, 80(%rsp)
	movups	%xmm6, 96(%rsp)
	movups	%xmm7, 112(%rsp)
	movq	%rdi, (GPR + 0)(%rsp)
	movq	%rsi, (GPR + 8)(%rsp)
	movq	%rdx, (GPR + 16)(%rsp)
	movq	%rcx, (GPR + 24)(%rsp)
	movq	%r8, (GPR + 32)(%rsp)
	movq	%r9, (GPR + 40)(%rsp)
	movq	%rax, RAX(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r11, SLOT(%rsp)
	movq	%rsp, %rdi
	call	ss_record_enter
	movq	%rax, %r11
	cmpq	$0, SPAN(%rsp)
	je	.Lunrecorded
	testl	%edx, %edx
	jnz	.Lcopy
.Lcall:
	LOAD_ARGUMENTS
	call	*%r11
	movq	%rax, (RESULT - FRAME_BYTES)(%rbp)
	movq	%rdx, (RESULT + 8 - FRAME_BYTES)(%rbp)
	movups	%xmm0, -FRAME_BYTES(%rbp)
	leaq	-FRAME_BYTES(%rbp), %rdi
	call	ss_record_exit
	movq	(RESULT - FRAME_BYTES)(%rbp), %rax
	movq	(RESULT + 8 - FRAME_BYTES)(%rbp), %rdx
	.cfi_remember_state
	leave
	.cfi_restore %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_restore_state

	/* edx words of stack arguments. The copy keeps its place modulo 64, for by-value arguments
	   with an alignment of their own (__m512). */
.Lcopy:
	movl	%edx, %ecx
	leaq	16(%rbp), %rsi
	leaq	(, %rcx, 8), %rax
	subq	%rax, %rsp
	movq	%rsp, %rax
	subq	%rsi, %rax
	andl	$63, %eax
	subq	%rax, %rsp
1:	movq	-8(%rsi, %rcx, 8), %rax
	movq	%rax, -8(%rsp, %rcx, 8)
	decl	%ecx
	jnz	1b
	jmp	.Lcall

	/* As if nobody had been here: the real function returns to the caller. */
.Lunrecorded:
	LOAD_ARGUMENTS
	leave
	.cfi_restore %rbp
	.cfi_def_cfa %rsp, 8
	jmp	*%r11
	.cfi_endproc
	.size	wrapped_call, . - wrapped_call

/* void ss_arch_call_saved(void (*fn)(void *), void *arg) */
	.globl	ss_arch_call_saved
	.hidden	ss_arch_call_saved
	.type	ss_arch_call_saved, @function
	.p2align 4
ss_arch_call_saved:
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%rbx
	.cfi_offset %rbx, -24
	pushq	%rsi
	movq	%rdi, %rbx
	movl	ss_arch_state_bytes(%rip), %ecx
	testl	%ecx, %ecx
	jnz	1f
	call	ss_arch_measure_state
	movl	ss_arch_state_bytes(%rip), %ecx
1:	popq	%rdi
	movq	%rbx, %r11
	subq	%rcx, %rsp
	andq	$-64, %rsp
	movq	%rsp, %rbx
	cmpl	$FXSAVE_BYTES, %ecx
	je	.Lfxsave
	/* xsave adds to the header, so it must be clean. */
	xorl	%eax, %eax
	movq	%rax, XSAVE_HEADER(%rbx)
	movq	%rax, (XSAVE_HEADER + 8)(%rbx)
	movq	%rax, (XSAVE_HEADER + 16)(%rbx)
	movq	%rax, (XSAVE_HEADER + 24)(%rbx)
	movq	%rax, (XSAVE_HEADER + 32)(%rbx)
	movq	%rax, (XSAVE_HEADER + 40)(%rbx)
	movq	%rax, (XSAVE_HEADER + 48)(%rbx)
	movq	%rax, (XSAVE_HEADER + 56)(%rbx)
	movl	$XSAVE_MASK, %eax
	xorl	%edx, %edx
	xsave64	(%rbx)
	call	*%r11
	movl	$XSAVE_MASK, %eax
	xorl	%edx, %edx
	xrstor64 (%rbx)
	jmp	.Lrestored
.Lfxsave:
	fxsave64 (%rbx)
	call	*%r11
	fxrstor64 (%rbx)
.Lrestored:
	movq	-8(%rbp), %rbx
	.cfi_restore %rbx
	leave
	.cfi_restore %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	ss_arch_call_saved, . - ss_arch_call_saved

/* dlsym and dlvsym look at who calls them (RTLD_NEXT, RTLD_DEFAULT, the namespace), so the real one is
   jumped to, unless ss_dl_symbol(handle, name, version, caller) has an answer. */
	.globl	dlsym
	.type	dlsym, @function
	.p2align 4
dlsym:
	.cfi_startproc
	endbr64
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	xorl	%edx, %edx
	movq	24(%rsp), %rcx
	call	ss_dl_symbol
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%rsi
	.cfi_adjust_cfa_offset -8
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	testq	%rax, %rax
	jz	1f
	ret
1:	jmp	*ss_dl_dlsym(%rip)
	.cfi_endproc
	.size	dlsym, . - dlsym

	.globl	dlvsym
	.type	dlvsym, @function
	.p2align 4
dlvsym:
	.cfi_startproc
	endbr64
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	pushq	%rdx
	.cfi_adjust_cfa_offset 8
	movq	24(%rsp), %rcx
	call	ss_dl_symbol
	popq	%rdx
	.cfi_adjust_cfa_offset -8
	popq	%rsi
	.cfi_adjust_cfa_offset -8
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	testq	%rax, %rax
	jz	1f
	ret
1:	jmp	*ss_dl_dlvsym(%rip)
	.cfi_endproc
	.size	dlvsym, . - dlvsym

#include "note.inc"
