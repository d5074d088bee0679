/* SPDX-License-Identifier: Apache-2.0
 *
 * What `spanshim run` works out before it starts the program: checks of the options, absolute
 * paths, the trace's id, the private directory. One run per process.
 */
#ifndef SS_RUN_SETUP_H
#define SS_RUN_SETUP_H

#include <stdbool.h>
#include <stdint.h>

struct ss_run_setup {
	/* the options; NULL: not given */
	const char *out, *metrics, *bindings, *directory, *stacks, *on_full, *log;
	const char *export; /* endpoint */
	bool content, separate_traces, tree, verbose;
	/* worked out from these and the environment */
	char *out_pattern, *log_pattern, *preload, *run_directory;
	char *metrics_pattern; /* NULL: no metrics */
	char *binding_list;    /* NULL: the default */
	char *plugin_list;     /* NULL: none */
	char *export_shown;    /* where spans are sent, for messages */
	bool log_ours;         /* the log is in the run's directory, nobody else will show it */
	char trace_id[33];     /* "": TRACEPARENT or nothing decides */
	uint64_t trace[2];     /* of the run's spans; 0: many */
	uint64_t started_ns;
	int directory_fd; /* our hold on run_directory, -1: none */
};

/* One --plugin FILE. Returns 0, or the exit status after a message. */
int ss_run_setup_add_plugin(struct ss_run_setup *run, const char *file);

/* Returns 0, or the exit status after a message. Either way to be given to ss_run_setup_deinit. */
int ss_run_setup_prepare(struct ss_run_setup *run);

/* Frees all, and removes the run's directory unless rings are left in it. */
void ss_run_setup_deinit(struct ss_run_setup *run);

#endif
