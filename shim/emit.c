/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/emit.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "shim/config.h"

#define LONG_BYTES 1024u /* strings above this leave the main event */
#define CHUNK_BYTES \
	960u /* of a long string per ATTR event: 16 records, a quarter of the smallest ring */
#define POINT_BYTES 4096u /* a span event's strings are cut here */
#define SEPARATE    UINT32_MAX

void ss_emit_lost(struct ss_thread *thread, uint32_t reason, uint32_t kind)
{
	if (thread->ring)
		ss_arch_add_local(&thread->ring->dropped[reason][kind], 1);
	/* After the last flush the process is as good as gone: no loss, only too late. */
	else if (ss_image && thread->generation != SS_GENERATION_FINISHED)
		__atomic_fetch_add(&ss_image->dropped[reason][kind], 1, __ATOMIC_RELAXED);
}

void ss_image_wake_drain(struct ss_image *image)
{
	if (unlikely(ss_retired))
		return;
	__atomic_fetch_add(&image->wake, 1, __ATOMIC_RELEASE);
	ss_arch_syscall6(SYS_futex, (long)&image->wake, FUTEX_WAKE, 1, 0, 0, 0);
}

void ss_ring_wake_drain(struct ss_ring *ring)
{
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

	/* seen_tail may be long out of date: look again before paying for a system call. */
	ring->seen_tail = tail;
	if (ring->head - tail < __atomic_load_n(&ring->wake_level, __ATOMIC_RELAXED))
		return;
	/* Once per filling: the drain sets the level anew when it goes back to sleep. */
	__atomic_store_n(&ring->wake_level, UINT32_MAX, __ATOMIC_RELAXED);
	ss_image_wake_drain(ss_image);
}

static bool drain_alive(const struct ss_image *image)
{
	uint32_t state = __atomic_load_n(&image->drain_state, __ATOMIC_ACQUIRE);

	return state == SS_DRAIN_STARTING || state == SS_DRAIN_RUNNING;
}

/* SPANSHIM_ON_FULL=block. Waits in steps of 10 ms at most, so that a missed wake-up costs no more.
 */
static void wait_for_space(struct ss_image *image)
{
	struct {
		int64_t seconds, ns;
	} step = { 0, 10000000 };
	uint32_t space = __atomic_load_n(&image->space, __ATOMIC_ACQUIRE);

	__atomic_fetch_add(&image->space_waiters, 1, __ATOMIC_SEQ_CST);
	ss_image_wake_drain(image);
	ss_arch_syscall6(SYS_futex, (long)&image->space, FUTEX_WAIT, space, (long)&step, 0, 0);
	__atomic_fetch_sub(&image->space_waiters, 1, __ATOMIC_RELAXED);
}

bool ss_ring_make_room(struct ss_ring *ring, uint64_t records, uint64_t room)
{
	struct ss_image *image = ss_image;

	if (records > room)
		return false;
	for (;;) {
		/* Partner: the drain's release store of tail: what it has read may be overwritten
		 * now. */
		ring->seen_tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
		if (ring->head + records - ring->seen_tail <= room)
			return true;
		if (image->on_full != SS_ON_FULL_BLOCK || !drain_alive(image))
			return false;
		wait_for_space(image);
	}
}

/* Where the next payload word goes; records of an event follow each other modulo the ring. */
struct cursor {
	struct ss_ring *ring;
	uint64_t position;
	uint32_t offset; /* in the record, bytes */
};

static void put_word(struct cursor *cursor, uint64_t word)
{
	char *record = (char *)ss_ring_record(ss_image, cursor->ring, cursor->position);

	*(uint64_t *)(record + cursor->offset) = word;
	cursor->offset += 8;
	if (cursor->offset == SS_RECORD_BYTES) {
		cursor->offset = 0;
		cursor->position++;
	}
}

static void put_text(struct cursor *cursor, const char *text, uint32_t bytes)
{
	uint64_t word;

	for (; bytes >= 8; bytes -= 8, text += 8) {
		__builtin_memcpy(&word, text, sizeof(word)); /* text may start anywhere */
		put_word(cursor, word);
	}
	if (!bytes)
		return;
	word = 0;
	for (uint32_t i = 0; i < bytes; i++)
		word |= (uint64_t)(uint8_t)text[i] << (8 * i);
	put_word(cursor, word);
}

/* Has bytes behind it, its length in value.s. */
static bool has_text(const struct ss_taken *taken)
{
	return taken->type == SS_ATTR_STRING || taken->type == SS_ATTR_STACK ||
	       taken->type == SS_ATTR_STRINGS;
}

static void put_attribute(struct cursor *cursor, const struct ss_taken *taken, const char *text,
			  uint32_t bytes, uint32_t flags)
{
	put_word(cursor, taken->key | (uint64_t)taken->type << 32 | (uint64_t)flags << 40);
	if (!has_text(taken)) {
		put_word(cursor, (uint64_t)taken->i);
		return;
	}
	put_word(cursor, bytes | (uint64_t)taken->length << 32);
	put_text(cursor, text, bytes);
}

/* How many bytes of each attribute's text go into the main event; SEPARATE: all of it into ATTR
 * events. A span event's attributes cannot follow later, so its texts are cut instead. Returns the
 * payload's size. */
static uint32_t plan(const struct ss_thread *thread, const struct ss_emission *e, uint32_t *sizes)
{
	uint64_t room = ss_ring_headroom(thread->ring) * SS_RECORD_BYTES;
	uint32_t budget = room < SS_EVENT_PAYLOAD_MAX ? (uint32_t)room : SS_EVENT_PAYLOAD_MAX;
	uint32_t payload = 0;

	/* Room for the fixed part of every attribute. */
	budget -= e->count * sizeof(struct ss_attr);
	for (uint32_t i = 0; i < e->count; i++) {
		const struct ss_taken *taken = &e->taken[i];
		uint32_t bytes = has_text(taken) ? taken->bytes : 0;

		sizes[i] = bytes;
		if (e->kind == SS_EVENT_POINT)
			sizes[i] = bytes < POINT_BYTES ? bytes : POINT_BYTES;
		else if (bytes > LONG_BYTES || ((bytes + 7) & ~7u) > budget)
			sizes[i] = SEPARATE;
		if (sizes[i] == SEPARATE)
			continue;
		if (sizes[i] > budget)
			sizes[i] = budget & ~7u;
		budget -= (sizes[i] + 7) & ~7u;
		payload += sizeof(struct ss_attr) + ((sizes[i] + 7) & ~7u);
	}
	return payload;
}

/* A text too long for its event, in pieces. A piece that is lost ends it: what follows would be
 * put in the wrong place. */
static void emit_long(struct ss_thread *thread, const struct ss_emission *e,
		      const struct ss_taken *taken)
{
	struct ss_emission part = { .kind = SS_EVENT_ATTR,
				    .hook = e->hook,
				    .time = e->time,
				    .span_id = e->span_id,
				    .entry = e->entry };
	uint32_t done = 0;

	while (done < taken->bytes) {
		uint32_t bytes =
			taken->bytes - done < CHUNK_BYTES ? taken->bytes - done : CHUNK_BYTES;
		uint32_t flags = taken->flags | (done ? SS_ATTR_CONTINUES : 0);
		uint32_t payload = sizeof(struct ss_attr) + ((bytes + 7) & ~7u);
		struct cursor cursor = { thread->ring, 0, 0 };
		struct ss_event *event;
		uint64_t position;

		if (!ss_ring_reserve(thread->ring, ss_emit_records(payload), false, &position)) {
			ss_emit_lost(thread, SS_DROP_RING_FULL, SS_EVENT_ATTR);
			return;
		}
		event = ss_ring_record(ss_image, thread->ring, position);
		ss_emit_head(event, &part, payload, thread->tid);
		cursor.position = position + 1;
		put_attribute(&cursor, taken, taken->text + done, bytes, flags);
		ss_ring_commit(thread->ring, event, position);
		done += bytes;
	}
}

static void emit_separate(struct ss_thread *thread, const struct ss_emission *e,
			  const uint32_t *sizes)
{
	for (uint32_t i = 0; i < e->count; i++)
		if (sizes[i] == SEPARATE)
			emit_long(thread, e, &e->taken[i]);
}

static bool emit_main(struct ss_thread *thread, const struct ss_emission *e, const uint32_t *sizes,
		      uint32_t payload)
{
	struct ss_ring *ring = thread->ring;
	struct cursor cursor = { ring, 0, 0 };
	bool closing = e->kind == SS_EVENT_CLOSE;
	struct ss_event *event;
	uint64_t position;

	if (unlikely(!ss_ring_reserve(ring, ss_emit_records(payload), closing, &position))) {
		ss_emit_lost(thread, SS_DROP_RING_FULL, e->kind);
		return false;
	}
	event = ss_ring_record(ss_image, ring, position);
	ss_emit_head(event, e, payload, thread->tid);
	cursor.position = position + 1;
	for (uint32_t i = 0; i < e->count; i++) {
		const struct ss_taken *taken = &e->taken[i];
		bool cut =
			has_text(taken) && taken->type != SS_ATTR_STACK && sizes[i] < taken->bytes;

		if (sizes[i] != SEPARATE)
			put_attribute(&cursor, taken, taken->text, sizes[i],
				      taken->flags | (cut ? SS_ATTR_CUT : 0));
	}
	ss_ring_commit(ring, event, position);
	return true;
}

bool ss_emit(struct ss_thread *thread, const struct ss_emission *e)
{
	uint32_t sizes[SS_TAKEN_MAX];

	return e->count ? ss_emit_many(thread, e, sizes) : ss_emit_bare(thread, e);
}

bool ss_emit_many(struct ss_thread *thread, const struct ss_emission *e, uint32_t *sizes)
{
	uint32_t payload;

	if (unlikely(!thread->ring)) {
		ss_emit_lost(thread, SS_DROP_NO_RING, e->kind);
		return false;
	}
	payload = plan(thread, e, sizes);
	/* A span's further attributes follow its opening event but precede its closing one. */
	if (e->kind != SS_EVENT_OPEN)
		emit_separate(thread, e, sizes);
	if (unlikely(!emit_main(thread, e, sizes, payload)))
		return false;
	if (e->kind == SS_EVENT_OPEN)
		emit_separate(thread, e, sizes);
	return true;
}
