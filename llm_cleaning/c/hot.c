/* Twin of hot.py in C: the same names and results, many times faster. Read the modules that hot.py names
   first.

   What keeps it safe: strings and lists are reached through the C API only, lengths of columns are compared before they
   are read, buffers are as large as what is written to them at most, there is no recursion. Python code runs only where
   a segment is read for the first time, while no pointer into a list is held. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define TWIN_VERSION 5

/* pipeline/document.py: BLOCK_KINDS */
enum { KIND_HEADING, KIND_PARAGRAPH, KIND_LIST, KIND_TABLE, KIND_CODE, KIND_MATH };

#include "names.h"
#include "bodies.h"
#include "places.h"
#include "scores.h"
#include "guard_align.h"
#include "guard_lines.h"
#include "guard_blocks.h"

static PyMethodDef methods[] = {
    {"code", code, METH_VARARGS, "See hot.py."},
    {"bodies", bodies, METH_VARARGS, "See hot.py."},
    {"places", places, METH_VARARGS, "See hot.py."},
    {"scores", scores, METH_VARARGS, "See hot.py."},
    {"gaps", gaps, METH_VARARGS, "See hot.py."},
    {"lines", lines, METH_O, "See hot.py."},
    {"spans", spans, METH_VARARGS, "See hot.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "llm_cleaning._hot", "Twin of llm_cleaning.hot.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__hot(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddIntConstant(module, "TWIN_VERSION", TWIN_VERSION) < 0)
        Py_CLEAR(module);
    return module;
}
