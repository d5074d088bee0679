/* SPDX-License-Identifier: Apache-2.0
 *
 * An audit hook added before the interpreter exists. CPython takes memory for it from the allocator
 * of that moment and gives it back to the one that is in force at the end: with PYTHONMALLOC=debug
 * or -X dev that is another one, which aborts. So the memory is ours, and is not given back.
 */
#ifndef SS_PYTHON_AUDIT_H
#define SS_PYTHON_AUDIT_H

#include "shim/python/api.h"

/* 0 or -1. The constructor's thread, or any with the GIL. */
int ss_python_audit_add(int (*hook)(const char *event, PyObject *args, void *unused));

/* In the hook, at "cpython._PySys_ClearAuditHooks": what follows frees all hooks. */
void ss_python_audit_clearing(void);

#endif
