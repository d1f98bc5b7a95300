/* --- SignFinder: an Aho-Corasick automaton (CACM 18:6, 1975) over ASCII, letters in any case --- */

typedef struct {
    const char *text; /* without the dots of its edges; the tuple of signs owns it */
    Py_ssize_t length;
    int begins, ends; /* whether it is a word's beginning, and its end */
    int same;         /* another sign with this text, or -1 */
} Sign;

typedef struct {
    PyObject_HEAD
    PyObject *signs;
    Sign *texts; /* as many */
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
    PyMem_Free(self->texts);
    PyMem_Free(self->next);
    PyMem_Free(self->sign);
    PyMem_Free(self->shorter);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
read_sign(PyObject *sign, Sign *read)
{
    Py_ssize_t length = 0;
    const char *text = PyUnicode_Check(sign) && PyUnicode_IS_ASCII(sign) ? PyUnicode_AsUTF8AndSize(sign, &length) : NULL;
    int begins = length > 0 && text[0] == '.', ends = length > 1 && text[length - 1] == '.';
    *read = (Sign){text == NULL ? NULL : text + begins, length - begins - ends, begins, ends, -1};
    if (read->length > 0)
        return 0;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "signs are ASCII and not empty");
    return -1;
}

static int
number_classes(Finder *self)
{
    Py_ssize_t count = PyTuple_GET_SIZE(self->signs), total = 1;
    self->width = 1;
    self->texts = PyMem_New(Sign, count + 1);
    for (Py_ssize_t i = 0; self->texts != NULL && i < count; i++) {
        Sign *sign = &self->texts[i];
        if (read_sign(PyTuple_GET_ITEM(self->signs, i), sign) < 0)
            return -1;
        total += sign->length;
        if (sign->length > self->longest)
            self->longest = sign->length;
        for (Py_ssize_t k = 0; k < sign->length; k++)
            if (self->classes[(unsigned char)sign->text[k]] == 0)
                self->classes[(unsigned char)sign->text[k]] = (unsigned char)self->width++;
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
    if (self->texts == NULL || self->next == NULL || self->sign == NULL || self->shorter == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void
plant(Finder *self, int number) /* one branch of the trie; 0 is no child */
{
    Sign *sign = &self->texts[number];
    int state = 0;
    for (Py_ssize_t k = 0; k < sign->length; k++) {
        int *child = &self->next[state * self->width + self->classes[(unsigned char)sign->text[k]]];
        if (*child == 0) {
            self->sign[self->states] = -1;
            *child = self->states++;
        }
        state = *child;
    }
    sign->same = self->sign[state];
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
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(signs); i++)
        plant(self, (int)i);
    if (link_suffixes(self) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static inline int
in_word(Py_UCS4 c)
{
    return c < 128 && (Py_ISALNUM(c) || c == '-' || c == '_');
}

/* Notes the signs that end at text[at], by the characters around them. `found`: of signs, then of states whose signs
   have all been found, as those of most places have. */
static Py_NO_INLINE void
note(Finder *self, int state, int kind, const void *text, Py_ssize_t size, Py_ssize_t at, char *found)
{
    state /= self->width;
    char *done = found + PyTuple_GET_SIZE(self->signs) + state;
    if (*done)
        return;
    int ends = at + 1 >= size || !in_word(PyUnicode_READ(kind, text, at + 1)), all = 1;
    for (; state >= 0; state = self->shorter[state])
        for (int number = self->sign[state]; number >= 0; number = self->texts[number].same) {
            const Sign *sign = &self->texts[number];
            Py_ssize_t before = at - sign->length;
            int begins = !sign->begins || before < 0 || !in_word(PyUnicode_READ(kind, text, before));
            found[number] |= (char)(begins && (ends || !sign->ends));
            all &= found[number];
        }
    *done = (char)all;
}

/* A step waits for the one before it, so four parts of the page are read side by side; each goes on into the next
   for the length of the longest sign. */
#define PARTS 4
#define STEP(state, at)                                                                                                \
    character = PyUnicode_READ(kind, text, at);                                                                        \
    state = character < 128 ? next[state + classes[character]] : 0;                                                    \
    if (state < 0) {                                                                                                   \
        state = -state;                                                                                                \
        note(self, state, kind, text, size, at, found);                                                                \
    }

/* Marks the signs of a text in `found`. */
static inline int
scan(Finder *self, const int kind, const void *text, Py_ssize_t size, char *found)
{
    const int *next = self->next;
    const unsigned char *classes = self->classes;
    Py_ssize_t part = size / PARTS, i = 0;
    int a = 0, b = 0, c = 0, d = 0;
    Py_UCS4 character;
    for (; i < part; i++) {
        STEP(a, i)
        STEP(b, part + i)
        STEP(c, 2 * part + i)
        STEP(d, 3 * part + i)
    }
    int ends[PARTS] = {a, b, c, d};
    for (int k = 0; k < PARTS; k++)
        for (i = (k + 1) * part; i < size && i < (k + 1) * part + self->longest + PARTS; i++) {
            STEP(ends[k], i)
        }
    return 0;
}

/* Counts, so that the compiler takes many characters at once. */
static inline int
holds_reserved(const int kind, const void *text, Py_ssize_t size)
{
    Py_ssize_t found = 0;
    if (kind != PyUnicode_1BYTE_KIND)
        for (Py_ssize_t i = 0; i < size; i++)
            found += PyUnicode_READ(kind, text, i) - FIRST_RESERVED <= LAST_RESERVED - FIRST_RESERVED;
    return found > 0;
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
    char *found = PyMem_Calloc((size_t)PyTuple_GET_SIZE(self->signs) + (size_t)self->states, 1);
    if (found == NULL)
        return PyErr_NoMemory();
    const void *data = PyUnicode_DATA(html);
    Py_ssize_t size = PyUnicode_GET_LENGTH(html);
#define SCAN(width) scan(self, width, data, size, found)
    FOR_KIND(PyUnicode_KIND(html), SCAN);
#define HOLDS_RESERVED(width) holds_reserved(width, data, size)
    int reserved = FOR_KIND(PyUnicode_KIND(html), HOLDS_RESERVED);
    PyObject *set = PyFrozenSet_New(NULL);
    if (set != NULL && add_found(self, set, found, reserved) < 0)
        Py_CLEAR(set);
    PyMem_Free(found);
    return set;
}

static PyMethodDef finder_methods[] = {{"find", (PyCFunction)finder_find, METH_O, NULL}, {NULL}};
static PyMemberDef finder_members[] = {{"signs", T_OBJECT_EX, offsetof(Finder, signs), READONLY, NULL}, {NULL}};
