/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes hook events into the calling thread's ring: sizes them, reserves, fills, commits, or
 * counts the loss. Long strings go on in ATTR events of their own. Must not: call libc or touch
 * vector registers (hot side).
 */
#ifndef SS_EMIT_H
#define SS_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/value.h"

/* An event to be. `taken` may be NULL when count is 0. */
struct ss_emission {
	uint64_t time;
	uint64_t span_id;
	const struct ss_span_ref *parent; /* OPEN: parent and trace; its span_id is 0 for a root */
	int64_t result;                   /* CLOSE, POINT */
	const struct ss_taken *taken;
	uint32_t count;
	uint32_t entry;
	uint8_t kind; /* enum ss_event_kind */
	uint8_t hook;
	uint8_t flags;
	uint8_t status;
};

/* Emits it. False: lost, and counted by reason and kind. Any thread whose ss_thread is ready;
 * signal-safe. */
bool ss_emit(struct ss_thread *thread, const struct ss_emission *emission);

/* Counts an event that could not even be tried. */
void ss_emit_lost(struct ss_thread *thread, uint32_t reason, uint32_t kind);

#endif
