/* SPDX-License-Identifier: Apache-2.0
 *
 * Recovery: which spans of a batch that was never committed stand in the output file already, so
 * that they are not written twice. Must not: look at lines of other images.
 */
#ifndef SS_WRITTEN_H
#define SS_WRITTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/image.h"
#include "collector/spanmap.h"

struct ss_written {
	struct ss_spanmap ids;
	bool losses; /* the line of losses is there */
};

/* Reads the output file of the image from out_offset on. 0 (also when there is nothing to read) or
 * -ENOMEM. */
int ss_written_read(struct ss_written *written, const struct ss_image_view *view);
void ss_written_deinit(struct ss_written *written);

#endif
