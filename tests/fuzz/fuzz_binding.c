/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the binding compiler, from bytes to a verified table. With clang's
 * -fsanitize=fuzzer it searches; without (SS_FUZZ_REPLAY) it replays the files and directories that
 * are its arguments, so that the corpus runs as an ordinary test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/binding/compile.h"
#include "collector/binding/explain.h"
#include "collector/binding/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1), error[512] = "";
	struct ss_binding_text source = { "fuzz.json", "fuzz.json", text, bytes };
	struct ss_binding_table *table = NULL;
	FILE *null;
	int ret;

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	ret = ss_compile_texts(bytes % 2 ? SS_ARCH_X86_64 : SS_ARCH_AARCH64, &source, 1, &table,
			       error, sizeof(error));
	if (ret < 0) {
		if (table || strncmp(error, "fuzz.json:", 10) != 0)
			abort();
	} else if (ss_binding_verify(table, table->bytes) < 0) {
		abort();
	} else if ((null = fopen("/dev/null", "we"))) {
		ss_explain_binding(null, table, 0);
		fclose(null);
	}
	free(table);
	free(text);
	return 0;
}

#ifdef SS_FUZZ_REPLAY
static int replay(const char *path)
{
	static uint8_t data[2 << 20];
	FILE *file = fopen(path, "re");
	size_t bytes;

	if (!file)
		return 0;
	bytes = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, bytes);
	return 1;
}

static int replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *item;
	char name[4096];
	int count = 0;

	if (!directory)
		return replay(path);
	while ((item = readdir(directory))) {
		if (item->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, item->d_name);
		count += replay(name);
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += replay_directory(argv[i]);
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
#endif
