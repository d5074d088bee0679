/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#define VERSION_HIDDEN 0x8000
#define VERSION_INDEX  0x7fff
#define VERSION_TAGS   16 /* DT_VERSYM to DT_VERNEEDNUM */
#define WORD_BITS      (8 * sizeof(ElfW(Addr)))

/* The dynamic section's values by tag, those of them that matter. */
struct tags {
	ElfW(Addr) plain[DT_FLAGS + 1];
	ElfW(Addr) version[VERSION_TAGS];
	ElfW(Addr) gnu_hash;
};

static void read_tags(const ElfW(Dyn) * dynamic, struct tags *tags)
{
	memset(tags, 0, sizeof(*tags));
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		uint64_t tag = (uint64_t)dynamic->d_tag;

		if (tag <= DT_FLAGS)
			tags->plain[tag] = dynamic->d_un.d_val;
		else if (tag - DT_VERSYM < VERSION_TAGS)
			tags->version[tag - DT_VERSYM] = dynamic->d_un.d_val;
		else if (tag == DT_GNU_HASH)
			tags->gnu_hash = dynamic->d_un.d_val;
	}
}

/* glibc adds the base to the dynamic section's pointers in place, except where it is read-only. */
static const void *pointer(const struct ss_elf *elf, ElfW(Addr) value)
{
	if (!value)
		return NULL;
	return (const void *)(value < elf->base ? elf->base + value : value);
}

static void read_headers(struct ss_elf *elf)
{
	uintptr_t page = getauxval(AT_PAGESZ);

	elf->low = UINTPTR_MAX;
	for (size_t i = 0; i < elf->header_count; i++) {
		const ElfW(Phdr) *header = &elf->headers[i];
		uintptr_t low = elf->base + header->p_vaddr;
		uintptr_t high = low + header->p_memsz;

		if (header->p_type == PT_DYNAMIC) {
			elf->dynamic = (const void *)low;
		} else if (header->p_type == PT_GNU_RELRO) {
			elf->relro_low = low & ~(page - 1);
			elf->relro_high = high & ~(page - 1);
		} else if (header->p_type == PT_LOAD) {
			if (low < elf->low)
				elf->low = low;
			if (high > elf->high)
				elf->high = high;
		}
	}
}

static void read_dynamic(struct ss_elf *elf)
{
	struct tags tags;

	read_tags(elf->dynamic, &tags);
	elf->symbols = pointer(elf, tags.plain[DT_SYMTAB]);
	elf->strings = pointer(elf, tags.plain[DT_STRTAB]);
	elf->sysv_hash = pointer(elf, tags.plain[DT_HASH]);
	elf->gnu_hash = pointer(elf, tags.gnu_hash);
	elf->versions = pointer(elf, tags.version[0]);
	elf->definitions = pointer(elf, tags.version[DT_VERDEF - DT_VERSYM]);
	elf->definition_count = tags.version[DT_VERDEFNUM - DT_VERSYM];
	elf->needs = pointer(elf, tags.version[DT_VERNEED - DT_VERSYM]);
	elf->need_count = tags.version[DT_VERNEEDNUM - DT_VERSYM];
	elf->relocs = pointer(elf, tags.plain[DT_RELA]);
	if (elf->relocs)
		elf->reloc_count = tags.plain[DT_RELASZ] / sizeof(ElfW(Rela));
	elf->relative_count = tags.version[DT_RELACOUNT - DT_VERSYM];
	if (elf->relative_count > elf->reloc_count)
		elf->relative_count = 0;
	if (tags.plain[DT_PLTREL] == DT_RELA)
		elf->plt_relocs = pointer(elf, tags.plain[DT_JMPREL]);
	if (elf->plt_relocs)
		elf->plt_reloc_count = tags.plain[DT_PLTRELSZ] / sizeof(ElfW(Rela));
	if (elf->strings && tags.plain[DT_SONAME])
		elf->soname = elf->strings + tags.plain[DT_SONAME];
}

int ss_elf_read(struct ss_elf *ret_elf, uintptr_t base, const ElfW(Phdr) * headers, size_t count)
{
	struct ss_elf elf = { .base = base, .headers = headers, .header_count = count };

	read_headers(&elf);
	if (!elf.dynamic)
		return -ENOEXEC;
	read_dynamic(&elf);
	if (!elf.symbols || !elf.strings)
		return -ENOEXEC;
	*ret_elf = elf;
	return 0;
}

int ss_elf_read_dynamic(struct ss_elf *ret_elf, uintptr_t base, const ElfW(Dyn) * dynamic)
{
	struct ss_elf elf = { .base = base, .dynamic = dynamic };

	read_dynamic(&elf);
	if (!elf.symbols || !elf.strings)
		return -ENOEXEC;
	*ret_elf = elf;
	return 0;
}

int ss_elf_read_image(struct ss_elf *ret_elf, const void *image)
{
	const ElfW(Ehdr) *header = image;
	const ElfW(Phdr) *headers = (const void *)((const char *)image + header->e_phoff);

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_phentsize != sizeof(ElfW(Phdr)))
		return -ENOEXEC;
	for (size_t i = 0; i < header->e_phnum; i++) {
		if (headers[i].p_type == PT_LOAD && headers[i].p_offset == 0)
			return ss_elf_read(ret_elf, (uintptr_t)image - headers[i].p_vaddr, headers,
					   header->e_phnum);
	}
	return -ENOEXEC;
}

static const char *definition_name(const struct ss_elf *elf, unsigned int index)
{
	const ElfW(Verdef) *definition = elf->definitions;

	for (size_t i = 0; definition && i < elf->definition_count; i++) {
		const ElfW(Verdaux) *name =
			(const void *)((const char *)definition + definition->vd_aux);

		if (definition->vd_ndx == index)
			return elf->strings + name->vda_name;
		definition = (const void *)((const char *)definition + definition->vd_next);
	}
	return NULL;
}

struct search {
	const struct ss_elf *elf;
	const char *name;
	const char *version;
	bool undefined;                /* look for a canonical PLT entry instead */
	const ElfW(Sym) * second_best; /* a hidden version */
};

/* Not strcmp: a sanitizer that is linked into the program has one of its own, and calls dlsym
 * before that works. */
static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Whether symbol `index` of the hash chain is it; glibc's do_lookup_x and check_match. */
static bool matches(struct search *search, size_t index)
{
	const struct ss_elf *elf = search->elf;
	const ElfW(Sym) *symbol = &elf->symbols[index];
	unsigned int version;
	const char *name;

	if (search->undefined != (symbol->st_shndx == SHN_UNDEF) ||
	    (symbol->st_value == 0 && symbol->st_shndx != SHN_ABS) ||
	    !same(elf->strings + symbol->st_name, search->name))
		return false;
	if (!elf->versions || search->undefined)
		return true;
	version = elf->versions[index];
	if (!search->version) {
		if (!(version & VERSION_HIDDEN))
			return true;
		search->second_best = symbol;
		return false;
	}
	name = definition_name(elf, version & VERSION_INDEX);
	if (!name || (version & VERSION_INDEX) <= VER_NDX_GLOBAL)
		return !(version & VERSION_HIDDEN);
	return same(name, search->version);
}

static const ElfW(Sym) * find_gnu(struct search *search)
{
	const uint32_t *table = search->elf->gnu_hash;
	uint32_t bucket_count = table[0], first = table[1], bloom_words = table[2];
	const ElfW(Addr) *bloom = (const void *)(table + 4);
	const uint32_t *buckets = (const void *)(bloom + bloom_words);
	const uint32_t *chains = buckets + bucket_count;
	uint32_t hash = 5381;
	ElfW(Addr) word;

	for (const unsigned char *c = (const void *)search->name; *c; c++)
		hash = hash * 33 + *c;
	if (!bucket_count || !bloom_words)
		return NULL;
	word = bloom[hash / WORD_BITS & (bloom_words - 1)];
	if (!(word >> hash % WORD_BITS & word >> (hash >> table[3]) % WORD_BITS & 1))
		return NULL;
	for (uint32_t i = buckets[hash % bucket_count]; i >= first && i; i++) {
		if ((chains[i - first] | 1) == (hash | 1) && matches(search, i))
			return &search->elf->symbols[i];
		if (chains[i - first] & 1)
			break;
	}
	return search->second_best;
}

static const ElfW(Sym) * find_sysv(struct search *search)
{
	const uint32_t *table = search->elf->sysv_hash;
	uint32_t bucket_count = table[0], chain_count = table[1], hash = 0;
	const uint32_t *buckets = table + 2, *chains = buckets + bucket_count;

	for (const unsigned char *c = (const void *)search->name; *c; c++) {
		hash = (hash << 4) + *c;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	if (!bucket_count)
		return NULL;
	for (uint32_t i = buckets[hash % bucket_count]; i && i < chain_count; i = chains[i]) {
		if (matches(search, i))
			return &search->elf->symbols[i];
	}
	return search->second_best;
}

static const ElfW(Sym) * find(struct search *search)
{
	if (search->elf->gnu_hash)
		return find_gnu(search);
	return search->elf->sysv_hash ? find_sysv(search) : NULL;
}

const ElfW(Sym) * ss_elf_lookup(const struct ss_elf *elf, const char *name, const char *version)
{
	struct search search = { .elf = elf, .name = name, .version = version };

	return find(&search);
}

void *ss_elf_address(const struct ss_elf *elf, const ElfW(Sym) * symbol)
{
	void *address = (void *)(elf->base + symbol->st_value);

	if (symbol->st_shndx == SHN_ABS)
		return (void *)symbol->st_value;
	if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
		return ((void *(*)(void))address)();
	return address;
}

void *ss_elf_plt_entry(const struct ss_elf *elf, const char *name)
{
	struct search search = { .elf = elf, .name = name, .undefined = true };
	const ElfW(Sym) *symbol = find(&search);

	return symbol ? (void *)(elf->base + symbol->st_value) : NULL;
}

const char *ss_elf_needed_version(const struct ss_elf *elf, size_t index)
{
	const ElfW(Verneed) *need = elf->needs;
	unsigned int version = elf->versions ? elf->versions[index] & VERSION_INDEX : 0;

	if (version <= VER_NDX_GLOBAL)
		return NULL;
	for (size_t i = 0; need && i < elf->need_count; i++) {
		const ElfW(Vernaux) *name = (const void *)((const char *)need + need->vn_aux);

		for (unsigned int j = 0; j < need->vn_cnt; j++) {
			if ((name->vna_other & VERSION_INDEX) == version)
				return elf->strings + name->vna_name;
			name = (const void *)((const char *)name + name->vna_next);
		}
		need = (const void *)((const char *)need + need->vn_next);
	}
	return NULL;
}

bool ss_elf_is_linked_to(const struct ss_elf *elf, const char *soname)
{
	for (const ElfW(Dyn) *dynamic = elf->dynamic; dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag == DT_NEEDED &&
		    strcmp(elf->strings + dynamic->d_un.d_val, soname) == 0)
			return true;
	}
	return false;
}

bool ss_elf_contains(const struct ss_elf *elf, const void *address)
{
	return (uintptr_t)address >= elf->low && (uintptr_t)address < elf->high;
}

bool ss_elf_is_writable(const struct ss_elf *elf, const void *address)
{
	for (size_t i = 0; i < elf->header_count; i++) {
		const ElfW(Phdr) *header = &elf->headers[i];

		if (header->p_type == PT_LOAD && header->p_flags & PF_W &&
		    (uintptr_t)address - (elf->base + header->p_vaddr) < header->p_memsz)
			return true;
	}
	return false;
}
