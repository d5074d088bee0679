/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp_value.h"

#include <string.h>

#include "collector/symbolize.h"

#define FRAMES_MAX 256u

void ss_otlp_text(struct ss_json *json, const char *text)
{
	ss_json_string(json, text, strnlen(text, 4 * SS_OTLP_TEXT_MAX), SS_OTLP_TEXT_MAX);
}

/* {"key":"...","value":{ */
static void write_key(struct ss_otlp *otlp, uint32_t key)
{
	struct ss_fragment *fragment = &otlp->fragments[(key * 0x9e3779b1u) >> 24];
	struct ss_json *json = &otlp->json;
	size_t start, bytes;

	if (fragment->key == key) {
		ss_json_need(json, SS_FRAGMENT_MAX);
		memcpy(json->p, fragment->text, SS_FRAGMENT_MAX);
		json->p += fragment->bytes;
		return;
	}
	start = ss_json_length(json);
	ss_json_raw(json, "{\"key\":");
	ss_otlp_text(json, ss_image_string(otlp->view, key));
	ss_json_raw(json, ",\"value\":{");
	if (json->failed)
		return;
	bytes = ss_json_length(json) - start;
	if (bytes > SS_FRAGMENT_MAX)
		return;
	memcpy(fragment->text, ss_json_text(json) + start, bytes);
	fragment->bytes = (uint32_t)bytes;
	fragment->key = key;
}

static void write_stack(struct ss_otlp *otlp, const struct ss_attr *attr)
{
	uint32_t i, count = attr->s.bytes / sizeof(uint64_t);
	const char *addresses = (const char *)(attr + 1);
	struct ss_json *json = &otlp->json;
	char frame[SS_FRAME_BYTES];

	ss_json_raw(json, "\"");
	for (i = 0; i < count && i < FRAMES_MAX; i++) {
		uint64_t address;
		size_t bytes;

		memcpy(&address, addresses + i * sizeof(address), sizeof(address));
		bytes = ss_symbolize_frame(address, !otlp->view->live, frame);
		if (i > 0)
			ss_json_raw(json, "\\n");
		ss_json_raw(json, "#");
		ss_json_uint(json, i);
		ss_json_raw(json, " ");
		ss_json_escaped(json, frame, bytes);
	}
	ss_json_raw(json, "\"");
}

/* The value, and the brace that closes it. value: of parts, for strings that may go on; or
 * SS_NO_VALUE. */
static void write_value(struct ss_otlp *otlp, const struct ss_attr *attr, uint32_t value)
{
	struct ss_json *json = &otlp->json;
	const char *name;

	switch (attr->type) {
	case SS_ATTR_INT:
		ss_json_raw(json, "\"intValue\":\"");
		ss_json_int(json, attr->i);
		ss_json_raw(json, "\"}");
		return;
	case SS_ATTR_DOUBLE:
		ss_json_raw(json, "\"doubleValue\":");
		ss_json_double(json, attr->d);
		break;
	case SS_ATTR_BOOL:
		ss_json_raw(json, attr->i != 0 ? "\"boolValue\":true" : "\"boolValue\":false");
		break;
	case SS_ATTR_NAME:
		name = ss_image_string(otlp->view, (uint64_t)attr->i);
		ss_json_raw(json, "\"stringValue\":");
		ss_json_string(json, name, strlen(name), otlp->value_max);
		break;
	case SS_ATTR_STACK:
		ss_json_raw(json, "\"stringValue\":");
		write_stack(otlp, attr);
		break;
	case SS_ATTR_STRING:
		ss_json_raw(json, "\"stringValue\":");
		if (value != SS_NO_VALUE)
			ss_otlp_pieces(otlp, value);
		else
			ss_json_string(json, (const char *)(attr + 1), attr->s.bytes,
				       otlp->value_max);
		break;
	default:
		ss_json_raw(json, "\"stringValue\":\"\"");
		break;
	}
	ss_json_raw(json, "}");
}

void ss_otlp_attribute(struct ss_otlp *otlp, uint32_t value)
{
	const struct ss_attr *attr = otlp->parts->values[value].attr;

	write_key(otlp, attr->key);
	write_value(otlp, attr, value);
	ss_json_raw(&otlp->json, "}");
}

/* Pieces are joined first: a character may have been cut in two. */
void ss_otlp_pieces(struct ss_otlp *otlp, uint32_t value)
{
	const struct ss_parts_value *values = otlp->parts->values;
	const struct ss_attr *attr = values[value].attr;
	size_t bytes = 0;

	if (values[value].next == SS_NO_VALUE) {
		ss_json_string(&otlp->json, (const char *)(attr + 1), attr->s.bytes,
			       otlp->value_max);
		return;
	}
	for (; value != SS_NO_VALUE; value = values[value].next) {
		attr = values[value].attr;
		if (attr->type != SS_ATTR_STRING ||
		    ss_buffer_reserve(&otlp->joined, bytes + attr->s.bytes) != 0)
			break;
		memcpy((char *)otlp->joined.base + bytes, attr + 1, attr->s.bytes);
		bytes += attr->s.bytes;
	}
	ss_json_string(&otlp->json, otlp->joined.base, bytes, otlp->value_max);
}

static void write_text(struct ss_otlp *otlp, const char *key, const char *text, size_t bytes)
{
	struct ss_json *json = &otlp->json;

	ss_json_raw(json, "{\"key\":\"");
	ss_json_bytes(json, key, strlen(key));
	ss_json_raw(json, "\",\"value\":{\"stringValue\":");
	ss_json_string(json, text, bytes, otlp->value_max);
	ss_json_raw(json, "}}");
}

static void write_stack_attribute(struct ss_otlp *otlp, const char *key, const struct ss_attr *attr)
{
	struct ss_json *json = &otlp->json;

	ss_json_raw(json, "{\"key\":\"");
	ss_json_bytes(json, key, strlen(key));
	ss_json_raw(json, "\",\"value\":{");
	write_value(otlp, attr, SS_NO_VALUE);
	ss_json_raw(json, "}");
}

static const struct ss_attr *stack_of(const struct ss_parts *parts)
{
	uint32_t value = parts->special[SS_KEY_STACK];
	const struct ss_attr *attr = value != SS_NO_VALUE ? parts->values[value].attr : NULL;

	return attr != NULL && attr->type == SS_ATTR_STACK ? attr : NULL;
}

void ss_otlp_fault_attributes(struct ss_otlp *otlp, const struct ss_fault *fault)
{
	const struct ss_attr *stack = stack_of(otlp->parts);
	struct ss_json *json = &otlp->json;
	struct ss_attr code = { .type = SS_ATTR_INT, .i = fault->code };

	if (stack != NULL && !fault->exception) {
		ss_json_raw(json, ",");
		write_stack_attribute(otlp, "code.stacktrace", stack);
	}
	if (fault->type == NULL)
		return;
	ss_json_raw(json, ",");
	write_text(otlp, "error.type", fault->type, fault->type_bytes);
	if (fault->code_key == 0)
		return;
	ss_json_raw(json, ",");
	write_key(otlp, fault->code_key);
	write_value(otlp, &code, SS_NO_VALUE);
	ss_json_raw(json, "}");
}

static const char *event_name(const struct ss_otlp *otlp, const struct ss_log_entry *event)
{
	const struct ss_entry *entry = ss_image_entry(otlp->view, event->entry);

	if (entry == NULL)
		return "event";
	return ss_image_string(otlp->view, entry->event_name ? entry->event_name : entry->symbol);
}

void ss_otlp_event(struct ss_otlp *otlp, const struct ss_log_entry *entry)
{
	struct ss_attr_iter iter = ss_parts_attributes(entry);
	uint32_t max = otlp->view->image->event_attribute_count_limit, count = 0, dropped = 0;
	struct ss_json *json = &otlp->json;
	const struct ss_attr *attr;

	ss_json_raw(json, "{\"timeUnixNano\":\"");
	ss_json_uint(json, entry->time_ns);
	ss_json_raw(json, "\",\"name\":");
	ss_otlp_text(json, event_name(otlp, entry));
	while ((attr = ss_attr_next(&iter)) != NULL) {
		if (attr->key < SS_KEY_RESERVED && attr->key != SS_KEY_STACK)
			continue;
		if (count == max) {
			dropped++;
			continue;
		}
		ss_json_raw(json, count == 0 ? ",\"attributes\":[" : ",");
		count++;
		if (attr->key == SS_KEY_STACK) {
			write_stack_attribute(otlp, "code.stacktrace", attr);
			continue;
		}
		write_key(otlp, attr->key);
		write_value(otlp, attr, SS_NO_VALUE);
		ss_json_raw(json, "}");
	}
	if (count > 0)
		ss_json_raw(json, "]");
	if (dropped > 0) {
		ss_json_raw(json, ",\"droppedAttributesCount\":");
		ss_json_uint(json, dropped);
	}
	ss_json_raw(json, "}");
}

void ss_otlp_exception(struct ss_otlp *otlp, const struct ss_fault *fault)
{
	const struct ss_attr *stack = stack_of(otlp->parts);
	struct ss_json *json = &otlp->json;

	ss_json_raw(json, "{\"timeUnixNano\":\"");
	ss_json_uint(json, otlp->parts->fault->time_ns);
	ss_json_raw(json, "\",\"name\":\"exception\",\"attributes\":[");
	write_text(otlp, "exception.type", fault->type, fault->type_bytes);
	if (fault->exception_message != NULL) {
		ss_json_raw(json, ",");
		write_text(otlp, "exception.message", fault->exception_message,
			   fault->exception_message_bytes);
	}
	if (stack != NULL) {
		ss_json_raw(json, ",");
		write_stack_attribute(otlp, "exception.stacktrace", stack);
	}
	ss_json_raw(json, "]}");
}
