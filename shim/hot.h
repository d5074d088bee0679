/* SPDX-License-Identifier: Apache-2.0
 *
 * State of one thread, and the producer's side of its ring: reserve, fill, commit. Each thread (and
 * the signal handlers that interrupt it) writes its own ring only, so plain instructions that a
 * signal cannot split are atomic enough; no lock prefix anywhere. Must not: call libc, loop without
 * bound, or touch vector registers (record.c and its kin: -mgeneral-regs-only -ffreestanding).
 */
#ifndef SS_HOT_H
#define SS_HOT_H

#include "arch.h"
#include "frame.h"
#include "shim/context.h"
#include "shim/handles.h"
#include "shim/ring.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define SS_DEPTH    256 /* wrapped calls in progress per thread */
#define SS_AMBIENTS 4

/* One wrapped call in progress. Lives in a per-thread pool and is chained innermost first; a pool,
 * not a stack, because coroutines leave calls in another order than they entered them. */
struct ss_shadow {
	struct ss_frame *frame;  /* NULL: free */
	struct ss_shadow *outer; /* the enclosing one; also links the free ones */
	struct ss_span_ref span; /* what calls made inside this one get as parent */
	uint64_t own_id;    /* span that ends with this call; 0: none (dropped, or not a span) */
	uint64_t stream_id; /* open stream span of a CALL, fed by events of its thread */
	struct ss_handle handle; /* CLOSE: taken out of the table; EVENT: a copy */
	uint64_t t0;
	uint32_t entry;
	uint8_t when; /* enum ss_when */
	uint8_t has_handle;
	uint64_t python_id; /* the Python span that was current when it began; 0: none */
};

struct ss_ambient { /* a session this thread opened (or inherited) and that may still be open */
	uint64_t key;
	uint64_t span_id;
};

struct ss_thread {
	uint64_t generation;  /* of the image that `ring` belongs to; see ss_generation */
	struct ss_ring *ring; /* NULL: none could be had; losses are counted in the image */
	struct ss_shadow *pool;
	uint32_t guard;                /* > 0: the shim's own doing, record nothing */
	struct ss_shadow *current;     /* innermost record */
	struct ss_shadow *free_shadow; /* used before; those from fresh_shadow on are untouched */
	uint64_t fresh_shadow;
	uint64_t random;                 /* splitmix64 state */
	uintptr_t stack_low, stack_high; /* the thread's own stack; 0, 0 if unknown */
	struct ss_span_ref inherited;
	struct ss_ambient ambient[SS_AMBIENTS]; /* newest first */
	uint32_t tid;
	uint32_t own_ambients;     /* the first ones; what follows came from the creator */
	uint64_t inherited_python; /* Python span that was current around `inherited`; 0: none */
	void *bequest;             /* a Python span that came along; python/native.c's */
};

extern __thread struct ss_thread ss_thread;
/* The image's nonce, in a page that the kernel wipes in all forked children: 0 there, lest they
 * write to their parent's ring. */
extern volatile uint64_t *ss_generation;
#define SS_GENERATION_FINISHED 2ull /* no image's nonce: after the last flush */
extern struct ss_image *ss_image;   /* of this generation; NULL before the first event */
extern bool ss_retired;             /* no system calls any more: ss_process_retire */
extern uint32_t ss_clock;           /* enum ss_clock */
extern const struct ss_binding_table *ss_table;
extern uint64_t ss_enabled;               /* bit per binding of the table */
extern uint32_t ss_stacks;                /* enum ss_stacks */
extern int (*ss_backtrace)(void **, int); /* the collector's, once it is loaded */
uint64_t ss_now_slow(void);
/* Ends the calls a thread never returned from. */
void ss_record_thread_end(struct ss_thread *thread);

static inline uint64_t ss_now(void)
{
	return likely(ss_clock == SS_CLOCK_TSC) ? ss_arch_ticks() : ss_now_slow();
}

/* Another thread may end it. */
static inline uint64_t ss_generation_now(void)
{
	return __atomic_load_n(ss_generation, __ATOMIC_RELAXED);
}

static inline bool ss_thread_ready(const struct ss_thread *thread)
{
	uint64_t generation = ss_generation_now();

	return likely(generation != 0 && thread->generation == generation);
}

/* 64 random bits, not 0 (splitmix64, Steele et al. 2014). */
static inline uint64_t ss_random(struct ss_thread *thread)
{
	const uint64_t step = 0x9e3779b97f4a7c15ull;
	/* One instruction, or a signal handler could get the same number. */
	uint64_t z = ss_arch_fetch_add_local(&thread->random, step) + step;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	return z ? z : 1;
}

/* Ring full (or seems so): look at the drain's tail, wait if the policy says so. Returns whether
 * `records` fit now when `room` of the ring may be used. */
bool ss_ring_make_room(struct ss_ring *ring, uint64_t records, uint64_t room);
/* The ring is filled to the level at which the drain wants to be woken. */
void ss_ring_wake_drain(struct ss_ring *ring);

/* Reserves consecutive positions, leaving the headroom alone unless `closing`. False: full (the
 * caller counts). The compare-and-exchange makes it one step for this thread's signal handlers. */
static inline bool ss_ring_reserve(struct ss_ring *ring, uint64_t records, bool closing,
				   uint64_t *ret_position)
{
	uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	uint64_t room = ss_ring_capacity(ring) - (closing ? 0 : ss_ring_headroom(ring));

	do {
		while (unlikely(head + records - ring->seen_tail > room)) {
			if (!ss_ring_make_room(ring, records, room))
				return false;
			head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
		}
	} while (unlikely(!ss_arch_cmpxchg_local(&ring->head, &head, head + records)));
	*ret_position = head;
	return true;
}

/* Publishes the event at `position` (partner: ss_ring_peek), and only then looks at the level: the
 * fence is for the compiler, the drain's barrier for the processor. */
static inline void ss_ring_commit(struct ss_ring *ring, struct ss_event *event, uint64_t position)
{
	uint64_t used = position + event->records - ring->seen_tail;

	__atomic_store_n(&event->commit, (uint32_t)(position + 1), __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (unlikely(used >= __atomic_load_n(&ring->wake_level, __ATOMIC_RELAXED)))
		ss_ring_wake_drain(ring);
}

#endif
