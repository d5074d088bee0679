/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the binding language and what they compile to: roles, moments, types, hooks, and the
 * symbols that must not be wrapped. docs/BINDINGS.md is their description. Constant data.
 */
#ifndef SS_VOCABULARY_H
#define SS_VOCABULARY_H

#include <stdint.h>

#include "shim/bindings/binding.h"
#include "shim/event.h"

#define SS_WORD(names) (names), sizeof(names) / sizeof((names)[0])

extern const char *const ss_vocabulary_roles[SS_ROLE_COUNT]; /* by enum ss_role */
extern const char *const ss_vocabulary_whens[SS_WHEN_COUNT]; /* by enum ss_when */
extern const char *const ss_vocabulary_types[SS_TYPE_COUNT]; /* by enum ss_type; for messages */

struct ss_vocabulary_hooks {
	uint8_t open, point, close, error;
};
extern const struct ss_vocabulary_hooks ss_vocabulary_hooks[SS_ROLE_COUNT];

/* Enum ss_type of a type's name ("size" is SS_TYPE_UINT64), SS_TYPE_NONE if it is none. */
uint8_t ss_vocabulary_type(const char *name);

/* Bytes that a value of the type has in a register or in memory. */
uint32_t ss_vocabulary_type_bytes(uint8_t type);

/* Adapters that are built into the shim (shim/python/). */
#define SS_ADAPTERS 1
extern const char *const ss_vocabulary_adapters[SS_ADAPTERS];

/* Why `symbol` cannot be wrapped, as the end of a sentence; NULL: it can. */
const char *ss_vocabulary_denied(const char *symbol);

/* The same of a Python function, "package.module:Class.method". */
const char *ss_vocabulary_denied_python(const char *target);

#endif
