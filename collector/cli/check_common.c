/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_rule.h"

static void check_value(struct ss_check_rule *at, const cJSON *item);

static void check_value_array(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_value);
}

static void check_array_value(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = { { "values", check_value_array, false },
							{ 0 } };

	ss_check_rule_object(at, item, fields);
}

static void check_kvlist_value(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = { { "values", ss_check_attributes, false },
							{ 0 } };

	ss_check_rule_object(at, item, fields);
}

static void check_value(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "stringValue", ss_check_rule_string, false },
		{ "boolValue", ss_check_rule_bool, false },
		{ "intValue", ss_check_rule_int, false },
		{ "doubleValue", ss_check_rule_double, false },
		{ "arrayValue", check_array_value, false },
		{ "kvlistValue", check_kvlist_value, false },
		{ "bytesValue", ss_check_rule_bytes, false },
		{ 0 },
	};

	if (ss_check_rule_object(at, item, fields) && cJSON_GetArraySize(item) != 1)
		ss_check_rule_finding(at,
				      "expected exactly one of stringValue, boolValue, intValue, "
				      "doubleValue, arrayValue, kvlistValue, bytesValue");
}

static void check_attribute(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "key", ss_check_rule_name, true },
		{ "value", check_value, true },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

struct keyed {
	const char *key;
	unsigned index;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void report_twice(struct ss_check_rule *at, const struct keyed *attribute)
{
	char text[256];
	size_t before = ss_check_rule_enter(at, attribute->index);

	snprintf(text, sizeof(text), "attribute \"%s\" stands twice in one list", attribute->key);
	ss_check_rule_finding_at(at, "key", text);
	ss_check_rule_leave(at, before);
}

void ss_check_attributes(struct ss_check_rule *at, const cJSON *list)
{
	struct keyed *keys;
	const cJSON *item;
	unsigned count = 0, index = 0, i;

	if (!ss_check_rule_array(at, list, check_attribute))
		return;
	keys = calloc(cJSON_GetArraySize(list) + 1, sizeof(*keys));
	if (!keys)
		return;
	for (item = list->child; item; item = item->next, index++) {
		const cJSON *key = cJSON_GetObjectItemCaseSensitive(item, "key");

		if (cJSON_IsString(key))
			keys[count++] = (struct keyed){ key->valuestring, index };
	}
	qsort(keys, count, sizeof(*keys), compare_keyed);
	for (i = 1; i < count; i++)
		if (!strcmp(keys[i - 1].key, keys[i].key))
			report_twice(at, &keys[i]);
	free(keys);
}

void ss_check_scope(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "name", ss_check_rule_string, false },
		{ "version", ss_check_rule_string, false },
		{ "attributes", ss_check_attributes, false },
		{ "droppedAttributesCount", ss_check_rule_uint32, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

void ss_check_resource(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "attributes", ss_check_attributes, false },
		{ "droppedAttributesCount", ss_check_rule_uint32, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}
