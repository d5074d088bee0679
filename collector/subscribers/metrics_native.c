/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of declared entry points: `spanshim.entry.duration` of each span that came to its
 * end, `spanshim.entry.errors` of each that has an error.type. Drain only.
 */
#include "collector/binding/vocabulary.h"
#include "collector/fault.h"
#include "collector/subscribers/metrics.h"

#define LABELS     4 /* error.type is the last */
#define NAME_BYTES (SS_LABEL_TEXT_MAX + 8)

/* What one look at a span's log tells. */
struct outline {
	const struct ss_log_entry *open, *close;
	bool failed;
};

static void look(struct outline *outline, const struct ss_span_view *span)
{
	const struct ss_log_entry *entry;
	uint32_t at;

	*outline = (struct outline){ 0 };
	for (at = 0; (entry = ss_parts_entry(span, at)) != NULL; at += entry->bytes) {
		if (entry->kind == SS_EVENT_OPEN && outline->open == NULL) {
			outline->open = entry;
		} else if (entry->kind == SS_EVENT_CLOSE) {
			outline->close = entry;
			outline->failed |= entry->status != SS_STATUS_OK;
		} else if (entry->kind == SS_EVENT_POINT) {
			outline->failed |= (entry->flags & SS_EVENT_STATUS_ONLY) != 0;
		}
	}
}

/* The labels that all spans of an entry have; `name` is room for one of them. */
static void label(struct ss_label labels[LABELS], const struct ss_image_view *view,
		  const struct ss_entry *entry, char name[NAME_BYTES])
{
	const struct ss_binding *binding = ss_image_binding(view, entry);
	const char *role = entry->role < SS_ROLE_COUNT ? ss_vocabulary_roles[entry->role] : "";

	/* An event's entry makes spans of streams only, whatever its own role. */
	if (entry->when == SS_WHEN_EVENT)
		role = ss_vocabulary_roles[SS_ROLE_STREAM];
	labels[0] = ss_label_text("code.function.name",
				  ss_image_function(view, entry, name, NAME_BYTES));
	labels[1] = ss_label_text("spanshim.binding",
				  ss_image_string(view, binding != NULL ? binding->name : 0));
	labels[2] = ss_label_text("spanshim.role", role);
}

/* Mostly known from the entry's last span. */
static uint32_t duration_series(struct ss_metrics_subscriber *self, uint32_t index)
{
	const struct ss_image_view *view = self->view;
	struct ss_label labels[LABELS];
	char name[NAME_BYTES];
	uint32_t *known = NULL, series;

	if (ss_buffer_reserve(&self->durations, (view->entry_count + 1) * sizeof(*known)) == 0)
		known = (uint32_t *)self->durations.base + index;
	if (known != NULL && *known != 0)
		return *known - 1;
	label(labels, view, &view->entries[index], name);
	series = ss_metrics_series(self->metrics, SS_INSTRUMENT_ENTRY_DURATION, labels, LABELS - 1);
	if (known != NULL && series != SS_NO_SERIES)
		*known = series + 1;
	return series;
}

static void count_error(struct ss_metrics_subscriber *self, const struct ss_span_view *span,
			uint32_t index)
{
	struct ss_label labels[LABELS];
	char name[NAME_BYTES];
	struct ss_fault fault;

	if (ss_parts_read(self->parts, span) != 0)
		return;
	ss_fault_read(&fault, self->view, self->parts, span);
	if (fault.type.text == NULL)
		return;
	label(labels, self->view, &self->view->entries[index], name);
	labels[LABELS - 1] = (struct ss_label){ .key = "error.type",
						.text = fault.type.text,
						.bytes = (uint32_t)fault.type.bytes };
	ss_metrics_add(self->metrics, SS_INSTRUMENT_ENTRY_ERRORS, labels, LABELS, 1);
}

void ss_metrics_native(struct ss_metrics_subscriber *self, const struct ss_span_view *span)
{
	struct outline outline;
	uint64_t start, end;

	look(&outline, span);
	if (outline.open == NULL || ss_image_entry(self->view, outline.open->entry) == NULL)
		return;
	if (outline.close != NULL) {
		start = outline.open->time_ns;
		end = outline.close->time_ns;
		ss_metrics_record(self->metrics, duration_series(self, outline.open->entry),
				  end > start ? (double)(end - start) / 1e9 : 0);
	}
	if (outline.failed)
		count_error(self, span, outline.open->entry);
}

void ss_metrics_unsubscribe(struct ss_metrics_subscriber *self)
{
	ss_buffer_free(&self->durations);
}
