/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans that Python code opens. A span is a capsule: the interpreter counts its references, and it
 * holds its parent's. The current one is in a ContextVar, so tasks, callbacks and copied contexts
 * carry it along; it may have ended meanwhile, and readers then go on to its parent. All with the
 * GIL (or, free-threaded, an attached thread); no function leaves a Python error set.
 */
#ifndef SS_PYTHON_SPANS_H
#define SS_PYTHON_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/context.h"
#include "shim/python/api.h"
#include "shim/python/value.h"

struct ss_python_span {
	struct ss_span_ref ref;
	uint64_t generation; /* of the image it was opened in: a forked child does not end it */
	PyObject *parent;    /* capsule, owned; NULL: none in Python */
	PyObject *key;       /* the framework's correlation id, owned; may be NULL */
	uint32_t entry;      /* as in struct ss_event */
	uint8_t hook;        /* that opened it */
	uint8_t ended;
	uint8_t is_session;
};

/* The variable; once, at stage 2. 0 or -1. */
int ss_python_spans_init(void);

/* Of a capsule of ours, else NULL. Borrowed. */
struct ss_python_span *ss_python_span_of(PyObject *capsule);

/* Innermost span of the calling thread's context that has not ended, else what the thread inherited
 * when it was created (native.c). New reference or NULL. */
PyObject *ss_python_span_current(void);

struct ss_python_opening {
	PyObject *parent; /* capsule, borrowed; NULL: whatever is current */
	PyObject *key;    /* borrowed; may be NULL */
	uint32_t entry;
	uint8_t hook;
};

/* Opens a span and makes it current. New reference, or NULL: the event was lost, nothing changed.
 */
PyObject *ss_python_span_open(const struct ss_python_opening *opening,
			      const struct ss_python_values *values);

struct ss_python_ending {
	uint64_t time;
	uint8_t hook;
	uint8_t status; /* enum ss_status */
	bool inferred;  /* SS_EVENT_INFERRED */
};

/* Ends it, unless it has; if it is on the current chain, its parent becomes current. */
void ss_python_span_close(struct ss_python_span *span, const struct ss_python_ending *ending,
			  const struct ss_python_values *values);

/* A POINT event; `span` may be NULL with SS_EVENT_OBSERVED. */
void ss_python_span_point(struct ss_python_span *span, uint32_t entry, uint8_t hook, uint8_t flags,
			  const struct ss_python_values *values);

/* Further attributes. */
void ss_python_span_annotate(struct ss_python_span *span, const struct ss_python_values *values);

/* Sets the variable to a capsule or None. New reference to what it was; None if it was nothing. */
PyObject *ss_python_span_swap(PyObject *capsule);

/* From now on, images (this one, and those of children to come) have image->own_metrics. */
void ss_python_own_metrics(void);

/* Key of the innermost span on the current chain that `hook` opened and that has not ended. New
 * reference or NULL. */
PyObject *ss_python_span_enclosing(uint8_t hook);

#endif
