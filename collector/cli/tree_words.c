/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/text_line.h"
#include "collector/cli/tree_content.h"
#include "collector/cli/tree_generation.h"
#include "collector/cli/tree_model.h"

#define OTHERS_SHOWN  6u
#define VALUE_COLUMNS 40u
#define TEXT_COLUMNS  100u
#define LIST_BYTES    1024u
#define ANCESTORS     8u

enum form {
	HIDE,
	VALUE,      /* the value alone, unless an ancestor has the same */
	TEXT,       /* the value in quotes, longer */
	COUNT,      /* "3 words", when above 0 */
	LENGTH,     /* the same, unless the text itself is there too (key without "_length") */
	FLAG,       /* the word when true */
	FAILURE,    /* the word, as a warning, when false */
	ITERATIONS, /* "2 of 3 iterations" */
	PASSED,     /* "1 of 2 passed" */
	STATUS,     /* "word VALUE", unless the span ended with an error anyway */
};

struct word {
	const char *key;
	enum form form;
	const char *word;
};

/* Sorted by key. */
static const struct word words[] = {
	{ "db.namespace", VALUE, NULL },
	{ "db.query.text", TEXT, NULL },
	{ "db.query.text_length", LENGTH, "SQL bytes" },
	{ "db.response.status_code", STATUS, "status" },
	{ "db.system.name", HIDE, NULL },
	{ "error.type", HIDE, NULL },
	{ "gen_ai.conversation.id", HIDE, NULL },
	{ "gen_ai.operation.name", HIDE, NULL },
	{ "gen_ai.output.type", VALUE, NULL },
	{ "gen_ai.provider.name", VALUE, NULL },
	{ "gen_ai.request.model", VALUE, NULL },
	{ "gen_ai.request.stream", HIDE, NULL },
	{ "gen_ai.response.id", HIDE, NULL },
	{ "gen_ai.tool.call.arguments", TEXT, NULL },
	{ "gen_ai.tool.call.id", HIDE, NULL },
	{ "gen_ai.tool.call.result", TEXT, NULL },
	{ "gen_ai.tool.description", HIDE, NULL },
	{ "gen_ai.tool.name", HIDE, NULL },
	{ "gen_ai.tool.type", HIDE, NULL },
	{ "http.request.method", VALUE, NULL },
	{ "http.response.status_code", STATUS, "HTTP" },
	{ "mellea.action.has_format", FLAG, "format" },
	{ "mellea.action.has_requirements", HIDE, NULL },
	{ "mellea.action.has_strategy", HIDE, NULL },
	{ "mellea.action.num_generate_logs", HIDE, NULL },
	{ "mellea.action.response", TEXT, NULL },
	{ "mellea.action.response_length", LENGTH, "characters" },
	{ "mellea.action.tool_calls", FLAG, "tools" },
	{ "mellea.action_type", VALUE, NULL },
	{ "mellea.backend", VALUE, NULL },
	{ "mellea.chunking_strategy", VALUE, NULL },
	{ "mellea.component.type", VALUE, NULL },
	{ "mellea.context_size", HIDE, NULL },
	{ "mellea.context_type", VALUE, NULL },
	{ "mellea.format_type", VALUE, NULL },
	{ "mellea.full_text_length", COUNT, "characters" },
	{ "mellea.has_format", FLAG, "format" },
	{ "mellea.has_requirements", HIDE, NULL },
	{ "mellea.has_strategy", HIDE, NULL },
	{ "mellea.model_id", VALUE, NULL },
	{ "mellea.num_actions", COUNT, "actions" },
	{ "mellea.num_generate_logs", HIDE, NULL },
	{ "mellea.request.context_size", HIDE, NULL },
	{ "mellea.request.format_type", VALUE, NULL },
	{ "mellea.request.num_actions", COUNT, "actions" },
	{ "mellea.requirement_count", COUNT, "requirements" },
	{ "mellea.response", TEXT, NULL },
	{ "mellea.response_length", LENGTH, "characters" },
	{ "mellea.sampling.failure_reason", TEXT, NULL },
	{ "mellea.sampling.iterations_used", ITERATIONS, "mellea.sampling.loop_budget" },
	{ "mellea.sampling.loop_budget", HIDE, NULL },
	{ "mellea.sampling.requirement_count", COUNT, "requirements" },
	{ "mellea.sampling.strategy_type", VALUE, NULL },
	{ "mellea.sampling.success", FAILURE, "no success" },
	{ "mellea.sampling_success", FAILURE, "no success" },
	{ "mellea.session.backend_name", VALUE, NULL },
	{ "mellea.session.context_type", VALUE, NULL },
	{ "mellea.session.id", HIDE, NULL },
	{ "mellea.session_id", HIDE, NULL },
	{ "mellea.strategy_type", VALUE, NULL },
	{ "mellea.streaming", HIDE, NULL },
	{ "mellea.streaming.chunking_strategy", VALUE, NULL },
	{ "mellea.streaming.full_text_length", COUNT, "characters" },
	{ "mellea.streaming.has_requirements", HIDE, NULL },
	{ "mellea.streaming.requirement_count", COUNT, "requirements" },
	{ "mellea.tool.arguments_hash", HIDE, NULL },
	{ "mellea.tool.execution_time_ms", HIDE, NULL },
	{ "mellea.tool.is_control_flow", FLAG, "control flow" },
	{ "mellea.tool.status", HIDE, NULL },
	{ "mellea.tool_calls", FLAG, "tools" },
	{ "mellea.tool_calls_enabled", FLAG, "tools" },
	{ "mellea.validation.failed_count", HIDE, NULL },
	{ "mellea.validation.failure_reasons", TEXT, NULL },
	{ "mellea.validation.passed", PASSED, "mellea.validation.passed_count" },
	{ "mellea.validation.passed_count", HIDE, NULL },
	{ "mellea.validation.requirement_count", HIDE, NULL },
	{ "url.full", TEXT, NULL },
};

struct saying {
	struct ss_text_line *line;
	struct ss_tree_contents *contents;
	const struct ss_tree_content *content;
	unsigned depth;
};

static int compare_words(const void *key, const void *word)
{
	return strcmp(key, ((const struct word *)word)->key);
}

static void separate(struct ss_text_line *line)
{
	ss_text_line_mark(line, " \xc2\xb7 ", " - ");
}

/* The nearest ancestor that has such an attribute has it with the same value. */
static bool is_inherited(const struct saying *saying, const struct ss_dump_attr *attr)
{
	const struct ss_tree *tree = saying->contents->tree;
	uint32_t at = tree->spans[saying->content->position].parent;
	unsigned depth = saying->depth, steps;
	struct ss_dump_attr above;

	for (steps = 0; at != SS_TREE_NONE && depth && steps < ANCESTORS; steps++) {
		const struct ss_tree_content *content =
			ss_tree_content_get(saying->contents, at, --depth);

		if (ss_tree_content_attr(content, attr->key, &above))
			return attr->type == above.type &&
			       (attr->type == SS_DUMP_STRING
					? !strcmp(attr->text, above.text)
					: attr->type != SS_DUMP_OTHER &&
						  attr->integer == above.integer &&
						  attr->number == above.number);
		at = tree->spans[at].parent;
	}
	return false;
}

static void say_count(const struct saying *saying, const struct ss_dump_attr *attr,
		      const char *word)
{
	if (attr->type != SS_DUMP_INT || attr->integer <= 0)
		return;
	separate(saying->line);
	ss_text_line_format(saying->line, "%" PRId64 " %.*s", attr->integer,
			    (int)strlen(word) - (attr->integer == 1), word);
}

/* Not if the text itself is there. */
static void say_length(const struct saying *saying, const struct ss_dump_attr *attr,
		       const char *word)
{
	struct ss_dump_attr text;
	char key[64];

	snprintf(key, sizeof(key), "%.*s", (int)(strlen(attr->key) - strlen("_length")), attr->key);
	if (!ss_tree_content_attr(saying->content, key, &text))
		say_count(saying, attr, word);
}

static void say_text(const struct saying *saying, const struct ss_dump_attr *attr)
{
	char buffer[LIST_BYTES];
	const char *text = ss_tree_value_text(attr, buffer, sizeof(buffer));

	if (!*text)
		return;
	if (!strcmp(attr->key, "gen_ai.tool.call.result"))
		ss_text_line_mark(saying->line, " \xe2\x86\x92 ", " -> ");
	else
		separate(saying->line);
	ss_text_line_mark(saying->line, "\xe2\x80\x9c", "\"");
	ss_text_line_add(saying->line, text, TEXT_COLUMNS);
	ss_text_line_mark(saying->line, "\xe2\x80\x9d", "\"");
}

static void say_value(const struct saying *saying, const struct ss_dump_attr *attr,
		      const char *word)
{
	char buffer[LIST_BYTES];
	const char *text = ss_tree_value_text(attr, buffer, sizeof(buffer));

	if (!*text || is_inherited(saying, attr))
		return;
	separate(saying->line);
	ss_text_line_format(saying->line, "%s%s", word ? word : "", word ? " " : "");
	ss_text_line_add(saying->line, text, VALUE_COLUMNS);
}

static void say_word(const struct saying *saying, const char *word, bool warning)
{
	separate(saying->line);
	if (warning)
		ss_text_line_colour(saying->line, SS_COLOUR_YELLOW);
	ss_text_line_add(saying->line, word, 0);
	ss_text_line_colour(saying->line, SS_COLOUR_DIM);
}

static void say_iterations(const struct saying *saying, const struct ss_dump_attr *attr,
			   const char *budget_key)
{
	struct ss_dump_attr budget;

	if (!ss_tree_content_attr(saying->content, budget_key, &budget) ||
	    budget.type != SS_DUMP_INT) {
		say_count(saying, attr, "iterations");
		return;
	}
	separate(saying->line);
	ss_text_line_format(saying->line, "%" PRId64 " of %" PRId64 " iteration%s", attr->integer,
			    budget.integer, budget.integer == 1 ? "" : "s");
}

static void say_passed(const struct saying *saying, const struct ss_dump_attr *attr,
		       const char *count_key)
{
	struct ss_dump_attr held, all;
	char text[80];

	if (!ss_tree_content_attr(saying->content, count_key, &held) ||
	    !ss_tree_content_attr(saying->content, "mellea.validation.requirement_count", &all) ||
	    held.type != SS_DUMP_INT || all.type != SS_DUMP_INT) {
		say_word(saying, attr->integer ? "passed" : "failed", !attr->integer);
		return;
	}
	if (!all.integer)
		return;
	snprintf(text, sizeof(text), "%" PRId64 " of %" PRId64 " passed", held.integer,
		 all.integer);
	say_word(saying, text, !attr->integer);
}

static void say(const struct saying *saying, const struct word *word,
		const struct ss_dump_attr *attr)
{
	switch (word->form) {
	case HIDE:
		break;
	case VALUE:
		say_value(saying, attr, word->word);
		break;
	case TEXT:
		say_text(saying, attr);
		break;
	case COUNT:
		say_count(saying, attr, word->word);
		break;
	case LENGTH:
		say_length(saying, attr, word->word);
		break;
	case FLAG:
		if (attr->type == SS_DUMP_BOOL && attr->integer && !is_inherited(saying, attr))
			say_word(saying, word->word, false);
		break;
	case FAILURE:
		if (attr->type == SS_DUMP_BOOL && !attr->integer)
			say_word(saying, word->word, true);
		break;
	case ITERATIONS:
		say_iterations(saying, attr, word->word);
		break;
	case PASSED:
		say_passed(saying, attr, word->word);
		break;
	case STATUS:
		if (!saying->content->span.error)
			say_value(saying, attr, word->word);
		break;
	}
}

/* Of an attribute that is in no table: whether it is worth its place on the line. */
static bool is_worth(const struct saying *saying, const struct ss_dump_attr *attr)
{
	static const char *const aside[] = { "thread.", "code.", "spanshim." };
	static const char *const telling[] = { "success", "succeeded", "passed", "valid", "ok" };
	size_t length = strlen(attr->key);
	unsigned i;

	for (i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
		if (!strncmp(attr->key, aside[i], strlen(aside[i])))
			return false;
	if (attr->type == SS_DUMP_BOOL && !attr->integer) {
		for (i = 0; i < sizeof(telling) / sizeof(telling[0]); i++)
			if (length >= strlen(telling[i]) &&
			    !strcmp(attr->key + length - strlen(telling[i]), telling[i]))
				return true;
		return false;
	}
	return attr->type != SS_DUMP_STRING || !is_inherited(saying, attr);
}

void ss_tree_words_pair(struct ss_text_line *line, const struct ss_dump_attr *attr,
			unsigned columns, bool brief)
{
	static const char *const known[] = { "mellea.", "gen_ai.", "exception." };
	char buffer[LIST_BYTES];
	const char *text = ss_tree_value_text(attr, buffer, sizeof(buffer));
	const char *key = attr->key, *dot = strrchr(key, '.');
	bool quote = attr->type == SS_DUMP_STRING && (!*text || strpbrk(text, " \t\n\""));
	unsigned i;

	for (i = 0; brief && dot && i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strncmp(key, known[i], strlen(known[i]))) {
			key = dot + 1;
			break;
		}
	}
	ss_text_line_add(line, key, 0);
	ss_text_line_add(line, quote ? "=\"" : "=", 0);
	ss_text_line_add(line, text, columns);
	ss_text_line_add(line, quote ? "\"" : "", 0);
}

void ss_tree_words_add(struct ss_text_line *line, struct ss_tree_contents *contents,
		       const struct ss_tree_content *content, unsigned depth)
{
	const struct saying saying = { line, contents, content, depth };
	bool generation = ss_tree_is_generation(content);
	const struct ss_dump_attr *others[OTHERS_SHOWN];
	unsigned count = 0, i;

	for (i = 0; i < content->attr_count; i++) {
		const struct ss_dump_attr *attr = &content->attrs[i];
		const struct word *word =
			bsearch(attr->key, words, sizeof(words) / sizeof(words[0]),
				sizeof(words[0]), compare_words);

		if (generation && ss_tree_generation_tells(content, attr->key))
			continue;
		if (word)
			say(&saying, word, attr);
		else if (count < OTHERS_SHOWN && is_worth(&saying, attr))
			others[count++] = attr;
	}
	for (i = 0; i < count; i++) {
		if (i)
			ss_text_line_add(line, " ", 0);
		else
			separate(line);
		ss_tree_words_pair(line, others[i], VALUE_COLUMNS, false);
	}
}
