/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks at a program before it is run: which file it is, and whether the loader would preload
 * anything into it.
 */
#ifndef SS_EXECUTABLE_H
#define SS_EXECUTABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The file that execvp would run for name. Returns 0 or -ENOENT, and then *path stays as it is. */
int ss_executable_find(const char *name, char *path, size_t path_bytes);

/* Why path cannot be traced, as a phrase that follows "PATH ", or NULL when nothing speaks against
 * it (also when it cannot be read). Follows the #! line of a script. */
const char *ss_executable_obstacle(const char *path);

/* Whether path begins with a #! line, and then the program that it names. */
bool ss_executable_is_script(const char *path, char *interpreter, size_t bytes);

/* Whether path is linked to a shared library whose name begins like that. */
bool ss_executable_needs(const char *path, const char *library);

#endif
