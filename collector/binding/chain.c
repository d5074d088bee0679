/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of compile.h that knows which symbols have entries, and in which order they are tried.
 */
#include "collector/binding/compile.h"

static struct ss_symbol *find_symbol(struct ss_compiler *compiler, uint32_t name, uint32_t binding)
{
	for (uint32_t i = 0; i < compiler->symbol_count; i++)
		if (compiler->symbols[i].name == name && compiler->symbols[i].binding == binding)
			return &compiler->symbols[i];
	return NULL;
}

/* The counter that symbols of the entry's kind go to, and what bounds it. */
static uint32_t *counter_of(struct ss_compiler *compiler, const struct ss_entry *entry,
			    uint32_t *ret_max, const char **ret_what)
{
	*ret_max = entry->flags & SS_ENTRY_PYTHON ? SS_PYTHON_MAX : SS_SYMBOLS_MAX;
	*ret_what = entry->flags & SS_ENTRY_PYTHON ? "Python functions" : "symbols";
	return entry->flags & SS_ENTRY_PYTHON ? &compiler->python_count
					      : &compiler->elf_symbol_count;
}

static void new_symbol(struct ss_compiler *compiler, struct ss_document *doc, const cJSON *json,
		       const struct ss_entry *entry, struct ss_symbol symbol)
{
	uint32_t callbacks =
		compiler->symbol_count - compiler->elf_symbol_count - compiler->python_count;
	uint32_t max = SS_CALLBACKS_MAX, *counter = &callbacks;
	const char *what = "callbacks";

	if (!(entry->flags & SS_ENTRY_CALLBACK))
		counter = counter_of(compiler, entry, &max, &what);
	if (*counter == max) {
		ss_document_complain(doc, json, NULL,
				     "expected at most %u %s in all bindings together", max, what);
		return;
	}
	++*counter;
	compiler->symbols[compiler->symbol_count++] = symbol;
}

static void complain_unreachable(struct ss_compiler *compiler, struct ss_document *doc,
				 const cJSON *json, const char *key, uint32_t last,
				 const struct ss_entry *entry)
{
	const struct ss_entry *other = ss_block_at(&compiler->block, SS_BLOCK_ENTRIES, last);
	const struct ss_binding *binding =
		ss_block_at(&compiler->block, SS_BLOCK_BINDINGS, other->binding);

	if (other->binding != entry->binding)
		ss_document_complain(doc, json, key,
				     "can never be reached: binding \"%s\" takes every call of it",
				     ss_block_text(&compiler->block, binding->name));
	else
		ss_document_complain(doc, json, key,
				     "can never be reached: entries[%u] takes every call of it",
				     last - binding->first_entry);
}

void ss_chain_append(struct ss_compiler *compiler, struct ss_document *doc, const cJSON *json,
		     uint32_t index, uint32_t getter_count)
{
	const struct ss_entry *entry = ss_block_at(&compiler->block, SS_BLOCK_ENTRIES, index);
	uint32_t owner = entry->flags & SS_ENTRY_CALLBACK ? entry->binding : SS_NO_INDEX;
	struct ss_symbol *symbol = find_symbol(compiler, entry->symbol, owner);
	const char *key = entry->flags & SS_ENTRY_CALLBACK ? "callback"
			  : entry->flags & SS_ENTRY_PYTHON ? "python"
							   : "symbol";
	struct ss_entry *last;

	if (!symbol) {
		new_symbol(compiler, doc, json, entry,
			   (struct ss_symbol){ .name = entry->symbol,
					       .binding = owner,
					       .first = index,
					       .last = index,
					       .length = 1,
					       .getter_count = getter_count });
		return;
	}
	last = ss_block_at(&compiler->block, SS_BLOCK_ENTRIES, symbol->last);
	symbol->getter_count += getter_count;
	if (last->only_if.op == SS_OP_ALWAYS)
		complain_unreachable(compiler, doc, json, key, symbol->last, entry);
	else if (symbol->getter_count > SS_SYMBOL_GETTERS)
		ss_document_complain(doc, json, key, "expected at most %d calls for one symbol",
				     SS_SYMBOL_GETTERS);
	else if (++symbol->length > SS_CHAIN_MAX)
		ss_document_complain(doc, json, key, "expected at most %d entries for one symbol",
				     SS_CHAIN_MAX);
	last->next_same_symbol = index;
	symbol->last = index;
}
