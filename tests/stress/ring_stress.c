/* SPDX-License-Identifier: Apache-2.0
 *
 * Producers and one consumer at the smallest rings, with the shim's own emit.c and the reader's
 * ss_ring_peek: order, content and losses must be exact. Meant for ThreadSanitizer, which then sees
 * both sides' accesses; emit.c is compiled here without the hot side's options.
 * Usage: ring_stress drop|block PRODUCERS SPANS
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/config.h"
#include "shim/emit.h"
#include "shim/hot.h"
#include "tests/stress/require.h"

#define PRODUCERS_MAX 16
#define TEXT_MAX      3000u
#define KEY           100u

/* What the shim's other files would define. */
__thread struct ss_thread ss_thread;
struct ss_image *ss_image;
bool ss_retired;

struct producer {
	pthread_t thread;
	struct ss_ring *ring;
	uint64_t spans, emitted_opens, emitted_closes;
	/* the consumer's account */
	uint64_t position, opens, closes, next, text_bytes;
	uint64_t open_id; /* whose text is being read; 0: none */
};

static struct producer producers[PRODUCERS_MAX];
static int producer_count, running;

static uint32_t text_bytes(uint64_t id)
{
	return id % 5 ? id * 7 % 200 : id * 131 % TEXT_MAX;
}

static char text_byte(uint64_t id, uint64_t at)
{
	return (char)(id * 31 + at * 17);
}

static bool emit(struct producer *p, uint8_t kind, uint64_t id, const char *text)
{
	static const struct ss_span_ref root;
	struct ss_taken taken = { .key = KEY,
				  .type = SS_ATTR_STRING,
				  .text = text,
				  .bytes = text_bytes(id),
				  .length = text_bytes(id) };
	struct ss_emission emission = { .time = id,
					.span_id = id,
					.parent = &root,
					.result = (int64_t)id,
					.taken = &taken,
					.count = kind == SS_EVENT_OPEN,
					.entry = (uint32_t)(p - producers),
					.kind = kind };

	return ss_emit(&ss_thread, &emission);
}

static void *produce(void *arg)
{
	struct producer *p = arg;
	char text[TEXT_MAX];

	ss_thread.ring = p->ring;
	ss_thread.tid = (uint32_t)(p - producers);
	for (uint64_t id = 1; id <= p->spans; id++) {
		for (uint32_t i = 0; i < text_bytes(id); i++)
			text[i] = text_byte(id, i);
		if (!emit(p, SS_EVENT_OPEN, id, text))
			continue;
		p->emitted_opens++;
		p->emitted_closes += emit(p, SS_EVENT_CLOSE, id, NULL);
	}
	__atomic_sub_fetch(&running, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Copies an event's payload out of the ring, where it may wrap. */
static void copy_payload(const struct producer *p, const struct ss_event *event, char *ret_payload)
{
	for (uint32_t at = 0; at < event->payload_bytes; at += SS_RECORD_BYTES) {
		uint32_t left = event->payload_bytes - at;

		memcpy(ret_payload + at,
		       ss_ring_record(ss_image, p->ring, p->position + 1 + at / SS_RECORD_BYTES),
		       left < SS_RECORD_BYTES ? left : SS_RECORD_BYTES);
	}
}

static void read_text(struct producer *p, const struct ss_event *event)
{
	char payload[SS_EVENT_PAYLOAD_MAX];
	const struct ss_attr *attr = (const struct ss_attr *)payload;

	if (event->payload_bytes == 0)
		return;
	copy_payload(p, event, payload);
	REQUIRE(attr->key == KEY && attr->type == SS_ATTR_STRING);
	REQUIRE(event->payload_bytes == sizeof(*attr) + ((attr->s.bytes + 7) & ~7u));
	REQUIRE(attr->s.length == text_bytes(event->span_id));
	REQUIRE(!(attr->flags & SS_ATTR_CONTINUES) == (p->text_bytes == 0));
	for (uint32_t i = 0; i < attr->s.bytes; i++)
		REQUIRE(payload[sizeof(*attr) + i] == text_byte(event->span_id, p->text_bytes + i));
	p->text_bytes += attr->s.bytes;
}

static void read_event(struct producer *p, const struct ss_event *event)
{
	REQUIRE(event->time == event->span_id && event->span_id >= p->next);
	REQUIRE(event->entry == (uint32_t)(p - producers));
	if (event->kind == SS_EVENT_OPEN) {
		REQUIRE(p->open_id == 0);
		p->opens++;
		p->open_id = event->span_id;
		p->text_bytes = 0;
		read_text(p, event);
	} else if (event->kind == SS_EVENT_ATTR) {
		REQUIRE(p->open_id == event->span_id);
		read_text(p, event);
	} else {
		REQUIRE(event->kind == SS_EVENT_CLOSE && p->open_id == event->span_id);
		REQUIRE(event->close.result == (int64_t)event->span_id);
		if (ss_image->on_full == SS_ON_FULL_BLOCK)
			REQUIRE(p->text_bytes == text_bytes(event->span_id));
		p->closes++;
		p->open_id = 0;
		p->next = event->span_id + 1;
	}
}

/* Reads up to a few events of each ring; whether there were any. */
static bool consume(void)
{
	bool any = false;

	for (int i = 0; i < producer_count; i++) {
		struct producer *p = &producers[i];

		for (int n = 0; n < 8; n++) {
			struct ss_event *event = ss_ring_peek(ss_image, p->ring, p->position);

			if (!event)
				break;
			REQUIRE(event->records >= 1 && event->records <= SS_EVENT_RECORDS_MAX);
			read_event(p, event);
			p->position += event->records;
			any = true;
		}
		__atomic_store_n(&p->ring->tail, p->position, __ATOMIC_RELEASE);
	}
	__atomic_add_fetch(&ss_image->space, 1, __ATOMIC_RELEASE);
	if (__atomic_load_n(&ss_image->space_waiters, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &ss_image->space, FUTEX_WAKE, producer_count, NULL, NULL, 0);
	return any;
}

/* As the drain sleeps: levels set, one more look, then the futex. */
static void sleep_until_woken(void)
{
	static const struct timespec limit = { 0, 10000000 };
	uint32_t wake = __atomic_load_n(&ss_image->wake, __ATOMIC_ACQUIRE);

	for (int i = 0; i < producer_count; i++)
		__atomic_store_n(&producers[i].ring->wake_level, 16, __ATOMIC_RELAXED);
	if (!consume())
		syscall(SYS_futex, &ss_image->wake, FUTEX_WAIT, wake, &limit, NULL, 0);
}

static void make_image(bool block)
{
	size_t header = (sizeof(struct ss_image) + 63) & ~63ul;
	size_t rings = PRODUCERS_MAX * sizeof(struct ss_ring);
	size_t bytes = header + rings + PRODUCERS_MAX * SS_RING_BYTES_MIN;
	struct ss_ring *ring;

	ss_image = aligned_alloc(64, bytes);
	REQUIRE(ss_image);
	memset(ss_image, 0, bytes);
	ss_image->on_full = block ? SS_ON_FULL_BLOCK : SS_ON_FULL_DROP;
	ss_image->drain_state = SS_DRAIN_RUNNING;
	ring = (struct ss_ring *)((char *)ss_image + header);
	for (int i = 0; i < PRODUCERS_MAX; i++) {
		ring[i].data_off = header + rings + (size_t)i * SS_RING_BYTES_MIN;
		ring[i].mask = SS_RING_BYTES_MIN / SS_RECORD_BYTES - 1;
		ring[i].wake_level = 16;
		producers[i].ring = &ring[i];
	}
}

static void run(uint64_t spans)
{
	running = producer_count;
	for (int i = 0; i < producer_count; i++) {
		producers[i].spans = spans;
		REQUIRE(!pthread_create(&producers[i].thread, NULL, produce, &producers[i]));
	}
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE))
		if (!consume())
			sleep_until_woken();
	for (int i = 0; i < producer_count; i++)
		REQUIRE(!pthread_join(producers[i].thread, NULL));
	while (consume())
		;
}

int main(int argc, char **argv)
{
	uint64_t written = 0, dropped = 0;

	if (argc != 4)
		return 2;
	producer_count = atoi(argv[2]);
	if (producer_count < 1 || producer_count > PRODUCERS_MAX)
		return 2;
	make_image(!strcmp(argv[1], "block"));
	run(strtoull(argv[3], NULL, 10));
	for (int i = 0; i < producer_count; i++) {
		struct producer *p = &producers[i];
		uint64_t *lost = p->ring->dropped[SS_DROP_RING_FULL];

		REQUIRE(p->opens == p->emitted_opens);
		REQUIRE(p->opens + lost[SS_EVENT_OPEN] == p->spans);
		REQUIRE(p->closes == p->opens && p->emitted_closes == p->opens);
		REQUIRE(lost[SS_EVENT_CLOSE] == 0 && p->open_id == 0);
		written += p->opens;
		dropped += lost[SS_EVENT_OPEN];
	}
	if (ss_image->on_full == SS_ON_FULL_BLOCK)
		REQUIRE(dropped == 0);
	printf("written %llu dropped %llu\n", (unsigned long long)written,
	       (unsigned long long)dropped);
	free(ss_image);
	return 0;
}
