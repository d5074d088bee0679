/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/text_line.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static struct ss_text_line line;

static void start(bool utf8, unsigned width)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	line.utf8 = utf8;
	line.width = width;
	ss_text_line_reset(&line);
}

static void assert_line(const char *expected, unsigned columns)
{
	line.text[line.bytes] = '\0';
	cr_assert_str_eq(line.text, expected);
	cr_assert_eq(line.columns, columns, "%u columns, expected %u", line.columns, columns);
}

Test(text_line, plain)
{
	start(true, 0);
	ss_text_line_add(&line, "a b", 0);
	ss_text_line_format(&line, " %d", 5);
	ss_text_line_mark(&line, "\xc3\x97", "x");
	assert_line("a b 5\xc3\x97", 6);
	start(false, 0);
	ss_text_line_mark(&line, "\xc3\x97", "x");
	assert_line("x", 1);
}

Test(text_line, controls_are_escaped)
{
	start(true, 0);
	ss_text_line_add(&line, "a\n\t\033[0m\001\177", 0);
	assert_line("a\\n\\t\\e[0m\\x01\\x7f", 18);
}

Test(text_line, c1_controls_and_overrides_are_replaced)
{
	start(true, 0);
	ss_text_line_add(&line,
			 "\xc2\x9b"
			 "31m\xe2\x80\xae"
			 "x",
			 0);
	assert_line("?31m?x", 6);
}

Test(text_line, invalid_utf8_is_replaced)
{
	start(true, 0);
	/* lone byte, overlong form, surrogate, cut sequence */
	ss_text_line_add(&line, "a\xff", 0);
	ss_text_line_add(&line, "\xc0\xaf", 0);
	ss_text_line_add(&line, "b\xe2\x82", 0);
	assert_line("a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		    "b\xef\xbf\xbd\xef\xbf\xbd",
		    7);
	start(false, 0);
	ss_text_line_add(&line, "\xc3\xa9\xff", 0);
	assert_line("??", 2);
}

Test(text_line, cut_at_width)
{
	start(true, 5);
	ss_text_line_add(&line, "12345", 0);
	cr_assert_not(line.cut);
	assert_line("12345", 5);
	ss_text_line_add(&line, "6", 0);
	assert_line("1234\xe2\x80\xa6", 5);
	ss_text_line_add(&line, "7", 0);
	assert_line("1234\xe2\x80\xa6", 5);
	start(false, 5);
	ss_text_line_add(&line, "123456", 0);
	assert_line("12...", 5);
}

Test(text_line, cut_at_maximum_goes_on)
{
	start(true, 20);
	ss_text_line_add(&line, "k=", 0);
	ss_text_line_add(&line, "123456", 4);
	ss_text_line_add(&line, " next", 0);
	assert_line("k=123\xe2\x80\xa6 next", 11);
}

Test(text_line, wide_characters)
{
	start(true, 4);
	/* two columns each: the ellipsis takes the place of a whole one */
	ss_text_line_add(&line, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 0);
	assert_line("\xe6\x97\xa5\xe2\x80\xa6", 3);
}

Test(text_line, buffer_never_overflows)
{
	char *text = malloc(5 * SS_TEXT_LINE_BYTES + 1);
	unsigned step;

	for (step = 1; step < 5; step++) {
		memset(text, '\001', 5 * SS_TEXT_LINE_BYTES);
		text[5 * SS_TEXT_LINE_BYTES] = '\0';
		start(true, 0);
		ss_text_line_format(&line, "%.*s", step, "abcd");
		ss_text_line_add(&line, text, 0);
		cr_assert(line.cut);
		cr_assert_leq(line.bytes, sizeof(line.text));
		cr_assert_gt(line.bytes, sizeof(line.text) - 16);
	}
	free(text);
}

Test(text_line, colour_from_here)
{
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	start(true, 0);
	ss_text_line_add(&line, "a ", 0);
	ss_text_line_colour(&line, SS_COLOUR_RED);
	ss_text_line_add(&line, "b", 0);
	ss_text_line_colour(&line, SS_COLOUR_DIM);
	ss_text_line_add(&line, "c", 0);
	ss_text_line_colour(&line, SS_COLOUR_NONE);
	ss_text_line_add(&line, "d", 0);
	ss_text_line_colour(&line, SS_COLOUR_YELLOW);
	ss_text_line_print(&line, true, file);
	ss_text_line_print(&line, false, file);
	fclose(file);
	cr_assert_str_eq(text, "a \033[31mb\033[0m\033[2mc\033[0md\na bcd\n");
	free(text);
}

Test(text_line, colour_of_what_was_cut)
{
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);
	unsigned i;

	start(true, 4);
	ss_text_line_add(&line, "abc", 0);
	ss_text_line_colour(&line, SS_COLOUR_RED);
	ss_text_line_add(&line, "def", 0);
	ss_text_line_colour(&line, SS_COLOUR_NONE);
	ss_text_line_print(&line, true, file);
	start(true, 0);
	for (i = 0; i < 2 * SS_TEXT_LINE_COLOURS; i++) {
		ss_text_line_colour(&line, i & 1 ? SS_COLOUR_NONE : SS_COLOUR_RED);
		ss_text_line_add(&line, "x", 0);
	}
	ss_text_line_print(&line, true, file);
	fclose(file);
	cr_assert_eq(strncmp(text, "abc\033[31m\xe2\x80\xa6\033[0m\n", 16), 0);
	cr_assert_not_null(strstr(text, "xxx"), "the text is whole, whatever colours it has");
	free(text);
}

Test(text_line, fill_goes_on)
{
	const char *rest;

	start(true, 5);
	rest = ss_text_line_fill(&line, "1234567\n89");
	cr_assert_str_eq(rest, "67\n89");
	assert_line("12345", 5);
	cr_assert_eq(ss_text_line_fill(&line, rest), rest, "there is no room");
	ss_text_line_reset(&line);
	rest = ss_text_line_fill(&line, rest);
	cr_assert_str_eq(rest, "89");
	assert_line("67", 2);
	ss_text_line_reset(&line);
	cr_assert_null(ss_text_line_fill(&line, rest));
	assert_line("89", 2);
	ss_text_line_reset(&line);
	cr_assert_null(ss_text_line_fill(&line, "\033\xe2\x80\xae"));
	assert_line("\\e?", 3);
}

Test(text_line, decode)
{
	uint32_t code;

	cr_assert_eq(ss_text_decode("a", &code), 1);
	cr_assert_eq(code, 'a');
	cr_assert_eq(ss_text_decode("\xe2\x82\xac", &code), 3);
	cr_assert_eq(code, 0x20ac);
	cr_assert_eq(ss_text_decode("\xe2\x82", &code), 1);
	cr_assert_eq(code, 0xfffd);
	cr_assert(ss_text_unsafe(0x1b) && ss_text_unsafe(0x9b) && ss_text_unsafe(0x202e));
	cr_assert(ss_text_unsafe(0x7f) && !ss_text_unsafe('a') && !ss_text_unsafe(0x20ac));
}
