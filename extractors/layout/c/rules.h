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
    int kind = PyUnicode_KIND(head);
    const void *data = PyUnicode_DATA(head);
    for (int inside = 0; start < end; start++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, start);
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

/* A long path keeps its beginning and its end. Takes the reference, gives a new one. */
static PyObject *
shortened(PyObject *path)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(path);
    PyObject *first = PyUnicode_Substring(path, 0, MAX_PATH / 2 - 3);
    PyObject *rest = PyUnicode_Substring(path, length - MAX_PATH / 2, length);
    PyObject *text = first == NULL || rest == NULL ? NULL : PyUnicode_FromFormat("%U...%U", first, rest);
    Py_XDECREF(first);
    Py_XDECREF(rest);
    Py_DECREF(path);
    return text;
}

/* Path of a block, as paths.py makes it; NULL without an error where a value is to be unescaped. */
static PyObject *
plain_path(PyObject *parent, PyObject *head)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(head), above = PyUnicode_GET_LENGTH(parent), start, end;
    Py_ssize_t name = PyUnicode_FindChar(head, ' ', 0, size, 1);
    if (size > 1000 || above > MAX_PATH || size == 0 || PyUnicode_READ_CHAR(head, 0) > 127 ||
        PyUnicode_FindChar(head, '&', 0, size, 1) >= 0)
        return NULL;
    Py_UCS4 segment[1000 + 8]; /* the head and three marks */
    int kind = PyUnicode_KIND(head);
    const void *data = PyUnicode_DATA(head);
    Py_ssize_t length = 0;
    for (; length < (name < 0 ? size : name); length++)
        segment[length] = PyUnicode_READ(kind, data, length);
    if (name >= 0 && find_value(head, s_id, &start, &end) && end > start) {
        if (PyUnicode_FindChar(head, ' ', start, end, 1) >= 0)
            return NULL;
        length = add_words(segment, length, head, start, end, '#', 1);
    }
    if (name >= 0 && find_value(head, s_class, &start, &end))
        length = add_words(segment, length, head, start, end, '.', 2);
    if (length > MAX_SEGMENT)
        length = MAX_SEGMENT;
    for (Py_ssize_t i = 0; i < length; i++)
        if (segment[i] == '/')
            segment[i] = '_';
    PyObject *text = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, segment, length);
    if (text == NULL || above == 0)
        return text;
    PyObject *path = PyUnicode_FromFormat("%U/%U", parent, text);
    Py_DECREF(text);
    return path == NULL || PyUnicode_GET_LENGTH(path) <= MAX_PATH ? path : shortened(path);
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
