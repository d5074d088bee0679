/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings a batch to the server, whatever it takes: tries again while that may help, in halves when
 * the server refuses the data, so that one bad line costs no other. What is given up is said and
 * counted. One thread.
 */
#ifndef SS_EXPORT_SEND_H
#define SS_EXPORT_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/export_batch.h"
#include "collector/cli/export_http.h"
#include "collector/cli/export_settings.h"

struct ss_export_counts { /* of one signal */
	uint64_t sent, refused, requests, retries;
};

struct ss_export_sender {
	struct ss_export_settings settings;
	struct ss_export_http *http; /* NULL: not needed yet */
	struct ss_export_counts counts[SS_EXPORT_SIGNALS];
	uint64_t wait_ns;    /* how long to try again before giving up */
	bool follow;         /* for ever, until `stopped` */
	bool quiet;          /* no word of what may pass */
	bool trying_again;   /* and it has been said */
	uint64_t failing_ns; /* when the first try of this request failed; 0: it has not */
	uint64_t stopped_ns; /* when we were told to stop, 0: not; or when something was last sent
				since then */
	/* Where messages go, without a newline. */
	void (*say)(void *data, const char *text);
	/* Those pieces are done with, up to the last one. */
	void (*done)(void *data, const struct ss_export_piece *last);
	void *data;
	char trouble[512]; /* why sending ended */
};

/* file: its name, for messages. Returns 0 when all of the batch was accepted or refused; -EAGAIN
 * when the server could not be reached for so long, -EPROTO when it takes nothing from us, -ENOENT
 * or -ENOSYS without libcurl, -ENOMEM: `trouble` says it, and what was not `done` is to be sent
 * again. */
int ss_export_send(struct ss_export_sender *sender, struct ss_export_batch *batch,
		   const char *file);

/* A signal has come: a second one ends everything at once. */
void ss_export_sender_catch_signals(void);
unsigned ss_export_sender_signals(void);

void ss_export_sender_deinit(struct ss_export_sender *sender);

#endif
