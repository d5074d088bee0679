/* SPDX-License-Identifier: Apache-2.0
 *
 * What was lost, by reason and kind, as a line in the output and as text for the log. Drain only.
 */
#ifndef SS_LOSSES_H
#define SS_LOSSES_H

#include <stddef.h>
#include <stdint.h>

#include "collector/image.h"
#include "collector/otlp.h"

/* Events lost in all rings, and in the image, together. */
uint64_t ss_losses_total(const struct ss_image_view *view);

#define SS_LOSSES_MAX     (SS_DROP_REASONS * SS_EVENT_KINDS + 2u)
#define SS_LOSSES_KEY_MAX 64u

/* The counts that are not 0: spanshim.dropped.<reason>.<kind>. */
struct ss_losses {
	uint32_t count;
	struct ss_otlp_count counts[SS_LOSSES_MAX];
	char keys[SS_LOSSES_MAX][SS_LOSSES_KEY_MAX];
};
void ss_losses_read(struct ss_losses *losses, const struct ss_image_view *view);

/* One more, if it is not 0; at most two. */
void ss_losses_add(struct ss_losses *losses, const char *reason, const char *kind, uint64_t value);

/* If anything was lost (or spans_lost > 0): a line without spans whose resource has the counts, and
 * spanshim.dropped.sink.span. */
void ss_losses_write(struct ss_otlp *otlp, const struct ss_image_view *view, uint64_t spans_lost);

/* "ring_full.open 3, ring_full.attr 1": NUL-terminated, "" when nothing was lost. */
void ss_losses_describe(const struct ss_image_view *view, char *text, size_t bytes);

#endif
