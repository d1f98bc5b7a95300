/* --- the rules that most tags have; the others are Python's --- */

static int
flush(Walk *self, const Head *Py_UNUSED(head))
{
    return flush_buffer(self);
}

static int
open_block(Walk *self, const Head *head)
{
    return flush_buffer(self) < 0 ? -1 : push_block(self, head);
}

static int
close_block(Walk *self, const Head *Py_UNUSED(head))
{
    if (flush_buffer(self) < 0)
        return -1;
    pop_block(self);
    return 0;
}

static int
call_method(Walk *self, PyObject *name, const Head *head)
{
    PyObject *text = head_string(head);
    PyObject *done = text == NULL ? NULL : PyObject_CallMethodOneArg((PyObject *)self, name, text);
    Py_XDECREF(text);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
call_with_number(Walk *self, PyObject *name, Py_ssize_t value)
{
    PyObject *number = PyLong_FromSsize_t(value);
    PyObject *done = number == NULL ? NULL : PyObject_CallMethodOneArg((PyObject *)self, name, number);
    Py_XDECREF(number);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
open_link(Walk *self, const Head *head)
{
    int target = value_of(head, " href=\"") >= 0;
    if (push_flag(&self->links, target) < 0)
        return -1;
    if (!target)
        return 0;
    self->in_link++;
    return self->last_link_end == self->buffer.length ? add_character(&self->buffer, ' ') : 0;
}

static int
close_link(Walk *self, const Head *Py_UNUSED(head))
{
    if (pop_flag(&self->links)) {
        self->in_link--;
        self->last_link_end = self->buffer.length;
    }
    return 0;
}

static int
open_item(Walk *self, const Head *head)
{
    if (open_block(self, head) < 0)
        return -1;
    if (PyList_GET_SIZE(self->lists) == 0 || last(self->lists) == Py_None)
        return enter_container(self->flow, s_bullet, s_bullet_rest);
    return call_method(self, s_enter_item, head);
}

static int
close_container(Walk *self, const Head *head)
{
    return flush_buffer(self) < 0 || leave_container(self->flow) < 0 || close_block(self, head) < 0 ? -1 : 0;
}

static int
holds(const Head *head, const char *wanted)
{
    return find_ascii(head->text, head->name_end, head->end, wanted) >= 0;
}

static int
open_span(Walk *self, const Head *head)
{
    if (head->end == head->name_end ||
        (!holds(head, "classifier") && !(value_of(head, " style=\"") >= 0 && holds(head, "block"))))
        return push_flag(&self->spans, 0);
    return call_method(self, s_open_special_span, head);
}

static int
close_span(Walk *self, const Head *head)
{
    return pop_flag(&self->spans) ? close_block(self, head) : 0;
}

static int
open_bullets(Walk *self, const Head *head)
{
    if (open_block(self, head) < 0)
        return -1;
    open_list(self->flow);
    return PyList_Append(self->lists, Py_None) < 0 || PyList_Append(self->kinds, s_list) < 0 ? -1 : 0;
}

static int
close_list(Walk *self, const Head *head)
{
    if (flush_buffer(self) < 0)
        return -1;
    if (PyList_GET_SIZE(self->lists) > 0 && PyList_GET_SIZE(self->kinds) > 0) {
        self->flow->lists_open--;
        if (drop_last(self->lists) < 0 || drop_last(self->kinds) < 0)
            return -1;
    }
    return close_block(self, head);
}

static int
write_heading(Walk *self, PyObject *text, int level, Py_ssize_t links)
{
    PyObject *done = finished(self, text), *path = current_path(self);
    if (done == NULL || path == NULL || PyUnicode_GET_LENGTH(done) == 0) {
        int failed = done == NULL || path == NULL;
        Py_XDECREF(done);
        return failed ? -1 : 0;
    }
    Py_INCREF(path);
    PyObject *number = PyLong_FromLong(level);
    PyObject *line = PyUnicode_FromFormat("%s %U", &"######"[6 - level], done);
    int failed = number == NULL || line == NULL ||
                 write_leaf(self->flow, line, s_heading, path, links, Py_None, number) < 0;
    Py_XDECREF(number);
    Py_XDECREF(line);
    Py_DECREF(done);
    Py_DECREF(path);
    return failed ? -1 : 0;
}

static int
close_heading(Walk *self, const Head *head)
{
    Py_ssize_t place = head->start + 2, links = self->link_chars;
    int level = place < head->end ? (int)PyUnicode_READ_CHAR(head->text, place) - '0' : 0, broken;
    if (level < 1 || level > 6) {
        PyErr_SetString(PyExc_ValueError, "headings have levels 1 to 6");
        return -1;
    }
    if (self->buffer.length > 0) {
        PyObject *text = take_buffer(self, 0, &broken);
        if (text == NULL)
            return -1;
        int failed = 0;
        if (PyUnicode_GET_LENGTH(text) > 0)
            failed = in_cell(self) ? write_text(self, text, links) : write_heading(self, text, level, links);
        Py_DECREF(text);
        if (failed)
            return -1;
    }
    return close_block(self, head);
}

static int
line_break(Walk *self, const Head *Py_UNUSED(head))
{
    return add_character(&self->buffer, HARD_BREAK);
}

static int
space(Walk *self, const Head *Py_UNUSED(head))
{
    return add_character(&self->buffer, ' ');
}

static int
open_definition(Walk *self, const Head *head)
{
    return open_block(self, head) < 0 ? -1 : enter_container(self->flow, s_definition_mark, s_bullet_rest);
}

static int
open_quote(Walk *self, const Head *head)
{
    if (open_block(self, head) < 0 || enter_container(self->flow, s_quote_mark, s_quote_mark) < 0)
        return -1;
    return PyList_Append(self->kinds, s_quote);
}

static int
close_quote(Walk *self, const Head *head)
{
    if (close_container(self, head) < 0)
        return -1;
    return PyList_GET_SIZE(self->kinds) > 1 ? drop_last(self->kinds) : 0;
}

#define MIN_ALT_SPACES 2
#define MAX_ALT 500

/* An image is its alt text where that says something. */
static int
open_image(Walk *self, const Head *head)
{
    Py_ssize_t start, end, spaces = 0;
    if (!find_value(head, " alt=\"", &start, &end) || start == end)
        return 0;
    Text *alt = &self->looked, *buffer = &self->buffer;
    alt->length = 0;
    if (add_markup(alt, head->text, start, end) < 0)
        return -1;
    collapse(alt, 0);
    for (Py_ssize_t i = 0; i < alt->length; i++)
        spaces += alt->data[i] == ' ';
    if (spaces < MIN_ALT_SPACES || alt->length > MAX_ALT)
        return 0;
    if (make_room(buffer, alt->length + 3) < 0)
        return -1;
    buffer->data[buffer->length++] = '!';
    buffer->data[buffer->length++] = '[';
    memcpy(buffer->data + buffer->length, alt->data, (size_t)alt->length * sizeof(Py_UCS4));
    buffer->length += alt->length;
    buffer->data[buffer->length++] = ']';
    return 0;
}

static int
open_field(Walk *self, const Head *head)
{
    return value_of(head, " readonly=\"") >= 0 || value_of(head, " disabled=\"") >= 0 ? call_method(self, s_add_field, head) : 0;
}

/* Number of the code block whose mark stands at a place of the markup, -1 for none, -2 with an error. */
static Py_ssize_t
marked_number(PyObject *markup, Py_ssize_t place)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), number = 0;
    if (place >= size || PyUnicode_READ_CHAR(markup, place) != CODE_BLOCK_OPEN)
        return -1;
    for (place++; place < size && number < PY_SSIZE_T_MAX / 16; place++) {
        Py_UCS4 digit = PyUnicode_READ_CHAR(markup, place);
        if (digit == CODE_BLOCK_CLOSE)
            return number;
        if (digit < '0' || digit > '9')
            break;
        number = 10 * number + (Py_ssize_t)(digit - '0');
    }
    PyErr_SetString(PyExc_ValueError, "no code block has this number");
    return -2;
}

/* A block of code in a cell is inline code. */
static int
write_code_in_cell(Walk *self, Py_ssize_t number)
{
    PyObject *block = number < PyList_GET_SIZE(self->code_blocks) ? PyList_GET_ITEM(self->code_blocks, number) : NULL;
    PyObject *text = block != NULL && PyTuple_Check(block) && PyTuple_GET_SIZE(block) ? PyTuple_GET_ITEM(block, 0) : NULL;
    if (text == NULL || !PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_IndexError, "no code block has this number");
        return -1;
    }
    self->looked.length = 0;
    if (add_stretch(&self->looked, text, 0, PyUnicode_GET_LENGTH(text)) < 0)
        return -1;
    collapse(&self->looked, 0);
    PyObject *line = string_of(&self->looked), *code = line == NULL ? NULL : backticked(line);
    int failed = code == NULL || PyList_Append(self->cell, code) < 0;
    Py_XDECREF(line);
    Py_XDECREF(code);
    return failed ? -1 : 0;
}

/* A `pre` may hold the number of a code block that was taken out of the tree. */
static int
open_pre(Walk *self, const Head *head)
{
    if (open_block(self, head) < 0)
        return -1;
    Py_ssize_t block = marked_number(self->markup, head->after), size = PyUnicode_GET_LENGTH(self->markup);
    if (block < 0)
        return block == -1 ? 0 : -1;
    if (in_cell(self) ? write_code_in_cell(self, block) < 0 : call_with_number(self, s_write_code, block) < 0)
        return -1;
    Py_ssize_t place = PyUnicode_FindChar(self->markup, '<', head->after, size, 1);
    self->resume = place < 0 ? size : place;
    return 0;
}
