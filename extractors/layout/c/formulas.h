/* --- formulas, written out where their sentinels stand; part of the twin of ../hot/flow.py --- */

#define FORMULA_CLOSE 0xE001
#define MAX_SENTINEL_DIGITS 9

/* Number of the sentinel at a place, with the place behind it; -1 where none stands. */
static Py_ssize_t
sentinel_at(int kind, const void *data, Py_ssize_t at, Py_ssize_t size, Py_ssize_t *end)
{
    Py_ssize_t number = 0, digit = at + 1;
    for (; digit < size && digit <= at + MAX_SENTINEL_DIGITS; digit++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, digit);
        if (c < '0' || c > '9')
            break;
        number = number * 10 + (c - '0');
    }
    *end = digit + 1;
    return digit > at + 1 && digit < size && PyUnicode_READ(kind, data, digit) == FORMULA_CLOSE ? number : -1;
}

/* The formula on one line, without white space around it. New reference. */
static PyObject *
one_line(PyObject *tex)
{
    Py_ssize_t start = 0, end = PyUnicode_GET_LENGTH(tex);
    if (PyUnicode_FindChar(tex, '\n', 0, end, 1) < 0)
        Py_INCREF(tex);
    else if ((tex = PyUnicode_Replace(tex, s_line, s_space, -1)) == NULL)
        return NULL;
    int kind = PyUnicode_KIND(tex);
    const void *data = PyUnicode_DATA(tex);
    while (start < end && is_space(PyUnicode_READ(kind, data, start)))
        start++;
    while (start < end && is_space(PyUnicode_READ(kind, data, end - 1)))
        end--;
    PyObject *line = PyUnicode_Substring(tex, start, end);
    Py_DECREF(tex);
    return line;
}

static int
add_dollars(Text *out, int count)
{
    for (; count > 0; count--)
        if (add_character(out, '$') < 0)
            return -1;
    return 0;
}

/* A dollar beside another would be part of its delimiter. */
static int
keep_apart(Text *out)
{
    return out->length > 0 && out->data[out->length - 1] == '$' ? add_character(out, ' ') : 0;
}

/* A row for the formula `tex` that has just been written, from `start` to `end` of the page's text. */
static int
record_formula(Flow *self, PyObject *tex, PyObject *formula, Py_ssize_t start, Py_ssize_t end)
{
    PyObject **column = self->formula;
    return append_number(column[0], start) < 0 || append_number(column[1], end) < 0 || PyList_Append(column[2], tex) < 0 ||
                   PyList_Append(column[3], PyTuple_GET_ITEM(formula, 1)) < 0 ||
                   PyList_Append(column[4], PyTuple_GET_ITEM(formula, 2)) < 0 ||
                   PyList_Append(column[5], PyTuple_GET_ITEM(formula, 3)) < 0
               ? -1
               : 0;
}

/* Writes a formula between its dollars and records it; `start` is where `out` will begin in the page's text. */
static int
write_formula(Flow *self, Text *out, PyObject *formula, Py_ssize_t start)
{
    int display = PyObject_IsTrue(PyTuple_GET_ITEM(formula, 2)), recovered = PyObject_IsTrue(PyTuple_GET_ITEM(formula, 3));
    PyObject *tex = display < 0 || recovered < 0 ? NULL : one_line(PyTuple_GET_ITEM(formula, 0));
    if (tex == NULL)
        return -1;
    Py_ssize_t begins = start + out->length, length = PyUnicode_GET_LENGTH(tex);
    int dollars = recovered ? 1 + display : 0; /* no guess is passed off as TeX */
    int failed = length > 0 && (add_dollars(out, dollars) < 0 || add_stretch(out, tex, 0, length) < 0 ||
                                add_dollars(out, dollars) < 0 ||
                                record_formula(self, tex, formula, begins, start + out->length) < 0);
    Py_DECREF(tex);
    return failed ? -1 : 0;
}

static int
write_numbered(Flow *self, Text *out, Py_ssize_t number, Py_ssize_t start)
{
    PyObject *formula = number < PyList_GET_SIZE(self->recovered) ? PyList_GET_ITEM(self->recovered, number) : NULL;
    if (formula == NULL || !PyTuple_Check(formula) || PyTuple_GET_SIZE(formula) != 4 ||
        !PyUnicode_Check(PyTuple_GET_ITEM(formula, 0))) {
        PyErr_SetString(PyExc_IndexError, "no formula behind a sentinel");
        return -1;
    }
    Py_INCREF(formula);
    int failed = keep_apart(out) < 0 || write_formula(self, out, formula, start) < 0;
    Py_DECREF(formula);
    return failed ? -1 : 0;
}

/* Adds text[start:end], newlines with the container's prefix behind them. */
static int
add_lines(Flow *self, Text *out, PyObject *text, Py_ssize_t start, Py_ssize_t end)
{
    if (start < end && out->length > 0 && PyUnicode_READ_CHAR(text, start) == '$' && add_character(out, ' ') < 0)
        return -1;
    while (start < end) {
        Py_ssize_t line = PyUnicode_FindChar(text, '\n', start, end, 1), stop = line < 0 ? end : line + 1;
        if (add_stretch(out, text, start, stop) < 0 ||
            (line >= 0 && add_stretch(out, self->rest, 0, PyUnicode_GET_LENGTH(self->rest)) < 0))
            return -1;
        start = stop;
    }
    return 0;
}

static int
expand_into(Flow *self, Text *out, PyObject *text, Py_ssize_t start)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text), done = 0, end = 0, from = 0;
    while ((from = PyUnicode_FindChar(text, FORMULA_OPEN, from, size, 1)) >= 0) {
        Py_ssize_t number = sentinel_at(kind, data, from, size, &end);
        if (number < 0) {
            from++;
            continue;
        }
        if (add_lines(self, out, text, done, from) < 0 || write_numbered(self, out, number, start) < 0)
            return -1;
        done = from = end;
    }
    return add_lines(self, out, text, done, size);
}

/* `text`, which will stand at `start`, with its sentinels as delimited formulas, recorded. New reference. */
static PyObject *
expand_formulas(Flow *self, PyObject *text, Py_ssize_t start)
{
    Text out = {NULL, 0, 0};
    PyObject *shown = expand_into(self, &out, text, start) < 0 ? NULL : string_of(&out);
    PyMem_Free(out.data);
    return shown;
}
