/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/cli/check_shape.h"
#include "collector/dump.h"

/* Length of the UTF-8 sequence at text, 0 when it is none (RFC 3629: no surrogates, no overlong
 * forms, nothing above U+10FFFF). */
static size_t sequence_bytes(const unsigned char *text, size_t left)
{
	size_t bytes = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code = text[0] & (0xff >> (bytes + 1));
	size_t i;

	if (bytes == 1)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || bytes > left)
		return 0;
	for (i = 1; i < bytes; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return bytes;
}

static bool check_characters(const struct ss_dump_line *line, const struct ss_check_sink *sink)
{
	const unsigned char *text = (const unsigned char *)line->text;
	char message[80];
	size_t at = 0, bytes;

	for (; at < line->bytes; at += bytes) {
		bytes = sequence_bytes(text + at, line->bytes - at);
		if (!bytes) {
			snprintf(message, sizeof(message), "not UTF-8 at byte %zu", at + 1);
			sink->finding(sink->data, "", message);
			return false;
		}
		if (text[at] < 0x20 && text[at] != '\t' && text[at] != '\r') {
			snprintf(message, sizeof(message), "control character 0x%02x at byte %zu",
				 text[at], at + 1);
			sink->finding(sink->data, "", message);
			return false;
		}
	}
	return true;
}

bool ss_check_text_line(const struct ss_dump_line *line, const struct ss_check_sink *sink)
{
	char message[80];

	if (line->bytes + line->ended > SS_CHECK_LINE_BYTES) {
		snprintf(message, sizeof(message), "a line of %zu bytes, expected at most %u",
			 line->bytes + line->ended, SS_CHECK_LINE_BYTES);
		sink->finding(sink->data, "", message);
	}
	if (!line->ended)
		sink->finding(sink->data, "", "the last line does not end in a newline");
	if (line->too_long)
		return false;
	if (!line->bytes) {
		sink->finding(sink->data, "", "an empty line");
		return false;
	}
	return check_characters(line, sink);
}
