/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin whose description is wrong in the way that the compiler's command line says.
 */
#include <spanshim/plugin.h>

#ifndef ABI
#define ABI SPANSHIM_PLUGIN_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct spanshim_plugin)
#endif
#ifndef NAME
#define NAME "shape"
#endif
#ifndef HOOKS
#define HOOKS SPANSHIM_ALL_HOOKS
#endif
#ifndef ON_EVENT
#define ON_EVENT on_event
#endif

int on_event(void *state, const struct spanshim_event *event);

int on_event(void *state, const struct spanshim_event *event)
{
	(void)state;
	(void)event;
	return 0;
}

const struct spanshim_plugin spanshim_plugin = { ABI, SIZE, NAME, HOOKS, 0, ON_EVENT, 0 };
