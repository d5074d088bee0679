/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories of ring files as the command sees them: the base directory, and below it a private
 * one per `spanshim run`, "run-XXXXXX", that holds the rings of that run and its log.
 */
#ifndef SS_RUN_DIRECTORY_H
#define SS_RUN_DIRECTORY_H

#include <stdbool.h>

#define SS_RUN_DIRECTORY_PREFIX "run-"
#define SS_RUN_DIRECTORY_LOG    "log"

/* The base directory, malloc'ed, absolute: given if not NULL, else SPANSHIM_DIR, else the shim's
 * default. NULL when memory is gone. */
char *ss_run_directory_base(const char *given);

/* Makes base (0700) if need be and a private directory in it, held by a lock until *ret_fd is
 * closed. Returns 0, -EPERM when base is somebody else's or others may write it, else what the
 * system said. The caller frees *ret_path. */
int ss_run_directory_make(const char *base, char **ret_path, int *ret_fd);

/* Removes a run's directory, with its log, if no ring is left in it and nobody else holds it. fd:
 * our own hold on it, or -1. Returns whether it is gone. */
bool ss_run_directory_remove(const char *path, int fd);

#endif
