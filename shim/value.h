/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads what a binding names out of a wrapped call: arguments, out-parameters, results, getters.
 * Pointers that a program passes are not trusted: memory behind them is probed before it is read.
 * Must not: call libc or touch vector registers (hot side); floating-point values travel as bits.
 */
#ifndef SS_VALUE_H
#define SS_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/bindings/binding.h"
#include "shim/hot.h"
#include "shim/intercept/slot.h"
#include "shim/python/python.h"

#define SS_STRING_MAX                                                                          \
	(256u << 10)             /* bytes carried of one string; the rest is cut and marked so \
				  */
#define SS_LENGTH_MAX (1u << 20) /* a NUL is looked for this far */
#define SS_TAKEN_MAX  16         /* attributes of one call */

/* One wrapped call as values see it. */
struct ss_call {
	const struct ss_frame *frame;
	const struct ss_slot *slot;
	struct ss_thread *thread;
	const struct ss_entry *entry;
	uint32_t index;                         /* of entry, in the table */
	const struct ss_python_current *python; /* when it began; NULL: no Python span */
	bool failed;                            /* the error condition held */
};

/* An attribute, read but not copied yet. */
struct ss_taken {
	uint32_t key;
	uint8_t type; /* enum ss_attr_type */
	uint8_t flags;
	int64_t i;        /* INT, BOOL, NAME; DOUBLE as bits */
	const char *text; /* STRING, STACK: in the host's memory, readable now */
	uint32_t bytes;
	uint32_t length; /* before cutting */
};

extern bool ss_content; /* the content gate is open */

/* The value as a 64-bit integer (pointers too; doubles as bits). False: nothing there (NULL or
 * unreadable out-parameter). Any thread; signal-safe unless it is a getter's. */
bool ss_value_read(const struct ss_call *call, const struct ss_value *value, int64_t *ret_value);

/* Whether the condition holds; one whose value cannot be read does not. */
bool ss_value_holds_slow(const struct ss_call *call, const struct ss_condition *condition);

static inline bool ss_value_holds(const struct ss_call *call, const struct ss_condition *condition)
{
	if (condition->op <= SS_OP_ALWAYS)
		return condition->op == SS_OP_ALWAYS;
	return ss_value_holds_slow(call, condition);
}

/* Reads the call's captures for one moment (`flags` & SS_CAPTURE_AT_EXIT or 0) into
 * taken[SS_TAKEN_MAX], content gate applied. Returns how many. */
uint32_t ss_value_capture(const struct ss_call *call, uint32_t flags, struct ss_taken *taken);

/* The text of an error-message capture, as SS_KEY_STATUS_MESSAGE. False: none. */
bool ss_value_message(const struct ss_call *call, uint32_t capture, struct ss_taken *ret_taken);

/* Whether `bytes` bytes at `address` can be read. Other threads may change that at any time. */
bool ss_value_readable(const struct ss_thread *thread, uintptr_t address, uint64_t bytes);

#endif
