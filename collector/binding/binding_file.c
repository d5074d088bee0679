/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/compile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/binding/operand.h"
#include "collector/binding/vocabulary.h"

#define CONSTANTS_MAX 32
#define CODES_MAX     1024
#define ENTRIES_MAX   (SS_SYMBOLS_MAX + SS_CALLBACKS_MAX + SS_PYTHON_MAX)

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	if (strcmp(text, "auto") == 0 || strcmp(text, "none") == 0)
		return false;
	if (length >= 5 && strcmp(text + length - 5, ".json") == 0)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_.+-", *text))
			return false;
	return true;
}

static const char *read_name(struct ss_compiler *compiler, struct ss_document *doc)
{
	const char *name = ss_document_string(doc, doc->root, "name", SS_NAME_MAX, NULL);
	uint32_t count = ss_block_count(&compiler->block, SS_BLOCK_BINDINGS);

	if (!name) {
		ss_document_complain(doc, doc->root, "name",
				     "missing, expected the binding's name");
		return "";
	}
	if (!is_name(name))
		ss_document_complain(doc, doc->root, "name",
				     "expected letters, digits and \"_.+-\" (and not \"auto\", "
				     "\"none\" or a name in \".json\"), got \"%.64s\"",
				     name);
	for (uint32_t i = 0; i < count; i++) {
		struct ss_binding *other = ss_block_at(&compiler->block, SS_BLOCK_BINDINGS, i);

		if (strcmp(ss_block_text(&compiler->block, other->name), name) == 0)
			ss_document_complain(doc, doc->root, "name",
					     "there is a binding \"%s\" already", name);
	}
	if (count == SS_BINDINGS_MAX)
		ss_document_complain(doc, doc->root, "name", "expected at most %d bindings",
				     SS_BINDINGS_MAX);
	return name;
}

static void check_version(struct ss_document *doc)
{
	const cJSON *node = ss_document_member(doc->root, "spanshim");
	int64_t version;

	if (!node)
		ss_document_complain(doc, doc->root, "spanshim",
				     "missing, expected 1 (the version of this format)");
	else if (!ss_document_integer(node, &version) || version != 1)
		ss_document_complain(doc, node, NULL, "expected 1 (the version of this format)");
}

static bool check_name_length(struct ss_document *doc, const cJSON *node)
{
	size_t length = strlen(node->string);

	if (length >= 1 && length <= SS_NAME_MAX)
		return true;
	ss_document_complain(doc, node, NULL, "expected a name of 1 to %d bytes, got %zu",
			     SS_NAME_MAX, length);
	return false;
}

static void read_constants(struct ss_block *block, struct ss_document *doc,
			   struct ss_binding *binding)
{
	const cJSON *list = ss_document_object(doc, doc->root, "attributes", CONSTANTS_MAX), *node;

	binding->first_constant = ss_block_count(block, SS_BLOCK_CONSTANTS);
	cJSON_ArrayForEach (node, list) {
		const char *value = ss_document_string(doc, list, node->string, SS_TEXT_MAX, "");
		struct ss_constant constant;

		if (!check_name_length(doc, node))
			return;
		constant.key = ss_block_string(block, node->string);
		constant.value = ss_block_string(block, value);
		ss_block_append(block, SS_BLOCK_CONSTANTS, &constant);
		binding->constant_count++;
	}
}

static int compare_codes(const void *a, const void *b)
{
	int64_t x = ((const struct ss_code *)a)->value, y = ((const struct ss_code *)b)->value;

	return (x > y) - (x < y);
}

static const cJSON *named(const cJSON *list, int64_t value)
{
	const cJSON *node, *last = NULL;

	cJSON_ArrayForEach (node, list) {
		if (node->valuedouble == (double)value)
			last = node;
	}
	return last;
}

static void read_codes(struct ss_block *block, struct ss_document *doc, struct ss_binding *binding)
{
	const cJSON *list = ss_document_object(doc, doc->root, "codes", CODES_MAX), *node;
	struct ss_code *codes;

	binding->first_code = ss_block_count(block, SS_BLOCK_CODES);
	cJSON_ArrayForEach (node, list) {
		struct ss_code code = { 0 };

		if (!check_name_length(doc, node))
			return;
		if (!ss_document_integer(node, &code.value)) {
			ss_document_complain(doc, node, NULL, "expected a whole number");
			return;
		}
		code.name = ss_block_string(block, node->string);
		ss_block_append(block, SS_BLOCK_CODES, &code);
		binding->code_count++;
	}
	if (block->failed || binding->code_count == 0)
		return;
	codes = ss_block_at(block, SS_BLOCK_CODES, binding->first_code);
	qsort(codes, binding->code_count, sizeof(*codes), compare_codes);
	for (uint32_t i = 1; i < binding->code_count; i++)
		if (codes[i].value == codes[i - 1].value)
			ss_document_complain(doc, named(list, codes[i].value), NULL,
					     "%lld has a name already", (long long)codes[i].value);
}

/* Whether some entry of the binding can have opened what entry `closer` closes. Native and Python
 * handles are never the same. */
static bool has_opener(struct ss_block *block, const struct ss_binding *binding,
		       const struct ss_entry *closer)
{
	for (uint32_t i = 0; i < binding->entry_count; i++) {
		const struct ss_entry *entry =
			ss_block_at(block, SS_BLOCK_ENTRIES, binding->first_entry + i);

		if ((entry->flags ^ closer->flags) & SS_ENTRY_PYTHON)
			continue;
		if (entry->when == SS_WHEN_OPEN &&
		    (entry->role == closer->role || closer->when == SS_WHEN_EVENT))
			return true;
		if (entry->when == SS_WHEN_EVENT && entry->stream_name &&
		    (entry->flags & SS_ENTRY_HAS_HANDLE) && closer->when == SS_WHEN_CLOSE &&
		    closer->role == SS_ROLE_STREAM)
			return true;
	}
	return false;
}

static void check_pairs(struct ss_block *block, struct ss_document *doc,
			const struct ss_binding *binding, const cJSON *entries)
{
	uint32_t index = binding->first_entry;
	const cJSON *node;

	cJSON_ArrayForEach (node, entries) {
		const struct ss_entry *entry = ss_block_at(block, SS_BLOCK_ENTRIES, index++);
		bool handle = entry->flags & SS_ENTRY_HAS_HANDLE;

		if (entry->when == SS_WHEN_CLOSE && !has_opener(block, binding, entry))
			ss_document_complain(doc, node, "role",
					     "no entry opens a \"%s\" span for this to close",
					     ss_vocabulary_roles[entry->role]);
		else if (entry->when == SS_WHEN_EVENT && handle &&
			 !has_opener(block, binding, entry))
			ss_document_complain(doc, node, "handle",
					     "no \"open\" entry gives the handles for this");
	}
}

static struct ss_symbol *find_callback(struct ss_compiler *compiler, uint32_t binding,
				       const char *name)
{
	for (uint32_t i = 0; i < compiler->symbol_count; i++) {
		struct ss_symbol *symbol = &compiler->symbols[i];

		if (symbol->binding == binding &&
		    strcmp(ss_block_text(&compiler->block, symbol->name), name) == 0)
			return symbol;
	}
	return NULL;
}

/* Callbacks are named before or after their entries, so they meet only now. */
static void join_callbacks(struct ss_compiler *compiler, struct ss_document *doc, uint32_t binding,
			   const cJSON *entries)
{
	struct ss_block *block = &compiler->block;
	struct ss_binding *owner = ss_block_at(block, SS_BLOCK_BINDINGS, binding);
	uint32_t index = owner->first_entry;
	const cJSON *node, *item;

	cJSON_ArrayForEach (node, entries) {
		struct ss_entry *entry = ss_block_at(block, SS_BLOCK_ENTRIES, index++);
		uint32_t at = entry->first_callback;

		cJSON_ArrayForEach (item, ss_document_member(node, "callbacks")) {
			struct ss_callback *callback = ss_block_at(block, SS_BLOCK_CALLBACKS, at++);
			const char *name =
				ss_document_string(doc, item, "callback", SS_NAME_MAX, "");
			struct ss_symbol *symbol = find_callback(compiler, binding, name);

			if (!symbol) {
				ss_document_complain(doc, item, "callback",
						     "no entry has \"callback\": \"%.64s\"", name);
				return;
			}
			callback->entry = symbol->first;
		}
	}
}

static void check_callbacks_used(struct ss_compiler *compiler, struct ss_document *doc,
				 uint32_t binding, const cJSON *entries)
{
	struct ss_block *block = &compiler->block;
	struct ss_binding *owner = ss_block_at(block, SS_BLOCK_BINDINGS, binding);
	uint32_t count = ss_block_count(block, SS_BLOCK_CALLBACKS);

	for (uint32_t i = 0; i < compiler->symbol_count; i++) {
		const struct ss_symbol *symbol = &compiler->symbols[i];
		bool used = symbol->binding != binding;

		for (uint32_t j = 0; j < count && !used; j++) {
			struct ss_callback *callback = ss_block_at(block, SS_BLOCK_CALLBACKS, j);

			used = callback->entry == symbol->first;
		}
		if (!used)
			ss_document_complain(
				doc,
				cJSON_GetArrayItem(entries, symbol->first - owner->first_entry),
				"callback", "no entry's \"callbacks\" names it");
	}
}

static void read_adapter(struct ss_block *block, struct ss_document *doc, const char *source,
			 struct ss_binding *binding)
{
	static const char *const unused[] = { "attributes", "codes", "entries" };
	uint32_t adapter =
		ss_document_choice(doc, doc->root, "adapter", SS_WORD(ss_vocabulary_adapters), 0);

	if (strcmp(source, "built-in") != 0)
		ss_document_complain(doc, doc->root, "adapter",
				     "only built-in bindings have one; what you want to trace "
				     "stands in \"entries\"");
	for (size_t i = 0; i < sizeof(unused) / sizeof(unused[0]); i++)
		if (ss_document_member(doc->root, unused[i]))
			ss_document_complain(doc, doc->root, unused[i],
					     "not used beside \"adapter\"");
	binding->adapter = ss_block_string(block, ss_vocabulary_adapters[adapter]);
}

static void read_entries(struct ss_compiler *compiler, struct ss_document *doc, uint32_t binding)
{
	const cJSON *entries = ss_document_array(doc, doc->root, "entries", ENTRIES_MAX), *node;
	struct ss_block *block = &compiler->block;
	struct ss_binding *owner;

	if (!ss_document_member(doc->root, "entries"))
		ss_document_complain(doc, doc->root, "entries",
				     "missing, expected the list of wrapped functions");
	else if (entries && !entries->child)
		ss_document_complain(doc, entries, NULL, "expected at least one entry");
	cJSON_ArrayForEach (node, entries) {
		ss_entry_read(compiler, doc, binding, node);
		if (doc->failed || block->failed)
			return;
	}
	if (doc->failed)
		return;
	owner = ss_block_at(block, SS_BLOCK_BINDINGS, binding);
	owner->entry_count = ss_block_count(block, SS_BLOCK_ENTRIES) - owner->first_entry;
	check_pairs(block, doc, owner, entries);
	join_callbacks(compiler, doc, binding, entries);
	if (!doc->failed)
		check_callbacks_used(compiler, doc, binding, entries);
}

static void read_binding(struct ss_compiler *compiler, struct ss_document *doc, const char *source)
{
	static const char *const known[] = { "spanshim", "name",       "description",
					     "library",  "attributes", "codes",
					     "entries",  "adapter",    NULL };
	bool has_adapter = ss_document_member(doc->root, "adapter") != NULL;
	struct ss_block *block = &compiler->block;
	struct ss_binding binding = { .first_entry = ss_block_count(block, SS_BLOCK_ENTRIES) };
	uint32_t index;

	if (!ss_document_check_keys(doc, doc->root, known))
		return;
	check_version(doc);
	binding.name = ss_block_string(block, read_name(compiler, doc));
	binding.description = ss_block_string(
		block, ss_document_string(doc, doc->root, "description", SS_TEXT_MAX, ""));
	binding.library = ss_block_string(
		block, ss_document_string(doc, doc->root, "library", SS_NAME_MAX, ""));
	binding.source = ss_block_string(block, source);
	read_constants(block, doc, &binding);
	read_codes(block, doc, &binding);
	if (has_adapter)
		read_adapter(block, doc, source, &binding);
	index = ss_block_append(block, SS_BLOCK_BINDINGS, &binding);
	if (!doc->failed && !block->failed && !has_adapter)
		read_entries(compiler, doc, index);
}

int ss_binding_file_read(struct ss_compiler *compiler, const struct ss_binding_text *text,
			 char *error, size_t error_bytes)
{
	struct ss_document doc;
	int ret = ss_document_init(&doc, text->name, text->text, text->bytes, error, error_bytes);

	if (ret == 0) {
		read_binding(compiler, &doc, text->source);
		ret = doc.failed ? -EINVAL : 0;
	}
	ss_document_deinit(&doc);
	return ret;
}
