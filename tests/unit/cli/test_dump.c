/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <criterion/criterion.h>

static struct ss_dump_reader open_text(const char *text, size_t bytes)
{
	char path[] = "/tmp/test_dump-XXXXXX";
	struct ss_dump_reader reader;
	int fd = mkstemp(path);

	cr_assert_eq(write(fd, text, bytes), (ssize_t)bytes);
	close(fd);
	cr_assert_eq(ss_dump_open(path, &reader), 0);
	unlink(path);
	return reader;
}

Test(dump, lines)
{
	struct ss_dump_reader reader = open_text("one\n\nthree", 10);
	struct ss_dump_line line;

	cr_assert_eq(ss_dump_next(&reader, &line), 1);
	cr_assert(line.bytes == 3 && !memcmp(line.text, "one", 3) && line.ended);
	cr_assert_eq(line.number, 1);
	cr_assert_eq(ss_dump_next(&reader, &line), 1);
	cr_assert(line.bytes == 0 && line.ended && line.number == 2);
	cr_assert_eq(ss_dump_next(&reader, &line), 1);
	cr_assert(line.bytes == 5 && !memcmp(line.text, "three", 5) && !line.ended);
	cr_assert_eq(ss_dump_next(&reader, &line), 0);
	cr_assert_eq(ss_dump_next(&reader, &line), 0);
	ss_dump_close(&reader);
}

Test(dump, empty_and_missing)
{
	struct ss_dump_reader reader = open_text("", 0);
	struct ss_dump_line line;

	cr_assert_eq(ss_dump_next(&reader, &line), 0);
	ss_dump_close(&reader);
	cr_assert_eq(ss_dump_open("/no/such/file", &reader), -ENOENT);
}

/* Lines of all lengths around the reader's block size, in order and whole. */
Test(dump, block_boundaries)
{
	size_t lengths[] = { 65534, 65535, 65536, 65537, 1, 0, 131072, 200000, 7 }, i, total = 0;
	const size_t count = sizeof(lengths) / sizeof(lengths[0]);
	char *text = malloc(1 << 20);
	struct ss_dump_reader reader;
	struct ss_dump_line line;

	for (i = 0; i < count; i++) {
		memset(text + total, 'a' + (int)i, lengths[i]);
		total += lengths[i];
		text[total++] = '\n';
	}
	reader = open_text(text, total);
	for (i = 0, total = 0; i < count; i++) {
		cr_assert_eq(ss_dump_next(&reader, &line), 1);
		cr_assert_eq(line.bytes, lengths[i]);
		cr_assert_eq(memcmp(line.text, text + total, lengths[i]), 0);
		total += lengths[i] + 1;
	}
	cr_assert_eq(ss_dump_next(&reader, &line), 0);
	ss_dump_close(&reader);
	free(text);
}

Test(dump, long_line_is_skipped_in_bounded_memory)
{
	size_t bytes = 3 * (size_t)SS_DUMP_LINE_MAX;
	char *text = malloc(bytes + 6);
	struct ss_dump_reader reader;
	struct ss_dump_line line;

	memset(text, 'x', bytes);
	memcpy(text + bytes, "\nnext\n", 6);
	reader = open_text(text, bytes + 6);
	cr_assert_eq(ss_dump_next(&reader, &line), 1);
	cr_assert(line.too_long && line.ended);
	cr_assert_eq(line.bytes, bytes);
	cr_assert_leq(reader.capacity, 4 * (size_t)SS_DUMP_LINE_MAX);
	cr_assert_eq(ss_dump_next(&reader, &line), 1);
	cr_assert(line.bytes == 4 && !line.too_long && !memcmp(line.text, "next", 4));
	ss_dump_close(&reader);
	free(text);
}

static int parse(const char *text, struct cJSON **ret_json, size_t *ret_byte)
{
	struct ss_dump_line line = { .text = text, .bytes = strlen(text), .ended = true };

	return ss_dump_parse(&line, ret_json, ret_byte);
}

Test(dump, parse)
{
	cJSON *json;
	size_t byte = 0;

	cr_assert_eq(parse("{\"a\":1} \r", &json, &byte), 0);
	cJSON_Delete(json);
	cr_assert_eq(parse("{\"a\":1}{}", &json, &byte), -EBADMSG);
	cr_assert_eq(byte, 7);
	cr_assert_eq(parse("{\"a\":", &json, &byte), -EBADMSG);
	cr_assert_eq(parse("", &json, &byte), -EBADMSG);
}

static void assert_id(const char *text, unsigned digits, int expected)
{
	cJSON *item = cJSON_CreateString(text);
	uint64_t id[2] = { 1, 1 };

	cr_assert_eq(ss_dump_parse_id(item, digits, id), expected, "%s", text);
	if (expected)
		cr_assert(id[0] == 1 && id[1] == 1);
	cJSON_Delete(item);
}

Test(dump, ids)
{
	cJSON *item = cJSON_CreateString("0123456789abcdef00000000000000ff");
	uint64_t id[2];

	cr_assert_eq(ss_dump_parse_id(item, 32, id), 0);
	cr_assert(id[0] == 0x0123456789abcdef && id[1] == 0xff);
	cJSON_Delete(item);
	assert_id("00000000000000a1", 16, 0);
	assert_id("0000000000000000", 16, -EINVAL);
	assert_id("00000000000000A1", 16, -EINVAL);
	assert_id("0000000000000a1", 16, -EINVAL);
	assert_id("00000000000000a1", 32, -EINVAL);
	assert_id("", 16, -EINVAL);
	cr_assert_eq(ss_dump_parse_id(NULL, 16, id), -EINVAL);
}

static void assert_int(const char *text, int expected, int64_t expected_value)
{
	cJSON *item = cJSON_CreateString(text);
	int64_t value = 77;

	cr_assert_eq(ss_dump_parse_int(item, &value), expected, "%s", text);
	cr_assert_eq(value, expected ? 77 : expected_value, "%s", text);
	cJSON_Delete(item);
}

Test(dump, integers)
{
	cJSON *number = cJSON_CreateNumber(5);
	uint64_t value;

	assert_int("0", 0, 0);
	assert_int("-5", 0, -5);
	assert_int("9223372036854775807", 0, INT64_MAX);
	assert_int("-9223372036854775808", 0, INT64_MIN);
	assert_int("9223372036854775808", -EINVAL, 0);
	assert_int("-9223372036854775809", -EINVAL, 0);
	assert_int("18446744073709551616", -EINVAL, 0);
	assert_int("", -EINVAL, 0);
	assert_int("-", -EINVAL, 0);
	assert_int("05", -EINVAL, 0);
	assert_int("5 ", -EINVAL, 0);
	assert_int("+5", -EINVAL, 0);
	cr_assert_eq(ss_dump_parse_uint(number, &value), -EINVAL);
	cJSON_Delete(number);
}

struct seen {
	unsigned resources, spans;
	uint64_t last_id;
};

static void on_resource(void *data, const struct cJSON *attributes)
{
	((struct seen *)data)->resources++;
}

static int on_span(void *data, const struct ss_dump_span *span)
{
	struct seen *seen = data;

	seen->spans++;
	seen->last_id = span->span_id;
	return span->span_id == 9 ? -ECANCELED : 0;
}

static int walk(const char *spans, struct seen *seen)
{
	const struct ss_dump_visitor visitor = { on_resource, on_span, seen };
	char text[4096];
	cJSON *json;
	size_t byte;
	int r;

	snprintf(text, sizeof(text), "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s]}]}]}",
		 spans);
	cr_assert_eq(parse(text, &json, &byte), 0);
	r = ss_dump_walk(json, &visitor);
	cJSON_Delete(json);
	return r;
}

#define SPAN(id)                                                                                  \
	"{\"traceId\":\"0000000000000000000000000000000a\",\"spanId\":\"" id "\",\"name\":\"n\"," \
	"\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"6\"}"

Test(dump, walk)
{
	struct seen seen = { 0 };

	cr_assert_eq(walk(SPAN("0000000000000001") "," SPAN("bad") ",7," SPAN("0000000000000002"),
			  &seen),
		     2);
	cr_assert(seen.resources == 1 && seen.spans == 2 && seen.last_id == 2);
	cr_assert_eq(walk(SPAN("0000000000000009") "," SPAN("0000000000000002"), &seen),
		     -ECANCELED);
	cr_assert_eq(seen.last_id, 9);
}

Test(dump, walk_refuses_other_things)
{
	const struct ss_dump_visitor visitor = { on_resource, on_span, NULL };
	const char *texts[] = { "{}", "[]", "5", "{\"resourceSpans\":{}}" };
	cJSON *json;
	size_t i, byte;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert_eq(parse(texts[i], &json, &byte), 0);
		cr_assert_eq(ss_dump_walk(json, &visitor), -EBADMSG, "%s", texts[i]);
		cJSON_Delete(json);
	}
}

Test(dump, attributes)
{
	static const char text[] =
		"[{\"key\":\"s\",\"value\":{\"stringValue\":\"x\"}},"
		"{\"key\":\"i\",\"value\":{\"intValue\":\"-3\"}},{\"value\":{}},5,"
		"{\"key\":\"b\",\"value\":{\"boolValue\":true}},"
		"{\"key\":\"d\",\"value\":{\"doubleValue\":0.5}},"
		"{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[]}}},{\"key\":\"n\"},"
		"{\"key\":\"e\",\"value\":[\"x\"]},{\"key\":\"t\",\"value\":\"x\"}]";
	const enum ss_dump_type types[] = { SS_DUMP_STRING, SS_DUMP_INT,   SS_DUMP_BOOL,
					    SS_DUMP_DOUBLE, SS_DUMP_OTHER, SS_DUMP_OTHER,
					    SS_DUMP_OTHER,  SS_DUMP_OTHER };
	const cJSON *cursor = NULL;
	struct ss_dump_attr attr;
	cJSON *list;
	size_t byte, count = 0;

	cr_assert_eq(parse(text, &list, &byte), 0);
	while (ss_dump_read_attr(list, &cursor, &attr)) {
		cr_assert_lt(count, 8);
		cr_assert_eq(attr.type, types[count++], "%s", attr.key);
		cr_assert(attr.type != SS_DUMP_STRING || !strcmp(attr.text, "x"));
		cr_assert(attr.type != SS_DUMP_INT || attr.integer == -3);
		cr_assert(attr.type != SS_DUMP_BOOL || attr.integer == 1);
		cr_assert(attr.type != SS_DUMP_DOUBLE || attr.number == 0.5);
	}
	cr_assert_eq(count, 8);
	cJSON_Delete(list);
	cursor = NULL;
	cr_assert_not(ss_dump_read_attr(NULL, &cursor, &attr));
}
