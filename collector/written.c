/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/written.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/buffer.h"
#include "collector/sink.h"

#define WINDOW_BYTES (2u << 20) /* longer than any line of ours */
#define ID_KEY       "\"spanId\":\""
#define NO_SPANS     "\"scopeSpans\":[]"

/* One line, quotes inside its strings being escaped: the key cannot be mistaken. */
static int read_line(struct ss_written *written, const char *line, size_t bytes, const char *nonce)
{
	const char *end = line + bytes, *at = line;

	if (memmem(line, bytes, nonce, strlen(nonce)) == NULL)
		return 0;
	if (memmem(line, bytes, NO_SPANS, strlen(NO_SPANS)) != NULL)
		written->losses = true;
	while ((at = memmem(at, (size_t)(end - at), ID_KEY, strlen(ID_KEY))) != NULL) {
		char digits[17] = "";
		uint64_t id;

		at += strlen(ID_KEY);
		if (end - at < 16)
			break;
		memcpy(digits, at, 16);
		id = strtoull(digits, NULL, 16);
		if (id != 0 && ss_spanmap_find(&written->ids, id) == NULL &&
		    ss_spanmap_add(&written->ids, id, 0) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_file(struct ss_written *written, int fd, uint64_t offset, const char *nonce,
		     char *window)
{
	size_t used = 0;
	int rc = 0;

	for (;;) {
		ssize_t got = pread(fd, window + used, WINDOW_BYTES - used, (off_t)offset);
		char *line = window, *newline;

		if (got <= 0)
			return rc;
		offset += (uint64_t)got;
		used += (size_t)got;
		while (rc == 0 && (newline = memchr(line, '\n', used)) != NULL) {
			rc = read_line(written, line, (size_t)(newline - line), nonce);
			used -= (size_t)(newline + 1 - line);
			line = newline + 1;
		}
		if (rc != 0)
			return rc;
		memmove(window, line, used);
		if (used == WINDOW_BYTES) /* not a line of ours */
			used = 0;
	}
}

int ss_written_read(struct ss_written *written, const struct ss_image_view *view)
{
	const struct ss_image *image = view->image;
	struct ss_buffer window = { 0 };
	char nonce[17];
	int fd, rc;

	*written = (struct ss_written){ 0 };
	rc = ss_spanmap_init(&written->ids);
	if (rc != 0)
		return rc;
	/* The last batch that wrote anything may be committed: then only the line of losses, which
	 * has no id, can still be doubled. */
	if (image->out_batch == 0 ||
	    (image->out_batch != image->batch && image->out_batch != image->batch + 1))
		return 0;
	fd = ss_sink_reread(ss_image_string(view, image->out_str));
	if (fd < 0)
		return 0;
	snprintf(nonce, sizeof(nonce), "%016llx", (unsigned long long)image->nonce);
	rc = ss_buffer_reserve(&window, WINDOW_BYTES);
	if (rc == 0)
		rc = read_file(written, fd, image->out_offset, nonce, window.base);
	ss_buffer_free(&window);
	close(fd);
	return rc;
}

void ss_written_deinit(struct ss_written *written)
{
	ss_spanmap_deinit(&written->ids);
}
