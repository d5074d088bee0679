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

struct ss_fault {
	const char *type; /* error.type; NULL: the span is fine */
	size_t type_bytes;
	const char *message; /* status.message; NULL: none */
	size_t message_bytes;
	uint32_t message_value; /* of parts: the message in pieces, or SS_NO_VALUE */
	uint32_t code_key;      /* attribute of `code`; 0: none */
	int64_t code;
	bool exception; /* tell it as a span event, with what follows */
	const char *exception_message;
	size_t exception_message_bytes;
	char type_text[512];
	char message_text[64];
};

/* Works it out. */
void ss_fault_read(struct ss_fault *fault, const struct ss_image_view *view,
		   const struct ss_parts *parts, const struct ss_span_view *span);

#endif
