/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/drain.h"
#include "tests/unit/collector/fixture.h"

static struct {
	size_t bytes;
	char *image;
} busy;

/* Spans open and closed, some with long logs, some in the rings still and some in the arena. */
static void busy_program(struct fixture *fixture, struct ss_drain *drain)
{
	struct payload payload = { 0 };
	char text[700];
	uint32_t i;

	memset(text, 'x', sizeof(text));
	payload_text(&payload, fixture->key_text, text, sizeof(text), 0);
	payload_int(&payload, fixture->key_number, -5);
	for (i = 1; i <= 24; i++) {
		fixture_open(fixture, i % 2, i % FIX_ENTRIES, i, i / 2, i % 5 ? NULL : &payload);
		fixture_point(fixture, 1 - i % 2, i, NULL);
		if (i > 6)
			fixture_close(fixture, i % 2, FIX_CLOSE, i - 6, i % SS_STATUS_COUNT, i,
				      i % 7 ? NULL : &payload);
		if (i == 16)
			ss_drain_batch(drain);
	}
}

static void make_busy(void)
{
	struct fixture fixture;
	struct ss_image_view view;
	struct ss_drain drain;
	struct stat status;
	const char *reason;
	char sums[128];

	fixture_make(&fixture, 2, 16384);
	strcat(strcpy(sums, fixture.directory), "/sums");
	fixture_metrics(&fixture, sums);
	if (ss_image_attach(fixture.image, &view, &reason) || ss_drain_init(&drain, &view))
		abort();
	busy_program(&fixture, &drain);
	ss_drain_deinit(&drain);
	if (stat(fixture.ring_path, &status))
		abort();
	busy.bytes = (size_t)status.st_size;
	busy.image = fixture_output(fixture.ring_path);
	fixture_remove(&fixture);
}

/* As a producer would, as far as the damaged file has a place for it. */
static void put_event(struct ring_file *file, uint32_t index, const uint8_t *data, size_t bytes)
{
	struct ss_image *image = (struct ss_image *)file->image;
	uint64_t rings = image->rings_off, at, count = (bytes + SS_RECORD_BYTES - 1) / 64;
	struct ss_ring *ring;
	struct ss_event *event;

	if (rings % 64 != 0 || rings > file->bytes ||
	    index >= (file->bytes - rings) / sizeof(*ring) || bytes < sizeof(*event))
		return;
	ring = (struct ss_ring *)(file->image + rings) + index;
	at = ring->data_off + (ring->head & ring->mask) * SS_RECORD_BYTES;
	if (at % 64 != 0 || at > file->bytes || bytes > file->bytes - at)
		return;
	event = memcpy(file->image + at, data, bytes);
	event->records = (uint16_t)count;
	if (event->payload_bytes > bytes - sizeof(*event))
		event->payload_bytes = (uint16_t)(bytes - sizeof(*event));
	event->commit = (uint32_t)(ring->head + 1);
	ring->head += count;
}

static void fill(struct ring_file *file, uint32_t offset, const uint8_t *data, size_t bytes)
{
	uint32_t count;

	if (bytes < sizeof(count) + 1)
		return;
	memcpy(&count, data, sizeof(count));
	if (offset > file->bytes)
		return;
	count = count < file->bytes - offset ? count : (uint32_t)(file->bytes - offset);
	memset(file->image + offset, data[sizeof(count)], count);
}

static void put(struct ring_file *file, const struct ring_part_head *head, const uint8_t *data)
{
	size_t room = sizeof(file->out) - file->out_bytes;

	switch (head->part % RING_PARTS) {
	case RING_BYTES:
		if (head->offset > RING_FILE_BYTES_MAX - head->bytes)
			return;
		memcpy(file->image + head->offset, data, head->bytes);
		if (file->bytes < head->offset + head->bytes)
			file->bytes = head->offset + head->bytes;
		return;
	case RING_EVENT:
		put_event(file, head->offset, data, head->bytes);
		return;
	case RING_FILL:
		fill(file, head->offset, data, head->bytes);
		return;
	case RING_SIZE:
		file->bytes = head->offset % RING_FILE_BYTES_MAX;
		return;
	default:
		room = head->bytes < room ? head->bytes : room;
		memcpy(file->out + file->out_bytes, data, room);
		file->out_bytes += room;
	}
}

static bool has_string(const struct ring_file *file, uint64_t strings, uint32_t offset)
{
	uint64_t at = strings + offset;

	return strings < file->bytes && at < file->bytes &&
	       memchr(file->image + at, 0, file->bytes - at) != NULL;
}

/* Nothing would be looked at behind sums that do not fit. */
static void seal(struct ring_file *file)
{
	struct ss_image *image = (struct ss_image *)file->image;
	const struct ss_binding_table *table;

	if (!has_string(file, image->strings_off, image->out_str) ||
	    !has_string(file, image->strings_off, image->metrics_str) ||
	    image->strings_used > file->bytes - image->strings_off || image->table_off % 8 != 0 ||
	    image->table_off > file->bytes || file->bytes - image->table_off < sizeof(*table))
		return;
	table = (const void *)(file->image + image->table_off);
	if (table->bytes <= file->bytes - image->table_off)
		fixture_seal(image);
}

void ring_file_expand(struct ring_file *file, const uint8_t *data, size_t bytes)
{
	struct ring_part_head head;
	size_t at = 1;

	if (!busy.image)
		make_busy();
	memset(file->image, 0, file->touched);
	file->bytes = file->out_bytes = file->touched = 0;
	if (bytes > 0 && data[0] % RING_BASES == RING_OVER_BUSY) {
		memcpy(file->image, busy.image, busy.bytes);
		file->bytes = file->touched = busy.bytes;
	}
	for (; at < bytes && bytes - at >= sizeof(head); at += head.bytes) {
		memcpy(&head, data + at, sizeof(head));
		at += sizeof(head);
		if (head.bytes > bytes - at)
			break;
		put(file, &head, data + at);
		file->touched = file->bytes > file->touched ? file->bytes : file->touched;
	}
	if (bytes > 0 && !(data[0] & RING_UNSEALED))
		seal(file);
}

static uint64_t nasty(void)
{
	static const uint64_t values[] = { 0,        1,          7,         64,         255,
					   4095,     4096,       65536,     UINT32_MAX, 1ull << 32,
					   1u << 20, 1ull << 40, INT64_MAX, UINT64_MAX, 16384 };

	return rand() % 2 ? values[rand() % 15] : (uint64_t)rand() << rand() % 33;
}

/* Somewhere in one of the structures of the busy program's file. */
static uint32_t somewhere(void)
{
	const struct ss_image *image = (const struct ss_image *)busy.image;
	const struct {
		uint64_t offset;
		uint32_t bytes;
	} areas[] = {
		{ 0, offsetof(struct ss_image, state) },
		{ offsetof(struct ss_image, state), 512 },
		{ offsetof(struct ss_image, batch), 48 },
		{ offsetof(struct ss_image, commit), 16 },
		{ image->rings_off, 2 * sizeof(struct ss_ring) },
		{ image->table_off, sizeof(struct ss_binding_table) },
		{ image->table_off, 2600 },
		{ image->strings_off, 512 },
		{ image->arena_off, 16384 },
		{ image->data_off, 32768 },
	};
	size_t i = (size_t)rand() % (sizeof(areas) / sizeof(*areas));

	return (uint32_t)(areas[i].offset + (uint32_t)rand() % areas[i].bytes);
}

static size_t make_number(struct ring_part_head *head, uint8_t *data)
{
	static const uint16_t widths[] = { 1, 2, 4, 8 };
	uint64_t value = nasty();

	head->part = RING_BYTES;
	head->bytes = widths[rand() % 4];
	head->offset = somewhere() & ~(head->bytes - 1u);
	memcpy(data, &value, head->bytes);
	return head->bytes;
}

static size_t make_attribute(uint8_t *data)
{
	struct ss_attr attr = { .type = (uint8_t)(rand() % (SS_ATTR_TYPES + 1)),
				.flags = (uint8_t)(rand() % 4) };
	uint32_t bytes = (uint32_t)rand() % 80;

	attr.key = rand() % 4 ? (uint32_t)rand() % 700 : (uint32_t)nasty();
	attr.i = (int64_t)nasty();
	if (attr.type < SS_ATTR_STRING || attr.type == SS_ATTR_NAME) {
		memcpy(data, &attr, sizeof(attr));
		return sizeof(attr);
	}
	attr.s.bytes = rand() % 8 ? bytes : (uint32_t)nasty();
	attr.s.length = rand() % 2 ? bytes : (uint32_t)nasty();
	memcpy(data, &attr, sizeof(attr));
	for (uint32_t i = 0; i < bytes; i++)
		data[sizeof(attr) + i] = (uint8_t)(rand() % 4 ? 'a' + rand() % 26 : rand());
	return sizeof(attr) + ((bytes + 7) & ~7u);
}

static size_t make_event(struct ring_part_head *head, uint8_t *data)
{
	uint32_t adapted = (uint32_t)SS_DIALECT_BASE + (uint32_t)rand() % SS_DIALECT_END;
	struct ss_event event = { .kind = (uint8_t)(rand() % (SS_EVENT_KINDS + 1)),
				  .hook = (uint8_t)(rand() % (SS_HOOK_COUNT + 1)),
				  .flags = (uint8_t)(rand() % 32),
				  .status = (uint8_t)(rand() % (SS_STATUS_COUNT + 1)),
				  .time = nasty(),
				  .span_id = (uint64_t)rand() % 40 };
	size_t bytes = sizeof(event);
	int count = rand() % 5;

	event.entry = rand() % 2 ? (uint32_t)rand() % (FIX_ENTRIES + 1) : adapted;
	event.open.parent_id = (uint64_t)rand() % 40;
	event.open.trace_hi = event.open.trace_lo = nasty();
	while (count-- > 0)
		bytes += make_attribute(data + bytes);
	event.payload_bytes = (uint16_t)(rand() % 8 ? bytes - sizeof(event) : nasty());
	memcpy(data, &event, sizeof(event));
	head->part = RING_EVENT;
	head->bytes = (uint16_t)bytes;
	head->offset = (uint32_t)rand() % 3;
	return bytes;
}

static size_t make_part(uint8_t *data)
{
	struct ring_part_head head = { 0 };
	size_t bytes = 0;

	switch (rand() % 8) {
	case 0:
		head.part = RING_FILL;
		head.offset = somewhere();
		head.bytes = 5;
		for (bytes = 0; bytes < head.bytes; bytes++)
			data[sizeof(head) + bytes] =
				(uint8_t)(bytes == 2 || bytes == 3 ? 0 : rand());
		break;
	case 7:
		head.part = RING_SIZE;
		head.offset = rand() % 2 ? somewhere() : (uint32_t)nasty();
		break;
	case 1:
	case 2:
	case 3:
		bytes = make_number(&head, data + sizeof(head));
		break;
	default:
		bytes = make_event(&head, data + sizeof(head));
	}
	memcpy(data, &head, sizeof(head));
	return sizeof(head) + bytes;
}

size_t ring_file_mutate(uint8_t *data, size_t bytes, size_t max, unsigned int seed,
			size_t (*mutate)(uint8_t *data, size_t bytes, size_t max))
{
	uint8_t part[1024];
	size_t added;

	if (!busy.image)
		make_busy();
	srand(seed);
	if (bytes < 1 || rand() % 2)
		return mutate(data, bytes, max);
	added = make_part(part);
	if (added > max - bytes)
		return mutate(data, bytes, max);
	memcpy(data + bytes, part, added);
	return bytes + added;
}
