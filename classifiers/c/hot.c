/* Twin of hot.py in C: the same names and numbers, several times faster. Read hot.py first.

   What keeps it safe: strings are read through the C API only; every table is as large as its input says and is checked
   for room; no recursion; memory is linear in the text. Words are numbers here: 64-bit polynomials over mixed code points. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>

#define TWIN_VERSION 3

typedef uint64_t u64;

#include "kinds.h"
#include "words.h"
#include "ngrams.h"
#include "lines.h"
#include "signs.h"
#include "model.h"
#include "model_type.h"

static PyObject *
count_words(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *text, *chunk_of, *result = NULL;
    if (!PyArg_ParseTuple(args, "UO:count_words", &text, &chunk_of))
        return NULL;
    Text found = {0};
    if (read_words(&found, text, chunk_of) == 0)
        result = counted(&found);
    PyMem_Free(found.words);
    return result;
}

static PyMethodDef methods[] = {
    {"count_words", count_words, METH_VARARGS, "See hot.py."},
    {"sentence_facts", sentence_facts, METH_O, "See hot.py."},
    {"plain_line", plain_line, METH_O, "See hot.py."},
    {"language_line", language_line, METH_VARARGS, "See hot.py."},
    {"noise", noise, METH_O, "See hot.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "classifiers._hot", "Twin of classifiers.hot.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__hot(void)
{
    know_kinds();
    PyObject *module = PyModule_Create(&definition), *twin = PyImport_ImportModule("classifiers.hot");
    signs_type = twin ? PyObject_GetAttrString(twin, "Signs") : NULL;
    Py_XDECREF(twin);
    if (module == NULL || signs_type == NULL) {
        Py_XDECREF(module);
        return NULL;
    }
    PyObject *model = PyType_FromSpec(&model_spec);
    int failed = model == NULL || PyModule_AddObjectRef(module, "Model", model) < 0
                 || PyModule_AddIntConstant(module, "TWIN_VERSION", TWIN_VERSION) < 0;
    Py_XDECREF(model);
    if (failed) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
