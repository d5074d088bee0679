/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/python.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/binding/suggest.h"
#include "collector/binding/vocabulary.h"

#define ARGUMENTS_MAX  255 /* ss_value.index */
#define PATH_NAMES_MAX 8   /* names behind a value */

/* Bytes of the identifier at `text`, 0 if there is none. Which letters beyond ASCII Python takes is
 * left to Python: all are. */
static size_t identifier_bytes(const char *text)
{
	size_t n = 0;

	if (isdigit((unsigned char)*text))
		return 0;
	while (isalnum((unsigned char)text[n]) || text[n] == '_' || text[n] & 0x80)
		n++;
	return n;
}

/* Bytes of the identifiers at `text`, joined by dots. */
static size_t dotted_bytes(const char *text)
{
	size_t bytes = 0, n;

	while ((n = identifier_bytes(text + bytes)) > 0) {
		bytes += n;
		if (text[bytes] != '.')
			return bytes;
		bytes++;
	}
	return 0;
}

void ss_python_target(struct ss_scope *scope, const cJSON *entry, const char *target)
{
	size_t module = dotted_bytes(target), name;
	const char *qualified = target + module + 1, *reason;

	name = module > 0 && target[module] == ':' ? dotted_bytes(qualified) : 0;
	if (name == 0 || qualified[name]) {
		ss_document_complain(scope->doc, entry, "python",
				     "expected \"package.module:function\" or "
				     "\"package.module:Class.method\", got \"%.128s\"",
				     target);
		return;
	}
	scope->has_self = strchr(qualified, '.') != NULL;
	reason = ss_vocabulary_denied_python(target);
	if (reason)
		ss_document_complain(scope->doc, entry, "python",
				     "\"%.128s\" cannot be wrapped: %s", target, reason);
}

static void complain_form(struct ss_scope *scope, const cJSON *object, const char *key,
			  uint32_t forms)
{
	static const struct {
		uint32_t form;
		const char *name;
	} all[] = { { SS_FORM_ARG, "arg N" },
		    { SS_FORM_ARG, "arg NAME" },
		    { SS_FORM_SELF, "self" },
		    { SS_FORM_RESULT, "result" },
		    { SS_FORM_ITEM, "item" } };
	const cJSON *node = ss_document_member(object, key);
	const char *text = cJSON_GetStringValue(node), *allowed[5];
	uint32_t count = 0;
	char list[80];

	for (uint32_t i = 0; i < 5; i++)
		if (forms & all[i].form)
			allowed[count++] = all[i].name;
	ss_suggest_list(allowed, count, list, sizeof(list));
	if (!node)
		ss_document_complain(scope->doc, object, key, "missing, expected %s", list);
	else if (text)
		ss_document_complain(
			scope->doc, object, key,
			"expected %s (each may be followed by \".NAME\"), got \"%.64s\"", list,
			text);
	else
		ss_document_complain(scope->doc, object, key, "expected %s, got %s", list,
				     ss_document_kind(node));
}

/* What a value begins with. */
struct base {
	uint32_t form;
	uint32_t number;            /* of "arg N", else 0 */
	char name[SS_NAME_MAX + 1]; /* of "arg NAME" */
};

/* Returns the text behind the base, NULL when there is none. */
static const char *read_base(const char *text, struct base *ret_base)
{
	size_t bytes = identifier_bytes(text);
	char *end;

	*ret_base = (struct base){ 0 };
	if (bytes == 4 && memcmp(text, "self", 4) == 0)
		ret_base->form = SS_FORM_SELF;
	else if (bytes == 6 && memcmp(text, "result", 6) == 0)
		ret_base->form = SS_FORM_RESULT;
	else if (bytes == 4 && memcmp(text, "item", 4) == 0)
		ret_base->form = SS_FORM_ITEM;
	if (ret_base->form)
		return text + bytes;
	if (strncmp(text, "arg ", 4) != 0)
		return NULL;
	ret_base->form = SS_FORM_ARG;
	text += 4;
	if (isdigit((unsigned char)*text)) {
		unsigned long number = strtoul(text, &end, 10);

		ret_base->number = number > 9999 ? 9999 : number;
		return end;
	}
	bytes = identifier_bytes(text);
	if (bytes == 0 || bytes > SS_NAME_MAX)
		return NULL;
	memcpy(ret_base->name, text, bytes);
	return text + bytes;
}

/* Names and indices, each behind a dot: how many, or -1 when it is no path. */
static int path_names(const char *path)
{
	int count = 0;
	size_t n;

	for (; *path; count++) {
		if (*path++ != '.')
			return -1;
		n = strspn(path, "0123456789");
		if (n == 0)
			n = identifier_bytes(path);
		if (n == 0)
			return -1;
		path += n;
	}
	return count;
}

/* Complains about what is well written but means nothing here. */
static void check_base(struct ss_scope *scope, const cJSON *object, const char *key,
		       const struct base *base)
{
	if (base->form == SS_FORM_ARG && !base->name[0] &&
	    (base->number < 1 || base->number > ARGUMENTS_MAX))
		ss_document_complain(scope->doc, object, key,
				     "expected an argument number from 1 to %d, got %u",
				     ARGUMENTS_MAX, base->number);
	else if (base->form == SS_FORM_SELF && !scope->has_self)
		ss_document_complain(scope->doc, object, key,
				     "a function that stands in no class has no \"self\"");
	else if (base->form == SS_FORM_ITEM && !scope->has_items)
		ss_document_complain(scope->doc, object, key,
				     "there are items only in a \"call\" with an \"event\", which "
				     "names the span event that each makes");
}

struct ss_value ss_python_value(struct ss_scope *scope, const cJSON *object, const char *key,
				uint32_t forms)
{
	static const uint8_t places[] = {
		[SS_FORM_SELF] = SS_PLACE_PY_ARG,
		[SS_FORM_RESULT] = SS_PLACE_PY_RESULT,
		[SS_FORM_ITEM] = SS_PLACE_PY_ITEM,
	};
	const char *text = cJSON_GetStringValue(ss_document_member(object, key)), *path = NULL;
	struct ss_value value = { 0 };
	struct base base;
	int names = -1;

	if (text)
		path = read_base(text, &base);
	if (path)
		names = path_names(path);
	if (names < 0 || !(forms & base.form)) {
		complain_form(scope, object, key, forms);
		return value;
	}
	if (names > PATH_NAMES_MAX)
		ss_document_complain(scope->doc, object, key,
				     "expected at most %d names behind the value, got %d",
				     PATH_NAMES_MAX, names);
	check_base(scope, object, key, &base);
	value.place = base.form != SS_FORM_ARG ? places[base.form]
		      : base.name[0]           ? SS_PLACE_PY_NAMED
					       : SS_PLACE_PY_ARG;
	value.index = base.number;
	value.argument = base.name[0] ? ss_block_string(scope->block, base.name) : base.number;
	value.constant = ss_block_string(scope->block, path);
	return value;
}

static uint8_t read_type(struct ss_scope *scope, const cJSON *object, bool is_content)
{
	static const char *const names[] = { "string", "int", "double", "bool" };
	static const uint8_t types[] = { SS_TYPE_STRING, SS_TYPE_INT64, SS_TYPE_DOUBLE,
					 SS_TYPE_BOOL, SS_TYPE_NONE };
	uint8_t type = types[ss_document_choice(scope->doc, object, "type", SS_WORD(names), 4)];

	if (!is_content)
		return type;
	if (type != SS_TYPE_NONE && type != SS_TYPE_STRING)
		ss_document_complain(scope->doc, object, "content", "only used by strings");
	return SS_TYPE_STRING;
}

/* Complains about members that attributes of native calls have. */
static bool check_members(struct ss_scope *scope, const cJSON *object)
{
	static const char *const known[] = { "key", "value", "type", "content", NULL };
	static const char *const native[] = { "call", "args", "length", "times", "on", "nonzero" };

	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++)
		if (ss_document_member(object, native[i]))
			ss_document_complain(scope->doc, object, native[i],
					     "not used with \"python\"");
	return ss_document_check_keys(scope->doc, object, known);
}

struct ss_capture ss_python_capture(struct ss_scope *scope, const cJSON *object)
{
	const uint32_t forms = SS_FORM_ARG | SS_FORM_SELF | SS_FORM_RESULT | SS_FORM_ITEM;
	struct ss_capture capture = { .getter = SS_NO_INDEX };
	char length_key[SS_NAME_MAX + sizeof("_length")];
	const char *key;
	bool is_content;

	if (!check_members(scope, object))
		return capture;
	key = ss_document_string(scope->doc, object, "key", SS_NAME_MAX, NULL);
	if (!key) {
		ss_document_complain(scope->doc, object, "key",
				     "missing, expected the attribute's name");
		return capture;
	}
	is_content = ss_document_bool(scope->doc, object, "content", false);
	capture.key = ss_block_string(scope->block, key);
	capture.value = ss_python_value(scope, object, "value", forms);
	capture.type = read_type(scope, object, is_content);
	capture.value.type = capture.type;
	if (capture.value.place == SS_PLACE_PY_ITEM)
		capture.flags |= SS_CAPTURE_EACH;
	else if (scope->after_only || capture.value.place == SS_PLACE_PY_RESULT)
		capture.flags |= SS_CAPTURE_AT_EXIT;
	if (!is_content)
		return capture;
	capture.flags |= SS_CAPTURE_CONTENT;
	snprintf(length_key, sizeof(length_key), "%s_length", key);
	capture.length_key = ss_block_string(scope->block, length_key);
	return capture;
}
