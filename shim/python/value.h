/* SPDX-License-Identifier: Apache-2.0
 *
 * Python values as attributes: bool, int, float, str, and lists or tuples of str. Others, and ints
 * above 64 bits, are skipped. With the GIL; leaves no Python error set.
 */
#ifndef SS_PYTHON_VALUE_H
#define SS_PYTHON_VALUE_H

#include <stdint.h>

#include "shim/python/api.h"
#include "shim/emit.h"

#define SS_PYTHON_VALUES_MAX SS_EMIT_MANY_MAX /* attributes of one event */

/* Texts lie in the values themselves or in `held`. */
struct ss_python_values {
	uint32_t count, held_count;
	struct ss_taken taken[SS_PYTHON_VALUES_MAX];
	PyObject *held[SS_PYTHON_VALUES_MAX];
};

bool ss_python_value_is_string(PyObject *object);

/* Of an int (or bool) that fits. */
bool ss_python_value_int(PyObject *object, int64_t *ret_value);

/* Reads key, value, key, value, ... The objects must live until release. */
void ss_python_values_take(struct ss_python_values *values, PyObject *const *pairs,
			   Py_ssize_t count);

void ss_python_values_release(struct ss_python_values *values);

#endif
