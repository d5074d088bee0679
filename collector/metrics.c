/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/spanmap.h"

#define MORE_BYTES ((uint32_t)sizeof(((struct ss_block *)0)->data))

/* What there is to look a series up; found again in the arena by recovery. */
struct series {
	uint32_t block, value; /* of the arena */
	uint32_t instrument;
	uint32_t next;        /* of the same instrument: number plus 1; 0: none */
	uint32_t text, bytes; /* the labels, in `texts` */
};

struct ss_metrics {
	struct ss_buffer memory; /* of this struct */
	struct ss_arena *arena;
	struct ss_spanmap map;   /* hash -> number */
	struct ss_buffer series; /* struct series[count] */
	struct ss_buffer texts;
	uint32_t count, text_bytes;
	uint32_t firsts[SS_INSTRUMENTS], lasts[SS_INSTRUMENTS]; /* numbers plus 1 */
	uint32_t counts[SS_INSTRUMENTS];
	uint64_t lost;
	bool changed;
};

static const struct ss_label overflow = { .key = "otel.metric.overflow",
					  .type = SS_LABEL_BOOL,
					  .flag = 1 };

static struct series *series_at(const struct ss_metrics *metrics, uint32_t number)
{
	return (struct series *)metrics->series.base + number;
}

static char *text_at(const struct ss_metrics *metrics, uint32_t at)
{
	return (char *)metrics->texts.base + at;
}

static struct ss_metric_value *value_in(const struct ss_metrics *metrics, uint32_t block)
{
	return (struct ss_metric_value *)ss_arena_block(metrics->arena, block)->data;
}

/* --- series --- */

/* Room for one more series' labels. */
static int reserve_text(struct ss_metrics *metrics)
{
	return ss_buffer_reserve(&metrics->texts, metrics->text_bytes + SS_LABELS_BYTES_MAX);
}

/* The number of the series with the labels at the end of the texts, or SS_NO_SERIES; then *ret_hash
 * is where it belongs. */
static uint32_t find(const struct ss_metrics *metrics, uint32_t instrument, uint32_t bytes,
		     uint64_t *ret_hash)
{
	const char *text = text_at(metrics, metrics->text_bytes);
	uint64_t hash = ss_labels_hash(text, bytes) ^ (uint64_t)instrument << 32;
	const struct ss_spanmap_slot *slot;

	while ((slot = ss_spanmap_find(&metrics->map, hash)) != NULL) {
		const struct series *series = series_at(metrics, (uint32_t)slot->value);

		if (series->instrument == instrument && series->bytes == bytes &&
		    memcmp(text_at(metrics, series->text), text, bytes) == 0)
			return (uint32_t)slot->value;
		hash += 2;
	}
	*ret_hash = hash;
	return SS_NO_SERIES;
}

/* Enters a series whose labels are at the end of the texts. SS_NO_SERIES: no memory. */
static uint32_t enter(struct ss_metrics *metrics, uint64_t hash, const struct series *series)
{
	uint32_t number = metrics->count, *last = &metrics->lasts[series->instrument];

	if (ss_buffer_reserve(&metrics->series, (number + 1) * sizeof(*series)) != 0 ||
	    ss_spanmap_add(&metrics->map, hash, number) != 0)
		return SS_NO_SERIES;
	*series_at(metrics, number) = *series;
	if (*last != 0)
		series_at(metrics, *last - 1)->next = number + 1;
	else
		metrics->firsts[series->instrument] = number + 1;
	*last = ++metrics->count;
	metrics->counts[series->instrument]++;
	metrics->text_bytes += series->bytes;
	return number;
}

static void give_chain(struct ss_arena *arena, uint32_t index)
{
	while (index != SS_NO_BLOCK) {
		uint32_t next = ss_arena_block(arena, index)->next;

		ss_arena_give(arena, index);
		index = next;
	}
}

/* The blocks that hold the series' text, or SS_NO_BLOCK. */
static uint32_t make_chain(struct ss_arena *arena, uint32_t instrument, const char *text,
			   uint32_t bytes)
{
	uint32_t first = ss_arena_take(arena, SS_BLOCK_SERIES), last = first;
	uint32_t part = bytes < SS_SERIES_HEAD_BYTES ? bytes : SS_SERIES_HEAD_BYTES;
	struct ss_series_block *head;

	if (first == SS_NO_BLOCK)
		return SS_NO_BLOCK;
	head = (struct ss_series_block *)ss_arena_block(arena, first);
	head->instrument = instrument;
	head->bytes = bytes;
	memcpy(head->data, text, part);
	for (bytes -= part; bytes > 0; bytes -= part) {
		uint32_t index = ss_arena_take(arena, SS_BLOCK_DATA);

		if (index == SS_NO_BLOCK) {
			give_chain(arena, first);
			return SS_NO_BLOCK;
		}
		text += part;
		part = bytes < MORE_BYTES ? bytes : MORE_BYTES;
		memcpy(ss_arena_block(arena, index)->data, text, part);
		ss_arena_block(arena, last)->next = index;
		last = index;
	}
	return first;
}

/* A new value block of the series, or SS_NO_BLOCK. */
static uint32_t make_value(struct ss_arena *arena, uint32_t series, const void *from)
{
	static const struct ss_metric_value zero;
	uint32_t index = ss_arena_take(arena, SS_BLOCK_VALUE);

	if (index == SS_NO_BLOCK)
		return SS_NO_BLOCK;
	ss_arena_block(arena, index)->next = series;
	memcpy(ss_arena_block(arena, index)->data, from ? from : &zero, sizeof(zero));
	return index;
}

static uint32_t create(struct ss_metrics *metrics, uint32_t instrument, uint32_t bytes,
		       uint64_t hash)
{
	struct series series = { .instrument = instrument,
				 .text = metrics->text_bytes,
				 .bytes = bytes,
				 .value = SS_NO_BLOCK };
	uint32_t number = SS_NO_SERIES;

	series.block = make_chain(metrics->arena, instrument, text_at(metrics, series.text), bytes);
	if (series.block != SS_NO_BLOCK)
		series.value = make_value(metrics->arena, series.block, NULL);
	if (series.value != SS_NO_BLOCK)
		number = enter(metrics, hash, &series);
	if (number == SS_NO_SERIES) {
		if (series.value != SS_NO_BLOCK)
			ss_arena_give(metrics->arena, series.value);
		give_chain(metrics->arena, series.block);
	}
	return number;
}

uint32_t ss_metrics_series(struct ss_metrics *metrics, enum ss_instrument_id instrument,
			   const struct ss_label *labels, uint32_t label_count)
{
	uint32_t bytes, number;
	uint64_t hash;

	if (reserve_text(metrics) != 0)
		return SS_NO_SERIES;
	bytes = ss_labels_spell(labels, label_count, text_at(metrics, metrics->text_bytes));
	number = find(metrics, instrument, bytes, &hash);
	if (number != SS_NO_SERIES)
		return number;
	if (metrics->counts[instrument] >= SS_SERIES_MAX - 1 && labels != &overflow)
		return ss_metrics_series(metrics, instrument, &overflow, 1);
	return create(metrics, instrument, bytes, hash);
}

/* --- values --- */

/* The value, to be changed in this epoch; NULL: no memory. */
static struct ss_metric_value *touch(struct ss_metrics *metrics, struct series *series)
{
	struct ss_arena *arena = metrics->arena;
	uint32_t index;

	if (ss_arena_block(arena, series->value)->born == arena->epoch)
		return value_in(metrics, series->value);
	index = make_value(arena, series->block, ss_arena_block(arena, series->value)->data);
	if (index == SS_NO_BLOCK)
		return NULL;
	ss_arena_order();
	ss_arena_give(arena, series->value);
	series->value = index;
	return value_in(metrics, index);
}

static void observe(const struct ss_instrument *instrument, struct ss_metric_value *value,
		    double what)
{
	uint32_t i = 0;

	if (value->count == 0 || what < value->min)
		value->min = what;
	if (value->count == 0 || what > value->max)
		value->max = what;
	while (i < instrument->bound_count && what > instrument->bounds[i])
		i++;
	value->buckets[i]++;
	value->count++;
}

void ss_metrics_record(struct ss_metrics *metrics, uint32_t number, double what)
{
	struct ss_metric_value *value = NULL;
	struct series *series;

	if (!(what >= 0) || isinf(what))
		return;
	if (number != SS_NO_SERIES) {
		series = series_at(metrics, number);
		value = touch(metrics, series);
	}
	if (value == NULL) {
		metrics->lost++;
		return;
	}
	value->sum += what;
	if (ss_instruments[series->instrument].kind == SS_INSTRUMENT_HISTOGRAM)
		observe(&ss_instruments[series->instrument], value, what);
	metrics->changed = true;
}

bool ss_metrics_next(const struct ss_metrics *metrics, uint64_t *cursor,
		     struct ss_metric_series *ret_series)
{
	const struct series *series;
	uint32_t number = metrics->firsts[0], instrument = 0;

	if (*cursor != 0) {
		instrument = series_at(metrics, (uint32_t)*cursor - 1)->instrument;
		number = series_at(metrics, (uint32_t)*cursor - 1)->next;
	}
	while (number == 0 && ++instrument < SS_INSTRUMENTS)
		number = metrics->firsts[instrument];
	*cursor = number;
	if (number == 0)
		return false;
	series = series_at(metrics, number - 1);
	ret_series->instrument = series->instrument;
	ret_series->value = value_in(metrics, series->value);
	/* It was made by spell, or parsed before. */
	(void)ss_labels_parse(text_at(metrics, series->text), series->bytes, ret_series->labels,
			      &ret_series->label_count);
	return true;
}

bool ss_metrics_changed(struct ss_metrics *metrics, bool clear)
{
	bool changed = metrics->changed;

	if (clear)
		metrics->changed = false;
	return changed;
}

uint64_t ss_metrics_lost(const struct ss_metrics *metrics)
{
	return metrics->lost;
}

/* --- recovery --- */

static bool is_live(const struct ss_block *block, uint32_t kind)
{
	return block->born != 0 && block->freed == 0 && block->kind == kind;
}

/* The chain's text, behind the others. ss_restore_spans has checked that the chain is whole. */
static void read_chain(struct ss_metrics *metrics, const struct ss_series_block *head)
{
	uint32_t left = head->bytes, index = head->next, part = SS_SERIES_HEAD_BYTES;
	char *to = text_at(metrics, metrics->text_bytes);

	part = left < part ? left : part;
	to = mempcpy(to, head->data, part);
	for (left -= part; left > 0; left -= part) {
		const struct ss_block *block = ss_arena_block(metrics->arena, index);

		part = left < MORE_BYTES ? left : MORE_BYTES;
		to = mempcpy(to, block->data, part);
		index = block->next;
	}
}

/* `value` SS_NO_BLOCK: it has none. What is damaged counts as lost. 0 or -ENOMEM. */
static int adopt(struct ss_metrics *metrics, uint32_t block, uint32_t value)
{
	const struct ss_series_block *head = (void *)ss_arena_block(metrics->arena, block);
	struct series series = { .block = block,
				 .value = value,
				 .instrument = head->instrument,
				 .text = metrics->text_bytes,
				 .bytes = head->bytes };
	struct ss_label labels[SS_LABELS_MAX];
	uint64_t hash;
	uint32_t count;

	metrics->lost++;
	if (value == SS_NO_BLOCK || series.instrument == SS_INSTRUMENT_NONE ||
	    series.instrument >= SS_INSTRUMENTS ||
	    metrics->counts[series.instrument] >= SS_SERIES_MAX)
		return 0;
	if (reserve_text(metrics) != 0)
		return -ENOMEM;
	read_chain(metrics, head);
	if (!ss_labels_parse(text_at(metrics, series.text), series.bytes, labels, &count) ||
	    find(metrics, series.instrument, series.bytes, &hash) != SS_NO_SERIES)
		return 0;
	if (enter(metrics, hash, &series) == SS_NO_SERIES)
		return -ENOMEM;
	metrics->lost--;
	return 0;
}

static int restore(struct ss_metrics *metrics)
{
	uint32_t i, count = ss_arena_count(metrics->arena), *values;
	struct ss_buffer memory = { 0 };
	int rc = 0;

	if (count == 0)
		return 0;
	if (ss_buffer_reserve(&memory, count * sizeof(*values)) != 0)
		return -ENOMEM;
	values = memory.base; /* of each series block: number plus 1 */
	for (i = 0; i < count; i++) {
		const struct ss_block *block = ss_arena_block(metrics->arena, i);

		if (is_live(block, SS_BLOCK_VALUE) && block->next < count)
			values[block->next] = i + 1;
	}
	for (i = 0; i < count && rc == 0; i++) {
		if (is_live(ss_arena_block(metrics->arena, i), SS_BLOCK_SERIES))
			rc = adopt(metrics, i, values[i] - 1);
	}
	ss_buffer_free(&memory);
	metrics->changed = metrics->count > 0;
	return rc;
}

struct ss_metrics *ss_metrics_new(struct ss_arena *arena)
{
	struct ss_buffer memory = { 0 };
	struct ss_metrics *metrics;

	if (ss_buffer_reserve(&memory, sizeof(*metrics)) != 0)
		return NULL;
	metrics = memory.base;
	metrics->memory = memory;
	metrics->arena = arena;
	if (ss_spanmap_init(&metrics->map) == 0 && restore(metrics) == 0)
		return metrics;
	ss_metrics_free(metrics);
	return NULL;
}

void ss_metrics_free(struct ss_metrics *metrics)
{
	struct ss_buffer memory;

	if (metrics == NULL)
		return;
	memory = metrics->memory;
	ss_buffer_free(&metrics->series);
	ss_buffer_free(&metrics->texts);
	if (metrics->map.slots != NULL)
		ss_spanmap_deinit(&metrics->map);
	ss_buffer_free(&memory);
}
