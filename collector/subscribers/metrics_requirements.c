/* SPDX-License-Identifier: Apache-2.0
 *
 * Requirements: how often each class was checked, of whole outputs and of chunks of streams, and
 * how often it failed, by reason. A reason that is content, with the gate closed, is no label.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#include <string.h>

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(VALIDATION_POST_CHECK) | BIT(STREAMING_EVENT))

/* An array of strings that is read along; `text` and `bytes`: where it is. */
struct reader {
	const char *at, *end;
	const char *text;
	uint32_t bytes;
};

static struct reader read_field(const struct ss_measure *measure, uint32_t field)
{
	const struct ss_attr *attr = ss_measure_field(measure, field);
	struct reader reader = { .text = "" };

	if (attr == NULL || attr->type != SS_ATTR_STRINGS)
		return reader;
	reader.at = (const char *)(attr + 1);
	reader.end = reader.at + attr->s.bytes;
	return reader;
}

/* False at the end: then the text is "". */
static bool next(struct reader *reader)
{
	size_t left = (size_t)(reader->end - reader->at);
	uint32_t bytes = 0;

	if (left >= sizeof(bytes))
		memcpy(&bytes, reader->at, sizeof(bytes));
	if (left < sizeof(bytes) || left - sizeof(bytes) < bytes) {
		*reader = (struct reader){ .text = "" };
		return false;
	}
	reader->text = reader->at + sizeof(bytes);
	reader->bytes = bytes;
	reader->at = reader->text + bytes;
	return true;
}

static bool is(const struct reader *reader, const char *text)
{
	return reader->bytes == strlen(text) && memcmp(reader->text, text, reader->bytes) == 0;
}

static void add_label(struct ss_measure *measure, const char *key, const struct reader *reader)
{
	measure->labels[measure->count++] =
		(struct ss_label){ .key = key, .text = reader->text, .bytes = reader->bytes };
}

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct reader requirements, results, reasons;
	struct ss_measure measure;

	if (!ss_measure_begin(&measure, self, event))
		return;
	requirements = read_field(&measure, SS_FIELD_CHECKED_REQUIREMENTS);
	results = read_field(&measure, SS_FIELD_CHECKED_RESULTS);
	reasons = read_field(&measure, SS_FIELD_CHECKED_REASONS);
	while (next(&requirements) && next(&results)) {
		bool is_withheld = is(&results, "withheld");

		(void)next(&reasons);
		measure.count = 0;
		add_label(&measure, "requirement", &requirements);
		ss_measure_add(&measure, SS_INSTRUMENT_REQUIREMENT_CHECKS, 1);
		if (!is_withheld && !is(&results, "fail"))
			continue;
		if (!is_withheld)
			add_label(&measure, "reason", &reasons);
		ss_measure_add(&measure, SS_INSTRUMENT_REQUIREMENT_FAILURES, 1);
	}
}

const struct ss_subscriber ss_metrics_requirements = { "metrics.requirements", HOOKS, on_event };
