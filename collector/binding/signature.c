/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/binding/vocabulary.h"

/* How a parameter travels. `bytes` and `align` matter only on the stack. */
enum passing { PASS_GPR, PASS_FPR, PASS_STACK };

struct shape {
	uint8_t type; /* enum ss_type, NONE: unreadable */
	enum passing passing;
	uint32_t bytes, align;
};

static const struct {
	uint32_t gprs, fprs;
	bool sret_takes_gpr;
} registers[SS_ARCH_COUNT] = {
	[SS_ARCH_X86_64] = { 6, 8, true },
	[SS_ARCH_AARCH64] = { 8, 8, false },
};

struct cursor {
	enum ss_arch arch;
	uint32_t gpr, fpr, words;
};

#define EXPECTED_TYPE                                                                        \
	"expected \"int\", \"uint\", \"int64\", \"uint64\", \"size\", \"bool\", \"float\", " \
	"\"double\", \"longdouble\", \"string\", \"pointer\", \"struct:BYTES\" (above 16), " \
	"\"struct:BYTES:ALIGNMENT\", \"vector:BYTES\" or (as the last one) \"...\", got \"%.64s\""

static bool read_struct(const char *text, enum ss_arch arch, struct shape *ret_shape)
{
	unsigned int bytes, align = 8;
	int end = 0;

	if (sscanf(text, "struct:%4u%n:%2u%n", &bytes, &end, &align, &end) < 1 || text[end])
		return false;
	if (bytes <= 16 || bytes > 8 * SS_STACK_WORDS_MAX)
		return false;
	if (align != 8 && align != 16 && align != 32 && align != 64)
		return false;
	/* AAPCS64 passes a pointer to a copy */
	*ret_shape = (struct shape){
		.passing = arch == SS_ARCH_AARCH64 ? PASS_GPR : PASS_STACK,
		.bytes = bytes,
		.align = align,
	};
	return true;
}

static bool read_shape(const char *text, enum ss_arch arch, struct shape *ret_shape)
{
	uint8_t type = ss_vocabulary_type(text);
	bool floating = type == SS_TYPE_FLOAT || type == SS_TYPE_DOUBLE;

	if (type != SS_TYPE_NONE) {
		*ret_shape = (struct shape){ type, floating ? PASS_FPR : PASS_GPR, 8, 8 };
		return true;
	}
	*ret_shape = (struct shape){ .passing = PASS_FPR, .bytes = 16, .align = 16 };
	if (strcmp(text, "longdouble") == 0) {
		if (arch == SS_ARCH_X86_64)
			ret_shape->passing = PASS_STACK;
		return true;
	}
	if (strcmp(text, "vector:16") == 0)
		return true;
	ret_shape->bytes = ret_shape->align = strcmp(text, "vector:32") == 0 ? 32 : 64;
	if (strcmp(text, "vector:32") == 0 || strcmp(text, "vector:64") == 0)
		return arch == SS_ARCH_X86_64;
	return read_struct(text, arch, ret_shape);
}

/* Returns false when the stack arguments become too many. */
static bool place(struct cursor *at, const struct shape *shape, struct ss_parameter *parameter)
{
	uint32_t align_words = shape->align / 8, words = (shape->bytes + 7) / 8;

	parameter->type = shape->type;
	if (shape->passing == PASS_GPR && at->gpr < registers[at->arch].gprs) {
		parameter->place = SS_PLACE_GPR;
		parameter->index = at->gpr++;
		return true;
	}
	if (shape->passing == PASS_FPR && at->fpr < registers[at->arch].fprs) {
		parameter->place = SS_PLACE_FPR;
		parameter->index = at->fpr++;
		return true;
	}
	if (shape->passing == PASS_GPR)
		align_words = words = 1;
	at->words = (at->words + align_words - 1) / align_words * align_words;
	if (at->words + words > SS_STACK_WORDS_MAX)
		return false;
	parameter->place = SS_PLACE_STACK;
	parameter->index = at->words;
	at->words += words;
	return true;
}

static void read_result(struct ss_document *doc, const cJSON *entry, struct ss_signature *signature)
{
	static const char *const names[] = { "int",     "uint",  "int64",  "uint64",     "size",
					     "bool",    "float", "double", "longdouble", "string",
					     "pointer", "void",  "struct" };
	uint32_t choice = ss_document_choice(doc, entry, "returns", SS_WORD(names), 0);
	struct ss_parameter *result = &signature->result;

	result->text = names[choice];
	result->type = ss_vocabulary_type(result->text);
	signature->returns_declared = ss_document_member(entry, "returns") != NULL;
	signature->sret = strcmp(result->text, "struct") == 0;
	if (result->type == SS_TYPE_FLOAT || result->type == SS_TYPE_DOUBLE)
		result->place = SS_PLACE_FRESULT;
	else if (result->type != SS_TYPE_NONE)
		result->place = SS_PLACE_RESULT;
}

static void read_undeclared(struct cursor *at, struct ss_signature *signature)
{
	static const struct shape word = { SS_TYPE_NONE, PASS_GPR, 8, 8 };

	while (signature->count < SS_ARGS_MAX) {
		if (at->gpr == registers[at->arch].gprs && at->words == SS_STACK_WORDS_UNKNOWN)
			break;
		place(at, &word, &signature->parameters[signature->count++]);
	}
	signature->stack_words = SS_STACK_WORDS_UNKNOWN;
}

static void read_declared(struct ss_document *doc, const cJSON *args, struct cursor *at,
			  struct ss_signature *signature)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, args) {
		const char *text = cJSON_GetStringValue(item);
		struct ss_parameter *parameter = &signature->parameters[signature->count];
		struct shape shape;

		if (!text) {
			ss_document_complain(doc, item, NULL, "expected the name of a type, got %s",
					     ss_document_kind(item));
			return;
		}
		if (strcmp(text, "...") == 0 && !item->next) {
			at->words += SS_STACK_WORDS_UNKNOWN;
			break;
		}
		if (!read_shape(text, at->arch, &shape)) {
			ss_document_complain(doc, item, NULL, EXPECTED_TYPE, text);
			return;
		}
		if (!place(at, &shape, parameter)) {
			ss_document_complain(doc, item, NULL,
					     "expected at most %d bytes of stack arguments",
					     8 * SS_STACK_WORDS_MAX);
			return;
		}
		parameter->text = text;
		signature->count++;
	}
	signature->stack_words = at->words;
}

void ss_signature_read(struct ss_document *doc, const cJSON *entry, enum ss_arch arch,
		       struct ss_signature *ret_signature)
{
	/* one more than can be named, for "..." */
	const cJSON *args = ss_document_array(doc, entry, "args", SS_ARGS_MAX + 1);
	struct cursor at = { .arch = arch };

	*ret_signature = (struct ss_signature){ .declared = args != NULL };
	read_result(doc, entry, ret_signature);
	if (ret_signature->sret && registers[arch].sret_takes_gpr)
		at.gpr = 1;
	if (!args) {
		read_undeclared(&at, ret_signature);
		return;
	}
	if (cJSON_GetArraySize(args) > SS_ARGS_MAX &&
	    strcmp(cJSON_GetStringValue(cJSON_GetArrayItem(args, SS_ARGS_MAX)) ?: "", "...") != 0) {
		ss_document_complain(doc, args, NULL, "expected at most %d parameters",
				     SS_ARGS_MAX);
		return;
	}
	read_declared(doc, args, &at, ret_signature);
}
