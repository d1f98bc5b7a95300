/* Lines of a text as the guard compares them: guard_lines.py. */

#define MAX_FENCE_INDENT 16
#define MAX_QUOTE_INDENT 3

typedef struct {
    PyObject *key; /* owned */
    Py_ssize_t start, end;
    char code, fence;
} Line;

typedef struct {
    PyObject *text;
    int kind;
    const void *data;
    Line *lines;
    size_t count, room;
    Py_UCS4 *buffer; /* as long as the longest line and one more */
    PyObject *mark, *blank; /* keys of fences and of empty lines of code */
} Sheet;

typedef struct {
    Py_UCS4 mark; /* 0: none is open */
    Py_ssize_t length, indent;
    size_t first;
    int quoted;
} Fence;

static int
is_invisible(Py_UCS4 c)
{
    return c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF;
}

static Py_UCS4
char_at(const Sheet *sheet, Py_ssize_t place)
{
    return PyUnicode_READ(sheet->kind, sheet->data, place);
}

static int
is_tab_or_space(Py_UCS4 c)
{
    return c == ' ' || c == '\t';
}

/* A line without what is not seen and with single spaces: most need no change but at their ends. */
static PyObject *
line_key(Sheet *sheet, Py_ssize_t start, Py_ssize_t end)
{
    Py_UCS4 before = 'x';
    Py_ssize_t used = 0, place;
    while (start < end && Py_UNICODE_ISSPACE(char_at(sheet, start)))
        start++;
    while (end > start && Py_UNICODE_ISSPACE(char_at(sheet, end - 1)))
        end--;
    for (place = start; place < end; place++) {
        Py_UCS4 c = char_at(sheet, place);
        if (c == ' ' ? before == ' ' : Py_UNICODE_ISSPACE(c) || (c >= 0xAD && is_invisible(c)))
            break;
        before = c;
    }
    if (place == end)
        return PyUnicode_Substring(sheet->text, start, end);
    int spaced = 0;
    for (place = start; place < end; place++) {
        Py_UCS4 c = char_at(sheet, place);
        if (Py_UNICODE_ISSPACE(c))
            spaced = used > 0;
        else if (!is_invisible(c)) {
            if (spaced)
                sheet->buffer[used++] = ' ';
            sheet->buffer[used++] = c;
            spaced = 0;
        }
    }
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, sheet->buffer, used);
}

/* The line without what is not seen, in the buffer; its length. */
static Py_ssize_t
seen(Sheet *sheet, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t used = 0;
    for (Py_ssize_t place = start; place < end; place++) {
        Py_UCS4 c = char_at(sheet, place);
        if (!is_invisible(c))
            sheet->buffer[used++] = c;
    }
    return used;
}

/* Whether the line in the buffer is a fence, perhaps behind the mark of a list item: where and how long. */
static int
read_fence(const Py_UCS4 *line, Py_ssize_t length, Fence *found)
{
    Py_ssize_t at = 0, after, digits = 0;
    while (at < length && at < MAX_FENCE_INDENT && is_tab_or_space(line[at]))
        at++;
    after = at;
    while (after < length && digits < 3 && Py_UNICODE_ISDECIMAL(line[after]))
        after++, digits++;
    if (after < length && (digits ? line[after] == '.' || line[after] == ')' : line[after] < 128 && strchr("-*+:>", (int)line[after]) && line[after])) {
        Py_ssize_t behind = ++after;
        while (after < length && is_tab_or_space(line[after]))
            after++;
        at = after > behind ? after : at;
    }
    if (at >= length || (line[at] != '`' && line[at] != '~'))
        return 0;
    found->mark = line[at];
    found->indent = at;
    for (found->length = 0; at < length && line[at] == found->mark; at++)
        found->length++;
    for (; at < length; at++)
        if (line[at] == '`')
            return 0;
    return found->length >= 3;
}

/* Whether a key has nothing but the fence on it, but for marks of quotation. */
static int
is_bare(PyObject *key, const Fence *found, int quoted)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(key), at = 0;
    while (at < length && (PyUnicode_READ_CHAR(key, at) == ' ' || (quoted && PyUnicode_READ_CHAR(key, at) == '>')))
        at++;
    if (length - at != found->length)
        return 0;
    while (at < length && PyUnicode_READ_CHAR(key, at) == found->mark)
        at++;
    return at == length;
}

/* A listing within a list item is indented as a whole. */
static int
dedent(Sheet *sheet, size_t first, size_t last, Py_ssize_t indent)
{
    for (size_t index = first; index < last && indent; index++) {
        PyObject *key = sheet->lines[index].key;
        Py_ssize_t length = PyUnicode_GET_LENGTH(key), at = 1;
        while (at < length && at <= indent && PyUnicode_READ_CHAR(key, at) == ' ')
            at++;
        if (length > 1 && at <= indent)
            return 0;
    }
    for (size_t index = first; index < last && indent; index++) {
        PyObject *key = sheet->lines[index].key, *rest;
        Py_ssize_t length = PyUnicode_GET_LENGTH(key);
        if (length == 1)
            continue;
        rest = PyUnicode_Substring(key, 1 + indent, length);
        sheet->lines[index].key = rest == NULL ? NULL : PyUnicode_Concat(sheet->blank, rest);
        Py_XDECREF(rest);
        Py_DECREF(key);
        if (sheet->lines[index].key == NULL)
            return -1;
    }
    return 0;
}

/* The key of a line of code: all of it but what is not seen, white space at its end, and the mark of a quotation. */
static PyObject *
code_key(Sheet *sheet, Py_ssize_t length, int quoted)
{
    Py_UCS4 *line = sheet->buffer;
    if (quoted) {
        Py_ssize_t mark = 0, from, to;
        while (mark < length && line[mark] != '>')
            mark++;
        if (mark < length) {
            from = mark;
            while (from > 0 && mark - from < MAX_QUOTE_INDENT && is_tab_or_space(line[from - 1]))
                from--;
            to = mark + 1 < length && line[mark + 1] == ' ' ? mark + 2 : mark + 1;
            memmove(line + from, line + to, (size_t)(length - to) * sizeof(Py_UCS4));
            length -= to - from;
        }
    }
    while (length && Py_UNICODE_ISSPACE(line[length - 1]))
        length--;
    if (length == 0)
        return Py_NewRef(sheet->blank);
    memmove(line + 1, line, (size_t)length * sizeof(Py_UCS4));
    line[0] = 0;
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, line, length + 1);
}

static int
has_fence(PyObject *key)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(key), run = 0;
    int kind = PyUnicode_KIND(key);
    const void *data = PyUnicode_DATA(key);
    Py_UCS4 before = 0;
    for (Py_ssize_t at = 0; at < length; at++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, at);
        run = c == '`' || c == '~' ? (c == before ? run + 1 : 1) : 0;
        if (run == 3)
            return 1;
        before = c;
    }
    return 0;
}

/* Which lines are code, which are fences; their keys are written anew. */
static int
mark_fences(Sheet *sheet, Fence *open)
{
    for (size_t number = 0; number < sheet->count; number++) {
        Line *line = sheet->lines + number;
        Fence found = {.mark = 0};
        int is_fence = has_fence(line->key);
        if (!is_fence && !open->mark)
            continue;
        Py_ssize_t length = seen(sheet, line->start, line->end);
        is_fence = is_fence && read_fence(sheet->buffer, length, &found);
        int closes = is_fence && open->mark == found.mark && found.length >= open->length && is_bare(line->key, &found, open->quoted);
        PyObject *key;
        if (closes || (is_fence && !open->mark)) {
            if (closes && dedent(sheet, open->first, number, open->indent) < 0)
                return -1;
            int quoted = PyUnicode_READ_CHAR(line->key, 0) == '>';
            *open = (Fence){closes ? 0 : found.mark, found.length, found.indent, number + 1, quoted};
            key = Py_NewRef(sheet->mark);
            line->fence = 1;
        }
        else if (open->mark) {
            key = code_key(sheet, length, open->quoted);
            line->code = 1;
        }
        else
            continue;
        Py_SETREF(line->key, key);
        if (key == NULL)
            return -1;
    }
    return 0;
}

static int
split_lines(Sheet *sheet, Py_ssize_t length)
{
    for (Py_ssize_t start = 0, end; start <= length; start = end + 1) {
        end = PyUnicode_FindChar(sheet->text, '\n', start, length, 1);
        if (end < -1 || grow((void **)&sheet->lines, &sheet->room, sheet->count, sizeof(Line)) < 0)
            return -1;
        end = end < 0 ? length : end;
        PyObject *key = line_key(sheet, start, end);
        if (key == NULL)
            return -1;
        sheet->lines[sheet->count++] = (Line){key, start, end, 0, 0};
    }
    return 0;
}

/* Columns of the lines with something on them. */
static PyObject *
line_columns(const Sheet *sheet, int is_open)
{
    Py_ssize_t count = 0, row = 0;
    PyObject *columns[6], *result = NULL;
    int failed = 0;
    for (size_t number = 0; number < sheet->count; number++)
        count += PyUnicode_GET_LENGTH(sheet->lines[number].key) > 0;
    for (int column = 0; column < 6; column++) {
        columns[column] = PyList_New(count);
        failed |= columns[column] == NULL;
    }
    for (size_t number = 0; number < sheet->count && !failed; number++) {
        const Line *line = sheet->lines + number;
        if (PyUnicode_GET_LENGTH(line->key) == 0)
            continue;
        PyObject *values[6] = {Py_NewRef(line->key), PyLong_FromSize_t(number), PyLong_FromSsize_t(line->start),
                               PyLong_FromSsize_t(line->end), PyBool_FromLong(line->code), PyBool_FromLong(line->fence)};
        for (int column = 0; column < 6; column++) {
            failed |= values[column] == NULL;
            PyList_SET_ITEM(columns[column], row, values[column]);
        }
        row++;
    }
    if (!failed)
        result = Py_BuildValue("(OOOOOOO)", columns[0], columns[1], columns[2], columns[3], columns[4], columns[5],
                               is_open ? Py_True : Py_False);
    for (int column = 0; column < 6; column++)
        Py_XDECREF(columns[column]);
    return result;
}

static Py_ssize_t
longest_line(PyObject *text, Py_ssize_t length)
{
    Py_ssize_t most = 0;
    for (Py_ssize_t start = 0, end; start <= length; start = end + 1) {
        end = PyUnicode_FindChar(text, '\n', start, length, 1);
        end = end < 0 ? length : end;
        most = end - start > most ? end - start : most;
    }
    return most;
}

/* lines(text: str) -> (keys, numbers, starts, ends, code, fence, open_fence) */
static PyObject *
lines(PyObject *self, PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "lines of a string are asked for");
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    Sheet sheet = {.text = text, .kind = PyUnicode_KIND(text), .data = PyUnicode_DATA(text)};
    Fence open = {.mark = 0};
    PyObject *result = NULL;
    sheet.buffer = PyMem_Malloc((size_t)(longest_line(text, length) + 2) * sizeof(Py_UCS4));
    sheet.mark = PyUnicode_FromString("```");
    sheet.blank = PyUnicode_FromStringAndSize("\0", 1);
    if (sheet.buffer == NULL)
        PyErr_NoMemory();
    else if (sheet.mark != NULL && sheet.blank != NULL && split_lines(&sheet, length) == 0 && mark_fences(&sheet, &open) == 0)
        result = line_columns(&sheet, open.mark != 0);
    for (size_t number = 0; number < sheet.count; number++)
        Py_XDECREF(sheet.lines[number].key);
    PyMem_Free(sheet.lines);
    PyMem_Free(sheet.buffer);
    Py_XDECREF(sheet.mark);
    Py_XDECREF(sheet.blank);
    return result;
}
