/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition)                    \
	do {                                \
		if (!(condition)) {         \
			perror(#condition); \
			abort();            \
		}                           \
	} while (0)

struct table {
	struct ss_binding_table head;
	struct ss_binding bindings[3];
	struct ss_entry entries[FIX_ENTRIES];
	struct ss_code codes[1];
	struct ss_constant constants[1];
};

static uint32_t string(char *area, uint32_t *used, const char *text)
{
	uint32_t at = *used;

	strcpy(area + at, text);
	*used += (uint32_t)strlen(text) + 1;
	return at;
}

static struct ss_span_of array(const struct table *table, const void *at, uint32_t count)
{
	return (struct ss_span_of){ (uint32_t)((const char *)at - (const char *)table), count };
}

static void make_table(struct fixture *f, struct table *t, char *area, uint32_t *used)
{
	t->head.magic = SS_BINDING_MAGIC;
	t->head.version = SS_BINDING_VERSION;
	t->head.bytes = sizeof(*t);
	t->head.bindings = array(t, t->bindings, 3);
	t->head.entries = array(t, t->entries, FIX_ENTRIES);
	t->head.codes = array(t, t->codes, 1);
	t->head.constants = array(t, t->constants, 1);
	t->bindings[0] =
		(struct ss_binding){ .name = string(area, used, "calc"), .entry_count = 1 };
	t->bindings[1] = (struct ss_binding){ .name = string(area, used, "db"),
					      .first_entry = 1,
					      .entry_count = FIX_PYTHON - 1,
					      .constant_count = 1,
					      .code_count = 1 };
	t->bindings[2] = (struct ss_binding){ .name = string(area, used, "talk"),
					      .first_entry = FIX_PYTHON,
					      .entry_count = 1 };
	t->entries[FIX_CALL] = (struct ss_entry){ .when = SS_WHEN_CALL,
						  .symbol = string(area, used, "calc_run"),
						  .span_name = string(area, used, "action calc") };
	t->entries[FIX_SESSION] =
		(struct ss_entry){ .when = SS_WHEN_OPEN,
				   .binding = 1,
				   .symbol = string(area, used, "db_open"),
				   .span_name = string(area, used, "session db") };
	t->entries[FIX_CLOSE] = (struct ss_entry){ .when = SS_WHEN_CLOSE,
						   .binding = 1,
						   .symbol = string(area, used, "db_close") };
	t->entries[FIX_ACTION] =
		(struct ss_entry){ .when = SS_WHEN_OPEN,
				   .binding = 1,
				   .symbol = string(area, used, "db_prepare"),
				   .span_name = string(area, used, "action db"),
				   .error_code_key = string(area, used, "db.code") };
	t->entries[FIX_STEP] = (struct ss_entry){ .when = SS_WHEN_EVENT,
						  .binding = 1,
						  .symbol = string(area, used, "db_step"),
						  .event_name = string(area, used, "row"),
						  .stream_name = string(area, used, "stream db") };
	t->entries[FIX_PYTHON] =
		(struct ss_entry){ .when = SS_WHEN_CALL,
				   .binding = 2,
				   .flags = SS_ENTRY_PYTHON,
				   .symbol = string(area, used, "talk.client:Talk.ask"),
				   .span_name = string(area, used, "action talk") };
	t->codes[0] = (struct ss_code){ 5, string(area, used, "BUSY"), 0 };
	t->constants[0] = (struct ss_constant){ string(area, used, "db.system"),
						string(area, used, "testdb") };
	f->key_text = string(area, used, "text");
	f->key_number = string(area, used, "number");
	f->key_real = string(area, used, "real");
	f->key_flag = string(area, used, "flag");
}

static uint64_t sum_text(uint64_t sum, const char *text)
{
	return ss_image_sum(sum, text, strlen(text));
}

void fixture_seal(struct ss_image *image)
{
	const char *base = (const char *)image, *strings = base + image->strings_off;
	const struct ss_binding_table *table = (const void *)(base + image->table_off);

	image->paths_sum = sum_text(0, strings + image->out_str);
	if (image->metrics_str)
		image->paths_sum = sum_text(image->paths_sum, strings + image->metrics_str);
	image->names_sum = ss_image_sum(0, strings, image->strings_used);
	image->names_sum = ss_image_sum(image->names_sum, (const char *)table, table->bytes);
}

static void fill(struct fixture *f, uint32_t rings, uint64_t ring_bytes, const char *out)
{
	struct ss_image *image = f->image;
	char *area = (char *)image + image->strings_off;
	uint32_t used = SS_KEY_RESERVED + 1, i;

	make_table(f, (struct table *)((char *)image + image->table_off), area, &used);
	image->version = SS_IMAGE_VERSION;
	image->ring_count = image->rings_used = rings;
	image->clock = SS_CLOCK_MONOTONIC;
	image->nonce = 0x0123456789abcdefull;
	image->pid = 0x3fffffff;
	image->out_str = string(area, &used, out);
	image->program_str = string(area, &used, "prog");
	image->executable_str = string(area, &used, "/usr/bin/prog");
	image->ring_file_str = string(area, &used, f->ring_path);
	image->strings_used = used;
	image->flush_ms = 20;
	image->attribute_count_limit = image->event_count_limit = 128;
	image->event_attribute_count_limit = image->link_count_limit = 128;
	image->attribute_value_limit = UINT32_MAX;
	image->calibration[0] = (struct ss_calibration){ 1000, 1000000000 };
	image->start_mono_ns = image->calibration[0].ticks; /* its clock is that one */
	image->state = SS_IMAGE_LIVE;
	for (i = 0; i < rings; i++) {
		struct ss_ring *ring = (struct ss_ring *)((char *)image + image->rings_off) + i;

		ring->mask = (uint32_t)(ring_bytes / SS_RECORD_BYTES) - 1;
		ring->data_off = image->data_off + i * ring_bytes;
		ring->state = SS_RING_OWNED;
	}
	fixture_seal(image);
	image->magic = SS_IMAGE_MAGIC;
}

void fixture_make_out(struct fixture *f, uint32_t rings, uint64_t ring_bytes, const char *out)
{
	struct ss_image shape = { 0 };
	int fd;

	strcpy(f->directory, "/tmp/spanshim-test-XXXXXX");
	CHECK(mkdtemp(f->directory) != NULL);
	snprintf(f->ring_path, sizeof(f->ring_path), "%s/1073741823-0123456789abcdef.ring",
		 f->directory);
	snprintf(f->out_path, sizeof(f->out_path), "%s/out.jsonl", f->directory);
	f->now = 2000;
	shape.rings_off = (sizeof(shape) + 63) & ~63ull;
	shape.strings_off = shape.rings_off + rings * sizeof(struct ss_ring);
	shape.strings_bytes = 4096;
	shape.table_off = shape.strings_off + shape.strings_bytes;
	shape.data_off = (shape.table_off + sizeof(struct table) + 4095) & ~4095ull;
	shape.data_bytes = rings * ring_bytes;
	shape.arena_off = (shape.data_off + shape.data_bytes + 4095) & ~4095ull;
	shape.file_bytes = f->bytes = shape.arena_off;
	fd = open(f->ring_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)f->bytes) == 0);
	f->image = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(f->image != MAP_FAILED);
	close(fd);
	memcpy(f->image, &shape, offsetof(struct ss_image, state));
	fill(f, rings, ring_bytes, out ? out : f->out_path);
}

void fixture_make(struct fixture *f, uint32_t rings, uint64_t ring_bytes)
{
	fixture_make_out(f, rings, ring_bytes, NULL);
}

void fixture_metrics(struct fixture *f, const char *path)
{
	char *area = (char *)f->image + f->image->strings_off;

	f->image->metrics_str = string(area, &f->image->strings_used, path);
	f->image->metrics_ms = 60000;
	f->image->start_ns = f->image->calibration[0].unix_ns;
	fixture_seal(f->image);
}

void fixture_remove(struct fixture *f)
{
	char command[128];

	munmap(f->image, f->bytes);
	snprintf(command, sizeof(command), "rm -rf %s", f->directory);
	CHECK(system(command) == 0);
}

static struct ss_attr *add(struct payload *payload, uint32_t key, uint8_t type)
{
	struct ss_attr *attr = (struct ss_attr *)(payload->data + payload->bytes);

	*attr = (struct ss_attr){ .key = key, .type = type };
	payload->bytes += sizeof(*attr);
	return attr;
}

void payload_int(struct payload *payload, uint32_t key, int64_t value)
{
	add(payload, key, SS_ATTR_INT)->i = value;
}

void payload_double(struct payload *payload, uint32_t key, double value)
{
	add(payload, key, SS_ATTR_DOUBLE)->d = value;
}

void payload_bool(struct payload *payload, uint32_t key, int value)
{
	add(payload, key, SS_ATTR_BOOL)->i = value;
}

void payload_bytes(struct payload *payload, uint32_t key, uint8_t type, const void *data,
		   uint32_t bytes, uint8_t flags)
{
	struct ss_attr *attr = add(payload, key, type);

	attr->flags = flags;
	attr->s.bytes = attr->s.length = bytes;
	memcpy(payload->data + payload->bytes, data, bytes);
	payload->bytes += (bytes + 7) & ~7u;
}

void payload_text(struct payload *payload, uint32_t key, const char *text, uint32_t bytes,
		  uint8_t flags)
{
	payload_bytes(payload, key, SS_ATTR_STRING, text, bytes, flags);
}

void payload_strings(struct payload *payload, uint32_t key, const char *const *texts,
		     uint32_t count)
{
	char data[2048];
	uint32_t used = 0, i;

	for (i = 0; i < count; i++) {
		uint32_t bytes = (uint32_t)strlen(texts[i]);

		memcpy(data + used, &bytes, sizeof(bytes));
		memcpy(data + used + sizeof(bytes), texts[i], bytes);
		used += (uint32_t)sizeof(bytes) + bytes;
	}
	payload_bytes(payload, key, SS_ATTR_STRINGS, data, used, 0);
}

uint64_t fixture_put(struct fixture *f, uint32_t index, const struct ss_event *event,
		     const struct payload *payload)
{
	struct ss_ring *ring = (struct ss_ring *)((char *)f->image + f->image->rings_off) + index;
	uint32_t bytes = payload ? payload->bytes : 0, i;
	uint16_t records = (uint16_t)(1 + (bytes + SS_RECORD_BYTES - 1) / SS_RECORD_BYTES);
	uint64_t position = ring->head;
	struct ss_event *record;

	if (position + records - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >
	    (uint64_t)ring->mask + 1)
		return UINT64_MAX;
	__atomic_store_n(&ring->head, position + records, __ATOMIC_RELAXED);
	record = ss_ring_record(f->image, ring, position);
	for (i = 1; i < records; i++)
		memcpy(ss_ring_record(f->image, ring, position + i),
		       payload->data + (i - 1) * SS_RECORD_BYTES, SS_RECORD_BYTES);
	*record = *event;
	record->records = records;
	record->payload_bytes = (uint16_t)bytes;
	__atomic_store_n(&record->commit, (uint32_t)(position + 1), __ATOMIC_RELEASE);
	return position;
}

uint64_t fixture_open(struct fixture *f, uint32_t ring, uint32_t entry, uint64_t id,
		      uint64_t parent, const struct payload *payload)
{
	struct ss_event event = { .kind = SS_EVENT_OPEN,
				  .hook = SS_HOOK_COMPONENT_PRE_EXECUTE,
				  .time = f->now++,
				  .span_id = id,
				  .entry = entry,
				  .open = { parent, 0xa0a1a2a3a4a5a6a7ull, 0xb0b1b2b3b4b5b6b7ull,
					    100 + ring, 0 } };

	return fixture_put(f, ring, &event, payload);
}

uint64_t fixture_close(struct fixture *f, uint32_t ring, uint32_t entry, uint64_t id,
		       uint8_t status, int64_t result, const struct payload *payload)
{
	struct ss_event event = { .kind = SS_EVENT_CLOSE,
				  .hook = SS_HOOK_COMPONENT_POST_SUCCESS,
				  .time = f->now++,
				  .span_id = id,
				  .entry = entry,
				  .status = status,
				  .close = { .result = result, .tid = 100 + ring } };

	return fixture_put(f, ring, &event, payload);
}

uint64_t fixture_point(struct fixture *f, uint32_t ring, uint64_t id, const struct payload *payload)
{
	struct ss_event event = { .kind = SS_EVENT_POINT,
				  .hook = SS_HOOK_STREAMING_EVENT,
				  .time = f->now++,
				  .span_id = id,
				  .entry = FIX_STEP,
				  .close = { .tid = 100 + ring } };

	return fixture_put(f, ring, &event, payload);
}

char *fixture_output(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *text;

	if (fd < 0)
		return strdup("");
	CHECK(fstat(fd, &status) == 0);
	text = calloc(1, (size_t)status.st_size + 1);
	CHECK(text != NULL && read(fd, text, (size_t)status.st_size) == status.st_size);
	close(fd);
	return text;
}

uint32_t fixture_count(const char *text, const char *needle)
{
	const char *end = text + strlen(text);
	size_t bytes = strlen(needle);
	uint32_t count = 0;

	/* Not strstr: under ASan it measures the rest of the text each time. */
	while ((text = memmem(text, (size_t)(end - text), needle, bytes)) != NULL) {
		count++;
		text += bytes;
	}
	return count;
}

uint32_t fixture_spans(const char *text, uint64_t id)
{
	char needle[48];

	snprintf(needle, sizeof(needle), "\"spanId\":\"%016llx\"", (unsigned long long)id);
	return fixture_count(text, needle);
}

void fixture_copy(const char *from, const char *to)
{
	char buffer[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t got;

	CHECK(in >= 0 && out >= 0);
	while ((got = read(in, buffer, sizeof(buffer))) > 0)
		CHECK(write(out, buffer, (size_t)got) == got);
	close(in);
	close(out);
}
