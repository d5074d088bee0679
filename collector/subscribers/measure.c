/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/subscribers/measure.h"

#include <string.h>

#include "collector/image.h"
#include "collector/vocabulary.h"

bool ss_measure_begin(struct ss_measure *measure, void *self, const struct ss_hook_event *event)
{
	const struct ss_metrics_subscriber *subscriber = self;

	if (!ss_is_dialect(event->entry) ||
	    (event->kind != SS_EVENT_CLOSE && event->kind != SS_EVENT_POINT) ||
	    (event->flags & SS_EVENT_INFERRED) ||
	    __atomic_load_n(&subscriber->view->image->own_metrics, __ATOMIC_RELAXED))
		return false;
	measure->metrics = subscriber->metrics;
	measure->event = event;
	measure->is_old = event->entry == (uint32_t)SS_DIALECT_MELLEA_0_7;
	measure->count = 0;
	return true;
}

const struct ss_attr *ss_measure_field(const struct ss_measure *measure, uint32_t field)
{
	const char *payload = measure->event->payload;
	struct ss_attr_iter iter = { payload, payload + measure->event->payload_bytes };
	const struct ss_attr *attr;

	while ((attr = ss_attr_next(&iter)) != NULL) {
		if (attr->key == field)
			return attr;
	}
	return NULL;
}

double ss_measure_number(const struct ss_measure *measure, uint32_t field)
{
	const struct ss_attr *attr = ss_measure_field(measure, field);

	if (attr != NULL && attr->type == SS_ATTR_INT)
		return (double)attr->i;
	return attr != NULL && attr->type == SS_ATTR_DOUBLE ? attr->d : -1;
}

bool ss_measure_flag(const struct ss_measure *measure, uint32_t field)
{
	const struct ss_attr *attr = ss_measure_field(measure, field);

	return attr != NULL && attr->type == SS_ATTR_BOOL && attr->i != 0;
}

/* Text of a STRING field and its bytes; NULL: there is none. */
static const char *text_of(const struct ss_measure *measure, uint32_t field, uint32_t *ret_bytes)
{
	const struct ss_attr *attr = ss_measure_field(measure, field);

	if (attr == NULL || attr->type != SS_ATTR_STRING || attr->s.bytes == 0)
		return NULL;
	*ret_bytes = attr->s.bytes;
	return (const char *)(attr + 1);
}

bool ss_measure_is(const struct ss_measure *measure, uint32_t field, const char *text)
{
	uint32_t bytes;
	const char *is = text_of(measure, field, &bytes);

	return is != NULL && bytes == strlen(text) && memcmp(is, text, bytes) == 0;
}

static void add_label(struct ss_measure *measure, struct ss_label label)
{
	if (measure->count < SS_LABELS_MAX)
		measure->labels[measure->count++] = label;
}

void ss_measure_text(struct ss_measure *measure, const char *key, const char *text)
{
	add_label(measure, ss_label_text(key, text));
}

void ss_measure_bool(struct ss_measure *measure, const char *key, bool flag)
{
	add_label(measure, (struct ss_label){ .key = key, .type = SS_LABEL_BOOL, .flag = flag });
}

void ss_measure_label(struct ss_measure *measure, const char *key, uint32_t field,
		      const char *otherwise)
{
	uint32_t bytes = 0;
	const char *text = text_of(measure, field, &bytes);

	if (text == NULL)
		ss_measure_text(measure, key, otherwise);
	else
		add_label(measure, (struct ss_label){ .key = key, .text = text, .bytes = bytes });
}

void ss_measure_model(struct ss_measure *measure)
{
	ss_measure_label(measure, "gen_ai.request.model", SS_FIELD_MODEL, "unknown");
}

void ss_measure_provider(struct ss_measure *measure)
{
	uint32_t bytes = 0;
	const char *name = text_of(measure, SS_FIELD_PROVIDER, &bytes);

	if (name != NULL)
		name = ss_vocabulary_provider(measure->event->entry, name, bytes);
	if (name != NULL)
		ss_measure_text(measure, "gen_ai.provider.name", name);
	else
		ss_measure_label(measure, "gen_ai.provider.name", SS_FIELD_PROVIDER, "unknown");
}

void ss_measure_operation(struct ss_measure *measure)
{
	bool is_batch = measure->event->hook == SS_HOOK_GENERATION_BATCH_POST_CALL ||
			measure->event->hook == SS_HOOK_GENERATION_BATCH_ERROR;

	if (!measure->is_old)
		ss_measure_text(measure, "gen_ai.operation.name",
				is_batch ? "text_completion" : "chat");
}

void ss_measure_add(const struct ss_measure *measure, enum ss_instrument_id instrument,
		    double value)
{
	if (value >= 0)
		ss_metrics_add(measure->metrics, instrument, measure->labels, measure->count,
			       value);
}
