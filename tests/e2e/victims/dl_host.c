/* SPDX-License-Identifier: Apache-2.0
 *
 * libvictim_host.so: opens a plugin by its bare name, which only this library's own RUNPATH leads
 * to.
 */
#include <dlfcn.h>
#include <stdio.h>

void *vi_host_open(void);

void *vi_host_open(void)
{
	void *handle = dlopen("libvictim_plugin.so", RTLD_LAZY);

	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	return handle;
}
