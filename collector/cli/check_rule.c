/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_rule.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_shape.h"
#include "collector/dump.h"

void ss_check_rule_finding(struct ss_check_rule *at, const char *text)
{
	at->findings++;
	at->sink->finding(at->sink->data, at->path, text);
}

/* A path too long for its buffer is cut, no more. */
static size_t extend(struct ss_check_rule *at, int printed)
{
	size_t before = at->used, room = sizeof(at->path) - before;

	at->used += (size_t)printed < room ? (size_t)printed : room - 1;
	return before;
}

static size_t enter_key(struct ss_check_rule *at, const char *key)
{
	return extend(at, snprintf(at->path + at->used, sizeof(at->path) - at->used, "%s%s",
				   at->used ? "." : "", key));
}

size_t ss_check_rule_enter(struct ss_check_rule *at, unsigned index)
{
	return extend(at,
		      snprintf(at->path + at->used, sizeof(at->path) - at->used, "[%u]", index));
}

void ss_check_rule_leave(struct ss_check_rule *at, size_t before)
{
	at->used = before;
	at->path[before] = '\0';
}

void ss_check_rule_finding_at(struct ss_check_rule *at, const char *key, const char *text)
{
	size_t before = enter_key(at, key);

	ss_check_rule_finding(at, text);
	ss_check_rule_leave(at, before);
}

/* --- objects and arrays --- */

/* Same letters, other spelling: snake_case of the .proto, or wrong capitals. */
static bool misspelt(const char *key, const char *right)
{
	while (*key || *right) {
		if (*key == '_') {
			key++;
			continue;
		}
		if (!*key || !*right || (*key | 0x20) != (*right | 0x20))
			return false;
		key++;
		right++;
	}
	return true;
}

static void unknown_key(struct ss_check_rule *at, const char *key,
			const struct ss_check_field *fields)
{
	char text[128] = "unknown key";
	const struct ss_check_field *field;

	for (field = fields; field->key; field++)
		if (misspelt(key, field->key))
			snprintf(text, sizeof(text), "unknown key, expected \"%s\"", field->key);
	ss_check_rule_finding_at(at, key, text);
}

static void check_member(struct ss_check_rule *at, const cJSON *item,
			 const struct ss_check_field *fields, uint32_t *seen)
{
	const struct ss_check_field *field = fields;
	size_t before;

	while (field->key && strcmp(field->key, item->string) != 0)
		field++;
	if (!field->key) {
		unknown_key(at, item->string, fields);
		return;
	}
	before = enter_key(at, field->key);
	if (*seen & 1u << (field - fields))
		ss_check_rule_finding(at, "this key stands twice in one object");
	*seen |= 1u << (field - fields);
	field->rule(at, item);
	ss_check_rule_leave(at, before);
}

bool ss_check_rule_object(struct ss_check_rule *at, const cJSON *object,
			  const struct ss_check_field *fields)
{
	const struct ss_check_field *field;
	const cJSON *item;
	uint32_t seen = 0;

	if (!cJSON_IsObject(object)) {
		ss_check_rule_finding(at, "expected an object");
		return false;
	}
	for (item = object->child; item; item = item->next)
		check_member(at, item, fields, &seen);
	for (field = fields; field->key; field++)
		if (field->required && !(seen & 1u << (field - fields)))
			ss_check_rule_finding_at(at, field->key, "missing");
	return true;
}

bool ss_check_rule_array(struct ss_check_rule *at, const cJSON *array,
			 void (*rule)(struct ss_check_rule *at, const cJSON *item))
{
	const cJSON *item;
	unsigned index = 0;
	size_t before;

	if (!cJSON_IsArray(array)) {
		ss_check_rule_finding(at, "expected an array");
		return false;
	}
	for (item = array->child; item; item = item->next) {
		before = ss_check_rule_enter(at, index++);
		rule(at, item);
		ss_check_rule_leave(at, before);
	}
	return true;
}

/* --- single values --- */

void ss_check_rule_string(struct ss_check_rule *at, const cJSON *item)
{
	if (!cJSON_IsString(item))
		ss_check_rule_finding(at, "expected a string");
}

void ss_check_rule_name(struct ss_check_rule *at, const cJSON *item)
{
	if (!cJSON_IsString(item) || !*item->valuestring)
		ss_check_rule_finding(at, "expected a string that is not empty");
}

void ss_check_rule_trace_id(struct ss_check_rule *at, const cJSON *item)
{
	uint64_t id[2];

	if (ss_dump_parse_id(item, 32, id))
		ss_check_rule_finding(at, "expected 32 lowercase hex digits, not all zero");
}

void ss_check_rule_span_id(struct ss_check_rule *at, const cJSON *item)
{
	uint64_t id[2];

	if (ss_dump_parse_id(item, 16, id))
		ss_check_rule_finding(at, "expected 16 lowercase hex digits, not all zero");
}

void ss_check_rule_parent_id(struct ss_check_rule *at, const cJSON *item)
{
	if (!cJSON_IsString(item) || *item->valuestring)
		ss_check_rule_span_id(at, item);
}

void ss_check_rule_time(struct ss_check_rule *at, const cJSON *item)
{
	uint64_t time_ns;

	if (ss_dump_parse_uint(item, &time_ns) || !time_ns)
		ss_check_rule_finding(
			at, "expected nanoseconds since 1970 as a string of decimal digits");
}

static void check_range(struct ss_check_rule *at, const cJSON *item, double min, double max,
			const char *expected)
{
	double value = cJSON_IsNumber(item) ? item->valuedouble : min - 1;

	if (!(value >= min && value <= max) || value != (double)(int64_t)value)
		ss_check_rule_finding(at, expected);
}

void ss_check_rule_uint32(struct ss_check_rule *at, const cJSON *item)
{
	check_range(at, item, 0, UINT32_MAX, "expected an integer from 0 to 4294967295");
}

void ss_check_rule_kind(struct ss_check_rule *at, const cJSON *item)
{
	check_range(at, item, 0, 5, "expected a span kind as an integer from 0 to 5");
}

void ss_check_rule_status_code(struct ss_check_rule *at, const cJSON *item)
{
	check_range(at, item, 0, 2, "expected a status code as an integer from 0 to 2");
}

void ss_check_rule_int32(struct ss_check_rule *at, const cJSON *item)
{
	check_range(at, item, INT32_MIN, INT32_MAX,
		    "expected an integer from -2147483648 to 2147483647");
}

void ss_check_rule_temporality(struct ss_check_rule *at, const cJSON *item)
{
	check_range(at, item, 1, 2, "expected 1 (delta) or 2 (cumulative)");
}

void ss_check_rule_bool(struct ss_check_rule *at, const cJSON *item)
{
	if (!cJSON_IsBool(item))
		ss_check_rule_finding(at, "expected true or false");
}

void ss_check_rule_int(struct ss_check_rule *at, const cJSON *item)
{
	int64_t value;

	if (ss_dump_parse_int(item, &value))
		ss_check_rule_finding(at,
				      "expected a 64-bit integer as a string of decimal digits");
}

void ss_check_rule_uint(struct ss_check_rule *at, const cJSON *item)
{
	uint64_t value;

	if (ss_dump_parse_uint(item, &value))
		ss_check_rule_finding(
			at, "expected an integer from 0 on as a string of decimal digits");
}

void ss_check_rule_double(struct ss_check_rule *at, const cJSON *item)
{
	const char *text = cJSON_GetStringValue((cJSON *)item);

	if (cJSON_IsNumber(item))
		return;
	if (!text || (strcmp(text, "NaN") && strcmp(text, "Infinity") && strcmp(text, "-Infinity")))
		ss_check_rule_finding(at,
				      "expected a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
}

void ss_check_rule_bytes(struct ss_check_rule *at, const cJSON *item)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	const char *text = cJSON_GetStringValue((cJSON *)item);
	size_t length = text ? strlen(text) : 1, letters = text ? strspn(text, alphabet) : 0;

	if (length % 4 || length - letters > 2 || strspn(text + letters, "=") != length - letters)
		ss_check_rule_finding(at, "expected base64");
}
