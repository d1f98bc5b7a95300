/* --- inline elements that are read as a whole: look_inside, inline code --- */

#define MAX_INLINE_CODE 2000
#define MAX_NESTED_LOOKS 8

/* Reads the text of the element named name[from:to] into `looked`; the end of its end tag, 0 past the budget, -1 with
   an error. */
static Py_ssize_t
look_through(Walk *self, Py_ssize_t after, PyObject *name, Py_ssize_t from, Py_ssize_t to)
{
    PyObject *markup = self->markup;
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), depth = 1;
    self->looked.length = 0;
    for (int first = 1;; first = 0) {
        Py_ssize_t place = PyUnicode_FindChar(markup, '<', after, size, 1);
        if (add_markup(&self->looked, markup, after, place < 0 ? size : place) < 0)
            return -1;
        if (place < 0)
            return 0;
        Tag tag = tag_at(markup, place + 1);
        int closes = is_named(markup, tag.start, tag.end, name, from, to, 1);
        if (closes && first)
            return tag.after;
        if (self->looks_left <= 0)
            return 0;
        self->looks_left--;
        depth += is_named(markup, tag.start, tag.name_end, name, from, to, 0) - closes;
        if (depth == 0)
            return tag.after;
        after = tag.after;
    }
}

static PyObject *
walk_look_inside(Walk *self, PyObject *args)
{
    PyObject *name;
    Py_ssize_t after;
    if (!PyArg_ParseTuple(args, "nU", &after, &name))
        return NULL;
    Py_ssize_t end = after < 0 ? 0 : look_through(self, after, name, 0, PyUnicode_GET_LENGTH(name));
    if (end < 0)
        return NULL;
    if (end == 0)
        Py_RETURN_NONE;
    PyObject *text = string_of(&self->looked);
    return text == NULL ? NULL : Py_BuildValue("(Nn)", text, end);
}

/* Backticked code; more backticks where the code holds some (CommonMark 6.1), as inline.py writes it. New reference. */
static PyObject *
backticked(PyObject *text)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (find_ascii(text, 0, size, "`") < 0)
        return PyUnicode_FromFormat("`%U`", text);
    const char *fence = find_ascii(text, 0, size, "``") < 0 ? "``" : "```";
    return PyUnicode_FromFormat("%s %U %s", fence, text, fence);
}

/* Adds what `looked` holds as inline code, out of the way of the formula scan: a mark with its number. */
static int
add_code(Walk *self)
{
    char number[32];
    int digits = PyOS_snprintf(number, sizeof(number), "%zd", PyList_GET_SIZE(self->codes));
    PyObject *text = string_of(&self->looked), *code = text == NULL ? NULL : backticked(text);
    int failed = code == NULL || PyList_Append(self->codes, code) < 0;
    Py_XDECREF(text);
    Py_XDECREF(code);
    if (failed || add_character(&self->buffer, INLINE_CODE_OPEN) < 0)
        return -1;
    for (int i = 0; i < digits; i++)
        if (add_character(&self->buffer, (Py_UCS4)number[i]) < 0)
            return -1;
    if (self->in_link)
        self->link_chars += self->looked.length;
    return add_character(&self->buffer, INLINE_CODE_CLOSE);
}

static int
holds_formula(const Text *text)
{
    for (Py_ssize_t i = 0; i < text->length; i++)
        if (text->data[i] == FORMULA_OPEN)
            return 1;
    return 0;
}

static int
open_code(Walk *self, const Head *head)
{
    if (self->looks_open > MAX_NESTED_LOOKS)
        return PyList_Append(self->opened, Py_False);
    Py_ssize_t end = look_through(self, head->after, head->text, head->start, head->name_end);
    if (end <= 0)
        return end < 0 ? -1 : PyList_Append(self->opened, Py_False);
    collapse(&self->looked, 0);
    Py_ssize_t length = self->looked.length;
    if (length == 0 || (length > MAX_INLINE_CODE && !in_cell(self)) || holds_formula(&self->looked)) {
        self->looks_open++;
        return PyList_Append(self->opened, Py_True);
    }
    self->resume = end;
    return add_code(self);
}

static int
close_opened(Walk *self, const Head *Py_UNUSED(head))
{
    if (PyList_GET_SIZE(self->opened) == 0)
        return 0;
    self->looks_open -= last(self->opened) == Py_True;
    return drop_last(self->opened);
}
