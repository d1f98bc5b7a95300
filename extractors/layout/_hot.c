/* Twin of hot.py in C: the same names, the same output byte for byte, several times faster. Read hot.py first.

   What keeps it safe: lists and strings are reached through the C API only; every list that C indexes without asking
   is made here, cannot be replaced from Python (READONLY) and is checked for emptiness; no recursion; memory is
   linear in the page. Objects hold no reference to what holds them, so they need no cycle collection. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define TWIN_VERSION 4
#define MAX_INDENTING_CONTAINERS 12
#define FORMULA_OPEN 0xE000
#define HARD_BREAK 0xE002
#define FIRST_RESERVED 0xE000
#define LAST_RESERVED 0xE008

static PyObject *s_expand, *s_finish, *s_formula_kind, *s_write_cell, *s_enter_item; /* methods of the subclasses */
static PyObject *s_empty, *s_list, *s_paragraph, *s_bullet, *s_bullet_rest, *s_space, *s_break, *s_line, *s_gap;
static PyObject *s_href, *s_id, *s_class, *s_heading, *s_block, *s_classifier, *s_open_special_span, *s_open_data_row, *s_open_data_cell, *s_close_data_cell;

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
clear_list(PyObject *list)
{
    return PyList_SetSlice(list, 0, PyList_GET_SIZE(list), NULL);
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

typedef struct {
    PyObject_HEAD
    PyObject *parts, *rest, *pending, *containers;
    PyObject *column[COLUMNS];
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
    int failed = self->parts == NULL || self->containers == NULL;
    for (int i = 0; i < COLUMNS; i++)
        failed |= (self->column[i] = PyList_New(0)) == NULL;
    if (failed)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
flow_init(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
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

/* The text of a leaf as it will stand: formulas written out, every line behind the container's prefix. New reference. */
static PyObject *
shown_text(Flow *self, PyObject *text, Py_ssize_t start)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_FindChar(text, FORMULA_OPEN, 0, length, 1) >= 0) {
        PyObject *place = PyLong_FromSsize_t(start);
        if (place == NULL)
            return NULL;
        PyObject *shown = PyObject_CallMethodObjArgs((PyObject *)self, s_expand, text, place, NULL);
        Py_DECREF(place);
        if (shown != NULL && !PyUnicode_Check(shown)) {
            PyErr_SetString(PyExc_TypeError, "expand gives no text");
            Py_CLEAR(shown);
        }
        return shown;
    }
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

static PyMethodDef flow_methods[] = {
    {"enter", (PyCFunction)flow_enter, METH_VARARGS, NULL},
    {"leave", (PyCFunction)flow_leave, METH_NOARGS, NULL},
    {"enter_list", (PyCFunction)flow_enter_list, METH_NOARGS, NULL},
    {"leave_list", (PyCFunction)flow_leave_list, METH_NOARGS, NULL},
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
    {NULL},
};

/* --- text. Loops over characters are written once and compiled for each width of character. --- */

#define SCRATCH 8192

typedef struct {
    Py_UCS4 small[SCRATCH / sizeof(Py_UCS4)]; /* the longest leaves go to the heap */
    void *data;
} Scratch;

static int
scratch_open(Scratch *scratch, Py_ssize_t size, int kind)
{
    scratch->data = size * kind <= SCRATCH ? scratch->small : PyMem_Malloc((size_t)(size * kind));
    if (scratch->data == NULL)
        PyErr_NoMemory();
    return scratch->data == NULL ? -1 : 0;
}

static void
scratch_close(Scratch *scratch)
{
    if (scratch->data != scratch->small)
        PyMem_Free(scratch->data);
}

#define FOR_KIND(kind, call)                                                                                           \
    ((kind) == PyUnicode_1BYTE_KIND   ? call(PyUnicode_1BYTE_KIND)                                                     \
     : (kind) == PyUnicode_2BYTE_KIND ? call(PyUnicode_2BYTE_KIND)                                                     \
                                      : call(PyUnicode_4BYTE_KIND))

/* Length of what is written to `out`; *changed where it differs from the text by more than its length. */
static inline Py_ssize_t
collapse_into(const int kind, const void *data, Py_ssize_t size, void *out, int lines, int *changed)
{
    Py_ssize_t written = 0, breaks = 0;
    int spaced = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c <= ' ' || c >= 127) { /* else: most of all text */
            int broken = kind != PyUnicode_1BYTE_KIND && c == HARD_BREAK;
            if (broken || Py_UNICODE_ISSPACE(c)) {
                spaced |= !(broken && lines);
                breaks += broken && lines;
                *changed |= c != ' ';
                continue;
            }
        }
        if (breaks | spaced) {
            for (; written && breaks > 0; breaks--, spaced = 0)
                PyUnicode_WRITE(kind, out, written++, '\n');
            if (written && spaced)
                PyUnicode_WRITE(kind, out, written++, ' ');
            breaks = spaced = 0;
        }
        PyUnicode_WRITE(kind, out, written++, c);
    }
    return written;
}

/* White space to single spaces, HARD_BREAKs to newlines (to white space without `lines`), none at the ends. New
   reference. */
static PyObject *
collapse(PyObject *raw, int lines)
{
    int kind = PyUnicode_KIND(raw), changed = 0;
    const void *data = PyUnicode_DATA(raw);
    Py_ssize_t size = PyUnicode_GET_LENGTH(raw);
    Scratch scratch;
    if (scratch_open(&scratch, size, kind) < 0)
        return NULL;
#define COLLAPSE(width) collapse_into(width, data, size, scratch.data, lines, &changed)
    Py_ssize_t length = FOR_KIND(kind, COLLAPSE);
    PyObject *text;
    if (length == size && !changed)
        text = Py_NewRef(raw);
    else
        text = PyUnicode_FromKindAndData(kind, scratch.data, length);
    scratch_close(&scratch);
    return text;
}

static const struct {
    const char *name;
    Py_ssize_t length;
    Py_UCS4 character;
} REFERENCES[] = {{"&lt;", 4, '<'}, {"&gt;", 4, '>'}, {"&amp;", 5, '&'}, {"&nbsp;", 6, 0xA0}, {"&quot;", 6, '"'}};

static Py_ssize_t
reference_at(int kind, const void *data, Py_ssize_t at, Py_ssize_t size, Py_UCS4 *character)
{
    for (size_t r = 0; r < sizeof(REFERENCES) / sizeof(REFERENCES[0]); r++) {
        Py_ssize_t length = REFERENCES[r].length, i = 1;
        while (i < length && at + i < size && PyUnicode_READ(kind, data, at + i) == (Py_UCS4)REFERENCES[r].name[i])
            i++;
        if (i == length) {
            *character = REFERENCES[r].character;
            return length;
        }
    }
    *character = '&';
    return 1;
}

/* text[start:size] with the references that the serialiser writes resolved. New reference. */
static PyObject *
unescaped(PyObject *text, Py_ssize_t start, Py_ssize_t size)
{
    if (PyUnicode_FindChar(text, '&', start, size, 1) < 0)
        return PyUnicode_Substring(text, start, size);
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Scratch scratch;
    if (scratch_open(&scratch, size - start, kind) < 0)
        return NULL;
    Py_ssize_t length = 0;
    while (start < size) {
        Py_UCS4 c = PyUnicode_READ(kind, data, start);
        start += c == '&' ? reference_at(kind, data, start, size, &c) : 1;
        PyUnicode_WRITE(kind, scratch.data, length, c);
        length++;
    }
    PyObject *resolved = PyUnicode_FromKindAndData(kind, scratch.data, length);
    scratch_close(&scratch);
    return resolved;
}

static int
is_blank(PyObject *text, Py_ssize_t start, Py_ssize_t end)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    while (start < end && Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, start)))
        start++;
    return start == end;
}

/* --- WalkBase --- */

typedef struct {
    PyObject_HEAD
    Flow *flow;
    PyObject *mask, *places, *markup, *buffer, *links, *spans, *paths, *kinds, *lists, *cell, *grid;
    Py_ssize_t resume, looks_left, link_chars, in_link, last_link_end;
    char mask_all;
} Walk;

static PyObject *
walk_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Walk *self = (Walk *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->mask = Py_NewRef(Py_None);
    self->cell = Py_NewRef(Py_None);
    self->grid = Py_NewRef(Py_None);
    self->last_link_end = -1;
    self->places = PyDict_New();
    self->markup = Py_NewRef(s_empty);
    self->buffer = PyList_New(0);
    self->links = PyList_New(0);
    self->spans = PyList_New(0);
    self->lists = PyList_New(0);
    self->paths = PyList_New(0);
    self->kinds = PyList_New(0);
    if (self->places == NULL || self->buffer == NULL || self->links == NULL ||
        self->spans == NULL || self->lists == NULL || self->paths == NULL || self->kinds == NULL ||
        PyList_Append(self->paths, s_empty) < 0 || PyList_Append(self->kinds, s_paragraph) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
walk_init(Walk *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"flow", "mask", "mask_all", "places", NULL};
    PyObject *flow, *mask, *places;
    int mask_all;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!OpO!", names, flow_type, &flow, &mask, &mask_all, &PyDict_Type,
                                     &places))
        return -1;
    Py_XSETREF(self->flow, (Flow *)Py_NewRef(flow));
    Py_SETREF(self->mask, Py_NewRef(mask));
    Py_SETREF(self->places, Py_NewRef(places));
    self->mask_all = (char)mask_all;
    return 0;
}

static void
walk_dealloc(Walk *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject *held[] = {(PyObject *)self->flow, self->mask,  self->places, self->markup, self->buffer, self->links,
                        self->spans,            self->paths, self->kinds,  self->lists,  self->cell,   self->grid};
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        Py_XDECREF(held[i]);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
in_cell(Walk *self)
{
    return self->cell != NULL && self->cell != Py_None;
}

static int
in_grid(Walk *self)
{
    return self->grid != NULL && self->grid != Py_None;
}

/* Whether the subclass's `finish` could change the text: a formula or inline code, or characters nobody sees. */
static int
needs_finish(Walk *self, PyObject *text)
{
    int kind = PyUnicode_KIND(text), masks = self->mask != Py_None, control = 0;
    const void *data = PyUnicode_DATA(text);
    if (!masks && PyUnicode_IS_ASCII(text))
        return 0;
    if (masks && self->mask_all)
        return 1;
    Py_UCS4 before = 0;
    for (Py_ssize_t i = 0, size = PyUnicode_GET_LENGTH(text); i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (masks && (c == '$' || c == '\\' || (c == '/' && (before == '[' || before == '<'))))
            return 1;
        if (c > 127 && c != FORMULA_OPEN && c != FORMULA_OPEN + 1 && !Py_UNICODE_ISPRINTABLE(c))
            return 1;
        control |= (c < 32 && c != '\n') || c == 127;
        before = c;
    }
    return control && !PyUnicode_IS_ASCII(text);
}

static int
write_finished(Walk *self, PyObject *text, Py_ssize_t links)
{
    if (in_cell(self)) {
        PyObject *number = PyLong_FromSsize_t(links);
        if (number == NULL)
            return -1;
        PyObject *done = PyObject_CallMethodObjArgs((PyObject *)self, s_write_cell, text, number, NULL);
        Py_DECREF(number);
        Py_XDECREF(done);
        return done == NULL ? -1 : 0;
    }
    PyObject *path = last(self->paths), *kind;
    if (path == NULL)
        return -1;
    if (PyUnicode_READ_CHAR(text, 0) == FORMULA_OPEN)
        kind = PyObject_CallMethodOneArg((PyObject *)self, s_formula_kind, text);
    else
        kind = Py_XNewRef(last(self->kinds));
    if (kind == NULL)
        return -1;
    Py_INCREF(path);
    int failed = -1;
    if (PyUnicode_Check(kind) && PyUnicode_Check(path))
        failed = write_leaf(self->flow, text, kind, path, links, Py_None, Py_None);
    else
        PyErr_SetString(PyExc_TypeError, "kinds and paths are strings");
    Py_DECREF(kind);
    Py_DECREF(path);
    return failed;
}

/* The text as `finish` leaves it. New reference. */
static PyObject *
finish(Walk *self, PyObject *text)
{
    if (!needs_finish(self, text))
        return Py_NewRef(text);
    PyObject *finished = PyObject_CallMethodOneArg((PyObject *)self, s_finish, text);
    if (finished != NULL && !PyUnicode_Check(finished)) {
        PyErr_SetString(PyExc_TypeError, "finish gives no text");
        Py_CLEAR(finished);
    }
    return finished;
}

static int
write_text(Walk *self, PyObject *text, Py_ssize_t links)
{
    PyObject *finished = finish(self, text);
    if (finished == NULL)
        return -1;
    int failed = PyUnicode_GET_LENGTH(finished) ? write_finished(self, finished, links) : 0;
    Py_DECREF(finished);
    return failed;
}

/* Laid-out text with line breaks: paragraphs where two or more stand together. */
static int
write_lines(Walk *self, PyObject *text, Py_ssize_t links)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t start = 0; start < size;) {
        Py_ssize_t end = PyUnicode_Find(text, s_gap, start, size, 1);
        if (end < 0)
            end = size;
        PyObject *part = PyUnicode_Substring(text, start, end);
        if (part == NULL)
            return -1;
        int failed = write_text(self, part, links < end - start ? links : end - start);
        Py_DECREF(part);
        if (failed)
            return -1;
        links = links > end - start ? links - (end - start) : 0;
        while (end < size && PyUnicode_READ_CHAR(text, end) == '\n')
            end++;
        start = end;
    }
    return 0;
}

/* The inline text that was gathered; there must be some. New reference. */
static PyObject *
take_buffer(Walk *self)
{
    PyObject *buffer = self->buffer;
    PyObject *raw = PyList_GET_SIZE(buffer) == 1 ? Py_NewRef(PyList_GET_ITEM(buffer, 0)) : PyUnicode_Join(s_empty, buffer);
    self->link_chars = 0;
    self->last_link_end = -1;
    if (raw != NULL && !PyUnicode_Check(raw)) {
        PyErr_SetString(PyExc_TypeError, "the buffer holds strings");
        Py_CLEAR(raw);
    }
    if (raw != NULL && clear_list(buffer) < 0)
        Py_CLEAR(raw);
    return raw;
}

static int
flush_buffer(Walk *self)
{
    Py_ssize_t links = self->link_chars;
    if (PyList_GET_SIZE(self->buffer) == 0)
        return 0;
    PyObject *raw = take_buffer(self);
    if (raw == NULL)
        return -1;
    int broken = PyUnicode_FindChar(raw, HARD_BREAK, 0, PyUnicode_GET_LENGTH(raw), 1) >= 0;
    PyObject *text = collapse(raw, 1);
    Py_DECREF(raw);
    if (text == NULL)
        return -1;
    int failed = 0;
    if (broken)
        failed = write_lines(self, text, links);
    else if (PyUnicode_GET_LENGTH(text))
        failed = write_text(self, text, links);
    Py_DECREF(text);
    return failed;
}

static int
is_ready(Walk *self)
{
    if (self->flow == NULL)
        PyErr_SetString(PyExc_RuntimeError, "WalkBase.__init__ was not called");
    return self->flow != NULL;
}

static PyObject *
walk_flush(Walk *self, PyObject *Py_UNUSED(args))
{
    if (!is_ready(self) || flush_buffer(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
walk_write_prose(Walk *self, PyObject *args)
{
    PyObject *text;
    Py_ssize_t links;
    if (!is_ready(self) || !PyArg_ParseTuple(args, "Un", &text, &links))
        return NULL;
    if (PyUnicode_GET_LENGTH(text) && write_text(self, text, links) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *walk_look_inside(Walk *self, PyObject *args);

static PyMethodDef walk_methods[] = {
    {"flush", (PyCFunction)walk_flush, METH_NOARGS, NULL},
    {"write_prose", (PyCFunction)walk_write_prose, METH_VARARGS, NULL},
    {"look_inside", (PyCFunction)walk_look_inside, METH_VARARGS, NULL},
    {NULL},
};

#define HELD(name, flags) {#name, T_OBJECT, offsetof(Walk, name), flags, NULL}
#define NUMBER(name) {#name, T_PYSSIZET, offsetof(Walk, name), 0, NULL}

static PyMemberDef walk_members[] = {
    HELD(flow, READONLY),   HELD(mask, READONLY),  HELD(places, READONLY), HELD(markup, READONLY),
    HELD(buffer, READONLY), HELD(links, READONLY), HELD(spans, READONLY),  HELD(paths, READONLY),
    HELD(kinds, READONLY),  HELD(lists, READONLY), HELD(cell, 0),          HELD(grid, 0),         NUMBER(looks_left),     NUMBER(link_chars),
    NUMBER(in_link),        NUMBER(last_link_end), NUMBER(resume),
    {NULL},
};

/* --- the rules that most tags have; the others are Python's --- */

enum {
    OPEN_BLOCK = 1, CLOSE_BLOCK, OPEN_LINK, CLOSE_LINK, OPEN_BULLETS, CLOSE_LIST, OPEN_ITEM, CLOSE_CONTAINER,
    CLOSE_HEADING, LINE_BREAK, SPACE, OPEN_SPAN, CLOSE_SPAN, OPEN_ROW, OPEN_CELL, CLOSE_CELL, RULE_COUNT
};

/* The value of an attribute of a start tag, as it stands: [*start, *end) of head; 0 where it has none. */
static int
find_value(PyObject *head, PyObject *opening, Py_ssize_t *start, Py_ssize_t *end)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(head), found = PyUnicode_Find(head, opening, 0, size, 1);
    if (found < 0)
        return 0;
    *start = found + PyUnicode_GET_LENGTH(opening);
    *end = PyUnicode_FindChar(head, '"', *start, size, 1);
    if (*end < 0)
        *end = size;
    return 1;
}

/* Adds up to `words` words of head[start:end], each behind a mark; white space between them is dropped. */
static Py_ssize_t
add_words(Py_UCS4 *text, Py_ssize_t length, PyObject *head, Py_ssize_t start, Py_ssize_t end, Py_UCS4 mark, int words)
{
    for (int inside = 0; start < end; start++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(head, start);
        int space = Py_UNICODE_ISSPACE(c);
        if (!space && !inside && words-- == 0)
            break;
        if (!space && !inside)
            text[length++] = mark;
        if (!space)
            text[length++] = c;
        inside = !space;
    }
    return length;
}

#define MAX_PATH 240
#define MAX_SEGMENT 60

/* Path of a block, as paths.py makes it; NULL without an error where a value is to be unescaped. */
static PyObject *
plain_path(PyObject *parent, PyObject *head)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(head), above = PyUnicode_GET_LENGTH(parent), start, end;
    Py_ssize_t name = PyUnicode_FindChar(head, ' ', 0, size, 1);
    if (size > 1000 || above > MAX_PATH || size == 0 || PyUnicode_READ_CHAR(head, 0) > 127 ||
        PyUnicode_FindChar(head, '&', 0, size, 1) >= 0)
        return NULL;
    Py_UCS4 text[MAX_PATH + 1000 + 8]; /* what is above, the head, and marks */
    Py_ssize_t length = 0;
    for (; length < above; length++)
        text[length] = PyUnicode_READ_CHAR(parent, length);
    if (above)
        text[length++] = '/';
    Py_ssize_t segment = length;
    for (Py_ssize_t i = 0; i < (name < 0 ? size : name); i++)
        text[length++] = PyUnicode_READ_CHAR(head, i);
    if (name >= 0 && find_value(head, s_id, &start, &end) && end > start) {
        if (PyUnicode_FindChar(head, ' ', start, end, 1) >= 0)
            return NULL;
        length = add_words(text, length, head, start, end, '#', 1);
    }
    if (name >= 0 && find_value(head, s_class, &start, &end))
        length = add_words(text, length, head, start, end, '.', 2);
    if (length > segment + MAX_SEGMENT)
        length = segment + MAX_SEGMENT;
    for (Py_ssize_t i = segment; i < length; i++)
        if (text[i] == '/')
            text[i] = '_';
    if (length > MAX_PATH) {
        Py_ssize_t tail = length - MAX_PATH / 2;
        for (Py_ssize_t i = MAX_PATH / 2 - 3; i < MAX_PATH; i++)
            text[i] = i < MAX_PATH / 2 ? '.' : text[tail + i - MAX_PATH / 2];
        length = MAX_PATH;
    }
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, text, length);
}

/* The path of a start tag's element inside the innermost open block. New reference. */
static PyObject *
path_of(Walk *self, PyObject *head)
{
    PyObject *parent = last(self->paths);
    PyObject *place = parent == NULL ? NULL : PyTuple_Pack(2, parent, head);
    if (place == NULL)
        return NULL;
    PyObject *path = Py_XNewRef(PyDict_GetItemWithError(self->places, place));
    if (path == NULL && !PyErr_Occurred() && PyUnicode_Check(parent)) {
        path = plain_path(parent, head);
        if (path != NULL && PyDict_SetItem(self->places, place, path) < 0)
            Py_CLEAR(path);
    }
    if (path == NULL && !PyErr_Occurred())
        path = PyObject_GetItem(self->places, place); /* Paths.__missing__ */
    Py_DECREF(place);
    return path;
}

static int
open_block(Walk *self, PyObject *head)
{
    if (flush_buffer(self) < 0)
        return -1;
    PyObject *path = path_of(self, head);
    int failed = path == NULL || PyList_Append(self->paths, path) < 0;
    Py_XDECREF(path);
    return failed ? -1 : 0;
}

static int
close_block(Walk *self)
{
    if (flush_buffer(self) < 0)
        return -1;
    return PyList_GET_SIZE(self->paths) > 1 ? drop_last(self->paths) : 0;
}

static int
call_method(Walk *self, PyObject *name, PyObject *head)
{
    PyObject *done = PyObject_CallMethodObjArgs((PyObject *)self, name, head, NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
open_link(Walk *self, PyObject *head)
{
    Py_ssize_t found = PyUnicode_Find(head, s_href, 0, PyUnicode_GET_LENGTH(head), 1);
    if (found == -2 || PyList_Append(self->links, found >= 0 ? Py_True : Py_False) < 0)
        return -1;
    if (found < 0)
        return 0;
    self->in_link++;
    return self->last_link_end == PyList_GET_SIZE(self->buffer) ? PyList_Append(self->buffer, s_space) : 0;
}

static int
close_link(Walk *self)
{
    if (PyList_GET_SIZE(self->links) == 0)
        return 0;
    if (last(self->links) == Py_True) {
        self->in_link--;
        self->last_link_end = PyList_GET_SIZE(self->buffer);
    }
    return drop_last(self->links);
}

static int
open_item(Walk *self, PyObject *head)
{
    if (open_block(self, head) < 0)
        return -1;
    if (PyList_GET_SIZE(self->lists) == 0 || last(self->lists) == Py_None)
        return enter_container(self->flow, s_bullet, s_bullet_rest);
    return call_method(self, s_enter_item, head);
}

static int
close_container(Walk *self)
{
    return flush_buffer(self) < 0 || leave_container(self->flow) < 0 || close_block(self) < 0 ? -1 : 0;
}

static int
open_span(Walk *self, PyObject *head)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(head);
    if (size == 4 || (PyUnicode_Find(head, s_block, 0, size, 1) < 0 && PyUnicode_Find(head, s_classifier, 0, size, 1) < 0))
        return PyList_Append(self->spans, Py_False);
    return call_method(self, s_open_special_span, head);
}

static int
close_span(Walk *self)
{
    if (PyList_GET_SIZE(self->spans) == 0)
        return 0;
    int boxed = last(self->spans) == Py_True;
    return drop_last(self->spans) < 0 || (boxed && close_block(self) < 0) ? -1 : 0;
}

static int
open_bullets(Walk *self, PyObject *head)
{
    if (open_block(self, head) < 0)
        return -1;
    open_list(self->flow);
    return PyList_Append(self->lists, Py_None) < 0 || PyList_Append(self->kinds, s_list) < 0 ? -1 : 0;
}

static int
close_list(Walk *self)
{
    if (flush_buffer(self) < 0)
        return -1;
    if (PyList_GET_SIZE(self->lists) > 0 && PyList_GET_SIZE(self->kinds) > 0) {
        self->flow->lists_open--;
        if (drop_last(self->lists) < 0 || drop_last(self->kinds) < 0)
            return -1;
    }
    return close_block(self);
}

static int
write_heading(Walk *self, PyObject *text, int level, Py_ssize_t links)
{
    PyObject *finished = finish(self, text), *path = last(self->paths);
    if (finished == NULL || path == NULL || PyUnicode_GET_LENGTH(finished) == 0 || !PyUnicode_Check(path)) {
        int failed = finished == NULL || path == NULL;
        Py_XDECREF(finished);
        return failed ? -1 : 0;
    }
    Py_INCREF(path);
    PyObject *number = PyLong_FromLong(level);
    PyObject *line = PyUnicode_FromFormat("%s %U", &"######"[6 - level], finished);
    int failed = number == NULL || line == NULL ||
                 write_leaf(self->flow, line, s_heading, path, links, Py_None, number) < 0;
    Py_XDECREF(number);
    Py_XDECREF(line);
    Py_DECREF(finished);
    Py_DECREF(path);
    return failed ? -1 : 0;
}

static int
close_heading(Walk *self, PyObject *head)
{
    int level = PyUnicode_GET_LENGTH(head) > 2 ? (int)PyUnicode_READ_CHAR(head, 2) - '0' : 0;
    if (level < 1 || level > 6) {
        PyErr_SetString(PyExc_ValueError, "headings have levels 1 to 6");
        return -1;
    }
    if (PyList_GET_SIZE(self->buffer) > 0) {
        Py_ssize_t links = self->link_chars;
        PyObject *raw = take_buffer(self), *text = raw == NULL ? NULL : collapse(raw, 0);
        Py_XDECREF(raw);
        if (text == NULL)
            return -1;
        int failed = in_cell(self) ? write_text(self, text, links) : write_heading(self, text, level, links);
        Py_DECREF(text);
        if (failed)
            return -1;
    }
    return close_block(self);
}

static int
open_row(Walk *self, PyObject *head)
{
    if (in_grid(self) && !in_cell(self) && call_method(self, s_open_data_row, NULL) < 0)
        return -1;
    return open_block(self, head);
}

static int
open_cell(Walk *self, PyObject *head)
{
    return in_grid(self) && !in_cell(self) ? call_method(self, s_open_data_cell, head) : open_block(self, head);
}

static int
close_cell(Walk *self)
{
    return in_cell(self) ? call_method(self, s_close_data_cell, NULL) : close_block(self);
}

static int
apply_rule(Walk *self, int rule, PyObject *head)
{
    switch (rule) {
    case OPEN_BLOCK:
        return open_block(self, head);
    case CLOSE_BLOCK:
        return close_block(self);
    case OPEN_LINK:
        return open_link(self, head);
    case CLOSE_LINK:
        return close_link(self);
    case OPEN_BULLETS:
        return open_bullets(self, head);
    case CLOSE_LIST:
        return close_list(self);
    case OPEN_ITEM:
        return open_item(self, head);
    case CLOSE_CONTAINER:
        return close_container(self);
    case CLOSE_HEADING:
        return close_heading(self, head);
    case LINE_BREAK:
        return PyList_Append(self->buffer, s_break);
    case SPACE:
        return PyList_Append(self->buffer, s_space);
    case OPEN_SPAN:
        return open_span(self, head);
    case CLOSE_SPAN:
        return close_span(self);
    case OPEN_ROW:
        return open_row(self, head);
    case OPEN_CELL:
        return open_cell(self, head);
    default:
        return close_cell(self);
    }
}

/* The rules as functions for rules.py, which may call them or name them in its table. */
static PyObject *
rule_function(int rule, PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !PyObject_TypeCheck(args[0], walk_type) || !PyUnicode_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "rules take a walk, a start tag and a place");
        return NULL;
    }
    if (!is_ready((Walk *)args[0]) || apply_rule((Walk *)args[0], rule, args[1]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

#define RULES(rule)                                                                                                    \
    rule(OPEN_BLOCK, open_block) rule(CLOSE_BLOCK, close_block) rule(OPEN_LINK, open_link)                             \
    rule(CLOSE_LINK, close_link) rule(OPEN_BULLETS, open_bullets) rule(CLOSE_LIST, close_list)                         \
    rule(OPEN_ITEM, open_item) rule(CLOSE_CONTAINER, close_container) rule(CLOSE_HEADING, close_heading)               \
    rule(LINE_BREAK, line_break) rule(SPACE, space) rule(OPEN_SPAN, open_span) rule(CLOSE_SPAN, close_span) rule(OPEN_ROW, open_row)              \
    rule(OPEN_CELL, open_cell) rule(CLOSE_CELL, close_cell)
#define DEFINE_RULE(number, name)                                                                                      \
    static PyObject *rule_##name(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)                 \
    {                                                                                                                  \
        return rule_function(number, args, count);                                                                     \
    }
#define NAME_RULE(number, name) [number] = #name,
#define LIST_RULE(number, name) {#name, (PyCFunction)(void (*)(void))rule_##name, METH_FASTCALL, NULL},

RULES(DEFINE_RULE)
static const char *RULE_NAMES[RULE_COUNT] = {RULES(NAME_RULE)};
static PyObject *rule_objects[RULE_COUNT]; /* kept for the life of the process */

/* --- the table of actions: open addressing over the code points of tag names --- */

typedef struct {
    PyObject *tag, *action;
    uint32_t hash;
    int rule; /* 0: Python's action */
} Entry;

typedef struct {
    PyObject_HEAD
    uint32_t slots; /* a power of two, at least twice the entries */
    Entry *entries;
} Rules;

static PyTypeObject *rules_type;

#define HASH_START 2166136261u
#define HASH_STEP(hash, c) (((hash) ^ (uint32_t)(c)) * 16777619u)

static void
rules_dealloc(Rules *self)
{
    PyTypeObject *type = Py_TYPE(self);
    for (uint32_t i = 0; self->entries != NULL && i < self->slots; i++) {
        Py_XDECREF(self->entries[i].tag);
        Py_XDECREF(self->entries[i].action);
    }
    PyMem_Free(self->entries);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Number of the rule that a function of this module is, 0 for Python's. */
static int
rule_of(PyObject *action)
{
    int rule = RULE_COUNT - 1;
    while (rule > 0 && rule_objects[rule] != action)
        rule--;
    return rule;
}

static void
add_rule(Rules *self, PyObject *tag, PyObject *action)
{
    uint32_t hash = HASH_START;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(tag); i++)
        hash = HASH_STEP(hash, PyUnicode_READ_CHAR(tag, i));
    uint32_t slot = hash & (self->slots - 1);
    while (self->entries[slot].tag != NULL)
        slot = (slot + 1) & (self->slots - 1);
    self->entries[slot] = (Entry){Py_NewRef(tag), Py_NewRef(action), hash, rule_of(action)};
}

static PyObject *
rules_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *actions, *tag, *action;
    if (!PyArg_ParseTuple(args, "O!", &PyDict_Type, &actions))
        return NULL;
    Rules *self = (Rules *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    for (self->slots = 16; (Py_ssize_t)self->slots < 2 * PyDict_GET_SIZE(actions); self->slots *= 2)
        ;
    self->entries = PyMem_Calloc(self->slots, sizeof(Entry));
    if (self->entries == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t place = 0; PyDict_Next(actions, &place, &tag, &action);) {
        if (!PyUnicode_Check(tag)) {
            Py_DECREF(self);
            return PyErr_Format(PyExc_TypeError, "tags are strings");
        }
        add_rule(self, tag, action);
    }
    return (PyObject *)self;
}

/* A start or end tag in the markup: `<` stands at start - 1, `>` (or what ends an unfinished tag) at end. */
typedef struct {
    Py_ssize_t start, name_end, end, after; /* after: where its text begins */
    Entry *entry;                           /* NULL: no rule */
} Tag;

/* A comment may hold "<!" just before its end, as old conditional ones do. */
static inline Tag
scan_comment(const int kind, const void *data, Py_ssize_t start, Py_ssize_t size)
{
    Py_ssize_t i = start + 5;
    while (i < size && (PyUnicode_READ(kind, data, i) != '>' || PyUnicode_READ(kind, data, i - 1) != '-' ||
                        PyUnicode_READ(kind, data, i - 2) != '-'))
        i++;
    return (Tag){start, start, start, i < size ? i + 1 : size, NULL};
}

static inline Tag
scan_tag(const int kind, const void *data, Py_ssize_t start, Py_ssize_t size, uint32_t *hash)
{
    Py_ssize_t i = start;
    Py_UCS4 c = 0;
    if (start + 2 < size && PyUnicode_READ(kind, data, start) == '!' && PyUnicode_READ(kind, data, start + 1) == '-' &&
        PyUnicode_READ(kind, data, start + 2) == '-')
        return scan_comment(kind, data, start, size);
    for (; i < size && (c = PyUnicode_READ(kind, data, i)) != '>' && c != '<' && c != ' '; i++)
        *hash = HASH_STEP(*hash, c);
    Tag tag = {start, i, i, i, NULL};
    while (i < size && (c = PyUnicode_READ(kind, data, i)) != '>' && c != '<')
        i++;
    tag.end = i;
    tag.after = i < size && c == '>' ? i + 1 : i;
    return tag;
}

#define SCAN_TAG(width) scan_tag(width, data, start, size, &hash)

static Tag
read_tag(Rules *rules, PyObject *markup, Py_ssize_t start)
{
    const void *data = PyUnicode_DATA(markup);
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup);
    uint32_t hash = HASH_START;
    Tag tag = FOR_KIND(PyUnicode_KIND(markup), SCAN_TAG);
    for (uint32_t slot = hash & (rules->slots - 1); rules->entries[slot].tag != NULL; slot = (slot + 1) & (rules->slots - 1)) {
        Entry *entry = &rules->entries[slot];
        if (entry->hash == hash && PyUnicode_GET_LENGTH(entry->tag) == tag.name_end - start &&
            PyUnicode_Tailmatch(markup, entry->tag, start, tag.name_end, -1) == 1) {
            tag.entry = entry;
            break;
        }
    }
    return tag;
}

/* Whether markup[start:end] is this tag name, behind a "/" for an end tag. */
static int
is_named(PyObject *markup, Py_ssize_t start, Py_ssize_t end, PyObject *name, int closes)
{
    if (end - start != PyUnicode_GET_LENGTH(name) + closes || (closes && PyUnicode_READ_CHAR(markup, start) != '/'))
        return 0;
    return PyUnicode_Tailmatch(markup, name, start + closes, end, -1) == 1;
}

static Tag
tag_at(PyObject *markup, Py_ssize_t start)
{
    const void *data = PyUnicode_DATA(markup);
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup);
    uint32_t hash = HASH_START;
    return FOR_KIND(PyUnicode_KIND(markup), SCAN_TAG);
}

static int
add_part(PyObject *parts, PyObject *markup, Py_ssize_t start, Py_ssize_t end)
{
    PyObject *text = unescaped(markup, start, end);
    int failed = text == NULL || PyList_Append(parts, text) < 0;
    Py_XDECREF(text);
    return failed ? -1 : 0;
}

/* Adds the texts of the element; the end of its end tag, 0 past the budget, -1 with an error. */
static Py_ssize_t
look_through(Walk *self, Py_ssize_t after, PyObject *name, PyObject *parts)
{
    PyObject *markup = self->markup;
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), depth = 1;
    for (int first = 1;; first = 0) {
        Py_ssize_t place = PyUnicode_FindChar(markup, '<', after, size, 1);
        if (add_part(parts, markup, after, place < 0 ? size : place) < 0)
            return -1;
        if (place < 0)
            return 0;
        Tag tag = tag_at(markup, place + 1);
        int closes = is_named(markup, tag.start, tag.end, name, 1);
        if (closes && first)
            return tag.after;
        if (self->looks_left <= 0)
            return 0;
        self->looks_left--;
        depth += is_named(markup, tag.start, tag.name_end, name, 0) - closes;
        if (depth == 0)
            return tag.after;
        after = tag.after;
    }
}

static PyObject *
walk_look_inside(Walk *self, PyObject *args)
{
    PyObject *name, *found = NULL;
    Py_ssize_t after;
    if (!PyArg_ParseTuple(args, "nU", &after, &name))
        return NULL;
    PyObject *parts = PyList_New(0);
    if (parts == NULL)
        return NULL;
    Py_ssize_t end = after < 0 ? 0 : look_through(self, after, name, parts);
    if (end == 0)
        found = Py_NewRef(Py_None);
    else if (end > 0) {
        PyObject *text = PyUnicode_Join(s_empty, parts);
        found = text == NULL ? NULL : Py_BuildValue("(Nn)", text, end);
    }
    Py_DECREF(parts);
    return found;
}

static int
call_action(Walk *self, PyObject *action, PyObject *head, Py_ssize_t after)
{
    PyObject *place = PyLong_FromSsize_t(after);
    if (place == NULL)
        return -1;
    PyObject *done = PyObject_CallFunctionObjArgs(action, (PyObject *)self, head, place, NULL);
    Py_DECREF(place);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
act(Walk *self, const Tag *tag)
{
    int rule = tag->entry->rule;
    if (rule == CLOSE_BLOCK || rule == CLOSE_LINK || rule == CLOSE_CONTAINER || rule == LINE_BREAK)
        return apply_rule(self, rule, NULL); /* the most frequent of those that need no start tag */
    PyObject *head = PyUnicode_Substring(self->markup, tag->start, tag->end);
    if (head == NULL)
        return -1;
    int failed = rule ? apply_rule(self, rule, head) : call_action(self, tag->entry->action, head, tag->after);
    Py_DECREF(head);
    return failed;
}

static int
add_text(Walk *self, Py_ssize_t start, Py_ssize_t end)
{
    if (start >= end || (PyList_GET_SIZE(self->buffer) == 0 && is_blank(self->markup, start, end)))
        return 0;
    PyObject *text = unescaped(self->markup, start, end);
    if (text == NULL)
        return -1;
    if (self->in_link)
        self->link_chars += PyUnicode_GET_LENGTH(text);
    int failed = PyList_Append(self->buffer, text);
    Py_DECREF(text);
    return failed;
}

static int
walk_markup(Walk *self, Rules *rules)
{
    PyObject *markup = self->markup;
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), place = 0, tags = 0;
    while (place < size) {
        Py_ssize_t open = PyUnicode_FindChar(markup, '<', place, size, 1);
        if (add_text(self, place, open < 0 ? size : open) < 0)
            return -1;
        if (open < 0)
            break;
        Tag tag = read_tag(rules, markup, open + 1);
        place = tag.after;
        if (tag.entry != NULL) {
            self->resume = -1;
            if (act(self, &tag) < 0)
                return -1;
            if (self->resume > place)
                place = self->resume;
        }
        if ((++tags & 0xFFF) == 0 && PyErr_CheckSignals() < 0)
            return -1;
    }
    return flush_buffer(self);
}

static PyObject *
lay_out_markup(PyObject *Py_UNUSED(module), PyObject *args)
{
    Walk *self;
    PyObject *markup;
    Rules *rules;
    if (!PyArg_ParseTuple(args, "O!UO!", walk_type, &self, &markup, rules_type, &rules) || !is_ready(self))
        return NULL;
    Py_SETREF(self->markup, Py_NewRef(markup));
    Py_INCREF(self);
    Py_INCREF(rules);
    int failed = walk_markup(self, rules);
    Py_DECREF(rules);
    Py_DECREF(self);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* --- SignFinder: an Aho-Corasick automaton (CACM 18:6, 1975) over ASCII, letters in any case --- */

typedef struct {
    PyObject_HEAD
    PyObject *signs;
    int width, states;   /* character classes; class 0 is any character of no sign */
    unsigned char classes[128];
    Py_ssize_t longest;
    int *next;           /* [state * width + class] -> state; once linked its row, negative where a sign ends there */
    int *sign;           /* [state] -> sign that ends here, or -1 */
    int *shorter;        /* [state] -> longest proper suffix that ends a sign, or -1 */
} Finder;

static void
finder_dealloc(Finder *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->signs);
    PyMem_Free(self->next);
    PyMem_Free(self->sign);
    PyMem_Free(self->shorter);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Text of a sign, or NULL with an error. */
static const char *
sign_text(PyObject *sign, Py_ssize_t *length)
{
    const char *text = PyUnicode_Check(sign) && PyUnicode_IS_ASCII(sign) ? PyUnicode_AsUTF8AndSize(sign, length) : NULL;
    if (text == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "signs are ASCII");
    return text;
}

static int
number_classes(Finder *self)
{
    Py_ssize_t length, total = 1;
    self->width = 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->signs); i++) {
        const char *text = sign_text(PyTuple_GET_ITEM(self->signs, i), &length);
        if (text == NULL)
            return -1;
        total += length;
        if (length > self->longest)
            self->longest = length;
        for (Py_ssize_t k = 0; k < length; k++)
            if (self->classes[(unsigned char)text[k]] == 0)
                self->classes[(unsigned char)text[k]] = (unsigned char)self->width++;
    }
    for (int c = 'A'; c <= 'Z'; c++)
        self->classes[c] = self->classes[c - 'A' + 'a'];
    if (total > 100000) {
        PyErr_SetString(PyExc_ValueError, "too many signs");
        return -1;
    }
    self->next = PyMem_Calloc((size_t)total * (size_t)self->width, sizeof(int));
    self->sign = PyMem_New(int, total);
    self->shorter = PyMem_New(int, total);
    if (self->next == NULL || self->sign == NULL || self->shorter == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void
plant(Finder *self, int number, const char *text, Py_ssize_t length) /* one branch of the trie; 0 is no child */
{
    int state = 0;
    for (Py_ssize_t k = 0; k < length; k++) {
        int *child = &self->next[state * self->width + self->classes[(unsigned char)text[k]]];
        if (*child == 0) {
            self->sign[self->states] = -1;
            *child = self->states++;
        }
        state = *child;
    }
    self->sign[state] = number;
}

/* Breadth first: a missing child is the child of the longest suffix. */
static int
link_suffixes(Finder *self)
{
    int *queue = PyMem_New(int, self->states), *suffix = PyMem_New(int, self->states), head = 0, tail = 0;
    if (queue == NULL || suffix == NULL) {
        PyMem_Free(queue);
        PyMem_Free(suffix);
        PyErr_NoMemory();
        return -1;
    }
    queue[tail++] = 0;
    suffix[0] = 0;
    self->shorter[0] = -1;
    while (head < tail) {
        int state = queue[head++];
        for (int class = 0; class < self->width; class++) {
            int *child = &self->next[state * self->width + class];
            int other = state ? self->next[suffix[state] * self->width + class] : 0;
            if (*child == 0) {
                *child = other;
                continue;
            }
            suffix[*child] = other;
            self->shorter[*child] = self->sign[other] >= 0 ? other : self->shorter[other];
            queue[tail++] = *child;
        }
    }
    for (int i = 0; i < self->states * self->width; i++) {
        int state = self->next[i];
        int ends = self->sign[state] >= 0 || self->shorter[state] >= 0;
        self->next[i] = state * self->width * (ends ? -1 : 1);
    }
    PyMem_Free(queue);
    PyMem_Free(suffix);
    return 0;
}

static PyObject *
finder_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *signs;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &signs))
        return NULL;
    Finder *self = (Finder *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->signs = Py_NewRef(signs);
    if (number_classes(self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->states = 1;
    self->sign[0] = -1;
    for (Py_ssize_t i = 0, length; i < PyTuple_GET_SIZE(signs); i++) {
        const char *text = sign_text(PyTuple_GET_ITEM(signs, i), &length);
        plant(self, (int)i, text, length);
    }
    if (link_suffixes(self) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void
note(Finder *self, int state, char *found)
{
    for (; state >= 0; state = self->shorter[state])
        if (self->sign[state] >= 0)
            found[self->sign[state]] = 1;
}

/* A step waits for the one before it, so four parts of the page are read side by side; each goes on into the next
   for the length of the longest sign. */
#define PARTS 4
#define STEP(at, c)                                                                                                    \
    at = (c) < 128 ? next[at + classes[c]] : 0;                                                                        \
    if (at < 0) {                                                                                                      \
        at = -at;                                                                                                      \
        note(self, at / self->width, found);                                                                           \
    }
#define SCANNER(name, type)                                                                                            \
    static void name(Finder *self, const type *text, Py_ssize_t size, char *found)                                     \
    {                                                                                                                  \
        const int *next = self->next;                                                                                  \
        const unsigned char *classes = self->classes;                                                                  \
        Py_ssize_t part = size / PARTS, i = 0;                                                                         \
        int a = 0, b = 0, c = 0, d = 0;                                                                                \
        for (; i < part; i++) {                                                                                        \
            STEP(a, text[i])                                                                                           \
            STEP(b, text[part + i])                                                                                    \
            STEP(c, text[2 * part + i])                                                                                \
            STEP(d, text[3 * part + i])                                                                                \
        }                                                                                                              \
        int ends[PARTS] = {a, b, c, d};                                                                                \
        for (int k = 0; k < PARTS; k++)                                                                                \
            for (i = (k + 1) * part; i < size && i < (k + 1) * part + self->longest + PARTS; i++) {                    \
                STEP(ends[k], text[i])                                                                                 \
            }                                                                                                          \
    }
SCANNER(scan_1, Py_UCS1)
SCANNER(scan_2, Py_UCS2)
SCANNER(scan_4, Py_UCS4)

/* Marks the signs of `html` in `found`. */
static void
scan(Finder *self, PyObject *html, char *found)
{
    const void *data = PyUnicode_DATA(html);
    Py_ssize_t size = PyUnicode_GET_LENGTH(html);
    switch (PyUnicode_KIND(html)) {
    case PyUnicode_1BYTE_KIND:
        scan_1(self, data, size, found);
        break;
    case PyUnicode_2BYTE_KIND:
        scan_2(self, data, size, found);
        break;
    default:
        scan_4(self, data, size, found);
    }
}

static int
holds_reserved(PyObject *html)
{
    int kind = PyUnicode_KIND(html);
    const void *data = PyUnicode_DATA(html);
    if (kind == PyUnicode_1BYTE_KIND)
        return 0;
    for (Py_ssize_t i = 0, size = PyUnicode_GET_LENGTH(html); i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c >= FIRST_RESERVED && c <= LAST_RESERVED)
            return 1;
    }
    return 0;
}

static int
add_found(Finder *self, PyObject *set, const char *found, int reserved)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->signs); i++)
        if (found[i] && PySet_Add(set, PyTuple_GET_ITEM(self->signs, i)) < 0)
            return -1;
    PyObject *mark = reserved ? PyUnicode_FromOrdinal(FIRST_RESERVED) : NULL;
    int failed = reserved && (mark == NULL || PySet_Add(set, mark) < 0);
    Py_XDECREF(mark);
    return failed ? -1 : 0;
}

static PyObject *
finder_find(Finder *self, PyObject *html)
{
    if (!PyUnicode_Check(html))
        return PyErr_Format(PyExc_TypeError, "find takes a string");
    char *found = PyMem_Calloc((size_t)PyTuple_GET_SIZE(self->signs) + 1, 1);
    if (found == NULL)
        return PyErr_NoMemory();
    scan(self, html, found);
    int reserved = holds_reserved(html);
    PyObject *set = PyFrozenSet_New(NULL);
    if (set != NULL && add_found(self, set, found, reserved) < 0)
        Py_CLEAR(set);
    PyMem_Free(found);
    return set;
}

static PyMethodDef finder_methods[] = {{"find", (PyCFunction)finder_find, METH_O, NULL}, {NULL}};
static PyMemberDef finder_members[] = {{"signs", T_OBJECT_EX, offsetof(Finder, signs), READONLY, NULL}, {NULL}};

/* --- the module --- */

static PyType_Slot flow_slots[] = {
    {Py_tp_new, flow_new},         {Py_tp_init, flow_init},       {Py_tp_dealloc, flow_dealloc},
    {Py_tp_methods, flow_methods}, {Py_tp_members, flow_members}, {0, NULL},
};
static PyType_Slot walk_slots[] = {
    {Py_tp_new, walk_new},         {Py_tp_init, walk_init},       {Py_tp_dealloc, walk_dealloc},
    {Py_tp_methods, walk_methods}, {Py_tp_members, walk_members}, {0, NULL},
};
static PyType_Slot rules_slots[] = {{Py_tp_new, rules_new}, {Py_tp_dealloc, rules_dealloc}, {0, NULL}};
static PyType_Slot finder_slots[] = {
    {Py_tp_new, finder_new},         {Py_tp_dealloc, finder_dealloc}, {Py_tp_methods, finder_methods},
    {Py_tp_members, finder_members}, {0, NULL},
};

#define TYPE_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE)
static PyType_Spec flow_spec = {"extractors.layout._hot.FlowBase", sizeof(Flow), 0, TYPE_FLAGS, flow_slots};
static PyType_Spec walk_spec = {"extractors.layout._hot.WalkBase", sizeof(Walk), 0, TYPE_FLAGS, walk_slots};
static PyType_Spec rules_spec = {"extractors.layout._hot.Rules", sizeof(Rules), 0, Py_TPFLAGS_DEFAULT, rules_slots};
static PyType_Spec finder_spec = {"extractors.layout._hot.SignFinder", sizeof(Finder), 0, Py_TPFLAGS_DEFAULT,
                                  finder_slots};

static int
make_strings(void)
{
    static const struct {
        PyObject **place;
        const char *text;
    } strings[] = {
        {&s_expand, "expand"},         {&s_finish, "finish"},       {&s_formula_kind, "formula_kind"},
        {&s_write_cell, "write_cell"}, {&s_empty, ""},              {&s_enter_item, "enter_item"},
        {&s_list, "list"},             {&s_paragraph, "paragraph"}, {&s_bullet, "- "},
        {&s_bullet_rest, "  "},        {&s_space, " "},             {&s_break, "\xee\x80\x82"},
        {&s_line, "\n"},               {&s_gap, "\n\n"},            {&s_href, " href=\""},
        {&s_id, " id=\""},
        {&s_class, " class=\""},
        {&s_heading, "heading"},
        {&s_block, "block"},
        {&s_classifier, "classifier"},
        {&s_open_special_span, "open_special_span"},
        {&s_open_data_row, "open_data_row"},
        {&s_open_data_cell, "open_data_cell"},
        {&s_close_data_cell, "close_data_cell"},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if ((*strings[i].place = PyUnicode_InternFromString(strings[i].text)) == NULL)
            return -1;
    return 0;
}

static PyTypeObject *
add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(spec);
    if (type != NULL && PyModule_AddType(module, type) < 0)
        Py_CLEAR(type);
    return type; /* kept for the life of the process */
}

static PyMethodDef module_methods[] = {
    {"lay_out_markup", lay_out_markup, METH_VARARGS, NULL},
    RULES(LIST_RULE){NULL},
};

static struct PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, "_hot", NULL, -1, module_methods};

PyMODINIT_FUNC
PyInit__hot(void)
{
    PyObject *module = PyModule_Create(&module_definition);
    if (module == NULL)
        return NULL;
    int failed = 0;
    for (int rule = 1; rule < RULE_COUNT; rule++)
        failed |= (rule_objects[rule] = PyObject_GetAttrString(module, RULE_NAMES[rule])) == NULL;
    if (failed || make_strings() < 0 || (flow_type = add_type(module, &flow_spec)) == NULL ||
        (walk_type = add_type(module, &walk_spec)) == NULL || (rules_type = add_type(module, &rules_spec)) == NULL ||
        add_type(module, &finder_spec) == NULL ||
        PyModule_AddIntConstant(module, "TWIN_VERSION", TWIN_VERSION) < 0)
        Py_CLEAR(module);
    return module;
}
