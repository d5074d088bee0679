/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp_head.h"

#include <string.h>

#include "collector/otlp_value.h"
#include "collector/subscribers/tracing.h"

#define CONSTANTS_MAX  128u
#define HEADINGS_BYTES 65536u

static const char native_scope[] = "spanshim.native";

/* In pieces that ss_json_bytes takes. */
void ss_otlp_append_slow(struct ss_json *json, const char *text, size_t bytes)
{
	while (bytes > 0) {
		size_t part = bytes < SS_JSON_BYTES_MIN ? bytes : SS_JSON_BYTES_MIN;

		ss_json_bytes(json, text, part);
		text += part;
		bytes -= part;
	}
}

/* --- scope --- */

/* The text of a field of the opening event; NULL: none, or empty. */
static const char *open_text(const struct ss_otlp *otlp, uint32_t field, size_t *ret_bytes)
{
	const struct ss_attr *attr = field ? ss_parts_find(otlp->parts->open, field) : NULL;

	if (attr == NULL || attr->type != SS_ATTR_STRING || attr->s.bytes == 0)
		return NULL;
	*ret_bytes = attr->s.bytes;
	return (const char *)(attr + 1);
}

static void begin_scope(struct ss_otlp *otlp, const struct ss_otlp_scope *scope)
{
	struct ss_json *json = &otlp->json;

	if (otlp->scope.name != NULL)
		ss_json_raw(json, "]},");
	otlp->scope = *scope;
	ss_json_raw(json, "{\"scope\":{\"name\":\"");
	ss_json_bytes(json, scope->name, strlen(scope->name));
	ss_json_raw(json, "\"");
	if (scope->version_bytes > 0) {
		ss_json_raw(json, ",\"version\":");
		ss_json_string(json, scope->version, scope->version_bytes, UINT32_MAX);
	}
	ss_json_raw(json, "},\"spans\":[");
}

static void adapted_scope(struct ss_otlp *otlp)
{
	const struct ss_tracing_span *tracing = ss_tracing_span_of(otlp->parts->open->hook);
	struct ss_otlp_scope scope = { .name = tracing ? tracing->scope : ss_tracing_application };
	size_t bytes = 0;
	const char *version = open_text(otlp, SS_FIELD_SCOPE_VERSION, &bytes);

	if (bytes > sizeof(scope.version))
		bytes = sizeof(scope.version);
	if (version != NULL)
		memcpy(scope.version, version, bytes);
	scope.version_bytes = (uint32_t)bytes;
	if (otlp->scope.name == scope.name && otlp->scope.version_bytes == bytes &&
	    memcmp(otlp->scope.version, scope.version, bytes) == 0)
		ss_json_raw(&otlp->json, ",");
	else
		begin_scope(otlp, &scope);
}

void ss_otlp_scope(struct ss_otlp *otlp)
{
	static const struct ss_otlp_scope native = { native_scope, sizeof(SS_VERSION) - 1,
						     SS_VERSION };

	if (ss_is_dialect(otlp->parts->open->entry))
		adapted_scope(otlp);
	else if (otlp->scope.name == native_scope)
		ss_json_raw(&otlp->json, ",");
	else
		begin_scope(otlp, &native);
}

/* --- what all spans of an entry have --- */

static const char *function_name(struct ss_otlp *otlp, const struct ss_entry *entry)
{
	const char *symbol = ss_image_string(otlp->view, entry ? entry->symbol : 0);
	size_t bytes = strlen(symbol) + 1;

	if (entry == NULL || ss_buffer_reserve(&otlp->joined, bytes) != 0)
		return symbol;
	return ss_image_function(otlp->view, entry, otlp->joined.base, bytes);
}

/* An attribute with a leading comma, if the limit allows one more besides thread.id, or what a span
 * needs more than that. */
static void add_constant(struct ss_otlp *otlp, struct ss_heading *heading, const char *key,
			 const char *value)
{
	const struct ss_image *image = otlp->view->image;
	uint32_t max = image->attribute_value_limit;
	struct ss_json *json = &otlp->headings_text;

	if (heading->attribute_count + 1 >= image->attribute_count_limit) {
		heading->attributes_dropped++;
		return;
	}
	heading->attribute_count++;
	ss_json_raw(json, ",{\"key\":");
	ss_otlp_text(json, key);
	ss_json_raw(json, ",\"value\":{\"stringValue\":");
	ss_json_string(json, value, strnlen(value, 4 * SS_OTLP_TEXT_MAX),
		       max < SS_OTLP_TEXT_MAX ? max : SS_OTLP_TEXT_MAX);
	ss_json_raw(json, "}}");
}

static void write_heading(struct ss_otlp *otlp, struct ss_heading *heading, uint32_t index)
{
	const struct ss_image_view *view = otlp->view;
	const struct ss_entry *entry = ss_image_entry(view, index);
	const struct ss_binding *binding = entry ? ss_image_binding(view, entry) : NULL;
	struct ss_json *json = &otlp->headings_text;
	uint32_t i, name;

	name = entry == NULL                  ? 0
	       : entry->when == SS_WHEN_EVENT ? entry->stream_name
					      : entry->span_name;
	heading->start = (uint32_t)ss_json_length(json);
	ss_otlp_text(json, ss_image_string(view, name));
	heading->name_bytes = (uint32_t)ss_json_length(json) - heading->start;
	heading->attribute_count = heading->attributes_dropped = 0;
	add_constant(otlp, heading, "code.function.name", function_name(otlp, entry));
	for (i = 0; binding != NULL && i < binding->constant_count && i < CONSTANTS_MAX; i++) {
		uint64_t at = (uint64_t)binding->first_constant + i;

		if (at >= view->constant_count)
			break;
		add_constant(otlp, heading, ss_image_string(view, view->constants[at].key),
			     ss_image_string(view, view->constants[at].value));
	}
	heading->bytes = (uint32_t)ss_json_length(json) - heading->start;
	heading->entry = index + 1;
}

const struct ss_heading *ss_otlp_heading(struct ss_otlp *otlp)
{
	uint32_t index = otlp->parts->open->entry;
	struct ss_heading *heading = &otlp->headings[index % SS_HEADINGS];

	if (heading->entry == index + 1 && heading->entry != 0)
		return heading;
	if (ss_is_dialect(index))
		return NULL;
	if (ss_json_length(&otlp->headings_text) > HEADINGS_BYTES) {
		memset(otlp->headings, 0, SS_HEADINGS * sizeof(*heading));
		otlp->headings_text.p = ss_json_text(&otlp->headings_text);
	}
	write_heading(otlp, heading, index);
	return heading;
}

/* --- name and kind --- */

void ss_otlp_name(struct ss_otlp *otlp)
{
	const struct ss_log_entry *open = otlp->parts->open;
	const struct ss_tracing_span *tracing;
	struct ss_json *json = &otlp->json;
	const char *name = "span", *more = NULL;
	uint32_t dialect = open->entry - SS_DIALECT_BASE;
	size_t bytes = 0;

	tracing = ss_tracing_span_of(open->hook);
	if (tracing != NULL) {
		name = tracing->names[dialect];
		more = open_text(otlp, tracing->name_fields[dialect], &bytes);
	}
	ss_json_raw(json, "\"");
	ss_json_bytes(json, name, strlen(name));
	if (more != NULL) {
		ss_json_raw(json, " ");
		ss_json_escaped(json, more, bytes < SS_OTLP_TEXT_MAX ? bytes : SS_OTLP_TEXT_MAX);
	}
	ss_json_raw(json, "\"");
}

bool ss_otlp_is_client(const struct ss_otlp *otlp)
{
	const struct ss_log_entry *open = otlp->parts->open;
	const struct ss_tracing_span *tracing = ss_tracing_span_of(open->hook);
	size_t bytes;
	const char *provider = open_text(otlp, SS_FIELD_PROVIDER, &bytes);

	return tracing != NULL && tracing->has_client && provider != NULL &&
	       ss_vocabulary_is_remote(open->entry, provider, bytes);
}
