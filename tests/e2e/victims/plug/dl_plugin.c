/* SPDX-License-Identifier: Apache-2.0
 *
 * libvictim_plugin.so: calls libvictim.so from its constructor (vi_one once) and from vi_plugin_run
 * (vi_one and vi_none once each). vi_plugged is there to be found with dlsym.
 */
#include "../abi.h"

static long constructed;

long vi_plugin_run(void);
long vi_plugged(long a);

__attribute__((constructor)) static void construct(void)
{
	constructed = vi_one(1000);
}

long vi_plugin_run(void)
{
	return constructed + vi_one(2000) + vi_none();
}

long vi_plugged(long a)
{
	return a * 2;
}
