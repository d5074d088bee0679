/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server's answer to an export request means, by the rules of OTLP/HTTP. The answer is
 * outside bytes: read with care, and shown only with its controls taken out. Any thread.
 */
#ifndef SS_EXPORT_REPLY_H
#define SS_EXPORT_REPLY_H

#include <stddef.h>
#include <stdint.h>

#define SS_EXPORT_REPLY_TEXT 256

enum ss_export_verdict {
	SS_EXPORT_ACCEPTED, /* but for those that were rejected */
	SS_EXPORT_AGAIN,    /* the server, or what is before it, cannot now */
	SS_EXPORT_REFUSED,  /* this data is no good to the server; other data may be */
	SS_EXPORT_STOP,     /* nothing that is sent there will be taken */
};

struct ss_export_reply {
	enum ss_export_verdict verdict;
	uint64_t rejected;               /* spans or data points of an accepted request */
	char text[SS_EXPORT_REPLY_TEXT]; /* what the server says, one line of plain text; or "" */
};

/* status: of HTTP; content_type may be NULL. body need not end with NUL. */
void ss_export_reply_read(long status, const char *content_type, const char *body, size_t bytes,
			  struct ss_export_reply *ret_reply);

#endif
