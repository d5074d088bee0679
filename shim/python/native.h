/* SPDX-License-Identifier: Apache-2.0
 *
 * What the interpreter's side and the native side tell each other: native.c, between spans.c (whose
 * current Python span?) and context.c (whose native parent?). See python.h for the native side's
 * view.
 */
#ifndef SS_PYTHON_NATIVE_H
#define SS_PYTHON_NATIVE_H

#include "shim/python/api.h"

/* Before interception starts, when Python may be instrumented: from then on native.c hears of it
 * when an extension module lets go of the GIL. */
void ss_python_native_prepare(void);

/* Stage 2 has run: sets ss_python_current. With the GIL, once. */
void ss_python_native_start(void);

/* The interpreter is going: ss_python_current is NULL from here on. */
void ss_python_native_stop(void);

/* The span that the calling thread got from its creator (ss_python_inherit). Borrowed: the thread
 * holds it; NULL: none. With the GIL. */
PyObject *ss_python_native_inherited(void);

/* The variable was set in the calling thread: a capsule or None. */
void ss_python_native_remember(PyObject *value);

#endif
