/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_files.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/cli/cli.h"

static int add(struct ss_export_files *files, const char *path)
{
	uint32_t wider = files->capacity ? 2 * files->capacity : 16;
	struct ss_export_file *file;
	void *moved;

	if (files->count == files->capacity) {
		moved = realloc(files->list, wider * sizeof(struct ss_export_file *));
		if (!moved)
			return -ENOMEM;
		files->list = moved;
		files->capacity = wider;
	}
	file = calloc(1, sizeof(*file));
	if (!file || !(file->path = strdup(path))) {
		free(file);
		return -ENOMEM;
	}
	files->list[files->count++] = file;
	return 0;
}

int ss_export_files_init(struct ss_export_files *files, char *const *paths, int count, bool follow)
{
	int i, r = 0;

	ss_cli_raise_file_limit();
	files->patterns = paths;
	files->pattern_count = count;
	for (i = 0; !follow && !r && i < count; i++)
		r = add(files, paths[i]);
	return r;
}

static bool is_known(const struct ss_export_files *files, const char *path)
{
	uint32_t i;

	for (i = 0; i < files->count; i++)
		if (!strcmp(files->list[i]->path, path))
			return true;
	return false;
}

static int consider(struct ss_export_files *files, const char *path, uint64_t since_ns)
{
	struct stat info;

	if (is_known(files, path) || stat(path, &info))
		return 0;
	if ((uint64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec < since_ns)
		return 0;
	return add(files, path);
}

int ss_export_files_look(struct ss_export_files *files, uint64_t since_ns)
{
	int i, r = 0;
	glob_t found;
	size_t k;

	for (i = 0; !r && i < files->pattern_count; i++) {
		const char *pattern = files->patterns[i];

		/* A file of just that name goes before what it would mean as a pattern. */
		r = consider(files, pattern, since_ns);
		if (r || is_known(files, pattern) || !strpbrk(pattern, "*?[\\"))
			continue;
		found = (glob_t){ 0 };
		if (!glob(pattern, 0, NULL, &found))
			for (k = 0; !r && k < found.gl_pathc; k++)
				r = consider(files, found.gl_pathv[k], since_ns);
		globfree(&found);
	}
	return r;
}

void ss_export_files_deinit(struct ss_export_files *files)
{
	while (files->count) {
		struct ss_export_file *file = files->list[--files->count];

		ss_export_file_close(file);
		free(file->path);
		free(file);
	}
	free(files->list);
	*files = (struct ss_export_files){ 0 };
}
