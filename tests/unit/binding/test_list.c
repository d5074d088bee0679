/* SPDX-License-Identifier: Apache-2.0
 *
 * SPANSHIM_BINDINGS' syntax: names, files, and what is said when something is neither.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <criterion/criterion.h>

#include "collector/collector.h"

static char directory[] = "/tmp/spanshim-list-XXXXXX";

static void enter_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
}

static void leave_directory(void)
{
	cr_assert_eq(chdir("/"), 0);
	cr_expect_eq(rmdir(directory), 0);
}

TestSuite(list, .init = enter_directory, .fini = leave_directory);

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static int compile_list(const char *list, struct ss_binding_table **ret_table, char *error)
{
	void *table = NULL;
	int ret;

	error[0] = '\0';
	ret = ss_collector_compile(SS_COLLECTOR_ABI, list, &table, error, ERROR_BYTES);
	*ret_table = table;
	return ret;
}

static void expect_count(const char *list, uint32_t count)
{
	struct ss_binding_table *table;
	char error[ERROR_BYTES];

	cr_assert_eq(compile_list(list, &table, error), 0, "%s: %s", list, error);
	cr_expect_eq(table->bindings.count, count, "%s: %u", list, table->bindings.count);
	free(table);
}

static void expect_error(const char *list, int error_number, const char *message)
{
	struct ss_binding_table *table;
	char error[ERROR_BYTES];

	cr_expect_eq(compile_list(list, &table, error), error_number, "%s", list);
	cr_expect_null(table);
	cr_expect_str_eq(error, message, "%s: %s", list, error);
}

static const char mine[] = "{\"spanshim\": 1, \"name\": \"mine\", \"entries\": [\n"
			   "{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\"}]}";

Test(list, names)
{
	expect_count("auto", 3);
	expect_count("", 0);
	expect_count("none", 0);
	expect_count("sqlite3", 1);
	expect_count("mellea", 1);
	expect_count("curl:sqlite3:curl", 2);
	expect_count("auto:sqlite3", 3);
	expect_count("none:curl", 1);
}

Test(list, files)
{
	write_file("mine.json", mine);
	write_file("noext", mine);
	expect_count("mine.json", 1);
	expect_count("./noext", 1);
	expect_count("auto:mine.json", 4);
	expect_error("mine.json:mine.json", -EINVAL,
		     "mine.json:1: name: there is a binding \"mine\" already");
	unlink("mine.json");
	unlink("noext");
}

Test(list, source_is_remembered)
{
	struct ss_binding_table *table;
	const struct ss_binding *binding;
	char error[ERROR_BYTES];

	write_file("mine.json", mine);
	cr_assert_eq(compile_list("./mine.json", &table, error), 0);
	binding = ss_binding_array(table, table->bindings);
	cr_expect_str_eq(text_of(table, binding->source), "./mine.json");
	free(table);
	unlink("mine.json");
}

Test(list, faults_name_file_and_line)
{
	write_file("bad.json", "{\"spanshim\": 1,\n\"name\": \"x\",\n\"entries\": 7}\n");
	expect_error("sqlite3:bad.json", -EINVAL,
		     "bad.json:3: entries: expected an array, got a number");
	write_file("bad.json", "");
	expect_error("bad.json", -EINVAL, "bad.json:1: not JSON: the text ends too early");
	unlink("bad.json");
}

Test(list, what_is_no_binding)
{
	expect_error("missing.json", -ENOENT, "missing.json: No such file or directory");
	expect_error("/dev/null", -EINVAL, "/dev/null: expected a regular file");
	expect_error("./", -EINVAL, "./: expected a regular file");
	expect_error(
		"sqlite", -EINVAL,
		"sqlite: no such built-in binding, expected \"auto\", \"none\", sqlite3 (did you "
		"mean that?), or the path of a file (with a '/' or ending in .json)");
	expect_error(
		"banana", -EINVAL,
		"banana: no such built-in binding, expected \"auto\", \"none\", \"curl\", "
		"\"mellea\" or \"sqlite3\", or the path of a file (with a '/' or ending in .json)");
}

Test(list, a_fifo_does_not_block)
{
	cr_assert_eq(mkfifo("fifo.json", 0600), 0);
	expect_error("fifo.json", -EINVAL, "fifo.json: expected a regular file");
	unlink("fifo.json");
}

Test(list, large_files_are_refused)
{
	write_file("large.json", "{}");
	cr_assert_eq(truncate("large.json", (1 << 20) + 1), 0);
	expect_error("large.json", -EINVAL, "large.json: expected at most 1 MiB");
	unlink("large.json");
}

Test(list, another_abi)
{
	char error[ERROR_BYTES] = "";
	void *table = NULL;

	cr_expect_eq(
		ss_collector_compile(SS_COLLECTOR_ABI + 1, "auto", &table, error, sizeof(error)),
		-EINVAL);
	cr_expect_str_eq(error, "the shim and its collector are of different versions");
	cr_expect_null(table);
}
