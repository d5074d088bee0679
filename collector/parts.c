/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/parts.h"

#include <errno.h>
#include <string.h>

const struct ss_attr *ss_parts_find(const struct ss_log_entry *entry, uint32_t key)
{
	struct ss_attr_iter iter = ss_parts_attributes(entry);
	const struct ss_attr *attr;

	while ((attr = ss_attr_next(&iter)) != NULL) {
		if (attr->key == key)
			return attr;
	}
	return NULL;
}

const struct ss_spelling *ss_parts_spell(const struct ss_log_entry *entry, uint32_t key)
{
	struct ss_vocabulary_place place = { entry->entry, entry->hook, entry->kind };

	return ss_vocabulary_spell(place, key);
}

/* False: it is certainly none of `attributes`. From now on it counts as one. */
static bool may_be_known(struct ss_parts *parts, uint64_t key)
{
	uint64_t bit = 1ull << (key * 0x9e3779b97f4a7c15ull >> 58), known = parts->seen & bit;

	parts->seen |= bit;
	return known != 0;
}

/* Where the value of `key` is kept, or NULL. */
static uint32_t *find(struct ss_parts *parts, uint32_t key)
{
	uint32_t i;

	if (key < SS_PARTS_SPECIAL)
		return &parts->special[key];
	if (!may_be_known(parts, key))
		return NULL;
	for (i = 0; i < parts->attribute_count; i++) {
		if (parts->values[parts->attributes[i]].attr->key == key)
			return &parts->attributes[i];
	}
	return NULL;
}

static uint32_t *find_spelled(struct ss_parts *parts, const struct ss_spelling *spelling)
{
	uint32_t i;

	if (!may_be_known(parts, (uintptr_t)spelling->key))
		return NULL;
	for (i = 0; i < parts->attribute_count; i++) {
		const struct ss_spelling *known = parts->values[parts->attributes[i]].spelling;

		if (known != NULL && known->key == spelling->key)
			return &parts->attributes[i];
	}
	return NULL;
}

/* A further piece belongs to the value that its key has now, and not to one that replaced it. */
static bool continues(const struct ss_parts *parts, const uint32_t *place,
		      const struct ss_attr *attr)
{
	const struct ss_attr *first;

	if (place == NULL || *place == SS_NO_VALUE)
		return false;
	first = parts->values[*place].attr;
	return first->key == attr->key && first->type == attr->type;
}

static void add_piece(struct ss_parts *parts, const uint32_t *place, const struct ss_attr *attr)
{
	uint32_t index = parts->value_count;
	struct ss_parts_value *first;

	if (!continues(parts, place, attr) || index == SS_PARTS_VALUES)
		return;
	parts->value_count++;
	parts->values[index] = (struct ss_parts_value){ .attr = attr };
	first = &parts->values[*place];
	parts->values[first->last].next = index;
	first->last = index;
}

static inline void add(struct ss_parts *parts, const struct ss_attr *attr,
		       const struct ss_spelling *spelling)
{
	uint32_t *place = spelling ? find_spelled(parts, spelling) : find(parts, attr->key);
	uint32_t index = parts->value_count;

	if (__builtin_expect(attr->flags & SS_ATTR_CONTINUES, 0)) {
		add_piece(parts, place, attr);
		return;
	}
	if (index == SS_PARTS_VALUES) {
		parts->attributes_dropped += spelling || attr->key >= SS_KEY_RESERVED;
		return;
	}
	parts->value_count++;
	parts->values[index] =
		(struct ss_parts_value){ .attr = attr, .spelling = spelling, .last = index };
	if (place != NULL)
		*place = index;
	else
		parts->attributes[parts->attribute_count++] = index;
}

static void add_all(struct ss_parts *parts, const struct ss_log_entry *entry)
{
	struct ss_attr_iter iter = ss_parts_attributes(entry);
	const struct ss_attr *attr;

	while ((attr = ss_attr_next(&iter)) != NULL) {
		const struct ss_spelling *spelling = NULL;

		if (attr->key >= SS_KEY_FIELDS && attr->key < SS_KEY_RESERVED) {
			spelling = ss_parts_spell(entry, attr->key);
			if (spelling == NULL && attr->key >= SS_PARTS_SPECIAL)
				continue;
		}
		add(parts, attr, spelling);
	}
}

/* Other threads' events may come in any order; most come in the right one. */
static void add_point(struct ss_parts *parts, const struct ss_log_entry *entry)
{
	uint32_t i = parts->point_count;

	if (i == SS_PARTS_POINTS)
		return;
	parts->point_count++;
	for (; i > 0 && parts->points[i - 1]->time_ns > entry->time_ns; i--)
		parts->points[i] = parts->points[i - 1];
	parts->points[i] = entry;
}

static void take(struct ss_parts *parts, const struct ss_log_entry *entry)
{
	switch (entry->kind) {
	case SS_EVENT_CLOSE:
		if (entry->status != SS_STATUS_OK)
			parts->fault = entry;
		break;
	case SS_EVENT_POINT:
		if (!(entry->flags & SS_EVENT_STATUS_ONLY)) {
			add_point(parts, entry);
			return;
		}
		parts->fault = entry;
		break;
	default:
		break;
	}
	add_all(parts, entry);
}

/* All but the opening event; the closing one is taken last, for what it says is the end. */
static void read_rest(struct ss_parts *parts, const struct ss_span_view *span, uint32_t at)
{
	const struct ss_log_entry *entry;

	for (; (entry = ss_parts_entry(span, at)) != NULL; at += entry->bytes) {
		if (entry->kind == SS_EVENT_CLOSE)
			parts->close = entry;
		else if (entry->kind != SS_EVENT_OPEN)
			take(parts, entry);
	}
	if (parts->close != NULL)
		take(parts, parts->close);
}

const struct ss_log_entry *ss_parts_open(const struct ss_span_view *span)
{
	const struct ss_log_entry *entry;
	uint32_t at;

	for (at = 0; (entry = ss_parts_entry(span, at)) != NULL; at += entry->bytes) {
		if (entry->kind == SS_EVENT_OPEN)
			return entry;
	}
	return NULL;
}

int ss_parts_read(struct ss_parts *parts, const struct ss_span_view *span)
{
	parts->close = parts->fault = NULL;
	parts->seen = 0;
	parts->value_count = 1;
	parts->attribute_count = parts->point_count = parts->attributes_dropped = 0;
	memset(parts->special, 0, sizeof(parts->special));
	parts->open = ss_parts_open(span);
	if (parts->open == NULL)
		return -EINVAL;
	add_all(parts, parts->open);
	read_rest(parts, span, (const char *)parts->open == span->log ? parts->open->bytes : 0);
	return 0;
}
