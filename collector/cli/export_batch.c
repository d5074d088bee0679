/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const heads[SS_EXPORT_SIGNALS] = { "{\"resourceSpans\":[",
						      "{\"resourceMetrics\":[" };
static const char tail[] = "]}";

static int reserve(char **text, size_t *capacity, size_t bytes)
{
	size_t wider = bytes > 2 * *capacity ? bytes : 2 * *capacity;
	char *moved;

	if (bytes <= *capacity)
		return 0;
	moved = realloc(*text, wider);
	if (!moved)
		return -ENOMEM;
	*text = moved;
	*capacity = wider;
	return 0;
}

static int reserve_piece(struct ss_export_batch *batch)
{
	uint32_t wider = batch->capacity ? 2 * batch->capacity : 64;
	void *moved;

	if (batch->count < batch->capacity)
		return 0;
	moved = realloc(batch->pieces, wider * sizeof(*batch->pieces));
	if (!moved)
		return -ENOMEM;
	batch->pieces = moved;
	batch->capacity = wider;
	return 0;
}

bool ss_export_batch_fits(const struct ss_export_batch *batch, const struct ss_export_line *line)
{
	if (!batch->count)
		return true;
	return batch->signal == line->signal &&
	       strlen(heads[line->signal]) + batch->used + line->elements.bytes + strlen(tail) <=
		       batch->limit_bytes;
}

int ss_export_batch_add(struct ss_export_batch *batch, const struct ss_export_line *line,
			uint64_t number, uint64_t after)
{
	size_t start = batch->used, bytes = line->elements.bytes;

	if (reserve_piece(batch) || reserve(&batch->text, &batch->text_capacity, start + bytes + 1))
		return -ENOMEM;
	memcpy(batch->text + start, line->elements.text, bytes);
	/* Between it and the next one. */
	batch->text[start + bytes] = ',';
	batch->used = start + bytes + 1;
	batch->signal = line->signal;
	batch->pieces[batch->count++] = (struct ss_export_piece){
		.start = start,
		.end = start + bytes,
		.items = line->items,
		.line = number,
		.after = after,
	};
	return 0;
}

int ss_export_batch_body(struct ss_export_batch *batch, uint32_t first, uint32_t end,
			 const char **ret_body, size_t *ret_bytes)
{
	const char *head = heads[batch->signal];
	size_t start = batch->pieces[first].start, bytes = batch->pieces[end - 1].end - start;
	size_t total = strlen(head) + bytes + strlen(tail);

	if (reserve(&batch->body, &batch->body_capacity, total))
		return -ENOMEM;
	memcpy(batch->body, head, strlen(head));
	memcpy(batch->body + strlen(head), batch->text + start, bytes);
	memcpy(batch->body + strlen(head) + bytes, tail, strlen(tail));
	*ret_body = batch->body;
	*ret_bytes = total;
	return 0;
}

uint64_t ss_export_batch_items(const struct ss_export_batch *batch, uint32_t first, uint32_t end)
{
	uint64_t items = 0;

	for (; first < end; first++)
		items += batch->pieces[first].items;
	return items;
}

void ss_export_batch_empty(struct ss_export_batch *batch)
{
	batch->count = 0;
	batch->used = 0;
}

void ss_export_batch_deinit(struct ss_export_batch *batch)
{
	free(batch->pieces);
	free(batch->text);
	free(batch->body);
	*batch = (struct ss_export_batch){ .limit_bytes = batch->limit_bytes };
}
