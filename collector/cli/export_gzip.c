/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_gzip.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#define WINDOW_BITS_GZIP (15 + 16) /* zlib's largest window, with gzip's head and tail */
#define MEMORY_LEVEL     8         /* zlib's default */

int ss_export_gzip(const char *text, size_t bytes, char **ret_packed, size_t *ret_bytes)
{
	z_stream stream = { .next_in = (z_const Bytef *)text, .avail_in = (uInt)bytes };
	char *packed;
	uLong room;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&stream, (uLong)bytes);
	packed = malloc(room);
	stream.next_out = (Bytef *)packed;
	stream.avail_out = (uInt)room;
	/* In one go: there is room for the worst case. */
	if (!packed || deflate(&stream, Z_FINISH) != Z_STREAM_END) {
		deflateEnd(&stream);
		free(packed);
		return -ENOMEM;
	}
	*ret_packed = packed;
	*ret_bytes = stream.total_out;
	deflateEnd(&stream);
	return 0;
}
