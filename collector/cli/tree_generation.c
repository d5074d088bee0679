/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_generation.h"

#include <stdlib.h>
#include <string.h>

#include "collector/cli/text_line.h"
#include "collector/cli/tree_content.h"

#define TEXT_COLUMNS 40u
#define LIST_BYTES   256u

#define REQUEST_MODEL  "gen_ai.request.model"
#define RESPONSE_MODEL "gen_ai.response.model"
#define INPUT_TOKENS   "gen_ai.usage.input_tokens"
#define OUTPUT_TOKENS  "gen_ai.usage.output_tokens"
#define CACHED_TOKENS  "gen_ai.usage.cache_read.input_tokens"
#define THOUGHT_TOKENS "gen_ai.usage.reasoning.output_tokens"
#define FIRST_CHUNK    "gen_ai.response.time_to_first_chunk"
#define FINISH_REASONS "gen_ai.response.finish_reasons"

bool ss_tree_is_generation(const struct ss_tree_content *content)
{
	static const char *const operations[] = { "chat", "text_completion", "generate_content",
						  "embeddings" };
	char buffer[LIST_BYTES];
	const char *operation =
		ss_tree_content_text(content, "gen_ai.operation.name", buffer, sizeof(buffer));
	unsigned i;

	for (i = 0; operation && i < sizeof(operations) / sizeof(operations[0]); i++)
		if (!strcmp(operation, operations[i]))
			return true;
	/* Users' own bindings need not say what kind of call it is. */
	return !operation && ss_tree_content_text(content, OUTPUT_TOKENS, buffer, sizeof(buffer));
}

static void separate(struct ss_text_line *line)
{
	ss_text_line_mark(line, " \xc2\xb7 ", " - ");
}

/* A number that is not zero. */
static bool has_number(const struct ss_tree_content *content, const char *key, double *ret_number)
{
	struct ss_dump_attr attr;

	if (!ss_tree_content_attr(content, key, &attr))
		return false;
	if (attr.type == SS_DUMP_INT)
		attr.number = (double)attr.integer;
	else if (attr.type != SS_DUMP_DOUBLE)
		return false;
	*ret_number = attr.number;
	return attr.number > 0;
}

/* Most versions have it in the span's name. */
static void add_model(struct ss_text_line *line, const struct ss_tree_content *content)
{
	char buffer[LIST_BYTES];
	const char *model, *blank = strchr(content->span.name, ' ');

	model = ss_tree_content_text(content, REQUEST_MODEL, buffer, sizeof(buffer));
	if (!model)
		model = ss_tree_content_text(content, RESPONSE_MODEL, buffer, sizeof(buffer));
	if (!model || !*model || (blank && !strcmp(blank + 1, model)))
		return;
	separate(line);
	ss_text_line_add(line, model, TEXT_COLUMNS);
}

static void add_tokens(struct ss_text_line *line, const struct ss_tree_content *content)
{
	char in_buffer[LIST_BYTES], out_buffer[LIST_BYTES];
	const char *in = ss_tree_content_text(content, INPUT_TOKENS, in_buffer, LIST_BYTES);
	const char *out = ss_tree_content_text(content, OUTPUT_TOKENS, out_buffer, LIST_BYTES);

	if (!in && !out)
		return;
	separate(line);
	ss_text_line_add(line, in ? in : "?", TEXT_COLUMNS);
	ss_text_line_mark(line, "\xe2\x86\x92", "->");
	ss_text_line_add(line, out ? out : "?", TEXT_COLUMNS);
	ss_text_line_add(line, " tokens", 0);
}

/* Of a stream, from its first chunk on. */
static void add_speed(struct ss_text_line *line, const struct ss_tree_content *content)
{
	double seconds = (double)(content->span.end_ns - content->span.start_ns) / 1e9;
	double wait = 0, tokens = 0;
	struct ss_dump_attr first;
	bool is_stream = ss_tree_content_attr(content, FIRST_CHUNK, &first);

	has_number(content, OUTPUT_TOKENS, &tokens);
	if (!has_number(content, FIRST_CHUNK, &wait) || !(wait < 1e9))
		wait = 0;
	if (is_stream) {
		separate(line);
		ss_text_line_add(line, "first chunk ", 0);
		ss_text_line_duration(line, (uint64_t)(wait * 1e9), 0);
	}
	if (!(tokens > 0) || !(seconds > wait) || content->span.end_ns < content->span.start_ns)
		return;
	separate(line);
	tokens /= seconds - wait;
	ss_text_line_format(line, tokens < 1000 ? "%.3g tokens/s" : "%.0f tokens/s", tokens);
}

/* The answer was cut off or withheld: worth a colour. */
static bool is_bad(const char *reason)
{
	static const char *const bad[] = { "length", "max_tokens", "content_filter", "error" };
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strstr(reason, bad[i]))
			return true;
	return false;
}

static void add_reasons(struct ss_text_line *line, const struct ss_tree_content *content)
{
	char buffer[LIST_BYTES];
	const char *reasons = ss_tree_content_text(content, FINISH_REASONS, buffer, LIST_BYTES);
	size_t bytes = reasons ? strlen(reasons) : 0;

	if (bytes <= 2 || reasons[0] != '[' || reasons[bytes - 1] != ']')
		return;
	separate(line);
	if (is_bad(reasons))
		ss_text_line_colour(line, SS_COLOUR_YELLOW);
	ss_text_line_format(line, "%.*s", (int)bytes - 2, reasons + 1);
	ss_text_line_colour(line, SS_COLOUR_NONE);
}

/* Of the tokens, what cost less, and what nobody will read. */
static void add_shares(struct ss_text_line *line, const struct ss_tree_content *content)
{
	double cached = 0, thought = 0;
	bool is_cached = has_number(content, CACHED_TOKENS, &cached);
	bool is_thought = has_number(content, THOUGHT_TOKENS, &thought);

	if (!is_cached && !is_thought)
		return;
	ss_text_line_colour(line, SS_COLOUR_DIM);
	separate(line);
	if (is_cached)
		ss_text_line_format(line, "%.0f cached%s", cached, is_thought ? ", " : "");
	if (is_thought)
		ss_text_line_format(line, "%.0f reasoning", thought);
	ss_text_line_colour(line, SS_COLOUR_NONE);
}

void ss_tree_generation_add(struct ss_text_line *line, const struct ss_tree_content *content)
{
	add_model(line, content);
	add_tokens(line, content);
	add_speed(line, content);
	add_reasons(line, content);
	add_shares(line, content);
}

bool ss_tree_generation_tells(const struct ss_tree_content *content, const char *key)
{
	static const char *const told[] = {
		REQUEST_MODEL,
		INPUT_TOKENS,
		OUTPUT_TOKENS,
		CACHED_TOKENS,
		THOUGHT_TOKENS,
		FIRST_CHUNK,
		FINISH_REASONS,
		"gen_ai.usage.total_tokens",
		"mellea.usage.total_tokens",
	};
	char request[LIST_BYTES], response[LIST_BYTES];
	const char *model, *other;
	unsigned i;

	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (!strcmp(key, told[i]))
			return true;
	if (strcmp(key, RESPONSE_MODEL) != 0)
		return false;
	/* The same model again is no news. */
	model = ss_tree_content_text(content, REQUEST_MODEL, request, LIST_BYTES);
	other = ss_tree_content_text(content, RESPONSE_MODEL, response, LIST_BYTES);
	return !model || (other && !strcmp(model, other));
}
