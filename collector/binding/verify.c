/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/verify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/event.h"

/* The arrays of a table whose bounds have been checked. */
struct view {
	const struct ss_binding_table *table;
	const struct ss_binding *bindings;
	const struct ss_entry *entries;
	const struct ss_capture *captures;
	const struct ss_getter *getters;
	const struct ss_callback *callbacks;
	const struct ss_code *codes;
	const struct ss_constant *constants;
};

static bool is_array(const struct ss_binding_table *table, struct ss_span_of span, size_t item)
{
	return span.offset % 8 == 0 && span.offset >= sizeof(*table) &&
	       span.offset <= table->bytes && span.count <= (table->bytes - span.offset) / item;
}

static bool is_header(const struct ss_binding_table *t, size_t bytes)
{
	return bytes >= sizeof(*t) && (uintptr_t)t % 8 == 0 && t->magic == SS_BINDING_MAGIC &&
	       t->version == SS_BINDING_VERSION && t->bytes >= sizeof(*t) && t->bytes <= bytes &&
	       is_array(t, t->bindings, sizeof(struct ss_binding)) &&
	       is_array(t, t->entries, sizeof(struct ss_entry)) &&
	       is_array(t, t->captures, sizeof(struct ss_capture)) &&
	       is_array(t, t->getters, sizeof(struct ss_getter)) &&
	       is_array(t, t->callbacks, sizeof(struct ss_callback)) &&
	       is_array(t, t->codes, sizeof(struct ss_code)) &&
	       is_array(t, t->constants, sizeof(struct ss_constant)) && is_array(t, t->strings, 1);
}

/* The last byte of the area is NUL, so each string that begins in it ends in it. */
static bool are_strings(const struct ss_binding_table *table)
{
	const char *strings = ss_binding_array(table, table->strings);
	uint32_t bytes = table->strings.count;

	return bytes > SS_KEY_RESERVED && strings[SS_KEY_RESERVED] == '\0' &&
	       strings[bytes - 1] == '\0';
}

static bool is_string(const struct view *v, uint32_t offset)
{
	return offset >= SS_KEY_RESERVED && offset < v->table->strings.count;
}

static bool is_optional_string(const struct view *v, uint32_t offset)
{
	return offset == 0 || is_string(v, offset);
}

static bool is_range(uint32_t first, uint32_t count, uint32_t total)
{
	return first <= total && count <= total - first;
}

static bool is_index(uint32_t index, uint32_t total)
{
	return index == SS_NO_INDEX || index < total;
}

/* Register numbers: those of the architecture with the most. */
static bool is_value(const struct view *v, const struct ss_value *value)
{
	if (value->place >= SS_PLACE_COUNT || value->type >= SS_TYPE_COUNT || value->out > 1)
		return false;
	if (value->place == SS_PLACE_PY_NAMED && !is_string(v, value->argument))
		return false;
	if (value->place >= SS_PLACE_PY_ARG)
		return value->constant >= 0 && value->constant <= UINT32_MAX &&
		       is_string(v, (uint32_t)value->constant);
	if (value->place == SS_PLACE_GPR || value->place == SS_PLACE_FPR)
		return value->index < 8;
	return true;
}

static bool is_plain_value(const struct view *v, const struct ss_value *value)
{
	return is_value(v, value) && value->place != SS_PLACE_GETTER;
}

static bool is_condition(const struct view *v, const struct ss_condition *condition)
{
	if (condition->op >= SS_OP_COUNT || condition->count > SS_OPERANDS_MAX)
		return false;
	if (condition->op >= SS_OP_IN && condition->count == 0)
		return false;
	return is_plain_value(v, &condition->value);
}

static bool has_getter_argument(const struct ss_getter *getter)
{
	for (uint32_t i = 0; i < getter->arg_count; i++)
		if (getter->args[i].place == SS_PLACE_GETTER)
			return true;
	return false;
}

static bool is_getter(const struct view *v, uint32_t index)
{
	const struct ss_getter *getter = &v->getters[index];

	if (!is_string(v, getter->symbol) || getter->arg_count > SS_GETTER_ARGS_MAX ||
	    getter->out > 1 || getter->type >= SS_TYPE_COUNT)
		return false;
	for (uint32_t i = 0; i < getter->arg_count; i++) {
		const struct ss_value *arg = &getter->args[i];

		if (!is_value(v, arg))
			return false;
		if (arg->place != SS_PLACE_GETTER)
			continue;
		if (arg->constant < 0 || arg->constant >= index ||
		    has_getter_argument(&v->getters[arg->constant]))
			return false;
	}
	return true;
}

static bool is_capture(const struct view *v, const struct ss_capture *capture)
{
	return (capture->key == SS_KEY_STATUS_MESSAGE || is_string(v, capture->key)) &&
	       is_optional_string(v, capture->length_key) && is_plain_value(v, &capture->value) &&
	       is_plain_value(v, &capture->length) && is_plain_value(v, &capture->factor) &&
	       is_index(capture->getter, v->table->getters.count) && capture->type < SS_TYPE_COUNT;
}

static bool is_callback(const struct view *v, const struct ss_callback *callback)
{
	return is_plain_value(v, &callback->value) && callback->entry < v->table->entries.count &&
	       (v->entries[callback->entry].flags & SS_ENTRY_CALLBACK);
}

static bool are_names(const struct view *v, const struct ss_entry *entry)
{
	return is_string(v, entry->symbol) && is_string(v, entry->span_name) &&
	       (is_string(v, entry->event_name) ||
		(entry->event_name == 0 && (entry->flags & SS_ENTRY_PYTHON))) &&
	       is_optional_string(v, entry->stream_name) &&
	       is_optional_string(v, entry->error_code_key);
}

static bool is_entry(const struct view *v, uint32_t index)
{
	const struct ss_entry *entry = &v->entries[index];
	const struct ss_binding_table *t = v->table;

	if (!are_names(v, entry) || entry->binding >= t->bindings.count ||
	    entry->role >= SS_ROLE_COUNT || entry->when >= SS_WHEN_COUNT ||
	    entry->hook_open >= SS_HOOK_COUNT || entry->hook_point >= SS_HOOK_COUNT ||
	    entry->hook_close >= SS_HOOK_COUNT || entry->hook_error >= SS_HOOK_COUNT)
		return false;
	/* chains run upwards, so they end */
	if (!is_index(entry->next_same_symbol, t->entries.count) ||
	    entry->next_same_symbol <= index)
		return false;
	return is_plain_value(v, &entry->handle) && is_plain_value(v, &entry->parent) &&
	       is_condition(v, &entry->only_if) && is_condition(v, &entry->event_if) &&
	       is_condition(v, &entry->error) && is_condition(v, &entry->ends) &&
	       is_index(entry->error_message, t->captures.count) &&
	       is_range(entry->first_capture, entry->capture_count, t->captures.count) &&
	       is_range(entry->first_callback, entry->callback_count, t->callbacks.count);
}

static bool is_binding(const struct view *v, const struct ss_binding *binding)
{
	const struct ss_binding_table *t = v->table;

	return is_string(v, binding->name) && is_string(v, binding->description) &&
	       is_string(v, binding->library) && is_string(v, binding->source) &&
	       is_optional_string(v, binding->adapter) &&
	       is_range(binding->first_entry, binding->entry_count, t->entries.count) &&
	       is_range(binding->first_constant, binding->constant_count, t->constants.count) &&
	       is_range(binding->first_code, binding->code_count, t->codes.count);
}

static bool are_items(const struct view *v)
{
	const struct ss_binding_table *t = v->table;

	for (uint32_t i = 0; i < t->bindings.count; i++)
		if (!is_binding(v, &v->bindings[i]))
			return false;
	for (uint32_t i = 0; i < t->entries.count; i++)
		if (!is_entry(v, i))
			return false;
	for (uint32_t i = 0; i < t->captures.count; i++)
		if (!is_capture(v, &v->captures[i]))
			return false;
	for (uint32_t i = 0; i < t->getters.count; i++)
		if (!is_getter(v, i))
			return false;
	for (uint32_t i = 0; i < t->callbacks.count; i++)
		if (!is_callback(v, &v->callbacks[i]))
			return false;
	for (uint32_t i = 0; i < t->codes.count; i++)
		if (!is_string(v, v->codes[i].name))
			return false;
	for (uint32_t i = 0; i < t->constants.count; i++)
		if (!is_string(v, v->constants[i].key) || !is_string(v, v->constants[i].value))
			return false;
	return true;
}

int ss_binding_verify(const struct ss_binding_table *table, size_t bytes)
{
	struct view v = { .table = table };

	if (!is_header(table, bytes) || !are_strings(table))
		return -EINVAL;
	v.bindings = ss_binding_array(table, table->bindings);
	v.entries = ss_binding_array(table, table->entries);
	v.captures = ss_binding_array(table, table->captures);
	v.getters = ss_binding_array(table, table->getters);
	v.callbacks = ss_binding_array(table, table->callbacks);
	v.codes = ss_binding_array(table, table->codes);
	v.constants = ss_binding_array(table, table->constants);
	return are_items(&v) ? 0 : -EINVAL;
}
