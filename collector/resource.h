/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenTelemetry resource of an image: who produced the spans. From the ring file alone (and this
 * machine's name), so that recovery writes what the live process would have.
 * Drain only.
 */
#ifndef SS_RESOURCE_H
#define SS_RESOURCE_H

#include <stdbool.h>

#include "collector/image.h"
#include "collector/json.h"

/* Appends the attributes ({"key":...},...) to `json`, without brackets; at least one. *ret_ignored:
 * true when OTEL_RESOURCE_ATTRIBUTES does not parse and was left out as a whole (resource SDK
 * specification). */
void ss_resource_write(struct ss_json *json, const struct ss_image_view *view, bool *ret_ignored);

/* One {"key":"...","value":{"stringValue":"..."}} or {"...":{"intValue":"..."}}. */
void ss_resource_string(struct ss_json *json, const char *key, const char *value);
void ss_resource_int(struct ss_json *json, const char *key, int64_t value);

#endif
