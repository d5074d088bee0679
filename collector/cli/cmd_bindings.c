/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim bindings`: lists the built-in bindings, validates and explains bindings, and tells
 * which of their symbols can be seen in a given program or library.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/binding/compile.h"
#include "collector/binding/elf_file.h"
#include "collector/binding/explain.h"
#include "collector/cli/cli.h"
#include "collector/cli/executable.h"
#include "collector/shrunk.h"

#define ERROR_BYTES 2048
#define NEEDED_MAX  64

static const char help[] =
	"Usage: spanshim bindings [OPTION...] [NAME|FILE...]\n"
	"\n"
	"Lists the built-in bindings. With names of built-in ones or paths of binding files (with\n"
	"a '/' or ending in .json): validates them and explains what each entry does.\n"
	"\n"
	"Options:\n"
	"      --against ELF  say for each symbol whether its calls can be seen in that program or\n"
	"                     library and the libraries it needs\n"
	"      --json         print the JSON of the bindings, once they are found valid\n"
	"  -h, --help         show this\n"
	"\n"
	"Exit status: 0 fine, 1 --against found no symbol that can be seen, 2 usage error, invalid\n"
	"or unreadable file.\n"
	"\n"
	"Example:\n"
	"  spanshim bindings --against /usr/bin/sqlite3 sqlite3\n";

/* The program or library asked about, then what it needs and was found. */
struct program {
	const char *path;
	struct {
		struct ss_elf_file elf;
		const char *name;
	} objects[NEEDED_MAX + 1];
	unsigned int count;
};

static FILE *out; /* what is said of files that may be anybody's, until it is printed */

struct options {
	bool json;
	const char *against;
};

static const char *text_of(const struct ss_binding_table *table, uint32_t offset)
{
	return (const char *)ss_binding_array(table, table->strings) + offset;
}

static bool find_library(const char *name, struct ss_elf_file *ret_elf)
{
	static const char *const dirs[] = {
		"/lib/x86_64-linux-gnu",  "/usr/lib/x86_64-linux-gnu",  "/lib64", "/usr/lib64",
		"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib",   "/usr/lib",
		"/usr/local/lib",
	};
	char path[4096];

	if (strchr(name, '/'))
		return ss_elf_file_init(ret_elf, name) == 0;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (ss_elf_file_init(ret_elf, path) == 0)
			return true;
	}
	return false;
}

static int open_program(const char *path, struct program *ret_program)
{
	int ret = ss_elf_file_init(&ret_program->objects[0].elf, path);
	const char *name;

	if (ret < 0)
		return ret;
	ret_program->path = path;
	ret_program->objects[0].name = path;
	ret_program->count = 1;
	for (unsigned int i = 0; i < NEEDED_MAX; i++) {
		name = ss_elf_file_needed(&ret_program->objects[0].elf, i);
		if (!name)
			break;
		if (!find_library(name, &ret_program->objects[ret_program->count].elf))
			continue;
		ret_program->objects[ret_program->count++].name = name;
	}
	return 0;
}

static void close_program(struct program *program)
{
	for (unsigned int i = 0; i < program->count; i++)
		ss_elf_file_deinit(&program->objects[i].elf);
}

/* Says what is known of one symbol; true when some call of it can be seen. */
static bool report_symbol(const struct program *program, const char *symbol)
{
	enum ss_elf_symbol own = ss_elf_file_find(&program->objects[0].elf, symbol);
	const char *definer = NULL, *importer = NULL;

	for (unsigned int i = 1; i < program->count; i++) {
		enum ss_elf_symbol found = ss_elf_file_find(&program->objects[i].elf, symbol);

		if (found == SS_ELF_EXPORTED && !definer)
			definer = program->objects[i].name;
		else if (found == SS_ELF_IMPORTED && !importer)
			importer = program->objects[i].name;
	}
	fprintf(out, "  %-28s ", symbol);
	if (own == SS_ELF_IMPORTED)
		fprintf(out, "imported%s%s: its calls are seen\n", definer ? " from " : "",
			definer ? definer : "");
	else if (own == SS_ELF_EXPORTED)
		fputs("exported: calls from other objects are seen, its own are not\n", out);
	else if (own == SS_ELF_INTERNAL)
		fputs("internal: its calls cannot be seen\n", out);
	else if (importer)
		fprintf(out, "not used here, imported by %s: those calls are seen\n", importer);
	else if (definer)
		fprintf(out, "not used here, exported by %s: seen only through dlsym\n", definer);
	else
		fputs("absent: seen only in objects loaded later\n", out);
	return own == SS_ELF_IMPORTED || own == SS_ELF_EXPORTED || importer;
}

/* Python has no part in ELF files. */
static void report_python(const struct ss_binding_table *table, const struct ss_binding *binding,
			  unsigned int functions)
{
	if (binding->adapter)
		fprintf(out, "  traces Python code, which cannot be looked up in an ELF file\n");
	else if (functions)
		fprintf(out, "  %u Python function%s cannot be looked up in an ELF file\n",
			functions, functions == 1 ? "" : "s");
}

/* Returns how many symbols of the binding can be seen. */
static unsigned int report_binding(const struct program *program,
				   const struct ss_binding_table *table, uint32_t index)
{
	const struct ss_binding *binding =
		(const struct ss_binding *)ss_binding_array(table, table->bindings) + index;
	const struct ss_entry *entries = ss_binding_array(table, table->entries);
	unsigned int seen = 0, count = 0, functions = 0;
	uint32_t last = 0;

	fprintf(out, "%s in %s:\n", text_of(table, binding->name), program->path);
	for (uint32_t i = 0; i < binding->entry_count; i++) {
		const struct ss_entry *entry = &entries[binding->first_entry + i];

		if (entry->flags & SS_ENTRY_PYTHON)
			functions++;
		if (entry->flags & (SS_ENTRY_CALLBACK | SS_ENTRY_PYTHON) || entry->symbol == last)
			continue;
		last = entry->symbol;
		count++;
		seen += report_symbol(program, text_of(table, entry->symbol));
	}
	report_python(table, binding, functions);
	if (count)
		fprintf(out, "  %u of %u symbols can be seen\n", seen, count);
	return seen;
}

static int print_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char chunk[4096];
	size_t bytes;

	if (!file) {
		ss_cli_error("bindings", "%s: %s", path, strerror(errno));
		return SS_EXIT_USAGE;
	}
	while ((bytes = fread(chunk, 1, sizeof(chunk), file)) > 0)
		fwrite(chunk, 1, bytes, stdout);
	fclose(file);
	return SS_EXIT_OK;
}

static int print_json(const struct ss_binding_table *table, uint32_t index)
{
	const struct ss_binding *binding =
		(const struct ss_binding *)ss_binding_array(table, table->bindings) + index;
	const char *name = text_of(table, binding->name);

	if (strcmp(text_of(table, binding->source), "built-in") != 0)
		return print_file(text_of(table, binding->source));
	for (uint32_t i = 0; i < ss_compile_builtin_count; i++)
		if (strcmp(ss_compile_builtins[i].name + strlen("built-in "), name) == 0)
			fputs(ss_compile_builtins[i].text, stdout);
	return SS_EXIT_OK;
}

static void list_builtins(const struct ss_binding_table *table)
{
	const struct ss_binding *bindings = ss_binding_array(table, table->bindings);

	fprintf(out, "%-12s %-20s %7s  %s\n", "NAME", "LIBRARY", "ENTRIES", "DESCRIPTION");
	for (uint32_t i = 0; i < table->bindings.count; i++) {
		char entries[16];

		snprintf(entries, sizeof(entries), "%u", bindings[i].entry_count);
		fprintf(out, "%-12s %-20s %7s  %s\n", text_of(table, bindings[i].name),
			text_of(table, bindings[i].library),
			bindings[i].adapter ? "adapter" : entries,
			text_of(table, bindings[i].description));
	}
}

/* Of what was to be looked into, but is no program. */
static void complain_about(const char *path, int error)
{
	char interpreter[PATH_MAX];

	if (error == -ENOEXEC && ss_executable_is_script(path, interpreter, sizeof(interpreter)))
		ss_cli_error("bindings", "%s is a script (#!%s): name the program that it starts",
			     path, interpreter);
	else
		ss_cli_error("bindings", "%s: %s", path,
			     error == -ENOEXEC ? "expected a 64-bit ELF file" : strerror(-error));
}

static int show_all(const struct ss_binding_table *table, const struct options *options)
{
	struct program program = { 0 };
	unsigned int seen = 0;
	int status = SS_EXIT_OK, ret;

	if (options->against)
		ss_shrunk_watch();
	ret = options->against ? open_program(options->against, &program) : 0;
	if (ret < 0) {
		complain_about(options->against, ret);
		return SS_EXIT_USAGE;
	}
	for (uint32_t i = 0; i < table->bindings.count && status != SS_EXIT_USAGE; i++) {
		if (options->json)
			status = print_json(table, i);
		else if (!options->against)
			ss_explain_binding(out, table, i);
		else
			seen += report_binding(&program, table, i);
	}
	if (options->against && seen == 0)
		status = SS_EXIT_FINDINGS;
	if (options->against && ss_shrunk_happened()) {
		ss_cli_error("bindings", "%s: it, or what it needs, was cut off while it was read",
			     options->against);
		status = SS_EXIT_USAGE;
	}
	close_program(&program);
	return status;
}

static struct ss_binding_table *compile(const char *list)
{
	struct ss_binding_table *table;
	char error[ERROR_BYTES];

	if (ss_compile_list(SS_ARCH_HERE, list, &table, error, sizeof(error)) == 0)
		return table;
	ss_cli_error("bindings", "%s", error);
	return NULL;
}

/* Each for itself first, so that one invalid file does not hide the next one's fault. */
static bool are_valid(int count, char **items)
{
	bool valid = true;

	for (int i = 0; i < count; i++) {
		struct ss_binding_table *table = compile(items[i]);

		valid = valid && table;
		free(table);
	}
	return valid;
}

/* "a:b:c", malloc'ed. */
static char *join(int count, char **items)
{
	size_t bytes = 1;
	char *list, *end;

	for (int i = 0; i < count; i++)
		bytes += strlen(items[i]) + 1;
	list = end = malloc(bytes);
	for (int i = 0; list && i < count; i++)
		end += sprintf(end, "%s%s", i ? ":" : "", items[i]);
	return list;
}

static int show(const struct options *options, int count, char **items)
{
	char *list = count ? join(count, items) : strdup("auto"), *text = NULL;
	size_t bytes;
	struct ss_binding_table *table = NULL;
	int status = SS_EXIT_USAGE;

	out = open_memstream(&text, &bytes);
	if (out && list && are_valid(count, items))
		table = compile(list);
	if (table && count == 0 && !options->json && !options->against) {
		list_builtins(table);
		status = SS_EXIT_OK;
	} else if (table) {
		status = show_all(table, options);
	}
	if (out)
		fclose(out);
	if (text && *text)
		ss_cli_print(stdout, text);
	free(text);
	free(table);
	free(list);
	return status;
}

int ss_cmd_bindings(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "against", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options options = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case 'a':
			options.against = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return SS_EXIT_OK;
		default:
			return ss_cli_usage("bindings", NULL);
		}
	}
	if (options.json && options.against)
		return ss_cli_usage("bindings", "--json and --against exclude each other");
	return show(&options, argc - optind, argv + optind);
}
