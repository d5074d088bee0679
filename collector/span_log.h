/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of one span: a chain of arena blocks that only grows. Part of span.c's work, same rules;
 * what recovery may see of it is ordered here.
 */
#ifndef SS_SPAN_LOG_H
#define SS_SPAN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/span.h"

/* Before the first change of a span in an epoch: keeps the state that recovery falls back to. */
void ss_span_log_touch(struct ss_spans *spans, struct ss_span *span);

/* Adds an event. False: no memory; the span is as it was. */
bool ss_span_log_append(struct ss_spans *spans, struct ss_span *span,
			const struct ss_hook_event *event);

/* Gives a span that has no events yet those of the young one (see span.c). False: no memory. */
bool ss_span_log_settle(struct ss_spans *spans, struct ss_span *span);

/* The log in one piece, until the next call; NULL: no memory. */
const char *ss_span_log_linear(struct ss_spans *spans, const struct ss_span *span);

/* Gives back a chain from block `index` on. */
void ss_span_log_free(struct ss_spans *spans, uint32_t index);

#endif
