/* SPDX-License-Identifier: Apache-2.0
 *
 * The two tracepoints of the LTTng-UST comparison: begin and end of a wrapped call. Read several
 * times by LTTng's own headers, hence the unusual guard (see lttng-ust(3)).
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "tests/bench/lttng_events.h"

#if !defined(SS_BENCH_LTTNG_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SS_BENCH_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(bench, begin, LTTNG_UST_TP_ARGS(int, argument),
			   LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, argument, argument)))
LTTNG_UST_TRACEPOINT_EVENT(bench, end, LTTNG_UST_TP_ARGS(int, result),
			   LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, result, result)))

#endif

#include <lttng/tracepoint-event.h>
