/* --- the table of actions: open addressing over the code points of tag names --- */

typedef struct {
    PyObject *tag, *action;
    uint32_t hash;
    int rule; /* 0: Python's action */
} Entry;

typedef struct {
    PyObject_HEAD
    uint32_t slots; /* a power of two, at least twice the entries */
    Entry *entries;
} Rules;

static PyTypeObject *rules_type;

#define HASH_START 2166136261u
#define HASH_STEP(hash, c) (((hash) ^ (uint32_t)(c)) * 16777619u)

static void
rules_dealloc(Rules *self)
{
    PyTypeObject *type = Py_TYPE(self);
    for (uint32_t i = 0; self->entries != NULL && i < self->slots; i++) {
        Py_XDECREF(self->entries[i].tag);
        Py_XDECREF(self->entries[i].action);
    }
    PyMem_Free(self->entries);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Number of the rule that a function of this module is, 0 for Python's. */
static int
rule_of(PyObject *action)
{
    int rule = RULE_COUNT - 1;
    while (rule > 0 && rule_objects[rule] != action)
        rule--;
    return rule;
}

static void
add_rule(Rules *self, PyObject *tag, PyObject *action)
{
    uint32_t hash = HASH_START;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(tag); i++)
        hash = HASH_STEP(hash, PyUnicode_READ_CHAR(tag, i));
    uint32_t slot = hash & (self->slots - 1);
    while (self->entries[slot].tag != NULL)
        slot = (slot + 1) & (self->slots - 1);
    self->entries[slot] = (Entry){Py_NewRef(tag), Py_NewRef(action), hash, rule_of(action)};
}

static PyObject *
rules_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *actions, *tag, *action;
    if (!PyArg_ParseTuple(args, "O!", &PyDict_Type, &actions))
        return NULL;
    Rules *self = (Rules *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    for (self->slots = 16; (Py_ssize_t)self->slots < 2 * PyDict_GET_SIZE(actions); self->slots *= 2)
        ;
    self->entries = PyMem_Calloc(self->slots, sizeof(Entry));
    if (self->entries == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t place = 0; PyDict_Next(actions, &place, &tag, &action);) {
        if (!PyUnicode_Check(tag)) {
            Py_DECREF(self);
            return PyErr_Format(PyExc_TypeError, "tags are strings");
        }
        add_rule(self, tag, action);
    }
    return (PyObject *)self;
}

/* A start or end tag in the markup: `<` stands at start - 1, `>` (or what ends an unfinished tag) at end. */
typedef struct {
    Py_ssize_t start, name_end, end, after; /* after: where its text begins */
    Entry *entry;                           /* NULL: no rule */
} Tag;

/* A comment may hold "<!" just before its end, as old conditional ones do. */
static inline Tag
scan_comment(const int kind, const void *data, Py_ssize_t start, Py_ssize_t size)
{
    Py_ssize_t i = start + 5;
    while (i < size && (PyUnicode_READ(kind, data, i) != '>' || PyUnicode_READ(kind, data, i - 1) != '-' ||
                        PyUnicode_READ(kind, data, i - 2) != '-'))
        i++;
    return (Tag){start, start, start, i < size ? i + 1 : size, NULL};
}

static inline Tag
scan_tag(const int kind, const void *data, Py_ssize_t start, Py_ssize_t size, uint32_t *hash)
{
    Py_ssize_t i = start;
    Py_UCS4 c = 0;
    if (start + 2 < size && PyUnicode_READ(kind, data, start) == '!' && PyUnicode_READ(kind, data, start + 1) == '-' &&
        PyUnicode_READ(kind, data, start + 2) == '-')
        return scan_comment(kind, data, start, size);
    for (; i < size && (c = PyUnicode_READ(kind, data, i)) != '>' && c != '<' && c != ' '; i++)
        *hash = HASH_STEP(*hash, c);
    Tag tag = {start, i, i, i, NULL};
    while (i < size && (c = PyUnicode_READ(kind, data, i)) != '>' && c != '<')
        i++;
    tag.end = i;
    tag.after = i < size && c == '>' ? i + 1 : i;
    return tag;
}

#define SCAN_TAG(width) scan_tag(width, data, start, size, &hash)

static Tag
read_tag(Rules *rules, PyObject *markup, Py_ssize_t start)
{
    const void *data = PyUnicode_DATA(markup);
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup);
    uint32_t hash = HASH_START;
    Tag tag = FOR_KIND(PyUnicode_KIND(markup), SCAN_TAG);
    for (uint32_t slot = hash & (rules->slots - 1); rules->entries[slot].tag != NULL; slot = (slot + 1) & (rules->slots - 1)) {
        Entry *entry = &rules->entries[slot];
        if (entry->hash == hash && PyUnicode_GET_LENGTH(entry->tag) == tag.name_end - start &&
            PyUnicode_Tailmatch(markup, entry->tag, start, tag.name_end, -1) == 1) {
            tag.entry = entry;
            break;
        }
    }
    return tag;
}

/* Whether markup[start:end] is this tag name, behind a "/" for an end tag. */
static int
is_named(PyObject *markup, Py_ssize_t start, Py_ssize_t end, PyObject *name, int closes)
{
    if (end - start != PyUnicode_GET_LENGTH(name) + closes || (closes && PyUnicode_READ_CHAR(markup, start) != '/'))
        return 0;
    return PyUnicode_Tailmatch(markup, name, start + closes, end, -1) == 1;
}

static Tag
tag_at(PyObject *markup, Py_ssize_t start)
{
    const void *data = PyUnicode_DATA(markup);
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup);
    uint32_t hash = HASH_START;
    return FOR_KIND(PyUnicode_KIND(markup), SCAN_TAG);
}

static int
add_part(PyObject *parts, PyObject *markup, Py_ssize_t start, Py_ssize_t end)
{
    PyObject *text = unescaped(markup, start, end);
    int failed = text == NULL || PyList_Append(parts, text) < 0;
    Py_XDECREF(text);
    return failed ? -1 : 0;
}

/* Adds the texts of the element; the end of its end tag, 0 past the budget, -1 with an error. */
static Py_ssize_t
look_through(Walk *self, Py_ssize_t after, PyObject *name, PyObject *parts)
{
    PyObject *markup = self->markup;
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), depth = 1;
    for (int first = 1;; first = 0) {
        Py_ssize_t place = PyUnicode_FindChar(markup, '<', after, size, 1);
        if (add_part(parts, markup, after, place < 0 ? size : place) < 0)
            return -1;
        if (place < 0)
            return 0;
        Tag tag = tag_at(markup, place + 1);
        int closes = is_named(markup, tag.start, tag.end, name, 1);
        if (closes && first)
            return tag.after;
        if (self->looks_left <= 0)
            return 0;
        self->looks_left--;
        depth += is_named(markup, tag.start, tag.name_end, name, 0) - closes;
        if (depth == 0)
            return tag.after;
        after = tag.after;
    }
}

static PyObject *
walk_look_inside(Walk *self, PyObject *args)
{
    PyObject *name, *found = NULL;
    Py_ssize_t after;
    if (!PyArg_ParseTuple(args, "nU", &after, &name))
        return NULL;
    PyObject *parts = PyList_New(0);
    if (parts == NULL)
        return NULL;
    Py_ssize_t end = after < 0 ? 0 : look_through(self, after, name, parts);
    if (end == 0)
        found = Py_NewRef(Py_None);
    else if (end > 0) {
        PyObject *text = PyUnicode_Join(s_empty, parts);
        found = text == NULL ? NULL : Py_BuildValue("(Nn)", text, end);
    }
    Py_DECREF(parts);
    return found;
}

static int
call_action(Walk *self, PyObject *action, PyObject *head, Py_ssize_t after)
{
    PyObject *place = PyLong_FromSsize_t(after);
    if (place == NULL)
        return -1;
    PyObject *done = PyObject_CallFunctionObjArgs(action, (PyObject *)self, head, place, NULL);
    Py_DECREF(place);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
act(Walk *self, const Tag *tag)
{
    int rule = tag->entry->rule;
    if (rule == CLOSE_BLOCK || rule == CLOSE_LINK || rule == CLOSE_CONTAINER || rule == LINE_BREAK)
        return apply_rule(self, rule, NULL); /* the most frequent of those that need no start tag */
    PyObject *head = PyUnicode_Substring(self->markup, tag->start, tag->end);
    if (head == NULL)
        return -1;
    int failed = rule ? apply_rule(self, rule, head) : call_action(self, tag->entry->action, head, tag->after);
    Py_DECREF(head);
    return failed;
}

static int
add_text(Walk *self, Py_ssize_t start, Py_ssize_t end)
{
    if (start >= end || (PyList_GET_SIZE(self->buffer) == 0 && is_blank(self->markup, start, end)))
        return 0;
    PyObject *text = unescaped(self->markup, start, end);
    if (text == NULL)
        return -1;
    if (self->in_link)
        self->link_chars += PyUnicode_GET_LENGTH(text);
    int failed = PyList_Append(self->buffer, text);
    Py_DECREF(text);
    return failed;
}

static int
walk_markup(Walk *self, Rules *rules)
{
    PyObject *markup = self->markup;
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), place = 0, tags = 0;
    while (place < size) {
        Py_ssize_t open = PyUnicode_FindChar(markup, '<', place, size, 1);
        if (add_text(self, place, open < 0 ? size : open) < 0)
            return -1;
        if (open < 0)
            break;
        Tag tag = read_tag(rules, markup, open + 1);
        place = tag.after;
        if (tag.entry != NULL) {
            self->resume = -1;
            if (act(self, &tag) < 0)
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
    Rules *rules;
    if (!PyArg_ParseTuple(args, "O!UO!", walk_type, &self, &markup, rules_type, &rules) || !is_ready(self))
        return NULL;
    Py_SETREF(self->markup, Py_NewRef(markup));
    Py_INCREF(self);
    Py_INCREF(rules);
    int failed = walk_markup(self, rules);
    Py_DECREF(rules);
    Py_DECREF(self);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}
