/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/dump_metrics.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/dump.h"

#define FLAG_NO_RECORDED_VALUE 1 /* DataPointFlags of metrics.proto: the point has none */

#define LOSS_PREFIX "spanshim.dropped." /* counts, not part of what a resource is */

const char *const ss_dump_metric_names[SS_DUMP_METRICS] = {
	[SS_DUMP_SUM] = "sum",
	[SS_DUMP_GAUGE] = "gauge",
	[SS_DUMP_HISTOGRAM] = "histogram",
	[SS_DUMP_EXPONENTIAL] = "exponentialHistogram",
	[SS_DUMP_SUMMARY] = "summary",
};

struct walk {
	const struct ss_dump_metrics_visitor *visitor;
	struct ss_dump_point point; /* as far as it is known at that depth */
	double bounds[SS_DUMP_BOUNDS_MAX];
	uint64_t buckets[SS_DUMP_BOUNDS_MAX + 1];
};

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue((cJSON *)member(object, key));

	return text ? text : "";
}

/* --- identities --- */

/* Of an AnyValue's tree; cJSON nests no deeper than CJSON_NESTING_LIMIT. */
static uint64_t hash_item(uint64_t hash, const cJSON *item)
{
	const cJSON *child;

	hash = ss_dump_hash(hash, &item->type, sizeof(item->type));
	if (item->string)
		hash = ss_dump_hash_text(hash, item->string);
	if (cJSON_IsString(item))
		hash = ss_dump_hash_text(hash, item->valuestring);
	else if (cJSON_IsNumber(item))
		hash = ss_dump_hash(hash, &item->valuedouble, sizeof(item->valuedouble));
	for (child = item->child; child; child = child->next)
		hash = hash_item(hash, child);
	return hash;
}

/* The same whatever the order. */
static uint64_t hash_attributes(const cJSON *list)
{
	const cJSON *item;
	uint64_t sum = 0;

	cJSON_ArrayForEach (item, list) {
		if (strncmp(text_of(item, "key"), LOSS_PREFIX, strlen(LOSS_PREFIX)) != 0)
			sum += hash_item(SS_DUMP_HASH, item);
	}
	return sum;
}

uint64_t ss_dump_resource_key(const struct cJSON *attributes)
{
	const cJSON *cursor = NULL;
	struct ss_dump_attr attr;
	const char *image = NULL;
	int64_t pid = 0;

	while (ss_dump_read_attr(attributes, &cursor, &attr)) {
		if (attr.type == SS_DUMP_STRING && !strcmp(attr.key, "spanshim.image"))
			image = attr.text;
		if (attr.type == SS_DUMP_INT && !strcmp(attr.key, "process.pid"))
			pid = attr.integer;
	}
	if (!image)
		return hash_attributes(attributes);
	return ss_dump_hash(ss_dump_hash_text(SS_DUMP_HASH, image), &pid, sizeof(pid));
}

static uint64_t hash_series(const struct ss_dump_point *point)
{
	uint64_t hash = ss_dump_hash_text(SS_DUMP_HASH, point->scope_name);
	uint64_t labels = hash_attributes(point->attributes);

	hash = ss_dump_hash_text(hash, point->name);
	hash = ss_dump_hash(hash, &point->kind, sizeof(point->kind));
	return ss_dump_hash(hash, &labels, sizeof(labels));
}

/* --- points --- */

static bool read_double(const cJSON *item, double *ret_value)
{
	const char *text = cJSON_GetStringValue((cJSON *)item);

	if (cJSON_IsNumber(item))
		*ret_value = item->valuedouble;
	else if (text && !strcmp(text, "NaN"))
		*ret_value = NAN;
	else if (text && (!strcmp(text, "Infinity") || !strcmp(text, "-Infinity")))
		*ret_value = *text == '-' ? -INFINITY : INFINITY;
	else
		return false;
	return true;
}

/* Whether there are as many as belong together; then they are in the walk's arrays. */
static bool read_buckets(struct walk *walk, const cJSON *item)
{
	const cJSON *bounds = member(item, "explicitBounds"),
		    *buckets = member(item, "bucketCounts");
	const cJSON *element;
	uint32_t count = 0, bound_count = 0;

	cJSON_ArrayForEach (element, bounds) {
		if (bound_count == SS_DUMP_BOUNDS_MAX ||
		    !read_double(element, &walk->bounds[bound_count++]))
			return false;
	}
	cJSON_ArrayForEach (element, buckets) {
		if (count > bound_count || ss_dump_parse_uint(element, &walk->buckets[count++]))
			return false;
	}
	walk->point.bound_count = bound_count;
	return count == bound_count + 1;
}

static bool read_number(struct ss_dump_point *point, const cJSON *item)
{
	int64_t integer;

	point->has_sum = true;
	point->count = 1;
	if (read_double(member(item, "asDouble"), &point->sum))
		return true;
	if (ss_dump_parse_int(member(item, "asInt"), &integer))
		return false;
	point->sum = (double)integer;
	return true;
}

static bool read_distribution(struct walk *walk, const cJSON *item)
{
	struct ss_dump_point *point = &walk->point;

	if (ss_dump_parse_uint(member(item, "count"), &point->count))
		return false;
	point->has_sum = read_double(member(item, "sum"), &point->sum);
	point->has_min = read_double(member(item, "min"), &point->min);
	point->has_max = read_double(member(item, "max"), &point->max);
	if (point->kind == SS_DUMP_HISTOGRAM && read_buckets(walk, item)) {
		point->bounds = walk->bounds;
		point->buckets = walk->buckets;
	} else {
		point->bound_count = 0;
	}
	return true;
}

/* Of the metric, its name and kind are in the walk's point. */
static int walk_point(struct walk *walk, const cJSON *item)
{
	struct ss_dump_point *point = &walk->point, before = *point;
	bool number = point->kind == SS_DUMP_SUM || point->kind == SS_DUMP_GAUGE;
	const cJSON *flags = member(item, "flags");
	int r = -EBADMSG;

	if (cJSON_IsNumber(flags) && flags->valueint & FLAG_NO_RECORDED_VALUE) {
		point->point++;
		return 0;
	}
	if (ss_dump_parse_uint(member(item, "startTimeUnixNano"), &point->start_ns))
		point->start_ns = 0;
	if (!ss_dump_parse_uint(member(item, "timeUnixNano"), &point->time_ns) &&
	    (number ? read_number(point, item) : read_distribution(walk, item))) {
		point->attributes = member(item, "attributes");
		point->series_key = hash_series(point);
		r = walk->visitor->point(walk->visitor->data, point);
		r = r < 0 ? r : 0;
	}
	before.point++;
	*point = before;
	return r;
}

static int walk_metric(struct walk *walk, const cJSON *metric)
{
	struct ss_dump_point *point = &walk->point;
	const cJSON *data = NULL, *item;
	unsigned kind;
	int unread = 0, r;

	for (kind = 0; kind < SS_DUMP_METRICS && !data; kind++)
		data = member(metric, ss_dump_metric_names[kind]);
	point->name = text_of(metric, "name");
	point->unit = text_of(metric, "unit");
	if (!data || !*point->name)
		return 1;
	point->kind = kind - 1;
	item = member(data, "aggregationTemporality");
	point->cumulative =
		point->kind == SS_DUMP_SUMMARY || (cJSON_IsNumber(item) && item->valuedouble == 2);
	point->monotonic = point->kind == SS_DUMP_SUM && cJSON_IsTrue(member(data, "isMonotonic"));
	point->point = 0;
	cJSON_ArrayForEach (item, member(data, "dataPoints")) {
		r = walk_point(walk, item);
		if (r < 0 && r != -EBADMSG)
			return r;
		unread += r < 0;
	}
	return unread;
}

static int walk_scope(struct walk *walk, const cJSON *scope)
{
	const cJSON *metric;
	int unread = 0, r;

	walk->point.scope_name = text_of(member(scope, "scope"), "name");
	walk->point.metric = 0;
	cJSON_ArrayForEach (metric, member(scope, "metrics")) {
		r = walk_metric(walk, metric);
		if (r < 0)
			return r;
		unread += r;
		walk->point.metric++;
	}
	return unread;
}

static int walk_resource(struct walk *walk, const cJSON *item)
{
	const cJSON *attributes = member(member(item, "resource"), "attributes"), *scope;
	int unread = 0, r;

	walk->visitor->resource(walk->visitor->data, attributes);
	walk->point.resource_key = ss_dump_resource_key(attributes);
	walk->point.scope = 0;
	cJSON_ArrayForEach (scope, member(item, "scopeMetrics")) {
		r = walk_scope(walk, scope);
		if (r < 0)
			return r;
		unread += r;
		walk->point.scope++;
	}
	return unread;
}

int ss_dump_walk_metrics(const struct cJSON *json, const struct ss_dump_metrics_visitor *visitor)
{
	struct walk walk = { .visitor = visitor };
	const cJSON *list = member(json, "resourceMetrics"), *item;
	int unread = 0, r;

	if (!cJSON_IsArray(list))
		return -EBADMSG;
	cJSON_ArrayForEach (item, list) {
		r = walk_resource(&walk, item);
		if (r < 0)
			return r;
		unread += r;
		walk.point.resource++;
	}
	return unread;
}
