/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rest of the shim needs of intercept/: start, symbol look-up without the host's dlsym,
 * and the seams to the hot side. ELF: gABI chapters 4-5, psABI; GNU hash and symbol versions as in
 * binutils.
 */
#ifndef SS_INTERCEPT_H
#define SS_INTERCEPT_H

#include <stddef.h>
#include <stdint.h>

struct ss_binding_table;
struct ss_frame;

/* Resolves libc's own dlopen, dlsym, pthread_create, ... by hand along the link map, skipping
 * ourselves. First thing, from whichever of our exported functions is called first; idempotent, no
 * allocation. */
void ss_intercept_resolve(void);

/* Next definition of `name` in the global search order after our own object, or NULL. */
void *ss_intercept_real(const char *name);

/* Takes over the declared symbols in all loaded objects and from now on in every object that gets
 * loaded. `table` must live as long as the process; only bindings whose bit (1 << index) is in
 * `enabled` count. Constructor's thread, once. */
void ss_intercept_start(const struct ss_binding_table *table, uint64_t enabled);

/* Instead of a thunk, objects that import `name` from another one get `function`, which is to call
 * *real: set before anybody gets it, and not replaced where it would be another one. Before
 * ss_intercept_start. */
void ss_intercept_replace(const char *name, void *function, void **real);

/* First in such a function. The word that led here was stored after *real was, but a jump does not
 * keep the loads behind it in order: as in AArch64's thunk. */
static inline void ss_intercept_replaced(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* Numbers for the log and tests. */
struct ss_intercept_stats {
	uint32_t objects, patched, slots, slots_refused;
};
void ss_intercept_stats(struct ss_intercept_stats *ret_stats);

/* Runs fn(arg) with all vector, x87 and mask state saved and restored around it (thunk.S); for the
 * rare calls from the hot side into code that was not compiled -mgeneral-regs-only. */
void ss_arch_call_saved(void (*fn)(void *), void *arg);

/* The same for ss_record_enter alone, before the real function: keeps what can be arguments in
 * vector registers, and no more (at_entry.S). */
void ss_arch_call_at_entry(void (*fn)(void *), void *arg);

/* ---- the hot side, called by thunk.S and unwind.c; implemented in record.c ---- */
struct ss_enter_result { /* in two registers */
	void *real;
	uint64_t stack_words;
};
struct ss_enter_result ss_record_enter(struct ss_frame *frame);
void ss_record_exit(struct ss_frame *frame);
/* An unwinder is about to remove the innermost live wrapped frame above stack pointer `sp`: end its
 * span. status: SS_STATUS_EXCEPTION or SS_STATUS_CANCELLED; type and message may be NULL. Any
 * thread. */
void ss_record_unwound(uintptr_t sp, int status, const char *type, const char *message);

#endif
