/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of an entry that wraps a Python function: its name, the values of its calls and the
 * attributes made of them. As in operand.h, every function complains in the document about what is
 * wrong and then yields something harmless.
 */
#ifndef SS_BINDING_PYTHON_H
#define SS_BINDING_PYTHON_H

#include <stdint.h>

#include "collector/binding/operand.h"

/* Checks the entry's "python", and notes whether there can be a `self`. */
void ss_python_target(struct ss_scope *scope, const cJSON *entry, const char *target);

/* The value written at member `key` of `object`, as ss_operand_value. */
struct ss_value ss_python_value(struct ss_scope *scope, const cJSON *object, const char *key,
				uint32_t forms);

/* An attribute, not yet in the block. */
struct ss_capture ss_python_capture(struct ss_scope *scope, const cJSON *object);

#endif
