/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiled form of binding files: one position-independent block of bytes, offsets only.
 * Made by collector/binding/ from JSON (at build time for the built-in ones, when the process
 * starts for users' files), read by the shim's hot side, and copied into every ring file, so that
 * `spanshim recover` knows the names that events refer to without the JSON.
 * Arrays are 8-aligned; a string is NUL-terminated UTF-8, named by its offset in the string area.
 * Offsets below SS_KEY_RESERVED (event.h) are never strings; offset SS_KEY_RESERVED is "".
 */
#ifndef SS_BINDING_H
#define SS_BINDING_H

#include <stdint.h>

#include "shim/bindings/operand.h"

#define SS_BINDING_MAGIC   0x42535353u /* "SSSB" */
#define SS_BINDING_VERSION 2u
#define SS_ARGS_MAX        22 /* 6 or 8 in registers, the rest on the stack */
#define SS_BINDINGS_MAX    64
#define SS_SYMBOLS_MAX     400 /* ELF symbols of all bindings together */

enum ss_role { SS_ROLE_SESSION, SS_ROLE_ACTION, SS_ROLE_STREAM, SS_ROLE_CHAT, SS_ROLE_COUNT };

enum ss_when {
	SS_WHEN_CALL,  /* the span is the call */
	SS_WHEN_OPEN,  /* the call opens a span that lives until a CLOSE entry gets its handle */
	SS_WHEN_CLOSE, /* the call ends the span of a handle if that has the entry's role; else, if
			  the role is STREAM, the handle's implicit stream */
	SS_WHEN_EVENT, /* the call adds an event to the span of a handle */
	SS_WHEN_REGISTER, /* the call only hands over callbacks */
	SS_WHEN_COUNT,
};

struct ss_callback {
	struct ss_value value; /* the argument that holds the function pointer */
	uint32_t entry;        /* index of the entry (flag CALLBACK) that the function becomes */
	uint32_t reserved;
};

enum ss_entry_flags {
	SS_ENTRY_CALLBACK = 1,   /* `symbol` names a callback of another entry, not an ELF symbol */
	SS_ENTRY_SRET = 2,       /* returns a struct in memory */
	SS_ENTRY_HAS_HANDLE = 4, /* always set for OPEN and CLOSE; EVENT without it: by thread */
	SS_ENTRY_HAS_PARENT = 8,
	SS_ENTRY_PYTHON =
		16, /* `symbol` is "pkg.mod:Class.method": shim/python/ wraps it, no thunk */
};

struct ss_entry {
	uint32_t symbol;
	uint32_t binding; /* index */
	uint8_t role;     /* enum ss_role */
	uint8_t when;     /* enum ss_when */
	uint8_t flags;
	uint8_t stack_words; /* how many 8-byte stack arguments the call needs */
	uint8_t hook_open;   /* enum ss_hook, from the role */
	uint8_t hook_point;
	uint8_t hook_close;
	uint8_t hook_error;
	uint32_t span_name;   /* "action sqlite3" */
	uint32_t event_name;  /* SS_WHEN_EVENT: name of the span event; PYTHON and SS_WHEN_CALL: of
				 the  one that each item of a generator makes, 0: none */
	uint32_t stream_name; /* SS_WHEN_EVENT: span name of the stream that the first event opens;
				 0: none, events go to the handle's (or the thread's) own span */
	uint32_t next_same_symbol; /* entry index or SS_NO_INDEX: tried when only_if does not hold;
				      of a callback entry: the next one of the same callback */
	struct ss_value handle;
	struct ss_value parent;
	struct ss_condition only_if;  /* on arguments; ALWAYS when not given */
	struct ss_condition event_if; /* EVENT; ALWAYS when not given */
	struct ss_condition error; /* NEVER when not given; its value is set even then, as what the
				      CLOSE event carries as result: NONE or a POINTER is no result.
				      WHEN_CLOSE: the call has not closed anything */
	struct ss_condition ends;  /* EVENT: the stream ends with this call; NEVER when not given */
	uint32_t error_code_key;   /* attribute that carries the code; 0: none */
	uint32_t error_message;    /* capture index or SS_NO_INDEX; key SS_KEY_STATUS_MESSAGE, not
				      one of the entry's own captures */
	uint32_t first_capture, capture_count;
	uint32_t first_callback, callback_count;
};

struct ss_code { /* name of a result code: becomes error.type; ascending in a binding */
	int64_t value;
	uint32_t name;
	uint32_t reserved;
};

struct ss_constant { /* attribute on every span of the binding */
	uint32_t key;
	uint32_t value; /* string */
};

struct ss_binding {
	uint32_t name;
	uint32_t description;
	uint32_t library; /* soname, "" if not given */
	uint32_t source;  /* path of the JSON, or "built-in" */
	uint32_t first_entry, entry_count;
	uint32_t first_constant, constant_count;
	uint32_t first_code, code_count;
	uint32_t adapter; /* built-in ones only: code in shim/python/ of this name makes the events
			   */
	uint32_t reserved;
};

struct ss_span_of { /* one array in the block */
	uint32_t offset;
	uint32_t count;
};

struct ss_binding_table {
	uint32_t magic;
	uint32_t version;
	uint32_t bytes; /* of the whole block, 8-aligned */
	uint32_t reserved;
	struct ss_span_of bindings, entries, captures, getters, callbacks, codes, constants;
	struct ss_span_of strings; /* count: bytes */
};

static inline const void *ss_binding_array(const struct ss_binding_table *table,
					   struct ss_span_of span)
{
	return (const char *)table + span.offset;
}

#endif
