/* SPDX-License-Identifier: Apache-2.0
 *
 * The instruments: every metric's name, unit and buckets, in one table (instruments.c). Names are
 * those of the traced Mellea version (mellea/telemetry/metrics.py), of the OpenTelemetry GenAI
 * conventions where it follows them, and this project's own for natively declared entry points.
 * Constant data. Numbers are the file format of ring files: append only.
 */
#ifndef SS_INSTRUMENTS_H
#define SS_INSTRUMENTS_H

#include <stdint.h>

#define SS_BOUNDS_MAX 24u

enum ss_instrument_id {
	SS_INSTRUMENT_NONE,
	/* Mellea 0.8 (and most of 0.7) */
	SS_INSTRUMENT_TOKEN_USAGE,
	SS_INSTRUMENT_REQUEST_DURATION,
	SS_INSTRUMENT_TIME_TO_FIRST_CHUNK,
	SS_INSTRUMENT_TIME_PER_OUTPUT_CHUNK,
	SS_INSTRUMENT_LLM_ERRORS,
	SS_INSTRUMENT_LLM_COST,
	SS_INSTRUMENT_SAMPLING_ATTEMPTS,
	SS_INSTRUMENT_SAMPLING_SUCCESSES,
	SS_INSTRUMENT_SAMPLING_FAILURES,
	SS_INSTRUMENT_REQUIREMENT_CHECKS,
	SS_INSTRUMENT_REQUIREMENT_FAILURES,
	SS_INSTRUMENT_TOOL_CALLS,
	SS_INSTRUMENT_ADAPTER_INVOCATIONS,
	SS_INSTRUMENT_ADAPTER_PHASE_DURATION,
	SS_INSTRUMENT_ADAPTER_PARSE_FAILURES,
	/* Mellea 0.7, where it differs */
	SS_INSTRUMENT_INPUT_TOKENS_0_7,
	SS_INSTRUMENT_OUTPUT_TOKENS_0_7,
	SS_INSTRUMENT_REQUEST_DURATION_0_7, /* other buckets */
	SS_INSTRUMENT_TTFB_0_7,
	/* natively declared entry points, and users' Python ones */
	SS_INSTRUMENT_ENTRY_DURATION,
	SS_INSTRUMENT_ENTRY_ERRORS,
	SS_INSTRUMENTS,
};

enum ss_instrument_kind {
	SS_INSTRUMENT_COUNTER,        /* monotonic sum of integers: asInt */
	SS_INSTRUMENT_COUNTER_DOUBLE, /* ... of doubles: asDouble */
	SS_INSTRUMENT_HISTOGRAM,      /* explicit buckets */
};

struct ss_instrument {
	uint8_t kind;         /* enum ss_instrument_kind */
	const double *bounds; /* HISTOGRAM: upper bounds, inclusive, ascending */
	uint8_t bound_count;  /* SS_BOUNDS_MAX at most */
	const char *scope;    /* the same pointer for the same scope */
	uint8_t is_framework; /* its scope's version is image->framework_version */
	const char *unit, *name, *description;
};

extern const struct ss_instrument ss_instruments[SS_INSTRUMENTS];

extern const char ss_instrument_scope_mellea[]; /* "mellea.metrics" */
extern const char ss_instrument_scope_native[]; /* "spanshim.native" */

#endif
