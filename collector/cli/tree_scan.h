/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the spans in a line of a dump, and of each what a tree is made of, without building the
 * line's JSON in memory: most of a large dump is never looked at otherwise. The line is validated
 * first; what cannot be read is reported as dump.h would. One thread.
 * Must not: accept a line that cJSON would not.
 */
#ifndef SS_TREE_SCAN_H
#define SS_TREE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/cli/json_walk.h"

struct ss_tree_scanned {
	uint64_t trace_hi, trace_lo, span_id, parent_id, start_ns, end_ns;
	bool error, unfinished, parent_remote;
	struct ss_tree_slice name; /* as it stands: with quotes and escapes */
	struct ss_tree_slice text; /* the whole object */
};

struct ss_tree_scanner {
	/* Once for each group of spans: the objects "resource" and "scope"; empty if missing. */
	int (*group)(void *data, struct ss_tree_slice resource, struct ss_tree_slice scope);
	int (*span)(void *data, const struct ss_tree_scanned *span);
	void *data;
};

/* Calls both for all of a line. Returns how many spans could not be read, -EBADMSG when it is no
 * JSON (ret_byte: where), -ENOMSG when it is no TracesData, -EXDEV when it is MetricsData; a
 * negative result of a callback ends the scan and is returned. */
int ss_tree_scan(struct ss_tree_slice line, const struct ss_tree_scanner *scanner,
		 size_t *ret_byte);

#endif
