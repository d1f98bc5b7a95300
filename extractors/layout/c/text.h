/* --- text. Loops over characters are written once and compiled for each width of character. --- */

#define SCRATCH 8192

typedef struct {
    Py_UCS4 small[SCRATCH / sizeof(Py_UCS4)]; /* the longest leaves go to the heap */
    void *data;
} Scratch;

static int
scratch_open(Scratch *scratch, Py_ssize_t size, int kind)
{
    scratch->data = size * kind <= SCRATCH ? scratch->small : PyMem_Malloc((size_t)(size * kind));
    if (scratch->data == NULL)
        PyErr_NoMemory();
    return scratch->data == NULL ? -1 : 0;
}

static void
scratch_close(Scratch *scratch)
{
    if (scratch->data != scratch->small)
        PyMem_Free(scratch->data);
}

#define FOR_KIND(kind, call)                                                                                           \
    ((kind) == PyUnicode_1BYTE_KIND   ? call(PyUnicode_1BYTE_KIND)                                                     \
     : (kind) == PyUnicode_2BYTE_KIND ? call(PyUnicode_2BYTE_KIND)                                                     \
                                      : call(PyUnicode_4BYTE_KIND))

/* Length of what is written to `out`; *changed where it differs from the text by more than its length. */
static inline Py_ssize_t
collapse_into(const int kind, const void *data, Py_ssize_t size, void *out, int lines, int *changed)
{
    Py_ssize_t written = 0, breaks = 0;
    int spaced = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c <= ' ' || c >= 127) { /* else: most of all text */
            int broken = kind != PyUnicode_1BYTE_KIND && c == HARD_BREAK;
            if (broken || Py_UNICODE_ISSPACE(c)) {
                spaced |= !(broken && lines);
                breaks += broken && lines;
                *changed |= c != ' ';
                continue;
            }
        }
        if (breaks | spaced) {
            for (; written && breaks > 0; breaks--, spaced = 0)
                PyUnicode_WRITE(kind, out, written++, '\n');
            if (written && spaced)
                PyUnicode_WRITE(kind, out, written++, ' ');
            breaks = spaced = 0;
        }
        PyUnicode_WRITE(kind, out, written++, c);
    }
    return written;
}

/* White space to single spaces, HARD_BREAKs to newlines (to white space without `lines`), none at the ends. New
   reference. */
static PyObject *
collapse(PyObject *raw, int lines)
{
    int kind = PyUnicode_KIND(raw), changed = 0;
    const void *data = PyUnicode_DATA(raw);
    Py_ssize_t size = PyUnicode_GET_LENGTH(raw);
    Scratch scratch;
    if (scratch_open(&scratch, size, kind) < 0)
        return NULL;
#define COLLAPSE(width) collapse_into(width, data, size, scratch.data, lines, &changed)
    Py_ssize_t length = FOR_KIND(kind, COLLAPSE);
    PyObject *text;
    if (length == size && !changed)
        text = Py_NewRef(raw);
    else
        text = PyUnicode_FromKindAndData(kind, scratch.data, length);
    scratch_close(&scratch);
    return text;
}

static const struct {
    const char *name;
    Py_ssize_t length;
    Py_UCS4 character;
} REFERENCES[] = {{"&lt;", 4, '<'}, {"&gt;", 4, '>'}, {"&amp;", 5, '&'}, {"&nbsp;", 6, 0xA0}, {"&quot;", 6, '"'}};

static Py_ssize_t
reference_at(int kind, const void *data, Py_ssize_t at, Py_ssize_t size, Py_UCS4 *character)
{
    for (size_t r = 0; r < sizeof(REFERENCES) / sizeof(REFERENCES[0]); r++) {
        Py_ssize_t length = REFERENCES[r].length, i = 1;
        while (i < length && at + i < size && PyUnicode_READ(kind, data, at + i) == (Py_UCS4)REFERENCES[r].name[i])
            i++;
        if (i == length) {
            *character = REFERENCES[r].character;
            return length;
        }
    }
    *character = '&';
    return 1;
}

/* text[start:size] with the references that the serialiser writes resolved. New reference. */
static PyObject *
unescaped(PyObject *text, Py_ssize_t start, Py_ssize_t size)
{
    if (PyUnicode_FindChar(text, '&', start, size, 1) < 0)
        return PyUnicode_Substring(text, start, size);
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Scratch scratch;
    if (scratch_open(&scratch, size - start, kind) < 0)
        return NULL;
    Py_ssize_t length = 0;
    while (start < size) {
        Py_UCS4 c = PyUnicode_READ(kind, data, start);
        start += c == '&' ? reference_at(kind, data, start, size, &c) : 1;
        PyUnicode_WRITE(kind, scratch.data, length, c);
        length++;
    }
    PyObject *resolved = PyUnicode_FromKindAndData(kind, scratch.data, length);
    scratch_close(&scratch);
    return resolved;
}

static int
is_blank(PyObject *text, Py_ssize_t start, Py_ssize_t end)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    while (start < end && Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, start)))
        start++;
    return start == end;
}
