/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_model.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/tree_group.h"
#include "collector/dump.h"

#define CYCLE_STEPS 65536u /* a damaged dump is not worth more */

struct adding {
	struct ss_tree *tree;
	const char *line;
	uint64_t at; /* where the line stands */
	uint32_t group;
	uint16_t source;
};

/* Room for one more element of an array. */
static int reserve(void *array, uint32_t count, uint32_t *capacity, size_t bytes)
{
	uint32_t wider = *capacity ? 2 * *capacity : 256;
	void **elements = array, *moved;

	if (count < *capacity)
		return 0;
	moved = realloc(*elements, wider * bytes);
	if (!moved)
		return -ENOMEM;
	*elements = moved;
	*capacity = wider;
	return 0;
}

/* --- filters --- */

static bool in_trace(const struct ss_tree_options *options, const struct ss_tree_scanned *span)
{
	unsigned digits = options->trace_digits ? options->trace_digits : 32;
	uint64_t hi = span->trace_hi ^ options->trace_hi, lo = span->trace_lo ^ options->trace_lo;

	if (!(options->trace_hi | options->trace_lo) && !options->trace_digits)
		return true;
	if (digits < 16)
		return !(hi >> (64 - 4 * digits));
	return !hi && (digits == 16 || !(lo >> (128 - 4 * digits)));
}

static bool name_matches(const char *pattern, struct ss_tree_slice name)
{
	cJSON *text = cJSON_ParseWithLength(name.text, name.bytes);
	bool matches = text && (strpbrk(pattern, "*?[") ? !fnmatch(pattern, text->valuestring, 0)
							: !!strstr(text->valuestring, pattern));

	cJSON_Delete(text);
	return matches;
}

static bool matches(const struct ss_tree_options *options, const struct ss_tree_scanned *span)
{
	if (options->errors && !span->error)
		return false;
	if (span->end_ns < span->start_ns + options->min_duration_ns && options->min_duration_ns)
		return false;
	return !options->name || name_matches(options->name, span->name);
}

/* --- spans --- */

static int add_trace(struct ss_tree *tree, const struct ss_tree_scanned *from, uint32_t *ret_trace)
{
	uint64_t key = ss_span_index_key(from->trace_hi, from->trace_lo, 0);
	int r = reserve(&tree->traces, tree->trace_count, &tree->trace_capacity,
			sizeof(*tree->traces));

	if (!r)
		r = ss_span_index_add(&tree->by_trace, key, tree->trace_count, ret_trace);
	if (r)
		return r == -EEXIST ? 0 : r;
	*ret_trace = tree->trace_count;
	tree->traces[tree->trace_count++] = (struct ss_tree_trace){
		.hi = from->trace_hi,
		.lo = from->trace_lo,
		.start_ns = from->start_ns,
		.first = SS_TREE_NONE,
	};
	return 0;
}

/* The span of that id, which is a missing one if it was not there. */
static int add_id(struct ss_tree *tree, const struct ss_tree_scanned *from, uint64_t span_id,
		  uint32_t trace, uint32_t *ret_span)
{
	uint64_t key = ss_span_index_key(from->trace_hi, from->trace_lo, span_id);
	int r = reserve(&tree->spans, tree->span_count, &tree->span_capacity, sizeof(*tree->spans));

	if (!r)
		r = ss_span_index_add(&tree->by_id, key, tree->span_count, ret_span);
	if (r)
		return r == -EEXIST ? 0 : r;
	*ret_span = tree->span_count;
	tree->spans[tree->span_count++] = (struct ss_tree_span){
		.span_id = span_id,
		.start_ns = from->start_ns,
		.parent = SS_TREE_NONE,
		.trace = trace,
		.group = SS_TREE_NONE,
		.flags = SS_TREE_MISSING,
	};
	tree->traces[trace].missing++;
	return 0;
}

/* A damaged dump may say that spans are each other's ancestors: a tree has to end somewhere. */
static bool is_ancestor(const struct ss_tree *tree, uint32_t span, uint32_t of)
{
	unsigned steps;

	for (steps = 0; of != SS_TREE_NONE; of = tree->spans[of].parent)
		if (of == span || ++steps == CYCLE_STEPS)
			return true;
	return false;
}

static void stretch(struct ss_tree_span *span, const struct ss_tree_span *over)
{
	uint64_t end_ns = span->start_ns + span->duration_ns;
	uint64_t over_end_ns = over->start_ns + over->duration_ns;

	if (span->start_ns > over->start_ns)
		span->start_ns = over->start_ns;
	span->duration_ns = (end_ns > over_end_ns ? end_ns : over_end_ns) - span->start_ns;
}

static int add_parent(struct adding *adding, const struct ss_tree_scanned *from, uint32_t at)
{
	struct ss_tree *tree = adding->tree;
	uint32_t trace = tree->spans[at].trace, parent;
	struct ss_tree_span *above;
	int r = add_id(tree, from, from->parent_id, trace, &parent);

	if (r || is_ancestor(tree, at, parent))
		return r;
	tree->spans[at].parent = parent;
	above = &tree->spans[parent];
	if (!(above->flags & SS_TREE_MISSING))
		return 0;
	/* As long as its times are unknown, they are from its first child's start to the last one's
	 * end. Siblings of an earlier view are in no list, but what overlaps with them shall say
	 * so.
	 */
	if (above->shown && from->start_ns < above->start_ns + above->duration_ns &&
	    from->end_ns > above->start_ns)
		tree->spans[at].flags |= SS_TREE_CONCURRENT;
	stretch(above, &tree->spans[at]);
	if (from->parent_remote)
		above->flags |= SS_TREE_REMOTE;
	else if (above->group == SS_TREE_NONE)
		above->group = adding->group;
	return 0;
}

static void count_span(struct ss_tree_trace *trace, const struct ss_tree_span *span)
{
	uint64_t end_ns = span->start_ns + span->duration_ns;

	trace->spans++;
	trace->errors += (span->flags & (SS_TREE_ERROR | SS_TREE_UNFINISHED)) == SS_TREE_ERROR;
	trace->unfinished += (span->flags & SS_TREE_UNFINISHED) != 0;
	if (trace->start_ns > span->start_ns)
		trace->start_ns = span->start_ns;
	if (trace->end_ns < end_ns)
		trace->end_ns = end_ns;
}

static void fill_span(struct adding *adding, const struct ss_tree_scanned *from,
		      struct ss_tree_span *span)
{
	const struct ss_tree_options *options = &adding->tree->options;

	span->start_ns = from->start_ns;
	span->duration_ns = from->end_ns > from->start_ns ? from->end_ns - from->start_ns : 0;
	span->text = ss_tree_text_at(adding->at + (uint64_t)(from->text.text - adding->line),
				     from->text.bytes);
	span->source = adding->source;
	span->group = adding->group;
	span->flags &= SS_TREE_TOLD;
	span->flags |= SS_TREE_NEW | (from->error ? SS_TREE_ERROR : 0) |
		       (from->unfinished ? SS_TREE_UNFINISHED : 0) |
		       (matches(options, from) ? SS_TREE_MATCHED : 0);
}

/* Whether a span that is there already has to give way: what `spanshim recover` wrote of a span
 * that had an end after all. */
static bool is_better(const struct ss_tree_span *old, const struct ss_tree_scanned *from)
{
	return (old->flags & SS_TREE_UNFINISHED) && !from->unfinished;
}

static int on_span(void *data, const struct ss_tree_scanned *from)
{
	struct adding *adding = data;
	struct ss_tree *tree = adding->tree;
	struct ss_tree_trace *trace;
	struct ss_tree_span *span;
	uint32_t at, in;
	int r;

	if (!in_trace(&tree->options, from) || from->start_ns < tree->options.since_ns)
		return 0;
	if (tree->span_count >= ss_tree_span_max(tree)) {
		tree->left_out++;
		return 0;
	}
	r = add_trace(tree, from, &in);
	if (!r)
		r = add_id(tree, from, from->span_id, in, &at);
	if (!r)
		r = reserve(&tree->fresh, tree->fresh_count, &tree->fresh_capacity,
			    sizeof(*tree->fresh));
	if (r)
		return r;
	span = &tree->spans[at];
	trace = &tree->traces[in];
	if (!(span->flags & SS_TREE_MISSING)) {
		tree->duplicates++;
		if (!is_better(span, from))
			return 0;
		trace->spans--;
		trace->unfinished--;
		fill_span(adding, from, span);
		count_span(trace, span);
		return 0;
	}
	trace->missing--;
	tree->found++;
	fill_span(adding, from, span);
	count_span(trace, span);
	tree->fresh[tree->fresh_count++] = at;
	return from->parent_id ? add_parent(adding, from, at) : 0;
}

static int on_group(void *data, struct ss_tree_slice resource, struct ss_tree_slice scope)
{
	struct adding *adding = data;

	return ss_tree_group_add(adding->tree, resource, scope, &adding->group);
}

int ss_tree_add(struct ss_tree *tree, struct ss_tree_slice line, uint16_t source, uint64_t at,
		size_t *ret_byte)
{
	struct adding adding = { .tree = tree, .line = line.text, .at = at, .source = source };
	const struct ss_tree_scanner scanner = { on_group, on_span, &adding };

	return ss_tree_scan(line, &scanner, ret_byte);
}

void ss_tree_forget(struct ss_tree *tree)
{
	ss_span_index_deinit(&tree->by_id);
	ss_span_index_deinit(&tree->by_trace);
	tree->span_count = tree->trace_count = tree->fresh_count = 0;
	tree->order_count = tree->shown_trace_count = 0;
}

void ss_tree_deinit(struct ss_tree *tree)
{
	free(tree->spans);
	free(tree->traces);
	free(tree->groups);
	free(tree->fresh);
	free(tree->order);
	free(tree->shown_traces);
	ss_span_index_deinit(&tree->by_id);
	ss_span_index_deinit(&tree->by_trace);
	ss_span_index_deinit(&tree->by_group);
	ss_span_index_deinit(&tree->by_process);
	ss_bump_deinit(&tree->memory);
	*tree = (struct ss_tree){ .options = tree->options };
}
