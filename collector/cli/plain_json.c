/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/plain_json.h"

#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/text_line.h"
#include "collector/dump.h"

#define NESTING_MAX 64u /* of values */

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* What a terminal might obey is escaped too: this may be looked at. */
void ss_plain_string(FILE *file, const char *text)
{
	uint32_t code;
	size_t bytes;

	putc('"', file);
	for (; *text; text += bytes) {
		bytes = ss_text_decode(text, &code);
		if (code == '"' || code == '\\')
			fprintf(file, "\\%c", (int)code);
		else if (code == '\n')
			fputs("\\n", file);
		else if (ss_text_unsafe(code))
			fprintf(file, "\\u%04x", code);
		else if (code == 0xfffd)
			fputs("\xef\xbf\xbd", file);
		else
			fwrite(text, 1, bytes, file);
	}
	putc('"', file);
}

static bool put_members(FILE *file, const cJSON *list, unsigned depth);

static void put_scalar(FILE *file, const cJSON *any)
{
	const cJSON *value = any->child;
	struct ss_dump_attr attr;
	char *text;

	ss_dump_read_value(any, &attr);
	if (attr.type == SS_DUMP_INT) {
		fprintf(file, "%" PRId64, attr.integer);
	} else if (cJSON_IsString(value)) {
		ss_plain_string(file, value->valuestring);
	} else {
		text = cJSON_PrintUnformatted(value);
		fputs(text ? text : "null", file);
		cJSON_free(text);
	}
}

/* An AnyValue: {"stringValue": "x"} is "x". */
static void put_any(FILE *file, const cJSON *any, unsigned depth)
{
	const cJSON *value = any ? any->child : NULL, *item;

	if (!value || !value->string || depth == NESTING_MAX) {
		fputs("null", file);
	} else if (!strcmp(value->string, "arrayValue")) {
		putc('[', file);
		cJSON_ArrayForEach (item, member(value, "values")) {
			put_any(file, item, depth + 1);
			if (item->next)
				putc(',', file);
		}
		putc(']', file);
	} else if (!strcmp(value->string, "kvlistValue")) {
		putc('{', file);
		put_members(file, member(value, "values"), depth + 1);
		putc('}', file);
	} else if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
		fputs("null", file);
	} else {
		put_scalar(file, any);
	}
}

/* A later attribute of the same key would be a key twice. */
static bool stands_before(const cJSON *list, const cJSON *item, const char *key)
{
	const cJSON *other;

	for (other = list->child; other != item; other = other->next) {
		const char *name = cJSON_GetStringValue((cJSON *)member(other, "key"));

		if (name && !strcmp(name, key))
			return true;
	}
	return false;
}

static bool put_members(FILE *file, const cJSON *list, unsigned depth)
{
	const cJSON *item;
	bool any = false;

	cJSON_ArrayForEach (item, list) {
		const char *key = cJSON_GetStringValue((cJSON *)member(item, "key"));

		if (!key || stands_before(list, item, key))
			continue;
		if (any)
			putc(',', file);
		ss_plain_string(file, key);
		putc(':', file);
		put_any(file, member(item, "value"), depth);
		any = true;
	}
	return any;
}

bool ss_plain_members(FILE *file, const cJSON *list)
{
	return put_members(file, list, 0);
}

void ss_plain_object(FILE *file, const cJSON *list)
{
	putc('{', file);
	put_members(file, list, 0);
	putc('}', file);
}
