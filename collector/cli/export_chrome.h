/* SPDX-License-Identifier: Apache-2.0
 *
 * Dumps as a Chrome trace: the JSON that Perfetto and chrome://tracing open. Processes are the
 * dumps' resources, tracks are export_lanes'; arrows lead from parents to children on other tracks.
 */
#ifndef SS_EXPORT_CHROME_H
#define SS_EXPORT_CHROME_H

/* output: a file, or NULL for the standard output. Returns enum ss_exit, as ss_tree_show. */
int ss_export_chrome(char *const *paths, int count, const char *output);

#endif
