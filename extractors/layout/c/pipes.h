/* --- tables of data as pipe tables, tables of lines as lines --- */

#define MAX_GRID_CELLS 400000

/* A text that hangs down into rows still to come. */
typedef struct {
    long rows;
    PyObject *text;
} Hanging;

/* Texts by row and column; borrowed from the rows, NULL where a row has no cell. No Python runs while they are held. */
typedef struct {
    PyObject **texts;
    Py_ssize_t count, room;
    Py_ssize_t *starts; /* of the lines that hold text */
    Py_ssize_t lines;
    Hanging hanging[MAX_COLUMNS];
    Py_ssize_t hanging_width;
    int repeat; /* merged cells are repeated: the grid is not too large */
} Grid;

/* A cell as write_cell makes it. */
typedef struct {
    PyObject *text; /* borrowed */
    long columns, rows;
    int header;
} PlainCell;

static int
read_cell(PyObject *row, Py_ssize_t at, PlainCell *read)
{
    PyObject *cell = PyList_GET_ITEM(row, at);
    if (!PyTuple_Check(cell) || PyTuple_GET_SIZE(cell) != 4 || !PyUnicode_Check(PyTuple_GET_ITEM(cell, 0))) {
        PyErr_SetString(PyExc_TypeError, "a cell is a text, its columns, its rows and whether it is a header");
        return -1;
    }
    *read = (PlainCell){PyTuple_GET_ITEM(cell, 0), PyLong_AsLong(PyTuple_GET_ITEM(cell, 1)),
                        PyLong_AsLong(PyTuple_GET_ITEM(cell, 2)), PyTuple_GET_ITEM(cell, 3) == Py_True};
    if (PyErr_Occurred())
        return -1;
    if (read->columns >= 1 && read->columns <= MAX_COLUMNS && read->rows >= 1)
        return 0;
    PyErr_SetString(PyExc_ValueError, "a cell covers 1 to 1000 columns and at least 1 row");
    return -1;
}

static PyObject *
row_at(PyObject *rows, Py_ssize_t at) /* borrowed */
{
    PyObject *row = PyList_GET_ITEM(rows, at);
    if (PyList_Check(row))
        return row;
    PyErr_SetString(PyExc_TypeError, "rows are lists");
    return NULL;
}

/* Whether merged cells can be repeated within the budget; -1 with an error. */
static int
may_repeat(PyObject *rows)
{
    Py_ssize_t widest = 0, hanging = 0, count = PyList_GET_SIZE(rows);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *row = row_at(rows, i);
        Py_ssize_t width = 0;
        PlainCell cell;
        for (Py_ssize_t k = 0; row != NULL && k < PyList_GET_SIZE(row); k++) {
            if (read_cell(row, k, &cell) < 0)
                return -1;
            width += cell.columns;
            hanging += cell.rows > 1 ? cell.columns : 0;
        }
        if (row == NULL)
            return -1;
        if (width > widest)
            widest = width;
    }
    widest += hanging < MAX_COLUMNS ? hanging : MAX_COLUMNS;
    return widest == 0 || count <= MAX_GRID_CELLS / widest;
}

/* Puts a text into the line that begins at start. */
static int
put_text(Grid *grid, Py_ssize_t start, Py_ssize_t column, PyObject *text)
{
    Py_ssize_t needed = start + column + 1;
    if (needed > grid->room) {
        Py_ssize_t room = needed * 3 / 2 + 64;
        PyObject **texts = PyMem_Realloc(grid->texts, (size_t)room * sizeof(PyObject *));
        if (texts == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        grid->texts = texts;
        grid->room = room;
    }
    while (grid->count < needed)
        grid->texts[grid->count++] = NULL;
    grid->texts[start + column] = text;
    return 0;
}

static int
put_hanging(Grid *grid, Py_ssize_t start)
{
    Py_ssize_t width = 0;
    for (Py_ssize_t column = 0; column < grid->hanging_width; column++) {
        Hanging *hanging = &grid->hanging[column];
        if (hanging->rows == 0)
            continue;
        if (put_text(grid, start, column, hanging->text) < 0)
            return -1;
        if (--hanging->rows > 0)
            width = column + 1;
    }
    grid->hanging_width = width;
    return 0;
}

static void
hang(Grid *grid, Py_ssize_t column, const PlainCell *cell, PyObject *text)
{
    for (; grid->hanging_width <= column; grid->hanging_width++)
        grid->hanging[grid->hanging_width].rows = 0;
    grid->hanging[column] = (Hanging){cell->rows - 1, text};
}

/* One row by grid columns; the line is dropped where it holds no text. */
static int
put_row(Grid *grid, PyObject *row)
{
    Py_ssize_t start = grid->count, column = 0, cells = PyList_GET_SIZE(row);
    if (put_hanging(grid, start) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < cells; i++) {
        PlainCell cell;
        if (read_cell(row, i, &cell) < 0)
            return -1;
        while (start + column < grid->count && grid->texts[start + column] != NULL)
            column++;
        long columns = grid->repeat && column + cell.columns <= MAX_COLUMNS ? cell.columns : 1;
        for (long offset = 0; offset < columns; offset++, column++) {
            PyObject *text = offset == 0 || (cell.header && cells > 1) ? cell.text : s_empty;
            if (put_text(grid, start, column, text) < 0)
                return -1;
            if (cell.rows > 1 && grid->repeat && column < MAX_COLUMNS)
                hang(grid, column, &cell, text);
        }
    }
    for (Py_ssize_t i = start; i < grid->count; i++)
        if (grid->texts[i] != NULL && PyUnicode_GET_LENGTH(grid->texts[i]) > 0) {
            grid->starts[grid->lines++] = start;
            return 0;
        }
    grid->count = start;
    return 0;
}

static int
add_cell_text(Text *out, PyObject *text)
{
    Py_ssize_t size = text == NULL ? 0 : PyUnicode_GET_LENGTH(text), start = 0;
    while (start < size) {
        Py_ssize_t bar = PyUnicode_FindChar(text, '|', start, size, 1);
        if (add_stretch(out, text, start, bar < 0 ? size : bar) < 0)
            return -1;
        if (bar < 0)
            break;
        if (add_character(out, '\\') < 0 || add_character(out, '|') < 0)
            return -1;
        start = bar + 1;
    }
    return 0;
}

static int
add_chars(Text *out, const char *characters)
{
    for (; *characters; characters++)
        if (add_character(out, (Py_UCS4)*characters) < 0)
            return -1;
    return 0;
}

/* The lines of the grid behind each other, the columns that hold text only. */
static int
write_grid(const Grid *grid, Text *out)
{
    Py_ssize_t width = 0;
    for (Py_ssize_t i = 0; i < grid->lines; i++) {
        Py_ssize_t end = i + 1 < grid->lines ? grid->starts[i + 1] : grid->count;
        width = end - grid->starts[i] > width ? end - grid->starts[i] : width;
    }
    char *used = PyMem_Calloc((size_t)width + 1, 1);
    int failed = used == NULL;
    if (failed)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < grid->lines && !failed; i++) {
        Py_ssize_t end = i + 1 < grid->lines ? grid->starts[i + 1] : grid->count;
        for (Py_ssize_t c = 0; grid->starts[i] + c < end; c++) {
            PyObject *text = grid->texts[grid->starts[i] + c];
            used[c] |= text != NULL && PyUnicode_GET_LENGTH(text) > 0;
        }
    }
    for (Py_ssize_t i = 0; i < grid->lines && !failed; i++) {
        Py_ssize_t end = i + 1 < grid->lines ? grid->starts[i + 1] : grid->count;
        failed = add_chars(out, i ? "\n|" : "|");
        for (Py_ssize_t c = 0; c < width && !failed; c++)
            if (used[c])
                failed = add_character(out, ' ') < 0 ||
                         add_cell_text(out, grid->starts[i] + c < end ? grid->texts[grid->starts[i] + c] : NULL) < 0 ||
                         add_chars(out, " |") < 0;
        if (i == 0 && !failed)
            failed = add_chars(out, "\n|");
        for (Py_ssize_t c = 0; i == 0 && c < width && !failed; c++)
            failed = used[c] && add_chars(out, " --- |") < 0;
    }
    PyMem_Free(used);
    return failed ? -1 : 0;
}

static int
read_rows(Grid *grid, PyObject *rows)
{
    Py_ssize_t count = PyList_GET_SIZE(rows);
    grid->repeat = may_repeat(rows);
    grid->starts = PyMem_New(Py_ssize_t, count + 1);
    if (grid->starts == NULL)
        PyErr_NoMemory();
    if (grid->repeat < 0 || grid->starts == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        if (put_row(grid, PyList_GET_ITEM(rows, i)) < 0) /* may_repeat has seen that it is a list */
            return -1;
    return 0;
}

static PyObject *
no_rows(void)
{
    return PyErr_Format(PyExc_TypeError, "rows are a list");
}

/* Pipe table of rows with a header row, as hot/tables.py makes it. New reference. */
static PyObject *
to_pipe(PyObject *Py_UNUSED(module), PyObject *rows)
{
    if (!PyList_Check(rows))
        return no_rows();
    Text out = {NULL, 0, 0};
    Grid *grid = PyMem_Calloc(1, sizeof(Grid));
    if (grid == NULL)
        return PyErr_NoMemory();
    PyObject *text = read_rows(grid, rows) < 0 || write_grid(grid, &out) < 0 ? NULL : string_of(&out);
    PyMem_Free(grid->texts);
    PyMem_Free(grid->starts);
    PyMem_Free(grid);
    PyMem_Free(out.data);
    return text;
}

static int
add_line(Text *out, PyObject *row)
{
    int inside = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(row); i++) {
        PlainCell cell;
        if (read_cell(row, i, &cell) < 0)
            return -1;
        Py_ssize_t size = PyUnicode_GET_LENGTH(cell.text);
        if (size > 0 && out->length > 0 && add_character(out, inside ? ' ' : '\n') < 0)
            return -1;
        if (size > 0 && add_stretch(out, cell.text, 0, size) < 0)
            return -1;
        inside |= size > 0;
    }
    return 0;
}

/* One line per row, cells parted by spaces. New reference. */
static PyObject *
to_lines(PyObject *Py_UNUSED(module), PyObject *rows)
{
    if (!PyList_Check(rows))
        return no_rows();
    Text out = {NULL, 0, 0};
    int failed = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows) && !failed; i++) {
        PyObject *row = row_at(rows, i);
        failed = row == NULL || add_line(&out, row) < 0;
    }
    PyObject *text = failed ? NULL : string_of(&out);
    PyMem_Free(out.data);
    return text;
}

static int
open_table(Walk *self, const Head *head)
{
    PyObject *rows = open_block(self, head) < 0 ? NULL : PyList_New(0);
    if (rows == NULL)
        return -1;
    Py_SETREF(self->rows, rows);
    Py_SETREF(self->cell, Py_NewRef(Py_None));
    self->table_links = 0;
    return 0;
}

/* The text of the open table, which is closed. New reference. */
static PyObject *
take_table(Walk *self, PyObject *(*as_text)(PyObject *, PyObject *))
{
    PyObject *rows = self->rows;
    self->rows = Py_NewRef(Py_None);
    Py_SETREF(self->cell, Py_NewRef(Py_None));
    PyObject *text = rows == Py_None ? Py_NewRef(s_empty) : as_text(NULL, rows);
    Py_DECREF(rows);
    return text;
}

/* Formulas hold no bars where bars part cells. */
static int
spell_bars(Walk *self, PyObject *text)
{
    if (PyUnicode_FindChar(text, FORMULA_OPEN, 0, PyUnicode_GET_LENGTH(text), 1) < 0)
        return 0;
    PyObject *done = PyObject_CallMethodOneArg((PyObject *)self->flow, s_spell_bars, text);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
write_table(Walk *self, PyObject *text, PyObject *kind)
{
    PyObject *path = current_path(self);
    if (path == NULL || kind == NULL || !PyUnicode_Check(kind)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "kinds are strings");
        return -1;
    }
    Py_INCREF(path);
    Py_INCREF(kind);
    int failed = write_leaf(self->flow, text, kind, path, self->table_links, Py_None, Py_None);
    Py_DECREF(kind);
    Py_DECREF(path);
    return failed;
}

static int
close_table(Walk *self, const Head *head)
{
    PyObject *text = flush_buffer(self) < 0 ? NULL : take_table(self, to_pipe);
    if (text == NULL)
        return -1;
    int failed = PyUnicode_GET_LENGTH(text) > 0 && (spell_bars(self, text) < 0 || write_table(self, text, s_table) < 0);
    Py_DECREF(text);
    return failed ? -1 : close_block(self, head);
}

static int
close_lined_table(Walk *self, const Head *head)
{
    PyObject *text = flush_buffer(self) < 0 ? NULL : take_table(self, to_lines);
    if (text == NULL)
        return -1;
    int failed = PyUnicode_GET_LENGTH(text) > 0 && write_table(self, text, last(self->kinds)) < 0;
    Py_DECREF(text);
    return failed ? -1 : close_block(self, head);
}
