/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes over the arena of a dead image: undoes the batch that was never committed, checks every
 * chain, and rebuilds the maps and lists of struct ss_spans. What metrics have in the arena stays
 * there for ss_metrics_new. May itself be killed and run again.
 */
#ifndef SS_RESTORE_H
#define SS_RESTORE_H

struct ss_spans;

/* Called by ss_spans_init. 0, -ENOMEM, or -EINVAL when the arena does not fit the file. Damaged
 * chains are dropped and counted: spans as orphans, series as series_damaged. */
int ss_restore_spans(struct ss_spans *spans);

#endif
