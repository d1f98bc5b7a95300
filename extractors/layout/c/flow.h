/* --- lists used as stacks --- */

static PyObject *
last(PyObject *list) /* borrowed */
{
    Py_ssize_t size = PyList_GET_SIZE(list);
    if (size == 0) {
        PyErr_SetString(PyExc_IndexError, "nothing is open");
        return NULL;
    }
    return PyList_GET_ITEM(list, size - 1);
}

static int
drop_last(PyObject *list)
{
    Py_ssize_t size = PyList_GET_SIZE(list);
    return PyList_SetSlice(list, size - 1, size, NULL);
}

static int
append_number(PyObject *list, Py_ssize_t value)
{
    PyObject *number = PyLong_FromSsize_t(value);
    int failed = number == NULL || PyList_Append(list, number) < 0;
    Py_XDECREF(number);
    return failed ? -1 : 0;
}

static int
set_last_number(PyObject *list, Py_ssize_t value)
{
    PyObject *number = PyLong_FromSsize_t(value);
    return number == NULL ? -1 : PyList_SetItem(list, PyList_GET_SIZE(list) - 1, number);
}

/* --- FlowBase --- */

enum { STARTS, ENDS, KINDS, LANGS, LEVELS, LINKS, PATHS, COLUMNS };
#define FORMULA_COLUMNS 6

typedef struct {
    PyObject_HEAD
    PyObject *parts, *rest, *pending, *containers;
    PyObject *column[COLUMNS];
    PyObject *recovered;                /* the formulas behind sentinels */
    PyObject *formula[FORMULA_COLUMNS]; /* those written: start, end, tex, source_form, display, recovered */
    Py_ssize_t length, lists_open, list_start;
} Flow;

static PyTypeObject *flow_type, *walk_type;

static PyObject *
flow_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Flow *self = (Flow *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->rest = Py_NewRef(s_empty);
    self->pending = Py_NewRef(Py_None);
    self->parts = PyList_New(0);
    self->containers = PyList_New(0);
    self->recovered = PyList_New(0);
    int failed = self->parts == NULL || self->containers == NULL || self->recovered == NULL;
    for (int i = 0; i < COLUMNS; i++)
        failed |= (self->column[i] = PyList_New(0)) == NULL;
    for (int i = 0; i < FORMULA_COLUMNS; i++)
        failed |= (self->formula[i] = PyList_New(0)) == NULL;
    if (failed)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
flow_init(Flow *self, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *recovered;
    if (!PyArg_ParseTuple(args, "O!", &PyList_Type, &recovered))
        return -1;
    Py_SETREF(self->recovered, Py_NewRef(recovered));
    return 0;
}

static void
flow_dealloc(Flow *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->parts);
    Py_XDECREF(self->rest);
    Py_XDECREF(self->pending);
    Py_XDECREF(self->containers);
    for (int i = 0; i < COLUMNS; i++)
        Py_XDECREF(self->column[i]);
    Py_XDECREF(self->recovered);
    for (int i = 0; i < FORMULA_COLUMNS; i++)
        Py_XDECREF(self->formula[i]);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
enter_container(Flow *self, PyObject *first, PyObject *rest)
{
    PyObject *saved = PyTuple_Pack(2, self->rest, self->pending);
    if (saved == NULL)
        return -1;
    int failed = PyList_Append(self->containers, saved);
    Py_DECREF(saved);
    if (failed || PyList_GET_SIZE(self->containers) > MAX_INDENTING_CONTAINERS)
        return failed;
    PyObject *pending = PyUnicode_Concat(self->pending == Py_None ? self->rest : self->pending, first);
    PyObject *longer = PyUnicode_Concat(self->rest, rest);
    if (pending == NULL || longer == NULL) {
        Py_XDECREF(pending);
        Py_XDECREF(longer);
        return -1;
    }
    Py_SETREF(self->pending, pending);
    Py_SETREF(self->rest, longer);
    return 0;
}

static int
leave_container(Flow *self)
{
    PyObject *saved = last(self->containers);
    if (saved == NULL)
        return -1;
    PyObject *rest = Py_NewRef(PyTuple_GET_ITEM(saved, 0)), *pending = Py_NewRef(PyTuple_GET_ITEM(saved, 1));
    int failed = drop_last(self->containers);
    Py_SETREF(self->rest, rest);
    if (self->pending != Py_None)
        Py_SETREF(self->pending, pending);
    else
        Py_DECREF(pending);
    return failed;
}

static int
follows_item(Flow *self)
{
    PyObject *kinds = self->column[KINDS];
    Py_ssize_t count = PyList_GET_SIZE(kinds);
    if (self->lists_open <= 0 || count == 0 || count <= self->list_start)
        return 0;
    return PyUnicode_Compare(PyList_GET_ITEM(kinds, count - 1), s_list) == 0;
}

static PyObject *expand_formulas(Flow *, PyObject *, Py_ssize_t); /* formulas.h */

/* The text of a leaf as it will stand: formulas written out, every line behind the container's prefix. New reference. */
static PyObject *
shown_text(Flow *self, PyObject *text, Py_ssize_t start)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_FindChar(text, FORMULA_OPEN, 0, length, 1) >= 0)
        return expand_formulas(self, text, start);
    if (PyUnicode_GET_LENGTH(self->rest) == 0 || PyUnicode_FindChar(text, '\n', 0, length, 1) < 0)
        return Py_NewRef(text);
    PyObject *line = PyUnicode_Concat(s_line, self->rest);
    if (line == NULL)
        return NULL;
    PyObject *shown = PyUnicode_Replace(text, s_line, line, -1);
    Py_DECREF(line);
    return shown;
}

static int
append_row(Flow *self, Py_ssize_t start, PyObject *kind, PyObject *path, Py_ssize_t links, PyObject *lang,
           PyObject *level)
{
    PyObject **column = self->column;
    return append_number(column[STARTS], start) < 0 || append_number(column[ENDS], self->length) < 0 ||
                   PyList_Append(column[KINDS], kind) < 0 || PyList_Append(column[LANGS], lang) < 0 ||
                   PyList_Append(column[LEVELS], level) < 0 || append_number(column[LINKS], links) < 0 ||
                   PyList_Append(column[PATHS], path) < 0
               ? -1
               : 0;
}

static int
write_leaf(Flow *self, PyObject *text, PyObject *kind, PyObject *path, Py_ssize_t links, PyObject *lang,
           PyObject *level)
{
    Py_ssize_t start = self->length;
    int joins = self->pending != Py_None && PyUnicode_Compare(kind, s_list) == 0 && follows_item(self);
    PyObject *gap = start == 0 ? s_empty : joins ? s_line : s_gap;
    PyObject *lead;
    if (self->pending != Py_None) {
        lead = self->pending;
        self->pending = Py_NewRef(Py_None);
    }
    else
        lead = Py_NewRef(self->rest);
    Py_ssize_t before = PyUnicode_GET_LENGTH(gap) + PyUnicode_GET_LENGTH(lead);
    int failed = PyList_Append(self->parts, gap) < 0 || PyList_Append(self->parts, lead) < 0;
    Py_DECREF(lead);
    PyObject *shown = failed ? NULL : shown_text(self, text, start + before);
    if (shown == NULL)
        return -1;
    self->length = start + before + PyUnicode_GET_LENGTH(shown);
    failed = PyList_Append(self->parts, shown);
    Py_DECREF(shown);
    if (failed)
        return -1;
    if (!joins)
        return append_row(self, start ? start + 2 : 0, kind, path, links, lang, level);
    if (links) {
        PyObject *before_links = last(self->column[LINKS]);
        if (before_links == NULL || set_last_number(self->column[LINKS], PyLong_AsSsize_t(before_links) + links) < 0)
            return -1;
    }
    return set_last_number(self->column[ENDS], self->length);
}

static PyObject *
flow_enter(Flow *self, PyObject *args)
{
    PyObject *first, *rest;
    if (!PyArg_ParseTuple(args, "UU", &first, &rest) || enter_container(self, first, rest) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
flow_leave(Flow *self, PyObject *Py_UNUSED(args))
{
    if (leave_container(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static void
open_list(Flow *self)
{
    if (self->lists_open == 0)
        self->list_start = PyList_GET_SIZE(self->column[KINDS]);
    self->lists_open++;
}

static PyObject *
flow_enter_list(Flow *self, PyObject *Py_UNUSED(args))
{
    open_list(self);
    Py_RETURN_NONE;
}

static PyObject *
flow_leave_list(Flow *self, PyObject *Py_UNUSED(args))
{
    self->lists_open--;
    Py_RETURN_NONE;
}

static PyObject *
flow_write(Flow *self, PyObject *args)
{
    PyObject *text, *kind, *path, *lang = Py_None, *level = Py_None;
    Py_ssize_t links = 0;
    if (!PyArg_ParseTuple(args, "UUU|nOO", &text, &kind, &path, &links, &lang, &level) ||
        write_leaf(self, text, kind, path, links, lang, level) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* The columns of the formulas written so far. */
static PyObject *
flow_formula_columns(Flow *self, PyObject *Py_UNUSED(args))
{
    PyObject *columns = PyList_New(FORMULA_COLUMNS);
    for (int i = 0; columns != NULL && i < FORMULA_COLUMNS; i++)
        PyList_SET_ITEM(columns, i, Py_NewRef(self->formula[i]));
    return columns;
}

static PyMethodDef flow_methods[] = {
    {"enter", (PyCFunction)flow_enter, METH_VARARGS, NULL},
    {"leave", (PyCFunction)flow_leave, METH_NOARGS, NULL},
    {"enter_list", (PyCFunction)flow_enter_list, METH_NOARGS, NULL},
    {"leave_list", (PyCFunction)flow_leave_list, METH_NOARGS, NULL},
    {"formula_columns", (PyCFunction)flow_formula_columns, METH_NOARGS, NULL},
    {"write", (PyCFunction)flow_write, METH_VARARGS, NULL},
    {NULL},
};

#define COLUMN(name, index) {name, T_OBJECT_EX, offsetof(Flow, column) + (index) * sizeof(PyObject *), READONLY, NULL}

static PyMemberDef flow_members[] = {
    {"parts", T_OBJECT_EX, offsetof(Flow, parts), READONLY, NULL},
    {"rest", T_OBJECT_EX, offsetof(Flow, rest), READONLY, NULL},
    {"length", T_PYSSIZET, offsetof(Flow, length), READONLY, NULL},
    COLUMN("starts", STARTS),
    COLUMN("ends", ENDS),
    COLUMN("kinds", KINDS),
    COLUMN("langs", LANGS),
    COLUMN("levels", LEVELS),
    COLUMN("links", LINKS),
    COLUMN("paths", PATHS),
    {"recovered", T_OBJECT_EX, offsetof(Flow, recovered), READONLY, NULL},
    {NULL},
};
