/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/preload.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cli/install_paths.h"

#define OBJECT     "libspanshim.so"
#define SEPARATORS ": " /* where the loader splits LD_PRELOAD */

static int join(const char *directory, const char *below, char **ret_path)
{
	return asprintf(ret_path, "%s/%s" OBJECT, directory, below) < 0 ? -ENOMEM : 0;
}

int ss_preload_find(char **ret_path)
{
	char self[PATH_MAX], *path, *resolved;
	ssize_t bytes = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int r;

	if (bytes < 0)
		return -errno;
	self[bytes] = '\0';
	*strrchr(self, '/') = '\0';
	r = join(self, "", &path);
	if (!r && access(path, F_OK)) {
		free(path);
		r = join(self, SS_BINDIR_TO_LIBDIR "/", &path);
	}
	if (r)
		return r;
	/* The loader would take the ".." as it is, but people read this in their environment. */
	resolved = realpath(path, NULL);
	if (!resolved) {
		*ret_path = path;
		return -ENOENT;
	}
	free(path);
	*ret_path = resolved;
	return strpbrk(resolved, SEPARATORS) ? -EINVAL : 0;
}

const char *ss_preload_error(int error)
{
	return error == -EINVAL ? "a path with blanks or colons cannot stand in LD_PRELOAD"
				: strerror(-error);
}

static bool is_shim(const char *item)
{
	const char *slash = strrchr(item, '/');

	return !strcmp(slash ? slash + 1 : item, OBJECT);
}

char *ss_preload_value(const char *object, const char *existing)
{
	char *others = strdup(existing ? existing : ""), *rest = others, *item, *value, *end;

	value = others ? malloc(strlen(object) + strlen(others) + 2) : NULL;
	if (value) {
		end = stpcpy(value, object);
		while ((item = strsep(&rest, SEPARATORS))) {
			if (*item && !is_shim(item))
				end = stpcpy(stpcpy(end, ":"), item);
		}
	}
	free(others);
	return value;
}
