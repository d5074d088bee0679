/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cli/install_paths.h"

#define OBJECT "libspanshim.so"

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
	return 0;
}

char *ss_preload_value(const char *object, const char *existing)
{
	size_t length = strlen(object);
	char *value;

	/* The loader splits the list at colons and blanks. */
	if (existing && !strncmp(existing, object, length) && strchr(": ", existing[length]))
		return strdup(existing);
	if (asprintf(&value, "%s%s%s", object, existing && *existing ? ":" : "",
		     existing ? existing : "") < 0)
		return NULL;
	return value;
}
