/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the rings in batches: events in, lines out, and a commit that recovery can rely on wherever
 * the process is killed. Order within a batch: read heads; clock; consume into the arena; write
 * lines (noting first where the file ended); fill commit[]; store `batch`; only then give ring
 * space and arena blocks back. The drain thread, or `spanshim recover` on a dead image: the same
 * code. Must not: give up a ring record before what it became is either in the file or committed in
 * the arena.
 */
#ifndef SS_DRAIN_H
#define SS_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/clock.h"
#include "collector/dispatch.h"
#include "collector/metrics.h"
#include "collector/otlp.h"
#include "collector/sink.h"
#include "collector/span.h"
#include "collector/subscribers/metrics.h"
#include "collector/written.h"

/* A ring, as last looked at. */
struct ss_source {
	struct ss_ring *ring;
	uint64_t data_off, mask; /* mask 0: no thread has used it yet */
	uint64_t tail;           /* next position to read */
	uint64_t first, second;  /* heads seen; the second after all firsts */
	uint64_t populated;      /* bytes of it made present ahead of its thread */
	bool retired;
};

struct ss_drain {
	struct ss_image_view *view;
	struct ss_timebase clock;
	struct ss_spans spans;
	struct ss_otlp otlp;
	struct ss_sink sink;
	struct ss_dispatch dispatch;
	struct ss_metrics *metrics; /* NULL: none are wanted */
	struct ss_metrics_subscriber metrics_subscriber;
	struct ss_sink metrics_sink;
	struct ss_json metrics_json;
	struct ss_written written; /* recovery only */
	struct ss_buffer memory;
	struct ss_source *sources;
	bool skip_torn;    /* nobody will finish the event that stands in the way */
	bool whole;        /* every ring was read up to its first head */
	bool changed;      /* this batch has something to commit */
	uint64_t consumed; /* events in this batch */
	uint64_t torn;     /* events that were never finished, or make no sense */
	uint64_t unreadable_rings, spans_unreadable;
	uint64_t spans_written, spans_lost, unfinished;
	uint64_t bytes_left; /* recovery only: a forged file must not fill the disk */
	bool too_much;       /* it would have */
	int sink_error;      /* of the last line that was lost */
	int metrics_error;   /* the last metrics were not written; 0: they were */
	_Alignas(8) char scratch[SS_EVENT_PAYLOAD_MAX]; /* payload that wraps around its ring */
};

/* Composes all parts. The view must outlive the drain; it is attached live or opened for recovery.
 * 0, -ENOMEM, or -EINVAL (the dead image's arena is damaged). */
int ss_drain_init(struct ss_drain *drain, struct ss_image_view *view);
void ss_drain_deinit(struct ss_drain *drain);

/* One batch. Returns how many events it consumed. */
uint64_t ss_drain_batch(struct ss_drain *drain);

/* Writes the metrics as they are now, if there is anything new to tell since the last time. */
void ss_drain_export(struct ss_drain *drain);

/* The host may go on to an exec now: notes whether its file must stay for recovery. */
void ss_drain_part(struct ss_drain *drain);

/* The last batch: skips torn events, ends open spans, writes the metrics and the losses. */
void ss_drain_finish(struct ss_drain *drain);

/* True when something waits for a next batch although no ring has anything. */
bool ss_drain_waiting(const struct ss_drain *drain);

#endif
