/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans -> OTLP/JSON lines: one TracesData a line, many spans in it (opentelemetry-proto 1.x JSON
 * mapping: ids in hex, 64-bit integers as strings, enums as integers). Drain only. Must not: write
 * a line longer than SS_LINE_MAX; a span that alone is longer loses text, then attributes and
 * events (counted as dropped).
 */
#ifndef SS_OTLP_H
#define SS_OTLP_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/json.h"
#include "collector/parts.h"

#define SS_LINE_MAX     (512u << 10)
#define SS_LINE_TARGET  (96u << 10) /* a line is ended when it gets longer: stays in the cache */
#define SS_FRAGMENTS    256u
#define SS_FRAGMENT_MAX 112u
#define SS_HEADINGS     64u

/* An entry's span name, then its constant attributes; text is in ss_otlp.headings_text. */
struct ss_heading {
	uint32_t entry; /* plus 1; 0: empty */
	uint32_t start, name_bytes, bytes;
	uint32_t attribute_count, attributes_dropped; /* in that text; for the limit */
};

/* An InstrumentationScope. */
struct ss_otlp_scope {
	const char *name; /* the same pointer for the same name; NULL: none */
	uint32_t version_bytes;
	char version[52];
};

/* A finished line, newline included, with `spans` spans. */
typedef void (*ss_line_fn)(void *context, const char *line, size_t bytes, uint32_t spans);

struct ss_otlp {
	const struct ss_image_view *view;
	struct ss_json json;        /* the line being written */
	struct ss_json prefix;      /* up to the first scope */
	struct ss_otlp_scope scope; /* that is open in the line */
	uint32_t dialect;           /* of the image, as the prefix tells it */
	struct ss_json state;       /* "traceState":"...", or empty */
	struct ss_json headings_text;
	struct ss_buffer joined; /* a value of several pieces, a stack */
	struct ss_put_time time;
	uint32_t span_count;   /* in the line */
	uint32_t value_max;    /* characters of a string value, for the span at hand ... */
	uint32_t message_max;  /* ... and of its status message, which no limit is for */
	bool resource_ignored; /* OTEL_RESOURCE_ATTRIBUTES did not parse */
	ss_line_fn line;
	void *context;
	struct ss_buffer memory; /* of the following */
	struct ss_fragment *fragments;
	struct ss_heading *headings;
	struct ss_parts *parts;
};

/* 0 or -ENOMEM. */
int ss_otlp_init(struct ss_otlp *otlp, const struct ss_image_view *view, ss_line_fn line,
		 void *context);
void ss_otlp_deinit(struct ss_otlp *otlp);

/* Adds one span to the line; ends lines that are long enough. False: it cannot be written (damaged,
 * or no memory). */
bool ss_otlp_span(struct ss_otlp *otlp, const struct ss_span_view *span);

/* Ends the line, if there is one. */
void ss_otlp_flush(struct ss_otlp *otlp);

/* A line without spans whose resource has these integer attributes too. */
struct ss_otlp_count {
	const char *key;
	uint64_t value;
};
void ss_otlp_counts(struct ss_otlp *otlp, const struct ss_otlp_count *counts, uint32_t count);

#endif
