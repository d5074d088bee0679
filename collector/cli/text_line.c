/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/text_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#define ELLIPSIS_COLUMNS(line) ((line)->utf8 ? 1u : 3u)

struct glyph {
	char text[8];
	size_t bytes;
	unsigned columns;
};

void ss_text_line_reset(struct ss_text_line *line)
{
	line->columns = 0;
	line->cut = false;
	line->bytes = 0;
	line->colour_count = 0;
}

static void escape(unsigned byte, struct glyph *ret_glyph)
{
	static const char names[] = "\aa\bb\tt\nn\vv\ff\rr\033e";
	const char *name;

	for (name = names; *name; name += 2) {
		if ((unsigned char)*name == byte) {
			ret_glyph->bytes =
				snprintf(ret_glyph->text, sizeof(ret_glyph->text), "\\%c", name[1]);
			ret_glyph->columns = ret_glyph->bytes;
			return;
		}
	}
	ret_glyph->bytes = snprintf(ret_glyph->text, sizeof(ret_glyph->text), "\\x%02x", byte);
	ret_glyph->columns = ret_glyph->bytes;
}

/* The terminating NUL is no continuation byte, so this never reads past it. */
size_t ss_text_decode(const char *characters, uint32_t *ret_code)
{
	const unsigned char *text = (const unsigned char *)characters;
	size_t bytes = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4, i;
	uint32_t code = text[0] & (0xff >> (bytes + 1));

	*ret_code = text[0];
	if (text[0] < 0x80)
		return 1;
	*ret_code = 0xfffd;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 1;
	for (i = 1; i < bytes; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 1;
		code = code << 6 | (text[i] & 0x3f);
	}
	if ((bytes == 3 && code < 0x800) || (bytes == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 1;
	*ret_code = code;
	return bytes;
}

/* Overrides and isolates reorder what is around them on the screen. */
bool ss_text_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* The next character as it is shown. Returns how many bytes of text it stands for. */
static size_t next_glyph(const struct ss_text_line *line, const char *text, struct glyph *ret_glyph)
{
	unsigned char first = *text;
	uint32_t code;
	size_t bytes;
	int columns;

	if (first < 0x20 || first == 0x7f) {
		escape(first, ret_glyph);
		return 1;
	}
	ret_glyph->text[0] = *text;
	ret_glyph->bytes = ret_glyph->columns = 1;
	if (first < 0x80)
		return 1;
	bytes = ss_text_decode(text, &code);
	columns = line->utf8 ? wcwidth(code) : -1;
	if (!line->utf8 || (code != 0xfffd && (columns < 0 || ss_text_unsafe(code)))) {
		ret_glyph->text[0] = '?';
		return bytes;
	}
	memcpy(ret_glyph->text, code == 0xfffd ? "\xef\xbf\xbd" : text, code == 0xfffd ? 3 : bytes);
	ret_glyph->bytes = code == 0xfffd ? 3 : bytes;
	ret_glyph->columns = columns < 0 ? 1 : columns;
	return bytes;
}

/* Takes glyphs back until the ellipsis fits before column `limit`. */
static void end_with_ellipsis(struct ss_text_line *line, size_t from_bytes, unsigned limit)
{
	unsigned room = limit > ELLIPSIS_COLUMNS(line) ? limit - ELLIPSIS_COLUMNS(line) : 0;

	while (line->bytes > from_bytes && line->columns > room) {
		uint32_t code = (unsigned char)line->text[--line->bytes];

		while (line->bytes > from_bytes && (line->text[line->bytes] & 0xc0) == 0x80)
			line->bytes--;
		if (code < 0x80) {
			line->columns--;
			continue;
		}
		ss_text_decode(line->text + line->bytes, &code);
		line->columns -= wcwidth(code) < 0 ? 1 : wcwidth(code);
	}
	if (line->columns + ELLIPSIS_COLUMNS(line) > limit)
		return;
	memcpy(line->text + line->bytes, line->utf8 ? "\xe2\x80\xa6" : "...", 3);
	line->bytes += 3;
	line->columns += ELLIPSIS_COLUMNS(line);
}

/* The column that nothing may go past: the line's own, or max further on if that is less. */
static unsigned column_limit(const struct ss_text_line *line, unsigned max)
{
	unsigned width = line->width ? line->width : UINT32_MAX / 2;

	return max && line->columns + max < width ? line->columns + max : width;
}

void ss_text_line_add(struct ss_text_line *line, const char *text, unsigned max)
{
	unsigned limit = column_limit(line, max);
	size_t from = line->bytes;
	struct glyph glyph;

	while (*text && !line->cut) {
		text += next_glyph(line, text, &glyph);
		/* Room for an ellipsis stays, whatever comes. */
		if (line->bytes + glyph.bytes + 4 > sizeof(line->text) ||
		    line->columns + glyph.columns > limit) {
			line->cut = limit == line->width || line->columns + glyph.columns <= limit;
			end_with_ellipsis(line, line->cut ? 0 : from, limit);
			return;
		}
		memcpy(line->text + line->bytes, glyph.text, glyph.bytes);
		line->bytes += glyph.bytes;
		line->columns += glyph.columns;
	}
}

const char *ss_text_line_fill(struct ss_text_line *line, const char *text)
{
	unsigned limit = column_limit(line, 0);
	struct glyph glyph;
	size_t bytes;

	while (*text && *text != '\n') {
		bytes = next_glyph(line, text, &glyph);
		if (line->cut || line->bytes + glyph.bytes + 4 > sizeof(line->text) ||
		    line->columns + glyph.columns > limit)
			return text;
		memcpy(line->text + line->bytes, glyph.text, glyph.bytes);
		line->bytes += glyph.bytes;
		line->columns += glyph.columns;
		text += bytes;
	}
	return *text ? text + 1 : NULL;
}

void ss_text_line_mark(struct ss_text_line *line, const char *utf8, const char *ascii)
{
	ss_text_line_add(line, line->utf8 ? utf8 : ascii, 0);
}

void ss_text_line_format(struct ss_text_line *line, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ss_text_line_add(line, text, 0);
}

void ss_text_line_duration(struct ss_text_line *line, uint64_t ns, unsigned columns)
{
	static const double sizes[] = { 1, 1e3, 1e6, 1e9 };
	const char *const units[] = { "ns", line->utf8 ? "\xc2\xb5s" : "us", "ms", "s" };
	/* The next unit from where rounding would make it 1000 of this one. */
	unsigned unit = ns < 1000 ? 0 : ns < 999500 ? 1 : ns < 999500000 ? 2 : 3, used;
	double value = ns / sizes[unit];
	uint64_t s = (ns + 500000000) / 1000000000;
	char text[32];

	if (s >= 3600)
		snprintf(text, sizeof(text), "%" PRIu64 "h%02um", s / 3600,
			 (unsigned)(s / 60 % 60));
	else if (s >= 60)
		snprintf(text, sizeof(text), "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (unit == 0)
		snprintf(text, sizeof(text), "%" PRIu64 " ns", ns);
	else
		snprintf(text, sizeof(text), "%.*f %s",
			 value < 9.995   ? 2
			 : value < 99.95 ? 1
					 : 0,
			 value, units[unit]);
	for (used = strlen(text) - (unit == 1 && line->utf8); used < columns; used++)
		ss_text_line_add(line, " ", 0);
	ss_text_line_add(line, text, 0);
}

void ss_text_line_colour(struct ss_text_line *line, enum ss_colour colour)
{
	if (line->colour_count == SS_TEXT_LINE_COLOURS)
		return;
	line->colours[line->colour_count].from = line->bytes;
	line->colours[line->colour_count++].colour = colour;
}

/* One stretch of the line, from byte `from` to `to`. */
static void print_stretch(const struct ss_text_line *line, size_t from, size_t to,
			  enum ss_colour colour, FILE *file)
{
	static const char *const sequences[SS_COLOUR_COUNT] = {
		[SS_COLOUR_RED] = "\033[31m",
		[SS_COLOUR_YELLOW] = "\033[33m",
		[SS_COLOUR_DIM] = "\033[2m",
	};

	if (from >= to)
		return;
	if (sequences[colour])
		fputs(sequences[colour], file);
	fwrite(line->text + from, 1, to - from, file);
	if (sequences[colour])
		fputs("\033[0m", file);
}

void ss_text_line_print(const struct ss_text_line *line, bool colour, FILE *file)
{
	enum ss_colour current = SS_COLOUR_NONE;
	size_t from = 0, to;
	unsigned i;

	for (i = 0; colour && i < line->colour_count; i++) {
		if (line->colours[i].colour == current)
			continue;
		to = line->colours[i].from < line->bytes ? line->colours[i].from : line->bytes;
		print_stretch(line, from, to, current, file);
		from = to;
		current = line->colours[i].colour;
	}
	print_stretch(line, from, line->bytes, current, file);
	fputc('\n', file);
}
