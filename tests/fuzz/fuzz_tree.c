/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: `spanshim tree` on any bytes. Whatever they are, what it takes for JSON is that for
 * cJSON too, nothing raw of it reaches a terminal, and `--json` prints JSON. With clang's
 * -fsanitize=fuzzer it searches; with replay.c it runs the corpus as an ordinary test.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "collector/cli/text_line.h"
#include "collector/cli/tree_json.h"
#include "collector/cli/tree_show.h"
#include "collector/cli/tree_valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_json(const char *text, size_t bytes)
{
	cJSON *json = cJSON_ParseWithLength(text, bytes);

	if (!json)
		abort();
	cJSON_Delete(json);
}

/* Nothing but text, newlines and our own colours. */
static void check_screen(const char *text)
{
	uint32_t code;

	while (*text) {
		size_t bytes = ss_text_decode(text, &code);

		if (*text == '\033' && text[1] == '[') {
			text += 2 + strspn(text + 2, "0123456789;");
			if (*text++ != 'm')
				abort();
			continue;
		}
		if (*text != '\n' && ss_text_unsafe(code))
			abort();
		text += bytes;
	}
}

static void show(const char *path, const struct ss_tree_options *options,
		 struct ss_tree_style style)
{
	char *text = NULL, *paths[] = { (char *)path };
	size_t bytes = 0;

	style.file = open_memstream(&text, &bytes);
	if (!style.file)
		abort();
	ss_tree_show("tree", paths, 1, options, &style);
	fclose(style.file);
	if (strlen(text) != bytes)
		abort();
	if (style.write && bytes > 0)
		check_json(text, bytes);
	else
		check_screen(text);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct ss_tree_style styles[] = {
		{ .utf8 = true, .colour = true, .events = true, .attributes = true },
		{ .width = 60 },
		{ .write = ss_tree_json_print },
	};
	static const struct ss_tree_options all,
		some = { .name = "a*", .errors = true, .limit = 2 };
	int fd = memfd_create("dump", MFD_CLOEXEC);
	char path[64];
	size_t byte;

	if (ss_tree_valid((const char *)data, bytes, &byte))
		check_json((const char *)data, bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, bytes) == (ssize_t)bytes) {
		for (int i = 0; i < 3; i++)
			show(path, &all, styles[i]);
		show(path, &some, styles[bytes % 3]);
	}
	close(fd);
	return 0;
}
