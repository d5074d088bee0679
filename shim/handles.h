/* SPDX-License-Identifier: Apache-2.0
 *
 * Open spans by handle: which span belongs to this sqlite3 *, this CURL *. One lock-free table for
 * the process, private memory (recovery does not need it), written and read by all host threads.
 * Must not: lock, allocate or call libc (hot side).
 */
#ifndef SS_HANDLES_H
#define SS_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/context.h"

#define SS_HANDLES 65536u

struct ss_handle { /* one cache line */
	uint64_t key;
	struct ss_span_ref span;
	uint64_t stream_id;  /* its open implicit stream; 0: none */
	uint64_t generation; /* of the image that opened it; another one may only use it as a parent
			      */
	uint32_t entry;
	uint32_t version; /* even: stable; odd: being written. Readers check it before and after */
};
_Static_assert(sizeof(struct ss_handle) == 64, "one handle, one cache line");

/* Key of a handle value in a binding (index < 64) and role (enum ss_role); never 0. Different
 * handles have different keys as long as their top byte is 0, which user-space pointers' is. */
uint64_t ss_handles_key(uint32_t binding, uint32_t role, uint64_t value);

/* Copies *handle (its key set) in; replaces an entry of the same key. False: no room nearby. */
bool ss_handles_insert(const struct ss_handle *handle);

/* Copies the entry of `key` out. False: there is none. */
bool ss_handles_find(uint64_t key, struct ss_handle *ret_handle);

/* As find, and takes the entry away, for exactly one caller. */
bool ss_handles_remove(uint64_t key, struct ss_handle *ret_handle);

/* Sets the stream span of an open handle; no-op if it is gone. */
void ss_handles_set_stream(uint64_t key, uint64_t stream_id);

/* The Python span in which a handle was opened (0: in none), for processes that have such spans:
 * set after each insertion, else what is told is an earlier handle's. */
void ss_handles_set_python(uint64_t key, uint64_t python_id);
uint64_t ss_handles_python(uint64_t key);

#endif
