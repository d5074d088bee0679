/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner parts of a span's JSON: attributes, span events, stacks, exceptions. Part of otlp.c's
 * work, same rules; each appends to otlp->json without leading comma unless it says so.
 */
#ifndef SS_OTLP_VALUE_H
#define SS_OTLP_VALUE_H

#include <stdint.h>

#include "collector/fault.h"
#include "collector/otlp.h"

#define SS_OTLP_TEXT_MAX 4096u /* characters of a name that a binding gives */

/* A name, quoted. */
void ss_otlp_text(struct ss_json *json, const char *text);

/* The attributes of otlp->parts, at most `room`, a comma before each but the `first`. Returns how
 * many there was no room for. */
uint32_t ss_otlp_attributes(struct ss_otlp *otlp, uint32_t room, bool first);

/* The stack, error.type, the library's code: each with a leading comma, as long as there is *room,
 * which is brought up to date. Returns how many there was none for. */
uint32_t ss_otlp_fault_attributes(struct ss_otlp *otlp, const struct ss_fault *fault,
				  uint32_t *room);

/* A text, quoted, of at most `max` characters. */
void ss_otlp_fault_text(struct ss_otlp *otlp, const struct ss_fault_text *text, uint32_t max);

/* A span event; the one named "exception". */
void ss_otlp_event(struct ss_otlp *otlp, const struct ss_log_entry *entry);
void ss_otlp_exception(struct ss_otlp *otlp, const struct ss_fault *fault);

#endif
