/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/document.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "collector/binding/locator.h"
#include "collector/binding/suggest.h"

#define PATH_BYTES  512
#define LIST_BYTES  512
#define MEMBERS_MAX 2048

static void complain_at(struct ss_document *doc, unsigned int line, const char *path,
			const char *format, va_list args)
{
	int length;

	if (doc->failed)
		return;
	doc->failed = true;
	if (doc->error_bytes == 0)
		return;
	length = snprintf(doc->error, doc->error_bytes, "%s:%u: %s%s", doc->name, line, path,
			  path[0] ? ": " : "");
	if (length >= 0 && (size_t)length < doc->error_bytes)
		vsnprintf(doc->error + length, doc->error_bytes - length, format, args);
}

__attribute__((format(printf, 3, 4))) static void
complain_at_offset(struct ss_document *doc, size_t offset, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_at(doc, ss_locator_line_at(doc->text, offset), "", format, args);
	va_end(args);
}

void ss_document_complain(struct ss_document *doc, const cJSON *node, const char *key,
			  const char *format, ...)
{
	const cJSON *member = key ? ss_document_member(node, key) : NULL;
	char path[PATH_BYTES];
	size_t length;
	va_list args;

	if (doc->failed)
		return;
	ss_locator_path(doc->root, member ? member : node, path, sizeof(path));
	length = strlen(path);
	if (key && !member)
		snprintf(path + length, sizeof(path) - length, "%s%s", length ? "." : "", key);
	va_start(args, format);
	complain_at(doc, ss_locator_line(doc->text, doc->bytes, doc->root, member ? member : node),
		    path, format, args);
	va_end(args);
}

/* Bytes of the UTF-8 sequence at s (RFC 3629), 0 if it is none. s is NUL-terminated. */
static size_t utf8_bytes(const unsigned char *s)
{
	size_t bytes = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (bytes == 1)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return bytes;
}

/* What cJSON would let through and cut or copy blindly: NULs, plain or escaped, and broken UTF-8.
 */
static bool check_text(struct ss_document *doc)
{
	for (size_t i = 0; i < doc->bytes;) {
		size_t bytes = utf8_bytes((const unsigned char *)doc->text + i);

		if (!bytes || !doc->text[i]) {
			complain_at_offset(doc, i, "expected UTF-8 text, got byte 0x%02x",
					   (unsigned char)doc->text[i]);
			return false;
		}
		if (doc->text[i] == '\\') {
			if (strncmp(doc->text + i, "\\u0000", 6) == 0) {
				complain_at_offset(doc, i, "expected no NUL (\\u0000) in a string");
				return false;
			}
			bytes = i + 1 < doc->bytes && doc->text[i + 1] == '\\' ? 2 : 1;
		}
		i += bytes;
	}
	return true;
}

static void check_tree(struct ss_document *doc, const cJSON *node, unsigned int depth)
{
	const cJSON *child, *other;

	if (depth > SS_DOCUMENT_DEPTH_MAX) {
		ss_document_complain(doc, node, NULL, "expected at most %d levels of nesting",
				     SS_DOCUMENT_DEPTH_MAX);
		return;
	}
	if (cJSON_IsObject(node) && cJSON_GetArraySize(node) > MEMBERS_MAX) {
		ss_document_complain(doc, node, NULL, "expected at most %d members", MEMBERS_MAX);
		return;
	}
	cJSON_ArrayForEach (child, node) {
		for (other = node->child; cJSON_IsObject(node) && other != child;
		     other = other->next)
			if (strcmp(other->string, child->string) == 0)
				ss_document_complain(doc, child, NULL,
						     "this key stands here a second time");
		check_tree(doc, child, depth + 1);
		if (doc->failed)
			return;
	}
}

int ss_document_init(struct ss_document *doc, const char *name, const char *text, size_t bytes,
		     char *error, size_t error_bytes)
{
	const char *end = NULL;

	*doc = (struct ss_document){
		.name = name,
		.text = text,
		.bytes = bytes,
		.error = error,
		.error_bytes = error_bytes,
	};
	if (bytes > SS_DOCUMENT_BYTES_MAX) {
		complain_at_offset(doc, 0, "expected at most %u bytes, got %zu",
				   SS_DOCUMENT_BYTES_MAX, bytes);
		return -EINVAL;
	}
	if (!check_text(doc))
		return -EINVAL;
	doc->root = cJSON_ParseWithLengthOpts(text, bytes + 1, &end, true);
	if (!doc->root) {
		size_t at = end ? (size_t)(end - text) : 0;

		if (at >= bytes)
			complain_at_offset(doc, bytes, "not JSON: the text ends too early");
		else
			complain_at_offset(doc, at, "not JSON at \"%.*s\"",
					   (int)strcspn(text + at, "\r\n") < 24
						   ? (int)strcspn(text + at, "\r\n")
						   : 24,
					   text + at);
		return -EINVAL;
	}
	check_tree(doc, doc->root, 0);
	return doc->failed ? -EINVAL : 0;
}

void ss_document_deinit(struct ss_document *doc)
{
	cJSON_Delete(doc->root);
	doc->root = NULL;
}

const char *ss_document_kind(const cJSON *node)
{
	if (!node || cJSON_IsNull(node))
		return "null";
	if (cJSON_IsBool(node))
		return cJSON_IsTrue(node) ? "true" : "false";
	if (cJSON_IsNumber(node))
		return "a number";
	if (cJSON_IsString(node))
		return "a string";
	return cJSON_IsArray(node) ? "an array" : "an object";
}

const cJSON *ss_document_member(const cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

bool ss_document_check_keys(struct ss_document *doc, const cJSON *object, const char *const *known)
{
	const cJSON *member;
	uint32_t count = 0;
	char list[LIST_BYTES];

	if (!cJSON_IsObject(object)) {
		ss_document_complain(doc, object, NULL, "expected an object, got %s",
				     ss_document_kind(object));
		return false;
	}
	while (known[count])
		count++;
	cJSON_ArrayForEach (member, object) {
		const char *nearest;
		uint32_t i = 0;

		while (i < count && strcmp(known[i], member->string) != 0)
			i++;
		if (i < count)
			continue;
		nearest = ss_suggest_nearest(member->string, known, count);
		if (nearest)
			ss_document_complain(doc, member, NULL, "unknown key, did you mean \"%s\"?",
					     nearest);
		else
			ss_document_complain(doc, member, NULL, "unknown key, expected %s",
					     ss_suggest_list(known, count, list, sizeof(list)));
		return false;
	}
	return true;
}

const char *ss_document_string(struct ss_document *doc, const cJSON *object, const char *key,
			       size_t max, const char *fallback)
{
	const cJSON *node = ss_document_member(object, key);
	size_t length;

	if (!node)
		return fallback;
	if (!cJSON_IsString(node)) {
		ss_document_complain(doc, node, NULL, "expected a string, got %s",
				     ss_document_kind(node));
		return fallback;
	}
	length = strlen(node->valuestring);
	if (length == 0 || length > max) {
		ss_document_complain(doc, node, NULL, "expected 1 to %zu bytes, got %zu", max,
				     length);
		return fallback;
	}
	return node->valuestring;
}

bool ss_document_bool(struct ss_document *doc, const cJSON *object, const char *key, bool fallback)
{
	const cJSON *node = ss_document_member(object, key);

	if (!node)
		return fallback;
	if (!cJSON_IsBool(node))
		ss_document_complain(doc, node, NULL, "expected true or false, got %s",
				     ss_document_kind(node));
	return cJSON_IsTrue(node);
}

uint32_t ss_document_choice(struct ss_document *doc, const cJSON *object, const char *key,
			    const char *const *names, uint32_t count, uint32_t fallback)
{
	const cJSON *node = ss_document_member(object, key);
	const char *text = cJSON_GetStringValue(node);
	char list[LIST_BYTES];

	if (!node)
		return fallback;
	for (uint32_t i = 0; text && i < count; i++)
		if (strcmp(names[i], text) == 0)
			return i;
	ss_suggest_list(names, count, list, sizeof(list));
	if (text)
		ss_document_complain(doc, node, NULL, "expected %s, got \"%.64s\"", list, text);
	else
		ss_document_complain(doc, node, NULL, "expected %s, got %s", list,
				     ss_document_kind(node));
	return fallback;
}

static const cJSON *bounded(struct ss_document *doc, const cJSON *node, const char *kind, int max)
{
	int count = cJSON_GetArraySize(node);

	if (strcmp(ss_document_kind(node), kind) != 0)
		ss_document_complain(doc, node, NULL, "expected %s, got %s", kind,
				     ss_document_kind(node));
	else if (count > max)
		ss_document_complain(doc, node, NULL, "expected at most %d elements, got %d", max,
				     count);
	else
		return node;
	return NULL;
}

const cJSON *ss_document_array(struct ss_document *doc, const cJSON *object, const char *key,
			       int max)
{
	const cJSON *node = ss_document_member(object, key);

	return node ? bounded(doc, node, "an array", max) : NULL;
}

const cJSON *ss_document_object(struct ss_document *doc, const cJSON *object, const char *key,
				int max)
{
	const cJSON *node = ss_document_member(object, key);

	return node ? bounded(doc, node, "an object", max) : NULL;
}

bool ss_document_integer(const cJSON *node, int64_t *ret_value)
{
	const double exact = 9007199254740992.0; /* 2^53 */
	double value = cJSON_IsNumber(node) ? node->valuedouble : NAN;

	if (!(value >= -exact && value <= exact) || value != (double)(int64_t)value)
		return false;
	*ret_value = (int64_t)value;
	return true;
}
