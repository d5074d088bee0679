/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a wrapped call: thunk -> ss_record_enter -> real function -> ss_record_exit -> caller.
 * The real function is called, not jumped to, so calls and returns stay balanced, any unwinder gets
 * through by ordinary CFI, and exceptions come by the personality routine. Return addresses are not
 * signed: libunwind before 1.8 cannot pass a frame where they are, and hosts may unwind with it.
 * Runs on host threads, on any stack. Must not: touch a vector, predicate or FPSR/FPCR register
 * other than to store it, since what is in them (arguments, results) is not restored; frame.h has
 * the layout.
 */
#define BTI_C		hint	#34	/* older processors pass over it */

#define SLOTS		512
#define FRAME_BYTES	256
#define GPR		128
#define X8		192
#define SLOT		208
#define SPAN		216
#define RESULT		240

	.text

/* x16 and x17 are the two that any call may lose on its way; branches back through them may land on
   bti c. */
	.globl	ss_thunks
	.hidden	ss_thunks
	.type	ss_thunks, %function
	.p2align 6
ss_thunks:
	.cfi_startproc
	.set	i, 0
	.rept	SLOTS
	.p2align 4
	BTI_C
	movz	w17, #i
	b	wrapped_call
	.set	i, i + 1
	.endr
	.cfi_endproc
	.size	ss_thunks, . - ss_thunks

/* What the real function gets; ss_record_enter may have changed it in the frame at x9. */
	.macro	LOAD_ARGUMENTS
	ldp	x0, x1, [x9, #GPR]
	ldp	x2, x3, [x9, #GPR + 16]
	ldp	x4, x5, [x9, #GPR + 32]
	ldp	x6, x7, [x9, #GPR + 48]
	ldp	x8, x18, [x9, #X8]
	.endm

	.type	wrapped_call, %function
	.p2align 6
wrapped_call:
	.cfi_startproc
	/* DW_EH_PE_pcrel | DW_EH_PE_sdata4 to a hidden symbol: no relocation at run time. */
	.cfi_personality 0x1b, ss_unwind_personality
	stp	x29, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov	x29, sp
	.cfi_def_cfa_register x29
	sub	sp, sp, #FRAME_BYTES
	stp	q0, q1, [sp]
	stp	q2, q3, [sp, #32]
	stp	q4, q5, [sp, #64]
	stp	q6, q7, [sp, #96]
	stp	x0, x1, [sp, #GPR]
	stp	x2, x3, [sp, #GPR + 16]
	stp	x4, x5, [sp, #GPR + 32]
	stp	x6, x7, [sp, #GPR + 48]
	stp	x8, x18, [sp, #X8]
	str	x17, [sp, #SLOT]
	/* What the caller loaded the thunk's address from was stored after the slot was filled; a
	   jump does not keep the loads behind it in order. Partner: the release in walk.c. */
	dmb	ishld
	mov	x0, sp
	bl	ss_record_enter
	mov	x16, x0
	sub	x9, x29, #FRAME_BYTES
	ldr	x10, [x9, #SPAN]
	cbz	x10, .Lunrecorded
	cbnz	w1, .Lcopy
.Lcall:
	LOAD_ARGUMENTS
	blr	x16
	stp	x0, x1, [x29, #RESULT - FRAME_BYTES]
	/* As far as bindings can read it; the rest of a result stays in v0-v3. */
	str	q0, [x29, #-FRAME_BYTES]
	sub	x0, x29, #FRAME_BYTES
	bl	ss_record_exit
	ldp	x0, x1, [x29, #RESULT - FRAME_BYTES]
	.cfi_remember_state
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_restore_state

	/* w1 words of stack arguments. None is aligned to more than 16 bytes, as sp is. */
.Lcopy:
	add	x11, x29, #16
	add	w12, w1, #1
	and	w12, w12, #~1
	sub	sp, sp, w12, uxtw #3
1:	sub	w1, w1, #1
	ldr	x12, [x11, w1, uxtw #3]
	str	x12, [sp, w1, uxtw #3]
	cbnz	w1, 1b
	b	.Lcall

	/* As if nobody had been here: the real function returns to the caller. */
.Lunrecorded:
	LOAD_ARGUMENTS
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	br	x16
	.cfi_endproc
	.size	wrapped_call, . - wrapped_call

/* void ss_arch_call_saved(void (*fn)(void *), void *arg)
   Keeps what may be alive around a call: arguments in q0-q7 before it, results in q0-q3 after it,
   and the exceptions noted in FPSR. Of the others, functions keep what they must, or may lose
   them; those that may not are not wrapped (reloc.h). */
	.globl	ss_arch_call_saved
	.hidden	ss_arch_call_saved
	.type	ss_arch_call_saved, %function
	.p2align 4
ss_arch_call_saved:
	.cfi_startproc
	BTI_C
	stp	x29, x30, [sp, #-32]!
	.cfi_def_cfa_offset 32
	.cfi_offset x29, -32
	.cfi_offset x30, -24
	mov	x29, sp
	.cfi_def_cfa_register x29
	str	x19, [sp, #16]
	.cfi_offset x19, -16
	sub	sp, sp, #128
	stp	q0, q1, [sp]
	stp	q2, q3, [sp, #32]
	stp	q4, q5, [sp, #64]
	stp	q6, q7, [sp, #96]
	mrs	x19, fpsr
	mov	x16, x0
	mov	x0, x1
	blr	x16
	msr	fpsr, x19
	ldp	q0, q1, [sp]
	ldp	q2, q3, [sp, #32]
	ldp	q4, q5, [sp, #64]
	ldp	q6, q7, [sp, #96]
	add	sp, sp, #128
	ldr	x19, [sp, #16]
	.cfi_restore x19
	ldp	x29, x30, [sp], #32
	.cfi_def_cfa sp, 0
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size	ss_arch_call_saved, . - ss_arch_call_saved

/* dlsym and dlvsym look at who calls them (RTLD_NEXT, RTLD_DEFAULT, the namespace), so the real one is
   jumped to, unless ss_dl_symbol(handle, name, version, caller) has an answer. */
	.macro	SYMBOL_LOOKUP name, version, real
	.globl	\name
	.type	\name, %function
	.p2align 4
\name:
	.cfi_startproc
	BTI_C
	stp	x29, x30, [sp, #-48]!
	.cfi_def_cfa_offset 48
	.cfi_offset x29, -48
	.cfi_offset x30, -40
	mov	x29, sp
	stp	x0, x1, [sp, #16]
	str	x2, [sp, #32]
	mov	x2, \version
	mov	x3, x30
	bl	ss_dl_symbol
	mov	x16, x0
	ldp	x0, x1, [sp, #16]
	ldr	x2, [sp, #32]
	ldp	x29, x30, [sp], #48
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	cbz	x16, 1f
	mov	x0, x16
	ret
1:	adrp	x16, \real
	ldr	x16, [x16, #:lo12:\real]
	br	x16
	.cfi_endproc
	.size	\name, . - \name
	.endm

	SYMBOL_LOOKUP dlsym, xzr, ss_dl_dlsym
	SYMBOL_LOOKUP dlvsym, x2, ss_dl_dlvsym

#include "note.inc"
