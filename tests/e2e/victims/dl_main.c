/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that asks the loader at run time. With argument "interposed" it expects
 * libvictim_interpose.so to be preloaded too, and results to be one more for each interposed call.
 * Wrapped calls: vi_one 6 (2 in a constructor's run and the call of the plugin, 1 directly, 1
 * through dlsym, 1 by libvictim_bare.so, 1 in the plugin's copy in another namespace, whose
 * constructor ran unseen), vi_none 2, vi_versioned 3, vi_plugged 1.
 */
#include "abi.h"
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

void *vi_host_open(void);
long vi_versioned(void);

static char directory[PATH_MAX];
static long extra; /* that an interposer adds to each result */

static void *symbol(void *handle, const char *name)
{
	void *address;
	char *error;

	dlerror();
	errno = 4711;
	address = dlsym(handle, name);
	CHECK(errno == 4711);
	error = dlerror();
	if (error)
		fprintf(stderr, "%s\n", error);
	CHECK(address && !error);
	return address;
}

static void *open_here(Lmid_t space, const char *name)
{
	char path[PATH_MAX + NAME_MAX];
	void *handle;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	handle = space == LM_ID_BASE ? dlopen(path, RTLD_NOW) : dlmopen(space, path, RTLD_NOW);
	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	CHECK(handle);
	return handle;
}

static void check_plugins(void)
{
	void *handle = vi_host_open();

	CHECK(handle);
	CHECK(((long (*)(void))symbol(handle, "vi_plugin_run"))() == 1001 + 2001 + 7 + 3 * extra);
	CHECK(((long (*)(long))symbol(handle, "vi_plugged"))(4) == 8);
	CHECK(dlclose(handle) == 0);
	handle = open_here(LM_ID_BASE, "libvictim_bare.so");
	CHECK(((long (*)(void))symbol(handle, "vi_bare_run"))() == 3001 + extra);
	/* A preloaded object is not in a new namespace. */
	handle = open_here(LM_ID_NEWLM, "plug/libvictim_plugin.so");
	CHECK(((long (*)(void))symbol(handle, "vi_plugin_run"))() == 1001 + 2001 + 7);
}

static void check_names(void)
{
	void *address = symbol(RTLD_DEFAULT, "vi_one");
	Dl_info info;

	CHECK(vi_one(1) == 2 + extra);
	CHECK(((long (*)(long))address)(2) == 3 + extra);
	CHECK(address == (void *)vi_one);
	memset(&info, 0, sizeof(info));
	CHECK(dladdr(address, &info) && info.dli_sname && !strcmp(info.dli_sname, "vi_one"));
#ifdef __PIE__
	CHECK(info.dli_fname && strstr(info.dli_fname, extra ? "interpose" : "libvictim.so"));
#else
	/* Its address is that of the executable's own linkage table, with or without us. */
	CHECK(info.dli_fname && strstr(info.dli_fname, "victim_dl"));
#endif
	CHECK(dladdr((void *)symbol, &info) && info.dli_fname && !strstr(info.dli_fname, ".so"));
	CHECK(dlsym(RTLD_DEFAULT, "vi_no_such_function") == NULL);
	CHECK(strstr(dlerror(), "vi_no_such_function"));
	CHECK(dlsym(RTLD_NEXT, "vi_no_such_function") == NULL && dlerror());
}

static void check_versions(void)
{
	long (*first)(void) = (long (*)(void))dlvsym(RTLD_DEFAULT, "vi_versioned", "VI_1");
	long (*second)(void) = (long (*)(void))dlvsym(RTLD_DEFAULT, "vi_versioned", "VI_2");

	CHECK(first && first() == 1);
	CHECK(second && second() == 2);
	CHECK(vi_versioned() == 2);
	CHECK(!dlvsym(RTLD_DEFAULT, "vi_versioned", "VI_3") && dlerror());
}

int main(int argc, char **argv)
{
	ssize_t bytes = readlink("/proc/self/exe", directory, sizeof(directory) - 1);

	CHECK(bytes > 0);
	dirname(directory);
	extra = argc > 1 && strcmp(argv[1], "interposed") == 0;
	check_names();
	check_versions();
	check_plugins();
	return check_report("dl");
}
