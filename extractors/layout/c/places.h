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

/* Place behind ` name="` in data[start:end], or -1: there are few quotes, each is looked at with what is before it. */
static inline Py_ssize_t
find_opening(const int kind, const void *data, Py_ssize_t start, Py_ssize_t end, const char *opening, Py_ssize_t length)
{
    Py_ssize_t quote = start + length - 1;
    for (; (quote = find_character(kind, data, quote, end, '"')) < end; quote++) {
        Py_ssize_t i = 1;
        while (i < length && PyUnicode_READ(kind, data, quote - i) == (Py_UCS4)opening[length - 1 - i])
            i++;
        if (i == length)
            return quote + 1;
    }
    return -1;
}

/* Place of an attribute's value in a start tag, -1 where it has none; `opening` is its name as in ` href="`. */
static Py_ssize_t
value_of(const Head *head, const char *opening)
{
    const void *data = PyUnicode_DATA(head->text);
    Py_ssize_t length = (Py_ssize_t)strlen(opening);
#define FIND_OPENING(width) find_opening(width, data, head->name_end, head->end, opening, length)
    return FOR_KIND(PyUnicode_KIND(head->text), FIND_OPENING);
}

/* The value of an attribute of a start tag, as it stands: [*start, *end) of its text; 0 where it has none. */
static int
find_value(const Head *head, const char *opening, Py_ssize_t *start, Py_ssize_t *end)
{
    *start = value_of(head, opening);
    if (*start < 0)
        return 0;
    *end = PyUnicode_FindChar(head->text, '"', *start, head->end, 1);
    if (*end < 0)
        *end = head->end;
    return 1;
}

/* Adds up to `words` words of source[start:end], each behind a mark; white space between them is dropped. */
static int
add_words(Text *text, PyObject *source, Py_ssize_t start, Py_ssize_t end, Py_UCS4 mark, int words)
{
    int kind = PyUnicode_KIND(source);
    const void *data = PyUnicode_DATA(source);
    for (int inside = 0; start < end; start++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, start);
        int space = is_space(c);
        if (!space && !inside && words-- == 0)
            break;
        if (!space && ((!inside && add_character(text, mark) < 0) || add_character(text, c) < 0))
            return -1;
        inside = !space;
    }
    return 0;
}

#define MAX_PATH 240
#define MAX_SEGMENT 60
#define MAX_PLAIN 1000

/* Writes the path into `looked`: 1; 0 where a value is to be unescaped, for paths.py to do; -1 with an error. */
static int
plain_path(Walk *self, PyObject *parent, const Head *head)
{
    Text *path = &self->looked;
    PyObject *text = head->text;
    Py_ssize_t size = head->end - head->start, above = PyUnicode_GET_LENGTH(parent), start, end, begin;
    if (size > MAX_PLAIN || above > MAX_PATH || size == 0 || PyUnicode_READ_CHAR(text, head->start) > 127)
        return 0;
    path->length = 0;
    if (above > 0 && (add_stretch(path, parent, 0, above) < 0 || add_character(path, '/') < 0))
        return -1;
    begin = path->length;
    if (add_stretch(path, text, head->start, head->name_end) < 0)
        return -1;
    if (find_value(head, " id=\"", &start, &end) && end > start) {
        if (PyUnicode_FindChar(text, ' ', start, end, 1) >= 0 || PyUnicode_FindChar(text, '&', start, end, 1) >= 0)
            return 0;
        if (add_words(path, text, start, end, '#', 1) < 0)
            return -1;
    }
    if (find_value(head, " class=\"", &start, &end)) {
        if (PyUnicode_FindChar(text, '&', start, end, 1) >= 0)
            return 0;
        if (add_words(path, text, start, end, '.', 2) < 0)
            return -1;
    }
    if (path->length > begin + MAX_SEGMENT)
        path->length = begin + MAX_SEGMENT;
    for (Py_ssize_t i = begin; i < path->length; i++)
        if (path->data[i] == '/')
            path->data[i] = '_';
    if (above > 0 && path->length > MAX_PATH) { /* it keeps its beginning and its end */
        static const Py_UCS4 dots[] = {'.', '.', '.'};
        memcpy(path->data + MAX_PATH / 2 - 3, dots, sizeof(dots));
        memmove(path->data + MAX_PATH / 2, path->data + path->length - MAX_PATH / 2, MAX_PATH / 2 * sizeof(Py_UCS4));
        path->length = MAX_PATH;
    }
    return 1;
}

/* The path of a start tag's element inside a block. New reference. */
static PyObject *
new_path(Walk *self, PyObject *parent, const Head *head)
{
    int written = PyUnicode_Check(parent) ? plain_path(self, parent, head) : 0;
    if (written != 0)
        return written < 0 ? NULL : string_of(&self->looked);
    PyObject *text = head_string(head), *place = text == NULL ? NULL : PyTuple_Pack(2, parent, text);
    PyObject *path = place == NULL ? NULL : PyObject_GetItem(self->places, place); /* Paths.__missing__ */
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

/* The path of a start tag's element inside a block; those that look alike share one. New reference. */
static PyObject *
path_of(Walk *self, PyObject *parent, const Head *head)
{
    Places *known = &self->known;
    if (known->used * 2 >= known->size && known->used < MAX_PLACES && grow_places(known) < 0)
        return NULL;
    Py_ssize_t length = head->end - head->start;
    uint32_t hash = hash_stretch(head->text, head->start, length) ^ (uint32_t)((uintptr_t)parent >> 4);
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

/* The path of the innermost open block. Most blocks hold no text of their own and never need theirs. Borrowed. */
static PyObject *
current_path(Walk *self)
{
    while (self->named < self->depth) {
        Py_ssize_t number = self->named;
        const Block *block = &self->blocks[number];
        Head head = {self->markup, block->start, block->name_end, block->end, block->end};
        PyObject *path = path_of(self, self->blocks[number - 1].path, &head);
        if (path == NULL)
            return NULL;
        if (self->named != number || self->depth <= number) {
            Py_DECREF(path);
            PyErr_SetString(PyExc_RuntimeError, "blocks changed while a path was made");
            return NULL;
        }
        self->blocks[number].path = path;
        self->named++;
    }
    return self->blocks[self->depth - 1].path;
}

static int
push_block(Walk *self, const Head *head)
{
    PyObject *path = NULL;
    if (head->text != self->markup) { /* a tag that Python made up */
        PyObject *parent = Py_XNewRef(current_path(self));
        path = parent == NULL ? NULL : new_path(self, parent, head);
        Py_XDECREF(parent);
        if (path == NULL)
            return -1;
    }
    if (self->depth == self->room) {
        Py_ssize_t room = self->room * 2;
        Block *blocks = PyMem_Realloc(self->blocks, (size_t)room * sizeof(Block));
        if (blocks == NULL) {
            Py_XDECREF(path);
            PyErr_NoMemory();
            return -1;
        }
        self->blocks = blocks;
        self->room = room;
    }
    self->blocks[self->depth++] = (Block){head->start, head->name_end, head->end, path};
    if (path != NULL)
        self->named = self->depth;
    return 0;
}

static void
pop_block(Walk *self) /* the outermost one stays */
{
    if (self->depth <= 1)
        return;
    self->depth--;
    if (self->named > self->depth) {
        self->named = self->depth;
        Py_CLEAR(self->blocks[self->depth].path);
    }
}
