/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an export goes and how: OpenTelemetry's own variables, OTEL_EXPORTER_OTLP_*, each of which
 * may also be given for one signal alone, by the rules of the specification's protocol/exporter
 * page. Read once. A value that cannot be used is named on stderr, and the default is in force.
 */
#ifndef SS_EXPORT_SETTINGS_H
#define SS_EXPORT_SETTINGS_H

#include <stdbool.h>

#include "collector/cli/export_line.h"

#define SS_EXPORT_HEADERS_MAX 64

struct ss_export_target { /* of one signal; strings are malloc'ed, NULL: not set */
	char *url;
	char *shown; /* for messages: without a user's name and password, without what follows a '?'
		      */
	char *headers[SS_EXPORT_HEADERS_MAX]; /* "Name: value" */
	unsigned header_count;
	unsigned long timeout_ms;
	bool gzip;
	char *ca, *certificate, *key; /* PEM files */
};

struct ss_export_options { /* NULL: not given */
	const char *endpoint, *compression;
	const char *endpoint_option; /* the one that endpoint was given by, for messages */
};

struct ss_export_settings { /* all zero: nothing to give back */
	struct ss_export_target targets[SS_EXPORT_SIGNALS];
};

/* command: for messages. Returns 0, or the exit status after a message: an endpoint that is no URL,
 * a protocol that is not spoken here, an unknown --compression. Either way
 * ss_export_settings_deinit. */
int ss_export_settings_read(struct ss_export_settings *settings,
			    const struct ss_export_options *options, const char *command);
void ss_export_settings_deinit(struct ss_export_settings *settings);

/* Adds "name=value,...", as W3C Baggage has it without properties: spaces around names and values
 * are passed over, values percent-decoded. Returns 0; -EINVAL, and no header was added, when a name
 * is none or a value could not stand in a header; -E2BIG; -ENOMEM. */
int ss_export_settings_headers(struct ss_export_target *target, const char *list);

/* A host that is this machine: no proxy is asked for it. */
bool ss_export_settings_is_loopback(const char *url);

#endif
