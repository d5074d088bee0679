/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp_value.h"

#include <stdio.h>
#include <string.h>

#include "collector/otlp_key.h"
#include "collector/symbolize.h"

#define FRAMES_MAX       256u
#define FRAME_LINE_BYTES (SS_FRAME_BYTES + 16)

void ss_otlp_text(struct ss_json *json, const char *text)
{
	ss_json_string(json, text, strnlen(text, 4 * SS_OTLP_TEXT_MAX), SS_OTLP_TEXT_MAX);
}

/* The addresses' frames, a line each. */
static void write_stack(struct ss_otlp *otlp, const struct ss_attr *attr)
{
	uint32_t i, count = attr->s.bytes / sizeof(uint64_t);
	const char *addresses = (const char *)(attr + 1);
	size_t used = 0;
	char *text;

	for (i = 0; i < count && i < FRAMES_MAX; i++) {
		uint64_t address;

		if (ss_buffer_reserve(&otlp->joined, used + FRAME_LINE_BYTES) != 0)
			break;
		text = otlp->joined.base;
		memcpy(&address, addresses + i * sizeof(address), sizeof(address));
		used += (size_t)sprintf(text + used, "%s#%u ", i > 0 ? "\n" : "", i);
		used += ss_symbolize_frame(address, !otlp->view->live, text + used);
	}
	ss_json_string(&otlp->json, used > 0 ? otlp->joined.base : "", used, otlp->value_max);
}

/* The bytes of `value`, which has several pieces, in one: a character, or an element, may have been
 * cut in two. Valid until the next call. */
static const char *join(struct ss_otlp *otlp, uint32_t value, size_t *ret_bytes)
{
	const struct ss_parts_value *values = otlp->parts->values;
	const struct ss_attr *attr;
	size_t bytes = 0;

	for (; value != SS_NO_VALUE; value = values[value].next) {
		attr = values[value].attr;
		if ((attr->type != SS_ATTR_STRING && attr->type != SS_ATTR_STRINGS) ||
		    ss_buffer_reserve(&otlp->joined, bytes + attr->s.bytes) != 0)
			break;
		memcpy((char *)otlp->joined.base + bytes, attr + 1, attr->s.bytes);
		bytes += attr->s.bytes;
	}
	*ret_bytes = bytes;
	return bytes > 0 ? otlp->joined.base : "";
}

static inline const char *text_of(struct ss_otlp *otlp, const struct ss_attr *attr, uint32_t value,
				  size_t *ret_bytes)
{
	if (value != SS_NO_VALUE && otlp->parts->values[value].next != SS_NO_VALUE)
		return join(otlp, value, ret_bytes);
	*ret_bytes = attr->s.bytes;
	return (const char *)(attr + 1);
}

/* In one piece, and no limit cuts it. */
static inline bool is_short(const struct ss_otlp *otlp, const struct ss_attr *attr, uint32_t value)
{
	return attr->s.bytes <= SS_OTLP_SHORT && attr->s.bytes <= otlp->value_max &&
	       (value == SS_NO_VALUE || otlp->parts->values[value].next == SS_NO_VALUE);
}

/* The elements (shim/attr.h) of an ArrayValue, and its end. One that is cut, or says that it is
 * longer than what there is, is the last. */
static void write_strings(struct ss_otlp *otlp, const char *at, size_t left)
{
	struct ss_json *json = &otlp->json;
	bool any = false;
	uint32_t bytes;

	while (left >= sizeof(bytes)) {
		memcpy(&bytes, at, sizeof(bytes));
		at += sizeof(bytes);
		left -= sizeof(bytes);
		if (bytes > left && left == 0)
			break;
		if (bytes > left)
			bytes = (uint32_t)left;
		if (any)
			ss_json_raw(json, ",");
		any = true;
		ss_json_raw(json, "{\"stringValue\":");
		ss_json_string(json, at, bytes, otlp->value_max);
		ss_json_raw(json, "}");
		at += bytes;
		left -= bytes;
	}
	ss_json_raw(json, "]}");
}

static inline void write_string(struct ss_otlp *otlp, const char *text, size_t bytes,
				const struct ss_spelling *spelling)
{
	const char *name = NULL;

	if (spelling != NULL && spelling->dialect != 0)
		name = ss_vocabulary_provider(spelling->dialect, text, bytes);
	if (name != NULL) {
		text = name;
		bytes = strlen(name);
	}
	ss_json_string(&otlp->json, text, bytes, otlp->value_max);
}

static uint8_t type_of(const struct ss_attr *attr)
{
	return attr->type < SS_ATTR_TYPES ? attr->type : SS_ATTR_NONE;
}

/* The value, behind its beginning, and the braces that close it. value: of parts, for strings that
 * may go on; or SS_NO_VALUE. */
static void write_value(struct ss_otlp *otlp, const struct ss_attr *attr,
			const struct ss_spelling *spelling, uint32_t value)
{
	struct ss_json *json = &otlp->json;
	const char *text;
	size_t bytes;

	switch (attr->type) {
	case SS_ATTR_DOUBLE:
		ss_json_double(json, attr->d);
		break;
	case SS_ATTR_NAME:
		text = ss_image_string(otlp->view, (uint64_t)attr->i);
		write_string(otlp, text, strlen(text), spelling);
		break;
	case SS_ATTR_STACK:
		write_stack(otlp, attr);
		break;
	case SS_ATTR_STRING:
		text = text_of(otlp, attr, value, &bytes);
		write_string(otlp, text, bytes, spelling);
		break;
	case SS_ATTR_STRINGS:
		text = text_of(otlp, attr, value, &bytes);
		write_strings(otlp, text, bytes);
		break;
	default:
		break;
	}
	ss_json_raw(json, "}}");
}

/* Most values are short, and written where there is room for them. */
static inline __attribute__((always_inline)) void
write_attribute(struct ss_otlp *otlp, const struct ss_attr *attr,
		const struct ss_spelling *spelling, uint32_t value, bool first)
{
	uint8_t type = type_of(attr);
	size_t used;
	char *p;

	if (spelling == NULL)
		p = ss_otlp_key(otlp, attr->key, type, first);
	else
		p = ss_otlp_key_text(otlp, spelling->key, spelling->bytes, type, first);
	if (type == SS_ATTR_INT) {
		p = ss_put_raw(ss_put_int(p, attr->i), "\"}}");
	} else if (type == SS_ATTR_BOOL) {
		p = attr->i != 0 ? ss_put_raw(p, "true}}") : ss_put_raw(p, "false}}");
	} else if (type == SS_ATTR_STRING && spelling == NULL && is_short(otlp, attr, value)) {
		*p++ = '"';
		p = ss_put_escaped(p, (const char *)(attr + 1), attr->s.bytes, attr->s.bytes,
				   &used);
		p = ss_put_raw(p, "\"}}");
	} else {
		ss_json_end(&otlp->json, p);
		write_value(otlp, attr, spelling, value);
		return;
	}
	ss_json_end(&otlp->json, p);
}

uint32_t ss_otlp_attributes(struct ss_otlp *otlp, uint32_t room, bool first)
{
	const struct ss_parts *parts = otlp->parts;
	uint32_t i;

	for (i = 0; i < parts->attribute_count && i < room; i++, first = false) {
		uint32_t value = parts->attributes[i];
		const struct ss_parts_value *known = &parts->values[value];

		write_attribute(otlp, known->attr, known->spelling, value, first);
	}
	return parts->attribute_count - i;
}

void ss_otlp_fault_text(struct ss_otlp *otlp, const struct ss_fault_text *text, uint32_t max)
{
	const char *start = text->text;
	size_t bytes = text->bytes;

	if (text->value != SS_NO_VALUE && otlp->parts->values[text->value].next != SS_NO_VALUE)
		start = join(otlp, text->value, &bytes);
	ss_json_string(&otlp->json, start, bytes, max);
}

static void write_text(struct ss_otlp *otlp, const char *key, const struct ss_fault_text *text,
		       bool first)
{
	struct ss_json *json = &otlp->json;

	ss_json_end(json, ss_otlp_key_text(otlp, key, strlen(key), SS_ATTR_STRING, first));
	ss_otlp_fault_text(otlp, text, otlp->value_max);
	ss_json_raw(json, "}}");
}

static void write_stack_attribute(struct ss_otlp *otlp, const char *key, const struct ss_attr *attr,
				  bool first)
{
	const struct ss_spelling spelling = { key, (uint32_t)strlen(key), 0 };

	write_attribute(otlp, attr, &spelling, SS_NO_VALUE, first);
}

static const struct ss_attr *stack_of(const struct ss_parts *parts)
{
	uint32_t value = parts->special[SS_KEY_STACK];
	const struct ss_attr *attr = value != SS_NO_VALUE ? parts->values[value].attr : NULL;

	return attr != NULL && attr->type == SS_ATTR_STACK ? attr : NULL;
}

/* Whether the limit lets one more in. */
static bool take(uint32_t *room, uint32_t *dropped)
{
	if (*room == 0) {
		++*dropped;
		return false;
	}
	--*room;
	return true;
}

uint32_t ss_otlp_fault_attributes(struct ss_otlp *otlp, const struct ss_fault *fault,
				  uint32_t *room)
{
	const struct ss_attr *stack = stack_of(otlp->parts);
	struct ss_attr code = { .key = fault->code_key, .type = SS_ATTR_INT, .i = fault->code };
	uint32_t dropped = 0;

	if (stack != NULL && !fault->exception && take(room, &dropped))
		write_stack_attribute(otlp, "code.stacktrace", stack, false);
	if (fault->type.text == NULL)
		return dropped;
	if (take(room, &dropped))
		write_text(otlp, "error.type", &fault->type, false);
	if (fault->code_key != 0 && take(room, &dropped))
		write_attribute(otlp, &code, NULL, SS_NO_VALUE, false);
	return dropped;
}

/* --- span events --- */

/* After its time. */
static void write_event_name(struct ss_otlp *otlp, const struct ss_log_entry *event)
{
	const struct ss_entry *entry = ss_image_entry(otlp->view, event->entry);
	const struct ss_attr *name;

	if (entry != NULL) {
		uint32_t key = entry->event_name ? entry->event_name : entry->symbol;

		ss_json_end(&otlp->json, ss_otlp_key(otlp, key, SS_OTLP_EVENT_NAME, false));
		return;
	}
	ss_json_raw(&otlp->json, "\",\"name\":");
	name = ss_is_dialect(event->entry) ? ss_parts_find(event, SS_FIELD_EVENT_NAME) : NULL;
	if (name != NULL && name->type == SS_ATTR_STRING && name->s.bytes > 0)
		ss_json_string(&otlp->json, (const char *)(name + 1), name->s.bytes,
			       SS_OTLP_TEXT_MAX);
	else
		ss_json_raw(&otlp->json, "\"event\"");
}

/* The last attribute of the event with that key: it is the one that counts. NULL: `first` itself
 * comes after another one, which has taken its place. */
static const struct ss_attr *last_of(const struct ss_log_entry *entry, const struct ss_attr *first,
				     const struct ss_spelling *spelling)
{
	struct ss_attr_iter iter = ss_parts_attributes(entry);
	const struct ss_attr *attr, *last = NULL;

	while ((attr = ss_attr_next(&iter)) != NULL) {
		const struct ss_spelling *other = ss_parts_spell(entry, attr->key);

		if (other == NULL || other->key != spelling->key)
			continue;
		if (last == NULL && attr != first)
			return NULL;
		last = attr;
	}
	return last;
}

static bool is_event_attribute(const struct ss_log_entry *entry, const struct ss_attr **attr,
			       const struct ss_spelling **ret_spelling)
{
	*ret_spelling = NULL;
	if ((*attr)->key >= SS_KEY_RESERVED || (*attr)->key == SS_KEY_STACK)
		return true;
	*ret_spelling = ss_parts_spell(entry, (*attr)->key);
	if (*ret_spelling != NULL)
		*attr = last_of(entry, *attr, *ret_spelling);
	return *ret_spelling != NULL && *attr != NULL;
}

static void begin_event(struct ss_otlp *otlp, uint64_t time_ns)
{
	char *p = ss_json_begin(&otlp->json, sizeof("{\"timeUnixNano\":\"") + SS_JSON_NUMBER_MAX);

	p = ss_put_raw(p, "{\"timeUnixNano\":\"");
	ss_json_end(&otlp->json, ss_put_time(&otlp->time, p, time_ns));
}

static void end_event(struct ss_json *json, uint32_t dropped)
{
	if (dropped > 0) {
		ss_json_raw(json, ",\"droppedAttributesCount\":");
		ss_json_uint(json, dropped);
	}
	ss_json_raw(json, "}");
}

void ss_otlp_event(struct ss_otlp *otlp, const struct ss_log_entry *entry)
{
	struct ss_attr_iter iter = ss_parts_attributes(entry);
	uint32_t room = otlp->view->image->event_attribute_count_limit, dropped = 0;
	bool first = true;
	struct ss_json *json = &otlp->json;
	const struct ss_spelling *spelling;
	const struct ss_attr *attr;

	begin_event(otlp, entry->time_ns);
	write_event_name(otlp, entry);
	while ((attr = ss_attr_next(&iter)) != NULL) {
		if (!is_event_attribute(entry, &attr, &spelling) || !take(&room, &dropped))
			continue;
		if (first)
			ss_json_raw(json, ",\"attributes\":[");
		if (attr->key == SS_KEY_STACK)
			write_stack_attribute(otlp, "code.stacktrace", attr, first);
		else
			write_attribute(otlp, attr, spelling, SS_NO_VALUE, first);
		first = false;
	}
	if (!first)
		ss_json_raw(json, "]");
	end_event(json, dropped);
}

void ss_otlp_exception(struct ss_otlp *otlp, const struct ss_fault *fault)
{
	/* A str, and never more than this: its record_exception is not told otherwise. */
	static const struct ss_fault_text escaped = { "False", sizeof("False") - 1, SS_NO_VALUE };
	uint32_t room = otlp->view->image->event_attribute_count_limit, dropped = 0;
	const struct ss_attr *stack = stack_of(otlp->parts);
	struct ss_json *json = &otlp->json;

	begin_event(otlp, otlp->parts->fault->time_ns);
	ss_json_raw(json, "\",\"name\":\"exception\",\"attributes\":[");
	if (take(&room, &dropped))
		write_text(otlp, "exception.type", &fault->exception_type, true);
	if (fault->exception_message.text != NULL && take(&room, &dropped))
		write_text(otlp, "exception.message", &fault->exception_message, false);
	if (fault->exception_stacktrace.text != NULL && take(&room, &dropped))
		write_text(otlp, "exception.stacktrace", &fault->exception_stacktrace, false);
	if (fault->python && take(&room, &dropped))
		write_text(otlp, "exception.escaped", &escaped, false);
	else if (!fault->python && stack != NULL && take(&room, &dropped))
		write_stack_attribute(otlp, "exception.stacktrace", stack, false);
	ss_json_raw(json, "]");
	end_event(json, dropped);
}
