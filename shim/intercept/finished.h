/* SPDX-License-Identifier: Apache-2.0
 *
 * Which loaded objects have been walked, by the address of their dynamic section; so that start-up
 * and dlopen stay cheap. Own lock, a leaf. Must not: allocate; a set that is full forgets
 * newcomers, which are then walked again each time, to no effect.
 */
#ifndef SS_FINISHED_H
#define SS_FINISHED_H

#include "shim/intercept/elf.h"

/* Any thread; cold. */
bool ss_finished_has(const struct ss_elf *elf);

/* `forever`: the object is one of those that the process started with. Any thread; cold. */
void ss_finished_add(const struct ss_elf *elf, bool forever);

/* Objects were unloaded, so what is at a known address may be another one: drops all but those that
 * are there forever. Any thread; cold. */
void ss_finished_forget(void);

/* Whether newcomers are still taken. Any thread. */
bool ss_finished_has_room(void);

/* How many objects were added so far. Any thread. */
uint32_t ss_finished_count(void);

#endif
