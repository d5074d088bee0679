/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/dump_metrics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <criterion/criterion.h>

struct seen {
	unsigned resources, count;
	struct ss_dump_point points[8];
	double bounds[8][4];
	uint64_t buckets[8][5];
};

static void on_resource(void *data, const struct cJSON *attributes)
{
	((struct seen *)data)->resources++;
}

static int on_point(void *data, const struct ss_dump_point *point)
{
	struct seen *seen = data;

	cr_assert_lt(seen->count, 8);
	if (point->buckets && point->bound_count < 5) {
		memcpy(seen->bounds[seen->count], point->bounds,
		       point->bound_count * sizeof(double));
		memcpy(seen->buckets[seen->count], point->buckets,
		       (point->bound_count + 1) * sizeof(uint64_t));
	}
	seen->points[seen->count++] = *point;
	return point->sum == 99 ? -ECANCELED : 0;
}

static int walk(const char *resource, const char *metrics, struct seen *seen)
{
	const struct ss_dump_metrics_visitor visitor = { on_resource, on_point, seen };
	char text[8192];
	cJSON *json;
	int r;

	snprintf(text, sizeof(text),
		 "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[%s]},\"scopeMetrics\":["
		 "{\"scope\":{\"name\":\"s\"},\"metrics\":[%s]}]}]}",
		 resource, metrics);
	*seen = (struct seen){ 0 };
	json = cJSON_Parse(text);
	cr_assert(json, "%s", text);
	r = ss_dump_walk_metrics(json, &visitor);
	cJSON_Delete(json); /* the points' texts are gone, their numbers stay */
	return r;
}

#define SUM(points)                                                           \
	"{\"name\":\"n\",\"unit\":\"u\",\"sum\":{\"aggregationTemporality\":" \
	"2,\"isMonotonic\":true,\"dataPoints\":[" points "]}}"
#define HISTOGRAM(point)                                                               \
	"{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":1,\"dataPoints\":[" \
	"{\"timeUnixNano\":\"7\"," point "}]}}"

Test(dump_metrics, sums)
{
	struct seen seen;

	cr_assert_eq(walk("",
			  SUM("{\"timeUnixNano\":\"7\",\"startTimeUnixNano\":\"3\",\"asInt\":"
			      "\"-5\"},{\"timeUnixNano\":\"7\",\"asDouble\":1.5},"
			      "{\"timeUnixNano\":\"7\",\"asDouble\":\"NaN\"}"),
			  &seen),
		     0);
	cr_assert(seen.resources == 1 && seen.count == 3);
	cr_assert(seen.points[0].sum == -5 && seen.points[0].start_ns == 3);
	cr_assert(seen.points[0].cumulative && seen.points[0].monotonic);
	cr_assert(seen.points[1].sum == 1.5 && seen.points[1].start_ns == 0);
	cr_assert(isnan(seen.points[2].sum) && seen.points[2].point == 2);
}

Test(dump_metrics, unreadable_points_are_left_out)
{
	struct seen seen;

	cr_assert_eq(walk("",
			  SUM("{\"timeUnixNano\":\"7\",\"asInt\":5},{\"asInt\":\"5\"},8,"
			      "{\"timeUnixNano\":\"7\",\"flags\":1},"
			      "{\"timeUnixNano\":\"7\",\"asInt\":\"5\"}") ",{\"name\":\"n\"},"
									  "{\"sum\":{}}",
			  &seen),
		     5);
	cr_assert(seen.count == 1 && seen.points[0].point == 4);
	cr_assert_eq(walk("",
			  SUM("{\"timeUnixNano\":\"7\",\"asInt\":\"99\"},"
			      "{\"timeUnixNano\":\"7\",\"asInt\":\"5\"}"),
			  &seen),
		     -ECANCELED);
	cr_assert_eq(seen.count, 1);
}

Test(dump_metrics, histograms)
{
	struct seen seen;
	cJSON *other = cJSON_Parse("{\"resourceSpans\":[]}");
	const struct ss_dump_metrics_visitor visitor = { on_resource, on_point, &seen };

	cr_assert_eq(walk("",
			  HISTOGRAM("\"count\":\"3\",\"sum\":2.5,\"max\":2,\"bucketCounts\":[\"1\","
				    "\"2\",\"0\"],\"explicitBounds\":[1,2]"),
			  &seen),
		     0);
	cr_assert(seen.count == 1 && seen.points[0].count == 3 && seen.points[0].sum == 2.5);
	cr_assert(seen.points[0].has_max && !seen.points[0].has_min && !seen.points[0].cumulative);
	cr_assert(seen.points[0].bound_count == 2 && seen.bounds[0][1] == 2);
	cr_assert(seen.buckets[0][0] == 1 && seen.buckets[0][1] == 2 && seen.buckets[0][2] == 0);
	/* Buckets that do not fit the bounds are left out, the rest stays. */
	cr_assert_eq(walk("",
			  HISTOGRAM("\"count\":\"3\",\"bucketCounts\":[\"1\",\"2\"],"
				    "\"explicitBounds\":[1,2]"),
			  &seen),
		     0);
	cr_assert(seen.count == 1 && seen.points[0].count == 3 && !seen.points[0].buckets);
	cr_assert_eq(seen.points[0].bound_count, 0);
	cr_assert_eq(walk("", HISTOGRAM("\"sum\":3"), &seen), 1);
	cr_assert_eq(ss_dump_walk_metrics(other, &visitor), -EBADMSG);
	cJSON_Delete(other);
}

/* A histogram of more bounds than are kept. */
Test(dump_metrics, too_many_bounds)
{
	char text[8000] = "\"count\":\"3\",\"bucketCounts\":[\"3\"", metric[8100];
	struct seen seen;
	unsigned i;

	for (i = 0; i < SS_DUMP_BOUNDS_MAX + 1; i++)
		strcat(text, ",\"0\"");
	strcat(text, "],\"explicitBounds\":[0");
	for (i = 0; i < SS_DUMP_BOUNDS_MAX; i++)
		sprintf(text + strlen(text), ",%u", i + 1);
	snprintf(metric, sizeof(metric), "%s%s]}]}}",
		 "{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{\"timeUnixNano\":\"7\",", text);
	cr_assert_eq(walk("", metric, &seen), 0);
	cr_assert(seen.count == 1 && seen.points[0].count == 3 && !seen.points[0].buckets);
}

#define ATTR(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define POINT(attrs)     SUM("{\"timeUnixNano\":\"7\",\"asInt\":\"5\",\"attributes\":[" attrs "]}")

static struct ss_dump_point point_of(const char *resource, const char *metric)
{
	struct seen seen;

	cr_assert_eq(walk(resource, metric, &seen), 0);
	cr_assert_eq(seen.count, 1);
	return seen.points[0];
}

Test(dump_metrics, identities)
{
	const char *image = ATTR("spanshim.image", "a1");
	uint64_t series = point_of("", POINT(ATTR("a", "1") "," ATTR("b", "2"))).series_key;
	uint64_t resource = point_of(image, POINT("")).resource_key;

	cr_assert_eq(point_of("", POINT(ATTR("b", "2") "," ATTR("a", "1"))).series_key, series);
	cr_assert_neq(point_of("", POINT(ATTR("a", "2") "," ATTR("b", "1"))).series_key, series);
	cr_assert_neq(point_of("", POINT(ATTR("a", "1"))).series_key, series);
	/* What an image's resource says besides may change. */
	cr_assert_eq(point_of(ATTR("spanshim.image", "a1") "," ATTR("host.name", "h"), POINT(""))
			     .resource_key,
		     resource);
	cr_assert_neq(point_of(ATTR("spanshim.image", "a2"), POINT("")).resource_key, resource);
	cr_assert_neq(point_of(ATTR("service.name", "a"), POINT("")).resource_key,
		      point_of(ATTR("service.name", "b"), POINT("")).resource_key);
}
