/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/python/entries.h"

#include <string.h>

#include "shim/bindings/binding.h"

static const char *string_at(const struct ss_binding_table *table, uint32_t offset)
{
	return (const char *)ss_binding_array(table, table->strings) + offset;
}

/* ".usage.total" as ("usage", "total"). */
static PyObject *path_tuple(const char *path)
{
	PyObject *list = ss_py.PyList_New(0), *tuple, *name;

	while (list && *path) {
		size_t bytes;

		path += *path == '.';
		bytes = strcspn(path, ".");
		name = ss_py.PyUnicode_FromStringAndSize(path, (Py_ssize_t)bytes);
		if (!name || ss_py.PyList_Append(list, name)) {
			ss_py.Py_DecRef(name);
			ss_py.Py_DecRef(list);
			return NULL;
		}
		ss_py.Py_DecRef(name);
		path += bytes;
	}
	if (!list)
		return NULL;
	tuple = ss_py.PyList_AsTuple(list);
	ss_py.Py_DecRef(list);
	return tuple;
}

/* Parameter's name or None. */
static PyObject *parameter(const struct ss_binding_table *table, const struct ss_value *value)
{
	if (value->place != SS_PLACE_PY_NAMED)
		return ss_python_new_reference(ss_py._Py_NoneStruct);
	return ss_py.PyUnicode_FromString(string_at(table, value->argument));
}

static PyObject *path_of(const struct ss_binding_table *table, const struct ss_value *value)
{
	return path_tuple(value->constant > 0 ? string_at(table, (uint32_t)value->constant) : "");
}

static PyObject *operand(const struct ss_binding_table *table, const struct ss_value *value)
{
	if (value->place == SS_PLACE_NONE)
		return ss_python_new_reference(ss_py._Py_NoneStruct);
	return ss_py.Py_BuildValue("(iiNN)", value->place, value->index, parameter(table, value),
				   path_of(table, value));
}

static PyObject *captures(const struct ss_binding_table *table, const struct ss_entry *entry)
{
	const struct ss_capture *all = ss_binding_array(table, table->captures);
	PyObject *list = ss_py.PyList_New(0), *tuple;

	for (uint32_t i = 0; list && i < entry->capture_count; i++) {
		const struct ss_capture *c = &all[entry->first_capture + i];

		tuple = ss_py.Py_BuildValue("(IIiiNNii)", c->key, c->length_key, c->value.place,
					    c->value.index, parameter(table, &c->value),
					    path_of(table, &c->value), c->type, c->flags);
		if (!tuple || ss_py.PyList_Append(list, tuple)) {
			ss_py.Py_DecRef(list);
			list = NULL;
		}
		ss_py.Py_DecRef(tuple);
	}
	return list;
}

static PyObject *entry_tuple(const struct ss_binding_table *table, uint32_t index)
{
	const struct ss_entry *e =
		(const struct ss_entry *)ss_binding_array(table, table->entries) + index;
	const char *symbol = string_at(table, e->symbol);
	const char *colon = strchr(symbol, ':');
	struct ss_value none = { .place = SS_PLACE_NONE };

	if (!colon)
		colon = symbol + strlen(symbol);
	return ss_py.Py_BuildValue(
		"(IINsiiiiiiNNNIi)", index, e->binding,
		ss_py.PyUnicode_FromStringAndSize(symbol, colon - symbol), colon + (*colon == ':'),
		e->role, e->when, e->hook_open, e->hook_point, e->hook_close, e->hook_error,
		operand(table, e->flags & SS_ENTRY_HAS_HANDLE ? &e->handle : &none),
		operand(table, e->flags & SS_ENTRY_HAS_PARENT ? &e->parent : &none),
		captures(table, e), e->event_name, 0);
}

PyObject *ss_python_entries_list(const struct ss_binding_table *table, uint64_t enabled)
{
	const struct ss_entry *entries = ss_binding_array(table, table->entries);
	PyObject *list = ss_py.PyList_New(0), *tuple;

	for (uint32_t i = 0; list && i < table->entries.count; i++) {
		if (!(entries[i].flags & SS_ENTRY_PYTHON) || !(enabled >> entries[i].binding & 1))
			continue;
		tuple = entry_tuple(table, i);
		if (!tuple || ss_py.PyList_Append(list, tuple)) {
			ss_py.Py_DecRef(list);
			list = NULL;
		}
		ss_py.Py_DecRef(tuple);
	}
	return list;
}
