/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/html_pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define WINDOW_GZIP  (15 + 16) /* zlib's way to ask for gzip's header */
#define MEMORY_LEVEL 8
#define LINE_BYTES   4096u /* of base64, a multiple of 4 */

int ss_html_pack_init(struct ss_html_pack *pack, FILE *file)
{
	*pack = (struct ss_html_pack){ .file = file };
	return deflateInit2(&pack->zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP,
			    MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK
		       ? 0
		       : -ENOMEM;
}

void ss_html_pack_deinit(struct ss_html_pack *pack)
{
	deflateEnd(&pack->zip);
	free(pack->zipped);
	pack->zipped = NULL;
}

void ss_html_pack_base64(FILE *file, const unsigned char *bytes, size_t count)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[LINE_BYTES];
	size_t used = 0, i;

	for (i = 0; i < count; i += 3) {
		size_t have = count - i < 3 ? count - i : 3;
		unsigned group = (unsigned)bytes[i] << 16 |
				 (have > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
				 (have > 2 ? bytes[i + 2] : 0);

		line[used++] = digits[group >> 18];
		line[used++] = digits[group >> 12 & 63];
		line[used++] = have > 1 ? digits[group >> 6 & 63] : '=';
		line[used++] = have > 2 ? digits[group & 63] : '=';
		if (used == sizeof(line)) {
			fwrite(line, 1, used, file);
			used = 0;
		}
	}
	fwrite(line, 1, used, file);
}

static int zip(struct ss_html_pack *pack, const struct ss_json *json)
{
	size_t bound;
	void *wider;

	if (json->failed || deflateReset(&pack->zip) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&pack->zip, ss_json_length(json));
	if (pack->capacity < bound) {
		wider = realloc(pack->zipped, bound);
		if (!wider)
			return -ENOMEM;
		pack->zipped = wider;
		pack->capacity = bound;
	}
	pack->zip.next_in = (unsigned char *)ss_json_text(json);
	pack->zip.avail_in = (uInt)ss_json_length(json);
	pack->zip.next_out = pack->zipped;
	pack->zip.avail_out = (uInt)pack->capacity;
	return deflate(&pack->zip, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
}

void ss_html_pack_block(struct ss_html_pack *pack, const char *kind, uint64_t first,
			struct ss_json *json)
{
	int r = zip(pack, json);

	json->p = ss_json_text(json);
	if (r) {
		pack->error = pack->error ? pack->error : r;
		return;
	}
	fprintf(pack->file,
		"<script type=\"application/octet-stream\" class=\"%s\" data-first=\"%" PRIu64
		"\">",
		kind, first);
	ss_html_pack_base64(pack->file, pack->zipped, pack->zip.total_out);
	fputs("</script>\n", pack->file);
}
