/* SPDX-License-Identifier: Apache-2.0
 *
 * One event as a family of metrics reads it: its fields, and the labels of the measurement that it
 * is to become. In place, on the stack of the family's on_event. Drain only.
 */
#ifndef SS_MEASURE_H
#define SS_MEASURE_H

#include <stdbool.h>

#include "collector/subscribers/metrics.h"
#include "shim/field.h"

struct ss_measure {
	struct ss_metrics *metrics;
	const struct ss_hook_event *event;
	bool is_old; /* told by Mellea 0.7 */
	struct ss_label labels[SS_LABELS_MAX];
	uint32_t count;
};

/* Begins a measurement without labels. False: the event is none of Mellea's hooks' that told what
 * has happened (an opening, a rest of a value, an end that was inferred, another's event), or the
 * program has metrics of its own. `self`: struct ss_metrics_subscriber. */
bool ss_measure_begin(struct ss_measure *measure, void *self, const struct ss_hook_event *event);

/* The field's attribute; NULL: the event has none. */
const struct ss_attr *ss_measure_field(const struct ss_measure *measure, uint32_t field);

/* A number; -1, which is no measurement (ss_measure_add), where there is none. */
double ss_measure_number(const struct ss_measure *measure, uint32_t field);

/* A BOOL field that is true. */
bool ss_measure_flag(const struct ss_measure *measure, uint32_t field);

/* True when the field is that text. */
bool ss_measure_is(const struct ss_measure *measure, uint32_t field, const char *text);

/* A label of a field's text, of a constant, of a flag. `otherwise`: where the text is missing or
 * empty. */
void ss_measure_label(struct ss_measure *measure, const char *key, uint32_t field,
		      const char *otherwise);
void ss_measure_text(struct ss_measure *measure, const char *key, const char *text);
void ss_measure_bool(struct ss_measure *measure, const char *key, bool flag);

/* The labels of a generation, as the version has them: 0.7 tells no operation, 0.8 gives the
 * provider the name of the conventions. */
void ss_measure_model(struct ss_measure *measure);
void ss_measure_provider(struct ss_measure *measure);
void ss_measure_operation(struct ss_measure *measure);

/* Adds to the instrument with the labels so far; not at all below 0. */
void ss_measure_add(const struct ss_measure *measure, enum ss_instrument_id instrument,
		    double value);

#endif
