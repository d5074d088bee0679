/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#define READ_BYTES 65536u

/* Span flags of OTLP (trace.proto, SpanFlags): bit 8 says that bit 9, "is remote", is known. */
#define FLAG_HAS_REMOTE 0x100u
#define FLAG_IS_REMOTE  0x200u

int ss_dump_open(const char *path, struct ss_dump_reader *ret_reader)
{
	struct ss_dump_reader reader = { .fd = STDIN_FILENO };

	if (strcmp(path, "-") != 0) {
		reader.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (reader.fd < 0)
			return -errno;
	}
	*ret_reader = reader;
	return 0;
}

void ss_dump_close(struct ss_dump_reader *reader)
{
	free(reader->buffer);
	reader->buffer = NULL;
	if (reader->fd > STDERR_FILENO)
		close(reader->fd);
	reader->fd = -1;
}

static int make_room(struct ss_dump_reader *reader)
{
	size_t capacity = reader->capacity ? 2 * reader->capacity : 2 * READ_BYTES;
	char *buffer;

	if (reader->start) {
		memmove(reader->buffer, reader->buffer + reader->start,
			reader->used - reader->start);
		reader->used -= reader->start;
		reader->scanned -= reader->start;
		reader->start = 0;
	}
	if (reader->capacity - reader->used >= READ_BYTES)
		return 0;
	buffer = realloc(reader->buffer, capacity);
	if (!buffer)
		return -ENOMEM;
	reader->buffer = buffer;
	reader->capacity = capacity;
	return 0;
}

static int fill(struct ss_dump_reader *reader)
{
	ssize_t bytes;
	int r = make_room(reader);

	if (r)
		return r;
	do
		bytes = read(reader->fd, reader->buffer + reader->used, READ_BYTES);
	while (bytes < 0 && errno == EINTR);
	if (bytes < 0)
		return -errno;
	reader->at_end = bytes == 0;
	reader->used += bytes;
	reader->bytes += bytes;
	return 0;
}

static const char *find_newline(struct ss_dump_reader *reader)
{
	const char *newline = NULL;

	if (reader->used > reader->scanned)
		newline = memchr(reader->buffer + reader->scanned, '\n',
				 reader->used - reader->scanned);
	reader->scanned = reader->used;
	return newline;
}

int ss_dump_next(struct ss_dump_reader *reader, struct ss_dump_line *ret_line)
{
	struct ss_dump_line line = { .number = reader->number + 1 };
	const char *newline;
	size_t skipped = 0;
	int r;

	while (!(newline = find_newline(reader)) && !reader->at_end) {
		if (reader->used - reader->start > SS_DUMP_LINE_MAX) {
			skipped += reader->used - reader->start;
			reader->start = reader->used;
		}
		r = fill(reader);
		if (r)
			return r;
	}
	line.text = reader->buffer + reader->start;
	line.bytes = (newline ? newline : reader->buffer + reader->used) - line.text;
	line.ended = newline != NULL;
	if (!line.ended && !line.bytes && !skipped)
		return 0;
	reader->start += line.bytes + line.ended;
	reader->scanned = reader->start;
	reader->number = line.number;
	line.bytes += skipped;
	line.too_long = line.bytes > SS_DUMP_LINE_MAX;
	if (line.too_long)
		line.text = "";
	*ret_line = line;
	return 1;
}

void ss_dump_put_back(struct ss_dump_reader *reader, const struct ss_dump_line *line)
{
	if (!line->too_long)
		reader->start = (size_t)(line->text - reader->buffer);
	reader->scanned = reader->start;
	reader->number--;
	reader->at_end = false;
}

int ss_dump_parse(const struct ss_dump_line *line, struct cJSON **ret_json, size_t *ret_byte)
{
	const char *end = NULL;
	cJSON *json;

	if (line->too_long) {
		*ret_byte = SS_DUMP_LINE_MAX;
		return -EBADMSG;
	}
	json = cJSON_ParseWithLengthOpts(line->text, line->bytes, &end, false);
	if (json) {
		/* cJSON stops behind the first value; anything but blanks there is trouble too. */
		while (end < line->text + line->bytes && strchr(" \t\r", *end) && *end)
			end++;
		if (end == line->text + line->bytes) {
			*ret_json = json;
			return 0;
		}
		cJSON_Delete(json);
	}
	*ret_byte = end ? (size_t)(end - line->text) : 0;
	return -EBADMSG;
}

/* FNV-1a, and one round of mixing: the high bits of short texts are poor without. */
uint64_t ss_dump_hash(uint64_t hash, const void *bytes, size_t count)
{
	const unsigned char *byte = bytes;

	while (count--)
		hash = (hash ^ *byte++) * 0x100000001b3u;
	return (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
}

uint64_t ss_dump_hash_text(uint64_t hash, const char *text)
{
	return ss_dump_hash(hash, text, strlen(text));
}

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ss_dump_parse_id(const struct cJSON *item, unsigned digits, uint64_t ret_id[2])
{
	uint64_t id[2] = { 0, 0 };
	const char *text = cJSON_GetStringValue((cJSON *)item);
	unsigned i;

	if (!text || strlen(text) != digits)
		return -EINVAL;
	for (i = 0; i < digits; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			return -EINVAL;
		id[0] = id[0] << 4 | id[1] >> 60;
		id[1] = id[1] << 4 | (unsigned)digit;
	}
	if (!(id[0] | id[1]))
		return -EINVAL;
	ret_id[0] = id[0];
	ret_id[1] = id[1];
	return 0;
}

static int parse_decimal(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!text || !*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -EINVAL;
	}
	*ret_value = value;
	return 0;
}

int ss_dump_parse_uint(const struct cJSON *item, uint64_t *ret_value)
{
	return parse_decimal(cJSON_GetStringValue((cJSON *)item), ret_value);
}

int ss_dump_parse_int(const struct cJSON *item, int64_t *ret_value)
{
	const char *text = cJSON_GetStringValue((cJSON *)item);
	bool negative = text && *text == '-';
	uint64_t value;

	if (parse_decimal(negative ? text + 1 : text, &value) ||
	    value > (uint64_t)INT64_MAX + negative)
		return -EINVAL;
	*ret_value = (int64_t)(negative ? 0 - value : value);
	return 0;
}

void ss_dump_read_value(const struct cJSON *any, struct ss_dump_attr *ret_attr)
{
	struct ss_dump_attr attr = { .key = NULL, .type = SS_DUMP_OTHER };
	const cJSON *value = cJSON_IsObject(any) ? any->child : NULL;

	if (value && cJSON_IsString(value) && !strcmp(value->string, "stringValue")) {
		attr.type = SS_DUMP_STRING;
		attr.text = value->valuestring;
	} else if (value && !strcmp(value->string, "intValue") &&
		   !ss_dump_parse_int(value, &attr.integer)) {
		attr.type = SS_DUMP_INT;
	} else if (value && cJSON_IsBool(value)) {
		attr.type = SS_DUMP_BOOL;
		attr.integer = cJSON_IsTrue(value);
	} else if (value && cJSON_IsNumber(value)) {
		attr.type = SS_DUMP_DOUBLE;
		attr.number = value->valuedouble;
	} else if (value && !strcmp(value->string, "arrayValue")) {
		attr.values = member(value, "values");
	}
	*ret_attr = attr;
}

bool ss_dump_read_attr(const struct cJSON *list, const struct cJSON **cursor,
		       struct ss_dump_attr *ret_attr)
{
	const cJSON *item = *cursor ? (*cursor)->next : list ? list->child : NULL;

	for (; item; item = item->next) {
		const char *key = cJSON_GetStringValue((cJSON *)member(item, "key"));

		if (!key)
			continue;
		*cursor = item;
		ss_dump_read_value(member(item, "value"), ret_attr);
		ret_attr->key = key;
		return true;
	}
	return false;
}

bool ss_dump_read_event(const struct cJSON *list, const struct cJSON **cursor,
			struct ss_dump_event *ret_event)
{
	const cJSON *item = *cursor ? (*cursor)->next : list ? list->child : NULL;

	for (; item; item = item->next) {
		struct ss_dump_event event = { .attributes = member(item, "attributes") };

		event.name = cJSON_GetStringValue((cJSON *)member(item, "name"));
		if (!event.name || ss_dump_parse_uint(member(item, "timeUnixNano"), &event.time_ns))
			continue;
		*cursor = item;
		*ret_event = event;
		return true;
	}
	return false;
}

static uint32_t read_uint32(const cJSON *item)
{
	double value = cJSON_IsNumber(item) ? item->valuedouble : 0;

	return value >= 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static void read_status(const cJSON *status, struct ss_dump_span *span)
{
	const char *message = cJSON_GetStringValue((cJSON *)member(status, "message"));

	span->error = read_uint32(member(status, "code")) == 2;
	span->message = message ? message : "";
}

int ss_dump_read_span(const struct cJSON *item, struct ss_dump_span *ret_span)
{
	struct ss_dump_span span = { .resource_attributes = ret_span->resource_attributes };
	const cJSON *parent = member(item, "parentSpanId");
	uint64_t trace[2], id[2], parent_id[2] = { 0, 0 };
	uint32_t flags = read_uint32(member(item, "flags"));

	span.name = cJSON_GetStringValue((cJSON *)member(item, "name"));
	if (!span.name || ss_dump_parse_id(member(item, "traceId"), 32, trace) ||
	    ss_dump_parse_id(member(item, "spanId"), 16, id) ||
	    ss_dump_parse_uint(member(item, "startTimeUnixNano"), &span.start_ns) ||
	    ss_dump_parse_uint(member(item, "endTimeUnixNano"), &span.end_ns))
		return -EBADMSG;
	if (parent && !(cJSON_IsString(parent) && !*parent->valuestring) &&
	    ss_dump_parse_id(parent, 16, parent_id))
		return -EBADMSG;
	span.trace_hi = trace[0];
	span.trace_lo = trace[1];
	span.span_id = id[1];
	span.parent_id = parent_id[1];
	span.parent_remote = (flags & FLAG_HAS_REMOTE) && (flags & FLAG_IS_REMOTE);
	span.attributes = member(item, "attributes");
	span.events = member(item, "events");
	span.dropped_events = read_uint32(member(item, "droppedEventsCount"));
	read_status(member(item, "status"), &span);
	*ret_span = span;
	return 0;
}

static int walk_spans(const cJSON *spans, const cJSON *resource_attributes,
		      const struct ss_dump_visitor *visitor)
{
	struct ss_dump_span span = { .resource_attributes = resource_attributes };
	const cJSON *item;
	int unread = 0, r;

	cJSON_ArrayForEach (item, spans) {
		if (ss_dump_read_span(item, &span)) {
			unread++;
			continue;
		}
		r = visitor->span(visitor->data, &span);
		if (r < 0)
			return r;
	}
	return unread;
}

static int walk_resource(const cJSON *item, const struct ss_dump_visitor *visitor)
{
	const cJSON *attributes = member(member(item, "resource"), "attributes"), *scope;
	int unread = 0, r;

	visitor->resource(visitor->data, attributes);
	cJSON_ArrayForEach (scope, member(item, "scopeSpans")) {
		r = walk_spans(member(scope, "spans"), attributes, visitor);
		if (r < 0)
			return r;
		unread += r;
	}
	return unread;
}

int ss_dump_walk(const struct cJSON *json, const struct ss_dump_visitor *visitor)
{
	const cJSON *list = member(json, "resourceSpans"), *item;
	int unread = 0, r;

	if (!cJSON_IsArray(list))
		return -EBADMSG;
	cJSON_ArrayForEach (item, list) {
		r = walk_resource(item, visitor);
		if (r < 0)
			return r;
		unread += r;
	}
	return unread;
}
