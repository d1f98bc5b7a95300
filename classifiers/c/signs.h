/* Sentence ends and signs of a text, in one pass each. */

static int
is_stop(Py_UCS4 character) /* hot.py: _STOPS */
{
    return character == '.' || character == '!' || character == '?' || character == 0x2026;
}

static int
is_wide_stop(Py_UCS4 character) /* hot.py: _WIDE_STOPS */
{
    return character == 0x3002 || character == 0xFF01 || character == 0xFF1F;
}

static int
may_follow(Py_UCS4 character) /* hot.py: what may follow a sentence's end beside white space */
{
    return character == '"' || character == '\'' || character == 0x201D || character == 0x2019 || character == ')'
           || character == ']';
}

static Py_ssize_t
sentence_ends(int kind, const void *data, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t ends = 0, at = start;
    Py_UCS4 before = ' ';
    while (at < end) {
        Py_UCS4 character = PyUnicode_READ(kind, data, at);
        if (character < 128 && !(kinds[character] & STOP)) {
            before = character;
            at++;
            continue;
        }
        int stop = is_stop(character) || character == ':' || character == ';', wide = is_wide_stop(character);
        if ((stop || wide) && !is_stop(before) && before != ':' && before != ';') {
            Py_ssize_t next = at;
            Py_UCS4 follower = ' ';
            while (next < end) {
                follower = PyUnicode_READ(kind, data, next);
                if (!is_stop(follower) && follower != ':' && follower != ';' && !is_wide_stop(follower))
                    break;
                next++;
            }
            if (next == end || is_space(follower) || may_follow(follower)) {
                ends++;
                before = PyUnicode_READ(kind, data, next - 1);
                at = next;
                continue;
            }
        }
        ends += wide;
        before = character;
        at++;
    }
    return ends;
}

static PyObject *
sentence_facts(PyObject *Py_UNUSED(module), PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a string");
        return NULL;
    }
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), chars = 0, covered = 0, ends = 0, words = 0;
    for (Py_ssize_t start = 0, end; start < length; start = end + 1) {
        Py_ssize_t first = -1, last = -1, here = 0;
        int inside = 0;
        for (end = start; end < length; end++) {
            Py_UCS4 character = PyUnicode_READ(kind, data, end);
            if (character == '\n')
                break;
            int space = is_space(character) != 0;
            here += !space && !inside;
            inside = !space;
            if (inside) {
                first = first < 0 ? end : first;
                last = end;
            }
        }
        if (first < 0)
            continue;
        chars += last + 1 - first;
        Py_ssize_t found = sentence_ends(kind, data, first, last + 1);
        if (found) {
            ends += found;
            covered += last + 1 - first;
            words += here;
        }
    }
    return Py_BuildValue("nnnn", chars, covered, ends, words);
}

static int
is_common(Py_UCS4 character) /* hot.py: COMMON_SIGNS */
{
    static const Py_UCS4 wide[] = {0xA1,   0xA3,   0xA7,   0xAB,   0xB0,   0xBB,   0xBF,   0x2013, 0x2014, 0x2018, 0x2019, 0x201C,
                                   0x201D, 0x201E, 0x2026, 0x20AC, 0x3001, 0x3002, 0x300A, 0x300B, 0x300C, 0x300D, 0x300E, 0x300F,
                                   0xFF01, 0xFF08, 0xFF09, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF1F};
    if (character < 128)
        return kinds[character] & COMMON;
    for (size_t at = 0; at < sizeof(wide) / sizeof(*wide); at++)
        if (wide[at] == character)
            return 1;
    return 0;
}

static PyObject *signs_type; /* hot.py: Signs */

static PyObject *
noise(PyObject *Py_UNUSED(module), PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a string");
        return NULL;
    }
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), odd = 0, runs = 0, run = 0, unspaced = 0, inked = 0, pieces = 0;
    int inside = 0;
    Py_UCS4 before = 0;
    for (Py_ssize_t at = 0; at < length; at++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, at);
        int space = is_space(character) != 0;
        pieces += !space && !inside;
        inside = !space;
        inked += inside;
        unspaced += character >= 0xE00 && (is_unspaced(character) || (character >= 0xE80 && character <= 0xEFF));
        if (space || (character < 128 ? kinds[character] & WORD : Py_UNICODE_ISALNUM(character)))
            run = 0;
        else if (!is_common(character)) {
            odd++;
            run = 0;
        }
        else {
            run = character == before && run ? run + 1 : 1;
            if (run == 4) {
                runs++;
                run = 0;
            }
        }
        before = character;
    }
    PyObject *counts = Py_BuildValue("(nnnnn)", odd, runs, unspaced, inked, pieces);
    PyObject *signs = counts ? PyObject_CallObject(signs_type, counts) : NULL;
    Py_XDECREF(counts);
    return signs;
}
