/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/operand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/binding/suggest.h"
#include "collector/binding/vocabulary.h"

static void complain_form(struct ss_scope *scope, const cJSON *object, const char *key,
			  uint32_t forms)
{
	static const char *const names[] = { "\"arg N\"", "\"out N\"", "\"result\"",
					     "a whole number" };
	const cJSON *node = key ? ss_document_member(object, key) : object;
	const char *text = cJSON_GetStringValue(node), *allowed[4];
	uint32_t count = 0;
	char list[64] = "";

	for (uint32_t i = 0; i < 4; i++)
		if (forms & 1u << i)
			allowed[count++] = names[i];
	for (uint32_t i = 0, length = 0; i < count; i++)
		length += snprintf(list + length, sizeof(list) - length, "%s%s",
				   i == 0           ? ""
				   : i + 1 == count ? " or "
						    : ", ",
				   allowed[i]);
	if (!node)
		ss_document_complain(scope->doc, object, key, "missing, expected %s", list);
	else if (text)
		ss_document_complain(scope->doc, object, key, "expected %s, got \"%.64s\"", list,
				     text);
	else
		ss_document_complain(scope->doc, object, key, "expected %s, got %s", list,
				     ss_document_kind(node));
}

static bool read_form(const char *text, uint32_t *ret_form, uint32_t *ret_number)
{
	unsigned long number;
	char *end;

	*ret_form = SS_FORM_RESULT;
	*ret_number = 0;
	if (strcmp(text, "result") == 0)
		return true;
	if (strncmp(text, "arg ", 4) != 0 && strncmp(text, "out ", 4) != 0)
		return false;
	if (text[4] < '0' || text[4] > '9')
		return false;
	*ret_form = text[0] == 'a' ? SS_FORM_ARG : SS_FORM_OUT;
	number = strtoul(text + 4, &end, 10);
	*ret_number = number > 9999 ? 9999 : number;
	return *end == '\0';
}

static struct ss_value result_value(struct ss_scope *scope, const cJSON *object, const char *key)
{
	const struct ss_parameter *result = &scope->signature->result;

	if (result->place == SS_PLACE_NONE)
		ss_document_complain(scope->doc, object, key,
				     "the result cannot be read: \"returns\" is \"%s\"",
				     result->text);
	return (struct ss_value){ .place = result->place, .type = result->type };
}

/* Whether "out N" makes sense for a parameter declared like this. */
static bool is_address(const struct ss_parameter *parameter)
{
	return !parameter->text || parameter->type == SS_TYPE_POINTER ||
	       parameter->type == SS_TYPE_STRING;
}

struct ss_value ss_operand_argument(struct ss_scope *scope, const cJSON *object, const char *key,
				    uint32_t number, bool out)
{
	const struct ss_signature *signature = scope->signature;
	const struct ss_parameter *parameter;

	if (number < 1 || number > SS_ARGS_MAX) {
		ss_document_complain(scope->doc, object, key,
				     "expected an argument number from 1 to %d, got %u",
				     SS_ARGS_MAX, number);
		return (struct ss_value){ 0 };
	}
	if (number > signature->count) {
		ss_document_complain(
			scope->doc, object, key,
			signature->declared ? "argument %u does not exist: \"args\" declares %u"
					    : "argument %u is out of reach: without \"args\" it is "
					      "the first %u that can be read",
			number, signature->count);
		return (struct ss_value){ 0 };
	}
	parameter = &signature->parameters[number - 1];
	if (out && !is_address(parameter))
		ss_document_complain(scope->doc, object, key,
				     "expected a pointer, but argument %u is declared \"%s\"",
				     number, parameter->text);
	else if (parameter->text && parameter->type == SS_TYPE_NONE)
		ss_document_complain(scope->doc, object, key,
				     "argument %u is declared \"%s\", which cannot be read", number,
				     parameter->text);
	return (struct ss_value){
		.place = parameter->place,
		.type = out ? SS_TYPE_NONE : parameter->type,
		.index = parameter->index,
		.out = out,
		.argument = number,
	};
}

struct ss_value ss_operand_value(struct ss_scope *scope, const cJSON *object, const char *key,
				 uint32_t forms)
{
	const cJSON *node = key ? ss_document_member(object, key) : object;
	const char *text = cJSON_GetStringValue(node);
	uint32_t form, number;
	int64_t constant;

	if ((forms & SS_FORM_NUMBER) && ss_document_integer(node, &constant))
		return (struct ss_value){ .place = SS_PLACE_CONST,
					  .type = SS_TYPE_INT64,
					  .constant = constant };
	if (!text || !read_form(text, &form, &number) || !(forms & form)) {
		complain_form(scope, object, key, forms);
		return (struct ss_value){ 0 };
	}
	if (form == SS_FORM_RESULT)
		return result_value(scope, object, key);
	return ss_operand_argument(scope, object, key, number, form == SS_FORM_OUT);
}

struct ss_value ss_operand_word(struct ss_scope *scope, const cJSON *object, const char *key,
				uint32_t forms, uint8_t type)
{
	struct ss_value value = ss_operand_value(scope, object, key, forms);

	if (value.type == SS_TYPE_NONE)
		value.type = type;
	if (value.type == SS_TYPE_FLOAT || value.type == SS_TYPE_DOUBLE)
		ss_document_complain(scope->doc, object, key,
				     "expected an integer or a pointer, but it is \"%s\"",
				     ss_vocabulary_types[value.type]);
	return value;
}

static void read_operands(struct ss_scope *scope, const cJSON *test, bool many,
			  struct ss_condition *condition)
{
	const cJSON *item = test;
	bool list = many && cJSON_IsArray(test);
	int count = list ? cJSON_GetArraySize(test) : 1;

	if (count < 1 || count > SS_OPERANDS_MAX) {
		ss_document_complain(scope->doc, test, NULL, "expected 1 to %d numbers, got %d",
				     SS_OPERANDS_MAX, count);
		return;
	}
	for (item = list ? test->child : test; item; item = list ? item->next : NULL) {
		if (!ss_document_integer(item, &condition->operands[condition->count++])) {
			ss_document_complain(scope->doc, item, NULL,
					     many ? "expected a whole number or a list of them, "
						    "got %s"
						  : "expected a whole number, got %s",
					     cJSON_IsNumber(item) ? "a fraction or too large a one"
								  : ss_document_kind(item));
			return;
		}
	}
}

/* The test that a condition makes, exactly one; NULL after a complaint. */
static const cJSON *read_test(struct ss_scope *scope, const cJSON *node, enum ss_op *ret_op)
{
	static const struct {
		const char *key;
		enum ss_op op;
	} tests[] = { { "is", SS_OP_IN },
		      { "is_not", SS_OP_NOT_IN },
		      { "below", SS_OP_BELOW },
		      { "above", SS_OP_ABOVE },
		      { "null", SS_OP_IN } };
	const cJSON *found = NULL;
	uint32_t count = 0;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		const cJSON *test = ss_document_member(node, tests[i].key);

		if (!test)
			continue;
		found = test;
		*ret_op = tests[i].op;
		count++;
	}
	if (count == 1)
		return found;
	ss_document_complain(scope->doc, node, NULL,
			     "expected one of \"is\", \"is_not\", \"below\", \"above\" and "
			     "\"null\", got %u of them",
			     count);
	return NULL;
}

struct ss_condition ss_operand_condition(struct ss_scope *scope, const cJSON *object,
					 const char *key, uint32_t forms, enum ss_op absent)
{
	static const char *const known[] = {
		"value", "is", "is_not", "below", "above", "null", NULL
	};
	const cJSON *node = ss_document_member(object, key), *test;
	struct ss_condition condition = { .op = absent };
	enum ss_op op = absent;
	bool is_null;

	if (!node || !ss_document_check_keys(scope->doc, node, known))
		return condition;
	test = read_test(scope, node, &op);
	if (!test)
		return condition;
	condition.op = op;
	is_null = strcmp(test->string, "null") == 0;
	if (!ss_document_member(node, "value") && (forms & SS_FORM_RESULT))
		condition.value = result_value(scope, node, "value");
	else
		condition.value = ss_operand_word(scope, node, "value", forms,
						  is_null ? SS_TYPE_POINTER : SS_TYPE_INT);
	if (is_null) {
		condition.count = 1;
		if (!ss_document_bool(scope->doc, node, "null", true))
			condition.op = SS_OP_NOT_IN;
		return condition;
	}
	if (condition.value.type == SS_TYPE_FLOAT || condition.value.type == SS_TYPE_DOUBLE)
		ss_document_complain(scope->doc, node, NULL,
				     "expected an integer or a pointer, but the result is \"%s\"",
				     ss_vocabulary_types[condition.value.type]);
	read_operands(scope, test, condition.op == SS_OP_IN || condition.op == SS_OP_NOT_IN,
		      &condition);
	return condition;
}
