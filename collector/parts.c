/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/parts.h"

#include <errno.h>
#include <string.h>

static uint32_t fixed_bytes(const struct ss_log_entry *entry)
{
	return entry->kind == SS_EVENT_OPEN ? (uint32_t)sizeof(*entry) : SS_LOG_SHORT_BYTES;
}

struct ss_attr_iter ss_parts_attributes(const struct ss_log_entry *entry)
{
	return (struct ss_attr_iter){ (const char *)entry + fixed_bytes(entry),
				      (const char *)entry + entry->bytes };
}

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

/* Where the value of `key` is kept, or NULL. */
static uint32_t *find(struct ss_parts *parts, uint32_t key)
{
	uint32_t i;

	if (key < SS_KEY_RESERVED)
		return &parts->special[key];
	for (i = 0; i < parts->attribute_count; i++) {
		if (parts->values[parts->attributes[i]].attr->key == key)
			return &parts->attributes[i];
	}
	return NULL;
}

static void add(struct ss_parts *parts, const struct ss_attr *attr)
{
	bool more = (attr->flags & SS_ATTR_CONTINUES) != 0;
	uint32_t *place = find(parts, attr->key);
	uint32_t index = parts->value_count;

	if (more && (place == NULL || *place == SS_NO_VALUE))
		return;
	if (index == SS_PARTS_VALUES) {
		parts->attributes_dropped += !more && attr->key >= SS_KEY_RESERVED;
		return;
	}
	parts->value_count++;
	parts->values[index] = (struct ss_parts_value){ .attr = attr, .last = index };
	if (more) {
		struct ss_parts_value *first = &parts->values[*place];

		parts->values[first->last].next = index;
		first->last = index;
	} else if (place != NULL) {
		*place = index;
	} else {
		parts->attributes[parts->attribute_count++] = index;
	}
}

static void add_all(struct ss_parts *parts, const struct ss_log_entry *entry)
{
	struct ss_attr_iter iter = ss_parts_attributes(entry);
	const struct ss_attr *attr;

	while ((attr = ss_attr_next(&iter)) != NULL)
		add(parts, attr);
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
	case SS_EVENT_OPEN:
		parts->open = entry;
		break;
	case SS_EVENT_CLOSE:
		parts->close = entry;
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

int ss_parts_read(struct ss_parts *parts, const struct ss_span_view *span)
{
	uint32_t at = 0;

	parts->open = parts->close = parts->fault = NULL;
	parts->value_count = 1;
	parts->attribute_count = parts->point_count = parts->attributes_dropped = 0;
	memset(parts->special, 0, sizeof(parts->special));
	while (span->bytes - at >= SS_LOG_SHORT_BYTES) {
		const struct ss_log_entry *entry = (const void *)(span->log + at);

		if (entry->bytes % 8 != 0 || entry->bytes > span->bytes - at ||
		    entry->bytes < SS_LOG_SHORT_BYTES || entry->bytes < fixed_bytes(entry))
			break;
		take(parts, entry);
		at += entry->bytes;
	}
	return parts->open != NULL ? 0 : -EINVAL;
}
