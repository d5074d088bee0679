/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/python/audit.h"

#define DOMAIN_RAW 0

static _Alignas(16) char entry[64]; /* CPython's: next, hook, argument */
static bool entry_used;
static struct ss_py_allocator real;

static void *take(void *context, size_t bytes)
{
	if (entry_used || bytes > sizeof(entry))
		return real.malloc(real.context, bytes);
	entry_used = true;
	return entry;
}

static void *take_many(void *context, size_t count, size_t bytes)
{
	return real.calloc(real.context, count, bytes);
}

static void *resize(void *context, void *block, size_t bytes)
{
	return real.realloc(real.context, block, bytes);
}

static void give(void *context, void *block)
{
	if (block == entry)
		ss_py.PyMem_SetAllocator(DOMAIN_RAW, &real);
	else
		real.free(real.context, block);
}

/* Until `give` or the caller puts the real one back. Another thread may meet the new functions with
 * the old context or the other way round: both do the same with both. */
static void interpose(void)
{
	struct ss_py_allocator ours = { NULL, take, take_many, resize, give };

	ss_py.PyMem_GetAllocator(DOMAIN_RAW, &real);
	ours.context = real.context;
	ss_py.PyMem_SetAllocator(DOMAIN_RAW, &ours);
}

int ss_python_audit_add(int (*hook)(const char *event, PyObject *args, void *unused))
{
	int r;

	interpose();
	r = ss_py.PySys_AddAuditHook(hook, NULL);
	ss_py.PyMem_SetAllocator(DOMAIN_RAW, &real);
	return r;
}

void ss_python_audit_clearing(void)
{
	if (entry_used)
		interpose();
}
