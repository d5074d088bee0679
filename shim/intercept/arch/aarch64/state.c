/* SPDX-License-Identifier: Apache-2.0
 *
 * What thunk.S knows of C's structures by number.
 */
#include <stddef.h>

#include "frame.h"
#include "shim/intercept/slot.h"

_Static_assert(offsetof(struct ss_frame, gpr) == 128, "thunk.S");
_Static_assert(offsetof(struct ss_frame, x8) == 192, "thunk.S");
_Static_assert(offsetof(struct ss_frame, slot) == 208, "thunk.S");
_Static_assert(offsetof(struct ss_frame, span) == 216, "thunk.S");
_Static_assert(offsetof(struct ss_frame, result) == 240, "thunk.S");
_Static_assert(offsetof(struct ss_frame, saved_fp) == SS_FRAME_BYTES, "thunk.S");
_Static_assert(SS_SLOTS == 512 && SS_THUNK_BYTES == 16, "thunk.S");
