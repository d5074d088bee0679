/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of terminal output made of untrusted text: control characters are escaped, invalid UTF-8
 * is replaced, and the line ends where the terminal does. One thread.
 * Must not: let an escape sequence through that it did not make itself.
 */
#ifndef SS_TEXT_LINE_H
#define SS_TEXT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SS_TEXT_LINE_BYTES   8192
#define SS_TEXT_LINE_COLOURS 48 /* changes; later ones on the same line are ignored */

enum ss_colour { SS_COLOUR_NONE, SS_COLOUR_RED, SS_COLOUR_YELLOW, SS_COLOUR_DIM, SS_COLOUR_COUNT };

struct ss_text_line {
	bool utf8;      /* else everything above ASCII becomes '?' */
	unsigned width; /* columns; 0: no limit */
	unsigned columns;
	bool cut;
	size_t bytes;
	unsigned colour_count;
	struct {
		size_t from; /* bytes */
		enum ss_colour colour;
	} colours[SS_TEXT_LINE_COLOURS];
	char text[SS_TEXT_LINE_BYTES];
};

/* Forgets the text; utf8 and width stay. */
void ss_text_line_reset(struct ss_text_line *line);

/* Appends at most max columns of text (0: no limit but the line's), ended by "..." when it was
 * longer. */
void ss_text_line_add(struct ss_text_line *line, const char *text, unsigned max);

/* Appends as much of text as there is room for, up to a newline in it. Returns what is left of it,
 * all of it when the line is full; NULL: nothing. */
const char *ss_text_line_fill(struct ss_text_line *line, const char *text);

/* Appends text that is ours: utf8 in a UTF-8 line, else ascii. */
void ss_text_line_mark(struct ss_text_line *line, const char *utf8, const char *ascii);

void ss_text_line_format(struct ss_text_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends a duration, "12.3 ms": three significant digits below a minute; right-aligned in at least
 * that many columns. */
void ss_text_line_duration(struct ss_text_line *line, uint64_t ns, unsigned columns);

/* What follows is in that colour, up to the next call. */
void ss_text_line_colour(struct ss_text_line *line, enum ss_colour colour);

/* Writes the line and a newline; escape sequences only with colour set. */
void ss_text_line_print(const struct ss_text_line *line, bool colour, FILE *file);

/* Length of the UTF-8 character at text, and its code; 1 and U+FFFD when there is none. */
size_t ss_text_decode(const char *text, uint32_t *ret_code);

/* Controls, direction overrides and the like: what must not reach a terminal as it is. */
bool ss_text_unsafe(uint32_t code);

#endif
