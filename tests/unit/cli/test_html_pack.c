/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/html_pack.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static char *written;
static size_t written_bytes;

static void assert_base64(const char *bytes, size_t count, const char *expected)
{
	FILE *file = open_memstream(&written, &written_bytes);

	ss_html_pack_base64(file, (const unsigned char *)bytes, count);
	fclose(file);
	cr_assert_str_eq(written, expected);
	free(written);
}

/* The examples of RFC 4648, and the digits that are no letters. */
Test(html_pack, base64)
{
	assert_base64("", 0, "");
	assert_base64("f", 1, "Zg==");
	assert_base64("fo", 2, "Zm8=");
	assert_base64("foo", 3, "Zm9v");
	assert_base64("foob", 4, "Zm9vYg==");
	assert_base64("fooba", 5, "Zm9vYmE=");
	assert_base64("foobar", 6, "Zm9vYmFy");
	assert_base64("\xff\xef\xbe\0\0", 5, "/+++AAA=");
}

/* Longer than the buffer that it goes through. */
Test(html_pack, long_base64)
{
	size_t count = 10000, i;
	char *bytes = calloc(1, count), *expected = calloc(1, 4 * count);

	for (i = 0; i < (count + 2) / 3 * 4; i++)
		expected[i] = 'A';
	memcpy(expected + (count + 2) / 3 * 4 - 2, "==", 2);
	assert_base64(bytes, count, expected);
	free(bytes);
	free(expected);
}

static unsigned digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	cr_assert(c && at, "'%c' is no digit of base64", c);
	return at - digits;
}

static size_t decode(const char *text, size_t length, unsigned char *ret_bytes)
{
	size_t count = 0, i;

	for (i = 0; i < length; i += 4) {
		unsigned group = digit(text[i]) << 18 | digit(text[i + 1]) << 12 |
				 (text[i + 2] == '=' ? 0 : digit(text[i + 2]) << 6) |
				 (text[i + 3] == '=' ? 0 : digit(text[i + 3]));

		ret_bytes[count++] = group >> 16;
		if (text[i + 2] != '=')
			ret_bytes[count++] = group >> 8 & 255;
		if (text[i + 3] != '=')
			ret_bytes[count++] = group & 255;
	}
	return count;
}

/* What comes out of a block is what went in, and its element is what it says. */
static void assert_block(const char *block, const char *head, const char *expected, size_t bytes)
{
	const char *tail = strstr(block, "</script>\n");
	unsigned char *packed = malloc(strlen(block)), *plain = malloc(bytes + 1);
	z_stream zip = { .next_in = packed, .next_out = plain, .avail_out = (uInt)bytes + 1 };

	cr_assert(strncmp(block, head, strlen(head)) == 0);
	cr_assert_str_eq(tail, "</script>\n");
	block += strlen(head);
	zip.avail_in = (uInt)decode(block, (size_t)(tail - block), packed);
	cr_assert_eq(inflateInit2(&zip, 15 + 16), Z_OK);
	cr_assert_eq(inflate(&zip, Z_FINISH), Z_STREAM_END);
	cr_assert_eq(zip.total_out, bytes);
	cr_assert_arr_eq(plain, expected, bytes);
	inflateEnd(&zip);
	free(packed);
	free(plain);
}

Test(html_pack, blocks)
{
	static const char hostile[] = "</script><!--<script>\0\xff\xe2\x80\xa8";
	FILE *file = open_memstream(&written, &written_bytes);
	struct ss_html_pack pack;
	struct ss_json json = { .p = NULL };
	char *large = malloc(1000000);
	long second;
	int i;

	for (i = 0; i < 1000000; i++)
		large[i] = (char)(i * 7 % 251);
	cr_assert_eq(ss_html_pack_init(&pack, file), 0);
	cr_assert_eq(ss_json_init(&json, 0), 0);
	ss_json_bytes(&json, hostile, sizeof(hostile));
	ss_html_pack_block(&pack, "rows", 0, &json);
	cr_assert_eq(ss_json_length(&json), 0);
	second = ftell(file);
	for (i = 0; i < 1000000; i += 50000)
		ss_json_bytes(&json, large + i, 50000);
	ss_html_pack_block(&pack, "spans", 4294967296, &json);
	cr_assert_eq(pack.error, 0);
	fclose(file);
	assert_block(written + second,
		     "<script type=\"application/octet-stream\" class=\"spans\" "
		     "data-first=\"4294967296\">",
		     large, 1000000);
	written[second] = '\0';
	assert_block(written,
		     "<script type=\"application/octet-stream\" class=\"rows\" data-first=\"0\">",
		     hostile, sizeof(hostile));
	ss_html_pack_deinit(&pack);
	ss_json_deinit(&json);
	free(large);
	free(written);
}

/* A text that memory ran out for is no text. */
Test(html_pack, out_of_memory)
{
	FILE *file = open_memstream(&written, &written_bytes);
	struct ss_html_pack pack;
	struct ss_json json = { .p = NULL };

	cr_assert_eq(ss_html_pack_init(&pack, file), 0);
	cr_assert_eq(ss_json_init(&json, 0), 0);
	json.failed = true;
	ss_html_pack_block(&pack, "rows", 0, &json);
	cr_assert_neq(pack.error, 0);
	fclose(file);
	cr_assert_eq(written_bytes, 0);
	ss_html_pack_deinit(&pack);
	ss_json_deinit(&json);
	free(written);
}
