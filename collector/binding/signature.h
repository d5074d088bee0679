/* SPDX-License-Identifier: Apache-2.0
 *
 * A declared function's parameter types ("args", "returns") and where the calling convention puts
 * them: System V x86-64 psABI 1.0 section 3.2.3; AAPCS64 section 6.8.
 * Any thread; pure.
 */
#ifndef SS_SIGNATURE_H
#define SS_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/binding/document.h"
#include "shim/bindings/binding.h"

enum ss_arch { SS_ARCH_X86_64, SS_ARCH_AARCH64, SS_ARCH_COUNT };

#if defined(__aarch64__)
#define SS_ARCH_HERE SS_ARCH_AARCH64
#else
#define SS_ARCH_HERE SS_ARCH_X86_64
#endif

#define SS_STACK_WORDS_UNKNOWN 16  /* copied when nothing says what the call passes */
#define SS_STACK_WORDS_MAX     224 /* and the unknown ones still fit ss_entry.stack_words */

struct ss_parameter {
	const char *text; /* as declared, for messages */
	uint8_t type;     /* enum ss_type; NONE: undeclared, or (text set) cannot be read */
	uint8_t place;    /* enum ss_place */
	uint8_t index;
};

struct ss_signature {
	struct ss_parameter parameters[SS_ARGS_MAX];
	struct ss_parameter result; /* place NONE: cannot be read */
	uint32_t count;             /* declared ones, or as many as can be reached undeclared */
	bool declared;              /* "args" is there */
	bool returns_declared;
	bool sret;
	uint8_t stack_words;
};

/* Reads "args" and "returns" of an entry; complains about unknown types and too much of anything.
 */
void ss_signature_read(struct ss_document *doc, const cJSON *entry, enum ss_arch arch,
		       struct ss_signature *ret_signature);

#endif
