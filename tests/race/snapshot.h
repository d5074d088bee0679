/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring file as a kill at this very moment would leave it: copied, and recovered apart, by the
 * collector's own code. The ring file's process stands still meanwhile.
 */
#ifndef RACE_SNAPSHOT_H
#define RACE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/recover.h"
#include "shim/ring.h"

struct snapshot {
	char directory[64], rings[96];
	char out[96], copy_out[96]; /* the process's, a recovery's: of one length */
	struct ss_image *image;     /* NULL: there is none yet */
	char *before;               /* as it was when last looked at */
	uint64_t bytes, out_bytes;
	uint64_t states; /* different ones so far */
};

/* What came of a recovery. */
struct snapshot_spans {
	struct ss_recover_stats stats;
	char *text; /* the dump's */
	uint32_t spans, unfinished;
};

/* Makes the directory; removes it. */
void snapshot_begin(struct snapshot *snapshot);
void snapshot_end(struct snapshot *snapshot);

/* Whether the ring file, or the dump, is another than when last asked; false without a file. */
bool snapshot_changed(struct snapshot *snapshot);

/* What would come of it now. Valid until the next time. */
const struct snapshot_spans *snapshot_recover(struct snapshot *snapshot);

/* What is in the process's own dump. Valid until the next time. */
const struct snapshot_spans *snapshot_dump(struct snapshot *snapshot);

/* How often `needle` stands in the dump. */
uint32_t snapshot_count(const struct snapshot_spans *spans, const char *needle);

/* Asks the drain for a flush, as a host would. The request's number. */
uint32_t snapshot_ask(struct snapshot *snapshot);
bool snapshot_served(const struct snapshot *snapshot, uint32_t request);

/* In the drain's place: all that is in the rings has been read. */
void snapshot_consume(struct snapshot *snapshot);

#endif
