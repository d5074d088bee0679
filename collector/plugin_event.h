/* SPDX-License-Identifier: Apache-2.0
 *
 * From an event of the rings to the one that plugins see (spanshim/event.h): names for numbers,
 * strings in place with a NUL behind them. One event at a time. Drain thread only.
 */
#ifndef SS_PLUGIN_EVENT_H
#define SS_PLUGIN_EVENT_H

#include "collector/hook.h"
#include "collector/image.h"
#include "collector/include/spanshim/plugin.h"
#include "collector/plugin_spans.h"

#define SS_PLUGIN_ATTRIBUTES (SS_EVENT_PAYLOAD_MAX / sizeof(struct ss_attr))

struct ss_plugin_event {
	struct spanshim_event event;
	struct spanshim_attribute attributes[SS_PLUGIN_ATTRIBUTES];
	/* strings without room for a NUL behind them */
	char texts[SS_EVENT_PAYLOAD_MAX + SS_PLUGIN_ATTRIBUTES];
	uint32_t texts_used;
	char hook_names[SS_HOOK_COUNT][48], field_names[SS_KEY_RESERVED][32]; /* in lower case */
};

void ss_plugin_event_init(struct ss_plugin_event *out);

/* The hook that plugins know an event by: its own, or that of its span's opening. */
static inline uint32_t ss_plugin_event_hook(const struct ss_hook_event *event,
					    const struct ss_plugin_span *span)
{
	return event->hook == SS_HOOK_NONE && span != NULL ? span->hook : event->hook;
}

/* Fills out->event, which then leads into `event` and the view. `span`: what is known of its
 * span, or NULL. */
void ss_plugin_event_build(struct ss_plugin_event *out, const struct ss_image_view *view,
			   const struct ss_hook_event *event, const struct ss_plugin_span *span);

#endif
