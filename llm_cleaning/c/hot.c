/* Twin of hot.py in C: the same names and results, several times faster. Read hot.py first.

   What keeps it safe: strings and lists are reached through the C API only, words are cut off at the size of their
   buffer, there is no recursion, and no callback can change what is being read. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define TWIN_VERSION 1
#define MAX_WORD 32 /* hot.py: MAX_WORD_CHARS */
#define STEM 4      /* hot.py: STEM_CHARS */
#define IS_COMMENT 8
#define IS_RARE 64
#define IS_STEM 128
#define HAS_UPPER 256
#define TAG_SHIFT 16

static long
bits_of(PyObject *words, const char *word, Py_ssize_t length)
{
    PyObject *key = PyUnicode_FromStringAndSize(word, length);
    PyObject *value = key ? PyDict_GetItemWithError(words, key) : NULL;
    long bits = value ? PyLong_AsLong(value) : PyErr_Occurred() ? -1 : 0;
    Py_XDECREF(key);
    return bits;
}

static long
word_marks(PyObject *words, const char *word, Py_ssize_t length)
{
    long bits = bits_of(words, word, length), stem = 0;
    if (length >= STEM && bits >= 0)
        stem = bits_of(words, word, STEM);
    return bits < 0 || stem < 0 ? -1 : bits | (stem & IS_STEM ? IS_RARE : 0);
}

static PyObject *
marks(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *segment, *words;
    if (!PyArg_ParseTuple(args, "UO!:marks", &segment, &PyDict_Type, &words))
        return NULL;
    if (!PyUnicode_IS_ASCII(segment))
        return PyLong_FromLong(IS_RARE);
    const char *data = PyUnicode_DATA(segment);
    Py_ssize_t length = PyUnicode_GET_LENGTH(segment), tag = 0, at = 0;
    while (tag < length && (Py_ISALNUM(data[tag]) || data[tag] == '_' || data[tag] == '-'))
        tag++;
    long long found = (long long)tag << TAG_SHIFT;
    while (at < length) {
        char word[MAX_WORD];
        Py_ssize_t start = at, size = 0;
        for (; at < length && Py_ISALPHA(data[at]); at++) {
            if (Py_ISUPPER(data[at])) {
                found |= HAS_UPPER;
                if (at > start && Py_ISLOWER(data[at - 1]))
                    break; /* a word begins within */
            }
            if (size < MAX_WORD)
                word[size++] = (char)Py_TOLOWER(data[at]);
        }
        if (size > 0) {
            long bits = word_marks(words, word, size);
            if (bits < 0)
                return NULL;
            found |= start >= tag ? bits : bits & (IS_COMMENT | IS_RARE) ? IS_RARE : 0;
        }
        else
            at++;
    }
    return PyLong_FromLongLong(found);
}

/* Columns of hot.py's `elements`, and what knows the number of a path. */
typedef struct {
    PyObject *number, *paths, *parents, *segments;
} Tree;

/* One element of which the parent is known. */
static PyObject *
added(Tree *tree, PyObject *path, PyObject *parent)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(path), slash = PyUnicode_FindChar(path, '/', 0, length, -1);
    PyObject *segment = slash < -1 ? NULL : PyUnicode_Substring(path, slash + 1, length);
    PyObject *number = PyLong_FromSsize_t(PyList_GET_SIZE(tree->paths));
    if (segment == NULL || number == NULL || PyList_Append(tree->paths, path) < 0
        || PyList_Append(tree->parents, parent) < 0 || PyList_Append(tree->segments, segment) < 0
        || PyDict_SetItem(tree->number, path, number) < 0)
        Py_CLEAR(number);
    Py_XDECREF(segment);
    Py_XDECREF(number); /* the dict holds it */
    return number;
}

/* Number of a path, borrowed; elements on the way to it that are new are added. */
static PyObject *
numbered(Tree *tree, PyObject *path)
{
    PyObject *found = PyDict_GetItemWithError(tree->number, path), *chain;
    if (found != NULL || PyErr_Occurred() || (chain = PyList_New(0)) == NULL)
        return found;
    Py_INCREF(path);
    while (found == NULL && path != NULL && PyList_Append(chain, path) == 0) {
        Py_ssize_t slash = PyUnicode_FindChar(path, '/', 0, PyUnicode_GET_LENGTH(path), -1);
        Py_SETREF(path, slash < -1 ? NULL : PyUnicode_Substring(path, 0, slash < 0 ? 0 : slash));
        found = path ? PyDict_GetItemWithError(tree->number, path) : NULL;
        if (PyErr_Occurred())
            break;
    }
    Py_XDECREF(path);
    for (Py_ssize_t at = PyList_GET_SIZE(chain) - 1; found != NULL && at >= 0; at--)
        found = added(tree, PyList_GET_ITEM(chain, at), found);
    Py_DECREF(chain);
    return PyErr_Occurred() ? NULL : found;
}

static PyObject *
elements(PyObject *Py_UNUSED(module), PyObject *paths)
{
    if (!PyList_Check(paths)) {
        PyErr_SetString(PyExc_TypeError, "a list of strings");
        return NULL;
    }
    Tree tree = {PyDict_New(), PyList_New(0), PyList_New(0), PyList_New(0)};
    PyObject *of_block = PyList_New(0), *root = PyUnicode_New(0, 0), *none = PyLong_FromLong(-1), *result = NULL;
    if (tree.number == NULL || tree.paths == NULL || tree.parents == NULL || tree.segments == NULL || of_block == NULL
        || root == NULL || none == NULL || PyDict_SetItem(tree.number, root, none) < 0)
        goto done;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(paths); at++) {
        PyObject *path = PyList_GET_ITEM(paths, at), *number = NULL;
        if (!PyUnicode_CheckExact(path))
            PyErr_SetString(PyExc_TypeError, "a list of strings");
        else
            number = numbered(&tree, path);
        if (number == NULL || PyList_Append(of_block, number) < 0)
            goto done;
    }
    result = PyTuple_Pack(4, tree.paths, tree.parents, tree.segments, of_block);
done:
    Py_XDECREF(tree.number);
    Py_XDECREF(tree.paths);
    Py_XDECREF(tree.parents);
    Py_XDECREF(tree.segments);
    Py_XDECREF(of_block);
    Py_XDECREF(root);
    Py_XDECREF(none);
    return result;
}

static PyMethodDef methods[] = {
    {"marks", marks, METH_VARARGS, "See hot.py."},
    {"elements", elements, METH_O, "See hot.py."},
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
