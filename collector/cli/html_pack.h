/* SPDX-License-Identifier: Apache-2.0
 *
 * Data blocks of a page: script elements of no script type, whose content is base64 of gzip. Of
 * whatever a block is made, what stands in the page has letters, digits, '+', '/' and '=' only, so
 * that nothing of a dump can end the element or mean anything to a parser. One thread.
 */
#ifndef SS_HTML_PACK_H
#define SS_HTML_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <zlib.h>

#include "collector/json.h"

struct ss_html_pack {
	FILE *file;
	z_stream zip;
	unsigned char *zipped;
	size_t capacity;
	int error; /* 0 or -errno, the first one; write errors stay in file */
};

/* Returns 0 or -ENOMEM. */
int ss_html_pack_init(struct ss_html_pack *pack, FILE *file);
void ss_html_pack_deinit(struct ss_html_pack *pack);

/* Writes a block with what json holds, and empties it. kind: ours, letters only; first: number of
 * its first row. */
void ss_html_pack_block(struct ss_html_pack *pack, const char *kind, uint64_t first,
			struct ss_json *json);

/* base64 of bytes, with padding. */
void ss_html_pack_base64(FILE *file, const unsigned char *bytes, size_t count);

#endif
