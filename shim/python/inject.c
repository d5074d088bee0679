/* SPDX-License-Identifier: Apache-2.0
 *
 * Gets into the interpreter. Stage 1 runs in the first audit event of an initialised interpreter
 * and only inserts our module in sys.meta_path, as the first finder. Stage 2 runs when a target
 * module is about to be imported: it compiles the embedded Python, which wraps the module's
 * functions. Host threads with the GIL. Must not: run Python when no target is imported, or once
 * the interpreter is on its way out.
 */
#include "shim/python/python.h"

#include <stdlib.h>
#include <string.h>

#include "shim/bindings/binding.h"
#include "shim/clocks.h"
#include "shim/log.h"
#include "shim/python/audit.h"
#include "shim/python/forkwarn.h"
#include "shim/python/module.h"
#include "shim/python/native.h"

enum { WAITING, INSERTING, INSERTED, GONE }; /* stage 1 */
enum { NOT_RUN, RUNNING, WORKS, FAILED };    /* stage 2 */
#define STAGE2_PATIENCE_MS 2000              /* for another thread that is at it */

/* A module whose import we want to see. */
struct target {
	const char *name;
	size_t bytes;
};

static const struct {
	const char *adapter, *module;
} adapter_targets[] = {
	{ "mellea", "mellea.plugins.base" },
	{ "mellea", "mellea.plugins.manager" },
	{ "mellea", "mellea.telemetry.tracing" },
	{ "mellea", "mellea.telemetry.metrics" },
};
#define ADAPTER_TARGETS (sizeof(adapter_targets) / sizeof(adapter_targets[0]))
/* Only once the embedded Python is there: threads inherit what their creator is in, workers what
 * their submitter is in. */
static const char threads_module[] = "threading";
static const char executor_module[] = "concurrent.futures.thread";

/* In tracebacks. Warnings and logging take frames of files named so ("importlib" and "_bootstrap")
 * for none of the program's: a stacklevel counts as if ours were not there. */
static const char embedded_file[] = "<spanshim importlib._bootstrap>";

static const struct ss_binding_table *table;
static uint64_t enabled;
static struct target *targets;
static uint32_t target_count;
static PyObject *module, *finder;
static uint32_t stage1, stage2;
static const void *stage2_thread;

static __thread char this_thread; /* its address tells threads apart */

static void add_target(const char *name, size_t bytes)
{
	for (uint32_t i = 0; i < target_count; i++)
		if (targets[i].bytes == bytes && !memcmp(targets[i].name, name, bytes))
			return;
	targets[target_count].name = name;
	targets[target_count].bytes = bytes;
	/* Readers on other threads see the target, then the count. */
	__atomic_store_n(&target_count, target_count + 1, __ATOMIC_RELEASE);
}

static void add_adapter_targets(const char *adapter)
{
	for (size_t i = 0; i < ADAPTER_TARGETS; i++)
		if (!strcmp(adapter_targets[i].adapter, adapter))
			add_target(adapter_targets[i].module, strlen(adapter_targets[i].module));
}

/* False: no memory. */
static bool collect_targets(void)
{
	const struct ss_binding *bindings = ss_binding_array(table, table->bindings);
	const struct ss_entry *entries = ss_binding_array(table, table->entries);
	const char *strings = ss_binding_array(table, table->strings);
	uint32_t most = ADAPTER_TARGETS + 2; /* threads and executors */

	for (uint32_t i = 0; i < table->entries.count; i++)
		most += (entries[i].flags & SS_ENTRY_PYTHON) != 0;
	targets = calloc(most, sizeof(*targets));
	if (!targets)
		return false;
	for (uint32_t i = 0; i < table->bindings.count; i++)
		if ((enabled >> i & 1) && bindings[i].adapter)
			add_adapter_targets(strings + bindings[i].adapter);
	for (uint32_t i = 0; i < table->entries.count; i++) {
		const char *symbol = strings + entries[i].symbol;

		if ((entries[i].flags & SS_ENTRY_PYTHON) && (enabled >> entries[i].binding & 1))
			add_target(symbol, strcspn(symbol, ":"));
	}
	return true;
}

static bool is_target(const char *name, size_t bytes)
{
	uint32_t count = __atomic_load_n(&target_count, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < count; i++)
		if (targets[i].bytes == bytes && !memcmp(targets[i].name, name, bytes))
			return true;
	return false;
}

/* Says what went wrong and clears it. */
static void complain(const char *what)
{
	PyObject *type, *value, *traceback, *text;
	const char *message;

	ss_py.PyErr_Fetch(&type, &value, &traceback);
	text = value ? ss_py.PyObject_Str(value) : NULL;
	message = text ? ss_py.PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
	ss_py.PyErr_Clear();
	ss_log("%s: %s", what, message ? message : "unknown error");
	ss_py.Py_DecRef(text);
	ss_py.Py_DecRef(type);
	ss_py.Py_DecRef(value);
	ss_py.Py_DecRef(traceback);
}

static const char *runtime_text(void)
{
	for (unsigned int i = 0; i < ss_python_source_count; i++)
		if (!strcmp(ss_python_sources[i].name, "runtime"))
			return ss_python_sources[i].text;
	return "";
}

/* The embedded Python, run in the module's dictionary. */
static bool run_embedded(void)
{
	PyObject *dict = ss_py.PyModule_GetDict(module), *code, *result = NULL;

	if (ss_python_module_fill(module, table, enabled))
		return false;
	code = ss_py.Py_CompileString(runtime_text(), embedded_file, SS_PY_FILE_INPUT);
	if (code)
		result = ss_py.PyEval_EvalCode(code, dict, dict);
	ss_py.Py_DecRef(code);
	if (!result)
		return false;
	ss_py.Py_DecRef(result);
	finder = ss_python_new_reference(ss_py.PyDict_GetItemString(dict, "find"));
	return finder != NULL;
}

/* An error that is no Exception, like an interrupt that came just now, is for the program. */
static bool is_for_program(void)
{
	return ss_py.PyErr_Occurred() &&
	       !ss_py.PyErr_ExceptionMatches(*(PyObject **)ss_py.PyExc_Exception);
}

/* With an error set: to be tried again. */
static uint32_t run_stage2(void)
{
	uint32_t outcome = WORKS;

	__atomic_store_n(&stage2_thread, &this_thread, __ATOMIC_RELAXED);
	ss_guard_enter();
	if (run_embedded()) {
		add_target(threads_module, sizeof(threads_module) - 1);
		add_target(executor_module, sizeof(executor_module) - 1);
		ss_python_native_start();
	} else if (is_for_program()) {
		outcome = NOT_RUN;
	} else {
		complain("Python is not traced");
		outcome = FAILED;
	}
	ss_guard_leave();
	__atomic_store_n(&stage2, outcome, __ATOMIC_RELEASE);
	return outcome;
}

/* Another thread runs stage 2 and may need the GIL for it. */
static uint32_t wait_stage2(void)
{
	uint32_t state = RUNNING;

	if (__atomic_load_n(&stage2_thread, __ATOMIC_RELAXED) == &this_thread)
		return RUNNING;
	for (int i = 0; state == RUNNING && i < STAGE2_PATIENCE_MS; i++) {
		void *thread = ss_py.PyEval_SaveThread();

		ss_clocks_sleep_us(1000);
		ss_py.PyEval_RestoreThread(thread);
		state = __atomic_load_n(&stage2, __ATOMIC_ACQUIRE);
	}
	/* It was in a parent process, perhaps: do not wait for it again. */
	if (state == RUNNING)
		__atomic_compare_exchange_n(&stage2, &state, FAILED, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	return state;
}

/* May leave an error set, which is for the program. */
static bool embedded_works(void)
{
	uint32_t state = NOT_RUN;

	if (__atomic_compare_exchange_n(&stage2, &state, RUNNING, false, __ATOMIC_ACQUIRE,
					__ATOMIC_ACQUIRE))
		state = run_stage2();
	else if (state == RUNNING)
		state = wait_stage2();
	return state == WORKS;
}

static PyObject *none(void)
{
	return ss_python_new_reference(ss_py._Py_NoneStruct);
}

/* find_spec(name, path=None, target=None), as importlib calls it for every import. */
static PyObject *find_spec(PyObject *self, PyObject *const *args, Py_ssize_t count,
			   PyObject *keywords)
{
	PyObject *spec;
	const char *name;
	Py_ssize_t bytes;

	if (count < 1 || stage1 != INSERTED)
		return none();
	name = ss_py.PyUnicode_AsUTF8AndSize(args[0], &bytes);
	if (!name) {
		ss_py.PyErr_Clear();
		return none();
	}
	if (!is_target(name, (size_t)bytes))
		return none();
	if (!embedded_works())
		return is_for_program() ? NULL : none();
	spec = ss_py.PyObject_CallFunctionObjArgs(finder, args[0],
						  count > 1 ? args[1] : ss_py._Py_NoneStruct,
						  count > 2 ? args[2] : ss_py._Py_NoneStruct, NULL);
	if (spec || is_for_program())
		return spec;
	complain("an import is not traced");
	return none();
}

static PyMethodDef find_spec_method = { "find_spec", find_spec, SS_PY_FASTCALL | SS_PY_KEYWORDS,
					NULL };

static bool any_target_loaded(void)
{
	PyObject *modules = ss_py.PyImport_GetModuleDict();
	char name[256];

	for (uint32_t i = 0; modules && i < target_count; i++) {
		if (targets[i].bytes >= sizeof(name))
			continue;
		memcpy(name, targets[i].name, targets[i].bytes);
		name[targets[i].bytes] = '\0';
		if (ss_py.PyDict_GetItemString(modules, name))
			return true;
	}
	return false;
}

static bool insert_finder(void)
{
	PyObject *meta_path = ss_py.PySys_GetObject("meta_path");

	if (!meta_path)
		return false;
	module = ss_python_module_new(&find_spec_method);
	if (module && !ss_py.PyList_Insert(meta_path, 0, module))
		return true;
	ss_py.PyErr_Clear();
	return false;
}

static void run_stage1(void)
{
	PyObject *type, *value, *traceback; /* being raised just now, perhaps */
	bool inserted;

	ss_py.PyErr_Fetch(&type, &value, &traceback);
	ss_guard_enter();
	inserted = insert_finder();
	ss_guard_leave();
	__atomic_store_n(&stage1, inserted ? INSERTED : GONE, __ATOMIC_RELEASE);
	if (inserted && any_target_loaded() && !embedded_works())
		ss_py.PyErr_Clear();
	ss_py.PyErr_Restore(type, value, traceback);
}

static int on_audit(const char *event, PyObject *args, void *unused)
{
	uint32_t state = __atomic_load_n(&stage1, __ATOMIC_RELAXED);

	if (event[0] == 'c' && !strcmp(event, "cpython._PySys_ClearAuditHooks")) {
		__atomic_store_n(&stage1, GONE, __ATOMIC_RELAXED);
		ss_python_native_stop();
		ss_python_audit_clearing();
	} else if (state == WAITING && ss_py.Py_IsInitialized() &&
		   __atomic_compare_exchange_n(&stage1, &state, INSERTING, false, __ATOMIC_ACQUIRE,
					       __ATOMIC_RELAXED)) {
		run_stage1();
	}
	return 0;
}

static bool wanted(void)
{
	const struct ss_binding *bindings = ss_binding_array(table, table->bindings);
	const struct ss_entry *entries = ss_binding_array(table, table->entries);

	for (uint32_t i = 0; i < table->bindings.count; i++)
		if ((enabled >> i & 1) && bindings[i].adapter)
			return true;
	for (uint32_t i = 0; i < table->entries.count; i++)
		if ((entries[i].flags & SS_ENTRY_PYTHON) && (enabled >> entries[i].binding & 1))
			return true;
	return false;
}

void ss_python_start(const struct ss_binding_table *binding_table, uint64_t enabled_bindings)
{
	static bool started;

	table = binding_table;
	enabled = enabled_bindings;
	if (started)
		return;
	ss_python_forkwarn_prepare();
	if (!wanted())
		return;
	ss_python_native_prepare();
	if (ss_python_api_resolve())
		return;
	/* Running already, and this thread may not touch it. */
	if (ss_py.Py_IsInitialized() && !ss_py.PyGILState_Check())
		return;
	started = true;
	if (collect_targets())
		ss_python_audit_add(on_audit);
}
