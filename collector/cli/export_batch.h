/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of one file and one signal that go into one request, and any run of them as a request's
 * body: a request that is refused is sent again in halves. One thread.
 */
#ifndef SS_EXPORT_BATCH_H
#define SS_EXPORT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/cli/export_line.h"

struct ss_export_piece {   /* one line */
	size_t start, end; /* in text */
	uint64_t items;
	uint64_t line;  /* its number in the file */
	uint64_t after; /* offset in the file behind it */
};

struct ss_export_batch {    /* all zero but limit_bytes: empty */
	size_t limit_bytes; /* of a body; a single line may have more */
	enum ss_export_signal signal;
	struct ss_export_piece *pieces;
	uint32_t count, capacity;
	char *text, *body;
	size_t used, text_capacity, body_capacity;
};

/* Whether the line can join those that are there. */
bool ss_export_batch_fits(const struct ss_export_batch *batch, const struct ss_export_line *line);

/* Copies what it needs. Returns 0 or -ENOMEM. */
int ss_export_batch_add(struct ss_export_batch *batch, const struct ss_export_line *line,
			uint64_t number, uint64_t after);

/* The request of pieces first to end - 1; valid until the next call. Returns 0 or -ENOMEM. */
int ss_export_batch_body(struct ss_export_batch *batch, uint32_t first, uint32_t end,
			 const char **ret_body, size_t *ret_bytes);

/* How many spans or data points those are. */
uint64_t ss_export_batch_items(const struct ss_export_batch *batch, uint32_t first, uint32_t end);

void ss_export_batch_empty(struct ss_export_batch *batch);
void ss_export_batch_deinit(struct ss_export_batch *batch);

#endif
