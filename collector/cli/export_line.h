/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a dump's line goes into an export request: the elements of its "resourceSpans" or
 * "resourceMetrics", as they stand, and how many spans or data points those are. Whether these are
 * any good is for the server to say. Any thread.
 */
#ifndef SS_EXPORT_LINE_H
#define SS_EXPORT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/cli/json_walk.h"

enum ss_export_signal { SS_EXPORT_TRACES, SS_EXPORT_METRICS, SS_EXPORT_SIGNALS };

struct ss_export_line {
	enum ss_export_signal signal;
	struct ss_tree_slice elements; /* between the brackets; empty: nothing to send */
	uint64_t items;                /* spans, or data points */
};

/* Returns 0, -EBADMSG when it is no JSON (ret_byte: where), or -ENOMSG when it is neither one
 * TracesData nor one MetricsData. */
int ss_export_line_read(struct ss_tree_slice line, struct ss_export_line *ret_line,
			size_t *ret_byte);

#endif
