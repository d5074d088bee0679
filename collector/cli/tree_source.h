/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that spans come from: read line by line, and later again where a span stands. What is no
 * regular file is copied, without its name, to the temporary directory. One thread.
 */
#ifndef SS_TREE_SOURCE_H
#define SS_TREE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/dump.h"

struct ss_tree_source {
	const char *path;
	struct ss_dump_reader reader;
	bool reading, regular;
	int fd;          /* spans are read again from here; -1: they are gone */
	uint64_t copied; /* bytes, of what is no regular file */
	dev_t device;
	ino_t inode;
};

struct ss_tree_sources { /* all zero: empty */
	struct ss_tree_source **list;
	uint32_t count, capacity;
};

#define SS_TREE_SOURCE_MAX 65535u

/* Opens one more; "-" is the standard input. follow: reading does not wait for more to be written.
 * Returns 0 or -errno; path must live on. */
int ss_tree_source_open(struct ss_tree_sources *sources, const char *path, bool follow,
			struct ss_tree_source **ret_source);

/* Next line, and where its text is to be found again. Returns 1, 0 at the end, or -errno. follow: a
 * line without its newline is left for later, and -EAGAIN means nothing new. */
int ss_tree_source_next(struct ss_tree_source *source, bool follow, struct ss_dump_line *ret_line,
			uint64_t *ret_at);

/* Reading is over. gone: the text is not there any longer either. */
void ss_tree_source_finish(struct ss_tree_source *source, bool gone);

/* Reads text again. Returns 0, -ENODATA when it is gone, or -errno. */
int ss_tree_source_read(const struct ss_tree_source *source, uint64_t at, char *text, size_t bytes);

void ss_tree_sources_deinit(struct ss_tree_sources *sources);

#endif
