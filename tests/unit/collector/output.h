/* SPDX-License-Identifier: Apache-2.0
 *
 * What came out of a drain, parsed by cJSON: tests look spans up by id and attributes by key.
 */
#ifndef SS_TEST_OUTPUT_H
#define SS_TEST_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#define OUTPUT_LINES 64
#define OUTPUT_SPANS 512

struct output_span {
	uint64_t id;
	const cJSON *span, *scope, *resource;
	uint32_t line, scope_index; /* of the line's scopeSpans */
};

struct output {
	cJSON *lines[OUTPUT_LINES];
	struct output_span spans[OUTPUT_SPANS];
	uint32_t line_count, span_count;
};

/* Parses the text, and checks that no attribute list has a key twice. */
void output_read(struct output *output, const char *text);
void output_free(struct output *output);

/* The span; fails the test unless there is exactly one of that id. */
const struct output_span *output_span(const struct output *output, uint64_t id);

/* All in one text for comparing: "name kind scope version key=value ... | event key=value ... |
 * ERROR message", no times or ids. Valid until the next call. */
const char *output_text(const struct output *output, uint64_t id);

/* The resource's attribute, a string, or "". */
const char *output_resource(const struct output_span *span, const char *key);

#endif
