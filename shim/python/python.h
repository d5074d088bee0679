/* SPDX-License-Identifier: Apache-2.0
 *
 * Instruments a CPython interpreter in this process (3.8 to 3.14, any build), if there is one, from
 * outside: no Python headers, everything by dlsym. Stage 1 (inject.c) waits for the interpreter and
 * puts a finder in sys.meta_path; stage 2 compiles the embedded Python (runtime.py, mellea.py) when
 * a target module is first imported. What the interpreter's side knows of spans is here for the
 * native side, and the other way round. Must not: let an error out, keep the interpreter alive, or
 * call Python without the GIL.
 */
#ifndef SS_PYTHON_H
#define SS_PYTHON_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/context.h"

struct ss_binding_table;

/* Looks for an interpreter and, if bindings of `enabled` want one, gets ready for it. Once, from
 * the composition root, before interception starts; also fine later for a libpython that was loaded
 * late. Cheap where there is none. */
void ss_python_start(const struct ss_binding_table *table, uint64_t enabled);

/* Who wants what no span needs; set before ss_python_start, constant from then on. */
enum ss_python_wants { SS_PYTHON_METRICS = 1, SS_PYTHON_PLUGINS = 2 };
extern uint32_t ss_python_wanted;

/* CPython's Py_GetVersion, or NULL in a process without CPython. The function wants neither the GIL
 * nor a running interpreter. From the composition root: it asks the loader. */
typedef const char *(*ss_python_version_fn)(void);
ss_python_version_fn ss_python_version(void);

/* The Python span that is current in the calling thread's context, as a parent for native spans. */
struct ss_python_current {
	struct ss_span_ref span; /* span_id 0: none */
	bool is_session; /* of role session: a native session or act of the thread goes before */
};

/* Set once stage 2 has run, else NULL. Reads the context variable when the thread holds the GIL and
 * remembers it in the thread, else tells what it remembered when the thread last held it. Never
 * blocks. Cold: reached from the hot side through ss_arch_call_at_entry. */
extern void (*ss_python_current)(struct ss_python_current *ret_current);

/* A new thread's start: the creator's Python span goes along. In the creator: NULL when it does not
 * hold the GIL or has no span. Then, with what that gave, first thing in the new thread, or
 * anywhere if there is to be none; both take it over, NULL is fine, and neither needs the GIL. */
void *ss_python_bequeath(void);
void ss_python_inherit(void *bequest);
void ss_python_disinherit(void *bequest);

#endif
