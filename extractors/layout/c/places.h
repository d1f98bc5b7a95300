/* --- heads, and paths of blocks as paths.py makes them --- */

/* A tag without its brackets, text[start:end]; `after` is where its text begins in the markup. */
typedef struct {
    PyObject *text; /* the markup, or a string that rules.py gave */
    Py_ssize_t start, name_end, end, after;
} Head;

static PyObject *
head_string(const Head *head)
{
    return PyUnicode_Substring(head->text, head->start, head->end);
}

/* The value of an attribute of a start tag, as it stands: [*start, *end) of its text; 0 where it has none. */
static int
find_value(const Head *head, const char *opening, Py_ssize_t *start, Py_ssize_t *end)
{
    Py_ssize_t found = find_ascii(head->text, head->name_end, head->end, opening);
    if (found < 0)
        return 0;
    *start = found + (Py_ssize_t)strlen(opening);
    *end = PyUnicode_FindChar(head->text, '"', *start, head->end, 1);
    if (*end < 0)
        *end = head->end;
    return 1;
}

/* Adds up to `words` words of text[start:end], each behind a mark; white space between them is dropped. */
static Py_ssize_t
add_words(Py_UCS4 *to, Py_ssize_t length, PyObject *text, Py_ssize_t start, Py_ssize_t end, Py_UCS4 mark, int words)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    for (int inside = 0; start < end; start++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, start);
        int space = is_space(c);
        if (!space && !inside && words-- == 0)
            break;
        if (!space && !inside)
            to[length++] = mark;
        if (!space)
            to[length++] = c;
        inside = !space;
    }
    return length;
}

#define MAX_PATH 240
#define MAX_SEGMENT 60
#define MAX_PLAIN 1000

/* A long path keeps its beginning and its end. Takes the reference, gives a new one. */
static PyObject *
shortened(PyObject *path)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(path);
    PyObject *first = PyUnicode_Substring(path, 0, MAX_PATH / 2 - 3);
    PyObject *rest = PyUnicode_Substring(path, length - MAX_PATH / 2, length);
    PyObject *text = first == NULL || rest == NULL ? NULL : PyUnicode_FromFormat("%U...%U", first, rest);
    Py_XDECREF(first);
    Py_XDECREF(rest);
    Py_DECREF(path);
    return text;
}

/* New reference; NULL without an error where a value is to be unescaped, for paths.py to do. */
static PyObject *
plain_path(PyObject *parent, const Head *head)
{
    Py_ssize_t size = head->end - head->start, above = PyUnicode_GET_LENGTH(parent), start, end, length = 0;
    if (size > MAX_PLAIN || above > MAX_PATH || size == 0 || PyUnicode_READ_CHAR(head->text, head->start) > 127 ||
        PyUnicode_FindChar(head->text, '&', head->start, head->end, 1) >= 0)
        return NULL;
    Py_UCS4 segment[MAX_PLAIN + 8]; /* the head and three marks */
    for (Py_ssize_t i = head->start; i < head->name_end; i++)
        segment[length++] = PyUnicode_READ_CHAR(head->text, i);
    if (find_value(head, " id=\"", &start, &end) && end > start) {
        if (PyUnicode_FindChar(head->text, ' ', start, end, 1) >= 0)
            return NULL;
        length = add_words(segment, length, head->text, start, end, '#', 1);
    }
    if (find_value(head, " class=\"", &start, &end))
        length = add_words(segment, length, head->text, start, end, '.', 2);
    if (length > MAX_SEGMENT)
        length = MAX_SEGMENT;
    for (Py_ssize_t i = 0; i < length; i++)
        if (segment[i] == '/')
            segment[i] = '_';
    PyObject *text = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, segment, length);
    if (text == NULL || above == 0)
        return text;
    PyObject *path = PyUnicode_FromFormat("%U/%U", parent, text);
    Py_DECREF(text);
    return path == NULL || PyUnicode_GET_LENGTH(path) <= MAX_PATH ? path : shortened(path);
}

/* The path of a start tag's element inside a block. New reference. */
static PyObject *
new_path(Walk *self, PyObject *parent, const Head *head)
{
    PyObject *path = PyUnicode_Check(parent) ? plain_path(parent, head) : NULL;
    if (path != NULL || PyErr_Occurred())
        return path;
    PyObject *text = head_string(head), *place = text == NULL ? NULL : PyTuple_Pack(2, parent, text);
    path = place == NULL ? NULL : PyObject_GetItem(self->places, place); /* Paths.__missing__ */
    Py_XDECREF(text);
    Py_XDECREF(place);
    return path;
}

static int
grow_places(Places *known)
{
    Places grown = {NULL, known->size ? known->size * 2 : 64, known->used};
    grown.slots = PyMem_Calloc(grown.size, sizeof(Place));
    if (grown.slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < known->size; i++) {
        if (known->slots[i].path == NULL)
            continue;
        uint32_t slot = known->slots[i].hash & (grown.size - 1);
        while (grown.slots[slot].path != NULL)
            slot = (slot + 1) & (grown.size - 1);
        grown.slots[slot] = known->slots[i];
    }
    PyMem_Free(known->slots);
    *known = grown;
    return 0;
}

#define MAX_PLACES 1000000 /* a page of more different ones gets no faster by remembering them */

/* The path of a start tag's element inside the innermost open block; those that look alike share one. New reference. */
static PyObject *
path_of(Walk *self, const Head *head)
{
    Places *known = &self->known;
    PyObject *parent = last(self->paths);
    if (parent == NULL || head->text != self->markup)
        return parent == NULL ? NULL : new_path(self, parent, head);
    if (known->used * 2 >= known->size && known->used < MAX_PLACES && grow_places(known) < 0)
        return NULL;
    Py_ssize_t length = head->end - head->start;
    uint32_t hash = HASH_STEP(HASH_START, (uintptr_t)parent >> 4);
    for (Py_ssize_t i = head->start; i < head->end; i++)
        hash = HASH_STEP(hash, PyUnicode_READ_CHAR(head->text, i));
    uint32_t slot = hash & (known->size - 1);
    for (; known->slots[slot].path != NULL; slot = (slot + 1) & (known->size - 1)) {
        const Place *place = &known->slots[slot];
        if (place->hash == hash && place->parent == parent && place->length == length &&
            same_stretch(head->text, place->start, head->start, length))
            return Py_NewRef(place->path);
    }
    Py_INCREF(parent);
    PyObject *path = new_path(self, parent, head);
    if (path == NULL || known->used >= MAX_PLACES)
        Py_DECREF(parent);
    else {
        known->slots[slot] = (Place){parent, Py_NewRef(path), head->start, length, hash};
        known->used++;
    }
    return path;
}
