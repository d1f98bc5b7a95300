/* The line of words that a fastText model reads. */

static int
is_unspaced(Py_UCS4 character) /* hot.py: _UNSPACED */
{
    return (character >= 0xE00 && character <= 0xE7F) || (character >= 0x1000 && character <= 0x109F)
           || (character >= 0x1780 && character <= 0x17FF) || (character >= 0x3040 && character <= 0x30FF)
           || (character >= 0x3400 && character <= 0x9FFF) || (character >= 0xF900 && character <= 0xFAFF);
}

static int
is_apart(Py_UCS4 character) /* hot.py: APART */
{
    return character < 128 ? character && strchr("()[]=;:<>+/", (int)character) != NULL : is_unspaced(character);
}

static Py_UCS4
shown(Py_UCS4 character)
{
    if (character >= 128)
        return character >= 0xD800 && character <= 0xDFFF ? ' ' : character;
    if (character >= '0' && character <= '9')
        return '0';
    return Py_ISALNUM(character) || character == '_' || is_apart(character) ? character : ' ';
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
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), apart = 0, to = 0;
    for (Py_ssize_t at = 0; at < length; at++)
        apart += is_apart(PyUnicode_READ(kind, data, at));
    if (apart > (PY_SSIZE_T_MAX - length) / 2)
        return PyErr_NoMemory();
    PyObject *line = PyUnicode_New(length + 2 * apart, PyUnicode_MAX_CHAR_VALUE(text));
    if (line == NULL)
        return NULL;
    int line_kind = PyUnicode_KIND(line);
    void *line_data = PyUnicode_DATA(line);
    for (Py_ssize_t at = 0; at < length; at++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, at);
        int alone = is_apart(character);
        if (alone)
            PyUnicode_WRITE(line_kind, line_data, to++, ' ');
        PyUnicode_WRITE(line_kind, line_data, to++, shown(character));
        if (alone)
            PyUnicode_WRITE(line_kind, line_data, to++, ' ');
    }
    return line;
}
