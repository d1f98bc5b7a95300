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

static inline int
holds_work(const int kind, const void *data, Py_ssize_t size, int ascii, int masks)
{
    int control = 0;
    Py_UCS4 before = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (masks && (c == '$' || c == '\\' || (c == '/' && (before == '[' || before == '<'))))
            return 1;
        if (c > 127 && c != FORMULA_OPEN && c != FORMULA_OPEN + 1 && !Py_UNICODE_ISPRINTABLE(c))
            return 1;
        control |= (c < 32 && c != '\n') || c == 127;
        before = c;
    }
    return control && !ascii;
}

/* Whether the subclass's `finish` could change the text: a formula or inline code, or characters nobody sees. */
static int
needs_finish(Walk *self, PyObject *text)
{
    int ascii = PyUnicode_IS_ASCII(text), masks = self->mask != Py_None;
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (!masks && ascii)
        return 0;
#define HOLDS_WORK(width) holds_work(width, data, size, ascii, masks)
    return (masks && self->mask_all) || FOR_KIND(PyUnicode_KIND(text), HOLDS_WORK);
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
    PyObject *path = Py_XNewRef(last(self->paths)), *kind; /* a callback may change the list */
    if (path == NULL)
        return -1;
    if (PyUnicode_READ_CHAR(text, 0) == FORMULA_OPEN)
        kind = PyObject_CallMethodOneArg((PyObject *)self, s_formula_kind, text);
    else
        kind = Py_XNewRef(last(self->kinds));
    if (kind == NULL) {
        Py_DECREF(path);
        return -1;
    }
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
