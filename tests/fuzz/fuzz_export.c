/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what `spanshim export` reads from outside: lines of dumps, answers of servers,
 * headers of the environment. With clang's -fsanitize=fuzzer it searches; with replay.c it runs the
 * corpus.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/export_line.h"
#include "collector/cli/export_reply.h"
#include "collector/cli/export_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void read_line(const char *text, size_t bytes)
{
	struct ss_export_line line;
	size_t byte;

	if (!ss_export_line_read((struct ss_tree_slice){ text, bytes }, &line, &byte) &&
	    (line.elements.text < text || line.elements.bytes > bytes))
		abort();
}

static void read_reply(const char *text, size_t bytes)
{
	static const long statuses[] = { 200, 400, 429, 500 };
	static const char *const types[] = { NULL, "application/json", "text/plain", "text/html" };
	struct ss_export_reply reply;
	unsigned i, k;
	const char *at;

	for (i = 0; i < 4; i++) {
		for (k = 0; k < 4; k++) {
			ss_export_reply_read(statuses[i], types[k], text, bytes, &reply);
			for (at = reply.text; *at; at++)
				if ((unsigned char)*at < ' ' || *at == 0x7f)
					abort();
		}
	}
}

static void read_headers(const char *text, size_t bytes)
{
	struct ss_export_settings settings = { 0 };
	char *list = strndup(text, bytes);
	unsigned i;

	if (list)
		ss_export_settings_headers(&settings.targets[0], list);
	for (i = 0; i < settings.targets[0].header_count; i++)
		if (strpbrk(settings.targets[0].headers[i], "\r\n"))
			abort();
	ss_export_settings_deinit(&settings);
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	/* A copy that ends where the data does: a byte too far is found. */
	char *text = malloc(bytes ? bytes : 1);

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	read_line(text, bytes);
	read_reply(text, bytes);
	read_headers(text, bytes);
	free(text);
	return 0;
}
