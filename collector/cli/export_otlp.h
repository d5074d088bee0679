/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim export` to a collector: all of the files once, or as they grow. Says at the end what
 * was sent, what was not, and how to go on.
 */
#ifndef SS_EXPORT_OTLP_H
#define SS_EXPORT_OTLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/cli/export_settings.h"

#define SS_EXPORT_BATCH_BYTES (1u << 20)

struct ss_export_otlp {
	struct ss_export_options endpoint;
	size_t batch_bytes;
	unsigned long wait_s; /* how long to try again */
	uint64_t since_ns; /* following: files not written to since then are none of ours; 0: all */
	bool from_start, follow, quiet;
};

/* Returns enum ss_exit: OK; FINDINGS when a line could not be read or was refused; USAGE when not
 * all was sent, or a file could not be opened. */
int ss_export_otlp(const struct ss_export_otlp *options, char *const *paths, int count);

#endif
