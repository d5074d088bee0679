/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that are exported. When they are followed, a name that is not there is looked for again
 * and again, and one with *, ? or [ stands for all files that match it, those of later on as well.
 */
#ifndef SS_EXPORT_FILES_H
#define SS_EXPORT_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/export_file.h"

struct ss_export_files { /* all zero: empty */
	struct ss_export_file **list;
	uint32_t count, capacity;
	char *const *patterns; /* following: what is looked for */
	int pattern_count;
};

/* paths must live on. Returns 0 or -ENOMEM. */
int ss_export_files_init(struct ss_export_files *files, char *const *paths, int count, bool follow);

/* Adds what has come; only files that were written to since then. Returns 0 or -ENOMEM. */
int ss_export_files_look(struct ss_export_files *files, uint64_t since_ns);

void ss_export_files_deinit(struct ss_export_files *files);

#endif
