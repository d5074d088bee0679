/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots: one per (binding entry, real address), each with its thunk. thunk.S jumps through them,
 * record.c reads them. Filled under the intercept lock, published by the release store of `real`,
 * never changed while a caller can hold the thunk's address; recycled only for objects that were
 * dlclosed.
 */
#ifndef SS_SLOT_H
#define SS_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#define SS_SLOTS        512u
#define SS_SLOT_GETTERS 4u

struct ss_slot { /* one cache line, read-mostly */
	void *real;
	uint32_t
		entry; /* first entry of the symbol (binding.h), further ones by next_same_symbol */
	uint32_t stack_words; /* the most that any of its entries needs */
	/* getters of this symbol's entries (at most SS_SLOT_GETTERS, the binding parser sees to
	 * it): index + 1 and address, looked up in the object that defines `real` */
	uint32_t getter_index[SS_SLOT_GETTERS]; /* 0: end */
	void *getter[SS_SLOT_GETTERS];
};
_Static_assert(sizeof(struct ss_slot) == 64, "thunk.S computes slot addresses by shifting");

extern struct ss_slot ss_slots[SS_SLOTS];

/* The thunk of slot i, i.e. what callers get instead of the real function. thunk.S. */
extern char ss_thunks[];
#define SS_THUNK_BYTES 16u

/* The thunk for `entry` (first of its symbol) in front of `real`; makes a slot if there is none
 * yet. Returns `real` itself when it is a thunk already, is in our own object, passes registers
 * that the thunk does not keep (reloc.h), or no slot is free; the latter two are counted. Any
 * thread but not signal-safe (takes the intercept lock); cold. */
void *ss_slot_thunk(uint32_t entry, void *real);

/* The real function behind p when p is a thunk, else p. Any thread; signal-safe. */
void *ss_slot_real(void *p);

/* Objects were unloaded: frees the slots whose function went with them, and looks up the getters of
 * the others anew. Any thread; cold. */
void ss_slot_forget(void);

/* How many slots are in use, and how many functions found none. */
void ss_slot_counts(uint32_t *ret_used, uint32_t *ret_refused);

#endif
