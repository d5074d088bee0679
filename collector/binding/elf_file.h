/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether calls of a symbol can be seen in an ELF file: its dynamic and static symbol tables, and
 * the libraries it needs. gABI chapters 4 and 5. 64-bit, the machine's byte order.
 * For `spanshim bindings --against`. Must not: trust any number in the file.
 */
#ifndef SS_ELF_FILE_H
#define SS_ELF_FILE_H

#include <stddef.h>

struct ss_elf_file {
	const unsigned char *data; /* mapped */
	size_t bytes;
};

enum ss_elf_symbol {
	SS_ELF_ABSENT,
	SS_ELF_INTERNAL, /* defined in the file, not visible outside: calls cannot be seen */
	SS_ELF_EXPORTED, /* defined, visible: calls from other objects can be seen */
	SS_ELF_IMPORTED, /* used, defined elsewhere: its calls can be seen */
};

/* Maps `path`. 0, -ENOEXEC when it is no 64-bit ELF file, or -errno. */
int ss_elf_file_init(struct ss_elf_file *elf, const char *path);
void ss_elf_file_deinit(struct ss_elf_file *elf);

enum ss_elf_symbol ss_elf_file_find(const struct ss_elf_file *elf, const char *symbol);

/* Name of needed library number `index` (from 0), NULL when there are no more. */
const char *ss_elf_file_needed(const struct ss_elf_file *elf, unsigned int index);

#endif
