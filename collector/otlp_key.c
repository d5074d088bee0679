/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp_key.h"

#include "collector/otlp_value.h"

static const char *const openings[] = {
	[SS_ATTR_NONE] = "\"stringValue\":\"\"", [SS_ATTR_INT] = "\"intValue\":\"",
	[SS_ATTR_DOUBLE] = "\"doubleValue\":",   [SS_ATTR_BOOL] = "\"boolValue\":",
	[SS_ATTR_STRING] = "\"stringValue\":",   [SS_ATTR_NAME] = "\"stringValue\":",
	[SS_ATTR_STACK] = "\"stringValue\":",    [SS_ATTR_STRINGS] = "\"arrayValue\":{\"values\":[",
};
_Static_assert(sizeof(openings) / sizeof(*openings) == SS_ATTR_TYPES, "a type without a line");

char *ss_otlp_key_text(struct ss_otlp *otlp, const char *key, size_t bytes, uint8_t type,
		       bool first)
{
	const char *value = openings[type];
	char *p = ss_json_begin(&otlp->json, 256 + SS_OTLP_VALUE_ROOM);

	if (!first)
		*p++ = ',';
	p = ss_put_raw(p, "{\"key\":\"");
	p = ss_put_bytes(p, key, bytes);
	p = ss_put_raw(p, "\",\"value\":{");
	return ss_put_bytes(p, value, strlen(value));
}

/* As it stands in the line, with a comma. */
static void keep(struct ss_fragment *fragment, uint32_t key, uint8_t type, const char *text,
		 size_t bytes)
{
	if (bytes > SS_FRAGMENT_MAX)
		return;
	memcpy(fragment->text, text, bytes);
	fragment->bytes = (uint16_t)bytes;
	fragment->key = key;
	fragment->type = type;
}

char *ss_otlp_key_slow(struct ss_otlp *otlp, uint32_t key, uint8_t type, bool first)
{
	struct ss_fragment *fragment = ss_otlp_fragment(otlp, key, type);
	struct ss_json *json = &otlp->json;
	size_t start = ss_json_length(json), bytes;
	char *text;

	ss_json_raw(json, type == SS_OTLP_EVENT_NAME ? "\",\"name\":" : ",{\"key\":");
	ss_otlp_text(json, ss_image_string(otlp->view, key));
	if (type != SS_OTLP_EVENT_NAME) {
		ss_json_raw(json, ",\"value\":{");
		ss_json_bytes(json, openings[type], strlen(openings[type]));
	}
	ss_json_need(json, SS_OTLP_VALUE_ROOM);
	if (json->failed)
		return json->p;
	text = ss_json_text(json) + start;
	bytes = ss_json_length(json) - start;
	keep(fragment, key, type, text, bytes);
	if (first)
		memmove(text, text + 1, --bytes);
	return text + bytes;
}
