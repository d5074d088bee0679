/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/python/module.h"

#include <string.h>

#include "shim/bindings/binding.h"
#include "shim/event.h"
#include "shim/field.h"
#include "shim/hot.h"
#include "shim/log.h"
#include "shim/python/entries.h"
#include "shim/python/native.h"
#include "shim/python/python.h"
#include "shim/python/spans.h"
#include "shim/value.h"

#define INFERRED 0x100 /* or-ed into close()'s status; above all of enum ss_status */

uint32_t ss_python_wanted;

static const struct {
	const char *name;
	int hook;
} hooks[] = {
	{ "session_pre_init", SS_HOOK_SESSION_PRE_INIT },
	{ "session_post_init", SS_HOOK_SESSION_POST_INIT },
	{ "session_reset", SS_HOOK_SESSION_RESET },
	{ "session_cleanup", SS_HOOK_SESSION_CLEANUP },
	{ "component_pre_execute", SS_HOOK_COMPONENT_PRE_EXECUTE },
	{ "component_post_success", SS_HOOK_COMPONENT_POST_SUCCESS },
	{ "component_post_error", SS_HOOK_COMPONENT_POST_ERROR },
	{ "generation_pre_call", SS_HOOK_GENERATION_PRE_CALL },
	{ "generation_post_call", SS_HOOK_GENERATION_POST_CALL },
	{ "generation_error", SS_HOOK_GENERATION_ERROR },
	{ "generation_event", SS_HOOK_GENERATION_EVENT },
	{ "streaming_start", SS_HOOK_STREAMING_START },
	{ "streaming_event", SS_HOOK_STREAMING_EVENT },
	{ "streaming_end", SS_HOOK_STREAMING_END },
	{ "generation_batch_pre_call", SS_HOOK_GENERATION_BATCH_PRE_CALL },
	{ "generation_batch_post_call", SS_HOOK_GENERATION_BATCH_POST_CALL },
	{ "generation_batch_error", SS_HOOK_GENERATION_BATCH_ERROR },
	{ "sampling_loop_start", SS_HOOK_SAMPLING_LOOP_START },
	{ "sampling_iteration", SS_HOOK_SAMPLING_ITERATION },
	{ "sampling_repair", SS_HOOK_SAMPLING_REPAIR },
	{ "sampling_loop_end", SS_HOOK_SAMPLING_LOOP_END },
	{ "validation_pre_check", SS_HOOK_VALIDATION_PRE_CHECK },
	{ "validation_post_check", SS_HOOK_VALIDATION_POST_CHECK },
	{ "tool_pre_invoke", SS_HOOK_TOOL_PRE_INVOKE },
	{ "tool_post_invoke", SS_HOOK_TOOL_POST_INVOKE },
	{ "adapter_function_invocation_complete", SS_HOOK_ADAPTER_FUNCTION_INVOCATION_COMPLETE },
	{ "adapter_function_phase_complete", SS_HOOK_ADAPTER_FUNCTION_PHASE_COMPLETE },
	{ "streaming_orchestration_start", SS_HOOK_STREAMING_ORCHESTRATION_START },
	{ "streaming_orchestration_end", SS_HOOK_STREAMING_ORCHESTRATION_END },
	{ "startup_begin", SS_HOOK_STARTUP_BEGIN },
	{ "startup_end", SS_HOOK_STARTUP_END },
	{ "session_enter", SS_HOOK_SESSION_ENTER },
	{ "session_exit", SS_HOOK_SESSION_EXIT },
};
_Static_assert(sizeof(hooks) / sizeof(hooks[0]) == SS_HOOK_COUNT - 1, "every hook but NONE");

static const struct {
	const char *name;
	uint32_t value;
} numbers[] = {
	{ "MELLEA_0_7", (uint32_t)SS_DIALECT_MELLEA_0_7 },
	{ "MELLEA_0_8", (uint32_t)SS_DIALECT_MELLEA_0_8 },
	{ "METRICS", SS_PYTHON_METRICS },
	{ "OBSERVED", SS_EVENT_OBSERVED },
	{ "OK", SS_STATUS_OK },
	{ "ERROR", SS_STATUS_ERROR },
	{ "EXCEPTION", SS_STATUS_EXCEPTION },
	{ "INFERRED", INFERRED },
	{ "K_STATUS_MESSAGE", SS_KEY_STATUS_MESSAGE },
	{ "K_EXCEPTION_MESSAGE", SS_KEY_EXCEPTION_MESSAGE },
};

static const struct ss_binding_table *entries_table;
static uint64_t entries_enabled;

static PyObject *none(void)
{
	return ss_python_new_reference(ss_py._Py_NoneStruct);
}

static PyObject *or_none(PyObject *object)
{
	return object ? object : none();
}

static bool is_none(PyObject *object)
{
	return object == ss_py._Py_NoneStruct;
}

static bool read_hook(PyObject *object, uint8_t *ret_hook)
{
	int64_t value;

	if (!ss_python_value_int(object, &value) || value <= SS_HOOK_NONE || value >= SS_HOOK_COUNT)
		return false;
	*ret_hook = (uint8_t)value;
	return true;
}

/* A dialect, or a Python entry of the table. */
static bool read_entry(PyObject *object, uint32_t *ret_entry)
{
	const struct ss_entry *entries = ss_binding_array(entries_table, entries_table->entries);
	int64_t value;

	if (!ss_python_value_int(object, &value) || value < 0 || value > UINT32_MAX)
		return false;
	*ret_entry = (uint32_t)value;
	return ss_is_dialect(*ret_entry) ||
	       (value < entries_table->entries.count && (entries[value].flags & SS_ENTRY_PYTHON));
}

/* open(entry, hook, key, parent, *pairs) -> span or None */
static PyObject *m_open(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct ss_python_opening opening = { 0 };
	struct ss_python_values values;
	PyObject *span;

	if (count < 4 || !read_entry(args[0], &opening.entry) || !read_hook(args[1], &opening.hook))
		return none();
	if (ss_python_value_is_string(args[2]))
		opening.key = args[2];
	if (ss_python_span_of(args[3]))
		opening.parent = args[3];
	ss_guard_enter();
	ss_python_values_take(&values, args + 4, count - 4);
	span = ss_python_span_open(&opening, &values);
	ss_python_values_release(&values);
	ss_guard_leave();
	return or_none(span);
}

/* close(span, hook, status | INFERRED, *pairs) */
static PyObject *m_close(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct ss_python_span *span = count >= 3 ? ss_python_span_of(args[0]) : NULL;
	struct ss_python_ending ending = { .time = ss_now() };
	struct ss_python_values values;
	int64_t status;

	if (!span || !read_hook(args[1], &ending.hook) || !ss_python_value_int(args[2], &status) ||
	    (status & ~INFERRED) < 0 || (status & ~INFERRED) >= SS_STATUS_COUNT)
		return none();
	ending.status = (uint8_t)(status & ~INFERRED);
	ending.inferred = status & INFERRED;
	ss_guard_enter();
	ss_python_values_take(&values, args + 3, count - 3);
	ss_python_span_close(span, &ending, &values);
	ss_python_values_release(&values);
	ss_guard_leave();
	return none();
}

/* point(span, entry, hook, flags, *pairs) */
static PyObject *m_point(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct ss_python_values values;
	struct ss_python_span *span;
	uint32_t entry;
	int64_t flags;
	uint8_t hook;

	if (count < 4 || !read_entry(args[1], &entry) || !read_hook(args[2], &hook) ||
	    !ss_python_value_int(args[3], &flags))
		return none();
	span = ss_python_span_of(args[0]);
	flags &= SS_EVENT_OBSERVED | SS_EVENT_STATUS_ONLY;
	ss_guard_enter();
	ss_python_values_take(&values, args + 4, count - 4);
	ss_python_span_point(span, entry, hook, (uint8_t)flags, &values);
	ss_python_values_release(&values);
	ss_guard_leave();
	return none();
}

/* annotate(span, *pairs) */
static PyObject *m_annotate(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct ss_python_span *span = count >= 1 ? ss_python_span_of(args[0]) : NULL;
	struct ss_python_values values;

	if (!span)
		return none();
	ss_guard_enter();
	ss_python_values_take(&values, args + 1, count - 1);
	ss_python_span_annotate(span, &values);
	ss_python_values_release(&values);
	ss_guard_leave();
	return none();
}

static PyObject *m_current(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	return or_none(ss_python_span_current());
}

static PyObject *m_swap(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	if (count < 1 || (!is_none(args[0]) && !ss_python_span_of(args[0])))
		return none();
	return ss_python_span_swap(args[0]);
}

static PyObject *m_enclosing(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	uint8_t hook;

	if (count < 1 || !read_hook(args[0], &hook))
		return none();
	return or_none(ss_python_span_enclosing(hook));
}

static PyObject *m_is_open(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	const struct ss_python_span *span = count >= 1 ? ss_python_span_of(args[0]) : NULL;

	return ss_python_new_reference(span && !span->ended ? ss_py._Py_TrueStruct
							    : ss_py._Py_FalseStruct);
}

static PyObject *m_log(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	const char *text = NULL;

	if (count >= 1 && ss_python_value_is_string(args[0]))
		text = ss_py.PyUnicode_AsUTF8AndSize(args[0], NULL);
	if (text)
		ss_log_line(text);
	else
		ss_py.PyErr_Clear();
	return none();
}

static PyObject *m_own_metrics(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	ss_python_own_metrics();
	return none();
}

static PyObject *m_bindings(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *list = ss_python_entries_list(entries_table, entries_enabled);

	if (list)
		return list;
	ss_py.PyErr_Clear();
	return ss_py.PyList_New(0);
}

/* `self` is Thread._bootstrap_inner. What the creator was in, be it nothing, becomes the thread's
 * own, so that also contexts copied from it have it, wherever they are used. In C: no frame of ours
 * in the thread's stack. */
static PyObject *run_thread(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *inherited = ss_python_native_inherited();

	ss_py.Py_DecRef(ss_python_span_swap(inherited ? inherited : ss_py._Py_NoneStruct));
	return ss_py.PyObject_CallFunctionObjArgs(self, count ? args[0] : NULL, NULL);
}

/* thread_method(function): what to put in Thread in its place; the same where that cannot be had.
 */
static PyObject *m_thread_method(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	static PyMethodDef method = { "_bootstrap_inner", run_thread, SS_PY_FASTCALL, NULL };
	PyObject *function, *bound = NULL;

	if (count < 1)
		return none();
	function =
		ss_py.PyInstanceMethod_New ? ss_py.PyCFunction_NewEx(&method, args[0], NULL) : NULL;
	if (function)
		bound = ss_py.PyInstanceMethod_New(function);
	ss_py.Py_DecRef(function);
	if (bound)
		return bound;
	ss_py.PyErr_Clear();
	return ss_python_new_reference(args[0]);
}

static PyMethodDef methods[] = {
	{ "open", m_open, SS_PY_FASTCALL, NULL },
	{ "close", m_close, SS_PY_FASTCALL, NULL },
	{ "point", m_point, SS_PY_FASTCALL, NULL },
	{ "annotate", m_annotate, SS_PY_FASTCALL, NULL },
	{ "current", m_current, SS_PY_FASTCALL, NULL },
	{ "swap", m_swap, SS_PY_FASTCALL, NULL },
	{ "enclosing", m_enclosing, SS_PY_FASTCALL, NULL },
	{ "is_open", m_is_open, SS_PY_FASTCALL, NULL },
	{ "log", m_log, SS_PY_FASTCALL, NULL },
	{ "own_metrics", m_own_metrics, SS_PY_FASTCALL, NULL },
	{ "bindings", m_bindings, SS_PY_FASTCALL, NULL },
	{ "thread_method", m_thread_method, SS_PY_FASTCALL, NULL },
};

/* Takes over the reference; a NULL object is the error of whoever made it. */
static int put(PyObject *dict, const char *name, PyObject *object)
{
	int r = object ? ss_py.PyDict_SetItemString(dict, name, object) : -1;

	ss_py.Py_DecRef(object);
	return r;
}

static int put_number(PyObject *dict, const char *name, int64_t value)
{
	return put(dict, name, ss_py.PyLong_FromLongLong(value));
}

static int put_fields(PyObject *dict)
{
	PyObject *fields = ss_py.PyDict_New();
	int r = fields ? 0 : -1;

#define PUT_FIELD(name, type) \
	if (!r)               \
		r = put_number(fields, #name, SS_FIELD_##name);
	SS_FIELDS(PUT_FIELD)
#undef PUT_FIELD
	if (!r)
		return put(dict, "F", fields);
	ss_py.Py_DecRef(fields);
	return r;
}

static int put_hooks(PyObject *dict)
{
	PyObject *names = ss_py.PyDict_New();
	int r = names ? 0 : -1;

	for (size_t i = 0; !r && i < sizeof(hooks) / sizeof(hooks[0]); i++)
		r = put_number(names, hooks[i].name, hooks[i].hook);
	if (!r)
		return put(dict, "H", names);
	ss_py.Py_DecRef(names);
	return r;
}

static int put_sources(PyObject *dict)
{
	PyObject *sources = ss_py.PyDict_New();
	int r = sources ? 0 : -1;

	for (unsigned int i = 0; !r && i < ss_python_source_count; i++)
		r = put(sources, ss_python_sources[i].name,
			ss_py.PyUnicode_FromString(ss_python_sources[i].text));
	if (!r)
		return put(dict, "source", sources);
	ss_py.Py_DecRef(sources);
	return r;
}

static int put_adapters(PyObject *dict, const struct ss_binding_table *table, uint64_t enabled)
{
	const struct ss_binding *bindings = ss_binding_array(table, table->bindings);
	const char *strings = ss_binding_array(table, table->strings);
	PyObject *list = ss_py.PyList_New(0), *name;
	int r = list ? 0 : -1;

	for (uint32_t i = 0; !r && i < table->bindings.count; i++) {
		const char *adapter = strings + bindings[i].adapter;

		if (!(enabled >> i & 1) || !bindings[i].adapter || !*adapter)
			continue;
		name = ss_py.PyUnicode_FromString(adapter);
		r = name ? ss_py.PyList_Append(list, name) : -1;
		ss_py.Py_DecRef(name);
	}
	if (!r)
		r = put(dict, "adapters", ss_py.PyFrozenSet_New(list));
	ss_py.Py_DecRef(list);
	return r;
}

static int put_function(PyObject *dict, PyMethodDef *method)
{
	return put(dict, method->name, ss_py.PyCFunction_NewEx(method, NULL, NULL));
}

PyObject *ss_python_module_new(PyMethodDef *find_spec)
{
	PyObject *module = ss_py.PyModule_New("_spanshim");

	if (module && !put_function(ss_py.PyModule_GetDict(module), find_spec))
		return module;
	ss_py.PyErr_Clear();
	ss_py.Py_DecRef(module);
	return NULL;
}

int ss_python_module_fill(PyObject *module, const struct ss_binding_table *table, uint64_t enabled)
{
	PyObject *dict = ss_py.PyModule_GetDict(module);
	int r = ss_python_spans_init();

	entries_table = table;
	entries_enabled = enabled;
	for (size_t i = 0; !r && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = put_number(dict, numbers[i].name, numbers[i].value);
	for (size_t i = 0; !r && i < sizeof(methods) / sizeof(methods[0]); i++)
		r = put_function(dict, &methods[i]);
	if (!r)
		r = put_number(dict, "wanted", ss_python_wanted);
	if (!r)
		r = put(dict, "content",
			ss_python_new_reference(ss_content ? ss_py._Py_TrueStruct
							   : ss_py._Py_FalseStruct));
	if (!r)
		r = put_fields(dict) || put_hooks(dict) || put_sources(dict) ||
		    put_adapters(dict, table, enabled);
	return r ? -1
		 : ss_py.PyDict_SetItemString(dict, "__builtins__", ss_py.PyEval_GetBuiltins());
}
