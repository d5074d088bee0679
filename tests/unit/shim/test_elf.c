/* SPDX-License-Identifier: Apache-2.0
 *
 * The ELF reader over hand-made objects in memory (what compilers seldom make) and over libc (what
 * the loader itself says).
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "shim/intercept/elf.h"

/* ---- an object with a SysV hash table and versions: one@@V2, one@V1 (hidden), old@V1 (hidden),
 * an import from elsewhere, and a canonical PLT entry ---- */

enum {
	STR_NONE = 0,
	STR_ONE = 1,
	STR_OLD = 5,
	STR_FAR = 9,
	STR_PLT = 13,
	STR_V1 = 17,
	STR_V2 = 20,
	STR_NEED = 23,
	STR_SONAME = 29
};
static const char strings[] = "\0one\0old\0far\0plt\0V1\0V2\0OTHER\0libmade.so\0";

#define FUNCTION ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)
static const Elf64_Sym symbols[] = {
	{ 0 },
	{ .st_name = STR_ONE, .st_info = FUNCTION, .st_shndx = 1, .st_value = 0x10 },
	{ .st_name = STR_ONE, .st_info = FUNCTION, .st_shndx = 1, .st_value = 0x20 },
	{ .st_name = STR_OLD, .st_info = FUNCTION, .st_shndx = 1, .st_value = 0x30 },
	{ .st_name = STR_FAR, .st_info = FUNCTION, .st_shndx = SHN_UNDEF },
	{ .st_name = STR_PLT, .st_info = FUNCTION, .st_shndx = SHN_UNDEF, .st_value = 0x40 },
};
enum { V1 = 2, V2 = 3, NEEDED = 4, HIDDEN = 0x8000 };
static const Elf64_Half versions[] = { 0, V1 | HIDDEN, V2, V1 | HIDDEN, NEEDED, 0 };

static struct {
	struct {
		Elf64_Verdef definition;
		Elf64_Verdaux name;
	} defined[2];
	Elf64_Verneed need;
	Elf64_Vernaux need_name;
} version_names = {
	.defined = {
		{ { .vd_version = 1, .vd_ndx = V1, .vd_cnt = 1, .vd_aux = sizeof(Elf64_Verdef),
		    .vd_next = sizeof(Elf64_Verdef) + sizeof(Elf64_Verdaux) },
		  { .vda_name = STR_V1 } },
		{ { .vd_version = 1, .vd_ndx = V2, .vd_cnt = 1, .vd_aux = sizeof(Elf64_Verdef) },
		  { .vda_name = STR_V2 } },
	},
	.need = { .vn_version = 1, .vn_cnt = 1, .vn_aux = sizeof(Elf64_Verneed) },
	.need_name = { .vna_other = NEEDED, .vna_name = STR_NEED },
};

/* One bucket: every symbol is in the same chain, in this order. */
static const uint32_t sysv_hash[] = { 1, 6, 1, 0, 2, 3, 4, 5, 0 };

static Elf64_Dyn dynamic[16];
static Elf64_Phdr headers[3];

static void make_dynamic(size_t from, Elf64_Sxword tag, const void *pointer)
{
	dynamic[from].d_tag = tag;
	dynamic[from].d_un.d_ptr = (uintptr_t)pointer;
}

static struct ss_elf make_object(bool with_versions)
{
	uintptr_t base = 0;
	struct ss_elf elf;
	size_t n = 0;

	memset(dynamic, 0, sizeof(dynamic));
	make_dynamic(n++, DT_SYMTAB, symbols);
	make_dynamic(n++, DT_STRTAB, strings);
	make_dynamic(n++, DT_HASH, sysv_hash);
	make_dynamic(n++, DT_SONAME, (void *)STR_SONAME);
	make_dynamic(n++, DT_NEEDED, (void *)STR_NEED);
	if (with_versions) {
		make_dynamic(n++, DT_VERSYM, versions);
		make_dynamic(n++, DT_VERDEF, &version_names.defined);
		make_dynamic(n++, DT_VERDEFNUM, (void *)2);
		make_dynamic(n++, DT_VERNEED, &version_names.need);
		make_dynamic(n++, DT_VERNEEDNUM, (void *)1);
	}
	headers[0] = (Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_vaddr = (uintptr_t)dynamic - base };
	headers[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = 0x1000, .p_memsz = 0x1000 };
	headers[2] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_W, .p_vaddr = 0x3000, .p_memsz = 0x800
	};
	cr_assert_eq(ss_elf_read(&elf, base, headers, 3), 0);
	return elf;
}

static uintptr_t value(const Elf64_Sym *symbol)
{
	return symbol ? symbol->st_value : 0;
}

Test(elf, sysv_hash_prefers_default_version)
{
	struct ss_elf elf = make_object(true);

	cr_expect_eq(value(ss_elf_lookup(&elf, "one", NULL)), 0x20);
	cr_expect_eq(value(ss_elf_lookup(&elf, "one", "V1")), 0x10);
	cr_expect_eq(value(ss_elf_lookup(&elf, "one", "V2")), 0x20);
	cr_expect_null(ss_elf_lookup(&elf, "one", "V3"));
}

Test(elf, hidden_version_is_found_when_there_is_no_other)
{
	struct ss_elf elf = make_object(true);

	cr_expect_eq(value(ss_elf_lookup(&elf, "old", NULL)), 0x30);
	cr_expect_null(ss_elf_lookup(&elf, "old", "V2"));
}

Test(elf, object_without_versions_takes_any)
{
	struct ss_elf elf = make_object(false);

	cr_expect_eq(value(ss_elf_lookup(&elf, "one", "V2")), 0x10);
	cr_expect_null(ss_elf_needed_version(&elf, 4));
}

Test(elf, imports_are_no_definitions)
{
	struct ss_elf elf = make_object(true);

	cr_expect_null(ss_elf_lookup(&elf, "far", NULL));
	cr_expect_null(ss_elf_lookup(&elf, "plt", NULL));
	cr_expect_null(ss_elf_lookup(&elf, "nowhere", NULL));
	cr_expect_str_eq(ss_elf_needed_version(&elf, 4), "OTHER");
	cr_expect_null(ss_elf_needed_version(&elf, 1));
}

Test(elf, plt_entry_is_an_import_with_an_address)
{
	struct ss_elf elf = make_object(true);

	cr_expect_eq((uintptr_t)ss_elf_plt_entry(&elf, "plt"), 0x40);
	cr_expect_null(ss_elf_plt_entry(&elf, "far"));
	cr_expect_null(ss_elf_plt_entry(&elf, "one"));
}

Test(elf, names_and_range)
{
	struct ss_elf elf = make_object(true);

	cr_expect_str_eq(elf.soname, "libmade.so");
	cr_expect(ss_elf_is_linked_to(&elf, "OTHER"));
	cr_expect_not(ss_elf_is_linked_to(&elf, "libmade.so"));
	cr_expect(ss_elf_contains(&elf, (void *)0x1000));
	cr_expect(ss_elf_contains(&elf, (void *)0x37ff));
	cr_expect_not(ss_elf_contains(&elf, (void *)0x3800));
	cr_expect_not(ss_elf_is_writable(&elf, (void *)0x1800));
	cr_expect(ss_elf_is_writable(&elf, (void *)0x3000));
	cr_expect_not(ss_elf_is_writable(&elf, (void *)0x3800));
}

Test(elf, object_without_tables_is_refused)
{
	struct ss_elf elf = { .base = 4711 };
	Elf64_Phdr load = { .p_type = PT_LOAD };

	cr_expect_eq(ss_elf_read(&elf, 0, &load, 1), -ENOEXEC);
	memset(dynamic, 0, sizeof(dynamic));
	headers[0] = (Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_vaddr = (uintptr_t)dynamic };
	cr_expect_eq(ss_elf_read(&elf, 0, headers, 1), -ENOEXEC);
	cr_expect_eq(ss_elf_read_image(&elf, "not an ELF file, only as long as one is, at least"),
		     -ENOEXEC);
	cr_expect_eq(elf.base, 4711, "outputs are untouched on failure");
}

Test(elf, object_without_hash_has_no_definitions)
{
	struct ss_elf elf = make_object(true);

	elf.sysv_hash = NULL;
	cr_expect_null(ss_elf_lookup(&elf, "one", NULL));
}

/* ---- libc ---- */

static int find_libc(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	return strstr(info->dlpi_name, "/libc.so.6") &&
	       ss_elf_read(arg, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum) == 0;
}

static struct ss_elf libc_object(void)
{
	struct ss_elf elf;

	cr_assert(dl_iterate_phdr(find_libc, &elf));
	return elf;
}

Test(elf, finds_what_dlsym_finds)
{
	/* Functions that no sanitizer's run time stands in front of. */
	static const char *const names[] = { "insque", "lfind", "fnmatch", "getsubopt", "ecvt" };
	struct ss_elf elf = libc_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const Elf64_Sym *symbol = ss_elf_lookup(&elf, names[i], NULL);

		cr_assert_not_null(symbol, "%s", names[i]);
		cr_expect_eq(ss_elf_address(&elf, symbol), dlsym(RTLD_DEFAULT, names[i]), "%s",
			     names[i]);
	}
	cr_expect_null(ss_elf_lookup(&elf, "no_such_function_in_libc", NULL));
}

Test(elf, finds_the_version_that_dlvsym_finds)
{
	struct ss_elf elf = libc_object();
	const Elf64_Sym *old = ss_elf_lookup(&elf, "memcpy", "GLIBC_2.2.5");
	const Elf64_Sym *new = ss_elf_lookup(&elf, "memcpy", "GLIBC_2.14");

	cr_assert(old && new &&old != new);
	cr_expect_eq(ss_elf_address(&elf, old), dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.2.5"));
	cr_expect_eq(ss_elf_address(&elf, new), dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.14"));
}

Test(elf, reads_an_object_from_its_mapped_header)
{
	struct ss_elf listed = libc_object(), mapped;

	cr_assert_eq(ss_elf_read_image(&mapped, (void *)listed.low), 0);
	cr_expect_eq(mapped.base, listed.base);
	cr_expect_eq(mapped.dynamic, listed.dynamic);
	cr_expect_str_eq(mapped.soname, "libc.so.6");
	cr_expect_gt(mapped.relro_high, mapped.relro_low);
}
