/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_model.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/dump.h"

/* What a span says of itself, in either of Mellea's vocabularies (vocabulary.h). */
struct facts {
	bool unfinished;
	const char *operation, *request_model, *response_model, *strategy, *tool, *tool_status;
	int64_t input_tokens, output_tokens; /* -1: not said */
	double first_chunk_s;                /* negative: not said */
	int64_t passed_count, failed_count;  /* of a validation; -1: not said */
	int sampling;                        /* -1: not said */
	bool sampling_is_old;                /* in the older vocabulary */
};

static const char *const other = "(other)";

static void read_text(const struct ss_dump_attr *attr, struct facts *facts)
{
	const struct {
		const char *key, **fact;
	} known[] = {
		{ "gen_ai.operation.name", &facts->operation },
		{ "gen_ai.request.model", &facts->request_model },
		{ "gen_ai.response.model", &facts->response_model },
		{ "mellea.strategy_type", &facts->strategy },
		{ "mellea.sampling.strategy_type", &facts->strategy },
		{ "gen_ai.tool.name", &facts->tool },
		{ "mellea.tool.status", &facts->tool_status },
	};
	unsigned i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(attr->key, known[i].key))
			*known[i].fact = attr->text;
}

static void read_count(const struct ss_dump_attr *attr, struct facts *facts)
{
	const struct {
		const char *key;
		int64_t *fact;
	} known[] = {
		{ "gen_ai.usage.input_tokens", &facts->input_tokens },
		{ "gen_ai.usage.output_tokens", &facts->output_tokens },
		{ "mellea.validation.passed_count", &facts->passed_count },
		{ "mellea.validation.failed_count", &facts->failed_count },
	};
	unsigned i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(attr->key, known[i].key) && attr->integer >= 0)
			*known[i].fact = attr->integer;
}

static void read_flag(const struct ss_dump_attr *attr, struct facts *facts)
{
	bool old = !strcmp(attr->key, "mellea.sampling_success");

	if (!strcmp(attr->key, "spanshim.unfinished"))
		facts->unfinished = attr->integer;
	if (old || !strcmp(attr->key, "mellea.sampling.success")) {
		facts->sampling = (int)attr->integer;
		facts->sampling_is_old = old;
	}
}

static void read_facts(const struct ss_dump_span *span, struct facts *facts)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;

	*facts = (struct facts){
		.input_tokens = -1,
		.output_tokens = -1,
		.first_chunk_s = -1,
		.passed_count = -1,
		.failed_count = -1,
		.sampling = -1,
	};
	while (ss_dump_read_attr(span->attributes, &cursor, &attr)) {
		if (attr.type == SS_DUMP_STRING)
			read_text(&attr, facts);
		else if (attr.type == SS_DUMP_INT)
			read_count(&attr, facts);
		else if (attr.type == SS_DUMP_BOOL)
			read_flag(&attr, facts);
		else if (attr.type == SS_DUMP_DOUBLE &&
			 !strcmp(attr.key, "gen_ai.response.time_to_first_chunk"))
			facts->first_chunk_s = attr.number;
	}
}

/* --- rows --- */

/* The row of a name, or past the limit the one of all others. */
static int find_row(struct ss_stats *stats, struct ss_stats_set *set, const char *name,
		    struct ss_stats_row **ret_row)
{
	void *row = NULL;
	int r = ss_stats_set_find(set, &stats->memory, ss_dump_hash_text(SS_DUMP_HASH, name),
				  sizeof(**ret_row), SS_STATS_NAMES_MAX, &row);

	if (r == -ENOSPC) {
		name = other;
		r = ss_stats_set_find(set, &stats->memory, 0, sizeof(**ret_row), UINT32_MAX, &row);
	}
	if (r < 0)
		return r;
	*ret_row = row;
	if (r == 1)
		(*ret_row)->name = ss_stats_set_text(&stats->memory, name);
	return (*ret_row)->name ? 0 : -ENOMEM;
}

static int count_span(struct ss_stats *stats, struct ss_stats_row *row,
		      const struct ss_dump_span *span, bool unfinished)
{
	if (unfinished) {
		row->unfinished++;
		return 0;
	}
	row->count++;
	row->errors += span->error;
	return ss_stats_histogram_add(&row->duration, &stats->memory,
				      span->end_ns > span->start_ns ? span->end_ns - span->start_ns
								    : 0);
}

/* --- calls of models --- */

static bool is_generation(const struct facts *facts)
{
	static const char *const operations[] = { "chat", "text_completion", "generate_content" };
	unsigned i;

	for (i = 0; facts->operation && i < sizeof(operations) / sizeof(*operations); i++)
		if (!strcmp(facts->operation, operations[i]))
			return true;
	return false;
}

/* Tokens a second are counted as `spanshim tree` does: of a stream, from its first chunk on. */
static void count_tokens(struct ss_stats_row *row, const struct ss_dump_span *span,
			 const struct facts *facts)
{
	double seconds = ((double)span->end_ns - (double)span->start_ns) / 1e9;

	if (facts->input_tokens < 0 && facts->output_tokens < 0)
		return;
	row->with_tokens++;
	if (facts->input_tokens > 0)
		row->input_tokens += (uint64_t)facts->input_tokens;
	if (facts->output_tokens <= 0)
		return;
	row->output_tokens += (uint64_t)facts->output_tokens;
	if (facts->first_chunk_s >= 0)
		seconds -= facts->first_chunk_s;
	if (facts->unfinished || !(seconds > 0))
		return;
	row->timed_tokens += (uint64_t)facts->output_tokens;
	row->generating_s += seconds;
}

static int add_generation(struct ss_stats *stats, const struct ss_dump_span *span,
			  const struct facts *facts)
{
	const char *model = facts->request_model ? facts->request_model : facts->response_model;
	struct ss_stats_row *row;
	int r = find_row(stats, &stats->models, model && *model ? model : "(unknown)", &row);

	if (!r)
		r = count_span(stats, row, span, facts->unfinished);
	if (r)
		return r;
	count_tokens(row, span, facts);
	if (!(facts->first_chunk_s >= 0 && facts->first_chunk_s < 1e9))
		return 0;
	return ss_stats_histogram_add(&row->first_chunk, &stats->memory,
				      (uint64_t)(facts->first_chunk_s * 1e9));
}

/* --- outcomes --- */

int ss_stats_add_outcome(struct ss_stats *stats, struct ss_stats_set *set,
			 enum ss_stats_outcome_kind kind, const char *name, uint64_t passed,
			 uint64_t total)
{
	uint64_t key = ss_dump_hash(ss_dump_hash_text(SS_DUMP_HASH, name), &kind, sizeof(kind));
	struct ss_stats_outcome *outcome;
	void *row = NULL;
	int r = ss_stats_set_find(set, &stats->memory, key, sizeof(*outcome), SS_STATS_NAMES_MAX,
				  &row);

	if (r == -ENOSPC) {
		name = other;
		r = ss_stats_set_find(set, &stats->memory, kind, sizeof(*outcome), UINT32_MAX,
				      &row);
	}
	if (r < 0)
		return r;
	outcome = row;
	if (r == 1) {
		outcome->kind = kind;
		outcome->name = ss_stats_set_text(&stats->memory, name);
	}
	outcome->passed += passed;
	outcome->total += total;
	return outcome->name ? 0 : -ENOMEM;
}

/* In 0.8 both the loop's span and the action's have it: the loop's counts. */
static bool is_sampling(const struct ss_dump_span *span, const struct facts *facts)
{
	return facts->sampling >= 0 && (facts->sampling_is_old || !strcmp(span->name, "sampling"));
}

static int add_outcomes(struct ss_stats *stats, const struct ss_dump_span *span,
			const struct facts *facts)
{
	struct ss_stats_set *set = &stats->outcomes;
	int r = 0;

	if (is_sampling(span, facts))
		r = ss_stats_add_outcome(stats, set, SS_STATS_SAMPLING,
					 facts->strategy ? facts->strategy : "",
					 (uint64_t)facts->sampling, 1);
	if (!r && facts->passed_count >= 0 && facts->failed_count >= 0)
		r = ss_stats_add_outcome(
			stats, set, SS_STATS_REQUIREMENT, "", (uint64_t)facts->passed_count,
			(uint64_t)facts->passed_count + (uint64_t)facts->failed_count);
	if (!r && facts->tool && facts->tool_status)
		r = ss_stats_add_outcome(stats, set, SS_STATS_TOOL, facts->tool,
					 !strcmp(facts->tool_status, "success"), 1);
	return r;
}

/* A flag of an event by its key in either vocabulary. Returns -1 when it is not there. */
static int event_flag(const struct ss_dump_event *event, const char *old, const char *new)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;

	while (ss_dump_read_attr(event->attributes, &cursor, &attr)) {
		if (attr.type == SS_DUMP_BOOL && (!strcmp(attr.key, old) || !strcmp(attr.key, new)))
			return (int)attr.integer;
	}
	return -1;
}

static int add_event(struct ss_stats *stats, const struct ss_dump_event *event)
{
	static const struct {
		const char *name, *old, *new;
		enum ss_stats_outcome_kind kind;
		const char *label;
	} told[] = {
		{ "quick_check", "passed", "mellea.validation.passed", SS_STATS_QUICK_CHECK, "" },
		{ "full_validation", "passed", "mellea.validation.passed", SS_STATS_FULL_VALIDATION,
		  "" },
		{ "completed", "success", "mellea.streaming.success", SS_STATS_SAMPLING, "stream" },
	};
	unsigned i;
	int flag;

	for (i = 0; i < sizeof(told) / sizeof(*told); i++) {
		if (strcmp(event->name, told[i].name) != 0)
			continue;
		flag = event_flag(event, told[i].old, told[i].new);
		if (flag >= 0)
			return ss_stats_add_outcome(stats, &stats->outcomes, told[i].kind,
						    told[i].label, (uint64_t)flag, 1);
	}
	return 0;
}

int ss_stats_add_span(struct ss_stats *stats, const struct ss_dump_span *span)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_event event;
	struct ss_stats_row *row;
	struct facts facts;
	int r;

	if (stats->name && fnmatch(stats->name, span->name, 0) != 0)
		return 0;
	read_facts(span, &facts);
	stats->spans++;
	stats->unfinished += facts.unfinished;
	stats->errors += span->error && !facts.unfinished;
	if (stats->spans == 1 || span->start_ns < stats->start_ns)
		stats->start_ns = span->start_ns;
	if (span->end_ns > stats->end_ns)
		stats->end_ns = span->end_ns;
	r = find_row(stats, &stats->names, span->name, &row);
	if (!r)
		r = count_span(stats, row, span, facts.unfinished);
	if (!r && is_generation(&facts))
		r = add_generation(stats, span, &facts);
	if (!r)
		r = add_outcomes(stats, span, &facts);
	while (!r && ss_dump_read_event(span->events, &cursor, &event))
		r = add_event(stats, &event);
	return r;
}
