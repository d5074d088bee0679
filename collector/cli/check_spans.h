/* SPDX-License-Identifier: Apache-2.0
 *
 * What spans are to each other, over all files of one `spanshim check`: ids used once, parents
 * there, of the same trace and started first. Keeps a few dozen bytes per span, not the spans. One
 * thread.
 */
#ifndef SS_CHECK_SPANS_H
#define SS_CHECK_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/span_index.h"

struct cJSON;

struct ss_check_place { /* of one span: file number, line, and indices on the line */
	uint32_t file;
	uint32_t resource, scope, span;
	uint64_t line;
};

struct ss_check_known {
	uint64_t trace_hi, trace_lo, span_id, parent_id, start_ns;
	struct ss_check_place place;
	bool parent_remote;
};

struct ss_check_spans { /* all zero: empty */
	struct ss_check_known *known;
	uint32_t count, capacity;
	struct ss_span_index by_id;
};

/* Where a relation is broken: the span's place, the key, what is wrong; warning: it may be in
 * order. */
struct ss_check_relation_sink {
	void (*finding)(void *data, const struct ss_check_place *place, const char *key,
			const char *text, bool warning);
	void *data;
};

/* Takes note of all spans of a line that can be read and reports ids that were used before. traces
 * collects the line's trace ids. Returns the number of spans, or -ENOMEM. */
int ss_check_spans_add(struct ss_check_spans *spans, const struct cJSON *json, uint32_t file,
		       uint64_t line, struct ss_span_index *traces,
		       const struct ss_check_relation_sink *sink);

/* After the last line: reports on parents, in the order of the spans. A parent that is in none of
 * the files is a warning, but none where the span says that it is of another process. */
void ss_check_spans_finish(const struct ss_check_spans *spans,
			   const struct ss_check_relation_sink *sink);

void ss_check_spans_deinit(struct ss_check_spans *spans);

#endif
