/* --- WalkBase --- */

/* The path of an element whose start tag stands at start in the markup, inside the block with path `parent`. */
typedef struct {
    PyObject *parent, *path;
    Py_ssize_t start, length;
    uint32_t hash;
} Place;

typedef struct {
    Place *slots; /* open addressing; `path` is NULL where one is free */
    uint32_t size, used;
} Places;

/* An open block: its start tag in the markup, and its path once a leaf has asked for it. */
typedef struct {
    Py_ssize_t start, name_end, end;
    PyObject *path;
} Block;

typedef struct {
    PyObject_HEAD
    Flow *flow;
    PyObject *mask, *places, *code_blocks, *markup, *codes, *opened, *kinds, *lists, *cell, *rows;
    Block *blocks;       /* the outermost is the page, whose path is "" */
    Py_ssize_t depth, named, room; /* of `blocks`: how many are open, how many of them have their path, place for */
    Flags links, spans;  /* open `a` elements: whether they have a target; open spans: whether they are blocks */
    Text buffer, looked; /* looked: scratch of rules that read an element's whole text or a value */
    Places known;        /* places in the markup */
    Py_ssize_t resume, looks_left, looks_open, link_chars, in_link, last_link_end, table_links;
    Py_ssize_t cell_depth;
    long cell_columns, cell_rows;
    char mask_all, cell_header;
} Walk;

static void
clear_places(Places *known)
{
    for (uint32_t i = 0; i < known->size; i++) {
        Py_XDECREF(known->slots[i].parent);
        Py_XDECREF(known->slots[i].path);
    }
    PyMem_Free(known->slots);
    *known = (Places){NULL, 0, 0};
}

#define FIRST_BLOCKS 64

static PyObject *
walk_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Walk *self = (Walk *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->mask = Py_NewRef(Py_None);
    self->cell = Py_NewRef(Py_None);
    self->rows = Py_NewRef(Py_None);
    self->last_link_end = -1;
    self->places = PyDict_New();
    self->markup = Py_NewRef(s_empty);
    self->blocks = PyMem_New(Block, FIRST_BLOCKS);
    PyObject **lists[] = {&self->codes, &self->opened, &self->lists, &self->kinds};
    int failed = self->places == NULL || self->blocks == NULL;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        failed |= (*lists[i] = PyList_New(0)) == NULL;
    if (self->blocks != NULL) {
        self->blocks[0] = (Block){0, 0, 0, Py_NewRef(s_empty)};
        self->depth = self->named = 1;
        self->room = FIRST_BLOCKS;
    }
    if (failed || PyList_Append(self->kinds, s_paragraph) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
walk_init(Walk *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"flow", "mask", "mask_all", "places", "code_blocks", NULL};
    PyObject *flow, *mask, *places, *code_blocks;
    int mask_all;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!OpO!O!", names, flow_type, &flow, &mask, &mask_all, &PyDict_Type,
                                     &places, &PyList_Type, &code_blocks))
        return -1;
    Py_XSETREF(self->flow, (Flow *)Py_NewRef(flow));
    Py_SETREF(self->mask, Py_NewRef(mask));
    Py_SETREF(self->places, Py_NewRef(places));
    Py_XSETREF(self->code_blocks, Py_NewRef(code_blocks));
    self->mask_all = (char)mask_all;
    return 0;
}

static void
walk_dealloc(Walk *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject *held[] = {(PyObject *)self->flow, self->mask,  self->places, self->code_blocks, self->markup,
                        self->codes,            self->opened, self->kinds, self->lists,       self->cell,
                        self->rows};
    for (Py_ssize_t i = 0; i < self->named; i++)
        Py_DECREF(self->blocks[i].path);
    PyMem_Free(self->blocks);
    PyMem_Free(self->links.data);
    PyMem_Free(self->spans.data);
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        Py_XDECREF(held[i]);
    PyMem_Free(self->buffer.data);
    PyMem_Free(self->looked.data);
    clear_places(&self->known);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
in_cell(Walk *self)
{
    return self->cell != Py_None;
}

enum { FOR_PYTHON = 1, HOLDS_CODE = 2 };

/* What is left to do in a text: for the subclass's `finish`, formulas and characters nobody sees; inline code. */
static inline int
work_in(const int kind, const void *data, Py_ssize_t size, int ascii, int masks)
{
    int work = 0, control = 0;
    Py_UCS4 before = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c < 127) {
            if (masks && (c == '$' || c == '\\' || (c == '/' && (before == '[' || before == '<'))))
                work |= FOR_PYTHON;
            control |= c < 32 && c != '\n';
        }
        else if (kind != PyUnicode_1BYTE_KIND && c >= FORMULA_OPEN && c <= INLINE_CODE_CLOSE)
            work |= c == INLINE_CODE_OPEN ? HOLDS_CODE : 0;
        else if (!((c >= 0xAE && c < 0x370) || (c >= 0x4E00 && c < 0x9FA6)) && !Py_UNICODE_ISPRINTABLE(c))
            control = 1; /* the two ranges: printable, all of them */
        before = c;
    }
    return control && !ascii ? work | FOR_PYTHON : work;
}

/* text with the pieces of inline code behind its marks. New reference. */
static PyObject *
with_codes(Walk *self, PyObject *text)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text), start = 0;
    PyObject *parts = PyList_New(0), *joined = NULL;
    while (parts != NULL) {
        Py_ssize_t open = PyUnicode_FindChar(text, INLINE_CODE_OPEN, start, size, 1), number = 0, place = open + 1;
        PyObject *plain = PyUnicode_Substring(text, start, open < 0 ? size : open);
        int failed = plain == NULL || PyList_Append(parts, plain) < 0;
        Py_XDECREF(plain);
        if (open < 0 && !failed)
            joined = PyUnicode_Join(s_empty, parts);
        if (open < 0 || failed)
            break;
        for (; place < size && number < PY_SSIZE_T_MAX / 16; place++) {
            Py_UCS4 digit = PyUnicode_READ_CHAR(text, place);
            if (digit < '0' || digit > '9')
                break;
            number = 10 * number + (Py_ssize_t)(digit - '0');
        }
        if (place == open + 1 || place == size || PyUnicode_READ_CHAR(text, place) != INLINE_CODE_CLOSE ||
            number >= PyList_GET_SIZE(self->codes)) {
            PyErr_SetString(PyExc_ValueError, "no inline code has this number");
            break;
        }
        if (PyList_Append(parts, PyList_GET_ITEM(self->codes, number)) < 0)
            break;
        start = place + 1;
    }
    Py_XDECREF(parts);
    return joined;
}

/* The text as `finish` leaves it, its inline code in place. New reference. */
static PyObject *
finished(Walk *self, PyObject *text)
{
    int ascii = PyUnicode_IS_ASCII(text), masks = self->mask != Py_None;
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
#define WORK_IN(width) work_in(width, data, size, ascii, masks)
    int work = !masks && ascii ? 0 : FOR_KIND(PyUnicode_KIND(text), WORK_IN);
    if (masks && self->mask_all)
        work |= FOR_PYTHON;
    PyObject *done = work & FOR_PYTHON ? PyObject_CallMethodOneArg((PyObject *)self, s_finish, text) : Py_NewRef(text);
    if (done != NULL && !PyUnicode_Check(done)) {
        PyErr_SetString(PyExc_TypeError, "finish gives no text");
        Py_CLEAR(done);
    }
    if (done != NULL && work & HOLDS_CODE)
        Py_SETREF(done, with_codes(self, done));
    return done;
}

/* A leaf of the open cell of a table of data. */
static int
write_in_cell(Walk *self, PyObject *text, Py_ssize_t links)
{
    PyObject *cell = self->cell, *kind = last(self->kinds);
    Py_ssize_t count = PyList_GET_SIZE(cell);
    if (kind == NULL)
        return -1;
    PyObject *before = count ? PyList_GET_ITEM(cell, count - 1) : s_empty;
    Py_ssize_t length = PyUnicode_Check(before) ? PyUnicode_GET_LENGTH(before) : 0;
    int items = PyUnicode_Check(kind) && PyUnicode_Compare(kind, s_list) == 0;
    if (length && items && Py_UNICODE_ISALNUM(PyUnicode_READ_CHAR(before, length - 1))) {
        PyObject *item = PyUnicode_FromFormat("%U;", before); /* items of a list in a cell */
        if (item == NULL || PyList_SetItem(cell, count - 1, item) < 0)
            return -1;
    }
    self->table_links += links;
    if (PyUnicode_FindChar(text, '\n', 0, PyUnicode_GET_LENGTH(text), 1) < 0)
        return PyList_Append(cell, text);
    PyObject *line = PyUnicode_Replace(text, s_line, s_space, -1);
    int failed = line == NULL || PyList_Append(cell, line) < 0;
    Py_XDECREF(line);
    return failed ? -1 : 0;
}

static PyObject *current_path(Walk *self);

static int
write_finished(Walk *self, PyObject *text, Py_ssize_t links)
{
    if (in_cell(self))
        return write_in_cell(self, text, links);
    PyObject *path = Py_XNewRef(current_path(self)), *kind; /* a callback may close the block */
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
    if (PyUnicode_Check(kind))
        failed = write_leaf(self->flow, text, kind, path, links, Py_None, Py_None);
    else
        PyErr_SetString(PyExc_TypeError, "kinds are strings");
    Py_DECREF(kind);
    Py_DECREF(path);
    return failed;
}

static int
write_text(Walk *self, PyObject *text, Py_ssize_t links)
{
    PyObject *done = finished(self, text);
    if (done == NULL)
        return -1;
    int failed = PyUnicode_GET_LENGTH(done) ? write_finished(self, done, links) : 0;
    Py_DECREF(done);
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

/* The inline text that was gathered, collapsed; *broken where lines in it end. New reference. */
static PyObject *
take_buffer(Walk *self, int lines, int *broken)
{
    *broken = collapse(&self->buffer, lines);
    PyObject *text = string_of(&self->buffer);
    self->buffer.length = 0;
    self->link_chars = 0;
    self->last_link_end = -1;
    return text;
}

static int
flush_buffer(Walk *self)
{
    Py_ssize_t links = self->link_chars;
    int broken, failed = 0;
    if (self->buffer.length == 0)
        return 0;
    PyObject *text = take_buffer(self, 1, &broken);
    if (text == NULL)
        return -1;
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

static PyObject *
walk_add(Walk *self, PyObject *text)
{
    if (!PyUnicode_Check(text))
        return PyErr_Format(PyExc_TypeError, "add takes a string");
    if (add_stretch(&self->buffer, text, 0, PyUnicode_GET_LENGTH(text)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
walk_last_character(Walk *self, PyObject *Py_UNUSED(args))
{
    Text *buffer = &self->buffer;
    return buffer->length ? PyUnicode_FromOrdinal((int)buffer->data[buffer->length - 1]) : Py_NewRef(s_empty);
}

static PyObject *
walk_push_span(Walk *self, PyObject *boxed)
{
    int flag = PyObject_IsTrue(boxed);
    if (flag < 0 || push_flag(&self->spans, flag) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
walk_path(Walk *self, PyObject *Py_UNUSED(args))
{
    return Py_XNewRef(current_path(self));
}

static PyObject *walk_look_inside(Walk *self, PyObject *args);

static PyMethodDef walk_methods[] = {
    {"add", (PyCFunction)walk_add, METH_O, NULL},
    {"last_character", (PyCFunction)walk_last_character, METH_NOARGS, NULL},
    {"flush", (PyCFunction)walk_flush, METH_NOARGS, NULL},
    {"write_prose", (PyCFunction)walk_write_prose, METH_VARARGS, NULL},
    {"push_span", (PyCFunction)walk_push_span, METH_O, NULL},
    {"path", (PyCFunction)walk_path, METH_NOARGS, NULL},
    {"look_inside", (PyCFunction)walk_look_inside, METH_VARARGS, NULL},
    {NULL},
};

#define HELD(name) {#name, T_OBJECT, offsetof(Walk, name), READONLY, NULL}
#define NUMBER(name) {#name, T_PYSSIZET, offsetof(Walk, name), 0, NULL}

static PyMemberDef walk_members[] = {
    HELD(flow),         HELD(mask),  HELD(places), HELD(code_blocks), HELD(markup), HELD(opened),
    HELD(kinds),        HELD(lists), HELD(cell),   HELD(rows),
    NUMBER(looks_left), NUMBER(looks_open), NUMBER(link_chars), NUMBER(in_link), NUMBER(last_link_end),
    NUMBER(resume),     NUMBER(table_links), {NULL},
};
