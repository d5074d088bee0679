/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes out what dead processes left in their ring files, then removes these. May be killed at any
 * point and run again: nothing is lost, nothing doubled. The command's thread. Must not: touch the
 * file of a process that lives.
 */
#ifndef SS_RECOVER_H
#define SS_RECOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ss_recover_stats {
	uint64_t spans;      /* written, unfinished ones included */
	uint64_t unfinished; /* of these */
	uint64_t torn;       /* events the process was writing when it died */
	uint64_t lost;       /* events that it had to drop, by its own count */
	uint64_t spans_lost; /* spans that could not be written: the sink failed */
	uint64_t orphans;    /* spans without an opening event */
	uint64_t unreadable; /* rings, spans, series of metrics and names that are damaged */
	bool never_finished; /* its process died before it had anything to say */
	uint32_t pid;
	char program[64];
	char out[512];      /* where the spans went; with write_error: what cannot be written */
	const char *reason; /* a static phrase when the file could not be recovered, else NULL */
	int write_error;    /* -errno, where that is because spans or metrics cannot be written */
};

/* Recovers one ring file. 0; -EBUSY: its process lives, or someone else is recovering it; -ENODATA:
 * it was never finished by a process that may still be at it; -EINVAL: damaged, or not one (left
 * alone, but for what was written before that showed); -EIO: spans or metrics could not be
 * written, or the file got shorter meanwhile (what is left of it stays); else what open said. */
int ss_recover_file(const char *path, struct ss_recover_stats *ret_stats);

/* Why it was not recovered, in words; rc as above. */
void ss_recover_explain(const struct ss_recover_stats *stats, int rc, char *text, size_t bytes);

/* Called for each ring file of a directory; rc as above. */
typedef void (*ss_recover_fn)(void *context, const char *path, int rc,
			      const struct ss_recover_stats *stats);

/* Recovers every *.ring in a directory (not in subdirectories). 0 or what opendir said. */
int ss_recover_dir(const char *path, ss_recover_fn report, void *context);

#endif
