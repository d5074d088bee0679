/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/python/api.h"

#include <dlfcn.h>
#include <errno.h>

#include "shim/intercept/dl.h"
#include "shim/python/python.h"

struct ss_python_api ss_py;

static void *find(const char *name)
{
	return ss_dl_lookup(RTLD_DEFAULT, name, NULL);
}

int ss_python_api_resolve(void)
{
	bool complete = true;

	/* The last one that a CPython got: says whether to go on at all. */
	if (!find("PySys_AddAuditHook"))
		return -ENOENT;
#define RESOLVE(result, name, arguments)                  \
	ss_py.name = (__typeof__(ss_py.name))find(#name); \
	complete &= ss_py.name != NULL;
	SS_PY_FUNCTIONS(RESOLVE)
#undef RESOLVE
#define RESOLVE(name)             \
	ss_py.name = find(#name); \
	complete &= ss_py.name != NULL;
	SS_PY_DATA(RESOLVE)
#undef RESOLVE
#define RESOLVE(result, name, arguments) ss_py.name = (__typeof__(ss_py.name))find(#name);
	SS_PY_OPTIONAL(RESOLVE)
#undef RESOLVE
	return complete ? 0 : -ENOENT;
}

ss_python_version_fn ss_python_version(void)
{
	return (ss_python_version_fn)find("Py_GetVersion");
}

bool ss_python_api_is_main(void)
{
	void *(*current)(void) = ss_py.PyInterpreterState_Get;

	if (!current)
		current = ss_py._PyInterpreterState_Get;
	return current && ss_py.PyInterpreterState_Main &&
	       current() == ss_py.PyInterpreterState_Main();
}
