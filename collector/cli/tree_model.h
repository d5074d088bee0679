/* SPDX-License-Identifier: Apache-2.0
 *
 * The spans of one or more dumps as trees: read once, linked to their parents by id, ordered by
 * start, then only looked at. Owns all text it shows, so that lines of the dump can be let go. Must
 * not: print.
 */
#ifndef SS_TREE_MODEL_H
#define SS_TREE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/bump.h"
#include "collector/cli/span_index.h"

struct cJSON;

struct ss_tree_attr {
	const char *key, *value;
	bool text; /* the value was a string */
};

struct ss_tree_event { /* one event, or when folded all of one name */
	const char *name;
	uint64_t count, time_ns;
	struct ss_tree_attr *attrs;
	uint32_t attr_count;
};

struct ss_tree_list { /* spans that are shown, by start */
	struct ss_tree_span *first, *last;
	uint64_t count;
	uint64_t more, more_errors; /* beyond the limit, not linked */
};

struct ss_tree_span {
	uint64_t trace_hi, trace_lo, span_id, parent_id, start_ns, end_ns;
	const char *name, *message, *error_type; /* message, error_type: "" when there is none */
	const char *process;                     /* "name[pid]", one pointer per process */
	struct ss_tree_attr *attrs;
	struct ss_tree_event *events;
	uint32_t attr_count, event_count;
	uint64_t dropped_events;
	bool error, unfinished, parent_remote;
	bool shown;    /* passes the filter, or is an ancestor of one that does */
	uint32_t walk; /* used while linking */
	struct ss_tree_span *parent;
	struct ss_tree_list children;
	struct ss_tree_span *next; /* sibling */
};

struct ss_tree_trace {
	uint64_t hi, lo, start_ns;
	uint64_t spans, errors, unfinished; /* errors: of finished spans */
	struct ss_tree_list roots;          /* none: nothing of it is shown */
};

struct ss_tree_options {             /* all zero: everything, in brief */
	const char *name;            /* only spans whose name matches this shell pattern */
	bool errors;                 /* only spans with status ERROR */
	uint64_t trace_hi, trace_lo; /* only this trace, when not zero */
	uint64_t since_ns;           /* only spans that started then or later */
	bool single_events;          /* keep each event with its attributes; else folded by name */
	uint64_t limit;              /* children shown per span, and roots per trace; 0: all */
	bool long_values;            /* keep values whole; else as much as a line can show */
};

struct ss_tree_loss { /* "ring_full.open": events, summed over all processes */
	const char *what;
	uint64_t count;
	struct ss_tree_loss *next;
};

struct ss_tree {
	struct ss_tree_options options;
	struct ss_bump memory;
	struct ss_tree_span **spans;
	struct ss_tree_trace *traces; /* in the order of their first span, once linked */
	uint32_t span_count, span_capacity, trace_count, trace_capacity;
	struct ss_span_index by_id, by_trace;
	struct ss_tree_process *processes;
	struct ss_tree_loss *losses;
	uint64_t duplicates; /* spans that stand in the dumps more than once */
};

/* Takes over all spans of a parsed line. Returns the number of spans that could not be read,
 * -EBADMSG when it is no TracesData, or -ENOMEM. */
int ss_tree_add(struct ss_tree *tree, const struct cJSON *json);

/* After the last line: links spans to parents, orders them, applies the filter. Returns 0 or
 * -ENOMEM. */
int ss_tree_link(struct ss_tree *tree);

void ss_tree_deinit(struct ss_tree *tree);

#endif
