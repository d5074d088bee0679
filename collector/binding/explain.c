/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/explain.h"

#include <inttypes.h>
#include <stdbool.h>

#include "collector/binding/adapter.h"
#include "collector/binding/vocabulary.h"

static const char *text(const struct ss_binding_table *table, uint32_t offset)
{
	return (const char *)ss_binding_array(table, table->strings) + offset;
}

static void print_value(FILE *out, const struct ss_binding_table *table,
			const struct ss_value *value);

static void print_call(FILE *out, const struct ss_binding_table *table, uint32_t index)
{
	const struct ss_getter *getters = ss_binding_array(table, table->getters);
	const struct ss_getter *getter = &getters[index];

	fprintf(out, "%s(", text(table, getter->symbol));
	for (uint32_t i = 0; i < getter->arg_count; i++) {
		fputs(i ? ", " : "", out);
		print_value(out, table, &getter->args[i]);
	}
	fprintf(out, "%s)", getter->out ? ", &value" : "");
}

/* "usage.total of the result" */
static void print_python(FILE *out, const struct ss_binding_table *table,
			 const struct ss_value *value)
{
	const char *path = text(table, (uint32_t)value->constant);

	if (path[0])
		fprintf(out, "%s of ", path + 1);
	if (value->place == SS_PLACE_PY_NAMED)
		fprintf(out, "argument \"%s\"", text(table, value->argument));
	else if (value->place == SS_PLACE_PY_RESULT)
		fputs("the result", out);
	else if (value->place == SS_PLACE_PY_ITEM)
		fputs("the item", out);
	else if (value->index == 0)
		fputs("self", out);
	else
		fprintf(out, "argument %u", value->index);
}

static void print_value(FILE *out, const struct ss_binding_table *table,
			const struct ss_value *value)
{
	switch (value->place) {
	case SS_PLACE_PY_ARG:
	case SS_PLACE_PY_NAMED:
	case SS_PLACE_PY_RESULT:
	case SS_PLACE_PY_ITEM:
		print_python(out, table, value);
		return;
	case SS_PLACE_RESULT:
	case SS_PLACE_FRESULT:
		fputs("the result", out);
		return;
	case SS_PLACE_CONST:
		fprintf(out, "%" PRId64, value->constant);
		return;
	case SS_PLACE_GETTER:
		print_call(out, table, (uint32_t)value->constant);
		return;
	default:
		fprintf(out, "%sargument %u%s", value->out ? "what " : "", value->argument,
			value->out ? " points to" : "");
	}
}

static bool is_pointer(const struct ss_value *value)
{
	return value->type == SS_TYPE_POINTER || value->type == SS_TYPE_STRING;
}

static void print_condition(FILE *out, const struct ss_binding_table *table, const char *what,
			    const struct ss_condition *condition)
{
	static const char *const verbs[SS_OP_COUNT] = {
		[SS_OP_IN] = "is",
		[SS_OP_NOT_IN] = "is not",
		[SS_OP_BELOW] = "is below",
		[SS_OP_ABOVE] = "is above",
	};

	if (condition->op == SS_OP_NEVER || condition->op == SS_OP_ALWAYS)
		return;
	fprintf(out, "      %s ", what);
	print_value(out, table, &condition->value);
	fprintf(out, " %s ", verbs[condition->op]);
	for (uint32_t i = 0; i < condition->count; i++) {
		fputs(i == 0 ? "" : i + 1 == condition->count ? " or " : ", ", out);
		if (is_pointer(&condition->value) && condition->operands[i] == 0)
			fputs("NULL", out);
		else
			fprintf(out, "%" PRId64, condition->operands[i]);
	}
	fputc('\n', out);
}

static void print_error(FILE *out, const struct ss_binding_table *table,
			const struct ss_entry *entry)
{
	const struct ss_capture *captures = ss_binding_array(table, table->captures);

	print_condition(out, table, entry->when == SS_WHEN_CLOSE ? "stays open if" : "fails if",
			&entry->error);
	if (entry->error.op == SS_OP_NEVER)
		return;
	if (entry->error_code_key)
		fprintf(out, "        code in attribute %s\n", text(table, entry->error_code_key));
	if (entry->error_message == SS_NO_INDEX)
		return;
	fputs("        message from ", out);
	if (captures[entry->error_message].getter != SS_NO_INDEX)
		print_call(out, table, captures[entry->error_message].getter);
	else
		print_value(out, table, &captures[entry->error_message].value);
	fputc('\n', out);
}

static const char *type_name(const struct ss_capture *capture)
{
	if (capture->value.place < SS_PLACE_PY_ARG)
		return ss_vocabulary_types[capture->type];
	if (capture->type == SS_TYPE_NONE)
		return "as it is";
	return capture->type == SS_TYPE_INT64 ? "int" : ss_vocabulary_types[capture->type];
}

static void print_capture(FILE *out, const struct ss_binding_table *table,
			  const struct ss_capture *capture)
{
	fprintf(out,
		"      %sattribute %s (%s%s): ", capture->flags & SS_CAPTURE_EACH ? "event's " : "",
		text(table, capture->key), type_name(capture),
		capture->flags & SS_CAPTURE_CONTENT ? ", content" : "");
	if (capture->getter != SS_NO_INDEX)
		print_call(out, table, capture->getter);
	else
		print_value(out, table, &capture->value);
	if (capture->length.place != SS_PLACE_NONE) {
		fputs(", length ", out);
		print_value(out, table, &capture->length);
	}
	if (capture->factor.place != SS_PLACE_NONE) {
		fputs(" times ", out);
		print_value(out, table, &capture->factor);
	}
	fputs(capture->flags & SS_CAPTURE_NONZERO ? ", unless 0" : "", out);
	fputs(capture->flags & SS_CAPTURE_ON_ERROR ? ", on error\n" : "\n", out);
}

static void print_role(FILE *out, const struct ss_binding_table *table,
		       const struct ss_entry *entry)
{
	const char *role = ss_vocabulary_roles[entry->role];

	switch (entry->when) {
	case SS_WHEN_CALL:
		fprintf(out, "each call is a span \"%s\"", text(table, entry->span_name));
		if (entry->flags & SS_ENTRY_PYTHON && entry->event_name)
			fprintf(out, ", each item an event \"%s\"", text(table, entry->event_name));
		fputc('\n', out);
		break;
	case SS_WHEN_OPEN:
		fprintf(out, "opens a span \"%s\"\n", text(table, entry->span_name));
		break;
	case SS_WHEN_CLOSE:
		fprintf(out, "closes the %s span\n", role);
		break;
	case SS_WHEN_EVENT:
		fprintf(out, "adds an event \"%s\"", text(table, entry->event_name));
		if (entry->stream_name)
			fprintf(out, " to a span \"%s\"", text(table, entry->stream_name));
		fputc('\n', out);
		break;
	default:
		fputs("hands over callbacks\n", out);
	}
}

static void print_place(FILE *out, const struct ss_binding_table *table, const char *what,
			const struct ss_value *value)
{
	if (value->place == SS_PLACE_NONE)
		return;
	fprintf(out, "      %s ", what);
	print_value(out, table, value);
	fputc('\n', out);
}

static void print_entry(FILE *out, const struct ss_binding_table *table,
			const struct ss_entry *entry)
{
	const struct ss_capture *captures = ss_binding_array(table, table->captures);
	const struct ss_callback *callbacks = ss_binding_array(table, table->callbacks);
	const struct ss_entry *entries = ss_binding_array(table, table->entries);

	fprintf(out, "  %s%s: ",
		entry->flags & SS_ENTRY_CALLBACK ? "callback "
		: entry->flags & SS_ENTRY_PYTHON ? "Python "
						 : "",
		text(table, entry->symbol));
	print_role(out, table, entry);
	print_condition(out, table, "only if", &entry->only_if);
	print_place(out, table, "handle:", &entry->handle);
	print_place(out, table, "parent:", &entry->parent);
	print_condition(out, table, "event if", &entry->event_if);
	print_condition(out, table, "stream ends if", &entry->ends);
	print_error(out, table, entry);
	for (uint32_t i = 0; i < entry->capture_count; i++)
		print_capture(out, table, &captures[entry->first_capture + i]);
	for (uint32_t i = 0; i < entry->callback_count; i++) {
		const struct ss_callback *callback = &callbacks[entry->first_callback + i];

		fprintf(out, "      argument %u becomes callback \"%s\"\n",
			callback->value.argument, text(table, entries[callback->entry].symbol));
	}
}

void ss_explain_binding(FILE *out, const struct ss_binding_table *table, uint32_t index)
{
	const struct ss_binding *bindings = ss_binding_array(table, table->bindings);
	const struct ss_constant *constants = ss_binding_array(table, table->constants);
	const struct ss_entry *entries = ss_binding_array(table, table->entries);
	const struct ss_binding *binding = &bindings[index];
	const char *library = text(table, binding->library);
	const char *description = text(table, binding->description);

	fprintf(out, "%s (%s)%s%s\n", text(table, binding->name), text(table, binding->source),
		description[0] ? ": " : "", description);
	if (binding->adapter) {
		ss_adapter_explain(out, text(table, binding->adapter));
		return;
	}
	fprintf(out, "  %s%s%u entr%s, %u named result code%s\n", library, library[0] ? ", " : "",
		binding->entry_count, binding->entry_count == 1 ? "y" : "ies", binding->code_count,
		binding->code_count == 1 ? "" : "s");
	for (uint32_t i = 0; i < binding->constant_count; i++) {
		const struct ss_constant *constant = &constants[binding->first_constant + i];

		fprintf(out, "  on every span: %s = \"%s\"\n", text(table, constant->key),
			text(table, constant->value));
	}
	for (uint32_t i = 0; i < binding->entry_count; i++)
		print_entry(out, table, &entries[binding->first_entry + i]);
}
