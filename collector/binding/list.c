/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of compile.h that knows where binding files are, and the collector's entry point for it.
 */
#include "collector/binding/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/binding/suggest.h"
#include "collector/collector.h"

struct texts {
	struct ss_binding_text items[SS_BINDINGS_MAX];
	uint32_t count;
	char *error;
	size_t error_bytes;
};

static const char *builtin_name(const struct ss_binding_text *text)
{
	return text->name + strlen("built-in ");
}

static int fail(struct texts *texts, int error, const char *item, const char *what)
{
	snprintf(texts->error, texts->error_bytes, "%.512s: %s", item, what);
	return error;
}

static int add(struct texts *texts, const struct ss_binding_text *text)
{
	for (uint32_t i = 0; i < texts->count; i++)
		if (texts->items[i].text == text->text)
			return 0;
	if (texts->count == SS_BINDINGS_MAX)
		return fail(texts, -EINVAL, text->name, "expected at most 64 bindings");
	texts->items[texts->count++] = *text;
	return 0;
}

static int add_builtin(struct texts *texts, const char *item)
{
	const char *names[SS_BINDINGS_MAX], *nearest;
	uint32_t count = ss_compile_builtin_count;
	bool all = strcmp(item, "auto") == 0;
	char list[512], what[700];
	int ret = 0;

	for (uint32_t i = 0; i < count; i++) {
		names[i] = builtin_name(&ss_compile_builtins[i]);
		if (!all && strcmp(names[i], item) != 0)
			continue;
		ret = add(texts, &ss_compile_builtins[i]);
		if (!all || ret < 0)
			return ret;
	}
	if (all)
		return 0;
	nearest = ss_suggest_nearest(item, names, count);
	ss_suggest_list(names, count, list, sizeof(list));
	snprintf(what, sizeof(what),
		 "no such built-in binding, expected \"auto\", \"none\", %s%s%s, or the path of a "
		 "file (with a '/' or ending in .json)",
		 nearest ? "" : list, nearest ? nearest : "",
		 nearest ? " (did you mean that?)" : "");
	return fail(texts, -EINVAL, item, what);
}

/* Reads all of fd: size bytes and a NUL. */
static int read_text(int fd, size_t size, char **ret_text, size_t *ret_bytes)
{
	char *text = malloc(size + 1);
	size_t bytes = 0;
	ssize_t n = 1;

	if (!text)
		return -ENOMEM;
	while (bytes < size && n > 0) {
		n = read(fd, text + bytes, size - bytes);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			bytes += n;
	}
	if (n < 0) {
		int ret = -errno;

		free(text);
		return ret;
	}
	text[bytes] = '\0';
	*ret_text = text;
	*ret_bytes = bytes;
	return 0;
}

static int add_file(struct texts *texts, const char *path)
{
	struct ss_binding_text text = { .source = path };
	struct stat info;
	char *content = NULL;
	int ret = -EINVAL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fail(texts, -errno, path, strerror(errno));
	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
		fail(texts, ret, path, "expected a regular file");
		goto out;
	}
	if (info.st_size > SS_DOCUMENT_BYTES_MAX) {
		fail(texts, ret, path, "expected at most 1 MiB");
		goto out;
	}
	ret = read_text(fd, info.st_size, &content, &text.bytes);
	if (ret < 0) {
		fail(texts, ret, path, strerror(-ret));
		goto out;
	}
	text.text = content;
	text.name = strdup(path);
	text.source = text.name;
	ret = text.name ? add(texts, &text) : fail(texts, -ENOMEM, path, strerror(ENOMEM));
	if (ret < 0) {
		free((char *)text.name);
		free(content);
	}
out:
	close(fd);
	return ret;
}

static void free_texts(struct texts *texts)
{
	for (uint32_t i = 0; i < texts->count; i++) {
		if (strcmp(texts->items[i].source, "built-in") == 0)
			continue;
		free((char *)texts->items[i].name);
		free((char *)texts->items[i].text);
	}
}

static int add_item(struct texts *texts, const char *item)
{
	size_t length = strlen(item);

	if (length == 0 || strcmp(item, "none") == 0)
		return 0;
	if (strchr(item, '/') || (length >= 5 && strcmp(item + length - 5, ".json") == 0))
		return add_file(texts, item);
	return add_builtin(texts, item);
}

int ss_compile_list(enum ss_arch arch, const char *list, struct ss_binding_table **ret_table,
		    char *error, size_t error_bytes)
{
	struct texts texts = { .error = error, .error_bytes = error_bytes };
	char *items = strdup(list), *rest = items, *item;
	int ret = 0;

	if (!items)
		return fail(&texts, -ENOMEM, "bindings", strerror(ENOMEM));
	while (ret == 0 && (item = strsep(&rest, ":")))
		ret = add_item(&texts, item);
	if (ret == 0)
		ret = ss_compile_texts(arch, texts.items, texts.count, ret_table, error,
				       error_bytes);
	free_texts(&texts);
	free(items);
	return ret;
}

__attribute__((visibility("default"))) int ss_collector_compile(uint32_t abi, const char *list,
								void **ret_table, char *error,
								size_t error_bytes)
{
	struct ss_binding_table *table;
	int ret;

	if (abi != SS_COLLECTOR_ABI) {
		snprintf(error, error_bytes,
			 "the shim and its collector are of different versions");
		return -EINVAL;
	}
	ret = ss_compile_list(SS_ARCH_HERE, list, &table, error, error_bytes);
	if (ret == 0)
		*ret_table = table;
	return ret;
}
