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

#define SS_TEXT_LINE_BYTES 8192

enum ss_colour { SS_COLOUR_NONE, SS_COLOUR_RED, SS_COLOUR_YELLOW, SS_COLOUR_COUNT };

struct ss_text_line {
	bool utf8;      /* else everything above ASCII becomes '?' */
	unsigned width; /* columns; 0: no limit */
	unsigned columns;
	bool cut;
	size_t bytes;
	size_t colour_from;
	enum ss_colour colour; /* from colour_from to the end */
	char text[SS_TEXT_LINE_BYTES];
};

/* Forgets the text; utf8 and width stay. */
void ss_text_line_reset(struct ss_text_line *line);

/* Appends at most max columns of text (0: no limit but the line's), ended by "..." when it was
 * longer. */
void ss_text_line_add(struct ss_text_line *line, const char *text, unsigned max);

/* Appends text that is ours: utf8 in a UTF-8 line, else ascii. */
void ss_text_line_mark(struct ss_text_line *line, const char *utf8, const char *ascii);

void ss_text_line_format(struct ss_text_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends a duration, "12.3 ms": three significant digits below a minute; right-aligned in at least
 * that many columns. */
void ss_text_line_duration(struct ss_text_line *line, uint64_t ns, unsigned columns);

/* What follows is in that colour. */
void ss_text_line_colour(struct ss_text_line *line, enum ss_colour colour);

/* Writes the line and a newline; escape sequences only with colour set. */
void ss_text_line_print(const struct ss_text_line *line, bool colour, FILE *file);

#endif
