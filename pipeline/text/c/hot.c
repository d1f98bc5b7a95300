/* What every character and every word of a text passes through, in C. The definition is in Python: `fold` and
   `prose_hashes` in pipeline/text/prose.py, the rest in pipeline/text/sketch.py; both give the same output.

   What keeps it safe: strings and buffers are reached through the C API only, every length is checked before a buffer
   is read, memory is linear in the text, there is no recursion, and no callback can change what is being read. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define TWIN_VERSION 3
#define ODD 0x9E3779B97F4A7C15u
#define CONTAINMENT 0xC0117A13u
#define FAR 16    /* times as many values: the few are searched for, not passed by */
#define BLOCK 512 /* shingles at a time: they stay in the first-level cache */

#include "sketch.h"

/* --- a buffer that grows: of characters, or of hashes --- */

typedef struct {
    char *data;
    size_t used, room; /* bytes */
} Buffer;

static int
reserve(Buffer *buffer, size_t more)
{
    if (buffer->room - buffer->used >= more)
        return 0;
    size_t room = buffer->room + buffer->room / 2 + more;
    char *data = PyMem_Realloc(buffer->data, room);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    buffer->data = data;
    buffer->room = room;
    return 0;
}

#include "prose.h"

/* --- where formulas may begin --- */

static PyObject *
openers(PyObject *module, PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "expected a str");
        return NULL;
    }
    PyObject *found = PyList_New(0);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    for (Py_ssize_t i = 0; found != NULL && i + 1 < length; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i), next;
        if (c != '$' && c != '\\')
            continue;
        next = PyUnicode_READ(kind, data, i + 1);
        if (c == '$' ? !Py_UNICODE_ISSPACE(next) : next == '(' || next == '[' || next == 'b') {
            PyObject *place = PyLong_FromSsize_t(i);
            if (place == NULL || PyList_Append(found, place))
                Py_CLEAR(found);
            Py_XDECREF(place);
        }
        i += c == '\\' || next == '$'; /* both characters are read */
    }
    return found;
}

/* --- the module --- */

static PyMethodDef methods[] = {
    {"minima", minima, METH_VARARGS, "minima(units, n, multipliers, addends, out)"},
    {"ngrams", ngrams, METH_VARARGS, "ngrams(units, n) -> bytearray"},
    {"anchors", anchors, METH_VARARGS, "anchors(a, b, n) -> list of (place, place)"},
    {"smallest", smallest, METH_VARARGS, "smallest(units, n, count) -> bytes"},
    {"shared", shared, METH_VARARGS, "shared(a, b) -> int"},
    {"shared_with", shared_with, METH_VARARGS, "shared_with(a, others) -> list of int"},
    {"openers", openers, METH_O, "openers(text) -> list of places"},
    {"fold", fold, METH_VARARGS, "fold(text, start, end, folded) -> str"},
    {"prose_hashes", prose_hashes, METH_VARARGS, "prose_hashes(prose, tokens) -> bytes"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_hot", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__hot(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddIntConstant(module, "TWIN_VERSION", TWIN_VERSION) < 0)
        Py_CLEAR(module);
    return module;
}
