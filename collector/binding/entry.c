/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/compile.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "collector/binding/operand.h"
#include "collector/binding/python.h"
#include "collector/binding/suggest.h"
#include "collector/binding/vocabulary.h"

#define ATTRIBUTES_MAX 15 /* a content string counts twice, for its length */
#define CALLBACKS_MAX  8

#define ON(when)  (1u << SS_WHEN_##when)
#define ALL       ((1u << SS_WHEN_COUNT) - 1)
#define NOT(when) (ALL & ~ON(when))

/* Which members an entry may have, by its "when": one of a symbol or callback, and one of a Python
 * function; why not, where that helps. */
static const struct {
	const char *key;
	uint32_t whens, python_whens;
	const char *why_not;
} members[] = {
	{ "symbol", ALL, ALL, NULL },
	{ "callback", NOT(REGISTER), ALL, NULL },
	{ "python", ALL, ALL, NULL },
	{ "description", ALL, ALL, NULL },
	{ "role", ALL, ALL, NULL },
	{ "when", ALL, ALL, NULL },
	{ "name", ON(CALL) | ON(OPEN) | ON(EVENT), ON(CALL) | ON(OPEN), NULL },
	{ "args", ALL, 0, ": parameters have their own names there" },
	{ "returns", ALL, 0, ": values have their own types there" },
	{ "handle", ON(OPEN) | ON(CLOSE) | ON(EVENT), ON(OPEN) | ON(CLOSE) | ON(EVENT), NULL },
	{ "parent", ON(CALL) | ON(OPEN), ON(CALL) | ON(OPEN), NULL },
	{ "only_if", ALL, 0, "" },
	{ "event", ON(EVENT), ON(EVENT) | ON(CALL), NULL },
	{ "event_if", ON(EVENT), 0, "" },
	{ "stream", ON(EVENT), 0, ": events go to the span itself there" },
	{ "ends", ON(EVENT), 0, ": events go to the span itself there" },
	{ "error", NOT(REGISTER), 0, ": an exception makes the span ERROR by itself" },
	{ "attributes", NOT(REGISTER), ALL, NULL },
	{ "callbacks", ALL, 0, "" },
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static bool check_members(struct ss_document *doc, const cJSON *entry)
{
	const char *known[MEMBERS + 1] = { NULL };

	for (size_t i = 0; i < MEMBERS; i++)
		known[i] = members[i].key;
	return ss_document_check_keys(doc, entry, known);
}

static void check_used(struct ss_document *doc, const cJSON *entry, uint8_t when, bool is_python)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		uint32_t whens = is_python ? members[i].python_whens : members[i].whens;

		if (whens & 1u << when || !ss_document_member(entry, members[i].key))
			continue;
		if (whens == 0)
			ss_document_complain(doc, entry, members[i].key,
					     "not used with \"python\"%s", members[i].why_not);
		else
			ss_document_complain(doc, entry, members[i].key,
					     "not used when \"when\" is \"%s\"",
					     ss_vocabulary_whens[when]);
	}
}

static uint8_t read_when(struct ss_document *doc, const cJSON *entry, bool is_python)
{
	uint32_t count = is_python ? SS_WHEN_REGISTER : SS_WHEN_COUNT, when;
	char list[64];

	when = ss_document_choice(doc, entry, "when", ss_vocabulary_whens, count, SS_WHEN_COUNT);
	if (when == SS_WHEN_COUNT) {
		ss_document_complain(
			doc, entry, "when", "missing, expected %s",
			ss_suggest_list(ss_vocabulary_whens, count, list, sizeof(list)));
		return SS_WHEN_CALL;
	}
	check_used(doc, entry, when, is_python);
	return when;
}

static uint8_t read_role(struct ss_document *doc, const cJSON *entry, uint8_t when)
{
	uint32_t role =
		ss_document_choice(doc, entry, "role", SS_WORD(ss_vocabulary_roles), SS_ROLE_COUNT);

	if (role == SS_ROLE_COUNT && when == SS_WHEN_REGISTER)
		return SS_ROLE_ACTION;
	if (role == SS_ROLE_COUNT) {
		ss_document_complain(
			doc, entry, "role",
			"missing, expected \"session\", \"action\", \"stream\" or \"chat\"");
		return SS_ROLE_ACTION;
	}
	return role;
}

static bool is_symbol(const char *text)
{
	if (isdigit((unsigned char)*text))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_.$", *text))
			return false;
	return true;
}

/* What is wrapped; which of the three it is goes into the scope. */
static const char *read_symbol(struct ss_scope *scope, const cJSON *entry)
{
	struct ss_document *doc = scope->doc;
	const char *symbol = ss_document_string(doc, entry, "symbol", SS_TEXT_MAX, NULL);
	const char *callback = ss_document_string(doc, entry, "callback", SS_NAME_MAX, NULL);
	const char *python = ss_document_string(doc, entry, "python", SS_TEXT_MAX, NULL);
	const char *reason = symbol ? ss_vocabulary_denied(symbol) : NULL;

	scope->is_callback = callback != NULL;
	scope->is_python = python != NULL;
	if (!!symbol + !!callback + !!python != 1)
		ss_document_complain(doc, entry, NULL,
				     "expected one of \"symbol\", \"callback\" and \"python\"");
	else if (python)
		ss_python_target(scope, entry, python);
	else if (symbol && !is_symbol(symbol))
		ss_document_complain(doc, entry, "symbol",
				     "expected the name of a function as in the library's symbol "
				     "table, got \"%.64s\"",
				     symbol);
	else if (reason)
		ss_document_complain(doc, entry, "symbol", "\"%.64s\" cannot be wrapped: %s",
				     symbol, reason);
	return symbol ? symbol : callback ? callback : python ? python : "";
}

static uint32_t span_name(struct ss_scope *scope, const char *role, const char *name)
{
	char text[SS_NAME_MAX + 16];

	snprintf(text, sizeof(text), "%s %s", role, name);
	return ss_block_string(scope->block, text);
}

static void read_event(struct ss_scope *scope, const cJSON *json, struct ss_entry *entry)
{
	const char *event = ss_document_string(scope->doc, json, "event", SS_NAME_MAX, NULL);

	entry->event_name = scope->is_python ? 0 : SS_KEY_RESERVED;
	if (event)
		entry->event_name = ss_block_string(scope->block, event);
	else if (entry->when == SS_WHEN_EVENT)
		ss_document_complain(scope->doc, json, "event",
				     "missing, expected the name of the events");
	scope->has_items = event && entry->when == SS_WHEN_CALL;
}

static void read_names(struct ss_scope *scope, const cJSON *json, struct ss_entry *entry)
{
	const char *binding =
		ss_document_string(scope->doc, scope->doc->root, "name", SS_NAME_MAX, "");
	struct ss_vocabulary_hooks hooks = ss_vocabulary_hooks[entry->role];
	const char *name = ss_document_string(scope->doc, json, "name", SS_NAME_MAX, binding);

	entry->hook_open = hooks.open;
	entry->hook_point = hooks.point;
	entry->hook_close = hooks.close;
	entry->hook_error = hooks.error;
	entry->span_name = span_name(scope, ss_vocabulary_roles[entry->role], name);
	read_event(scope, json, entry);
	if (entry->when != SS_WHEN_EVENT || scope->is_python)
		return;
	if (ss_document_bool(scope->doc, json, "stream", true)) {
		entry->stream_name = span_name(scope, "stream", name);
		if (entry->role != SS_ROLE_STREAM)
			ss_document_complain(scope->doc, json, "role",
					     "expected \"stream\": the first event opens a stream "
					     "span, unless \"stream\" is false");
	} else if (ss_document_member(json, "ends")) {
		ss_document_complain(
			scope->doc, json, "ends",
			"not used when \"stream\" is false: there is no stream to end");
	}
}

static struct ss_value read_relation(struct ss_scope *scope, const cJSON *json, const char *key,
				     uint32_t forms)
{
	if (scope->is_python)
		return ss_python_value(scope, json, key, forms);
	return ss_operand_word(scope, json, key, forms, SS_TYPE_POINTER);
}

static void read_relations(struct ss_scope *scope, const cJSON *json, struct ss_entry *entry)
{
	uint32_t before = SS_FORM_ARG | (scope->is_python ? SS_FORM_SELF : 0);
	uint32_t after = scope->is_python ? SS_FORM_RESULT : SS_FORM_OUT | SS_FORM_RESULT;
	uint32_t forms = entry->when == SS_WHEN_OPEN ? before | after : before;

	if (entry->when == SS_WHEN_OPEN || entry->when == SS_WHEN_CLOSE)
		entry->flags |= SS_ENTRY_HAS_HANDLE;
	if ((entry->flags & SS_ENTRY_HAS_HANDLE) || ss_document_member(json, "handle")) {
		entry->flags |= SS_ENTRY_HAS_HANDLE;
		entry->handle = read_relation(scope, json, "handle", forms);
		if (entry->handle.place == SS_PLACE_RESULT && !scope->signature->returns_declared)
			ss_document_complain(scope->doc, json, "returns",
					     "missing, expected the type of the handle");
	}
	if (ss_document_member(json, "parent")) {
		entry->flags |= SS_ENTRY_HAS_PARENT;
		entry->parent = read_relation(scope, json, "parent", before);
	}
}

static void read_error(struct ss_scope *scope, const cJSON *json, struct ss_entry *entry)
{
	static const char *const known[] = { "if", "code", "message", NULL };
	const cJSON *error = ss_document_member(json, "error");
	const struct ss_parameter *result = &scope->signature->result;
	const char *code;

	entry->error_message = SS_NO_INDEX;
	entry->error.op = SS_OP_NEVER;
	if (result->place == SS_PLACE_RESULT)
		entry->error.value =
			(struct ss_value){ .place = result->place, .type = result->type };
	if (!error || !ss_document_check_keys(scope->doc, error, known))
		return;
	if (!ss_document_member(error, "if"))
		ss_document_complain(scope->doc, error, "if",
				     "missing, expected the condition of an error");
	entry->error = ss_operand_condition(scope, error, "if", SS_FORM_ANY, SS_OP_NEVER);
	if (entry->when == SS_WHEN_CLOSE &&
	    (ss_document_member(error, "code") || ss_document_member(error, "message")))
		ss_document_complain(scope->doc, error, NULL,
				     "expected only \"if\": a call that fails to close leaves the "
				     "span as it was");
	code = ss_document_string(scope->doc, error, "code", SS_NAME_MAX, NULL);
	if (code)
		entry->error_code_key = ss_block_string(scope->block, code);
	entry->error_message = ss_operand_message(scope, error);
}

static void read_conditions(struct ss_scope *scope, const cJSON *json, struct ss_entry *entry)
{
	entry->only_if = ss_operand_condition(scope, json, "only_if", SS_FORM_ARG, SS_OP_ALWAYS);
	entry->event_if = ss_operand_condition(scope, json, "event_if", SS_FORM_ANY, SS_OP_ALWAYS);
	entry->ends = ss_operand_condition(scope, json, "ends", SS_FORM_ANY, SS_OP_NEVER);
	read_error(scope, json, entry);
}

/* A fallback must not be taken before what it is the fallback of; the attributes of a generator's
 * items go elsewhere. */
static void delay_fallback(const struct ss_capture *captures, uint32_t count)
{
	struct ss_capture *last = (struct ss_capture *)&captures[count - 1];

	for (uint32_t i = 0; i + 1 < count; i++)
		if (captures[i].key == last->key && !(last->flags & SS_CAPTURE_EACH))
			last->flags |= captures[i].flags & SS_CAPTURE_AT_EXIT;
}

static void read_attributes(struct ss_scope *scope, const cJSON *json, struct ss_entry *entry)
{
	const cJSON *list = ss_document_array(scope->doc, json, "attributes", ATTRIBUTES_MAX);
	struct ss_capture captures[ATTRIBUTES_MAX];
	uint32_t count = 0, weight = 0;
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		captures[count] = scope->is_python ? ss_python_capture(scope, item)
						   : ss_operand_capture(scope, item);
		weight += captures[count].length_key ? 2 : 1;
		delay_fallback(captures, ++count);
		if (weight > ATTRIBUTES_MAX)
			ss_document_complain(scope->doc, item, NULL,
					     "expected at most %d attributes, where content counts "
					     "twice",
					     ATTRIBUTES_MAX);
		if (!(captures[count - 1].flags & SS_CAPTURE_ON_ERROR))
			continue;
		if (entry->error.op == SS_OP_NEVER || entry->when == SS_WHEN_CLOSE)
			ss_document_complain(scope->doc, item, "on",
					     "the entry has no \"error\" that ends a span");
	}
	entry->first_capture = ss_block_count(scope->block, SS_BLOCK_CAPTURES);
	entry->capture_count = count;
	for (uint32_t i = 0; i < count; i++)
		ss_block_append(scope->block, SS_BLOCK_CAPTURES, &captures[i]);
}

/* binding_file.c replaces the callback's name by its entry, which may come later in the file. */
static void read_callbacks(struct ss_scope *scope, const cJSON *json, struct ss_entry *entry)
{
	static const char *const known[] = { "arg", "callback", NULL };
	const cJSON *list = ss_document_array(scope->doc, json, "callbacks", CALLBACKS_MAX);
	const cJSON *item;

	entry->first_callback = ss_block_count(scope->block, SS_BLOCK_CALLBACKS);
	if (entry->when == SS_WHEN_REGISTER && (!list || !list->child))
		ss_document_complain(scope->doc, json, "callbacks",
				     "missing, expected what this call registers");
	cJSON_ArrayForEach (item, list) {
		struct ss_callback callback = { .entry = SS_NO_INDEX };
		int64_t number;

		if (!ss_document_check_keys(scope->doc, item, known))
			return;
		if (!ss_document_integer(ss_document_member(item, "arg"), &number)) {
			ss_document_complain(scope->doc, item, "arg",
					     "expected the number of an argument");
			return;
		}
		if (number < 0 || number > UINT32_MAX)
			number = 0;
		callback.value = ss_operand_argument(scope, item, "arg", number, true);
		callback.value.type = SS_TYPE_POINTER;
		callback.value.out = 0;
		if (!ss_document_string(scope->doc, item, "callback", SS_NAME_MAX, NULL))
			ss_document_complain(scope->doc, item, "callback",
					     "missing, expected the name of a callback entry");
		ss_block_append(scope->block, SS_BLOCK_CALLBACKS, &callback);
		entry->callback_count++;
	}
}

/* Registers and stack of a native call, and what may be asked of its values. */
static void read_call(struct ss_scope *scope, const cJSON *json, enum ss_arch arch,
		      struct ss_signature *ret_signature, struct ss_entry *entry)
{
	ss_signature_read(scope->doc, json, arch, ret_signature);
	entry->stack_words = ret_signature->stack_words;
	entry->flags = (scope->is_callback ? SS_ENTRY_CALLBACK : 0) |
		       (ret_signature->sret ? SS_ENTRY_SRET : 0);
}

void ss_entry_read(struct ss_compiler *compiler, struct ss_document *doc, uint32_t binding,
		   const cJSON *json)
{
	struct ss_entry entry = { .binding = binding, .next_same_symbol = SS_NO_INDEX };
	struct ss_signature signature = { 0 };
	struct ss_scope scope = { .doc = doc, .block = &compiler->block, .signature = &signature };
	uint32_t index;

	if (!check_members(doc, json))
		return;
	entry.symbol = ss_block_string(scope.block, read_symbol(&scope, json));
	entry.when = read_when(doc, json, scope.is_python);
	entry.role = read_role(doc, json, entry.when);
	ss_document_string(doc, json, "description", SS_TEXT_MAX, NULL);
	scope.after_only = entry.when == SS_WHEN_EVENT || entry.when == SS_WHEN_CLOSE;
	if (scope.is_python)
		entry.flags = SS_ENTRY_PYTHON;
	else
		read_call(&scope, json, compiler->arch, &signature, &entry);
	read_names(&scope, json, &entry);
	read_relations(&scope, json, &entry);
	read_conditions(&scope, json, &entry);
	read_attributes(&scope, json, &entry);
	read_callbacks(&scope, json, &entry);
	index = ss_block_append(scope.block, SS_BLOCK_ENTRIES, &entry);
	if (!doc->failed && !scope.block->failed)
		ss_chain_append(compiler, doc, json, index, scope.getter_count);
}
