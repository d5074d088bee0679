/* SPDX-License-Identifier: Apache-2.0
 *
 * The means with which check_shape.c says what a line must look like: tables of an object's keys,
 * and one rule per form of value. A rule looks at one JSON item and reports what is wrong with it,
 * together with where it stands. One thread.
 */
#ifndef SS_CHECK_RULE_H
#define SS_CHECK_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct cJSON;
struct ss_check_sink;

#define SS_CHECK_PATH_BYTES 1024

struct ss_check_rule { /* where we are in the line; all zero but the sink: at its top */
	const struct ss_check_sink *sink;
	unsigned findings;
	size_t used;
	char path[SS_CHECK_PATH_BYTES];
};

typedef void (*ss_check_rule_fn)(struct ss_check_rule *at, const struct cJSON *item);

struct ss_check_field { /* a table ends with key NULL; 32 rows at most */
	const char *key;
	ss_check_rule_fn rule;
	bool required;
};

/* Reports text for where we are, or for a member of it (key may be a path). */
void ss_check_rule_finding(struct ss_check_rule *at, const char *text);
void ss_check_rule_finding_at(struct ss_check_rule *at, const char *key, const char *text);

/* Goes to element index, and back. What enter returns belongs to leave. */
size_t ss_check_rule_enter(struct ss_check_rule *at, unsigned index);
void ss_check_rule_leave(struct ss_check_rule *at, size_t before);

/* An object: every key known, once, by its rule; required ones there. An array: the rule for each
 * element. Return false when item is no object or array. */
bool ss_check_rule_object(struct ss_check_rule *at, const struct cJSON *item,
			  const struct ss_check_field *fields);
bool ss_check_rule_array(struct ss_check_rule *at, const struct cJSON *item, ss_check_rule_fn rule);

/* Single values, by the OTLP/JSON mapping: ids in lowercase hex, 64-bit integers as decimal
 * strings, enums as integers. name: not empty. parent_id: "" is allowed. */
void ss_check_rule_string(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_name(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_trace_id(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_span_id(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_parent_id(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_time(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_uint32(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_kind(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_status_code(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_bool(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_int(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_int32(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_uint(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_temporality(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_double(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_rule_bytes(struct ss_check_rule *at, const struct cJSON *item);

#endif
