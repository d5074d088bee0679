/* SPDX-License-Identifier: Apache-2.0
 *
 * What we use of CPython, found by name in the process: no Python headers, so one object serves
 * every version and build from 3.8 on. Functions of the stable ABI, and beside them
 * PySys_AddAuditHook, PyMem_*Allocator and PyContextVar_*, whose signatures are the same
 * everywhere. Objects are
 * opaque: their head differs between builds. All with the GIL (or an attached thread), but
 * PySys_AddAuditHook and Py_IsInitialized.
 */
#ifndef SS_PYTHON_API_H
#define SS_PYTHON_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct _object PyObject;
typedef intptr_t Py_ssize_t;

/* Contains no object head: the same layout everywhere. */
typedef struct {
	const char *name;
	void *function;
	int flags;
	const char *doc;
} PyMethodDef;

/* PyMemAllocatorEx */
struct ss_py_allocator {
	void *context;
	void *(*malloc)(void *context, size_t bytes);
	void *(*calloc)(void *context, size_t count, size_t bytes);
	void *(*realloc)(void *context, void *block, size_t bytes);
	void (*free)(void *context, void *block);
};

#define SS_PY_FASTCALL   0x80 /* function(self, args, count) */
#define SS_PY_KEYWORDS   0x02 /* with FASTCALL: function(self, args, count, names) */
#define SS_PY_FILE_INPUT 257  /* Py_CompileString: a module */
/* PyType_GetFlags */
#define SS_PY_IS_INT   (1ul << 24)
#define SS_PY_IS_LIST  (1ul << 25)
#define SS_PY_IS_TUPLE (1ul << 26)
#define SS_PY_IS_STR   (1ul << 28)

#define SS_PY_FUNCTIONS(X)                                                                 \
	X(int, PySys_AddAuditHook, (int (*)(const char *, PyObject *, void *), void *))    \
	X(int, Py_IsInitialized, (void))                                                   \
	X(void, PyMem_GetAllocator, (int, struct ss_py_allocator *))                       \
	X(void, PyMem_SetAllocator, (int, struct ss_py_allocator *))                       \
	X(int, PyGILState_Check, (void))                                                   \
	X(void *, PyEval_SaveThread, (void))                                               \
	X(void, PyEval_RestoreThread, (void *))                                            \
	X(void, Py_IncRef, (PyObject *))                                                   \
	X(void, Py_DecRef, (PyObject *))                                                   \
	X(void, PyErr_Fetch, (PyObject **, PyObject **, PyObject **))                      \
	X(void, PyErr_Restore, (PyObject *, PyObject *, PyObject *))                       \
	X(void, PyErr_Clear, (void))                                                       \
	X(PyObject *, PyErr_Occurred, (void))                                              \
	X(int, PyErr_ExceptionMatches, (PyObject *))                                       \
	X(PyObject *, PyModule_New, (const char *))                                        \
	X(PyObject *, PyModule_GetDict, (PyObject *))                                      \
	X(PyObject *, PyImport_GetModuleDict, (void))                                      \
	X(PyObject *, PyCFunction_NewEx, (PyMethodDef *, PyObject *, PyObject *))          \
	X(PyObject *, PySys_GetObject, (const char *))                                     \
	X(PyObject *, PyEval_GetBuiltins, (void))                                          \
	X(PyObject *, Py_CompileString, (const char *, const char *, int))                 \
	X(PyObject *, PyEval_EvalCode, (PyObject *, PyObject *, PyObject *))               \
	X(PyObject *, PyObject_CallFunctionObjArgs, (PyObject *, ...))                     \
	X(PyObject *, PyObject_Type, (PyObject *))                                         \
	X(PyObject *, PyObject_Str, (PyObject *))                                          \
	X(unsigned long, PyType_GetFlags, (PyObject *))                                    \
	X(int, PyType_IsSubtype, (PyObject *, PyObject *))                                 \
	X(PyObject *, PyDict_New, (void))                                                  \
	X(int, PyDict_SetItemString, (PyObject *, const char *, PyObject *))               \
	X(PyObject *, PyDict_GetItemString, (PyObject *, const char *))                    \
	X(PyObject *, PyList_New, (Py_ssize_t))                                            \
	X(int, PyList_Insert, (PyObject *, Py_ssize_t, PyObject *))                        \
	X(int, PyList_Append, (PyObject *, PyObject *))                                    \
	X(PyObject *, PyList_GetItem, (PyObject *, Py_ssize_t))                            \
	X(Py_ssize_t, PyList_Size, (PyObject *))                                           \
	X(PyObject *, PyTuple_GetItem, (PyObject *, Py_ssize_t))                           \
	X(Py_ssize_t, PyTuple_Size, (PyObject *))                                          \
	X(PyObject *, PyList_AsTuple, (PyObject *))                                        \
	X(PyObject *, PyFrozenSet_New, (PyObject *))                                       \
	X(PyObject *, Py_BuildValue, (const char *, ...))                                  \
	X(PyObject *, PyLong_FromLongLong, (long long))                                    \
	X(long long, PyLong_AsLongLongAndOverflow, (PyObject *, int *))                    \
	X(double, PyFloat_AsDouble, (PyObject *))                                          \
	X(PyObject *, PyUnicode_FromString, (const char *))                                \
	X(PyObject *, PyUnicode_FromStringAndSize, (const char *, Py_ssize_t))             \
	X(const char *, PyUnicode_AsUTF8AndSize, (PyObject *, Py_ssize_t *))               \
	X(PyObject *, PyUnicode_AsEncodedString, (PyObject *, const char *, const char *)) \
	X(PyObject *, PyBytes_FromStringAndSize, (const char *, Py_ssize_t))               \
	X(int, PyBytes_AsStringAndSize, (PyObject *, char **, Py_ssize_t *))               \
	X(PyObject *, PyCapsule_New, (void *, const char *, void (*)(PyObject *)))         \
	X(int, PyCapsule_IsValid, (PyObject *, const char *))                              \
	X(void *, PyCapsule_GetPointer, (PyObject *, const char *))                        \
	X(PyObject *, PyContextVar_New, (const char *, PyObject *))                        \
	X(int, PyContextVar_Get, (PyObject *, PyObject *, PyObject **))                    \
	X(PyObject *, PyContextVar_Set, (PyObject *, PyObject *))

/* Not in every version; NULL where missing. */
#define SS_PY_OPTIONAL(X)                                                                      \
	X(PyObject *, PyInstanceMethod_New, (PyObject *))          /* not in the stable ABI */ \
	X(PyObject *, PyList_GetItemRef, (PyObject *, Py_ssize_t)) /* 3.13 */                  \
	X(void *, PyInterpreterState_Get, (void))                  /* 3.9 */                   \
	X(void *, _PyInterpreterState_Get, (void))                 /* 3.8 */                   \
	X(void *, PyInterpreterState_Main, (void))

#define SS_PY_DATA(X)      \
	X(_Py_NoneStruct)  \
	X(_Py_TrueStruct)  \
	X(_Py_FalseStruct) \
	X(PyUnicode_Type)  \
	X(PyLong_Type)     \
	X(PyFloat_Type)    \
	X(PyExc_Exception) /* PyObject ** */

struct ss_python_api {
#define SS_PY_FUNCTION(result, name, arguments) result(*name) arguments;
	SS_PY_FUNCTIONS(SS_PY_FUNCTION)
	SS_PY_OPTIONAL(SS_PY_FUNCTION)
#undef SS_PY_FUNCTION
#define SS_PY_OBJECT(name) PyObject *name;
	SS_PY_DATA(SS_PY_OBJECT)
#undef SS_PY_OBJECT
};

extern struct ss_python_api ss_py;

/* Fills ss_py. 0, or -ENOENT: no CPython that we can serve. Any thread, once; sets no dlerror. */
int ss_python_api_resolve(void);

/* The thread runs the interpreter that was instrumented, no subinterpreter. */
bool ss_python_api_is_main(void);

static inline PyObject *ss_python_new_reference(PyObject *object)
{
	ss_py.Py_IncRef(object); /* NULL is fine */
	return object;
}

#endif
