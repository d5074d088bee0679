/* SPDX-License-Identifier: Apache-2.0
 *
 * Which relocations make a word hold a function's address, and which functions cannot be wrapped.
 * ELF for the Arm 64-bit Architecture (AAELF64), sections 5.7 and 5.4. Same file name and macros in
 * every arch folder.
 */
#ifndef SS_RELOC_H
#define SS_RELOC_H

#include <elf.h>

#ifndef STO_AARCH64_VARIANT_PCS
#define STO_AARCH64_VARIANT_PCS 0x80
#endif

#define SS_RELOC_PLT     R_AARCH64_JUMP_SLOT /* may be unresolved until the first call */
#define SS_RELOC_GOT     R_AARCH64_GLOB_DAT
#define SS_RELOC_ADDRESS R_AARCH64_ABS64 /* in data; plus the addend */

/* By the symbol's st_other: the function takes or keeps vector and predicate registers beyond the
 * first eight, or the upper parts of scalable ones, which thunk.S does not save. */
#define SS_RELOC_UNWRAPPABLE(other) ((other)&STO_AARCH64_VARIANT_PCS)

#endif
