/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/stats_model.h"
#include "collector/cli/progress.h"
#include "collector/dump.h"
#include "collector/dump_metrics.h"

#define LOSS_PREFIX "spanshim.dropped."

struct reading {
	struct ss_stats *stats;
	const char *path;
	int error;
};

static void add_loss(struct reading *reading, const char *what, uint64_t count)
{
	struct ss_stats *stats = reading->stats;
	struct ss_stats_loss **link = &stats->losses;

	while (*link && strcmp((*link)->what, what) != 0)
		link = &(*link)->next;
	if (!*link)
		*link = ss_bump_alloc(&stats->memory, sizeof(**link));
	if (*link && !(*link)->what)
		(*link)->what = ss_stats_set_text(&stats->memory, what);
	if (!*link || !(*link)->what)
		reading->error = -ENOMEM;
	else
		(*link)->count += count;
}

/* A process tells what it lost on its last line of spans and on its last ones of metrics: once
 * counts. */
static void on_loss(struct reading *reading, uint64_t resource, const char *what, uint64_t count)
{
	struct ss_stats *stats = reading->stats;
	void *row = NULL;
	uint64_t *told;
	int r = ss_stats_set_find(&stats->reported, &stats->memory,
				  ss_dump_hash_text(resource, what), sizeof(*told),
				  SS_STATS_POINTS_MAX, &row);

	told = r < 0 ? NULL : row;
	if (r == -ENOMEM)
		reading->error = r;
	if (told && *told >= count)
		return;
	add_loss(reading, what, count - (told ? *told : 0));
	if (told)
		*told = count;
}

static void on_resource(void *data, const struct cJSON *attributes)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;

	while (ss_dump_read_attr(attributes, &cursor, &attr)) {
		if (attr.type == SS_DUMP_INT && attr.integer > 0 &&
		    !strncmp(attr.key, LOSS_PREFIX, strlen(LOSS_PREFIX)))
			on_loss(data, ss_dump_resource_key(attributes),
				attr.key + strlen(LOSS_PREFIX), (uint64_t)attr.integer);
	}
}

static int on_span(void *data, const struct ss_dump_span *span)
{
	return ss_stats_add_span(((struct reading *)data)->stats, span);
}

static int on_point(void *data, const struct ss_dump_point *point)
{
	return ss_stats_add_point(((struct reading *)data)->stats, point);
}

static int note(struct reading *reading, const struct ss_dump_line *line, const char *what)
{
	struct ss_stats *stats = reading->stats;
	struct ss_stats_trouble *trouble;

	if (stats->trouble_count++ >= SS_STATS_TROUBLES_MAX)
		return 0;
	trouble = &stats->troubles[stats->trouble_count - 1];
	trouble->file = reading->path;
	trouble->line = line->number;
	trouble->what = ss_bump_text(&stats->memory, what, strlen(what));
	return trouble->what ? 0 : -ENOMEM;
}

static int read_json(struct reading *reading, const struct ss_dump_line *line, const cJSON *json)
{
	const struct ss_dump_visitor spans = { on_resource, on_span, reading };
	const struct ss_dump_metrics_visitor metrics = { on_resource, on_point, reading };
	int unread_spans = ss_dump_walk(json, &spans), unread_points;
	char what[120];

	if (unread_spans < 0 && unread_spans != -EBADMSG)
		return unread_spans;
	unread_points = ss_dump_walk_metrics(json, &metrics);
	if (unread_points < 0 && unread_points != -EBADMSG)
		return unread_points;
	if (reading->error)
		return reading->error;
	if (unread_spans < 0 && unread_points < 0)
		return note(reading, line, "no resourceSpans and no resourceMetrics");
	if (unread_spans > 0) {
		snprintf(what, sizeof(what), "%d span%s without a proper name, id or time",
			 unread_spans, unread_spans == 1 ? "" : "s");
		return note(reading, line, what);
	}
	if (unread_points <= 0)
		return 0;
	snprintf(what, sizeof(what), "%d data point%s without a proper name, time or value",
		 unread_points, unread_points == 1 ? "" : "s");
	return note(reading, line, what);
}

static int read_line(struct reading *reading, const struct ss_dump_line *line)
{
	cJSON *json;
	char what[80];
	size_t byte;
	int r;

	reading->stats->lines++;
	if (line->too_long)
		return note(reading, line, "line too long to be read");
	if (ss_dump_parse(line, &json, &byte)) {
		if (!line->ended)
			return note(reading, line, "the last line is cut off");
		snprintf(what, sizeof(what), "not JSON at byte %zu", byte + 1);
		return note(reading, line, what);
	}
	r = read_json(reading, line, json);
	cJSON_Delete(json);
	return r;
}

int ss_stats_read(struct ss_stats *stats, const char *path)
{
	struct reading reading = { .stats = stats, .path = path };
	struct ss_progress progress = { 0 };
	struct ss_dump_reader reader;
	struct ss_dump_line line;
	int r = ss_dump_open(path, &reader);

	if (r)
		return r;
	ss_progress_start(&progress, path, reader.fd);
	while ((r = ss_dump_next(&reader, &line)) == 1) {
		r = read_line(&reading, &line);
		if (r)
			break;
		ss_progress_show(&progress, reader.bytes);
	}
	ss_progress_end(&progress);
	ss_dump_close(&reader);
	return r;
}
