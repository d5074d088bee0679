/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of metrics: series, labels, values, limits, and what recovery makes of an arena that a
 * commit, a kill or damage left.
 */
#include "collector/metrics.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "collector/span.h"
#include "fixture.h"

#define TOKENS SS_INSTRUMENT_TOKEN_USAGE
#define CALLS  SS_INSTRUMENT_TOOL_CALLS
#define COST   SS_INSTRUMENT_LLM_COST

static struct fixture fixture;
static struct ss_image_view view, dead_view;
static struct ss_spans spans, dead_spans;
static struct ss_metrics *metrics;

static void ignore(void *context, const struct ss_span_view *span)
{
}

static void begin(void)
{
	const char *reason = "";

	fixture_make(&fixture, 1, 65536);
	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_spans_init(&spans, &view, ignore, NULL), 0);
	metrics = ss_metrics_new(&spans.arena);
	cr_assert_not_null(metrics);
}

static void end(void)
{
	ss_metrics_free(metrics);
	ss_spans_deinit(&spans);
	fixture_remove(&fixture);
}

static void commit(void)
{
	fixture.image->batch++;
	ss_spans_commit(&spans);
}

/* Another reader of the same file, as recovery is. */
static struct ss_metrics *recovered(void)
{
	const char *reason = "";
	struct ss_metrics *found;

	cr_assert_eq(ss_image_open(fixture.ring_path, &dead_view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_spans_init(&dead_spans, &dead_view, ignore, NULL), 0);
	found = ss_metrics_new(&dead_spans.arena);
	cr_assert_not_null(found);
	return found;
}

static void forget(struct ss_metrics *found)
{
	ss_metrics_free(found);
	ss_spans_deinit(&dead_spans);
	ss_image_close(&dead_view);
}

static void add(enum ss_instrument_id instrument, const char *text, double value)
{
	struct ss_label label = ss_label_text("name", text);

	ss_metrics_add(metrics, instrument, &label, 1, value);
}

/* "INSTRUMENT key=text ... sum;" of all series; texts quoted as they are. */
static const char *all(const struct ss_metrics *of)
{
	static char text[4096];
	struct ss_metric_series series;
	uint64_t cursor = 0;
	size_t used = 0;
	uint32_t i;

	text[0] = '\0';
	while (ss_metrics_next(of, &cursor, &series)) {
		used += (size_t)sprintf(text + used, "%u", series.instrument);
		for (i = 0; i < series.label_count; i++) {
			const struct ss_label *label = &series.labels[i];

			if (label->type == SS_LABEL_BOOL)
				used += (size_t)sprintf(text + used, " %s=%s", label->key,
							label->flag ? "true" : "false");
			else
				used += (size_t)sprintf(text + used, " %s=%.*s", label->key,
							(int)label->bytes, label->text);
		}
		used += (size_t)sprintf(text + used, " %g;", series.value->sum);
		cr_assert_lt(used, sizeof(text));
	}
	return text;
}

static uint32_t count_series(const struct ss_metrics *of, struct ss_metric_series *ret_last)
{
	uint64_t cursor = 0;
	uint32_t count = 0;

	while (ss_metrics_next(of, &cursor, ret_last))
		count++;
	return count;
}

Test(metrics, the_same_labels_are_one_series)
{
	char expected[128];

	begin();
	cr_expect_not(ss_metrics_changed(metrics, false));
	add(CALLS, "b", 1);
	add(CALLS, "a", 2);
	add(TOKENS, "a", 5);
	add(CALLS, "b", 3);
	ss_metrics_add(metrics, CALLS, NULL, 0, 7);
	snprintf(expected, sizeof(expected), "%d name=a 5;%d name=b 4;%d name=a 2;%d 7;", TOKENS,
		 CALLS, CALLS, CALLS);
	cr_expect_str_eq(all(metrics), expected);
	cr_expect(ss_metrics_changed(metrics, true));
	cr_expect_not(ss_metrics_changed(metrics, true));
	cr_expect_eq(ss_metrics_lost(metrics), 0);
	end();
}

Test(metrics, labels_of_any_bytes)
{
	static const char odd[] = "\0\xff\x80\n\"\\=\0";
	struct ss_label labels[] = {
		{ .key = "a", .text = odd, .bytes = sizeof(odd) },
		{ .key = "b", .text = "", .bytes = 0 },
		{ .key = "c", .type = SS_LABEL_BOOL, .flag = 1 },
		{ .key = "d", .type = SS_LABEL_BOOL },
		{ .key = "0123456789012345678901234567890123456789012345678901234567890123",
		  .text = "end",
		  .bytes = 3 },
	};
	struct ss_metric_series series;
	uint64_t cursor = 0;
	uint32_t i;

	begin();
	ss_metrics_add(metrics, CALLS, labels, 5, 1);
	labels[0].bytes--; /* another text */
	ss_metrics_add(metrics, CALLS, labels, 5, 1);
	labels[0].bytes++;
	ss_metrics_add(metrics, CALLS, labels, 5, 1);
	cr_assert(ss_metrics_next(metrics, &cursor, &series));
	cr_expect_eq(series.value->sum, 2);
	cr_assert_eq(series.label_count, 5);
	for (i = 0; i < 5; i++) {
		cr_expect_str_eq(series.labels[i].key, labels[i].key);
		cr_expect_eq(series.labels[i].type, labels[i].type);
		cr_expect_eq(series.labels[i].flag, labels[i].flag);
		cr_expect_eq(series.labels[i].bytes, labels[i].bytes);
		if (labels[i].bytes > 0)
			cr_expect_arr_eq(series.labels[i].text, labels[i].text, labels[i].bytes);
	}
	cr_expect(ss_metrics_next(metrics, &cursor, &series));
	cr_expect_not(ss_metrics_next(metrics, &cursor, &series));
	end();
}

Test(metrics, long_texts_are_cut_at_a_character)
{
	char text[2000];
	struct ss_label label = { .key = "name", .text = text, .bytes = sizeof(text) };
	struct ss_metric_series series;
	uint64_t cursor = 0;

	begin();
	memset(text, 'x', sizeof(text));
	memcpy(text + SS_LABEL_TEXT_MAX - 2, "\xf0\x9f\x98\x80", 4);
	ss_metrics_add(metrics, CALLS, &label, 1, 1);
	text[SS_LABEL_TEXT_MAX + 5] = 'y'; /* behind the cut: the same series */
	ss_metrics_add(metrics, CALLS, &label, 1, 1);
	memset(text, 0x80, sizeof(text)); /* no character begins anywhere */
	ss_metrics_add(metrics, CALLS, &label, 1, 1);
	cr_assert(ss_metrics_next(metrics, &cursor, &series));
	cr_expect_eq(series.labels[0].bytes, SS_LABEL_TEXT_MAX - 2);
	cr_expect_eq(series.value->sum, 2);
	cr_assert(ss_metrics_next(metrics, &cursor, &series));
	cr_expect_eq(series.labels[0].bytes, SS_LABEL_TEXT_MAX);
	end();
}

Test(metrics, bounds_are_inclusive)
{
	const struct ss_instrument *instrument = &ss_instruments[TOKENS];
	struct ss_metric_series series;
	uint64_t cursor = 0;
	uint32_t i, n = instrument->bound_count;

	begin();
	for (i = 0; i < n; i++) {
		add(TOKENS, "a", instrument->bounds[i]);
		add(TOKENS, "a", nextafter(instrument->bounds[i], INFINITY));
	}
	add(TOKENS, "a", 0);
	cr_assert(ss_metrics_next(metrics, &cursor, &series));
	cr_expect_eq(series.value->count, 2 * n + 1);
	cr_expect_eq(series.value->buckets[0], 2);
	for (i = 1; i < n; i++)
		cr_expect_eq(series.value->buckets[i], 2, "bucket %u", i);
	cr_expect_eq(series.value->buckets[n], 1);
	cr_expect_eq(series.value->min, 0);
	cr_expect_eq(series.value->max, nextafter(instrument->bounds[n - 1], INFINITY));
	end();
}

Test(metrics, the_table_is_complete)
{
	uint32_t i, k;

	for (i = 1; i < SS_INSTRUMENTS; i++) {
		const struct ss_instrument *instrument = &ss_instruments[i];

		cr_assert_not_null(instrument->name, "%u", i);
		cr_assert_not_null(instrument->description);
		cr_assert_not_null(instrument->unit);
		cr_expect_eq(instrument->is_framework,
			     instrument->scope == ss_instrument_scope_mellea);
		cr_expect_eq(instrument->bound_count > 0,
			     instrument->kind == SS_INSTRUMENT_HISTOGRAM);
		cr_assert_leq(instrument->bound_count, SS_BOUNDS_MAX);
		for (k = 1; k < instrument->bound_count; k++)
			cr_expect_lt(instrument->bounds[k - 1], instrument->bounds[k]);
	}
	cr_expect_eq(ss_instruments[SS_INSTRUMENT_ENTRY_DURATION].bound_count, 22);
	cr_expect_eq(ss_instruments[SS_INSTRUMENT_ENTRY_DURATION].bounds[0], 1e-6);
	cr_expect_eq(ss_instruments[SS_INSTRUMENT_ENTRY_DURATION].bounds[21], 10);
}

Test(metrics, what_is_no_measurement)
{
	begin();
	add(TOKENS, "a", -1);
	add(TOKENS, "a", NAN);
	add(TOKENS, "a", INFINITY);
	add(COST, "a", -0.5);
	cr_expect_not(ss_metrics_changed(metrics, false));
	cr_expect_eq(ss_metrics_lost(metrics), 0);
	end();
}

Test(metrics, too_many_series_overflow)
{
	struct ss_metric_series series;
	char text[16], expected[64];
	uint32_t i;

	begin();
	for (i = 0; i < SS_SERIES_MAX + 500; i++) {
		snprintf(text, sizeof(text), "%u", i);
		add(CALLS, text, 1);
		if (i % 100 == 0)
			commit();
	}
	add(CALLS, "0", 1);  /* known before */
	add(TOKENS, "0", 3); /* another instrument */
	cr_expect_eq(count_series(metrics, &series), SS_SERIES_MAX + 1);
	snprintf(expected, sizeof(expected), "otel.metric.overflow");
	cr_expect_str_eq(series.labels[0].key, expected);
	cr_expect_eq(series.label_count, 1);
	cr_expect_eq(series.labels[0].type, SS_LABEL_BOOL);
	cr_expect_eq(series.labels[0].flag, 1);
	cr_expect_eq(series.value->sum, 501);
	cr_expect_eq(ss_metrics_lost(metrics), 0);
	end();
}

Test(metrics, without_memory_losses_are_counted)
{
	char before[256];

	begin();
	add(CALLS, "a", 1);
	commit();
	snprintf(before, sizeof(before), "%s", all(metrics));
	spans.arena.free = SS_NO_BLOCK;
	spans.arena.chunk_count = SS_CHUNKS_MAX;
	add(CALLS, "a", 1); /* no block for a new value */
	add(CALLS, "b", 1); /* none for a series */
	cr_expect_eq(ss_metrics_lost(metrics), 2);
	cr_expect_str_eq(all(metrics), before);
	spans.arena.chunk_count = 1;
	end();
}

Test(metrics, recovery_finds_what_was_committed)
{
	struct ss_metrics *found;
	char committed[512], now[512];
	uint32_t i, k;

	begin();
	found = recovered();
	cr_expect_str_eq(all(found), "");
	cr_expect_not(ss_metrics_changed(found, false));
	forget(found);
	for (i = 0; i < 20; i++) {
		/* The first and the last are as they were committed before. */
		snprintf(committed, sizeof(committed), "%s", all(metrics));
		add(CALLS, "a", 1);
		add(TOKENS, "b", 100);
		add(COST, "c", 0.125);
		if (i == 10)
			add(CALLS, "late", 1);
		found = recovered();
		cr_expect_str_eq(all(found), committed, "epoch %u", i);
		cr_expect_eq(ss_metrics_changed(found, false), i > 0);
		cr_expect_eq(ss_metrics_lost(found), 0);
		forget(found);
		/* That undid the batch in the file, as a dead image's recovery would. */
		end();
		begin();
		for (k = 0; k <= i; k++) {
			add(CALLS, "a", 1);
			add(TOKENS, "b", 100);
			add(COST, "c", 0.125);
			if (k == 10)
				add(CALLS, "late", 1);
			commit();
		}
		snprintf(now, sizeof(now), "%s", all(metrics));
		found = recovered();
		cr_expect_str_eq(all(found), now);
		forget(found);
	}
	end();
}

/* Recovery goes on from what it found, and can be killed and run again. */
Test(metrics, recovery_goes_on)
{
	struct ss_label label = ss_label_text("name", "a");
	struct ss_metrics *found;
	char expected[64];

	begin();
	add(CALLS, "a", 1);
	commit();
	found = recovered();
	ss_metrics_add(found, CALLS, &label, 1, 5);
	forget(found); /* killed before its commit */
	found = recovered();
	ss_metrics_add(found, CALLS, &label, 1, 7);
	dead_view.image->batch++;
	ss_spans_commit(&dead_spans);
	ss_metrics_add(found, CALLS, &label, 1, 9);
	forget(found);
	found = recovered();
	snprintf(expected, sizeof(expected), "%d name=a 8;", CALLS);
	cr_expect_str_eq(all(found), expected);
	forget(found);
	end();
}

static struct ss_block *find_block(uint32_t kind, uint32_t which)
{
	uint32_t i;

	for (i = 0; i < ss_arena_count(&spans.arena); i++) {
		struct ss_block *block = ss_arena_block(&spans.arena, i);

		if (block->born != 0 && block->freed == 0 && block->kind == kind && which-- == 0)
			return block;
	}
	cr_assert_fail("no such block");
	return NULL;
}

/* Three series, one with a chain of blocks; then one is damaged, and the others must be there. */
static void damaged(void (*damage)(void), const char *expected, uint64_t lost, uint64_t dropped)
{
	char text[900], known[2048];
	struct ss_metrics *found;

	begin();
	memset(text, 'l', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	add(CALLS, "a", 1);
	add(CALLS, text, 2);
	add(COST, "c", 3);
	commit();
	damage();
	found = recovered();
	snprintf(known, sizeof(known), "%s", all(found));
	if (strchr(expected, 'l') == NULL)
		cr_expect_str_eq(known, expected);
	else
		cr_expect_not_null(strstr(known, text));
	cr_expect_eq(ss_metrics_lost(found), lost, "%llu",
		     (unsigned long long)ss_metrics_lost(found));
	cr_expect_eq(dead_spans.series_damaged, dropped);
	forget(found);
	end();
}

static void nothing(void)
{
}

static void bad_instrument(void)
{
	((struct ss_series_block *)find_block(SS_BLOCK_SERIES, 1))->instrument = SS_INSTRUMENTS;
}

static void no_instrument(void)
{
	((struct ss_series_block *)find_block(SS_BLOCK_SERIES, 1))->instrument = 0;
}

static void bad_length(void)
{
	((struct ss_series_block *)find_block(SS_BLOCK_SERIES, 1))->bytes = UINT32_MAX;
}

static void short_chain(void)
{
	((struct ss_series_block *)find_block(SS_BLOCK_SERIES, 1))->bytes += 2000;
}

static void cycle(void)
{
	struct ss_block *block = find_block(SS_BLOCK_DATA, 1);

	block->next = find_block(SS_BLOCK_SERIES, 1)->next;
}

static void bad_next(void)
{
	find_block(SS_BLOCK_DATA, 0)->next = 5000;
}

static void bad_head(void)
{
	((struct ss_series_block *)find_block(SS_BLOCK_SERIES, 1))->data[4] ^= 0x55;
}

static void bad_type(void)
{
	((struct ss_series_block *)find_block(SS_BLOCK_SERIES, 1))->data[2] = 9;
}

static void key_without_end(void)
{
	((struct ss_series_block *)find_block(SS_BLOCK_SERIES, 1))->data[12] = 'x';
}

static void no_value(void)
{
	find_block(SS_BLOCK_VALUE, 1)->next = SS_NO_BLOCK;
}

static void two_values(void)
{
	find_block(SS_BLOCK_VALUE, 1)->next = find_block(SS_BLOCK_VALUE, 0)->next;
}

static void twice(void)
{
	struct ss_series_block *a = (void *)find_block(SS_BLOCK_SERIES, 0);
	struct ss_series_block *b = (void *)find_block(SS_BLOCK_SERIES, 1);

	b->instrument = a->instrument;
	b->bytes = a->bytes;
	memcpy(b->data, a->data, sizeof(a->data));
}

Test(metrics, hostile_blocks)
{
	char rest[64];

	snprintf(rest, sizeof(rest), "%d name=c 3;%d name=a 1;", COST, CALLS);
	damaged(nothing, "all", 0, 0);
	damaged(bad_instrument, rest, 1, 0);
	damaged(no_instrument, rest, 1, 0);
	damaged(bad_length, rest, 0, 1);
	damaged(short_chain, rest, 0, 1);
	damaged(cycle, rest, 0, 1);
	damaged(bad_next, rest, 0, 1);
	damaged(bad_head, rest, 1, 0);
	damaged(bad_type, rest, 1, 0);
	damaged(key_without_end, rest, 1, 0);
	damaged(no_value, rest, 1, 0);
	damaged(two_values, rest, 1, 0);
	damaged(twice, rest, 1, 0);
}
