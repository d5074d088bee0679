/* SPDX-License-Identifier: Apache-2.0
 *
 * The small parts of a compiled binding (binding.h): where a value is at a wrapped call, conditions
 * on values, functions of the wrapped library that tell a value, and attributes to capture.
 * Read by the shim's hot side; made and checked by collector/binding/.
 */
#ifndef SS_OPERAND_H
#define SS_OPERAND_H

#include <stdint.h>

#define SS_NO_INDEX 0xffffffffu

/* Where a value is, already resolved to the machine's calling convention. */
enum ss_place {
	SS_PLACE_NONE,
	SS_PLACE_GPR,     /* index: n-th integer argument register */
	SS_PLACE_FPR,     /* index: n-th floating-point argument register */
	SS_PLACE_STACK,   /* index: n-th 8-byte word of stack arguments */
	SS_PLACE_RESULT,  /* rax / x0 */
	SS_PLACE_FRESULT, /* xmm0 / v0 */
	SS_PLACE_CONST,   /* constant */
	SS_PLACE_GETTER,  /* constant: index of a getter, lower than that of the one it is for; only
			     in  ss_getter.args; its own arguments are no getters */
	/* Of a Python call; type: INT64, DOUBLE, BOOL, STRING, or NONE for the value's own;
	 * constant: string offset of a path (".usage.total") or "". Each name in it is the item of
	 * that key if the value is a dict, else an attribute; a number is the index into a list or
	 * tuple. */
	SS_PLACE_PY_ARG,    /* index 0: what the method is called on (self, cls); n: the n-th
			       argument as the call is written, so without it */
	SS_PLACE_PY_NAMED,  /* argument: string offset of the parameter's name */
	SS_PLACE_PY_RESULT, /* what the call returned; of a generator, at its end */
	SS_PLACE_PY_ITEM,   /* what the generator yields, in an EACH capture */
	SS_PLACE_COUNT,
};

enum ss_type {
	SS_TYPE_NONE,
	SS_TYPE_INT,  /* 32 bits, signed */
	SS_TYPE_UINT, /* 32 bits */
	SS_TYPE_INT64,
	SS_TYPE_UINT64, /* also size_t */
	SS_TYPE_BOOL,   /* 8 bits, C's bool */
	SS_TYPE_FLOAT,
	SS_TYPE_DOUBLE,
	SS_TYPE_STRING, /* char *, NUL-terminated unless a length is given */
	SS_TYPE_POINTER,
	SS_TYPE_COUNT,
};

struct ss_value {
	uint8_t place;
	uint8_t type;
	uint8_t index;
	uint8_t out;       /* 1: the place holds a pointer to the value, followed after the call */
	uint32_t argument; /* number in the declaration, from 1, for people; 0: no argument */
	int64_t constant;
};

enum ss_op {
	SS_OP_NEVER, /* no condition given where absent means "does not hold" */
	SS_OP_ALWAYS,
	SS_OP_IN, /* value is one of operands[0..count) */
	SS_OP_NOT_IN,
	SS_OP_BELOW, /* value < operands[0], signed */
	SS_OP_ABOVE,
	SS_OP_COUNT,
};
#define SS_OPERANDS_MAX 6

/* Values are integers or pointers; a value that cannot be read (place NONE, bad out-pointer) makes
 * every condition but ALWAYS false. */
struct ss_condition {
	struct ss_value value;
	uint32_t op;
	uint32_t count;
	int64_t operands[SS_OPERANDS_MAX];
};

/* A function of the wrapped library that tells something after the call, e.g. sqlite3_errmsg(db).
 * Called as fn(args...) in the host's thread, in the hot side's guard. */
#define SS_GETTER_ARGS_MAX 4
#define SS_SYMBOL_GETTERS  4 /* most that all entries of one symbol have together */
struct ss_getter {
	uint32_t symbol;
	uint8_t arg_count;
	uint8_t out;  /* 1: one more argument follows, a pointer to an 8-byte zeroed cell; the cell
			 is the value */
	uint8_t type; /* enum ss_type of the value; FLOAT and DOUBLE only with `out` */
	uint8_t reserved;
	struct ss_value args[SS_GETTER_ARGS_MAX]; /* integer class; all 8 bytes are passed */
};

enum ss_capture_flags {
	SS_CAPTURE_AT_EXIT = 1,  /* after the call, else before; always set for EVENT and CLOSE */
	SS_CAPTURE_CONTENT = 2,  /* behind the gate; gate closed: only <key>_length, an int */
	SS_CAPTURE_ON_ERROR = 4, /* only when the error condition held */
	SS_CAPTURE_NONZERO = 8,  /* a zero yields no value */
	SS_CAPTURE_EACH = 16,    /* Python generators: of the span event that each item makes */
};

/* One attribute taken at a call. Of several captures with one key, the first that yields a value
 * wins; a NULL string yields none. */
struct ss_capture {
	uint32_t key;
	uint32_t length_key; /* "<key>_length" for content strings, else 0 */
	struct ss_value value;
	struct ss_value length; /* for strings; place NONE: NUL-terminated; negative: likewise */
	uint32_t getter;        /* index, or SS_NO_INDEX; overrides value */
	uint16_t flags;
	uint16_t type;          /* enum ss_type of the attribute, whether by value or getter */
	struct ss_value factor; /* place NONE: none; else a string's length is length * factor
				   (fwrite's size, nmemb), a number is value * factor */
};

#endif
