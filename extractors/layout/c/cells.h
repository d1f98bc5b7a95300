/* --- rows and cells of tables, of data where `rows` is a list --- */

/* colspan or rowspan as the standard reads it: digits, at least 1, clamped. -1 with an error. */
static long
span_of(Walk *self, const Head *head, const char *opening, long limit)
{
    Py_ssize_t start, end;
    if (!find_value(head, opening, &start, &end))
        return 1;
    Text *value = &self->looked;
    value->length = 0;
    if (add_markup(value, head->text, start, end) < 0)
        return -1;
    for (start = 0, end = value->length; start < end && is_space(value->data[start]); start++)
        ;
    while (end > start && is_space(value->data[end - 1]))
        end--;
    long number = 0;
    for (Py_ssize_t i = start; i < end && end - start < 9; i++) {
        if (value->data[i] < '0' || value->data[i] > '9')
            return 1;
        number = 10 * number + (long)(value->data[i] - '0');
    }
    return number < 1 ? 1 : number > limit ? limit : number;
}

static int
add_row(Walk *self)
{
    PyObject *row = PyList_New(0);
    int failed = row == NULL || PyList_Append(self->rows, row) < 0;
    Py_XDECREF(row);
    return failed ? -1 : 0;
}

static int
open_row(Walk *self, const Head *head)
{
    if (self->rows != Py_None && !in_cell(self) && add_row(self) < 0)
        return -1;
    return open_block(self, head);
}

static int
open_cell(Walk *self, const Head *head)
{
    if (self->rows == Py_None || in_cell(self))
        return open_block(self, head);
    if (flush_buffer(self) < 0)
        return -1;
    self->cell_columns = span_of(self, head, " colspan=\"", MAX_COLUMNS);
    self->cell_rows = span_of(self, head, " rowspan=\"", MAX_ROWSPAN);
    self->cell_header = find_ascii(head->text, head->start, head->name_end, "th") == head->start;
    self->cell_depth = self->depth;
    PyObject *cell = self->cell_columns < 0 || self->cell_rows < 0 ? NULL : PyList_New(0);
    if (cell == NULL)
        return -1;
    Py_SETREF(self->cell, cell);
    return 0;
}

static int
write_cell(Walk *self)
{
    if (PyList_GET_SIZE(self->rows) == 0 && add_row(self) < 0)
        return -1;
    PyObject *row = last(self->rows), *text = PyUnicode_Join(s_space, self->cell);
    if (row == NULL || !PyList_Check(row) || text == NULL) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "rows are lists");
        Py_XDECREF(text);
        return -1;
    }
    PyObject *cell =
        Py_BuildValue("(NllO)", text, self->cell_columns, self->cell_rows, self->cell_header ? Py_True : Py_False);
    int failed = cell == NULL || PyList_Append(row, cell) < 0;
    Py_XDECREF(cell);
    Py_SETREF(self->cell, Py_NewRef(Py_None));
    return failed ? -1 : 0;
}

static int
close_cell(Walk *self, const Head *head)
{
    if (!in_cell(self) || self->rows == Py_None)
        return close_block(self, head);
    if (flush_buffer(self) < 0)
        return -1;
    if (self->depth != self->cell_depth) { /* of a table inside the cell */
        pop_block(self);
        return 0;
    }
    return in_cell(self) && self->rows != Py_None ? write_cell(self) : 0;
}
