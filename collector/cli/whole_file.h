/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that is there as a whole or not at all: written without a name where the file system can,
 * and put in the place of what was there when it is complete. What is no regular file (a pipe, a
 * device) is written as it is. One thread.
 */
#ifndef SS_WHOLE_FILE_H
#define SS_WHOLE_FILE_H

#include <stdio.h>

struct ss_whole_file {
	FILE *file;
	char *path;      /* that it will have; NULL: nothing is to be replaced */
	char *temporary; /* name that it has meanwhile; NULL: none */
};

/* Returns 0 or -errno. Then one of the two below. */
int ss_whole_file_open(struct ss_whole_file *whole, const char *path);

/* Puts it in its place. Returns 0, or -errno: then what was there is as it was. */
int ss_whole_file_finish(struct ss_whole_file *whole);

void ss_whole_file_discard(struct ss_whole_file *whole);

#endif
