/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plugin_event.h"

#include <string.h>

#include "collector/binding/vocabulary.h"
#include "collector/vocabulary.h"
#include "shim/field.h"

/* The public numbers are the file format's. */
#define SAME_HOOK(name) \
	_Static_assert((int)SPANSHIM_HOOK_##name == (int)SS_HOOK_##name, "hook " #name);
SPANSHIM_HOOKS(SAME_HOOK)
_Static_assert((int)SPANSHIM_HOOK_COUNT == (int)SS_HOOK_COUNT, "a hook without a public name");
#define SAME_FIELD(name, type) \
	_Static_assert((int)SPANSHIM_FIELD_##name == (int)SS_FIELD_##name, "field " #name);
SS_FIELDS(SAME_FIELD)
_Static_assert((int)SPANSHIM_FIELD_END == (int)SS_FIELD_END, "a field without a public name");
#define SAME(public, private) _Static_assert((int)SPANSHIM_##public == (int)SS_##private, #public)
SAME(FIELD_STATUS_MESSAGE, KEY_STATUS_MESSAGE);
SAME(FIELD_EXCEPTION_TYPE, KEY_EXCEPTION_TYPE);
SAME(FIELD_EXCEPTION_MESSAGE, KEY_EXCEPTION_MESSAGE);
SAME(FIELD_STACK, KEY_STACK);
SAME(OPEN, EVENT_OPEN);
SAME(CLOSE, EVENT_CLOSE);
SAME(POINT, EVENT_POINT);
SAME(ATTRIBUTES, EVENT_ATTR);
SAME(DISCARD, EVENT_DISCARD);
SAME(OK, STATUS_OK);
SAME(ERROR, STATUS_ERROR);
SAME(EXCEPTION, STATUS_EXCEPTION);
SAME(CANCELLED, STATUS_CANCELLED);
SAME(LONGJMP, STATUS_LONGJMP);
SAME(THREAD_EXIT, STATUS_THREAD_EXIT);
_Static_assert((int)SS_STATUS_COUNT == (int)SPANSHIM_THREAD_EXIT + 1, "a status without a name");
SAME(REMOTE_PARENT, EVENT_PARENT_REMOTE);
SAME(STATUS_ONLY, EVENT_STATUS_ONLY);
SAME(NO_RESULT, EVENT_NO_RESULT);
SAME(OBSERVED, EVENT_OBSERVED);
SAME(INFERRED, EVENT_INFERRED);
SAME(INT, ATTR_INT);
SAME(DOUBLE, ATTR_DOUBLE);
SAME(BOOL, ATTR_BOOL);
SAME(STRING, ATTR_STRING);
SAME(CONTINUES, ATTR_CONTINUES);
SAME(CUT, ATTR_CUT);

#define NAME(name) #name,
static const char *const hook_names[] = { "NONE", SPANSHIM_HOOKS(NAME) };
static const char *const first_names[] = { "", "STATUS_MESSAGE", "EXCEPTION_TYPE",
					   "EXCEPTION_MESSAGE", "STACK" };
static const char *const field_names[] = { SPANSHIM_FIELDS(NAME) };

static void lower(char *to, size_t bytes, const char *from)
{
	for (; bytes > 1 && *from != '\0'; bytes--, from++)
		*to++ = *from >= 'A' && *from <= 'Z' ? (char)(*from - 'A' + 'a') : *from;
	*to = '\0';
}

void ss_plugin_event_init(struct ss_plugin_event *out)
{
	uint32_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < SS_HOOK_COUNT; i++)
		lower(out->hook_names[i], sizeof(out->hook_names[i]), hook_names[i]);
	for (i = 0; i < sizeof(first_names) / sizeof(*first_names); i++)
		lower(out->field_names[i], sizeof(out->field_names[i]), first_names[i]);
	for (i = SS_KEY_FIELDS; i < SS_FIELD_END; i++)
		lower(out->field_names[i], sizeof(out->field_names[i]),
		      field_names[i - SS_KEY_FIELDS]);
}

/* The bytes with a NUL behind them: in place where padding follows, which is zero. */
static const char *terminated(struct ss_plugin_event *out, const struct ss_attr *attr)
{
	const char *bytes = (const char *)(attr + 1);
	char *copy = out->texts + out->texts_used;

	if (attr->s.bytes % 8 != 0 && bytes[attr->s.bytes] == '\0')
		return bytes;
	memcpy(copy, bytes, attr->s.bytes);
	copy[attr->s.bytes] = '\0';
	out->texts_used += attr->s.bytes + 1;
	return copy;
}

/* False: a type of a later version. */
static bool set_value(struct ss_plugin_event *out, const struct ss_image_view *view,
		      const struct ss_attr *attr, struct spanshim_attribute *ret)
{
	struct spanshim_text *text = &ret->value.text;

	ret->type = attr->type;
	switch (attr->type) {
	case SS_ATTR_INT:
	case SS_ATTR_BOOL:
		ret->value.integer = attr->i;
		return true;
	case SS_ATTR_DOUBLE:
		ret->value.real = attr->d;
		return true;
	case SS_ATTR_NAME:
		ret->type = SPANSHIM_STRING;
		text->bytes = ss_image_string(view, (uint64_t)attr->i);
		text->size = text->length = (uint32_t)strlen(text->bytes);
		return true;
	case SS_ATTR_STRING:
		text->bytes = terminated(out, attr);
		break;
	case SS_ATTR_STACK:
		ret->type = SPANSHIM_STACK;
		text->bytes = (const char *)(attr + 1);
		break;
	case SS_ATTR_STRINGS:
		ret->type = SPANSHIM_STRINGS;
		text->bytes = (const char *)(attr + 1);
		break;
	default:
		return false;
	}
	text->size = attr->s.bytes;
	text->length = attr->s.length;
	return true;
}

static void set_attributes(struct ss_plugin_event *out, const struct ss_image_view *view,
			   const struct ss_hook_event *event)
{
	struct ss_attr_iter iter = { event->payload, event->payload + event->payload_bytes };
	const struct ss_attr *attr;

	out->texts_used = 0;
	out->event.attribute_count = 0;
	while ((attr = ss_attr_next(&iter)) != NULL) {
		struct spanshim_attribute *to = &out->attributes[out->event.attribute_count];
		bool field = attr->key < SS_KEY_RESERVED;

		if (!set_value(out, view, attr, to))
			continue;
		to->field = field ? attr->key : SPANSHIM_FIELD_NONE;
		to->flags = attr->flags;
		to->name = field ? out->field_names[attr->key] : ss_image_string(view, attr->key);
		out->event.attribute_count++;
	}
}

static void set_names(struct spanshim_event *to, const struct ss_image_view *view,
		      const struct ss_hook_event *event)
{
	const struct ss_entry *entry = ss_image_entry(view, event->entry);
	const struct ss_binding *binding;

	to->event_name = to->binding = to->symbol = to->role = "";
	if (event->kind == SS_EVENT_POINT)
		to->event_name = spanshim_string(spanshim_field(to, SPANSHIM_FIELD_EVENT_NAME), "");
	if (ss_is_dialect(event->entry))
		to->binding = ss_vocabulary_service(event->entry);
	if (entry == NULL)
		return;
	binding = ss_image_binding(view, entry);
	if (binding != NULL)
		to->binding = ss_image_string(view, binding->name);
	to->symbol = ss_image_string(view, entry->symbol);
	to->role = entry->role < SS_ROLE_COUNT ? ss_vocabulary_roles[entry->role] : "";
	if (event->kind == SS_EVENT_POINT && to->event_name[0] == '\0')
		to->event_name = ss_image_string(view, entry->event_name);
}

static void set_span(struct spanshim_event *to, const struct ss_hook_event *event,
		     const struct ss_plugin_span *span)
{
	to->span_id = event->span_id;
	to->trace_hi = event->trace_hi;
	to->trace_lo = event->trace_lo;
	to->parent_id = event->parent_id;
	to->correlation_id = "";
	if (span != NULL) {
		to->trace_hi = span->trace_hi;
		to->trace_lo = span->trace_lo;
		to->parent_id = span->parent_id;
		to->correlation_id = ss_plugin_span_correlation(span);
	} else if (event->span_id != 0 && event->kind != SS_EVENT_OPEN) {
		to->flags |= SPANSHIM_STRAY;
	}
}

void ss_plugin_event_build(struct ss_plugin_event *out, const struct ss_image_view *view,
			   const struct ss_hook_event *event, const struct ss_plugin_span *span)
{
	struct spanshim_event *to = &out->event;

	to->size = sizeof(*to);
	to->attribute_size = sizeof(*out->attributes);
	to->attributes = out->attributes;
	to->hook = ss_plugin_event_hook(event, span);
	to->kind = event->kind;
	to->status = event->status;
	to->flags = event->flags;
	to->pid = view->image->pid;
	to->tid = event->tid;
	to->time_ns = event->time_ns;
	to->result = event->result;
	to->hook_name = out->hook_names[to->hook];
	set_attributes(out, view, event);
	set_span(to, event, span);
	set_names(to, view, event);
}
