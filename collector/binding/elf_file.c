/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* `bytes` bytes at `offset`, NULL when they are not all in the file. */
static const void *at(const struct ss_elf_file *elf, uint64_t offset, uint64_t bytes)
{
	if (offset > elf->bytes || bytes > elf->bytes - offset)
		return NULL;
	return elf->data + offset;
}

static bool section(const struct ss_elf_file *elf, uint32_t index, Elf64_Shdr *ret_section)
{
	Elf64_Ehdr header;
	const void *found;

	memcpy(&header, elf->data, sizeof(header));
	if (index >= header.e_shnum || header.e_shentsize != sizeof(*ret_section) ||
	    header.e_shoff > elf->bytes)
		return false;
	found = at(elf, header.e_shoff + index * sizeof(*ret_section), sizeof(*ret_section));
	if (!found)
		return false;
	memcpy(ret_section, found, sizeof(*ret_section));
	return ret_section->sh_type == SHT_NOBITS ||
	       at(elf, ret_section->sh_offset, ret_section->sh_size);
}

static bool section_of_type(const struct ss_elf_file *elf, uint32_t type, Elf64_Shdr *ret_section)
{
	Elf64_Ehdr header;

	memcpy(&header, elf->data, sizeof(header));
	for (uint32_t i = 0; i < header.e_shnum; i++)
		if (section(elf, i, ret_section) && ret_section->sh_type == type)
			return true;
	return false;
}

/* The string at `offset` of a string table, NULL when it does not end in it. */
static const char *string_at(const struct ss_elf_file *elf, const Elf64_Shdr *strings,
			     uint64_t offset)
{
	const char *text;

	if (strings->sh_type != SHT_STRTAB || offset >= strings->sh_size)
		return NULL;
	text = (const char *)elf->data + strings->sh_offset + offset;
	return memchr(text, '\0', strings->sh_size - offset) ? text : NULL;
}

/* Looks for `symbol` in the symbol table of type `type`. */
static bool find(const struct ss_elf_file *elf, uint32_t type, const char *symbol,
		 Elf64_Sym *ret_symbol)
{
	Elf64_Shdr table, strings;

	if (!section_of_type(elf, type, &table) || !section(elf, table.sh_link, &strings))
		return false;
	for (uint64_t i = 0; i < table.sh_size / sizeof(*ret_symbol); i++) {
		const char *name;

		memcpy(ret_symbol, elf->data + table.sh_offset + i * sizeof(*ret_symbol),
		       sizeof(*ret_symbol));
		name = string_at(elf, &strings, ret_symbol->st_name);
		if (name && strcmp(name, symbol) == 0 &&
		    ELF64_ST_TYPE(ret_symbol->st_info) != STT_FILE)
			return true;
	}
	return false;
}

enum ss_elf_symbol ss_elf_file_find(const struct ss_elf_file *elf, const char *symbol)
{
	Elf64_Sym found;

	if (find(elf, SHT_DYNSYM, symbol, &found))
		return found.st_shndx == SHN_UNDEF ? SS_ELF_IMPORTED : SS_ELF_EXPORTED;
	if (find(elf, SHT_SYMTAB, symbol, &found) && found.st_shndx != SHN_UNDEF)
		return SS_ELF_INTERNAL;
	return SS_ELF_ABSENT;
}

const char *ss_elf_file_needed(const struct ss_elf_file *elf, unsigned int index)
{
	Elf64_Shdr dynamic, strings;

	if (!section_of_type(elf, SHT_DYNAMIC, &dynamic) ||
	    !section(elf, dynamic.sh_link, &strings))
		return NULL;
	for (uint64_t i = 0; i < dynamic.sh_size / sizeof(Elf64_Dyn); i++) {
		Elf64_Dyn item;

		memcpy(&item, elf->data + dynamic.sh_offset + i * sizeof(item), sizeof(item));
		if (item.d_tag == DT_NULL)
			break;
		if (item.d_tag == DT_NEEDED && index-- == 0)
			return string_at(elf, &strings, item.d_un.d_val);
	}
	return NULL;
}

static bool is_elf(const struct ss_elf_file *elf)
{
	Elf64_Ehdr header;

	if (elf->bytes < sizeof(header))
		return false;
	memcpy(&header, elf->data, sizeof(header));
	return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       header.e_ident[EI_CLASS] == ELFCLASS64 &&
	       header.e_ident[EI_DATA] ==
		       (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB);
}

int ss_elf_file_init(struct ss_elf_file *elf, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), ret = 0;
	struct stat info;
	void *data;

	*elf = (struct ss_elf_file){ 0 };
	if (fd < 0)
		return -errno;
	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size == 0) {
		ret = -ENOEXEC;
		goto out;
	}
	data = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		ret = -errno;
		goto out;
	}
	elf->data = data;
	elf->bytes = info.st_size;
	if (!is_elf(elf)) {
		ss_elf_file_deinit(elf);
		ret = -ENOEXEC;
	}
out:
	close(fd);
	return ret;
}

void ss_elf_file_deinit(struct ss_elf_file *elf)
{
	if (elf->data)
		munmap((void *)elf->data, elf->bytes);
	*elf = (struct ss_elf_file){ 0 };
}
