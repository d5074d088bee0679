/* SPDX-License-Identifier: Apache-2.0
 *
 * What a wrapped call means for spans: by its entry's `when`, spans begin, end, or get an event at
 * the call's two ends. record.c calls these around the real function; host threads only. Must not:
 * call libc, touch vector registers, lock, allocate or wait (hot side).
 */
#ifndef SS_SPANS_H
#define SS_SPANS_H

#include "shim/shadow.h"

static inline const struct ss_entry *ss_spans_entry(uint32_t index)
{
	const struct ss_entry *entries = ss_binding_array(ss_table, ss_table->entries);

	return &entries[index];
}

/* Before the real function. `shadow` is fresh: frame, entry, when, t0 and the outer span are set.
 */
void ss_spans_begin(struct ss_call *call, struct ss_shadow *shadow);

/* After it returned; call->failed says whether the error condition held. `now` in ticks. */
void ss_spans_end(struct ss_call *call, struct ss_shadow *shadow, uint64_t now);

/* It never returned: ends what would have ended with it, with `status` (enum ss_status) and `count`
 * attributes, and drops the record. */
void ss_spans_abandon(struct ss_thread *thread, struct ss_shadow *shadow, int status,
		      const struct ss_taken *taken, uint32_t count);

#endif
