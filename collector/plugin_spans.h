/* SPDX-License-Identifier: Apache-2.0
 *
 * What plugins are told of a span on each of its events: trace, parent, the framework's own id of
 * it, and the hook where the event has none of its own. Noted when the opening event is read,
 * forgotten when the closing one was delivered. Not the arena's copy: that is gone as soon as the
 * span is written, and plugins may lag far behind. Drain thread only, plain memory, bounded.
 */
#ifndef SS_PLUGIN_SPANS_H
#define SS_PLUGIN_SPANS_H

#include <stdint.h>

#include "collector/hook.h"
#include "collector/spanmap.h"

#define SS_PLUGIN_SPANS_MAX (1u << 18) /* of those that open beyond, plugins learn no more */

struct ss_plugin_span {
	uint64_t trace_hi, trace_lo, parent_id;
	const void *opening;      /* the opening event while it waits to be delivered */
	struct ss_buffer long_id; /* a correlation id that does not fit in `id` */
	char id[48];              /* "": none */
	uint8_t hook;             /* of the opening event */
};

struct ss_plugin_spans {
	struct ss_spanmap map; /* to an index of records */
	struct ss_buffer records;
	struct ss_buffer unused; /* uint32_t[]: indices of forgotten ones */
	uint32_t count, unused_count;
};

/* 0 or -ENOMEM. */
int ss_plugin_spans_init(struct ss_plugin_spans *spans);
void ss_plugin_spans_deinit(struct ss_plugin_spans *spans);

/* Notes what an opening event says. `opening` is kept with it. Does nothing when the span is known,
 * there are too many, or no memory. */
void ss_plugin_spans_add(struct ss_plugin_spans *spans, const struct ss_hook_event *event,
			 const void *opening);

/* Valid until the next add; NULL: nothing is known. */
struct ss_plugin_span *ss_plugin_spans_find(const struct ss_plugin_spans *spans, uint64_t id);

void ss_plugin_spans_forget(struct ss_plugin_spans *spans, uint64_t id);

/* NUL-terminated, "" when it has none. */
const char *ss_plugin_span_correlation(const struct ss_plugin_span *span);

#endif
