/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads dump files: OTLP/JSON lines, one TracesData each (dump_metrics.h: MetricsData), into plain
 * structs. Used by the command (tree, check, stats), one line at a time, so that memory is bounded
 * by the longest line and not by the file. What a struct points to lives until the line that it
 * came from is closed. Must not: judge. A line or a span that cannot be understood is reported to
 * the caller, who goes on.
 */
#ifndef SS_DUMP_H
#define SS_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

#define SS_DUMP_LINE_MAX (4u << 20) /* bytes; a longer line is skipped, not held in memory */

struct ss_dump_reader {
	int fd;
	char *buffer;
	size_t capacity, start, used, scanned;
	uint64_t number; /* of the line last returned, from 1 */
	uint64_t bytes;  /* read from the file so far */
	bool at_end;
};

struct ss_dump_line {
	const char *text; /* without its newline; not NUL-terminated; valid until the next call */
	size_t bytes;     /* without its newline */
	uint64_t number;
	bool ended;    /* a newline followed */
	bool too_long; /* longer than SS_DUMP_LINE_MAX: text is empty, bytes says how long */
};

struct ss_dump_attr {
	const char *key;
	enum ss_dump_type {
		SS_DUMP_STRING,
		SS_DUMP_INT,
		SS_DUMP_DOUBLE,
		SS_DUMP_BOOL,
		SS_DUMP_OTHER,
	} type;
	const char *text;           /* STRING; OTHER: NULL */
	int64_t integer;            /* INT, BOOL */
	double number;              /* DOUBLE */
	const struct cJSON *values; /* OTHER: of an array, for ss_dump_read_value each; or NULL */
};

struct ss_dump_event {
	const char *name;
	uint64_t time_ns;
	const struct cJSON *attributes; /* for ss_dump_read_attr */
};

struct ss_dump_span {
	uint64_t trace_hi, trace_lo;
	uint64_t span_id, parent_id; /* parent_id 0: none */
	uint64_t start_ns, end_ns;
	const char *name;
	bool error;
	bool parent_remote;  /* the flags say that the parent is of another process */
	const char *message; /* of the status, "" when absent */
	uint64_t dropped_events;
	const struct cJSON *attributes, *events, *resource_attributes; /* arrays; may be NULL */
};

/* Opens a file, or the standard input for "-". Returns 0, or -errno. Close with ss_dump_close. */
int ss_dump_open(const char *path, struct ss_dump_reader *ret_reader);
void ss_dump_close(struct ss_dump_reader *reader);

/* Next line. Returns 1, 0 at the end of the file, or -errno (read error, -ENOMEM). */
int ss_dump_next(struct ss_dump_reader *reader, struct ss_dump_line *ret_line);

/* Undoes the last ss_dump_next, whose line had no newline yet: the rest is still to come. */
void ss_dump_put_back(struct ss_dump_reader *reader, const struct ss_dump_line *line);

/* Where in the file the next line begins. */
static inline uint64_t ss_dump_offset(const struct ss_dump_reader *reader)
{
	return reader->bytes - (reader->used - reader->start);
}

/* Parses a line's JSON. Returns 0, -EBADMSG (ret_byte: offset of the trouble) or -ENOMEM. The
 * caller frees the tree with cJSON_Delete. */
int ss_dump_parse(const struct ss_dump_line *line, struct cJSON **ret_json, size_t *ret_byte);

/* Calls resource(data, attributes) and span(data, span) for all of them. Spans that cannot be read
 * are left out. Returns how many those were, or -EBADMSG when this is not a TracesData at all; a
 * negative result of span() ends the walk and is returned. */
struct ss_dump_visitor {
	void (*resource)(void *data, const struct cJSON *attributes);
	int (*span)(void *data, const struct ss_dump_span *span);
	void *data;
};
int ss_dump_walk(const struct cJSON *json, const struct ss_dump_visitor *visitor);

/* One span object. Returns 0, or -EBADMSG when an id, a time or the name is missing or malformed;
 * resource_attributes stays as it is. */
int ss_dump_read_span(const struct cJSON *item, struct ss_dump_span *ret_span);

/* First, then each next element of an attribute or event list: start with *cursor NULL. False at
 * the end; elements that cannot be read are passed over. One AnyValue has no key. */
bool ss_dump_read_attr(const struct cJSON *list, const struct cJSON **cursor,
		       struct ss_dump_attr *ret_attr);
void ss_dump_read_value(const struct cJSON *any, struct ss_dump_attr *ret_attr);
bool ss_dump_read_event(const struct cJSON *list, const struct cJSON **cursor,
			struct ss_dump_event *ret_event);

/* Strict forms of OTLP/JSON: `digits` (16 or 32) lowercase hex digits, not all zero; a decimal
 * string in range. ret_id is { high, low }, high 0 for 16 digits. Return 0, or -EINVAL. */
int ss_dump_parse_id(const struct cJSON *item, unsigned digits, uint64_t ret_id[2]);
int ss_dump_parse_uint(const struct cJSON *item, uint64_t *ret_value);
int ss_dump_parse_int(const struct cJSON *item, int64_t *ret_value);

/* A hash of bytes, going on from another one or from SS_DUMP_HASH: for names and attributes as keys
 * of tables in memory. Not the same on all machines. */
#define SS_DUMP_HASH 0xcbf29ce484222325u
uint64_t ss_dump_hash(uint64_t hash, const void *bytes, size_t count);
uint64_t ss_dump_hash_text(uint64_t hash, const char *text);

#endif
