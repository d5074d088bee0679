/* SPDX-License-Identifier: Apache-2.0
 *
 * Which relocations make a word hold a function's address, and which functions cannot be wrapped.
 * System V psABI 1.0, section 4.4. Same file name and macros in every arch folder.
 */
#ifndef SS_RELOC_H
#define SS_RELOC_H

#include <elf.h>

#define SS_RELOC_PLT     R_X86_64_JUMP_SLOT /* may be unresolved until the first call */
#define SS_RELOC_GOT     R_X86_64_GLOB_DAT
#define SS_RELOC_ADDRESS R_X86_64_64 /* in data; plus the addend */

/* By the symbol's st_other. */
#define SS_RELOC_UNWRAPPABLE(other) false

#endif
