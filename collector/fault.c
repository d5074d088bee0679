/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/fault.h"

#include <stdio.h>
#include <string.h>

#include "collector/symbolize.h"

#define UNFINISHED "unfinished: the process ended"

static void set_type(struct ss_fault *fault, const char *type)
{
	fault->type = type;
	fault->type_bytes = strlen(type);
}

static void set_message(struct ss_fault *fault, const char *message, size_t bytes)
{
	fault->message = message;
	fault->message_bytes = bytes;
}

/* The string attribute `key`: of the failing event itself, else one that came separately (long). */
static const struct ss_attr *text_of(const struct ss_parts *parts, uint32_t key,
				     uint32_t *ret_value)
{
	const struct ss_attr *attr = ss_parts_find(parts->fault, key);

	*ret_value = SS_NO_VALUE;
	if (attr == NULL && parts->special[key] != SS_NO_VALUE) {
		attr = parts->values[parts->special[key]].attr;
		*ret_value = parts->special[key];
	}
	return attr != NULL && attr->type == SS_ATTR_STRING ? attr : NULL;
}

static void read_code(struct ss_fault *fault, const struct ss_image_view *view,
		      const struct ss_log_entry *event)
{
	const struct ss_entry *entry = ss_image_entry(view, event->entry);
	const char *name;

	if (event->flags & SS_EVENT_NO_RESULT) {
		set_type(fault, "_OTHER"); /* semantic conventions: no better name is known */
		return;
	}
	snprintf(fault->type_text, sizeof(fault->type_text), "%lld", (long long)event->result);
	snprintf(fault->message_text, sizeof(fault->message_text), "result %lld",
		 (long long)event->result);
	set_type(fault, fault->type_text);
	set_message(fault, fault->message_text, strlen(fault->message_text));
	if (entry == NULL)
		return;
	fault->code_key = entry->error_code_key;
	fault->code = event->result;
	name = ss_image_code_name(view, entry, event->result);
	if (name == NULL || *name == '\0')
		return;
	set_type(fault, name);
	set_message(fault, name, strlen(name));
}

static void read_exception(struct ss_fault *fault, const struct ss_parts *parts)
{
	uint32_t value;
	const struct ss_attr *type = text_of(parts, SS_KEY_EXCEPTION_TYPE, &value);
	const struct ss_attr *message = text_of(parts, SS_KEY_EXCEPTION_MESSAGE, &value);

	fault->exception = true;
	set_type(fault, "exception");
	if (type != NULL && type->s.bytes > 0) {
		fault->type = fault->type_text;
		fault->type_bytes = ss_symbolize_type((const char *)(type + 1), type->s.bytes,
						      fault->type_text, sizeof(fault->type_text));
	}
	set_message(fault, fault->type, fault->type_bytes);
	if (message == NULL)
		return;
	fault->exception_message = (const char *)(message + 1);
	fault->exception_message_bytes = message->s.bytes;
	set_message(fault, fault->exception_message, fault->exception_message_bytes);
}

static void read_status(struct ss_fault *fault, const struct ss_image_view *view,
			const struct ss_parts *parts)
{
	switch (parts->fault->status) {
	case SS_STATUS_EXCEPTION:
		read_exception(fault, parts);
		return;
	case SS_STATUS_CANCELLED:
		set_type(fault, "cancelled");
		break;
	case SS_STATUS_LONGJMP:
		set_type(fault, "longjmp");
		break;
	case SS_STATUS_THREAD_EXIT:
		set_type(fault, "thread_exit");
		break;
	default:
		read_code(fault, view, parts->fault);
		return;
	}
	set_message(fault, fault->type, fault->type_bytes);
}

void ss_fault_read(struct ss_fault *fault, const struct ss_image_view *view,
		   const struct ss_parts *parts, const struct ss_span_view *span)
{
	const struct ss_attr *message;
	uint32_t value;

	fault->type = fault->message = fault->exception_message = NULL;
	fault->code_key = 0;
	fault->message_value = SS_NO_VALUE;
	fault->exception = false;
	if (parts->fault != NULL) {
		read_status(fault, view, parts);
		message = text_of(parts, SS_KEY_STATUS_MESSAGE, &value);
		if (message != NULL) {
			set_message(fault, (const char *)(message + 1), message->s.bytes);
			fault->message_value = value;
		}
	}
	if (span->unfinished) {
		set_message(fault, UNFINISHED, strlen(UNFINISHED));
		fault->message_value = SS_NO_VALUE;
	}
}
