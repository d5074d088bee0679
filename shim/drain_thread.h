/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts the thread that loads the collector and drains the image's rings. The only place that
 * knows how to find and load libspanshim-collector.so. Must not: run anything of the collector on a
 * host thread (but compile, in the constructor, for users' binding files).
 */
#ifndef SS_DRAIN_THREAD_H
#define SS_DRAIN_THREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "shim/ring.h"

/* Where the collector lies: beside our own object, whose path this is, or in spanshim/ there; if
 * the path is a symbolic link, beside what it leads to. Constructor only. */
void ss_drain_thread_locate(const char *object);

/* Starts the thread for `image`, all signals blocked in it. Sets image->drain_state; on failure it
 * is SS_DRAIN_FAILED (the rings go on, for `spanshim recover`) and -errno comes back. */
int ss_drain_thread_start(struct ss_image *image);

/* Whether the program is under ThreadSanitizer, which has rules of its own for new threads. */
bool ss_drain_thread_sanitized(void);

/* Ends the thread, with all that it knows kept for the next start with the same image, and its
 * output open if `hold`; waits for it at most `ms` milliseconds. True: it is gone. False: there is
 * none, or it goes on (a plugin, or an output that blocks, has it). Host threads, one at a time,
 * not the drain's. */
bool ss_drain_thread_stop(struct ss_image *image, int ms, bool hold);

/* Compiles SPANSHIM_BINDINGS with users' files in it: loads the collector, runs it, unloads it. The
 * block is malloc'ed and stays. Returns 0 or -errno and a message. Constructor only. */
int ss_drain_thread_compile(const char *list, void **ret_table, char *error, size_t error_bytes);

/* Waits until the drain thread has loaded the collector and the plugins (it holds the loader's lock
 * meanwhile), at most `ms` milliseconds. Any thread. */
void ss_drain_thread_settle(const struct ss_image *image, int ms);

#endif
