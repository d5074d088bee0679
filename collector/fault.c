/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/fault.h"

#include <stdio.h>
#include <string.h>

#include "collector/symbolize.h"

#define UNFINISHED "unfinished: the process ended"

static const struct ss_fault_text none = { NULL, 0, SS_NO_VALUE };

static struct ss_fault_text plain(const char *text)
{
	return (struct ss_fault_text){ text, strlen(text), SS_NO_VALUE };
}

/* The string attribute `key`: of the failing event itself, else one that came separately (long). */
static struct ss_fault_text text_of(const struct ss_parts *parts, uint32_t key)
{
	const struct ss_attr *attr = ss_parts_find(parts->fault, key);
	uint32_t value = SS_NO_VALUE;

	if (attr == NULL && parts->special[key] != SS_NO_VALUE) {
		value = parts->special[key];
		attr = parts->values[value].attr;
	}
	if (attr == NULL || attr->type != SS_ATTR_STRING)
		return none;
	return (struct ss_fault_text){ (const char *)(attr + 1), attr->s.bytes, value };
}

static void read_code(struct ss_fault *fault, const struct ss_image_view *view,
		      const struct ss_log_entry *event)
{
	const struct ss_entry *entry = ss_image_entry(view, event->entry);
	const char *name;

	if (event->flags & SS_EVENT_NO_RESULT) {
		fault->type = plain("_OTHER"); /* semantic conventions: no better name is known */
		return;
	}
	snprintf(fault->type_text, sizeof(fault->type_text), "%lld", (long long)event->result);
	snprintf(fault->message_text, sizeof(fault->message_text), "result %lld",
		 (long long)event->result);
	fault->type = plain(fault->type_text);
	fault->message = plain(fault->message_text);
	if (entry == NULL)
		return;
	fault->code_key = entry->error_code_key;
	fault->code = event->result;
	name = ss_image_code_name(view, entry, event->result);
	if (name == NULL || *name == '\0')
		return;
	fault->type = fault->message = plain(name);
}

static void read_native_exception(struct ss_fault *fault, const struct ss_parts *parts)
{
	struct ss_fault_text type = text_of(parts, SS_KEY_EXCEPTION_TYPE);

	fault->type = plain("exception");
	if (type.bytes > 0) {
		fault->type.text = fault->type_text;
		fault->type.bytes = ss_symbolize_type(type.text, type.bytes, fault->type_text,
						      sizeof(fault->type_text));
	}
	fault->exception_type = fault->message = fault->type;
}

/* Here error.type is the class's own name, exception.type the qualified one. */
static void read_python_exception(struct ss_fault *fault, const struct ss_parts *parts)
{
	fault->python = true;
	fault->type = text_of(parts, SS_FIELD_ERROR_TYPE);
	fault->exception_type = text_of(parts, SS_FIELD_EXCEPTION_NAME);
	fault->exception_stacktrace = text_of(parts, SS_FIELD_EXCEPTION_STACKTRACE);
	if (fault->type.bytes == 0)
		fault->type = plain("exception");
	if (fault->exception_type.bytes == 0)
		fault->exception_type = fault->type;
}

static bool is_python(const struct ss_image_view *view, uint32_t index)
{
	const struct ss_entry *entry = ss_image_entry(view, index);

	return ss_is_dialect(index) || (entry != NULL && (entry->flags & SS_ENTRY_PYTHON));
}

static void read_exception(struct ss_fault *fault, const struct ss_image_view *view,
			   const struct ss_parts *parts)
{
	fault->exception = true;
	if (is_python(view, parts->fault->entry))
		read_python_exception(fault, parts);
	else
		read_native_exception(fault, parts);
	fault->exception_message = text_of(parts, SS_KEY_EXCEPTION_MESSAGE);
	if (fault->exception_message.text != NULL)
		fault->message = fault->exception_message;
}

static void read_status(struct ss_fault *fault, const struct ss_image_view *view,
			const struct ss_parts *parts)
{
	switch (parts->fault->status) {
	case SS_STATUS_EXCEPTION:
		read_exception(fault, view, parts);
		return;
	case SS_STATUS_CANCELLED:
		fault->type = plain("cancelled");
		break;
	case SS_STATUS_LONGJMP:
		fault->type = plain("longjmp");
		break;
	case SS_STATUS_THREAD_EXIT:
		fault->type = plain("thread_exit");
		break;
	default:
		if (!ss_is_dialect(parts->fault->entry))
			read_code(fault, view, parts->fault);
		return;
	}
	fault->message = fault->type;
}

void ss_fault_read(struct ss_fault *fault, const struct ss_image_view *view,
		   const struct ss_parts *parts, const struct ss_span_view *span)
{
	struct ss_fault_text message;

	fault->failed = parts->fault != NULL || span->unfinished;
	fault->type = none;
	fault->exception = fault->python = false;
	if (!fault->failed)
		return;
	fault->code_key = 0;
	fault->message = fault->exception_message = fault->exception_stacktrace = none;
	if (parts->fault != NULL) {
		read_status(fault, view, parts);
		message = text_of(parts, SS_KEY_STATUS_MESSAGE);
		if (message.text != NULL)
			fault->message = message;
		/* An adapter's span has it as an attribute, where the framework gives it one. */
		if (ss_is_dialect(parts->open->entry))
			fault->type = none;
	}
	if (span->unfinished)
		fault->message = plain(UNFINISHED);
}
