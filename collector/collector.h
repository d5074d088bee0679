/* SPDX-License-Identifier: Apache-2.0
 *
 * What libspanshim-collector.so gives the shim, found with dlsym by the names below. The only
 * header that both sides include besides event.h, ring.h, config.h and bindings/binding.h.
 */
#ifndef SS_COLLECTOR_H
#define SS_COLLECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "shim/ring.h"

#define SS_COLLECTOR_ABI 4u

/* Results of run besides 0 and -errno. */
#define SS_COLLECTOR_ALONE  1 /* all other threads ended; the process is to end */
#define SS_COLLECTOR_PARKED 2 /* as asked; to go on, call run again with the same seat */

/* What outlives one drain thread and is handed to the next one of the same image. */
struct ss_collector_seat {
	uint32_t park;              /* enum ss_park; atomic */
	uint32_t hold;              /* a parked one leaves its regular files open; before park */
	int status;                 /* ALONE: what the process is to end with, for WIFEXITED... */
	struct ss_session *session; /* the collector's own; NULL: begin */
};
enum ss_park {
	SS_PARK_NONE,
	SS_PARK_ASKED,   /* by the host, which then wakes the drain; it may take it back */
	SS_PARK_GRANTED, /* by the drain: its thread ends at once */
};

/* One line for the shim's log, without prefix or newline. */
typedef void (*ss_log_fn)(const char *line);
/* dlopen, and not somebody's wrapper of it. */
typedef void *(*ss_open_fn)(const char *file, int mode);
/* clock_gettime, likewise. */
typedef int (*ss_gettime_fn)(clockid_t clock, struct timespec *ret_time);

/* Drains the image's rings until image->finish has been served; runs on the drain thread, with all
 * signals blocked and the shim's guard entered. No descriptor may stay open between two uses: a
 * host that becomes a daemon closes all it finds and its own files then get those numbers. So the
 * arena grows by opening the ring file by its path (ring_file_str), checking that it is the mapped
 * inode, and closing it again; the sink opens regular files per batch (FIFOs and devices may stay
 * open, but fstat tells before each write that the number still means the same file). `seat` is all
 * zero at first. Returns 0, one of the above, or -errno when it could not start (nothing consumed).
 */
typedef int (*ss_collector_run_fn)(uint32_t abi, struct ss_image *image, ss_log_fn log,
				   ss_open_fn open, ss_gettime_fn gettime,
				   struct ss_collector_seat *seat);
int ss_collector_run(uint32_t abi, struct ss_image *image, ss_log_fn log, ss_open_fn open,
		     ss_gettime_fn gettime, struct ss_collector_seat *seat);

/* Compiles the colon-separated list of built-in names and files (SPANSHIM_BINDINGS' syntax) into
 * one malloc'ed block (struct ss_binding_table), caller frees. On failure -EINVAL (or -errno) and a
 * message "FILE:LINE: KEY: what was expected" in `error`. `content` and others do not matter here.
 */
typedef int (*ss_collector_compile_fn)(uint32_t abi, const char *list, void **ret_table,
				       char *error, size_t error_bytes);
int ss_collector_compile(uint32_t abi, const char *list, void **ret_table, char *error,
			 size_t error_bytes);

/* Return addresses of the calling thread, innermost first; called on the host's thread. */
typedef int (*ss_collector_backtrace_fn)(void **addresses, int count);
int ss_collector_backtrace(void **addresses, int count);

#endif
