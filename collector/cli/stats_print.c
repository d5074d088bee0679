/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_print.h"

#include <inttypes.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/stats_model.h"
#include "collector/cli/stats_table.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *const ss_stats_outcome_words[SS_STATS_OUTCOMES] = {
	[SS_STATS_SAMPLING] = "sampling",
	[SS_STATS_REQUIREMENT] = "requirements",
	[SS_STATS_QUICK_CHECK] = "quick checks",
	[SS_STATS_FULL_VALIDATION] = "full validations",
	[SS_STATS_TOOL] = "tool",
};

struct printer {
	const struct ss_stats *stats;
	const struct ss_stats_style *style;
	struct ss_stats_table table;
	struct ss_text_line line;
	bool any; /* something was printed: a blank line comes before what follows */
	int error;
};

static void separate(struct printer *printer)
{
	if (printer->any)
		fputc('\n', printer->style->file);
	printer->any = true;
}

static void end_line(struct printer *printer)
{
	ss_text_line_print(&printer->line, printer->style->colour, printer->style->file);
	ss_text_line_reset(&printer->line);
}

static void print_table(struct printer *printer)
{
	int r;

	if (printer->table.count)
		separate(printer);
	r = ss_stats_table_print(&printer->table);
	printer->error = printer->error ? printer->error : r;
}

/* --- cells --- */

/* Never all or nothing unless it is. */
static void percent_cell(struct ss_stats_table *table, uint64_t part, uint64_t total)
{
	double percent = total ? 100 * (double)part / (double)total : 0;

	if (part && percent < 0.1)
		percent = 0.1;
	if (part < total && percent > 99.9)
		percent = 99.9;
	ss_stats_table_cell(table, part == 0 || part == total ? "%.0f%%" : "%.1f%%", percent);
}

static void count_cell(struct ss_stats_table *table, uint64_t count, bool show)
{
	if (show)
		ss_stats_table_cell(table, "%" PRIu64, count);
	else
		ss_stats_table_none(table);
}

static void duration_cell(struct ss_stats_table *table, uint64_t ns, bool show)
{
	if (show)
		ss_stats_table_duration(table, "", ns);
	else
		ss_stats_table_none(table);
}

static void percentile_cells(struct ss_stats_table *table,
			     const struct ss_stats_histogram *histogram)
{
	static const double percents[] = { 50, 95, 99 };
	unsigned i;

	for (i = 0; i < COUNT(percents); i++)
		duration_cell(table, ss_stats_histogram_percentile(histogram, percents[i]),
			      histogram->count);
}

/* Total, count, percentiles, max, unfinished, errors and their part of all. */
static void row_cells(struct ss_stats_table *table, const struct ss_stats_row *row)
{
	duration_cell(table, ss_stats_histogram_total(&row->duration), row->count);
	count_cell(table, row->count, true);
	percentile_cells(table, &row->duration);
	duration_cell(table, row->duration.max, row->count);
}

static void error_cells(struct ss_stats_table *table, const struct ss_stats_row *row)
{
	count_cell(table, row->unfinished, row->unfinished);
	count_cell(table, row->errors, true);
	if (row->errors)
		percent_cell(table, row->errors, row->count);
	else
		ss_stats_table_none(table);
}

/* --- spans --- */

static void print_header(struct printer *printer)
{
	const struct ss_stats *stats = printer->stats;
	const char *dot = printer->style->utf8 ? " \xc2\xb7 " : " - ";
	struct ss_text_line *line = &printer->line;

	separate(printer);
	ss_text_line_format(line, "%" PRIu64 " span%s over ", stats->spans,
			    stats->spans == 1 ? "" : "s");
	ss_text_line_duration(
		line, stats->end_ns > stats->start_ns ? stats->end_ns - stats->start_ns : 0, 0);
	ss_text_line_add(line, dot, 0);
	ss_text_line_format(line, "%" PRIu64 " error%s", stats->errors,
			    stats->errors == 1 ? "" : "s");
	if (stats->unfinished) {
		ss_text_line_add(line, dot, 0);
		ss_text_line_format(line, "%" PRIu64 " unfinished", stats->unfinished);
	}
	end_line(printer);
}

static void print_names(struct printer *printer)
{
	static const struct ss_stats_column columns[] = {
		{ "total", 3 }, { "count", 0 },      { "p50", 0 },    { "p95", 4 },  { "p99", 2 },
		{ "max", 1 },   { "unfinished", 5 }, { "errors", 0 }, { "err%", 6 }, { "span", 0 },
	};
	struct ss_stats_table *table = &printer->table;
	uint32_t i;

	ss_stats_table_init(table, printer->style, columns, COUNT(columns));
	table->red_from = 7;
	for (i = 0; i < printer->stats->names.count; i++) {
		const struct ss_stats_row *row = printer->stats->names.rows[i];

		ss_stats_table_begin(table);
		row_cells(table, row);
		error_cells(table, row);
		ss_stats_table_end(table, row->name, row->errors);
	}
	print_table(printer);
}

static void print_models(struct printer *printer)
{
	static const struct ss_stats_column columns[] = {
		{ "total", 7 },    { "calls", 0 },     { "p50", 2 },       { "p95", 6 },
		{ "p99", 8 },      { "max", 5 },       { "tokens in", 0 }, { "out", 0 },
		{ "tokens/s", 1 }, { "first p50", 3 }, { "first p95", 4 }, { "unfinished", 9 },
		{ "errors", 0 },   { "model", 0 },
	};
	struct ss_stats_table *table = &printer->table;
	uint32_t i;

	ss_stats_table_init(table, printer->style, columns, COUNT(columns));
	table->red_from = 12;
	for (i = 0; i < printer->stats->models.count; i++) {
		const struct ss_stats_row *row = printer->stats->models.rows[i];
		double speed = ss_stats_speed(row);

		ss_stats_table_begin(table);
		row_cells(table, row);
		count_cell(table, row->input_tokens, row->with_tokens);
		count_cell(table, row->output_tokens, row->with_tokens);
		if (speed > 0)
			ss_stats_table_cell(table, speed < 1000 ? "%.3g" : "%.0f", speed);
		else
			ss_stats_table_none(table);
		duration_cell(table, ss_stats_histogram_percentile(&row->first_chunk, 50),
			      row->first_chunk.count);
		duration_cell(table, ss_stats_histogram_percentile(&row->first_chunk, 95),
			      row->first_chunk.count);
		count_cell(table, row->unfinished, row->unfinished);
		count_cell(table, row->errors, true);
		ss_stats_table_end(table, row->name, row->errors);
	}
	print_table(printer);
}

static void print_outcomes(struct printer *printer, const struct ss_stats_set *set)
{
	static const struct ss_stats_column columns[] = {
		{ "passed", 0 }, { "of", 0 }, { "rate", 0 }, { "outcome", 0 }
	};
	const char *dot = printer->style->utf8 ? " \xc2\xb7 " : " - ";
	struct ss_stats_table *table = &printer->table;
	char name[400];
	uint32_t i;

	ss_stats_table_init(table, printer->style, columns, COUNT(columns));
	for (i = 0; i < set->count; i++) {
		const struct ss_stats_outcome *outcome = set->rows[i];

		ss_stats_table_begin(table);
		count_cell(table, outcome->passed, true);
		count_cell(table, outcome->total, true);
		percent_cell(table, outcome->passed, outcome->total);
		snprintf(name, sizeof(name), "%s%s%s", ss_stats_outcome_words[outcome->kind],
			 *outcome->name ? dot : "", outcome->name);
		ss_stats_table_end(table, name, false);
	}
	print_table(printer);
}

/* --- metrics --- */

/* In the unit's own words; units in braces only name what is counted. */
static void value_cell(struct ss_stats_table *table, const struct ss_stats_series *series,
		       const char *before, double value)
{
	const char *unit = series->unit;
	double ns = !strcmp(unit, "s") ? value * 1e9 : !strcmp(unit, "ms") ? value * 1e6 : -1;
	bool whole = value > -1e15 && value < 1e15 && value == (double)(int64_t)value;

	if (ns >= 0 && ns < 9e18)
		ss_stats_table_duration(table, before, (uint64_t)(ns + 0.5));
	else if (*unit == '{' || !*unit || !strcmp(unit, "1"))
		ss_stats_table_cell(table, whole ? "%s%.0f" : "%s%.4g", before, value);
	else
		ss_stats_table_cell(table, whole ? "%s%.0f %.20s" : "%s%.4g %.20s", before, value,
				    unit);
}

static void series_name(const struct ss_stats_series *series, char *text, size_t bytes)
{
	size_t used = (size_t)snprintf(text, bytes, "%s", series->name);
	uint32_t i;

	for (i = 0; i < series->label_count && used < bytes; i++)
		used += (size_t)snprintf(text + used, bytes - used, " %s=%s", series->labels[i].key,
					 series->labels[i].text);
}

static void bound_cells(struct ss_stats_table *table, const struct ss_stats_series *series)
{
	static const double percents[] = { 50, 95, 99 };
	const char *at_most = table->style->utf8 ? "\xe2\x89\xa4" : "<=";
	double value;
	unsigned i;

	for (i = 0; i < COUNT(percents); i++) {
		if (ss_stats_series_percentile(series, percents[i], &value))
			value_cell(table, series, at_most, value);
		else
			ss_stats_table_none(table);
	}
}

static bool is_number(const struct ss_stats_series *series)
{
	return series->kind == SS_DUMP_SUM || series->kind == SS_DUMP_GAUGE;
}

static void print_distributions(struct printer *printer)
{
	static const struct ss_stats_column columns[] = {
		{ "sum", 1 }, { "count", 0 }, { "mean", 0 }, { "p50", 2 },
		{ "p95", 3 }, { "p99", 4 },   { "max", 5 },  { "histogram", 0 },
	};
	struct ss_stats_table *table = &printer->table;
	char name[2048];
	uint32_t i;

	ss_stats_table_init(table, printer->style, columns, COUNT(columns));
	table->name_width = 60;
	for (i = 0; i < printer->stats->series.count; i++) {
		const struct ss_stats_series *series = printer->stats->series.rows[i];

		if (is_number(series) || !series->resources)
			continue;
		ss_stats_table_begin(table);
		if (series->has_sum)
			value_cell(table, series, "", series->sum);
		else
			ss_stats_table_none(table);
		count_cell(table, series->count, true);
		if (series->has_sum && series->count)
			value_cell(table, series, "", series->sum / (double)series->count);
		else
			ss_stats_table_none(table);
		bound_cells(table, series);
		if (series->has_max)
			value_cell(table, series, "", series->max);
		series_name(series, name, sizeof(name));
		ss_stats_table_end(table, name, false);
	}
	print_table(printer);
}

static void print_numbers(struct printer *printer, enum ss_dump_metric kind, const char *title)
{
	const struct ss_stats_column columns[] = { { "value", 0 }, { title, 0 } };
	struct ss_stats_table *table = &printer->table;
	char name[2048];
	uint32_t i;

	ss_stats_table_init(table, printer->style, columns, COUNT(columns));
	for (i = 0; i < printer->stats->series.count; i++) {
		const struct ss_stats_series *series = printer->stats->series.rows[i];

		if (series->kind != kind || !series->resources)
			continue;
		ss_stats_table_begin(table);
		value_cell(table, series, "", series->sum);
		series_name(series, name, sizeof(name));
		ss_stats_table_end(table, name, false);
	}
	print_table(printer);
}

static void print_metrics(struct printer *printer)
{
	const struct ss_stats *stats = printer->stats;

	separate(printer);
	ss_text_line_format(&printer->line, "%u metric series of %u process%s", stats->series.count,
			    stats->resources.count, stats->resources.count == 1 ? "" : "es");
	end_line(printer);
	print_distributions(printer);
	print_numbers(printer, SS_DUMP_SUM, "counter");
	print_numbers(printer, SS_DUMP_GAUGE, "gauge");
	print_outcomes(printer, &stats->metric_outcomes);
}

/* --- what is missing --- */

static void print_losses(struct printer *printer)
{
	const struct ss_stats *stats = printer->stats;
	const struct ss_stats_loss *loss;

	if (stats->losses || stats->left_out)
		separate(printer);
	for (loss = stats->losses; loss; loss = loss->next) {
		ss_text_line_colour(&printer->line, SS_COLOUR_RED);
		ss_text_line_format(&printer->line, "events lost: %s %" PRIu64, loss->what,
				    loss->count);
		end_line(printer);
	}
	if (stats->left_out) {
		ss_text_line_format(&printer->line,
				    "too many series: %" PRIu64 " data points are left out",
				    stats->left_out);
		end_line(printer);
	}
}

static void print_troubles(struct printer *printer)
{
	const struct ss_stats *stats = printer->stats;
	uint64_t shown = stats->trouble_count < SS_STATS_TROUBLES_MAX ? stats->trouble_count
								      : SS_STATS_TROUBLES_MAX,
		 i;
	char text[1024];

	if (shown)
		separate(printer);
	for (i = 0; i < shown; i++) {
		snprintf(text, sizeof(text), "%.800s:%" PRIu64 ": %s", stats->troubles[i].file,
			 stats->troubles[i].line, stats->troubles[i].what);
		ss_cli_print(printer->style->file, text);
	}
	if (stats->trouble_count > shown)
		fprintf(printer->style->file, "%" PRIu64 " more lines that could not be read\n",
			stats->trouble_count - shown);
}

int ss_stats_print(const struct ss_stats *stats, const struct ss_stats_style *style)
{
	struct printer printer = { .stats = stats, .style = style };

	printer.line.utf8 = style->utf8;
	printer.line.width = style->width;
	if (stats->spans) {
		print_header(&printer);
		print_names(&printer);
		print_models(&printer);
		print_outcomes(&printer, &stats->outcomes);
	}
	if (stats->series.count)
		print_metrics(&printer);
	if (!printer.any && !stats->trouble_count) {
		fputs("no spans and no metrics\n", style->file);
		printer.any = true;
	}
	print_losses(&printer);
	print_troubles(&printer);
	return printer.error;
}
