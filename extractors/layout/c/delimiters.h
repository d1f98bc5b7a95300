/* --- Delimiters: formulas between marks in running text, twin of ../hot/delimiters.py --- */

#define MAX_INLINE_CHARS 4000
#define MAX_DISPLAY_CHARS 40000
#define MAX_TRIES 400
#define STEPS_PER_TOKEN 12

/* --- which token closes another --- */

static int
closing_of(const Delimiters *self, int name, int dollar, int environments)
{
    if (name == self->dollar)
        return dollar ? name : NOTHING;
    if (name == BLANK_LINE(self))
        return NOTHING;
    if (name >= FIRST_ENVIRONMENT(self))
        return environments && !((name - FIRST_ENVIRONMENT(self)) & ENDS_ENVIRONMENT) ? name + ENDS_ENVIRONMENT : NOTHING;
    return environments || !self->mark[name].begins ? self->mark[name].closing : NOTHING;
}

/* Place of the token that closes tokens[index] at brace depth 0, or NOTHING; `steps`: tokens looked at. */
static Py_ssize_t
find_close(const Scan *scan, Py_ssize_t index, int closing, Py_ssize_t *steps)
{
    const Delimiters *self = scan->marks;
    const Token *tokens = scan->tokens;
    int opening = tokens[index].name, nests = opening >= FIRST_ENVIRONMENT(self) || self->mark[opening].begins;
    int shown = nests || self->mark[opening].shown, deep = nests || self->mark[opening].deep;
    Py_ssize_t limit = tokens[index].end + (shown ? MAX_DISPLAY_CHARS : MAX_INLINE_CHARS), depth = 0, level = 0;
    Py_ssize_t tries = index + 1 + (shown ? 10 * MAX_TRIES : MAX_TRIES);
    for (Py_ssize_t i = index + 1; i < scan->count && i < tries; i++) {
        int name = tokens[i].name;
        *steps = i - index;
        if (tokens[i].start > limit)
            return NOTHING;
        if (name == closing && (depth <= 0 || deep) && level == 0)
            return i;
        if (name == self->open_brace)
            depth++;
        else if (name == self->close_brace)
            depth--;
        else if (nests && name == opening)
            level++;
        else if (nests && name == closing)
            level--;
        else if (!shown && (starts_line(self, name) || (name == self->dollars && opening == self->dollar)))
            return NOTHING;
    }
    *steps = MAX_TRIES;
    return NOTHING;
}

static int
is_formula(Scan *scan, const Token *opening, const Token *closing, int sure)
{
    const Delimiters *self = scan->marks;
    const Mark *mark = opening->name < self->count ? &self->mark[opening->name] : NULL; /* else an environment */
    if (is_blank(scan->text, opening->end, closing->start))
        return 0;
    int asked = mark != NULL && !mark->certain && (opening->name == self->dollar || mark->doubtful);
    if (!asked)
        return 1;
    scan->inner.length = 0;
    if (add_stretch(&scan->inner, scan->text, opening->end, closing->start) < 0 ||
        drop_text_groups(&scan->inner, &scan->bare) < 0)
        return -1;
    if (opening->name != self->dollar)
        return is_strong(&scan->bare) || !is_prose(&scan->bare);
    Py_UCS4 before = opening->start ? PyUnicode_READ(scan->kind, scan->data, opening->start - 1) : 0;
    Py_UCS4 after = closing->end < scan->size ? PyUnicode_READ(scan->kind, scan->data, closing->end) : 0;
    return is_dollar_math(&scan->inner, &scan->bare, before, after, sure);
}

/* --- a text --- */

static int
note_last(Scan *scan)
{
    const Delimiters *self = scan->marks;
    size_t names = (size_t)(scan->has_environments ? NAMES(self) : FIRST_ENVIRONMENT(self));
    scan->last = PyMem_New(Py_ssize_t, names);
    if (scan->last == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(scan->last, 0xFF, names * sizeof(Py_ssize_t)); /* NOTHING */
    for (Py_ssize_t i = 0; i < scan->count; i++)
        scan->last[scan->tokens[i].name] = i;
    return 0;
}

static int
add_formula(Scan *scan, PyObject *found, const Token *opening, const Token *closing)
{
    PyObject *mark = opening->name < scan->marks->count ? Py_NewRef(PyTuple_GET_ITEM(scan->marks->marks, opening->name))
                                                        : PyUnicode_Substring(scan->text, opening->start, opening->end);
    PyObject *inner = PyUnicode_Substring(scan->text, opening->end, closing->start);
    PyObject *item = mark && inner ? Py_BuildValue("(OOnn)", mark, inner, opening->start, closing->end) : NULL;
    int failed = item == NULL || PyList_Append(found, item) < 0;
    Py_XDECREF(mark);
    Py_XDECREF(inner);
    Py_XDECREF(item);
    return failed ? -1 : 0;
}

static int
find_formulas(Scan *scan, PyObject *found, int dollar, int sure, int environments)
{
    Py_ssize_t budget = STEPS_PER_TOKEN * scan->count + MAX_TRIES;
    for (Py_ssize_t index = 0; index < scan->count; index++) {
        const Token *opening = &scan->tokens[index];
        int closing = budget > 0 ? closing_of(scan->marks, opening->name, dollar, environments) : NOTHING;
        if (closing == NOTHING || (closing >= FIRST_ENVIRONMENT(scan->marks) && !scan->has_environments) ||
            scan->last[closing] <= index) {
            budget--;
            continue;
        }
        Py_ssize_t steps = 0, close = find_close(scan, index, closing, &steps);
        budget -= steps;
        int is = close == NOTHING ? 0 : is_formula(scan, opening, &scan->tokens[close], sure);
        if (is < 0 || (is && add_formula(scan, found, opening, &scan->tokens[close]) < 0))
            return -1;
        if (is)
            index = close;
    }
    return 0;
}

static PyObject *
delimiters_find(Delimiters *self, PyObject *args)
{
    PyObject *text, *dollar;
    int environments;
    if (!PyArg_ParseTuple(args, "UOp", &text, &dollar, &environments))
        return NULL;
    Scan scan = {.marks = self, .text = text, .kind = PyUnicode_KIND(text), .data = PyUnicode_DATA(text),
                 .size = PyUnicode_GET_LENGTH(text)};
    PyObject *found = PyList_New(0);
#define TOKENISE(width) tokenise(&scan, width)
    int failed = found == NULL || FOR_KIND(scan.kind, TOKENISE) < 0;
    if (!failed && scan.count > 0)
        failed = (dollar != Py_False && scan.has_dollars && part_dollars(&scan) < 0) || note_last(&scan) < 0 ||
                 find_formulas(&scan, found, dollar != Py_False, dollar == Py_True, environments) < 0;
    PyMem_Free(scan.tokens);
    PyMem_Free(scan.last);
    PyMem_Free(scan.inner.data);
    PyMem_Free(scan.bare.data);
    if (failed)
        Py_CLEAR(found);
    return found;
}

static PyMethodDef delimiters_methods[] = {{"find", (PyCFunction)delimiters_find, METH_VARARGS, NULL}, {NULL}};
