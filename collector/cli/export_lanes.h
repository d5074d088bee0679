/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans laid out on tracks, as trace viewers want them: on each track spans are either one inside
 * the other or one after the other. A span lies on its parent's track where it fits there, else on
 * the first track of its process that is free. One thread.
 */
#ifndef SS_EXPORT_LANES_H
#define SS_EXPORT_LANES_H

#include <stdint.h>

#include "collector/cli/tree_model.h"

struct ss_export_lane {
	uint32_t process;
	uint32_t top;   /* the innermost span that may still be going on; SS_TREE_NONE */
	uint32_t first; /* span on it */
};

struct ss_export_lane_process {
	uint32_t *lanes;   /* positions */
	uint64_t *free_ns; /* a tournament: the earliest time at which one of the lanes below is
			      free */
	uint32_t count, leaves;
};

struct ss_export_lanes {   /* all zero: empty */
	uint32_t *of_span; /* by the span's position; SS_TREE_NONE: it is on none, it is missing */
	struct ss_export_lane *list;
	struct ss_export_lane_process *processes;
	uint32_t count, capacity, process_count;
};

/* Of all spans in the view. Returns 0 or -ENOMEM; either way ss_export_lanes_deinit. */
int ss_export_lanes_make(struct ss_export_lanes *lanes, const struct ss_tree *tree);
void ss_export_lanes_deinit(struct ss_export_lanes *lanes);

#endif
