/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs one child as if the launcher were not there: signals reach it, stops and continues are the
 * terminal's, it gets the signal dispositions and the mask that the launcher was started with, and
 * no descriptor more. One launch per process; signals are blocked in between.
 */
#ifndef SS_LAUNCH_H
#define SS_LAUNCH_H

struct ss_launch_variable {
	const char *name;
	const char *value; /* NULL: unset */
};

/* Runs argv (searched for in PATH) with these changes to the environment, up to a NULL name, and
 * waits for its end. Returns its exit status, 128 + the signal that killed it, 127 or 126 (and a
 * message on stderr) when it cannot be found or executed; -errno when there is no child at all. */
int ss_launch(char *const *argv, const struct ss_launch_variable *variables);

#endif
