/* The lines of words that fastText models read. */

static int
is_apart(Py_UCS4 character) /* hot.py: APART */
{
    return character < 128 ? kinds[character] & APART : is_unspaced(character);
}

/* The two loops are one: with an output of bytes, which most texts are, the compiler need not ask for every character. */
#define PLAIN_LINE(TYPE)                                                                                                         \
    TYPE *to = PyUnicode_DATA(line);                                                                                             \
    for (Py_ssize_t at = 0; at < length; at++) {                                                                                 \
        Py_UCS4 character = PyUnicode_READ(kind, data, at);                                                                      \
        int alone = is_apart(character);                                                                                         \
        if (alone)                                                                                                               \
            *to++ = ' ';                                                                                                         \
        *to++ = (TYPE)(character < 128 ? plain[character] : character >= 0xD800 && character <= 0xDFFF ? ' ' : character);       \
        if (alone)                                                                                                               \
            *to++ = ' ';                                                                                                         \
    }

static PyObject *
plain_line(PyObject *Py_UNUSED(module), PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a string");
        return NULL;
    }
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), apart = 0;
    for (Py_ssize_t at = 0; at < length; at++)
        apart += is_apart(PyUnicode_READ(kind, data, at)) != 0;
    if (apart > (PY_SSIZE_T_MAX - length) / 2)
        return PyErr_NoMemory();
    PyObject *line = PyUnicode_New(length + 2 * apart, PyUnicode_MAX_CHAR_VALUE(text));
    if (line == NULL)
        return NULL;
    if (kind == PyUnicode_1BYTE_KIND) {
        PLAIN_LINE(Py_UCS1)
    }
    else if (kind == PyUnicode_2BYTE_KIND) {
        PLAIN_LINE(Py_UCS2)
    }
    else {
        PLAIN_LINE(Py_UCS4)
    }
    if (PyUnicode_MAX_CHAR_VALUE(line) < 0x1000)
        return line;
    PyObject *narrow = PyUnicode_FromKindAndData(PyUnicode_KIND(line), PyUnicode_DATA(line), PyUnicode_GET_LENGTH(line));
    Py_DECREF(line); /* without its surrogates it may be a string of narrower characters */
    return narrow;
}

/* Letters of words only, for a language model: no addresses, digits, signs of markup; "" with fewer than `enough` letters
   among the first `look` characters. */
static Py_ssize_t
starts_address(int kind, const void *data, Py_ssize_t at, Py_ssize_t length) /* 0, or the length of what begins one */
{
    static const char *const starts[] = {"http://", "https://", "www."};
    for (size_t number = 0; number < sizeof(starts) / sizeof(*starts); number++) {
        Py_ssize_t size = (Py_ssize_t)strlen(starts[number]), same = 0;
        while (same < size && at + same < length && PyUnicode_READ(kind, data, at + same) == (Py_UCS4)starts[number][same])
            same++;
        if (same == size && at + size < length && !Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, at + size)))
            return size;
    }
    return 0;
}

static PyObject *
language_line(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *text;
    Py_ssize_t enough, look;
    if (!PyArg_ParseTuple(args, "Unn:language_line", &text, &enough, &look))
        return NULL;
    int kind = PyUnicode_KIND(text), space = 1;
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), to = 0, letters = 0;
    Py_UCS4 *line = PyMem_New(Py_UCS4, length + 1);
    if (line == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t at = 0; at < length; at++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, at);
        if ((character == 'h' || character == 'w') && starts_address(kind, data, at, length)) {
            while (at + 1 < length && !Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, at + 1)))
                at++;
            character = ' ';
        }
        if (character < 128 ? kinds[character] & (NO_WORD | SPACE) : Py_UNICODE_ISSPACE(character)) { /* hot.py: _NO_WORDS */
            space = 1;
            continue;
        }
        if (space && to > 0)
            line[to++] = ' ';
        space = 0;
        line[to++] = character >= 0xD800 && character <= 0xDFFF ? '?' : character;
    }
    for (Py_ssize_t at = 0; at < to && at < look; at++)
        letters += Py_UNICODE_ISALNUM(line[at]) && !Py_UNICODE_ISDECIMAL(line[at]);
    PyObject *result = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, line, letters < enough ? 0 : to);
    PyMem_Free(line);
    return result;
}
