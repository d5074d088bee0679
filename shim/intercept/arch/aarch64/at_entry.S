/* SPDX-License-Identifier: Apache-2.0
 *
 * A call into ordinary code between the host's call of a wrapped function and that function. The
 * registers that can be arguments then are those that can be results later, so there is nothing to
 * spare compared with ss_arch_call_saved. Same file name and function in every arch folder.
 */
	.text
/* void ss_arch_call_at_entry(void (*fn)(void *), void *arg) */
	.globl	ss_arch_call_at_entry
	.hidden	ss_arch_call_at_entry
	.type	ss_arch_call_at_entry, %function
	.p2align 4
ss_arch_call_at_entry:
	.cfi_startproc
	b	ss_arch_call_saved
	.cfi_endproc
	.size	ss_arch_call_at_entry, . - ss_arch_call_at_entry

#include "note.inc"
