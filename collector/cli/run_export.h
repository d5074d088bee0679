/* SPDX-License-Identifier: Apache-2.0
 *
 * The exporter beside a program that `spanshim run --export` runs: a `spanshim export --follow` of
 * its own, in a session of its own, which is told to stop when all has been written. Must not:
 * delay the program, hold its descriptors, or change its exit status.
 */
#ifndef SS_RUN_EXPORT_H
#define SS_RUN_EXPORT_H

#include <sys/types.h>

#define SS_RUN_EXPORT_WAIT_S 10 /* for a collector that cannot be reached, once all is written */

struct ss_run_setup;

/* The word that stands for an endpoint: what OpenTelemetry's variables say. */
#define SS_RUN_EXPORT_ENVIRONMENT "env"

/* Whether the settings are any good; notes where they lead. Returns 0, or the exit status after a
 * message. */
int ss_run_export_check(struct ss_run_setup *run);

/* Returns the exporter's pid, or -errno. */
pid_t ss_run_export_start(const struct ss_run_setup *run);

/* Lets it send what is there, and waits for its end; a further SIGINT or SIGTERM makes that at
 * once. Signals are blocked, as ss_launch leaves them. It says itself what it could not send; that
 * there is a wait is said here. */
void ss_run_export_finish(const struct ss_run_setup *run, pid_t pid);

#endif
