/* What the text of a block says of it: texts.py, `bodies`. */

#define SENTENCE 1
#define PHRASE 2
#define META 4
#define IMAGE 8
#define FORMULA 16
#define TEXT_LIKE 32
#define MAX_IMAGE 300
#define MAX_PHRASE 300
#define MAX_META 80
#define MAX_DATE_AT 40
#define MAX_LABEL 40
#define MAX_STAMP 30
#define MAX_MARK 12
#define MAX_NETWORKS 32

typedef struct {
    int kind;
    const void *data;
    Py_ssize_t start, end;
} Body;

typedef struct {
    PyObject *chrome, *whose, *networks, *ends, *counted;
    uint32_t by_first[128]; /* which networks begin with a character */
} Phrases;

#define CHAR(body, at) PyUnicode_READ((body)->kind, (body)->data, at)

static int
is_wide(Py_UCS4 c)
{
    return (c >= 0x2e80 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7af) || (c >= 0x1100 && c <= 0x11ff)
           || (c >= 0xf900 && c <= 0xfaff);
}

static int
is_closer(Py_UCS4 c)
{
    return c == '"' || c == '\'' || c == 0x201d || c == 0x2019 || c == 0xbb || c == ')' || c == ']';
}

/* texts.py: _ENDS */
static int
is_end(Py_UCS4 c)
{
    switch (c) {
    case '.': case '!': case '?': case ':': case ';': case 0x2026: case 0x3002: case 0xff01: case 0xff1f: case 0x61f:
    case 0x6d4: case 0x964:
        return 1;
    }
    return 0;
}

/* Whether a sentence or a part of one ends at a character. */
static int
ends_at(const Body *body, Py_ssize_t at, Py_UCS4 c)
{
    switch (c) {
    case 0x3002: case 0xff01: case 0xff1f: case 0xff0c: case 0x3001: case 0x60c:
        return 1;
    case ',':
        return at + 1 < body->end && CHAR(body, at + 1) == ' ';
    case '.': case '!': case '?': case ':': case ';': case 0x2026: case 0x61f: case 0x6d4: case 0x964:
        for (at++; at < body->end && is_closer(CHAR(body, at)); at++)
            ;
        return at == body->end || Py_UNICODE_ISSPACE(CHAR(body, at));
    }
    return 0;
}

static int
is_lead(Py_UCS4 c, int digits)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '#' || c == '>' || c == '|' || c == '*' || c == '-' || c == 0x2022
           || (digits && (c == '.' || (c >= '0' && c <= '9')));
}

/* Lower case of a body without the marks before it, and a line break, which ends whole blocks; returns its length without
   that, at most MAX_PHRASE. */
static Py_ssize_t
lowered(const Body *body, int digits, Py_UCS4 *into)
{
    Py_ssize_t at = body->start, size = 0;
    while (at < body->end && is_lead(CHAR(body, at), digits))
        at++;
    for (; at < body->end && size < MAX_PHRASE; at++) {
        Py_UCS4 c = CHAR(body, at);
        into[size++] = c == 0x130 ? c : Py_UNICODE_TOLOWER(c); /* of U+0130 Python makes two characters */
    }
    into[size] = '\n';
    return size;
}

static int
matches(const Py_UCS4 *text, Py_ssize_t size, PyObject *word)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(word);
    if (length > size)
        return 0;
    for (Py_ssize_t at = 0; at < length; at++)
        if (PyUnicode_READ_CHAR(word, at) != text[at])
            return 0;
    return 1;
}

/* Whether the text begins, or ends, with one of a vocabulary's words; -1 with an error set. */
static int
has_one(const Py_UCS4 *text, Py_ssize_t size, PyObject *by_char, int at_end)
{
    PyObject *key, *words;
    if (size == 0)
        return 0;
    if ((key = PyUnicode_FromOrdinal((int)text[at_end ? size - 1 : 0])) == NULL)
        return -1;
    words = PyDict_GetItemWithError(by_char, key);
    Py_DECREF(key);
    if (words == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (!PyTuple_CheckExact(words)) {
        PyErr_SetString(PyExc_TypeError, "a tuple of words by character");
        return -1;
    }
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(words); at++) {
        PyObject *word = PyTuple_GET_ITEM(words, at);
        if (!PyUnicode_Check(word)) {
            PyErr_SetString(PyExc_TypeError, "words are strings");
            return -1;
        }
        Py_ssize_t before = at_end ? size - PyUnicode_GET_LENGTH(word) : 0;
        if (before >= 0 && matches(text + before, size - before, word))
            return 1;
    }
    return 0;
}

static int
begins_with(const Py_UCS4 *text, Py_ssize_t size, PyObject *by_first)
{
    return has_one(text, size, by_first, 0);
}

static int
names_two(const Py_UCS4 *text, Py_ssize_t size, const Phrases *known)
{
    uint32_t named = 0;
    for (Py_ssize_t at = 0; at < size; at++) {
        uint32_t maybe = text[at] < 128 ? known->by_first[text[at]] & ~named : 0;
        for (int name = 0; maybe != 0; name++, maybe >>= 1)
            if (maybe & 1 && matches(text + at, size - at, PyTuple_GET_ITEM(known->networks, name)))
                named |= 1u << name;
        if (named & (named - 1))
            return 1;
    }
    return 0;
}

static int
is_word(Py_UCS4 c)
{
    return c == '_' || Py_UNICODE_ISALNUM(c);
}

/* Whether two decimal digits and the end of a word stand at a place. */
static int
two_digits(const Body *body, Py_ssize_t at)
{
    return at + 2 <= body->end && Py_UNICODE_ISDECIMAL(CHAR(body, at)) && Py_UNICODE_ISDECIMAL(CHAR(body, at + 1))
           && (at + 2 == body->end || !is_word(CHAR(body, at + 2)));
}

/* A year from 1900 to 2099 or a time of day, each a word of its own. */
static int
is_date(const Body *body, Py_ssize_t at)
{
    Py_UCS4 first = CHAR(body, at), second = at + 1 < body->end ? CHAR(body, at + 1) : 0;
    if (!Py_UNICODE_ISDECIMAL(first))
        return 0;
    if (((first == '1' && second == '9') || (first == '2' && second == '0')) && two_digits(body, at + 2))
        return 1;
    if (second == ':')
        return two_digits(body, at + 2);
    return Py_UNICODE_ISDECIMAL(second) && at + 2 < body->end && CHAR(body, at + 2) == ':' && two_digits(body, at + 3);
}

static int
is_dated(const Body *body)
{
    Py_ssize_t first = body->start;
    while (first < body->end && is_lead(CHAR(body, first), 0))
        first++;
    for (Py_ssize_t at = first; at < body->end && at <= first + MAX_DATE_AT; at++) {
        if ((at == first || !is_word(CHAR(body, at - 1))) && is_date(body, at))
            return 1;
        if (CHAR(body, at) == '\n')
            return 0;
    }
    return 0;
}

/* Length of an image "![...]" at a place, 0 for none. */
static Py_ssize_t
image_at(const Body *body, Py_ssize_t at)
{
    if (at + 2 >= body->end || CHAR(body, at) != '!' || CHAR(body, at + 1) != '[')
        return 0;
    for (Py_ssize_t last = at + 2; last < body->end && last <= at + 2 + MAX_IMAGE; last++) {
        Py_UCS4 c = CHAR(body, last);
        if (c == ']')
            return last + 1 - at;
        if (c == '[' || c == '\n')
            return 0;
    }
    return 0;
}

/* Whether a body holds nothing but images. */
static int
is_image(const Body *body)
{
    int found = 0;
    for (Py_ssize_t at = body->start, size; at < body->end; at += size) {
        size = is_lead(CHAR(body, at), 1) ? 1 : image_at(body, at);
        if (size == 0)
            return 0;
        found |= size > 1;
    }
    return found;
}

static int
holds_sentence(const Body *body)
{
    for (Py_ssize_t at = body->start; at < body->end; at++) {
        Py_UCS4 c = CHAR(body, at);
        if (c != ' ' && (c < 'a' || c > 'z') && ends_at(body, at, c))
            return 1;
    }
    return 0;
}

static Py_ssize_t
wide_chars(const Body *body)
{
    Py_ssize_t found = 0;
    if (body->kind != PyUnicode_1BYTE_KIND)
        for (Py_ssize_t at = body->start; at < body->end; at++) {
            Py_UCS4 c = CHAR(body, at);
            found += c >= 0x1100 && is_wide(c);
        }
    return found;
}

static Py_ssize_t
letters_of(const Body *body)
{
    Py_ssize_t found = 0;
    for (Py_ssize_t at = body->start; at < body->end; at++)
        found += Py_UNICODE_ISALPHA(CHAR(body, at)) != 0;
    return found;
}

static Py_ssize_t
digits_of(const Body *body)
{
    Py_ssize_t found = 0;
    for (Py_ssize_t at = body->start; at < body->end; at++)
        found += Py_UNICODE_ISDECIMAL(CHAR(body, at)) != 0;
    return found;
}

/* texts.py, `_is_label`; `lower` without marks. -1 with an error set. */
static int
is_label(const Body *body, int kind, const Py_UCS4 *lower, Py_ssize_t size, const Phrases *known)
{
    int found = has_one(lower, size, known->ends, 1);
    if (found || (kind != KIND_PARAGRAPH && kind != KIND_HEADING))
        return found;
    if (size && Py_UNICODE_ISDECIMAL(lower[0]) && (found = has_one(lower, size, known->counted, 1)))
        return found;
    return kind == KIND_PARAGRAPH && body->end - body->start <= MAX_STAMP && letters_of(body) <= digits_of(body) + 2
           && is_dated(body);
}

/* Bits of a body, and its size; -1 with an error set. */
static int
read_body(const Body *body, int kind, const Phrases *known, int64_t *size)
{
    Py_UCS4 lower[MAX_PHRASE + 1];
    Py_ssize_t length = body->end - body->start, short_size;
    int bits = (holds_sentence(body) ? SENTENCE : 0) | (is_image(body) ? IMAGE : 0), found;
    *size = length + wide_chars(body) * 3 / 2;
    if (length > MAX_PHRASE)
        return bits;
    short_size = lowered(body, 1, lower);
    if ((found = begins_with(lower, short_size + 1, known->chrome)) < 0)
        return -1;
    if (found || names_two(lower, short_size, known))
        bits |= PHRASE;
    short_size = lowered(body, 0, lower);
    if (length <= MAX_LABEL && (found = is_label(body, kind, lower, short_size, known)) != 0) {
        if (found < 0)
            return -1;
        bits |= PHRASE;
    }
    if (length > MAX_META || (bits & SENTENCE && (kind != KIND_PARAGRAPH || is_end(CHAR(body, body->end - 1)))))
        return bits;
    if ((found = begins_with(lower, short_size, known->whose)) < 0)
        return -1;
    int is_mark = kind == KIND_PARAGRAPH && length <= MAX_MARK && letters_of(body) == 0;
    return found || is_mark || is_dated(body) ? bits | META : bits;
}

static int
read_phrases(PyObject *given, Phrases *known)
{
    if (!PyTuple_Check(given) || !PyArg_ParseTuple(given, "O!O!O!O!O!:Phrases", &PyDict_Type, &known->chrome, &PyDict_Type,
                                                   &known->whose, &PyTuple_Type, &known->networks, &PyDict_Type,
                                                   &known->ends, &PyDict_Type, &known->counted)) {
        PyErr_SetString(PyExc_TypeError, "phrases are texts.Phrases");
        return -1;
    }
    memset(known->by_first, 0, sizeof(known->by_first));
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(known->networks); at++) {
        PyObject *name = PyTuple_GET_ITEM(known->networks, at);
        if (at >= MAX_NETWORKS || !PyUnicode_Check(name) || !PyUnicode_IS_ASCII(name) || PyUnicode_GET_LENGTH(name) == 0) {
            PyErr_SetString(PyExc_TypeError, "networks are at most 32 words in ASCII");
            return -1;
        }
        known->by_first[PyUnicode_READ_CHAR(name, 0)] |= 1u << at;
    }
    return 0;
}

/* A place in a text, from a list of numbers; what lies outside is moved to its end. */
static Py_ssize_t
offset(PyObject *list, Py_ssize_t at, Py_ssize_t least, Py_ssize_t most)
{
    Py_ssize_t value = PyLong_AsSsize_t(PyList_GET_ITEM(list, at));
    return value < least ? least : value > most ? most : value;
}

/* Bits of one block that its text does not tell; `formula` is the first one that may begin in it or later. */
static int
other_bits(const Body *body, int kind, PyObject *formulas, Py_ssize_t *formula)
{
    Py_ssize_t count = PyList_GET_SIZE(formulas), start = -1;
    while (*formula < count && (start = offset(formulas, *formula, -1, PY_SSIZE_T_MAX)) < body->start)
        ++*formula;
    int begins = *formula < count && start < body->end;
    return (begins ? FORMULA : 0) | (kind == KIND_CODE || kind == KIND_MATH ? TEXT_LIKE : 0);
}

static PyObject *
bodies(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *text, *starts, *ends, *kinds, *formulas, *given, *sizes, *bits, *result = NULL;
    Phrases known;
    if (!PyArg_ParseTuple(args, "UO!O!SO!O:bodies", &text, &PyList_Type, &starts, &PyList_Type, &ends, &kinds, &PyList_Type,
                          &formulas, &given)
        || read_phrases(given, &known) < 0)
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(starts), length = PyUnicode_GET_LENGTH(text), formula = 0;
    if (PyList_GET_SIZE(ends) != count || PyBytes_GET_SIZE(kinds) != count)
        return PyErr_Format(PyExc_ValueError, "columns of other lengths than %zd", count);
    sizes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(int64_t));
    bits = PyBytes_FromStringAndSize(NULL, count);
    if (sizes == NULL || bits == NULL)
        goto done;
    for (Py_ssize_t at = 0; at < count; at++) {
        Body body = {PyUnicode_KIND(text), PyUnicode_DATA(text), offset(starts, at, 0, length), 0};
        body.end = offset(ends, at, body.start, length);
        int kind = (unsigned char)PyBytes_AS_STRING(kinds)[at];
        int found = read_body(&body, kind, &known, (int64_t *)PyBytes_AS_STRING(sizes) + at);
        if (found >= 0)
            found |= other_bits(&body, kind, formulas, &formula);
        if (found < 0 || PyErr_Occurred())
            goto done;
        PyBytes_AS_STRING(bits)[at] = (char)found;
    }
    result = PyTuple_Pack(2, sizes, bits);
done:
    Py_XDECREF(sizes);
    Py_XDECREF(bits);
    return result;
}
