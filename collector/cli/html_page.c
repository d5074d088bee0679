/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/html_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/html_cut.h"
#include "collector/cli/html_pack.h"
#include "collector/cli/html_rows.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_read.h"
#include "collector/json.h"

#define TEXT_CHARS (1u << 20)

struct head {
	struct ss_json json;
	bool comma;
};

void ss_html_page_text(const char *text, FILE *file)
{
	uint32_t code;
	size_t bytes;

	for (; *text; text += bytes) {
		bytes = ss_text_decode(text, &code);
		if (code == '&')
			fputs("&amp;", file);
		else if (code == '<')
			fputs("&lt;", file);
		else if (code == '>')
			fputs("&gt;", file);
		else if (code == '"')
			fputs("&quot;", file);
		else if (code == 0xfffd || ss_text_unsafe(code))
			fputs("\xef\xbf\xbd", file);
		else
			fwrite(text, 1, bytes, file);
	}
}

/* --- the head: what is known of all spans together --- */

static void add_key(struct head *head, const char *key)
{
	ss_json_raw(&head->json, head->comma ? ",\n\"" : "{\"");
	ss_json_bytes(&head->json, key, strlen(key));
	ss_json_raw(&head->json, "\":");
	head->comma = true;
}

static void add_string(struct head *head, const char *text)
{
	ss_json_string(&head->json, text, strlen(text), TEXT_CHARS);
}

static void add_number(struct head *head, const char *key, uint64_t number)
{
	add_key(head, key);
	ss_json_uint(&head->json, number);
}

static void add_strings(struct head *head, const char *key, const char *const *texts,
			uint64_t count)
{
	uint64_t i;

	add_key(head, key);
	ss_json_raw(&head->json, "[");
	for (i = 0; i < count; i++) {
		ss_json_raw(&head->json, i ? "," : "");
		add_string(head, texts[i]);
	}
	ss_json_raw(&head->json, "]");
}

static void add_losses(struct head *head, const struct ss_tree_loss *loss)
{
	add_key(head, "losses");
	ss_json_raw(&head->json, "[");
	for (; loss; loss = loss->next) {
		ss_json_raw(&head->json, "[");
		add_string(head, loss->what);
		ss_json_raw(&head->json, ",");
		ss_json_uint(&head->json, loss->count);
		ss_json_raw(&head->json, loss->next ? "]," : "]");
	}
	ss_json_raw(&head->json, "]");
}

/* [label, resource, scope]: the latter two are JSON in a string, as they stand in the dump. */
static void add_groups(struct head *head, const struct ss_tree *tree)
{
	uint32_t i;

	add_key(head, "groups");
	ss_json_raw(&head->json, "[");
	for (i = 0; i < tree->group_count; i++) {
		ss_json_raw(&head->json, i ? ",\n[" : "[");
		add_string(head, tree->groups[i].label);
		ss_json_raw(&head->json, ",");
		add_string(head, tree->groups[i].resource);
		ss_json_raw(&head->json, ",");
		add_string(head, tree->groups[i].scope);
		ss_json_raw(&head->json, "]");
	}
	ss_json_raw(&head->json, "]");
}

/* ["id", "start", duration, spans, errors, unfinished, missing, rows] */
static void add_trace(struct head *head, const struct ss_tree_trace *trace, uint32_t rows)
{
	const uint32_t counts[] = { trace->spans, trace->errors, trace->unfinished, trace->missing,
				    rows };
	unsigned i;

	ss_json_raw(&head->json, "[\"");
	ss_json_hex(&head->json, trace->hi);
	ss_json_hex(&head->json, trace->lo);
	ss_json_raw(&head->json, "\",\"");
	ss_json_uint(&head->json, trace->start_ns);
	ss_json_raw(&head->json, "\",");
	ss_json_uint(&head->json, trace->end_ns - trace->start_ns);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		ss_json_raw(&head->json, ",");
		ss_json_uint(&head->json, counts[i]);
	}
	ss_json_raw(&head->json, "]");
}

/* Each trace's rows, and its line in the head. */
static void add_traces(struct head *head, struct ss_html_rows *rows)
{
	const struct ss_tree *tree = &rows->reading->tree;
	uint32_t i;

	add_key(head, "traces");
	ss_json_raw(&head->json, "[");
	for (i = 0; i < tree->shown_trace_count; i++) {
		uint32_t at = tree->shown_traces[i];

		ss_json_raw(&head->json, i ? ",\n" : "");
		add_trace(head, &tree->traces[at], ss_html_rows_trace(rows, at));
	}
	ss_json_raw(&head->json, "]");
	ss_html_rows_flush(rows);
}

static void add_paths(struct head *head, const struct ss_tree_sources *sources)
{
	uint32_t i;

	add_key(head, "files");
	ss_json_raw(&head->json, "[");
	for (i = 0; i < sources->count; i++) {
		ss_json_raw(&head->json, i ? "," : "");
		add_string(head, sources->list[i]->path);
	}
	ss_json_raw(&head->json, "]");
}

static void write_data(struct ss_html_rows *rows, const struct ss_html_about *about,
		       struct head *head)
{
	const struct ss_tree_reading *reading = rows->reading;
	const struct ss_html_cut *cut = rows->cut;
	uint64_t more = ss_tree_read_more_troubles(reading);

	add_traces(head, rows);
	add_key(head, "version");
	add_string(head, SS_VERSION);
	add_key(head, "title");
	add_string(head, about->title);
	add_paths(head, &reading->sources);
	add_strings(head, "filters", about->filters, about->filter_count);
	add_groups(head, &reading->tree);
	add_losses(head, reading->tree.losses);
	add_strings(head, "troubles", reading->troubles, reading->trouble_count - more);
	add_number(head, "moreTroubles", more);
	add_number(head, "duplicates", reading->tree.duplicates);
	add_number(head, "unread", reading->contents.unread);
	add_number(head, "found", reading->tree.found);
	add_number(head, "beyondMemory", reading->tree.left_out);
	add_number(head, "cutSpans", cut->spans);
	add_number(head, "cutErrors", cut->errors);
	add_number(head, "cutLongest", cut->longest_ns);
	ss_json_raw(&head->json, "}");
	ss_html_pack_block(rows->pack, "head", 0, &head->json);
}

int ss_html_page_write(struct ss_tree_reading *reading, const struct ss_html_cut *cut,
		       const struct ss_html_about *about, FILE *file)
{
	struct ss_html_rows *rows = calloc(1, sizeof(*rows));
	struct ss_html_pack pack = { 0 };
	struct head head = { 0 };
	int r = -ENOMEM;

	if (rows && !ss_html_pack_init(&pack, file) && !ss_json_init(&head.json, 0) &&
	    !ss_html_rows_init(rows, reading, cut, &pack)) {
		fputs(ss_html_before_title, file);
		ss_html_page_text(about->title, file);
		fputs(ss_html_before_data, file);
		write_data(rows, about, &head);
		fputs(ss_html_after_data, file);
		r = pack.error;
	}
	if (rows)
		ss_html_rows_deinit(rows);
	free(rows);
	ss_json_deinit(&head.json);
	if (pack.file)
		ss_html_pack_deinit(&pack);
	return r;
}
