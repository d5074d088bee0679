/* SPDX-License-Identifier: Apache-2.0
 *
 * POST by libcurl, which is loaded when the first request is made: the other commands, and `run`
 * above all, start without it. One thread. Must not: follow redirects, or take a proxy for this
 * machine's own addresses.
 */
#ifndef SS_EXPORT_HTTP_H
#define SS_EXPORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/cli/export_settings.h"

#define SS_EXPORT_HTTP_BODY_MAX (64u << 10) /* of an answer; more is not kept */

struct ss_export_http; /* its connections stay open between requests */

struct ss_export_answer {
	long status; /* of HTTP; 0: there was no answer, `error` says why */
	bool again;  /* without an answer: it may work later */
	const char *error;
	const char *content_type, *body; /* valid until the next request; type may be NULL */
	size_t bytes;
	uint64_t retry_after_s; /* 0: none */
};

/* Settings must live on. stop(data), asked several times a second, breaks a request off. Returns 0,
 * or -errno with what is missing in *ret_error, valid for ever. */
int ss_export_http_new(const struct ss_export_settings *settings, bool (*stop)(void *data),
		       void *data, struct ss_export_http **ret_http, const char **ret_error);
void ss_export_http_free(struct ss_export_http *http);

/* Sends body, JSON that the target's setting may want packed by gzip already. Always fills the
 * answer. */
void ss_export_http_post(struct ss_export_http *http, enum ss_export_signal signal,
			 const char *body, size_t bytes, struct ss_export_answer *ret_answer);

#endif
