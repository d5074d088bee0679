/* SPDX-License-Identifier: Apache-2.0
 *
 * What `spanshim run` does and says once its child has ended. Everything goes to stderr; a run
 * without trouble gets no word unless it was asked for.
 */
#ifndef SS_RUN_REPORT_H
#define SS_RUN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Prints the messages of a shim's log, each once however many processes had it. */
void ss_run_report_log(const char *path);

/* Recovers the rings of dead processes in a run's directory. Tells of failures; verbose: of each
 * ring. */
void ss_run_report_recover(const char *directory, bool verbose);

/* The shell's pattern, malloc'ed, of all files that SPANSHIM_OUT's %-pattern can become; or NULL.
 */
char *ss_run_report_glob(const char *pattern);

struct ss_run_dumps {
	const char *pattern;         /* SPANSHIM_OUT, absolute */
	uint64_t started_ns;         /* coarse real-time clock, when the run began */
	uint64_t trace_hi, trace_lo; /* the run's trace, 0 when it has many */
	bool tree, verbose;
};

/* Finds the files that pattern stands for and that the run wrote to; shows their spans of this run
 * as trees, or (verbose) just names them. Says so when nothing was traced. */
void ss_run_report_dumps(const struct ss_run_dumps *dumps);

/* Names the files that pattern, SPANSHIM_METRICS_OUT, stands for and that the run wrote to. */
void ss_run_report_metrics(const char *pattern, uint64_t started_ns);

#endif
