/* SPDX-License-Identifier: Apache-2.0
 *
 * Symbols of ELF files: this very program, and copies of it with damaged headers.
 */
#include "support.h"

#include <elf.h>
#include <errno.h>
#include <unistd.h>
#include <criterion/criterion.h>

#include "collector/binding/elf_file.h"
#include "collector/shrunk.h"

/* Not static and not exported either: in .symtab only. */
int ss_test_internal(int x);
__attribute__((noinline, visibility("hidden"))) int ss_test_internal(int x)
{
	return x + 1;
}

Test(elf_file, own_symbols)
{
	struct ss_elf_file elf;
	bool needs_libc = false;
	const char *name;

	cr_assert_eq(ss_elf_file_init(&elf, "/proc/self/exe"), 0);
	cr_expect_eq(ss_elf_file_find(&elf, "getppid"), SS_ELF_IMPORTED);
	cr_expect_eq(ss_elf_file_find(&elf, "ss_test_internal"), SS_ELF_INTERNAL);
	cr_expect_eq(ss_elf_file_find(&elf, "sqlite3_step"), SS_ELF_ABSENT);
	for (unsigned int i = 0; (name = ss_elf_file_needed(&elf, i)); i++)
		needs_libc = needs_libc || strcmp(name, "libc.so.6") == 0;
	cr_expect(needs_libc);
	cr_expect_eq(ss_test_internal(getppid()), getppid() + 1, "both are really used");
	ss_elf_file_deinit(&elf);
}

Test(elf_file, what_is_no_elf_file)
{
	struct ss_elf_file elf;

	cr_expect_eq(ss_elf_file_init(&elf, "/etc/passwd"), -ENOEXEC);
	cr_expect_eq(ss_elf_file_init(&elf, "/dev/null"), -ENOEXEC);
	cr_expect_eq(ss_elf_file_init(&elf, "/nonexistent"), -ENOENT);
}

/* As `spanshim bindings --against` reads it. */
Test(elf_file, cut_off_while_it_is_read)
{
	char path[] = "/tmp/spanshim-elf-XXXXXX", command[64];
	struct ss_elf_file elf;
	int fd = mkstemp(path);

	if (getenv("UNDER_VALGRIND"))
		cr_skip_test("valgrind takes what is mapped in a signal handler for nothing");
	snprintf(command, sizeof(command), "cat /proc/%d/exe >%s", getpid(), path);
	cr_assert_eq(system(command), 0);
	ss_shrunk_watch();
	cr_assert_eq(ss_elf_file_init(&elf, path), 0);
	cr_expect_eq(ss_elf_file_find(&elf, "getppid"), SS_ELF_IMPORTED);
	cr_expect_not(ss_shrunk_happened());
	cr_assert_eq(ftruncate(fd, 4096), 0);
	cr_expect_eq(ss_elf_file_find(&elf, "getppid"), SS_ELF_ABSENT);
	cr_expect(ss_shrunk_happened());
	cr_expect_not(ss_shrunk_happened());
	ss_elf_file_deinit(&elf);
	close(fd);
	unlink(path);
}

/* Numbers out of bounds must not be followed; under ASan or a guard page they would be seen. */
Test(elf_file, damaged)
{
	struct ss_elf_file elf, copy;
	unsigned char *data;

	cr_assert_eq(ss_elf_file_init(&elf, "/proc/self/exe"), 0);
	data = malloc(elf.bytes);
	srand(3);
	for (int i = 0; i < 300; i++) {
		Elf64_Ehdr *header = (Elf64_Ehdr *)data;
		Elf64_Shdr *sections;

		memcpy(data, elf.data, elf.bytes);
		sections = (Elf64_Shdr *)(data + header->e_shoff);
		sections[rand() % header->e_shnum].sh_offset ^= 1ull << (rand() % 64);
		sections[rand() % header->e_shnum].sh_size ^= 1ull << (rand() % 64);
		sections[rand() % header->e_shnum].sh_link = rand();
		if (i % 8 == 0)
			header->e_shoff ^= 1ull << (rand() % 64);
		copy = (struct ss_elf_file){ data, i % 8 == 1 ? elf.bytes / 2 : elf.bytes };
		ss_elf_file_find(&copy, "ss_test_internal");
		ss_elf_file_needed(&copy, 1000);
	}
	free(data);
	cr_expect_eq(ss_elf_file_find(&elf, "getppid"), SS_ELF_IMPORTED,
		     "the original is unharmed");
	ss_elf_file_deinit(&elf);
}
