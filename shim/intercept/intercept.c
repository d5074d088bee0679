/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/intercept.h"

#include <errno.h>

#include "shim/intercept/declared.h"
#include "shim/intercept/dl.h"
#include "shim/intercept/objects.h"
#include "shim/intercept/slot.h"
#include "shim/intercept/walk.h"

static uint32_t declarations_refused;

void ss_intercept_resolve(void)
{
	ss_dl_resolve();
}

void *ss_intercept_real(const char *name)
{
	return ss_objects_next(name);
}

void ss_intercept_replace(const char *name, void *function, void **real)
{
	if (!ss_walk_is_active() && !ss_declared_replace(name, function, real))
		declarations_refused++;
}

void ss_intercept_start(const struct ss_binding_table *table, uint64_t enabled)
{
	int saved_errno = errno;

	if (ss_walk_is_active())
		return;
	ss_dl_resolve();
	declarations_refused += ss_declared_set(table, enabled);
	ss_walk_start();
	errno = saved_errno;
}

void ss_intercept_stats(struct ss_intercept_stats *ret_stats)
{
	ss_walk_counts(&ret_stats->objects, &ret_stats->patched);
	ss_slot_counts(&ret_stats->slots, &ret_stats->slots_refused);
	ret_stats->slots_refused += declarations_refused;
}
