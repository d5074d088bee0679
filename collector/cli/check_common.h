/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules for the messages that traces and metrics have in common (common.proto, resource.proto).
 */
#ifndef SS_CHECK_COMMON_H
#define SS_CHECK_COMMON_H

struct cJSON;
struct ss_check_rule;

/* A list of key and value; no key twice. */
void ss_check_attributes(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_scope(struct ss_check_rule *at, const struct cJSON *item);
void ss_check_resource(struct ss_check_rule *at, const struct cJSON *item);

#endif
