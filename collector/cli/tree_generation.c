/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_generation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/text_line.h"
#include "collector/cli/tree_model.h"

#define TEXT_COLUMNS 40u

#define REQUEST_MODEL  "gen_ai.request.model"
#define RESPONSE_MODEL "gen_ai.response.model"
#define INPUT_TOKENS   "gen_ai.usage.input_tokens"
#define OUTPUT_TOKENS  "gen_ai.usage.output_tokens"
#define FIRST_CHUNK    "gen_ai.response.time_to_first_chunk"
#define FINISH_REASONS "gen_ai.response.finish_reasons"

static const char *value_of(const struct ss_tree_span *span, const char *key)
{
	uint32_t i;

	for (i = 0; i < span->attr_count; i++)
		if (!strcmp(span->attrs[i].key, key))
			return span->attrs[i].value;
	return NULL;
}

static bool is_generation(const struct ss_tree_span *span)
{
	static const char *const operations[] = { "chat", "text_completion", "generate_content" };
	const char *operation = value_of(span, "gen_ai.operation.name");
	unsigned i;

	for (i = 0; operation && i < sizeof(operations) / sizeof(operations[0]); i++)
		if (!strcmp(operation, operations[i]))
			return true;
	return false;
}

static void separate(struct ss_text_line *line)
{
	ss_text_line_mark(line, " \xc2\xb7 ", " - ");
}

/* Most versions have it in the span's name. */
static void add_model(struct ss_text_line *line, const struct ss_tree_span *span)
{
	const char *model = value_of(span, REQUEST_MODEL), *blank = strchr(span->name, ' ');

	if (!model)
		model = value_of(span, RESPONSE_MODEL);
	if (!model || !*model || (blank && !strcmp(blank + 1, model)))
		return;
	separate(line);
	ss_text_line_add(line, model, TEXT_COLUMNS);
}

static void add_tokens(struct ss_text_line *line, const struct ss_tree_span *span)
{
	const char *in = value_of(span, INPUT_TOKENS), *out = value_of(span, OUTPUT_TOKENS);

	if (!in && !out)
		return;
	separate(line);
	ss_text_line_add(line, in ? in : "?", TEXT_COLUMNS);
	ss_text_line_mark(line, "\xe2\x86\x92", "->");
	ss_text_line_add(line, out ? out : "?", TEXT_COLUMNS);
	ss_text_line_add(line, " tokens", 0);
}

/* Of a stream, from its first chunk on. */
static void add_speed(struct ss_text_line *line, const struct ss_tree_span *span)
{
	const char *out = value_of(span, OUTPUT_TOKENS), *first = value_of(span, FIRST_CHUNK);
	double seconds = (double)(span->end_ns - span->start_ns) / 1e9;
	double wait = first ? strtod(first, NULL) : 0, tokens = out ? strtod(out, NULL) : 0;

	if (!(wait >= 0 && wait < 1e9))
		wait = 0;
	if (first) {
		separate(line);
		ss_text_line_add(line, "first chunk ", 0);
		ss_text_line_duration(line, (uint64_t)(wait * 1e9), 0);
	}
	if (!(tokens > 0) || !(seconds > wait))
		return;
	separate(line);
	tokens /= seconds - wait;
	ss_text_line_format(line, tokens < 1000 ? "%.3g tokens/s" : "%.0f tokens/s", tokens);
}

static void add_reasons(struct ss_text_line *line, const struct ss_tree_span *span)
{
	const char *reasons = value_of(span, FINISH_REASONS);
	size_t bytes = reasons ? strlen(reasons) : 0;

	if (bytes <= 2 || reasons[0] != '[' || reasons[bytes - 1] != ']')
		return;
	separate(line);
	ss_text_line_format(line, "%.*s", (int)bytes - 2, reasons + 1);
}

void ss_tree_generation_add(struct ss_text_line *line, const struct ss_tree_span *span)
{
	if (!is_generation(span))
		return;
	add_model(line, span);
	add_tokens(line, span);
	add_speed(line, span);
	add_reasons(line, span);
}

bool ss_tree_generation_tells(const struct ss_tree_span *span, const char *key)
{
	static const char *const told[] = { REQUEST_MODEL, INPUT_TOKENS, OUTPUT_TOKENS, FIRST_CHUNK,
					    FINISH_REASONS };
	const char *model = value_of(span, REQUEST_MODEL);
	unsigned i;

	if (!is_generation(span))
		return false;
	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (!strcmp(key, told[i]))
			return true;
	if (!strcmp(key, "gen_ai.usage.total_tokens") || !strcmp(key, "mellea.usage.total_tokens"))
		return true;
	/* The same model again is no news. */
	return !strcmp(key, RESPONSE_MODEL) &&
	       (!model || !strcmp(model, value_of(span, RESPONSE_MODEL)));
}
