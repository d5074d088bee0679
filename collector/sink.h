/* SPDX-License-Identifier: Apache-2.0
 *
 * Where lines go: a file that other processes may append to as well, stderr, a FIFO or a device.
 * Whole lines only: each is written under flock; a line that another writer left unfinished when it
 * was killed is cut off first (its ring file still has the spans). Drain only. Must not: create the
 * file before there is something to write, keep a regular file open between batches, write to what
 * somebody else put in its place (planted.h), or cut text off a file that does not look like ours.
 */
#ifndef SS_SINK_H
#define SS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/ring.h"

struct ss_sink {
	const char *path;       /* "-" and /dev/stderr are stderr */
	struct ss_image *image; /* gets out_offset and out_batch; NULL: nobody does */
	int fd;                 /* -1: closed */
	bool regular;
	bool held;    /* stays open between batches although it is regular */
	bool failing; /* the last write failed: no more patience until one succeeds */
	dev_t device; /* what fd is, as a host may close it and reuse the number */
	ino_t inode;
};

/* Takes no ownership. */
void ss_sink_init(struct ss_sink *sink, const char *path, struct ss_image *image);

/* Writes one line (newline included) for batch `epoch`, the first time noting in the image where in
 * the file that batch begins. 0, or -errno after about a second of trying: nothing of the line is
 * in the file. Blocks where the file does (a FIFO nobody reads). */
int ss_sink_write(struct ss_sink *sink, const char *line, size_t bytes, uint64_t epoch);

/* Opens the file and keeps it open from now on: the process is about to become somebody who may not
 * open it. The descriptor is a high one, out of the way of the host's, and as with a FIFO each use
 * makes sure that it still is that file. Best effort. */
void ss_sink_hold(struct ss_sink *sink);

/* End of a batch, or of all: a regular file is closed; deinit closes others too. */
void ss_sink_end(struct ss_sink *sink);
void ss_sink_deinit(struct ss_sink *sink);

/* Opens the file for reading what is there, its last line mended. -errno; caller closes. */
int ss_sink_reread(const char *path);

#endif
