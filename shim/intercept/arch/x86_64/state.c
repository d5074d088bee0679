/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <cpuid.h>
#include <stddef.h>

#include "frame.h"
#include "shim/intercept/slot.h"

#define CPUID_FEATURES  1
#define CPUID_XSAVE     0xd
#define FEATURE_OSXSAVE (1u << 27)
#define XSAVE_FEATURES  1 /* of CPUID_XSAVE */
#define FEATURE_XGETBV1 (1u << 2)
/* Legacy area and header, where x87 and SSE are. */
#define XSAVE_BASE_BYTES 576u
#define FXSAVE_BYTES     512u /* thunk.S tells the two by this */
/* AVX, opmask, upper halves of zmm0-15, zmm16-31. Not AMX: never an argument, and 8 KiB. */
static const unsigned int components[] = { 2, 5, 6, 7 };

/* What thunk.S knows of these structures by number. */
_Static_assert(offsetof(struct ss_frame, gpr) == 128, "thunk.S");
_Static_assert(offsetof(struct ss_frame, slot) == 192, "thunk.S");
_Static_assert(offsetof(struct ss_frame, span) == 200, "thunk.S");
_Static_assert(offsetof(struct ss_frame, result) == 224, "thunk.S");
_Static_assert(offsetof(struct ss_frame, saved_fp) == SS_FRAME_BYTES, "thunk.S");
_Static_assert(SS_SLOTS == 512 && SS_THUNK_BYTES == 16, "thunk.S");

uint32_t ss_arch_state_bytes, ss_arch_tells_use;

void ss_arch_measure_state(void)
{
	unsigned int eax, ebx, ecx, edx, bytes = XSAVE_BASE_BYTES;

	__cpuid(CPUID_FEATURES, eax, ebx, ecx, edx);
	if (!(ecx & FEATURE_OSXSAVE)) {
		ss_arch_state_bytes = FXSAVE_BYTES;
		return;
	}
	for (size_t i = 0; i < sizeof(components) / sizeof(components[0]); i++) {
		/* eax: bytes, ebx: offset; zero when the processor lacks the component */
		__cpuid_count(CPUID_XSAVE, components[i], eax, ebx, ecx, edx);
		if (eax && ebx + eax > bytes)
			bytes = ebx + eax;
	}
	ss_arch_state_bytes = (bytes + 63) & ~63u;
	__cpuid_count(CPUID_XSAVE, XSAVE_FEATURES, eax, ebx, ecx, edx);
	ss_arch_tells_use = eax & FEATURE_XGETBV1;
}
