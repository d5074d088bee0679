/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring file made by hand, and a producer for its rings: what the shim would have written. Shared
 * by the collector's unit tests and tests/bench/drain_bench.c.
 */
#ifndef SS_FIXTURE_H
#define SS_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "shim/bindings/binding.h"
#include "shim/ring.h"

/* Entries of the fixture's table. */
enum {
	FIX_CALL,    /* "action calc", symbol calc_run, alone in its binding */
	FIX_SESSION, /* "session db", OPEN */
	FIX_CLOSE,   /* closes it */
	FIX_ACTION,  /* "action db", OPEN; error code key db.code, code 5 is "BUSY" */
	FIX_STEP,    /* EVENT "row" of stream "stream db" */
	FIX_PYTHON,  /* "action talk", CALL of talk.client:Talk.ask, alone in its binding */
	FIX_ENTRIES,
};

struct fixture {
	char directory[64];
	char ring_path[128], out_path[128];
	struct ss_image *image;
	uint64_t bytes;
	uint32_t key_text, key_number, key_real, key_flag; /* "text", "number", "real", "flag" */
	uint64_t now;                                      /* ticks (ns) of the next event */
};

/* Rings of `ring_bytes` each; clock MONOTONIC; limits 128; times start at 1000000000 unix ns.. */
void fixture_make(struct fixture *fixture, uint32_t rings, uint64_t ring_bytes);
/* The same, writing to `out` instead of a file in the directory. */
void fixture_make_out(struct fixture *fixture, uint32_t rings, uint64_t ring_bytes,
		      const char *out);
/* Before anything attaches: metrics to `path`, since 1000000000 unix ns. */
void fixture_metrics(struct fixture *fixture, const char *path);
void fixture_remove(struct fixture *fixture);

/* After a change of what the shim fills in once: makes the sums fit, of the fixture or a copy. */
void fixture_seal(struct ss_image *image);

/* Attributes of the next event, put into a payload. */
struct payload {
	uint32_t bytes;
	_Alignas(8) char data[SS_EVENT_PAYLOAD_MAX];
};
void payload_int(struct payload *payload, uint32_t key, int64_t value);
void payload_double(struct payload *payload, uint32_t key, double value);
void payload_bool(struct payload *payload, uint32_t key, int value);
void payload_text(struct payload *payload, uint32_t key, const char *text, uint32_t bytes,
		  uint8_t flags);

/* A value that has bytes, of any type; and SS_ATTR_STRINGS of `count` NUL-terminated ones. */
void payload_bytes(struct payload *payload, uint32_t key, uint8_t type, const void *data,
		   uint32_t bytes, uint8_t flags);
void payload_strings(struct payload *payload, uint32_t key, const char *const *texts,
		     uint32_t count);

/* Puts an event into a ring and returns its position; SIZE_MAX when it does not fit. `payload` may
 * be NULL. */
uint64_t fixture_put(struct fixture *fixture, uint32_t ring, const struct ss_event *event,
		     const struct payload *payload);
uint64_t fixture_open(struct fixture *fixture, uint32_t ring, uint32_t entry, uint64_t id,
		      uint64_t parent, const struct payload *payload);
uint64_t fixture_close(struct fixture *fixture, uint32_t ring, uint32_t entry, uint64_t id,
		       uint8_t status, int64_t result, const struct payload *payload);
uint64_t fixture_point(struct fixture *fixture, uint32_t ring, uint64_t id,
		       const struct payload *payload);

/* The whole output file, malloc'ed and NUL-terminated; "" when there is none. */
char *fixture_output(const char *path);
/* How often `needle` stands in `text`. */
uint32_t fixture_count(const char *text, const char *needle);
/* How often span `id` stands in it. */
uint32_t fixture_spans(const char *text, uint64_t id);

void fixture_copy(const char *from, const char *to);

#endif
