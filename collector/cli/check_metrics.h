/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics half of check_shape.h: rules for the messages of metrics.proto.
 */
#ifndef SS_CHECK_METRICS_H
#define SS_CHECK_METRICS_H

struct cJSON;
struct ss_check_rule;

/* The list below "resourceMetrics". */
void ss_check_resource_metrics(struct ss_check_rule *at, const struct cJSON *item);

#endif
