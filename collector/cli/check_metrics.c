/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_common.h"
#include "collector/cli/check_rule.h"
#include "collector/dump.h"
#include "collector/dump_metrics.h"

#define FLAG_NO_RECORDED_VALUE 1 /* DataPointFlags: there was none, and says so */

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* --- what holds within one point; what is itself malformed was reported by its own rule --- */

static void check_times(struct ss_check_rule *at, const cJSON *point)
{
	uint64_t start_ns, time_ns;

	if (!ss_dump_parse_uint(member(point, "startTimeUnixNano"), &start_ns) &&
	    !ss_dump_parse_uint(member(point, "timeUnixNano"), &time_ns) && time_ns < start_ns)
		ss_check_rule_finding_at(at, "timeUnixNano", "the point is before its start");
}

static void check_bounds(struct ss_check_rule *at, const cJSON *bounds)
{
	const cJSON *bound = bounds ? bounds->child : NULL;
	char key[64];
	unsigned index = 1;

	for (; bound && bound->next; bound = bound->next, index++) {
		if (!cJSON_IsNumber(bound) || !cJSON_IsNumber(bound->next) ||
		    bound->valuedouble < bound->next->valuedouble)
			continue;
		snprintf(key, sizeof(key), "explicitBounds[%u]", index);
		ss_check_rule_finding_at(at, key, "expected more than the bound before");
	}
}

static void check_bucket_sum(struct ss_check_rule *at, const cJSON *point, const cJSON *buckets)
{
	uint64_t count, sum = 0, value;
	const cJSON *bucket;
	char text[120];

	cJSON_ArrayForEach (bucket, buckets) {
		if (ss_dump_parse_uint(bucket, &value) || __builtin_add_overflow(sum, value, &sum))
			return;
	}
	if (ss_dump_parse_uint(member(point, "count"), &count) || count == sum)
		return;
	snprintf(text, sizeof(text), "the buckets hold %" PRIu64 ", expected %" PRIu64 " (count)",
		 sum, count);
	ss_check_rule_finding_at(at, "bucketCounts", text);
}

static void check_buckets(struct ss_check_rule *at, const cJSON *point)
{
	const cJSON *bounds = member(point, "explicitBounds"),
		    *buckets = member(point, "bucketCounts");
	int bound_count = cJSON_GetArraySize(bounds), bucket_count = cJSON_GetArraySize(buckets);
	char text[120];

	if (!bound_count && !bucket_count) /* a histogram of count and sum alone */
		return;
	if (bucket_count != bound_count + 1) {
		snprintf(text, sizeof(text),
			 "%d bucket%s, expected %d: one more than explicitBounds", bucket_count,
			 bucket_count == 1 ? "" : "s", bound_count + 1);
		ss_check_rule_finding_at(at, "bucketCounts", text);
	}
	check_bounds(at, bounds);
	check_bucket_sum(at, point, buckets);
}

static void check_min_max(struct ss_check_rule *at, const cJSON *point)
{
	const cJSON *min = member(point, "min"), *max = member(point, "max");

	if (cJSON_IsNumber(min) && cJSON_IsNumber(max) && min->valuedouble > max->valuedouble)
		ss_check_rule_finding_at(at, "max", "expected no less than min");
}

/* --- the messages, innermost first --- */

static void check_exemplar(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "filteredAttributes", ss_check_attributes, false },
		{ "timeUnixNano", ss_check_rule_time, true },
		{ "asDouble", ss_check_rule_double, false },
		{ "asInt", ss_check_rule_int, false },
		{ "spanId", ss_check_rule_parent_id, false },
		{ "traceId", ss_check_rule_trace_id, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_exemplars(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_exemplar);
}

static void check_number_point(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "attributes", ss_check_attributes, false },
		{ "startTimeUnixNano", ss_check_rule_uint, false },
		{ "timeUnixNano", ss_check_rule_time, true },
		{ "flags", ss_check_rule_uint32, false },
		{ "asDouble", ss_check_rule_double, false },
		{ "asInt", ss_check_rule_int, false },
		{ "exemplars", check_exemplars, false },
		{ 0 },
	};
	const cJSON *flags = member(item, "flags");
	bool none = cJSON_IsNumber(flags) && flags->valueint & FLAG_NO_RECORDED_VALUE;

	if (!ss_check_rule_object(at, item, fields))
		return;
	if (!none && !member(item, "asDouble") == !member(item, "asInt"))
		ss_check_rule_finding(at, "expected exactly one of asDouble, asInt");
	check_times(at, item);
}

static void check_monotonic_point(struct ss_check_rule *at, const cJSON *item)
{
	const cJSON *number = member(item, "asDouble");
	int64_t integer;

	check_number_point(at, item);
	if (cJSON_IsNumber(number) && number->valuedouble < 0)
		ss_check_rule_finding_at(at, "asDouble", "a monotonic sum is not negative");
	if (!ss_dump_parse_int(member(item, "asInt"), &integer) && integer < 0)
		ss_check_rule_finding_at(at, "asInt", "a monotonic sum is not negative");
}

static void check_number_points(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_number_point);
}

static void check_monotonic_points(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_monotonic_point);
}

static void check_counts(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, ss_check_rule_uint);
}

static void check_doubles(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, ss_check_rule_double);
}

static void check_histogram_point(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "attributes", ss_check_attributes, false },
		{ "startTimeUnixNano", ss_check_rule_uint, false },
		{ "timeUnixNano", ss_check_rule_time, true },
		{ "flags", ss_check_rule_uint32, false },
		{ "count", ss_check_rule_uint, true },
		{ "sum", ss_check_rule_double, false },
		{ "min", ss_check_rule_double, false },
		{ "max", ss_check_rule_double, false },
		{ "bucketCounts", check_counts, false },
		{ "explicitBounds", check_doubles, false },
		{ "exemplars", check_exemplars, false },
		{ 0 },
	};

	if (!ss_check_rule_object(at, item, fields))
		return;
	check_times(at, item);
	check_buckets(at, item);
	check_min_max(at, item);
}

static void check_histogram_points(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_histogram_point);
}

static void check_exponential_buckets(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "offset", ss_check_rule_int32, false },
		{ "bucketCounts", check_counts, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_exponential_point(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "attributes", ss_check_attributes, false },
		{ "startTimeUnixNano", ss_check_rule_uint, false },
		{ "timeUnixNano", ss_check_rule_time, true },
		{ "flags", ss_check_rule_uint32, false },
		{ "count", ss_check_rule_uint, true },
		{ "sum", ss_check_rule_double, false },
		{ "min", ss_check_rule_double, false },
		{ "max", ss_check_rule_double, false },
		{ "scale", ss_check_rule_int32, false },
		{ "zeroCount", ss_check_rule_uint, false },
		{ "zeroThreshold", ss_check_rule_double, false },
		{ "positive", check_exponential_buckets, false },
		{ "negative", check_exponential_buckets, false },
		{ "exemplars", check_exemplars, false },
		{ 0 },
	};

	if (!ss_check_rule_object(at, item, fields))
		return;
	check_times(at, item);
	check_min_max(at, item);
}

static void check_exponential_points(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_exponential_point);
}

static void check_quantile(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "quantile", ss_check_rule_double, false },
		{ "value", ss_check_rule_double, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_quantiles(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_quantile);
}

static void check_summary_point(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "attributes", ss_check_attributes, false },
		{ "startTimeUnixNano", ss_check_rule_uint, false },
		{ "timeUnixNano", ss_check_rule_time, true },
		{ "flags", ss_check_rule_uint32, false },
		{ "count", ss_check_rule_uint, true },
		{ "sum", ss_check_rule_double, false },
		{ "quantileValues", check_quantiles, false },
		{ 0 },
	};

	if (ss_check_rule_object(at, item, fields))
		check_times(at, item);
}

static void check_summary_points(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_summary_point);
}

/* --- kinds of metrics --- */

static void check_sum(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "dataPoints", check_number_points, true },
		{ "aggregationTemporality", ss_check_rule_temporality, true },
		{ "isMonotonic", ss_check_rule_bool, false },
		{ 0 },
	};
	static const struct ss_check_field monotonic[] = {
		{ "dataPoints", check_monotonic_points, true },
		{ "aggregationTemporality", ss_check_rule_temporality, true },
		{ "isMonotonic", ss_check_rule_bool, true },
		{ 0 },
	};

	ss_check_rule_object(at, item,
			     cJSON_IsTrue(member(item, "isMonotonic")) ? monotonic : fields);
}

static void check_gauge(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = { { "dataPoints", check_number_points, true },
							{ 0 } };

	ss_check_rule_object(at, item, fields);
}

static void check_histogram(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "dataPoints", check_histogram_points, true },
		{ "aggregationTemporality", ss_check_rule_temporality, true },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_exponential(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "dataPoints", check_exponential_points, true },
		{ "aggregationTemporality", ss_check_rule_temporality, true },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_summary(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "dataPoints", check_summary_points, true }, { 0 }
	};

	ss_check_rule_object(at, item, fields);
}

static void check_metric(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "name", ss_check_rule_name, true },
		{ "description", ss_check_rule_string, false },
		{ "unit", ss_check_rule_string, false },
		{ "sum", check_sum, false },
		{ "gauge", check_gauge, false },
		{ "histogram", check_histogram, false },
		{ "exponentialHistogram", check_exponential, false },
		{ "summary", check_summary, false },
		{ "metadata", ss_check_attributes, false },
		{ 0 },
	};
	unsigned kind, kinds = 0;

	if (!ss_check_rule_object(at, item, fields))
		return;
	for (kind = 0; kind < SS_DUMP_METRICS; kind++)
		kinds += member(item, ss_dump_metric_names[kind]) != NULL;
	if (kinds != 1)
		ss_check_rule_finding(at, "expected exactly one of sum, gauge, histogram, "
					  "exponentialHistogram, summary");
}

static void check_metric_list(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_metric);
}

static void check_scope_metrics(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "scope", ss_check_scope, false },
		{ "metrics", check_metric_list, false },
		{ "schemaUrl", ss_check_rule_string, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_scope_list(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_scope_metrics);
}

static void check_resource(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "resource", ss_check_resource, false },
		{ "scopeMetrics", check_scope_list, false },
		{ "schemaUrl", ss_check_rule_string, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

void ss_check_resource_metrics(struct ss_check_rule *at, const struct cJSON *item)
{
	ss_check_rule_array(at, item, check_resource);
}
