/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_lanes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t end_of(const struct ss_tree_span *span)
{
	return span->start_ns + span->duration_ns;
}

/* --- the first lane of a process that is free --- */

/* Twice as many leaves: the lanes stay in their order. */
static int widen(struct ss_export_lane_process *process)
{
	uint32_t leaves = process->leaves ? 2 * process->leaves : 4, i;
	uint64_t *free_ns = malloc(2 * leaves * sizeof(*free_ns));
	uint32_t *lanes = realloc(process->lanes, leaves * sizeof(*lanes));

	if (lanes)
		process->lanes = lanes;
	if (!free_ns || !lanes) {
		free(free_ns);
		return -ENOMEM;
	}
	for (i = 0; i < leaves; i++)
		free_ns[leaves + i] =
			i < process->count ? process->free_ns[process->leaves + i] : UINT64_MAX;
	for (i = leaves; i-- > 1;)
		free_ns[i] =
			free_ns[2 * i] < free_ns[2 * i + 1] ? free_ns[2 * i] : free_ns[2 * i + 1];
	free(process->free_ns);
	process->free_ns = free_ns;
	process->leaves = leaves;
	return 0;
}

static void set_free(struct ss_export_lane_process *process, uint32_t leaf, uint64_t ns)
{
	uint32_t i = process->leaves + leaf;
	uint64_t *free_ns = process->free_ns;

	free_ns[i] = ns;
	while (i /= 2)
		free_ns[i] =
			free_ns[2 * i] < free_ns[2 * i + 1] ? free_ns[2 * i] : free_ns[2 * i + 1];
}

static int add_lane(struct ss_export_lanes *lanes, uint32_t process_at, uint32_t *ret_leaf)
{
	struct ss_export_lane_process *process = &lanes->processes[process_at];
	uint32_t capacity = lanes->capacity ? 2 * lanes->capacity : 64;
	void *moved;

	if (lanes->count == lanes->capacity) {
		moved = realloc(lanes->list, capacity * sizeof(*lanes->list));
		if (!moved)
			return -ENOMEM;
		lanes->list = moved;
		lanes->capacity = capacity;
	}
	if (process->count == process->leaves && widen(process))
		return -ENOMEM;
	lanes->list[lanes->count] = (struct ss_export_lane){
		.process = process_at,
		.top = SS_TREE_NONE,
		.first = SS_TREE_NONE,
	};
	process->lanes[process->count] = lanes->count++;
	*ret_leaf = process->count++;
	return 0;
}

/* What had ended by then is all over: nothing on that lane goes on. */
static int take_free(struct ss_export_lanes *lanes, uint32_t process_at,
		     const struct ss_tree_span *span, uint32_t *ret_lane)
{
	struct ss_export_lane_process *process = &lanes->processes[process_at];
	uint32_t i = 1, leaf;
	int r;

	if (process->leaves && process->free_ns[1] <= span->start_ns) {
		while (i < process->leaves)
			i = process->free_ns[2 * i] <= span->start_ns ? 2 * i : 2 * i + 1;
		leaf = i - process->leaves;
	} else {
		r = add_lane(lanes, process_at, &leaf);
		if (r)
			return r;
	}
	set_free(process, leaf, end_of(span));
	*ret_lane = process->lanes[leaf];
	return 0;
}

/* --- on the parent's lane --- */

/* On a lane, what a span lies in is its parent, or nothing. */
static uint32_t below(const struct ss_export_lanes *lanes, const struct ss_tree *tree, uint32_t at)
{
	uint32_t parent = tree->spans[at].parent;

	if (parent == SS_TREE_NONE || lanes->of_span[parent] != lanes->of_span[at])
		return SS_TREE_NONE;
	return parent;
}

static bool fits(struct ss_export_lanes *lanes, const struct ss_tree *tree,
		 const struct ss_tree_span *span)
{
	const struct ss_tree_span *parent = &tree->spans[span->parent];
	struct ss_export_lane *lane = &lanes->list[lanes->of_span[span->parent]];

	while (lane->top != SS_TREE_NONE && end_of(&tree->spans[lane->top]) <= span->start_ns)
		lane->top = below(lanes, tree, lane->top);
	return lane->top == span->parent && end_of(span) <= end_of(parent);
}

static uint32_t process_of(const struct ss_tree *tree, const struct ss_tree_span *span)
{
	return span->group == SS_TREE_NONE ? 0 : tree->groups[span->group].process;
}

static int place(struct ss_export_lanes *lanes, const struct ss_tree *tree, uint32_t at)
{
	const struct ss_tree_span *span = &tree->spans[at];
	uint32_t process = process_of(tree, span), lane, parent_lane = SS_TREE_NONE;
	int r;

	if (span->parent != SS_TREE_NONE)
		parent_lane = lanes->of_span[span->parent];
	if (parent_lane != SS_TREE_NONE && lanes->list[parent_lane].process == process &&
	    fits(lanes, tree, span)) {
		lane = parent_lane;
	} else {
		r = take_free(lanes, process, span, &lane);
		if (r)
			return r;
	}
	lanes->of_span[at] = lane;
	lanes->list[lane].top = at;
	if (lanes->list[lane].first == SS_TREE_NONE)
		lanes->list[lane].first = at;
	return 0;
}

int ss_export_lanes_make(struct ss_export_lanes *lanes, const struct ss_tree *tree)
{
	uint32_t i, span_count = tree->span_count ? tree->span_count : 1;
	int r = 0;

	lanes->process_count = tree->by_process.count ? tree->by_process.count : 1;
	lanes->processes = calloc(lanes->process_count, sizeof(*lanes->processes));
	lanes->of_span = malloc(span_count * sizeof(*lanes->of_span));
	if (!lanes->processes || !lanes->of_span)
		return -ENOMEM;
	memset(lanes->of_span, 0xff, span_count * sizeof(*lanes->of_span));
	for (i = 0; !r && i < tree->order_count; i++)
		if (!(tree->spans[tree->order[i]].flags & SS_TREE_MISSING))
			r = place(lanes, tree, tree->order[i]);
	return r;
}

void ss_export_lanes_deinit(struct ss_export_lanes *lanes)
{
	while (lanes->process_count && lanes->processes) {
		struct ss_export_lane_process *process = &lanes->processes[--lanes->process_count];

		free(process->lanes);
		free(process->free_ns);
	}
	free(lanes->processes);
	free(lanes->of_span);
	free(lanes->list);
	*lanes = (struct ss_export_lanes){ 0 };
}
