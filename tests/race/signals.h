/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals at chosen instructions of the shim's: the victim's handler makes a wrapped call there.
 */
#ifndef RACE_SIGNALS_H
#define RACE_SIGNALS_H

#include "tests/race/trace.h"

/* Where in the process the shim's code is; before the others. */
void signals_find_shim(pid_t pid, const char *path);

/* One at every `every`th of its instructions until the thread ends, and then check(). How many. */
uint32_t signals_everywhere(struct trace *trace, pid_t tid, uint32_t every, void (*check)(void));

/* Steps the thread to its end. At which of the shim's instructions it would have taken one. */
uint32_t signals_places(struct trace *trace, pid_t tid, uint64_t **ret_places);

/* One where the thread comes to `place` first, which then runs to its end. False: it ended without
 * coming there. */
bool signals_at(struct trace *trace, pid_t tid, uint64_t place);

#endif
