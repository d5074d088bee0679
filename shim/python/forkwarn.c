/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/python/forkwarn.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/context.h"
#include "shim/intercept/dl.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"

#define FIRST_VERSION 12   /* 3.12 */
#define THREADS_FIELD 20   /* proc(5) */
#define STAT_BYTES    4096 /* more than there ever is */

typedef FILE *(*fopen_fn)(const char *path, const char *mode);

static fopen_fn real_fopen, real_fopen64;

/* Start of the number of threads in the text, or NULL. */
static char *find_threads(char *text)
{
	char *at = strrchr(text, ')'); /* ends field 2, which may contain anything */

	for (int field = 2; at && field < THREADS_FIELD; field++)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : NULL;
}

/* The file as it would be with one thread less. NULL: show it as it is. */
static FILE *copy(FILE *file)
{
	char text[STAT_BYTES], *threads, *rest;
	size_t bytes = fread(text, 1, sizeof(text) - 1, file);
	FILE *made = NULL;
	long count;
	int fd;

	text[bytes] = '\0';
	threads = find_threads(text);
	count = threads ? strtol(threads, &rest, 10) : 0;
	if (count < 2)
		return NULL;
	fd = memfd_create("stat", MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (dprintf(fd, "%.*s%ld%s", (int)(threads - text), text, count - 1, rest) > 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		made = fdopen(fd, "r");
	if (!made)
		close(fd);
	return made;
}

static FILE *show(FILE *file)
{
	int saved_errno = errno;
	FILE *shown;

	ss_guard_enter();
	shown = copy(file);
	if (shown)
		fclose(file);
	else
		rewind(file);
	ss_guard_leave();
	errno = saved_errno;
	return shown ? shown : file;
}

static FILE *open_file(fopen_fn real, const char *path, const char *mode)
{
	FILE *file = real(path, mode);

	if (!file || path[0] != '/' || strcmp(path, "/proc/self/stat") != 0 || mode[0] != 'r' ||
	    !ss_process_drains())
		return file;
	return show(file);
}

static FILE *fopen_shown(const char *path, const char *mode)
{
	ss_intercept_replaced();
	return open_file(real_fopen, path, mode);
}

static FILE *fopen64_shown(const char *path, const char *mode)
{
	ss_intercept_replaced();
	return open_file(real_fopen64, path, mode);
}

void ss_python_forkwarn_prepare(void)
{
	const char *(*version)(void) =
		(const char *(*)(void))ss_dl_lookup(RTLD_DEFAULT, "Py_GetVersion", NULL);
	char *minor;

	if (!version || strtol(version(), &minor, 10) != 3 || *minor != '.' ||
	    strtol(minor + 1, NULL, 10) < FIRST_VERSION)
		return;
	ss_intercept_replace("fopen", fopen_shown, (void **)&real_fopen);
	ss_intercept_replace("fopen64", fopen64_shown, (void **)&real_fopen64);
}
