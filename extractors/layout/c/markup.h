/* --- TagTable --- */

static PyTypeObject *table_type;

static void
table_dealloc(TagTable *self)
{
    PyTypeObject *type = Py_TYPE(self);
    for (uint32_t i = 0; self->entries != NULL && i < self->slots; i++) {
        Py_XDECREF(self->entries[i].tag);
        Py_XDECREF(self->entries[i].meaning);
    }
    PyMem_Free(self->entries);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Number of the rule that a function of this module is, 0 for Python's; a number stands for itself. -1 with an error. */
static int
number_of(PyObject *meaning)
{
    if (PyLong_Check(meaning)) {
        long number = PyLong_AsLong(meaning);
        return number < 0 || number > INT_MAX ? -1 : (int)number;
    }
    int rule = RULE_COUNT - 1;
    while (rule > 0 && rule_objects[rule] != meaning)
        rule--;
    return rule;
}

static int
add_entry(TagTable *self, PyObject *tag, PyObject *meaning)
{
    int number = number_of(meaning);
    if (!PyUnicode_Check(tag) || number < 0) {
        PyErr_SetString(PyExc_TypeError, "tags are strings, their meanings functions or numbers");
        return -1;
    }
    uint32_t hash = HASH_START;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(tag); i++)
        hash = HASH_STEP(hash, PyUnicode_READ_CHAR(tag, i));
    uint32_t slot = hash & (self->slots - 1);
    while (self->entries[slot].tag != NULL)
        slot = (slot + 1) & (self->slots - 1);
    self->entries[slot] = (Entry){Py_NewRef(tag), Py_NewRef(meaning), hash, number};
    return 0;
}

static PyObject *
table_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *meanings, *tag, *meaning;
    if (!PyArg_ParseTuple(args, "O!", &PyDict_Type, &meanings))
        return NULL;
    TagTable *self = (TagTable *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    for (self->slots = 16; (Py_ssize_t)self->slots < 2 * PyDict_GET_SIZE(meanings); self->slots *= 2)
        ;
    self->entries = PyMem_Calloc(self->slots, sizeof(Entry));
    if (self->entries == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t place = 0; PyDict_Next(meanings, &place, &tag, &meaning);)
        if (add_entry(self, tag, meaning) < 0) {
            Py_DECREF(self);
            return NULL;
        }
    return (PyObject *)self;
}

/* --- the pass over the markup --- */

static int
call_action(Walk *self, PyObject *action, const Head *head)
{
    PyObject *text = head_string(head), *place = PyLong_FromSsize_t(head->after);
    PyObject *done = text == NULL || place == NULL
                         ? NULL
                         : PyObject_CallFunctionObjArgs(action, (PyObject *)self, text, place, NULL);
    Py_XDECREF(text);
    Py_XDECREF(place);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
add_text(Walk *self, PyObject *markup, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t before = self->buffer.length;
    if (start >= end || (before == 0 && is_blank(markup, start, end)))
        return 0;
    if (add_markup(&self->buffer, markup, start, end) < 0)
        return -1;
    if (self->in_link)
        self->link_chars += self->buffer.length - before;
    return 0;
}

static inline int
walk_markup(Walk *self, PyObject *markup, const TagTable *rules, const int kind)
{
    const void *data = PyUnicode_DATA(markup);
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), place = 0, tags = 0;
    while (place < size) {
        Py_ssize_t open = find_character(kind, data, place, size, '<');
        if (add_text(self, markup, place, open) < 0)
            return -1;
        if (open == size)
            break;
        Tag tag = scan_tag(kind, data, open + 1, size);
        const Entry *entry = find_entry(rules, markup, tag.start, tag.name_end, tag.hash);
        place = tag.after;
        if (entry != NULL) {
            Head head = {markup, tag.start, tag.name_end, tag.end, tag.after};
            int rule = entry->number;
            self->resume = -1;
            if ((rule ? RULE_FUNCTIONS[rule](self, &head) : call_action(self, entry->meaning, &head)) < 0)
                return -1;
            if (self->resume > place)
                place = self->resume;
        }
        if ((++tags & 0xFFF) == 0 && PyErr_CheckSignals() < 0)
            return -1;
    }
    return flush_buffer(self);
}

static PyObject *
lay_out_markup(PyObject *Py_UNUSED(module), PyObject *args)
{
    Walk *self;
    PyObject *markup;
    TagTable *rules;
    if (!PyArg_ParseTuple(args, "O!UO!", walk_type, &self, &markup, table_type, &rules) || !is_ready(self))
        return NULL;
    for (uint32_t i = 0; i < rules->slots; i++)
        if (rules->entries[i].number >= RULE_COUNT)
            return PyErr_Format(PyExc_ValueError, "no table of rules");
    if (current_path(self) == NULL) /* of blocks left open by the markup before */
        return NULL;
    Py_SETREF(self->markup, Py_NewRef(markup));
    clear_places(&self->known);
    Py_INCREF(self);
    Py_INCREF(markup);
    Py_INCREF(rules);
#define WALK_MARKUP(width) walk_markup(self, markup, rules, width)
    int failed = FOR_KIND(PyUnicode_KIND(markup), WALK_MARKUP);
    Py_DECREF(rules);
    Py_DECREF(markup);
    Py_DECREF(self);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}
