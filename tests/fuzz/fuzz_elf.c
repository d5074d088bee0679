/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the reader of ELF files behind `spanshim bindings --against`. With clang's
 * -fsanitize=fuzzer it searches; with replay.c it runs the corpus as an ordinary test.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/binding/elf_file.h"

#define NEEDED_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void look(const struct ss_elf_file *elf)
{
	static const char *const symbols[] = { "", "malloc", "sqlite3_open", "main" };
	const char *needed;
	size_t length = 0;
	unsigned int i;

	for (i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
		if (ss_elf_file_find(elf, symbols[i]) > SS_ELF_IMPORTED)
			abort();
	for (i = 0; i < NEEDED_MAX && (needed = ss_elf_file_needed(elf, i)); i++)
		length += strlen(needed);
	if (length > NEEDED_MAX * elf->bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct ss_elf_file elf;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, bytes) == (ssize_t)bytes && ss_elf_file_init(&elf, path) == 0) {
		look(&elf);
		ss_elf_file_deinit(&elf);
	}
	close(fd);
	return 0;
}
