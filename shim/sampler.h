/* SPDX-License-Identifier: Apache-2.0
 *
 * Which traces are written (OpenTelemetry specification, trace/sdk.md, "Built-in samplers"). The
 * answer depends on the trace alone, so that all spans of a trace get the same one in every
 * process. The threshold is that of the Python and Go SDKs: the low half of the trace id, as a
 * number, against ratio x 2^64. Any thread; signal-safe. Must not: decide what is emitted. Metrics
 * and plugins see all traces.
 */
#ifndef SS_SAMPLER_H
#define SS_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

enum ss_sampler { /* in the order of the choices of OTEL_TRACES_SAMPLER */
		  SS_SAMPLER_ALWAYS_ON,
		  SS_SAMPLER_ALWAYS_OFF,
		  SS_SAMPLER_RATIO,
		  SS_SAMPLER_PARENT_ALWAYS_ON,
		  SS_SAMPLER_PARENT_ALWAYS_OFF,
		  SS_SAMPLER_PARENT_RATIO,
};

/* How a process samples; constant from its start. */
struct ss_sampling {
	uint64_t threshold;            /* of RATIO: trace_lo below it is in */
	uint64_t parent_hi, parent_lo; /* trace of TRACEPARENT; 0: none */
	uint32_t sampler;              /* enum ss_sampler; a ratio of 1 is ALWAYS_ON's */
	uint32_t parent_sampled;       /* TRACEPARENT's flag */
};

/* For a ratio below 1. Rounded as the SDKs do. */
static inline uint64_t ss_sampler_threshold(double ratio)
{
	double exact = ratio * 0x1p64; /* no digit is lost */
	uint64_t whole = (uint64_t)exact;

	return whole + (exact - (double)whole > 0.5);
}

static inline bool ss_is_sampled(const struct ss_sampling *sampling, uint64_t trace_hi,
				 uint64_t trace_lo)
{
	uint32_t sampler = sampling->sampler;

	if (sampler >= SS_SAMPLER_PARENT_ALWAYS_ON) {
		if ((trace_hi | trace_lo) != 0 && trace_hi == sampling->parent_hi &&
		    trace_lo == sampling->parent_lo)
			return sampling->parent_sampled;
		sampler -= SS_SAMPLER_PARENT_ALWAYS_ON;
	}
	if (sampler == SS_SAMPLER_RATIO)
		return trace_lo < sampling->threshold;
	return sampler == SS_SAMPLER_ALWAYS_ON;
}

#endif
