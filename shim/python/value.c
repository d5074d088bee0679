/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/python/value.h"

#include <string.h>

#include "shim/attr.h"

#define ITEMS_MAX 128 /* of a list */

static unsigned long flags_of(PyObject *type)
{
	return ss_py.PyType_GetFlags(type);
}

bool ss_python_value_is_string(PyObject *value)
{
	PyObject *type = ss_py.PyObject_Type(value);
	bool is = type == ss_py.PyUnicode_Type || (flags_of(type) & SS_PY_IS_STR);

	ss_py.Py_DecRef(type);
	return is;
}

/* UTF-8 of a string. One with lone surrogates has none: then *ret_copy is a new object with '?' in
 * their place. */
static const char *text_of(PyObject *string, PyObject **ret_copy, Py_ssize_t *ret_bytes)
{
	const char *text = ss_py.PyUnicode_AsUTF8AndSize(string, ret_bytes);
	char *copy;

	*ret_copy = NULL;
	if (text)
		return text;
	ss_py.PyErr_Clear();
	*ret_copy = ss_py.PyUnicode_AsEncodedString(string, "utf-8", "replace");
	if (*ret_copy && !ss_py.PyBytes_AsStringAndSize(*ret_copy, &copy, ret_bytes))
		return copy;
	ss_py.PyErr_Clear();
	ss_py.Py_DecRef(*ret_copy);
	*ret_copy = NULL;
	return NULL;
}

static bool take_string(struct ss_python_values *values, PyObject *value, struct ss_taken *taken)
{
	PyObject *copy;
	Py_ssize_t bytes;
	const char *text = text_of(value, &copy, &bytes);
	bool cut;

	if (copy)
		values->held[values->held_count++] = copy;
	if (!text)
		return false;
	cut = bytes > SS_STRING_MAX;
	taken->type = SS_ATTR_STRING;
	taken->flags = cut ? SS_ATTR_CUT : 0;
	taken->text = text;
	taken->bytes = cut ? SS_STRING_MAX : (uint32_t)bytes;
	taken->length = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
	return true;
}

struct items {
	PyObject *objects[ITEMS_MAX]; /* owned: another thread may change the list meanwhile */
	const char *texts[ITEMS_MAX];
	uint32_t bytes[ITEMS_MAX];
	uint32_t count, total; /* total: as an SS_ATTR_STRINGS value */
	bool cut;
};

/* Takes over the reference. False: not a string, or it cannot be had. */
static bool add_item(struct items *items, PyObject *object)
{
	uint32_t n = items->count;
	PyObject *copy = NULL;
	Py_ssize_t bytes;

	items->objects[items->count++] = object;
	if (!ss_python_value_is_string(object))
		return false;
	items->texts[n] = text_of(object, &copy, &bytes);
	if (copy) {
		ss_py.Py_DecRef(object);
		items->objects[n] = copy;
	}
	if (!items->texts[n])
		return false;
	if (bytes > SS_STRING_MAX - items->total) {
		items->cut = true;
		return true;
	}
	items->bytes[n] = (uint32_t)bytes;
	items->total += sizeof(uint32_t) + items->bytes[n];
	return true;
}

static PyObject *item_at(PyObject *list, bool is_list, Py_ssize_t i)
{
	if (is_list && ss_py.PyList_GetItemRef)
		return ss_py.PyList_GetItemRef(list, i);
	return ss_python_new_reference(is_list ? ss_py.PyList_GetItem(list, i)
					       : ss_py.PyTuple_GetItem(list, i));
}

/* False: something else than strings is in it. */
static bool read_items(PyObject *list, bool is_list, struct items *items)
{
	Py_ssize_t count = is_list ? ss_py.PyList_Size(list) : ss_py.PyTuple_Size(list);
	PyObject *object;

	for (Py_ssize_t i = 0; i < count && !items->cut; i++) {
		if (i == ITEMS_MAX) {
			items->cut = true;
			break;
		}
		object = item_at(list, is_list, i);
		if (!object) { /* shorter by now */
			ss_py.PyErr_Clear();
			break;
		}
		if (!add_item(items, object))
			return false;
	}
	return true;
}

static PyObject *join(const struct items *items)
{
	PyObject *joined = ss_py.PyBytes_FromStringAndSize(NULL, items->total);
	uint32_t done = 0;
	Py_ssize_t bytes;
	char *at;

	if (!joined || ss_py.PyBytes_AsStringAndSize(joined, &at, &bytes)) {
		ss_py.PyErr_Clear();
		return joined;
	}
	for (uint32_t i = 0; i < items->count && done < items->total; i++) {
		memcpy(at + done, &items->bytes[i], sizeof(uint32_t));
		memcpy(at + done + sizeof(uint32_t), items->texts[i], items->bytes[i]);
		done += sizeof(uint32_t) + items->bytes[i];
	}
	return joined;
}

static bool take_strings(struct ss_python_values *values, PyObject *list, bool is_list,
			 struct ss_taken *taken)
{
	struct items items;
	PyObject *joined = NULL;
	Py_ssize_t bytes;
	char *text;

	items.count = items.total = 0;
	items.cut = false;
	if (read_items(list, is_list, &items))
		joined = join(&items);
	for (uint32_t i = 0; i < items.count; i++)
		ss_py.Py_DecRef(items.objects[i]);
	if (!joined)
		return false;
	values->held[values->held_count++] = joined;
	ss_py.PyBytes_AsStringAndSize(joined, &text, &bytes);
	taken->type = SS_ATTR_STRINGS;
	taken->flags = items.cut ? SS_ATTR_CUT : 0;
	taken->text = text;
	taken->bytes = taken->length = (uint32_t)bytes;
	return true;
}

static bool take_int(PyObject *value, struct ss_taken *taken)
{
	int overflow;

	taken->type = SS_ATTR_INT;
	taken->flags = 0;
	taken->i = ss_py.PyLong_AsLongLongAndOverflow(value, &overflow);
	return overflow == 0;
}

static bool take_float(PyObject *value, struct ss_taken *taken)
{
	double number = ss_py.PyFloat_AsDouble(value);

	taken->type = SS_ATTR_DOUBLE;
	taken->flags = 0;
	memcpy(&taken->i, &number, sizeof(number));
	return true;
}

static bool take_other(struct ss_python_values *values, PyObject *value, PyObject *type,
		       struct ss_taken *taken)
{
	unsigned long flags = flags_of(type);

	if (flags & SS_PY_IS_STR)
		return take_string(values, value, taken);
	if (flags & SS_PY_IS_INT)
		return take_int(value, taken);
	if (flags & (SS_PY_IS_LIST | SS_PY_IS_TUPLE))
		return take_strings(values, value, flags & SS_PY_IS_LIST, taken);
	if (ss_py.PyType_IsSubtype(type, ss_py.PyFloat_Type))
		return take_float(value, taken);
	return false;
}

static bool take(struct ss_python_values *values, PyObject *value, struct ss_taken *taken)
{
	PyObject *type;
	bool ok;

	if (value == ss_py._Py_NoneStruct)
		return false;
	if (value == ss_py._Py_TrueStruct || value == ss_py._Py_FalseStruct) {
		taken->type = SS_ATTR_BOOL;
		taken->flags = 0;
		taken->i = value == ss_py._Py_TrueStruct;
		return true;
	}
	type = ss_py.PyObject_Type(value);
	if (type == ss_py.PyUnicode_Type)
		ok = take_string(values, value, taken);
	else if (type == ss_py.PyLong_Type)
		ok = take_int(value, taken);
	else if (type == ss_py.PyFloat_Type)
		ok = take_float(value, taken);
	else
		ok = take_other(values, value, type, taken);
	ss_py.Py_DecRef(type);
	return ok;
}

bool ss_python_value_int(PyObject *object, int64_t *ret_value)
{
	struct ss_taken taken;
	PyObject *type = ss_py.PyObject_Type(object);
	bool ok = (flags_of(type) & SS_PY_IS_INT) && take_int(object, &taken);

	ss_py.Py_DecRef(type);
	if (ok)
		*ret_value = taken.i;
	return ok;
}

void ss_python_values_take(struct ss_python_values *values, PyObject *const *pairs,
			   Py_ssize_t count)
{
	values->count = values->held_count = 0;
	for (Py_ssize_t i = 0; i + 1 < count && values->count < SS_PYTHON_VALUES_MAX; i += 2) {
		struct ss_taken *taken = &values->taken[values->count];
		int64_t key;

		if (pairs[i + 1] == ss_py._Py_NoneStruct || !ss_python_value_int(pairs[i], &key) ||
		    key <= 0 || key > UINT32_MAX)
			continue;
		taken->key = (uint32_t)key;
		values->count += take(values, pairs[i + 1], taken);
	}
}

void ss_python_values_release(struct ss_python_values *values)
{
	for (uint32_t i = 0; i < values->held_count; i++)
		ss_py.Py_DecRef(values->held[i]);
}
