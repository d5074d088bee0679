/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_reply.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "collector/cli/text_line.h"
#include "collector/dump.h"

/* The specification's retryable ones are AGAIN. What tells of the request's data is REFUSED; what
 * tells of the server, of the way there or of who we are is STOP: nothing is given up then. */
static enum ss_export_verdict verdict_of(long status)
{
	if (status >= 200 && status < 300)
		return SS_EXPORT_ACCEPTED;
	switch (status) {
	case 429:
	case 502:
	case 503:
	case 504:
		return SS_EXPORT_AGAIN;
	case 400:
	case 413:
	case 422:
		return SS_EXPORT_REFUSED;
	default:
		return SS_EXPORT_STOP;
	}
}

static bool is_type(const char *content_type, const char *type)
{
	return content_type && !strncasecmp(content_type, type, strlen(type));
}

/* Up to the first line's end, without what a terminal might obey. */
static void take_text(struct ss_export_reply *reply, const char *text, size_t bytes)
{
	char line[SS_EXPORT_REPLY_TEXT + 8] = "";
	size_t used = 0, length;
	const char *at;
	uint32_t code;

	while (bytes && strchr(" \n\r\t", *text) && *text) {
		text++;
		bytes--;
	}
	memcpy(line, text, bytes < sizeof(line) - 1 ? bytes : sizeof(line) - 1);
	line[strcspn(line, "\r\n")] = '\0';
	for (at = line; *at; at += length) {
		length = ss_text_decode(at, &code);
		if (used + length >= sizeof(reply->text))
			break;
		if (code == 0xfffd || ss_text_unsafe(code)) {
			reply->text[used++] = '?';
		} else {
			memcpy(reply->text + used, at, length);
			used += length;
		}
	}
	reply->text[used] = '\0';
}

/* The mapping of protobuf writes 64-bit integers as strings; some servers write numbers. */
static uint64_t read_count(const cJSON *item)
{
	uint64_t count = 0;

	if (cJSON_IsString(item) && !ss_dump_parse_uint(item, &count))
		return count;
	if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e15)
		return (uint64_t)item->valuedouble;
	return 0;
}

static void take_member(struct ss_export_reply *reply, const cJSON *object, const char *key)
{
	const char *text =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive((cJSON *)object, key));

	if (text)
		take_text(reply, text, strlen(text));
}

static void read_accepted(struct ss_export_reply *reply, const cJSON *json)
{
	static const char *const counts[] = { "rejectedSpans", "rejectedDataPoints" };
	const cJSON *partial = cJSON_GetObjectItemCaseSensitive(json, "partialSuccess");
	unsigned i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		reply->rejected += read_count(cJSON_GetObjectItemCaseSensitive(partial, counts[i]));
	take_member(reply, partial, "errorMessage");
}

void ss_export_reply_read(long status, const char *content_type, const char *body, size_t bytes,
			  struct ss_export_reply *ret_reply)
{
	struct ss_export_reply reply = { .verdict = verdict_of(status) };
	cJSON *json = bytes ? cJSON_ParseWithLength(body, bytes) : NULL;

	if (reply.verdict == SS_EXPORT_ACCEPTED && cJSON_IsObject(json)) {
		read_accepted(&reply, json);
	} else if (reply.verdict == SS_EXPORT_ACCEPTED && is_type(content_type, "text/html")) {
		/* A page for people: whoever answers there is no collector. */
		reply.verdict = SS_EXPORT_STOP;
		strcpy(reply.text, "a web page, where a collector's answer was expected");
	} else if (cJSON_IsObject(json)) {
		take_member(&reply, json, "message");
	} else if (reply.verdict != SS_EXPORT_ACCEPTED && is_type(content_type, "text/plain")) {
		take_text(&reply, body, bytes);
	}
	cJSON_Delete(json);
	*ret_reply = reply;
}
