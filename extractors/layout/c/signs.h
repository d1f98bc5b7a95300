/* --- SignFinder: an Aho-Corasick automaton (CACM 18:6, 1975) over ASCII, letters in any case --- */

typedef struct {
    PyObject_HEAD
    PyObject *signs;
    int width, states;   /* character classes; class 0 is any character of no sign */
    unsigned char classes[128];
    Py_ssize_t longest;
    int *next;           /* [state * width + class] -> state; once linked its row, negative where a sign ends there */
    int *sign;           /* [state] -> sign that ends here, or -1 */
    int *shorter;        /* [state] -> longest proper suffix that ends a sign, or -1 */
} Finder;

static void
finder_dealloc(Finder *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->signs);
    PyMem_Free(self->next);
    PyMem_Free(self->sign);
    PyMem_Free(self->shorter);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Text of a sign, or NULL with an error. */
static const char *
sign_text(PyObject *sign, Py_ssize_t *length)
{
    const char *text = PyUnicode_Check(sign) && PyUnicode_IS_ASCII(sign) ? PyUnicode_AsUTF8AndSize(sign, length) : NULL;
    if (text == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "signs are ASCII");
    return text;
}

static int
number_classes(Finder *self)
{
    Py_ssize_t length, total = 1;
    self->width = 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->signs); i++) {
        const char *text = sign_text(PyTuple_GET_ITEM(self->signs, i), &length);
        if (text == NULL)
            return -1;
        total += length;
        if (length > self->longest)
            self->longest = length;
        for (Py_ssize_t k = 0; k < length; k++)
            if (self->classes[(unsigned char)text[k]] == 0)
                self->classes[(unsigned char)text[k]] = (unsigned char)self->width++;
    }
    for (int c = 'A'; c <= 'Z'; c++)
        self->classes[c] = self->classes[c - 'A' + 'a'];
    if (total > 100000) {
        PyErr_SetString(PyExc_ValueError, "too many signs");
        return -1;
    }
    self->next = PyMem_Calloc((size_t)total * (size_t)self->width, sizeof(int));
    self->sign = PyMem_New(int, total);
    self->shorter = PyMem_New(int, total);
    if (self->next == NULL || self->sign == NULL || self->shorter == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void
plant(Finder *self, int number, const char *text, Py_ssize_t length) /* one branch of the trie; 0 is no child */
{
    int state = 0;
    for (Py_ssize_t k = 0; k < length; k++) {
        int *child = &self->next[state * self->width + self->classes[(unsigned char)text[k]]];
        if (*child == 0) {
            self->sign[self->states] = -1;
            *child = self->states++;
        }
        state = *child;
    }
    self->sign[state] = number;
}

/* Breadth first: a missing child is the child of the longest suffix. */
static int
link_suffixes(Finder *self)
{
    int *queue = PyMem_New(int, self->states), *suffix = PyMem_New(int, self->states), head = 0, tail = 0;
    if (queue == NULL || suffix == NULL) {
        PyMem_Free(queue);
        PyMem_Free(suffix);
        PyErr_NoMemory();
        return -1;
    }
    queue[tail++] = 0;
    suffix[0] = 0;
    self->shorter[0] = -1;
    while (head < tail) {
        int state = queue[head++];
        for (int class = 0; class < self->width; class++) {
            int *child = &self->next[state * self->width + class];
            int other = state ? self->next[suffix[state] * self->width + class] : 0;
            if (*child == 0) {
                *child = other;
                continue;
            }
            suffix[*child] = other;
            self->shorter[*child] = self->sign[other] >= 0 ? other : self->shorter[other];
            queue[tail++] = *child;
        }
    }
    for (int i = 0; i < self->states * self->width; i++) {
        int state = self->next[i];
        int ends = self->sign[state] >= 0 || self->shorter[state] >= 0;
        self->next[i] = state * self->width * (ends ? -1 : 1);
    }
    PyMem_Free(queue);
    PyMem_Free(suffix);
    return 0;
}

static PyObject *
finder_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *signs;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &signs))
        return NULL;
    Finder *self = (Finder *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->signs = Py_NewRef(signs);
    if (number_classes(self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->states = 1;
    self->sign[0] = -1;
    for (Py_ssize_t i = 0, length; i < PyTuple_GET_SIZE(signs); i++) {
        const char *text = sign_text(PyTuple_GET_ITEM(signs, i), &length);
        plant(self, (int)i, text, length);
    }
    if (link_suffixes(self) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void
note(Finder *self, int state, char *found)
{
    for (; state >= 0; state = self->shorter[state])
        if (self->sign[state] >= 0)
            found[self->sign[state]] = 1;
}

/* A step waits for the one before it, so four parts of the page are read side by side; each goes on into the next
   for the length of the longest sign. */
#define PARTS 4
#define STEP(at, c)                                                                                                    \
    at = (c) < 128 ? next[at + classes[c]] : 0;                                                                        \
    if (at < 0) {                                                                                                      \
        at = -at;                                                                                                      \
        note(self, at / self->width, found);                                                                           \
    }
#define SCANNER(name, type)                                                                                            \
    static void name(Finder *self, const type *text, Py_ssize_t size, char *found)                                     \
    {                                                                                                                  \
        const int *next = self->next;                                                                                  \
        const unsigned char *classes = self->classes;                                                                  \
        Py_ssize_t part = size / PARTS, i = 0;                                                                         \
        int a = 0, b = 0, c = 0, d = 0;                                                                                \
        for (; i < part; i++) {                                                                                        \
            STEP(a, text[i])                                                                                           \
            STEP(b, text[part + i])                                                                                    \
            STEP(c, text[2 * part + i])                                                                                \
            STEP(d, text[3 * part + i])                                                                                \
        }                                                                                                              \
        int ends[PARTS] = {a, b, c, d};                                                                                \
        for (int k = 0; k < PARTS; k++)                                                                                \
            for (i = (k + 1) * part; i < size && i < (k + 1) * part + self->longest + PARTS; i++) {                    \
                STEP(ends[k], text[i])                                                                                 \
            }                                                                                                          \
    }
SCANNER(scan_1, Py_UCS1)
SCANNER(scan_2, Py_UCS2)
SCANNER(scan_4, Py_UCS4)

/* Marks the signs of `html` in `found`. */
static void
scan(Finder *self, PyObject *html, char *found)
{
    const void *data = PyUnicode_DATA(html);
    Py_ssize_t size = PyUnicode_GET_LENGTH(html);
    switch (PyUnicode_KIND(html)) {
    case PyUnicode_1BYTE_KIND:
        scan_1(self, data, size, found);
        break;
    case PyUnicode_2BYTE_KIND:
        scan_2(self, data, size, found);
        break;
    default:
        scan_4(self, data, size, found);
    }
}

static int
holds_reserved(PyObject *html)
{
    int kind = PyUnicode_KIND(html);
    const void *data = PyUnicode_DATA(html);
    if (kind == PyUnicode_1BYTE_KIND)
        return 0;
    for (Py_ssize_t i = 0, size = PyUnicode_GET_LENGTH(html); i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c >= FIRST_RESERVED && c <= LAST_RESERVED)
            return 1;
    }
    return 0;
}

static int
add_found(Finder *self, PyObject *set, const char *found, int reserved)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->signs); i++)
        if (found[i] && PySet_Add(set, PyTuple_GET_ITEM(self->signs, i)) < 0)
            return -1;
    PyObject *mark = reserved ? PyUnicode_FromOrdinal(FIRST_RESERVED) : NULL;
    int failed = reserved && (mark == NULL || PySet_Add(set, mark) < 0);
    Py_XDECREF(mark);
    return failed ? -1 : 0;
}

static PyObject *
finder_find(Finder *self, PyObject *html)
{
    if (!PyUnicode_Check(html))
        return PyErr_Format(PyExc_TypeError, "find takes a string");
    char *found = PyMem_Calloc((size_t)PyTuple_GET_SIZE(self->signs) + 1, 1);
    if (found == NULL)
        return PyErr_NoMemory();
    scan(self, html, found);
    int reserved = holds_reserved(html);
    PyObject *set = PyFrozenSet_New(NULL);
    if (set != NULL && add_found(self, set, found, reserved) < 0)
        Py_CLEAR(set);
    PyMem_Free(found);
    return set;
}

static PyMethodDef finder_methods[] = {{"find", (PyCFunction)finder_find, METH_O, NULL}, {NULL}};
static PyMemberDef finder_members[] = {{"signs", T_OBJECT_EX, offsetof(Finder, signs), READONLY, NULL}, {NULL}};
