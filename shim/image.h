/* SPDX-License-Identifier: Apache-2.0
 *
 * Header of the ring file: one shared file per process image, with strings, binding table, rings
 * (ring.h) and the arena in which the collector keeps spans that are still open. Filled by
 * ring_file.c; then written by host threads (requests, losses) and the drain thread (commit,
 * arena), and read by `spanshim recover` when the process is dead. The kernel keeps every store
 * that retired before a kill -9, so program order is the only order that matters for recovery.
 */
#ifndef SS_SHIM_IMAGE_H
#define SS_SHIM_IMAGE_H

#include <stdint.h>

#include "event.h"
#include "sampler.h"

#define SS_IMAGE_MAGIC   0x314d494853535353ull /* "SSSSHIM1" */
#define SS_IMAGE_VERSION 4u
#define SS_RINGS_MAX     1024u

enum ss_drop_reason {
	SS_DROP_RING_FULL, /* the drain did not keep up */
	SS_DROP_NO_RING,   /* no ring could be had: too many threads, no space */
	SS_DROP_DEPTH,     /* calls nested deeper than the shadow stack */
	SS_DROP_HANDLES,   /* handle table full */
	SS_DROP_ASSEMBLY,  /* the collector has too many open spans, or no memory */
	SS_DROP_REASONS,
};

/* What the drain has consumed and written out, replaced as a whole: recover trusts only this. */
struct ss_commit {
	uint64_t tails[SS_RINGS_MAX];
	uint64_t spans_written;
	uint64_t orphans;    /* spans that events told of, but whose opening event never came */
	uint64_t spans_lost; /* could not be written: the sink failed for too long */
	uint64_t last_ns;    /* latest event time seen: where unfinished spans end */
};

struct ss_calibration { /* unix time of a tick, in ns: unix_ns + (ticks - this.ticks) * slope */
	uint64_t ticks;
	uint64_t unix_ns;
};

/* TSC: the processor's counter, whatever it is called; MONOTONIC: ticks are ns */
enum ss_clock { SS_CLOCK_TSC, SS_CLOCK_MONOTONIC };
enum ss_in_plugin {
	SS_PLUGIN_NONE,
	SS_PLUGIN_RUNNING, /* the drain is in a plugin's code, for however long */
	SS_PLUGIN_LOADING, /* plugins are yet to be loaded and initialised; the loader's lock */
};
enum ss_image_state { SS_IMAGE_NEW, SS_IMAGE_LIVE, SS_IMAGE_FINISHED };
enum ss_drain_state {
	SS_DRAIN_NONE,
	SS_DRAIN_STARTING,
	SS_DRAIN_RUNNING,
	SS_DRAIN_FAILED,
	SS_DRAIN_DONE
};

struct ss_image {
	uint64_t magic; /* stored last: before, the file means nothing */
	uint32_t version;
	uint32_t ring_count;
	uint64_t file_bytes;                 /* up to the arena's start; the arena grows behind */
	uint64_t rings_off;                  /* struct ss_ring[ring_count] */
	uint64_t strings_off, strings_bytes; /* capacity; see strings_used */
	uint64_t table_off;                  /* struct ss_binding_table */
	uint64_t data_off, data_bytes;
	uint64_t ring_total; /* first argument of ss_ring_geometry */
	uint64_t arena_off;  /* page-aligned end of the above; the collector owns all from here */
	uint64_t nonce;      /* random, one per image: exec and fork get new ones */
	uint32_t pid, uid, clock; /* clock: enum ss_clock */
	/* configuration the collector needs; *_str are offsets in the string area (0 = unset) */
	uint32_t out_str;        /* absolute path, "-" = stderr */
	uint32_t log_str;        /* absolute path, "stderr" or unset */
	uint32_t program_str;    /* base name of the executable */
	uint32_t executable_str; /* its path */
	uint32_t service_str, resource_str, tracestate_str;
	uint32_t ring_file_str; /* this file's own path */
	uint32_t flush_ms, on_full, stacks;
	uint32_t attribute_count_limit, event_count_limit, link_count_limit;
	uint32_t event_attribute_count_limit, attribute_value_limit;
	uint32_t content;
	/* as above: what is not set is 0 */
	uint32_t metrics_str;                   /* absolute path, "-" = stderr; 0: no metrics */
	uint32_t plugins_str;                   /* colon-separated; 0: none */
	uint32_t arguments_str, argument_count; /* that many strings in a row; 0: not asked for */
	uint32_t python_str;                    /* sys.version of CPython, if the process has it */
	uint32_t metrics_ms;
	struct ss_sampling sampling;
	uint64_t start_ns;    /* unix time: where cumulative metrics start */
	uint64_t paths_sum;   /* ss_image_sum of what out_str and metrics_str name */
	uint64_t names_sum;   /* ... of the strings, then of the table */
	uint32_t own_metrics; /* 1: the traced framework records its metrics itself; by the host */
	uint32_t in_plugin;   /* enum ss_in_plugin; by the drain */
	char framework_version[32]; /* of the dialect's; "" if unknown; by the drain */
	uint32_t unsaid;            /* at the last flush there were open spans or losses: the file
				       must stay for recovery; by the drain */
	uint32_t dialect; /* enum ss_dialect of the first adapter's event; 0: none; by the drain */
	uint64_t start_mono_ns; /* CLOCK_MONOTONIC at start_ns: wall time goes by it from then on */
	uint32_t may_lose_threads; /* a seccomp filter may kill the others: as main_left */

	_Alignas(64) uint32_t state; /* enum ss_image_state */
	uint32_t drain_state;        /* enum ss_drain_state */
	uint32_t wake;               /* futex: the drain sleeps on it, producers add 1 */
	uint32_t flush_request;      /* host adds 1, then wakes the drain */
	uint32_t flush_done;         /* futex: the drain sets it to the request it has served */
	uint32_t finish; /* 1: at the next flush, end open spans, write losses, unlink, stop */
	uint32_t space; /* futex: the drain adds 1 after each batch; `block` producers wait on it */
	uint32_t space_waiters;
	uint32_t exec_pending; /* the image ended (or will) by exec */
	uint32_t rings_used;   /* atomic: rings from here on were never claimed */
	uint32_t main_left;    /* the first thread is gone: the drain must not be the last one */
	uint32_t strings_used; /* atomic bump */
	uint64_t progress;     /* batches drained: tells a slow drain from a stuck one */
	uint64_t drain_tid;

	_Alignas(
		64) uint64_t dropped[SS_DROP_REASONS][SS_EVENT_KINDS]; /* atomic; no ring at hand */

	_Alignas(64) struct ss_calibration calibration[2]; /* [0] older, [1] newer ... */
	uint32_t calibration_seq;                          /* ... seqlock: odd while written */

	/* drain's protocol with recovery (collector/arena.h) */
	_Alignas(64) uint64_t
		batch;       /* number of the last batch committed; commit[batch & 1] is in force */
	uint64_t out_offset; /* size of the output file before the uncommitted batch was written ...
			      */
	uint64_t out_batch;  /* ... which is this one */
	uint64_t arena_bytes; /* valid bytes from arena_off on */
	struct ss_commit commit[2];
};

/* Tells damage, not malice: a recovery must not write to a path that a flipped bit has made. */
static inline uint64_t ss_image_sum(uint64_t sum, const char *data, uint64_t bytes)
{
	uint64_t word;

	for (; bytes > 0; data += word, bytes -= word) {
		uint64_t part = 0;

		word = bytes < sizeof(part) ? bytes : sizeof(part);
		__builtin_memcpy(&part, data, word);
		sum = (sum ^ part ^ word) * 0x9e3779b97f4a7c15ull;
		sum ^= sum >> 29;
	}
	return sum;
}

#endif
