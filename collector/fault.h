/* SPDX-License-Identifier: Apache-2.0
 *
 * What went wrong in a span, in OpenTelemetry's words: error.type, the library's own code, status
 * message, exception. Drain only. Texts lead into the log, the image or this struct.
 */
#ifndef SS_FAULT_H
#define SS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/parts.h"

struct ss_fault_text {
	const char *text; /* NULL: none */
	size_t bytes;
	uint32_t value; /* of parts: the same in pieces, or SS_NO_VALUE */
};

struct ss_fault {
	bool failed; /* the span's status is ERROR; nothing else is set if it is not */
	struct ss_fault_text type;    /* error.type; none where it is among the span's attributes */
	struct ss_fault_text message; /* status.message */
	uint32_t code_key;            /* attribute of `code`; 0: none */
	int64_t code;
	bool exception; /* tell it as a span event, with what follows */
	bool python;    /* ... in the way of Python's OpenTelemetry */
	struct ss_fault_text exception_type, exception_message, exception_stacktrace;
	char type_text[512];
	char message_text[64];
};

/* Works it out. */
void ss_fault_read(struct ss_fault *fault, const struct ss_image_view *view,
		   const struct ss_parts *parts, const struct ss_span_view *span);

#endif
