/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes in an event's payload: key, type, value, one after another, 8-aligned. Same rules as
 * event.h: no pointers, and a reader checks every length.
 */
#ifndef SS_ATTR_H
#define SS_ATTR_H

#include <stdint.h>

enum ss_attr_type {
	SS_ATTR_NONE,
	SS_ATTR_INT,     /* value.i */
	SS_ATTR_DOUBLE,  /* value.d */
	SS_ATTR_BOOL,    /* value.i */
	SS_ATTR_STRING,  /* value.s, then s.bytes bytes (any bytes: the writer makes them UTF-8) */
	SS_ATTR_NAME,    /* value.i: offset of a string in the image's string area */
	SS_ATTR_STACK,   /* value.s, then code addresses, uint64_t each, innermost first */
	SS_ATTR_STRINGS, /* value.s, then for each element uint32_t bytes and these bytes, unpadded
			  */
	SS_ATTR_TYPES,
};

enum ss_attr_flags {
	SS_ATTR_CONTINUES = 1, /* appends to the last STRING (or STRINGS: bytes all the same) value
				  of the same key of this span */
	SS_ATTR_CUT = 2,       /* the value was longer than the shim would carry */
};

/* Keys below this are not string offsets but the meanings listed here. */
enum ss_attr_key {
	SS_KEY_NONE,
	SS_KEY_STATUS_MESSAGE,    /* STRING: OTel status.message */
	SS_KEY_EXCEPTION_TYPE,    /* STRING: mangled C++ type name, as in std::type_info */
	SS_KEY_EXCEPTION_MESSAGE, /* STRING */
	SS_KEY_STACK,             /* STACK */
	SS_KEY_FIELDS = 8,        /* from here on enum ss_field (field.h) */
	SS_KEY_RESERVED = 192,
};

struct ss_attr {
	uint32_t key; /* offset in the image's string area, or enum ss_attr_key */
	uint8_t type;
	uint8_t flags;
	uint16_t reserved;
	union {
		int64_t i;
		double d;
		struct {
			uint32_t bytes;  /* that follow, then zero padding to 8 */
			uint32_t length; /* of the whole value, were it not cut */
		} s;
	};
};
_Static_assert(sizeof(struct ss_attr) == 16, "attributes stay 8-aligned");

#endif
