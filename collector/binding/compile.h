/* SPDX-License-Identifier: Apache-2.0
 *
 * From binding files to one binding table. entry.c reads one element of "entries", binding_file.c
 * one file, compile.c puts files together, list.c (not in the build-time compiler) finds the files.
 * Any thread (cold); host threads call it once at start-up through ss_collector_compile.
 */
#ifndef SS_COMPILE_H
#define SS_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/binding/block.h"
#include "collector/binding/document.h"
#include "collector/binding/signature.h"

#define SS_CALLBACKS_MAX 100 /* callback names of all bindings together */
#define SS_PYTHON_MAX    256 /* Python functions, likewise */
#define SS_CHAIN_MAX     16  /* entries of one symbol */

struct ss_binding_text {
	const char *name;   /* for messages: the path, or "built-in NAME" */
	const char *source; /* the path, or "built-in" */
	const char *text;   /* text[bytes] == '\0' */
	size_t bytes;
};

/* Entries of one symbol or Python function (or, within a binding, of one callback). */
struct ss_symbol {
	uint32_t name;
	uint32_t binding; /* SS_NO_INDEX: common to all bindings, as all but callbacks are */
	uint32_t first, last;
	uint32_t length, getter_count;
};

struct ss_compiler {
	struct ss_block block;
	enum ss_arch arch;
	uint32_t symbol_count, elf_symbol_count, python_count;
	struct ss_symbol symbols[SS_SYMBOLS_MAX + SS_CALLBACKS_MAX + SS_PYTHON_MAX];
};

/* Adds one element of "entries" of the binding with index `binding`. Complains in doc. */
void ss_entry_read(struct ss_compiler *compiler, struct ss_document *doc, uint32_t binding,
		   const cJSON *entry);

/* Puts entry `index` behind those of the same symbol; complains if that cannot be. `getter_count`:
 * that it has. */
void ss_chain_append(struct ss_compiler *compiler, struct ss_document *doc, const cJSON *json,
		     uint32_t index, uint32_t getter_count);

/* Adds one file. 0, or -EINVAL with the complaint in error[error_bytes]. */
int ss_binding_file_read(struct ss_compiler *compiler, const struct ss_binding_text *text,
			 char *error, size_t error_bytes);

/* Compiles texts[count] in that order into one malloc'ed block, caller frees. 0, -EINVAL (message
 * in error[error_bytes]) or -ENOMEM (likewise). */
int ss_compile_texts(enum ss_arch arch, const struct ss_binding_text *texts, uint32_t count,
		     struct ss_binding_table **ret_table, char *error, size_t error_bytes);

/* The built-in files in their order, and how many. Generated (builtin_texts.c). */
extern const struct ss_binding_text ss_compile_builtins[];
extern const uint32_t ss_compile_builtin_count;

/* Compiles a colon-separated list of built-in names ("auto": all) and paths, as ss_compile_texts;
 * -errno when a file cannot be read. An item is a path if it has a '/' or ends in ".json". */
int ss_compile_list(enum ss_arch arch, const char *list, struct ss_binding_table **ret_table,
		    char *error, size_t error_bytes);

#endif
