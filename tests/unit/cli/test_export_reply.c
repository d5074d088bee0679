/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_reply.h"

#include <string.h>

#include <criterion/criterion.h>

static struct ss_export_reply read_text(long status, const char *type, const char *body)
{
	struct ss_export_reply reply;

	ss_export_reply_read(status, type, body, strlen(body), &reply);
	return reply;
}

Test(export_reply, verdicts)
{
	static const struct {
		long status;
		enum ss_export_verdict verdict;
	} rows[] = {
		{ 200, SS_EXPORT_ACCEPTED }, { 202, SS_EXPORT_ACCEPTED },
		{ 204, SS_EXPORT_ACCEPTED }, { 429, SS_EXPORT_AGAIN },
		{ 502, SS_EXPORT_AGAIN },    { 503, SS_EXPORT_AGAIN },
		{ 504, SS_EXPORT_AGAIN },    { 400, SS_EXPORT_REFUSED },
		{ 413, SS_EXPORT_REFUSED },  { 422, SS_EXPORT_REFUSED },
		{ 199, SS_EXPORT_STOP },     { 301, SS_EXPORT_STOP },
		{ 401, SS_EXPORT_STOP },     { 404, SS_EXPORT_STOP },
		{ 500, SS_EXPORT_STOP },     { 501, SS_EXPORT_STOP },
		{ 505, SS_EXPORT_STOP },     { 0, SS_EXPORT_STOP },
	};
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_eq(read_text(rows[i].status, NULL, "").verdict, rows[i].verdict,
			     "status %ld", rows[i].status);
}

Test(export_reply, partial_success)
{
	static const struct {
		const char *body, *text;
		uint64_t rejected;
	} rows[] = {
		{ "{}", "", 0 },
		{ "{\"partialSuccess\":{}}", "", 0 },
		{ "{\"partialSuccess\":null}", "", 0 },
		{ "{\"partialSuccess\":{\"rejectedSpans\":\"7\",\"errorMessage\":\"old\"}}", "old",
		  7 },
		{ "{\"partialSuccess\":{\"rejectedSpans\":7}}", "", 7 },
		{ "{\"partialSuccess\":{\"rejectedDataPoints\":\"18446744073709551615\"}}", "",
		  UINT64_MAX },
		{ "{\"partialSuccess\":{\"rejectedSpans\":\"18446744073709551616\"}}", "", 0 },
		{ "{\"partialSuccess\":{\"rejectedSpans\":-1}}", "", 0 },
		{ "{\"partialSuccess\":{\"rejectedSpans\":1e300}}", "", 0 },
		{ "{\"partialSuccess\":{\"rejectedSpans\":[7],\"errorMessage\":7}}", "", 0 },
		{ "[{\"partialSuccess\":{\"rejectedSpans\":7}}]", "", 0 },
		{ "", "", 0 },
		{ "\xff\xfe{", "", 0 },
	};
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ss_export_reply reply = read_text(200, "application/json", rows[i].body);

		cr_assert_eq(reply.verdict, SS_EXPORT_ACCEPTED, "%s", rows[i].body);
		cr_assert_eq(reply.rejected, rows[i].rejected, "%s", rows[i].body);
		cr_assert_str_eq(reply.text, rows[i].text);
	}
}

Test(export_reply, what_it_says_is_one_plain_line)
{
	char body[2000];
	struct ss_export_reply reply;

	cr_assert_str_eq(
		read_text(400, "application/json", "{\"message\":\"a\\u001b[1m\\nb\"}").text,
		"a?[1m");
	cr_assert_str_eq(read_text(503, "text/plain; charset=utf-8", "\r\n  busy\x7f\r\nx").text,
			 "busy?");
	/* Of Unicode, too: C1 controls, direction overrides, what is no UTF-8. */
	cr_assert_str_eq(read_text(503, "text/plain",
				   "zw\xc3\xb6lf \xc2\x9b"
				   "1m \xe2\x80\xae \xff")
				 .text,
			 "zw\xc3\xb6lf ?1m ? ?");
	/* Bytes that are no text of any kind are not shown. */
	cr_assert_str_eq(read_text(503, "application/x-protobuf", "busy").text, "");
	cr_assert_str_eq(read_text(503, NULL, "busy").text, "");
	memset(body, 'x', sizeof(body));
	ss_export_reply_read(400, "text/plain", body, sizeof(body), &reply);
	cr_assert_eq(strlen(reply.text), SS_EXPORT_REPLY_TEXT - 1);
	/* No NUL at its end, and one in the middle. */
	ss_export_reply_read(400, "text/plain", "ab\0cd", 5, &reply);
	cr_assert_str_eq(reply.text, "ab");
}

Test(export_reply, a_web_page_is_no_collector)
{
	cr_assert_eq(read_text(200, "text/html", "<html>").verdict, SS_EXPORT_STOP);
	cr_assert_eq(read_text(200, "Text/HTML; charset=utf-8", "").verdict, SS_EXPORT_STOP);
	cr_assert_eq(read_text(200, "text/html", "{}").verdict, SS_EXPORT_ACCEPTED);
	cr_assert_eq(read_text(200, "text/plain", "OK").verdict, SS_EXPORT_ACCEPTED);
	cr_assert_eq(read_text(503, "text/html", "<html>").verdict, SS_EXPORT_AGAIN);
}
