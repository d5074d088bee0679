/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads what the loader mapped of one ELF object: its dynamic section, symbols, versions and
 * relocations. Owns nothing; every pointer is into the object. gABI chapters 4 and 5; GNU hash and
 * symbol versions as in binutils and glibc.
 * Must not: allocate, lock, or trust that an object has a table (the vdso, musl's and hand-made
 * objects lack some). The caller sees to it that the object stays mapped.
 */
#ifndef SS_ELF_H
#define SS_ELF_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ss_elf {
	uintptr_t base; /* what is added to the object's own addresses */
	const ElfW(Phdr) * headers;
	size_t header_count;
	uintptr_t low, high;             /* the mapped range */
	uintptr_t relro_low, relro_high; /* whole pages; 0, 0: none */
	const ElfW(Dyn) * dynamic;       /* also the object's identity */
	const ElfW(Sym) * symbols;
	const char *strings;
	const char *soname; /* NULL: none */
	const uint32_t *gnu_hash, *sysv_hash;
	const ElfW(Half) * versions; /* per symbol */
	const ElfW(Verdef) * definitions;
	size_t definition_count;
	const ElfW(Verneed) * needs;
	size_t need_count;
	const ElfW(Rela) * plt_relocs, *relocs;
	size_t plt_reloc_count, reloc_count;
	size_t relative_count; /* that many of relocs come first and name no symbol */
};

/* Reads an object by its program headers. 0, or -ENOEXEC when it has no symbols to speak of. */
int ss_elf_read(struct ss_elf *ret_elf, uintptr_t base, const ElfW(Phdr) * headers, size_t count);

/* Likewise for an object whose ELF header is mapped at `image`. */
int ss_elf_read_image(struct ss_elf *ret_elf, const void *image);

/* Likewise, but only what its dynamic section tells: no range, no headers. */
int ss_elf_read_dynamic(struct ss_elf *ret_elf, uintptr_t base, const ElfW(Dyn) * dynamic);

/* The definition of `name` that a reference with `version` (NULL: none) binds to: the default
 * version first, else a hidden one. NULL when there is none. */
const ElfW(Sym) * ss_elf_lookup(const struct ss_elf *elf, const char *name, const char *version);

/* Address of a symbol the object defines; asks the resolver of an IFUNC. */
void *ss_elf_address(const struct ss_elf *elf, const ElfW(Sym) * symbol);

/* Where a non-PIE executable's procedure linkage table stands in for `name`, which it does not
 * define ("canonical PLT entry": what &name is in the whole process), or NULL. */
void *ss_elf_plt_entry(const struct ss_elf *elf, const char *name);

/* Version that the object asks for with its undefined symbol `index`, or NULL. */
const char *ss_elf_needed_version(const struct ss_elf *elf, size_t index);

/* Whether the object's DT_NEEDED entries name `soname`. */
bool ss_elf_is_linked_to(const struct ss_elf *elf, const char *soname);

/* Whether `address` lies in the object, and whether in a part that was mapped writable. */
bool ss_elf_contains(const struct ss_elf *elf, const void *address);
bool ss_elf_is_writable(const struct ss_elf *elf, const void *address);

#endif
