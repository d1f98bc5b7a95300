/* What every character and every word of a text passes through, in C. The definition is in Python: prose.py, words.py
   and sketch.py in pipeline/text, dedup/align.py; both give the same output.

   What keeps it safe: strings and buffers are reached through the C API only, every length is checked before a buffer
   is read, memory is linear in the text, there is no recursion, and no callback can change what is being read. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define TWIN_VERSION 6
#define ODD 0x9E3779B97F4A7C15u
#define CONTAINMENT 0xC0117A13u
#define FAR 16    /* times as many values: the few are searched for, not passed by */
#define BLOCK 512 /* shingles at a time: they stay in the first-level cache */

#include "sketch.h"
#include "align.h"

/* --- a buffer that grows: of characters, or of hashes --- */

typedef struct {
    char *data;
    size_t used, room; /* bytes */
    int begun;         /* whether a text has begun: what comes next stands behind a space */
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

/* Lone surrogates are spelled like other characters ("surrogatepass"). */
static inline int
utf8_of(Py_UCS4 c, unsigned char *out)
{
    if (c < 0x80)
        return out[0] = (unsigned char)c, 1;
    if (c < 0x800)
        return out[0] = 0xC0 | (c >> 6), out[1] = 0x80 | (c & 63), 2;
    if (c < 0x10000)
        return out[0] = 0xE0 | (c >> 12), out[1] = 0x80 | ((c >> 6) & 63), out[2] = 0x80 | (c & 63), 3;
    return out[0] = 0xF0 | (c >> 18), out[1] = 0x80 | ((c >> 12) & 63), out[2] = 0x80 | ((c >> 6) & 63),
           out[3] = 0x80 | (c & 63), 4;
}

/* Append characters, behind a space where others were before; nothing for none. */
static int
append_utf8(Buffer *out, const Py_UCS4 *data, size_t size)
{
    if (size == 0)
        return 0;
    if (reserve(out, 4 * size + 1))
        return -1;
    unsigned char *place = (unsigned char *)out->data + out->used;
    if (out->begun)
        *place++ = ' ';
    out->begun = 1;
    for (size_t i = 0; i < size; i++)
        place += utf8_of(data[i], place);
    out->used = (size_t)(place - (unsigned char *)out->data);
    return 0;
}

#include "prose.h"
#include "words.h"
#include "units.h"

/* --- the module --- */

static PyMethodDef methods[] = {
    {"minima", minima, METH_VARARGS, "minima(units, n, multipliers, addends, out)"},
    {"ngrams", ngrams, METH_VARARGS, "ngrams(units, n) -> bytearray"},
    {"align", align, METH_VARARGS, "align(a, b[, passage, small]) -> runs, or their summary"},
    {"smallest", smallest, METH_VARARGS, "smallest(units, n, count) -> bytes"},
    {"shared", shared, METH_VARARGS, "shared(a, b) -> int"},
    {"outline", outline, METH_O, "outline(values) -> bytes"},
    {"within", within_each, METH_VARARGS, "within(values, outlines) -> list of int"},
    {"formulas", formulas, METH_O, "formulas(text) -> list of (start, end, tex)"},
    {"fold", fold, METH_VARARGS, "fold(text, start, end, folded, table) -> str"},
    {"units", units, METH_VARARGS, "units(text, folded, table, tokens, formulas) -> (hashes, flags)"},
    {"content", content, METH_VARARGS, "content(text, folded, table, spell, update)"},
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
