/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the binding compiler, from bytes to a verified table. With clang's -fsanitize=fuzzer
 * it searches; with replay.c it runs the corpus as an ordinary test.
 */
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
