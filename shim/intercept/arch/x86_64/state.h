/* SPDX-License-Identifier: Apache-2.0
 *
 * How much room the vector, x87 and mask registers need in memory; for ss_arch_call_saved. Same
 * file name and functions in every arch folder.
 */
#ifndef SS_STATE_H
#define SS_STATE_H

#include <stdint.h>

/* Asks the processor, which takes long on a virtual machine, so only when first needed. Called by
 * thunk.S before any register is saved: compiled like the hot side. */
void ss_arch_measure_state(void);

/* Bytes of xsave's area for the registers that thunk.S saves, 512 where there is only fxsave; 0:
 * not measured yet. */
extern uint32_t ss_arch_state_bytes;

/* Not 0: the processor tells which of those registers are in use (xgetbv of 1). 0 also until
 * measured. */
extern uint32_t ss_arch_tells_use;

#endif
