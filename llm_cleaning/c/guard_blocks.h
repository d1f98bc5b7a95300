/* Blocks of Markdown-like text that came without any: guard_lines.py, `spans`. */

typedef struct {
    PyObject *starts, *ends, *kinds;
    const char *kind, *until; /* of the block that is open: its kind, what closes it; NULL: nothing */
} Blocks;

static int
begins(PyObject *text, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t at = start;
    while (at < end && at - start < 6 && PyUnicode_READ_CHAR(text, at) == '#')
        at++;
    Py_ssize_t behind = at;
    while (at < end && is_tab_or_space(PyUnicode_READ_CHAR(text, at)))
        at++;
    return at > behind && at < end && !Py_UNICODE_ISSPACE(PyUnicode_READ_CHAR(text, at));
}

static int
is_item(PyObject *key)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(key), at = 0;
    Py_UCS4 c = PyUnicode_READ_CHAR(key, 0);
    if (c == '-' || c == '*' || c == '+')
        at = 1;
    else {
        while (at < length && at < 9 && Py_UNICODE_ISDECIMAL(PyUnicode_READ_CHAR(key, at)))
            at++;
        c = at && at < length ? PyUnicode_READ_CHAR(key, at) : 0;
        at = c == '.' || c == ')' ? at + 1 : length;
    }
    return at + 1 < length && PyUnicode_READ_CHAR(key, at) == ' ' && !Py_UNICODE_ISSPACE(PyUnicode_READ_CHAR(key, at + 1));
}

static int
has_dollars(PyObject *key, Py_ssize_t from)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(key);
    for (Py_ssize_t at = from; at + 1 < length; at++)
        if (PyUnicode_READ_CHAR(key, at) == '$' && PyUnicode_READ_CHAR(key, at + 1) == '$')
            return 1;
    return 0;
}

static int
ends_in_dollars(PyObject *key)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(key);
    return length >= 2 && PyUnicode_READ_CHAR(key, length - 1) == '$' && PyUnicode_READ_CHAR(key, length - 2) == '$';
}

static const char *
line_kind(PyObject *text, PyObject *key, Py_ssize_t start, Py_ssize_t end)
{
    Py_UCS4 first = PyUnicode_READ_CHAR(key, 0);
    if (Py_UNICODE_ISALPHA(first))
        return "paragraph";
    if (first == '$' && PyUnicode_GET_LENGTH(key) > 1 && PyUnicode_READ_CHAR(key, 1) == '$')
        return !has_dollars(key, 2) || ends_in_dollars(key) ? "math" : "paragraph";
    if (first == '|' || first == '>')
        return PyUnicode_READ_CHAR(text, start) != first ? "paragraph" : first == '|' ? "table" : "quote";
    if (first == '#' && begins(text, start, end))
        return "heading";
    return is_item(key) ? "list" : "paragraph";
}

static int
append(PyObject *list, PyObject *item)
{
    int failed = item == NULL ? -1 : PyList_Append(list, item);
    Py_XDECREF(item);
    return failed;
}

/* One line joins the block that is open or begins another. */
static int
add_line(Blocks *blocks, const char *now, PyObject *start, PyObject *end, int joins)
{
    if (joins)
        return PyList_SetItem(blocks->ends, PyList_GET_SIZE(blocks->ends) - 1, Py_NewRef(end));
    blocks->kind = now;
    if (PyList_Append(blocks->starts, start) < 0 || PyList_Append(blocks->ends, end) < 0)
        return -1;
    return append(blocks->kinds, PyUnicode_InternFromString(now));
}

static int
is_same(const char *one, const char *two)
{
    return one != NULL && two != NULL && strcmp(one, two) == 0;
}

static int
add_lines(Blocks *blocks, PyObject *text, PyObject *const *columns, Py_ssize_t count)
{
    Py_ssize_t last = -2;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *key = PyList_GET_ITEM(columns[0], index);
        PyObject *start = PyList_GET_ITEM(columns[2], index), *end = PyList_GET_ITEM(columns[3], index);
        Py_ssize_t number = PyLong_AsSsize_t(PyList_GET_ITEM(columns[1], index));
        Py_ssize_t from = PyLong_AsSsize_t(start), to = PyLong_AsSsize_t(end);
        int code = PyObject_IsTrue(PyList_GET_ITEM(columns[4], index)), fence = PyObject_IsTrue(PyList_GET_ITEM(columns[5], index));
        Py_ssize_t length = PyUnicode_GET_LENGTH(text), least = code || fence ? 0 : 1;
        if (PyErr_Occurred() || !PyUnicode_CheckExact(key) || PyUnicode_GET_LENGTH(key) == 0)
            return -1;
        if (from < 0 || to < from + least || to > length)
            return -1;
        if (is_same(blocks->until, "$$") && number != last + 1)
            blocks->until = NULL; /* no formula crosses a blank line */
        if (blocks->until) {
            if (add_line(blocks, NULL, NULL, end, 1) < 0)
                return -1;
            last = number;
            if (is_same(blocks->until, "```") ? fence : ends_in_dollars(key))
                blocks->until = blocks->kind = NULL;
            continue;
        }
        const char *now = code || fence ? "code" : line_kind(text, key, from, to);
        int joined = is_same(now, blocks->kind) || (is_same(now, "paragraph") && (is_same(blocks->kind, "list") || is_same(blocks->kind, "quote")));
        joined = joined && number == last + 1 && !is_same(now, "heading") && !is_same(now, "math") && !is_same(now, "code");
        if (add_line(blocks, now, start, end, joined) < 0)
            return -1;
        last = number;
        blocks->until = fence ? "```" : is_same(now, "math") && !has_dollars(key, 2) ? "$$" : NULL;
    }
    return 0;
}

/* spans(text, keys, numbers, starts, ends, code, fence) -> (starts, ends, kinds) */
static PyObject *
spans(PyObject *self, PyObject *args)
{
    PyObject *text, *columns[6], *result = NULL;
    if (!PyArg_ParseTuple(args, "UO!O!O!O!O!O!", &text, &PyList_Type, columns, &PyList_Type, columns + 1, &PyList_Type, columns + 2,
                          &PyList_Type, columns + 3, &PyList_Type, columns + 4, &PyList_Type, columns + 5))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(columns[0]);
    for (int column = 1; column < 6; column++)
        if (PyList_GET_SIZE(columns[column]) != count) {
            PyErr_SetString(PyExc_ValueError, "columns of lines differ in length");
            return NULL;
        }
    Blocks blocks = {PyList_New(0), PyList_New(0), PyList_New(0), NULL, NULL};
    if (blocks.starts != NULL && blocks.ends != NULL && blocks.kinds != NULL && add_lines(&blocks, text, columns, count) == 0)
        result = PyTuple_Pack(3, blocks.starts, blocks.ends, blocks.kinds);
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "lines that do not lie in the text");
    Py_XDECREF(blocks.starts);
    Py_XDECREF(blocks.ends);
    Py_XDECREF(blocks.kinds);
    return result;
}
