/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the preloaded object is, seen from the running command, and what LD_PRELOAD becomes with
 * it.
 */
#ifndef SS_PRELOAD_H
#define SS_PRELOAD_H

/* Absolute path of libspanshim.so, malloc'ed: next to the command in a build tree, else in the
 * library directory of the prefix it is installed in. Returns 0, -ENOENT (*ret_path is where it was
 * expected), -EINVAL (*ret_path cannot be preloaded), -ENOMEM or what reading /proc/self/exe said.
 */
int ss_preload_find(char **ret_path);

/* What such an error means, for people. */
const char *ss_preload_error(int error);

/* The value for LD_PRELOAD, malloc'ed: object, then what is there already (may be NULL), without
 * any libspanshim.so: this one's second mention, or another installation's. NULL when memory is
 * gone. */
char *ss_preload_value(const char *object, const char *existing);

#endif
