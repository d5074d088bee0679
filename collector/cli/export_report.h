/* SPDX-License-Identifier: Apache-2.0
 *
 * What an export says at its end: on stdout what was sent, on stderr what was not and how to go on.
 */
#ifndef SS_EXPORT_REPORT_H
#define SS_EXPORT_REPORT_H

#include "collector/cli/export_files.h"
#include "collector/cli/export_send.h"

void ss_export_report_sent(const struct ss_export_sender *sender);

/* Counts what is left in each file, and prints the command that sends it. endpoint: as it was
 * given, or NULL. */
void ss_export_report_unsent(struct ss_export_files *files,
			     const struct ss_export_file_options *options, const char *endpoint);

#endif
