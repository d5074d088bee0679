/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "collector/binding/elf_file.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

static bool is_program(const char *path)
{
	struct stat info;

	return !stat(path, &info) && S_ISREG(info.st_mode) && !access(path, X_OK);
}

int ss_executable_find(const char *name, char *path, size_t path_bytes)
{
	const char *list = getenv("PATH"), *end;
	char candidate[PATH_MAX];

	if (strchr(name, '/')) {
		if (!is_program(name) || strlen(name) >= path_bytes)
			return -ENOENT;
		strcpy(path, name);
		return 0;
	}
	for (list = list ? list : "/bin:/usr/bin"; *name; list = end + 1) {
		end = strchrnul(list, ':');
		snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)(end - list), list,
			 end > list ? "/" : "", name);
		if (is_program(candidate) && strlen(candidate) < path_bytes) {
			strcpy(path, candidate);
			return 0;
		}
		if (!*end)
			break;
	}
	return -ENOENT;
}

static const char *elf_obstacle(int fd, const Elf64_Ehdr *header)
{
	Elf64_Phdr segment;
	unsigned i;

	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != MACHINE)
		return "is a program for another machine";
	for (i = 0; i < header->e_phnum; i++) {
		off_t at = header->e_phoff + (off_t)i * header->e_phentsize;

		if (pread(fd, &segment, sizeof(segment), at) != sizeof(segment))
			return NULL;
		if (segment.p_type == PT_INTERP)
			return NULL;
	}
	return "is statically linked";
}

/* The loader ignores LD_PRELOAD where the program gets rights that its caller has not. */
static const char *privilege_obstacle(int fd)
{
	struct stat info;

	if (fstat(fd, &info))
		return NULL;
	if ((info.st_mode & S_ISUID) && info.st_uid != getuid())
		return "is set-user-ID";
	if ((info.st_mode & S_ISGID) && (info.st_mode & S_IXGRP) && info.st_gid != getgid())
		return "is set-group-ID";
	if (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return "has file capabilities";
	return NULL;
}

/* What a "#!" line names; NULL: `text` does not begin with one. */
static char *interpreter_of(char *text)
{
	char *interpreter;

	if (memcmp(text, "#!", 2) != 0)
		return NULL;
	interpreter = text + 2 + strspn(text + 2, " \t");
	interpreter[strcspn(interpreter, " \t\n")] = '\0';
	return *interpreter ? interpreter : NULL;
}

static const char *obstacle(const char *path, unsigned scripts)
{
	union {
		Elf64_Ehdr elf;
		char text[256];
	} start = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *reason = NULL, *interpreter;
	ssize_t bytes;

	if (fd < 0)
		return NULL;
	bytes = pread(fd, &start, sizeof(start) - 1, 0);
	interpreter = interpreter_of(start.text);
	if (interpreter && scripts) {
		reason = obstacle(interpreter, scripts - 1);
	} else if (bytes >= (ssize_t)sizeof(start.elf) &&
		   !memcmp(start.elf.e_ident, ELFMAG, SELFMAG)) {
		reason = privilege_obstacle(fd);
		if (!reason)
			reason = elf_obstacle(fd, &start.elf);
	}
	close(fd);
	return reason;
}

const char *ss_executable_obstacle(const char *path)
{
	return obstacle(path, 4);
}

bool ss_executable_is_script(const char *path, char *interpreter, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[256] = { 0 };
	const char *name;

	if (fd < 0)
		return false;
	name = pread(fd, text, sizeof(text) - 1, 0) > 2 ? interpreter_of(text) : NULL;
	close(fd);
	if (name)
		snprintf(interpreter, bytes, "%s", name);
	return name != NULL;
}

bool ss_executable_needs(const char *path, const char *library)
{
	struct ss_elf_file elf;
	const char *needed;
	unsigned i;

	if (ss_elf_file_init(&elf, path))
		return false;
	for (i = 0; (needed = ss_elf_file_needed(&elf, i)); i++)
		if (!strncmp(needed, library, strlen(library)))
			break;
	ss_elf_file_deinit(&elf);
	return needed;
}
