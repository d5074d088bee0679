/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that entries are made of: values ("arg 2", "out 4", "result"), conditions, calls of the
 * library's own functions, and captured attributes; from JSON to shim/bindings/operand.h.
 * Every function complains in the document about what is wrong and then yields something harmless.
 */
#ifndef SS_BINDING_OPERAND_H
#define SS_BINDING_OPERAND_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/binding/block.h"
#include "collector/binding/document.h"
#include "collector/binding/signature.h"

#define SS_TEXT_MAX 1024 /* descriptions, constants */
#define SS_NAME_MAX 128  /* keys, names of events, codes and bindings */

/* What the parts of one entry are read with. */
struct ss_scope {
	struct ss_document *doc;
	struct ss_block *block;
	const struct ss_signature *signature;
	uint32_t getter_count; /* made for this entry so far */
	bool is_callback;
	bool after_only; /* attributes are taken after the call */
	bool is_python;
	bool has_self;  /* of a Python function: it stands in a class */
	bool has_items; /* likewise: what it yields makes events */
};

enum ss_operand_forms { /* what may be written for a value */
			SS_FORM_ARG = 1,
			SS_FORM_OUT = 2,
			SS_FORM_RESULT = 4,
			SS_FORM_NUMBER = 8,
			SS_FORM_SELF = 16, /* of Python functions, this one and the next */
			SS_FORM_ITEM = 32,
			SS_FORM_ANY = SS_FORM_ARG | SS_FORM_OUT | SS_FORM_RESULT,
};

/* The value written at member `key` of `object` (or at `object` itself if key is NULL), with the
 * type that is declared for it, SS_TYPE_NONE if none is. */
struct ss_value ss_operand_value(struct ss_scope *scope, const cJSON *object, const char *key,
				 uint32_t forms);

/* Argument `number` (from 1), or with `out` what it points to. */
struct ss_value ss_operand_argument(struct ss_scope *scope, const cJSON *object, const char *key,
				    uint32_t number, bool out);

/* As ss_operand_value, undeclared types becoming `type`; only integers and pointers. */
struct ss_value ss_operand_word(struct ss_scope *scope, const cJSON *object, const char *key,
				uint32_t forms, uint8_t type);

/* Member `key` as a condition, whose "value" is the result unless it says otherwise (and must, if
 * forms do not allow the result). `absent` when the member is missing. */
struct ss_condition ss_operand_condition(struct ss_scope *scope, const cJSON *object,
					 const char *key, uint32_t forms, enum ss_op absent);

/* The getter that `object`'s "call" and "args" describe; its index in the block. */
uint32_t ss_operand_getter(struct ss_scope *scope, const cJSON *object, uint8_t type);

/* An attribute, not yet in the block. */
struct ss_capture ss_operand_capture(struct ss_scope *scope, const cJSON *object);

/* "message" of `error`: value or getter of a string; index of its capture, which is appended. */
uint32_t ss_operand_message(struct ss_scope *scope, const cJSON *error);

#endif
