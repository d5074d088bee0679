/* SPDX-License-Identifier: Apache-2.0
 *
 * The tracing subscribers, one per hook family, and what is special to the spans that an adapter's
 * events open: name, scope, kind. `self` of the subscribers is the struct ss_spans that they open,
 * close and annotate; the writer (otlp_head.c) asks for the rest. Drain only. A family
 * must not: keep anything of an event, for recovery starts with the log alone.
 */
#ifndef SS_TRACING_H
#define SS_TRACING_H

#include <stdbool.h>

#include "collector/dispatch.h"
#include "collector/vocabulary.h"

/* Spans opened by an OPEN event of that hook with a dialect for its entry. */
struct ss_tracing_span {
	uint8_t hook;
	bool has_client;   /* kind CLIENT where ss_vocabulary_is_remote says so of the provider */
	const char *scope; /* the same pointer for the same scope */
	const char *names[SS_DIALECTS];
	/* Of the OPEN event: its text follows the name after a blank; 0: none */
	uint8_t name_fields[SS_DIALECTS];
};

struct ss_tracing {
	struct ss_subscriber subscriber;
	const struct ss_tracing_span *spans;
	uint32_t span_count;
};

extern const struct ss_tracing ss_tracing_session;    /* and the startup before it */
extern const struct ss_tracing ss_tracing_component;  /* actions; and native events of no hook */
extern const struct ss_tracing ss_tracing_generation; /* chats and batches */
extern const struct ss_tracing ss_tracing_streaming;
extern const struct ss_tracing ss_tracing_sampling;
extern const struct ss_tracing ss_tracing_validation;
extern const struct ss_tracing ss_tracing_tool;
extern const struct ss_tracing ss_tracing_adapter; /* adapter functions: no spans of their own */

extern const char ss_tracing_application[], ss_tracing_backend[]; /* names of scopes */

/* Adds all families to the dispatch. 0 or -ENOSPC. */
int ss_tracing_subscribe(struct ss_dispatch *dispatch, void *spans);

/* What an OPEN event's hook opens, or NULL. Any number. */
const struct ss_tracing_span *ss_tracing_span_of(uint8_t hook);

/* All families' on_event. */
void ss_tracing_event(void *self, const struct ss_hook_event *event);

#endif
