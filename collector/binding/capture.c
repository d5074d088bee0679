/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of operand.h that makes attributes and the getters they are told by.
 */
#include "collector/binding/operand.h"

#include <stdio.h>
#include <string.h>

#include "collector/binding/vocabulary.h"

static const char getter_arg[] =
	"expected \"arg N\", \"out N\", \"result\", a whole number, {\"call\": ...} or (as the last "
	"one) \"out\"";

static bool is_text(const cJSON *node, const char *text)
{
	return cJSON_IsString(node) && strcmp(node->valuestring, text) == 0;
}

/* A getter as another one's argument. Floating-point registers are not passed on. */
static struct ss_value getter_argument(struct ss_scope *scope, const cJSON *node, bool nested)
{
	static const char *const known[] = { "call", "args", NULL };

	if (cJSON_IsObject(node) && !nested) {
		struct ss_value value = { .place = SS_PLACE_GETTER, .type = SS_TYPE_POINTER };

		if (ss_document_check_keys(scope->doc, node, known))
			value.constant = ss_operand_getter(scope, node, SS_TYPE_NONE);
		return value;
	}
	if (!cJSON_IsString(node) && !cJSON_IsNumber(node)) {
		ss_document_complain(scope->doc, node, NULL, "%s, got %s",
				     nested ? "expected \"arg N\", \"out N\", \"result\" or a "
					      "whole number"
					    : getter_arg,
				     ss_document_kind(node));
		return (struct ss_value){ 0 };
	}
	return ss_operand_word(scope, node, NULL, SS_FORM_ANY | SS_FORM_NUMBER, SS_TYPE_POINTER);
}

static void getter_arguments(struct ss_scope *scope, const cJSON *args, bool nested,
			     struct ss_getter *getter)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, args) {
		if (is_text(item, "out") && !item->next && !nested) {
			getter->out = 1;
			return;
		}
		if (getter->arg_count == SS_GETTER_ARGS_MAX) {
			ss_document_complain(scope->doc, item, NULL,
					     "expected at most %d arguments besides \"out\"",
					     SS_GETTER_ARGS_MAX);
			return;
		}
		getter->args[getter->arg_count++] = getter_argument(scope, item, nested);
	}
}

static void check_getter(struct ss_scope *scope, const cJSON *object,
			 const struct ss_getter *getter, const char *symbol)
{
	const char *reason = ss_vocabulary_denied(symbol);

	if (reason)
		ss_document_complain(scope->doc, object, "call", "\"%.64s\" cannot be called: %s",
				     symbol, reason);
	else if (scope->is_callback)
		ss_document_complain(scope->doc, object, "call",
				     "not possible here: a callback belongs to the program, not to "
				     "the library that has the function");
	else if (!getter->out && (getter->type == SS_TYPE_FLOAT || getter->type == SS_TYPE_DOUBLE))
		ss_document_complain(scope->doc, object, "type",
				     "a result of type \"%s\" can only be read through \"out\"",
				     ss_vocabulary_types[getter->type]);
	else if (++scope->getter_count > SS_SYMBOL_GETTERS)
		ss_document_complain(scope->doc, object, "call",
				     "expected at most %d calls for one symbol", SS_SYMBOL_GETTERS);
}

/* type NONE: a getter for another getter's argument. */
uint32_t ss_operand_getter(struct ss_scope *scope, const cJSON *object, uint8_t type)
{
	const char *symbol = ss_document_string(scope->doc, object, "call", SS_TEXT_MAX, "");
	const cJSON *args = ss_document_array(scope->doc, object, "args", SS_GETTER_ARGS_MAX + 1);
	bool nested = type == SS_TYPE_NONE;
	struct ss_getter getter = { .type = nested ? SS_TYPE_POINTER : type };

	if (!ss_document_member(object, "call"))
		ss_document_complain(scope->doc, object, "call",
				     "missing, expected a function's name");
	if (!ss_document_member(object, "args"))
		ss_document_complain(scope->doc, object, "args",
				     "missing, expected the call's arguments");
	getter_arguments(scope, args, nested, &getter);
	check_getter(scope, object, &getter, symbol);
	getter.symbol = ss_block_string(scope->block, symbol);
	return ss_block_append(scope->block, SS_BLOCK_GETTERS, &getter);
}

/* SS_TYPE_NONE when there is no "type". */
static uint8_t read_type(struct ss_scope *scope, const cJSON *object)
{
	static const char *const names[] = { "int",  "uint",  "int64",  "uint64", "size",
					     "bool", "float", "double", "string" };
	const cJSON *node = ss_document_member(object, "type");
	uint32_t choice;

	if (!node)
		return SS_TYPE_NONE;
	choice = ss_document_choice(scope->doc, object, "type", SS_WORD(names), 0);
	return ss_vocabulary_type(names[choice]);
}

static bool is_floating(uint8_t type)
{
	return type == SS_TYPE_FLOAT || type == SS_TYPE_DOUBLE;
}

/* Whether a value declared `declared` can be read as `wanted`: same registers, no missing bytes. */
static bool is_readable_as(uint8_t declared, uint8_t wanted)
{
	if (is_floating(declared) || is_floating(wanted))
		return declared == wanted;
	return ss_vocabulary_type_bytes(wanted) <= ss_vocabulary_type_bytes(declared);
}

static uint8_t settle_type(struct ss_scope *scope, const cJSON *object,
			   const struct ss_value *value, uint8_t wanted)
{
	bool undeclared = value->type == SS_TYPE_NONE;

	if (wanted == SS_TYPE_NONE && (undeclared || value->type == SS_TYPE_POINTER))
		ss_document_complain(scope->doc, object, "type",
				     undeclared
					     ? "missing: nothing else tells the type of this value"
					     : "missing: what is a \"pointer\" here is "
					       "\"string\" or \"uint64\"");
	else if (wanted == SS_TYPE_NONE)
		return value->type;
	else if (undeclared && !value->out && is_floating(wanted))
		ss_document_complain(scope->doc, object, "type",
				     "a \"%s\" can only be read when \"args\" declares all "
				     "parameters",
				     ss_vocabulary_types[wanted]);
	else if (!undeclared && !is_readable_as(value->type, wanted))
		ss_document_complain(scope->doc, object, "type",
				     "a value declared \"%s\" cannot be read as \"%s\"",
				     ss_vocabulary_types[value->type], ss_vocabulary_types[wanted]);
	return wanted;
}

static void read_source(struct ss_scope *scope, const cJSON *object, struct ss_capture *capture)
{
	bool is_call = ss_document_member(object, "call") != NULL;
	bool is_value = ss_document_member(object, "value") != NULL;
	uint8_t wanted = read_type(scope, object);

	capture->getter = SS_NO_INDEX;
	if (is_call == is_value) {
		ss_document_complain(scope->doc, object, NULL,
				     "expected either \"value\" or \"call\"");
		return;
	}
	if (is_value) {
		if (ss_document_member(object, "args"))
			ss_document_complain(scope->doc, object, "args", "only used by \"call\"");
		capture->value = ss_operand_value(scope, object, "value", SS_FORM_ANY);
		capture->value.type = settle_type(scope, object, &capture->value, wanted);
		capture->type = capture->value.type;
		return;
	}
	if (wanted == SS_TYPE_NONE) {
		ss_document_complain(scope->doc, object, "type",
				     "missing: nothing else tells the type of this value");
		return;
	}
	capture->type = wanted;
	capture->getter = ss_operand_getter(scope, object, wanted);
}

static bool is_after(const struct ss_value *value)
{
	return value->out || value->place == SS_PLACE_RESULT || value->place == SS_PLACE_FRESULT;
}

static void read_measures(struct ss_scope *scope, const cJSON *object, struct ss_capture *capture)
{
	bool has_length = ss_document_member(object, "length") != NULL;
	bool is_string = capture->type == SS_TYPE_STRING;

	if (has_length) {
		capture->length = ss_operand_word(scope, object, "length",
						  SS_FORM_ANY | SS_FORM_NUMBER, SS_TYPE_INT);
		if (!is_string)
			ss_document_complain(scope->doc, object, "length", "only a string has one");
	}
	if (!ss_document_member(object, "times"))
		return;
	capture->factor =
		ss_operand_word(scope, object, "times", SS_FORM_ANY | SS_FORM_NUMBER, SS_TYPE_INT);
	if (is_string && !has_length)
		ss_document_complain(scope->doc, object, "times", "needs \"length\" beside it");
	else if (is_floating(capture->type) || capture->type == SS_TYPE_BOOL)
		ss_document_complain(scope->doc, object, "times", "cannot multiply a \"%s\"",
				     ss_vocabulary_types[capture->type]);
}

static void read_flags(struct ss_scope *scope, const cJSON *object, const char *key,
		       struct ss_capture *capture)
{
	static const char *const moments[] = { "error" };
	char length_key[SS_NAME_MAX + sizeof("_length")];

	if (scope->after_only || capture->getter != SS_NO_INDEX || is_after(&capture->value) ||
	    is_after(&capture->length) || is_after(&capture->factor))
		capture->flags |= SS_CAPTURE_AT_EXIT;
	if (ss_document_member(object, "on")) {
		ss_document_choice(scope->doc, object, "on", SS_WORD(moments), 0);
		capture->flags |= SS_CAPTURE_ON_ERROR | SS_CAPTURE_AT_EXIT;
	}
	if (ss_document_bool(scope->doc, object, "nonzero", false)) {
		capture->flags |= SS_CAPTURE_NONZERO;
		if (capture->type == SS_TYPE_STRING)
			ss_document_complain(scope->doc, object, "nonzero",
					     "not used by strings: NULL is no value anyway");
	}
	if (!ss_document_bool(scope->doc, object, "content", false))
		return;
	capture->flags |= SS_CAPTURE_CONTENT;
	if (capture->type != SS_TYPE_STRING)
		ss_document_complain(scope->doc, object, "content", "only used by strings");
	snprintf(length_key, sizeof(length_key), "%s_length", key);
	capture->length_key = ss_block_string(scope->block, length_key);
}

struct ss_capture ss_operand_capture(struct ss_scope *scope, const cJSON *object)
{
	static const char *const known[] = { "key",  "value",   "call",  "args",
					     "type", "length",  "times", "content",
					     "on",   "nonzero", NULL };
	struct ss_capture capture = { .getter = SS_NO_INDEX };
	const char *key;

	if (!ss_document_check_keys(scope->doc, object, known))
		return capture;
	key = ss_document_string(scope->doc, object, "key", SS_NAME_MAX, NULL);
	if (!key) {
		ss_document_complain(scope->doc, object, "key",
				     "missing, expected the attribute's name");
		return capture;
	}
	capture.key = ss_block_string(scope->block, key);
	read_source(scope, object, &capture);
	read_measures(scope, object, &capture);
	read_flags(scope, object, key, &capture);
	return capture;
}

static void refuse_out(struct ss_scope *scope, const cJSON *args)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, args)
		if (is_text(item, "out") && !item->next)
			ss_document_complain(scope->doc, item, NULL,
					     "not possible here: \"out\" gives a number, and a "
					     "message is the string that the call returns");
}

uint32_t ss_operand_message(struct ss_scope *scope, const cJSON *error)
{
	static const char *const known[] = { "call", "args", NULL };
	const cJSON *node = ss_document_member(error, "message");
	struct ss_capture capture = {
		.key = SS_KEY_STATUS_MESSAGE,
		.getter = SS_NO_INDEX,
		.flags = SS_CAPTURE_AT_EXIT | SS_CAPTURE_ON_ERROR,
		.type = SS_TYPE_STRING,
	};

	if (!node)
		return SS_NO_INDEX;
	if (cJSON_IsObject(node)) {
		if (ss_document_check_keys(scope->doc, node, known))
			capture.getter = ss_operand_getter(scope, node, SS_TYPE_STRING);
		refuse_out(scope, ss_document_member(node, "args"));
	} else {
		capture.value = ss_operand_value(scope, error, "message", SS_FORM_ANY);
		if (capture.value.type != SS_TYPE_NONE &&
		    !is_readable_as(capture.value.type, SS_TYPE_STRING))
			ss_document_complain(scope->doc, error, "message",
					     "expected a string, but it is \"%s\"",
					     ss_vocabulary_types[capture.value.type]);
		capture.value.type = SS_TYPE_STRING;
	}
	return ss_block_append(scope->block, SS_BLOCK_CAPTURES, &capture);
}
