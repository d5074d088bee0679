/* SPDX-License-Identifier: Apache-2.0
 *
 * Users' Python entries of the binding table, as the embedded Python reads them. With the GIL.
 */
#ifndef SS_PYTHON_ENTRIES_H
#define SS_PYTHON_ENTRIES_H

#include <stdint.h>

#include "shim/python/api.h"

struct ss_binding_table;

/* A list of one tuple for each entry of an enabled binding:
 * (entry_index, binding_index, "pkg.mod", "Class.method", role, when, hook_open, hook_point,
 *  hook_close, hook_error, handle, parent, captures, event_name, error_flags)
 * handle and parent: (place, index, name, path) or None; captures: [(key, length_key, place, index,
 * name, path, type, flags)]. Enums are those of shim/bindings/. New reference, or NULL with a
 * Python error set. */
PyObject *ss_python_entries_list(const struct ss_binding_table *table, uint64_t enabled);

#endif
