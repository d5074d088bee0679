/* SPDX-License-Identifier: Apache-2.0
 *
 * The hook event: what the shim tells the collector, one or more 64-byte records in a ring.
 * Owned by the shim's layout; the collector (live or in `spanshim recover`) only reads it.
 * Must not: contain pointers into the host. Everything here may be read after the host is dead,
 * from a file that a crash tore, so every reader checks `records`, `payload_bytes` and offsets.
 */
#ifndef SS_EVENT_H
#define SS_EVENT_H

#include <stdint.h>

#include "shim/attr.h"

#define SS_RECORD_BYTES 64u
/* Longest event: first record plus payload records. Longer values go on in ATTR events. */
#define SS_EVENT_RECORDS_MAX 128u
#define SS_EVENT_PAYLOAD_MAX ((SS_EVENT_RECORDS_MAX - 1) * SS_RECORD_BYTES)

enum ss_event_kind {
	SS_EVENT_NONE,
	SS_EVENT_OPEN,    /* a span begins */
	SS_EVENT_CLOSE,   /* a span ends, with its status */
	SS_EVENT_POINT,   /* something happened inside a span: an OTel span event */
	SS_EVENT_ATTR,    /* further attributes of a span, or the rest of a long value */
	SS_EVENT_DISCARD, /* the opened span turned out to be none (prepare of a comment): forget it
			   */
	SS_EVENT_KINDS,
};

/* Observation points; the names are those of the mission (and of Mellea's plugin hooks).
 * Subscribers are dispatched by this number. Order is the file format: append only. */
enum ss_hook {
	SS_HOOK_NONE,
	SS_HOOK_SESSION_PRE_INIT,
	SS_HOOK_SESSION_POST_INIT,
	SS_HOOK_SESSION_RESET,
	SS_HOOK_SESSION_CLEANUP,
	SS_HOOK_COMPONENT_PRE_EXECUTE,
	SS_HOOK_COMPONENT_POST_SUCCESS,
	SS_HOOK_COMPONENT_POST_ERROR,
	SS_HOOK_GENERATION_PRE_CALL,
	SS_HOOK_GENERATION_POST_CALL,
	SS_HOOK_GENERATION_ERROR,
	SS_HOOK_GENERATION_EVENT,
	SS_HOOK_STREAMING_START,
	SS_HOOK_STREAMING_EVENT,
	SS_HOOK_STREAMING_END,
	SS_HOOK_GENERATION_BATCH_PRE_CALL,
	SS_HOOK_GENERATION_BATCH_POST_CALL,
	SS_HOOK_GENERATION_BATCH_ERROR,
	SS_HOOK_SAMPLING_LOOP_START,
	SS_HOOK_SAMPLING_ITERATION,
	SS_HOOK_SAMPLING_REPAIR,
	SS_HOOK_SAMPLING_LOOP_END,
	SS_HOOK_VALIDATION_PRE_CHECK,
	SS_HOOK_VALIDATION_POST_CHECK,
	SS_HOOK_TOOL_PRE_INVOKE,
	SS_HOOK_TOOL_POST_INVOKE,
	SS_HOOK_ADAPTER_FUNCTION_INVOCATION_COMPLETE,
	SS_HOOK_ADAPTER_FUNCTION_PHASE_COMPLETE,
	SS_HOOK_STREAMING_ORCHESTRATION_START,
	SS_HOOK_STREAMING_ORCHESTRATION_END,
	/* No hooks of Mellea's: the calls that it makes itself around a session's two spans. */
	SS_HOOK_STARTUP_BEGIN, /* `start_session`: construction begins ... */
	SS_HOOK_STARTUP_END,   /* ... and ends */
	SS_HOOK_SESSION_ENTER, /* `session`: entered ... */
	SS_HOOK_SESSION_EXIT,  /* ... and left */
	SS_HOOK_COUNT,
};

/* Instead of a binding's entry: the event was made by an adapter and its payload is fields
 * (field.h), to be spelled as this version of the adapted framework spells them. */
enum ss_dialect {
	SS_DIALECT_BASE = (int)0xffffff00,
	SS_DIALECT_MELLEA_0_7 = SS_DIALECT_BASE, /* 0.7.0 and before */
	SS_DIALECT_MELLEA_0_8,                   /* after */
	SS_DIALECT_END,
};

static inline int ss_is_dialect(uint32_t entry)
{
	return entry - (uint32_t)SS_DIALECT_BASE < SS_DIALECT_END - SS_DIALECT_BASE;
}

/* Why a span ended. Everything but OK becomes OTel status ERROR. */
enum ss_status {
	SS_STATUS_OK,
	SS_STATUS_ERROR,       /* the declared error condition held; `result` is the code */
	SS_STATUS_EXCEPTION,   /* a C++, Python or other exception went through the call */
	SS_STATUS_CANCELLED,   /* forced unwind: pthread_cancel or pthread_exit */
	SS_STATUS_LONGJMP,     /* the frame was left by longjmp (or a like) */
	SS_STATUS_THREAD_EXIT, /* its thread ended without unwinding it */
	SS_STATUS_COUNT,
};

enum ss_event_flags {
	SS_EVENT_PARENT_REMOTE = 1, /* OPEN: parent came from TRACEPARENT, not from this process */
	SS_EVENT_STATUS_ONLY = 2,   /* POINT: no span event; it only marks the span ERROR */
	SS_EVENT_NO_RESULT = 4,     /* CLOSE, POINT: `result` means nothing */
	SS_EVENT_OBSERVED = 8,      /* POINT: for hook subscribers only, no span event */
	SS_EVENT_INFERRED = 16,     /* CLOSE: no hook told it; it is none of the metrics' */
};

/* `commit` is the low 32 bits of (ring position + 1): a record of an earlier lap never matches,
 * so nothing need be zeroed. Stored last with release; partner: the acquire load in ring.h's
 * ss_ring_peek. Continuation records are raw payload: ss_attr entries, 8-aligned, one after
 * another. */
struct ss_event {
	uint32_t commit;
	uint8_t kind;
	uint8_t hook;
	uint16_t records; /* this one included */
	uint64_t time;    /* ticks of the image's clock (ring.h) */
	uint64_t span_id; /* raw 64 random bits; printed as 16 hex digits, most significant first */
	uint32_t entry;   /* index of struct ss_entry in the image's binding table, or ss_dialect */
	uint16_t payload_bytes;
	uint8_t flags;  /* enum ss_event_flags */
	uint8_t status; /* CLOSE, POINT: enum ss_status */
	union {
		struct {
			uint64_t parent_id; /* 0: root */
			uint64_t trace_hi;
			uint64_t trace_lo;
			uint32_t tid;
			uint32_t reserved;
		} open;
		struct {
			int64_t result;
			uint64_t reserved[2];
			uint32_t tid;
			uint32_t reserved2;
		} close; /* also POINT and DISCARD */
	};
};
_Static_assert(sizeof(struct ss_event) == SS_RECORD_BYTES, "the ring's record is one cache line");

#endif
