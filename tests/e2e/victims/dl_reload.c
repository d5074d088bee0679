/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens and closes a plugin again and again (argv[1] times, default 700), mostly at another address
 * each time: more functions come and go than there are slots, and none may be missed.
 * Wrapped calls per round: vi_one 2, vi_none 1, vi_plugged 1.
 */
#include "abi.h"
#include "check.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void reload(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW), *here;
	long (*run)(void), (*plugged)(long);

	CHECK(handle);
	run = (long (*)(void))dlsym(handle, "vi_plugin_run");
	plugged = (long (*)(long))dlsym(handle, "vi_plugged");
	CHECK(run && run() == 3009);
	CHECK(plugged && plugged(4) == 8);
	here = (void *)((unsigned long)run & ~4095ul);
	CHECK(dlclose(handle) == 0);
	/* Someone else moves in, so that the next one goes elsewhere. */
	mmap(here, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 700;
	char directory[PATH_MAX] = "", path[PATH_MAX + NAME_MAX];
	ssize_t bytes = readlink("/proc/self/exe", directory, sizeof(directory) - 1);

	CHECK(bytes > 0);
	CHECK(vi_one(1) == 2); /* libvictim.so is linked to, and stays */
	snprintf(path, sizeof(path), "%s/plug/libvictim_plugin.so", dirname(directory));
	for (long i = 0; i < rounds; i++)
		reload(path);
	return check_report("dl_reload");
}
