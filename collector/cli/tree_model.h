/* SPDX-License-Identifier: Apache-2.0
 *
 * The spans of dumps as trees. Of each span a few numbers are held (64 bytes, and its place in a
 * hash table), and where its text stands; tree_content reads that again when it is shown, so that
 * memory is a small part of the dump. A parent that is not there (yet) is held as well: "missing".
 * One thread. Must not: print.
 */
#ifndef SS_TREE_MODEL_H
#define SS_TREE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/bump.h"
#include "collector/cli/span_index.h"
#include "collector/cli/tree_scan.h"

#define SS_TREE_NONE UINT32_MAX

enum ss_tree_flag {
	SS_TREE_ERROR = 1,
	SS_TREE_UNFINISHED = 2,
	SS_TREE_MISSING = 4,  /* known from its children only */
	SS_TREE_REMOTE = 8,   /* missing, and of another process */
	SS_TREE_MATCHED = 16, /* passes the filters; else it may be shown as an ancestor */
	SS_TREE_NEW = 32,     /* came since the trees were last shown */
	SS_TREE_TOLD = 64,    /* has been printed, may be while it was missing */
	SS_TREE_MORE = 128,   /* stands for itself and all siblings after it: beyond the limit */
	SS_TREE_CONCURRENT = 256, /* overlaps in time with a sibling */
	SS_TREE_KEPT = 512        /* stays where not all of a tree does: html_cut.h */
};

struct ss_tree_span {
	uint64_t span_id, start_ns, duration_ns;
	uint64_t text;   /* where it stands in its source: ss_tree_text_* */
	uint32_t parent; /* position, or SS_TREE_NONE */
	uint32_t trace;  /* position */
	uint32_t group;  /* position */
	uint32_t shown;  /* number of the view that it is part of */
	uint32_t first;  /* child in that view, or SS_TREE_NONE */
	uint32_t next;   /* sibling in that view, or SS_TREE_NONE */
	uint16_t source; /* number of the file */
	uint16_t flags;  /* enum ss_tree_flag */
};

struct ss_tree_trace {
	uint64_t hi, lo, start_ns, end_ns;
	uint32_t spans, errors, unfinished, missing; /* errors: of finished spans */
	uint32_t shown, first;                       /* as a span's: first root */
};

struct ss_tree_group {                /* spans of one process and one scope */
	uint32_t process;             /* the same number for the same label */
	const char *label;            /* "name[pid]" or "" */
	const char *resource, *scope; /* JSON objects, "" if missing */
	bool losses;                  /* tells of lost events */
};

struct ss_tree_options {             /* all zero: everything, in brief */
	const char *name;            /* only spans whose name matches: a part, or a shell pattern */
	bool errors;                 /* only spans with status ERROR, unfinished ones included */
	uint64_t min_duration_ns;    /* only spans that took that long */
	uint64_t trace_hi, trace_lo; /* only this trace, when not zero */
	unsigned trace_digits;       /* only so many digits of it count; 0: all */
	uint64_t since_ns;           /* only spans that started then or later */
	uint64_t limit;              /* children shown per span, and roots per trace; 0: all */
	uint32_t span_max;           /* spans held, the rest is left out; 0: SS_TREE_SPAN_MAX */
};
#define SS_TREE_SPAN_MAX (5u << 20) /* about half a gigabyte */

struct ss_tree_loss { /* "ring_full.open": events, summed over all processes */
	const char *what;
	uint64_t count;
	struct ss_tree_loss *next;
};

struct ss_tree { /* all zero but the options: empty */
	struct ss_tree_options options;
	struct ss_bump memory;
	struct ss_tree_span *spans;
	struct ss_tree_trace *traces;
	struct ss_tree_group *groups;
	uint32_t span_count, span_capacity, trace_count, trace_capacity, group_count,
		group_capacity;
	uint32_t *fresh; /* positions of what came since the trees were last shown */
	uint32_t fresh_count, fresh_capacity;
	uint32_t *order; /* positions in the view, sorted */
	uint32_t order_count, order_capacity;
	uint32_t *shown_traces; /* in the order of their start */
	uint32_t shown_trace_count, view;
	struct ss_span_index by_id, by_trace, by_group, by_process;
	struct ss_tree_loss *losses;
	uint64_t duplicates; /* spans that stand in the dumps more than once */
	uint64_t left_out;   /* beyond span_max */
	uint64_t found;      /* spans of the chosen traces */
};

/* Takes over all spans of a line, which stands at byte `at` of a source. Returns as ss_tree_scan,
 * or -ENOMEM. */
int ss_tree_add(struct ss_tree *tree, struct ss_tree_slice line, uint16_t source, uint64_t at,
		size_t *ret_byte);

/* Makes the trees of what is new and passes the filters, and of its ancestors: order,
 * shown_traces, and first, next of each span in them. Returns 0 or -ENOMEM. */
int ss_tree_link(struct ss_tree *tree);

/* Forgets all spans; losses, groups and counts stay. */
void ss_tree_forget(struct ss_tree *tree);

void ss_tree_deinit(struct ss_tree *tree);

static inline uint32_t ss_tree_span_max(const struct ss_tree *tree)
{
	return tree->options.span_max ? tree->options.span_max : SS_TREE_SPAN_MAX;
}

/* A place in a source: 40 bits of offset, 24 of length. */
static inline uint64_t ss_tree_text_at(uint64_t offset, size_t bytes)
{
	return offset << 24 | bytes;
}

static inline uint64_t ss_tree_text_offset(const struct ss_tree_span *span)
{
	return span->text >> 24;
}

static inline size_t ss_tree_text_bytes(const struct ss_tree_span *span)
{
	return span->text & 0xffffff;
}

#endif
