/* --- text --- */

/* Loops over characters of a string are written once and compiled for each width of character. */
#define FOR_KIND(kind, call)                                                                                           \
    ((kind) == PyUnicode_1BYTE_KIND   ? call(PyUnicode_1BYTE_KIND)                                                     \
     : (kind) == PyUnicode_2BYTE_KIND ? call(PyUnicode_2BYTE_KIND)                                                     \
                                      : call(PyUnicode_4BYTE_KIND))

/* str.isspace of one character; most of all text is decided by the first comparison. */
static inline int
is_space(Py_UCS4 c)
{
    if (c < 128)
        return Py_UNICODE_ISSPACE(c);
    if (c < 0x2000)
        return c == 0x85 || c == 0xA0 || c == 0x1680;
    return c <= 0x3000 && Py_UNICODE_ISSPACE(c);
}

static inline int
is_letter(Py_UCS4 c) /* [^\W\d_] */
{
    return c < 128 ? Py_ISALPHA(c) : Py_UNICODE_ISALNUM(c) && !Py_UNICODE_ISDECIMAL(c);
}

static inline int
is_blank(PyObject *text, Py_ssize_t start, Py_ssize_t end)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    while (start < end && is_space(PyUnicode_READ(kind, data, start)))
        start++;
    return start == end;
}

#define AT_ONCE 8 /* characters that the compiler looks at together */

/* Place of the first of two characters in data[start:end], else `end`. */
static inline Py_ssize_t
find_either(const int kind, const void *data, Py_ssize_t start, Py_ssize_t end, Py_UCS4 one, Py_UCS4 other)
{
    for (; start + AT_ONCE <= end; start += AT_ONCE) {
        int found = 0;
        for (int i = 0; i < AT_ONCE; i++)
            found |= (PyUnicode_READ(kind, data, start + i) == one) | (PyUnicode_READ(kind, data, start + i) == other);
        if (found)
            break;
    }
    while (start < end && PyUnicode_READ(kind, data, start) != one && PyUnicode_READ(kind, data, start) != other)
        start++;
    return start;
}

/* Place of a character in data[start:end], else `end`. */
static inline Py_ssize_t
find_character(const int kind, const void *data, Py_ssize_t start, Py_ssize_t end, Py_UCS4 wanted)
{
    if (kind != PyUnicode_1BYTE_KIND)
        return find_either(kind, data, start, end, wanted, wanted);
    const char *found = start < end ? memchr((const char *)data + start, (int)wanted, (size_t)(end - start)) : NULL;
    return found == NULL ? end : found - (const char *)data;
}

static inline Py_ssize_t
find_in(const int kind, const void *data, Py_ssize_t start, Py_ssize_t end, const char *wanted, Py_ssize_t length)
{
    for (; (start = find_character(kind, data, start, end, (Py_UCS4)wanted[0])) + length <= end; start++) {
        Py_ssize_t i = 1;
        while (i < length && PyUnicode_READ(kind, data, start + i) == (Py_UCS4)wanted[i])
            i++;
        if (i == length)
            return start;
    }
    return -1;
}

/* Place of an ASCII string in text[start:end], or -1. */
static Py_ssize_t
find_ascii(PyObject *text, Py_ssize_t start, Py_ssize_t end, const char *wanted)
{
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = (Py_ssize_t)strlen(wanted);
#define FIND_IN(width) find_in(width, data, start, end, wanted, length)
    return FOR_KIND(PyUnicode_KIND(text), FIND_IN);
}

/* Whether two stretches of one string hold the same characters. */
static int
same_stretch(PyObject *text, Py_ssize_t a, Py_ssize_t b, Py_ssize_t length)
{
    int kind = PyUnicode_KIND(text);
    const char *data = PyUnicode_DATA(text);
    return a == b || memcmp(data + a * kind, data + b * kind, (size_t)(length * kind)) == 0;
}

/* A quick hash of text[start:start + length]. */
static uint32_t
hash_stretch(PyObject *text, Py_ssize_t start, Py_ssize_t length)
{
    int kind = PyUnicode_KIND(text);
    const char *data = (const char *)PyUnicode_DATA(text) + start * kind;
    uint64_t hash = 0x9E3779B97F4A7C15u, word;
    size_t size = (size_t)(length * kind);
    for (; size >= sizeof(word); size -= sizeof(word), data += sizeof(word)) {
        memcpy(&word, data, sizeof(word));
        hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, data, size);
    hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
    return (uint32_t)(hash >> 32);
}

/* --- text in the making: code points in memory that grows --- */

typedef struct {
    Py_UCS4 *data;
    Py_ssize_t length, room;
} Text;

static int
make_room(Text *text, Py_ssize_t more)
{
    if (more <= text->room - text->length)
        return 0;
    if (more > PY_SSIZE_T_MAX / 16 - text->length) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t room = (text->length + more) * 3 / 2 + 256;
    Py_UCS4 *data = PyMem_Realloc(text->data, (size_t)room * sizeof(Py_UCS4));
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    text->data = data;
    text->room = room;
    return 0;
}

static int
add_character(Text *text, Py_UCS4 c)
{
    if (make_room(text, 1) < 0)
        return -1;
    text->data[text->length++] = c;
    return 0;
}

#define COPY_STRETCH(type)                                                                                                     \
    {                                                                                                                  \
        const type *from = (const type *)data + start;                                                                 \
        for (Py_ssize_t i = 0; i < count; i++)                                                                         \
            to[i] = from[i];                                                                                           \
        break;                                                                                                         \
    }

static int
add_stretch(Text *text, PyObject *source, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t count = end - start;
    if (make_room(text, count) < 0)
        return -1;
    const void *data = PyUnicode_DATA(source);
    Py_UCS4 *to = text->data + text->length;
    switch (PyUnicode_KIND(source)) {
    case PyUnicode_1BYTE_KIND:
        COPY_STRETCH(Py_UCS1)
    case PyUnicode_2BYTE_KIND:
        COPY_STRETCH(Py_UCS2)
    default:
        COPY_STRETCH(Py_UCS4)
    }
    text->length += count;
    return 0;
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

/* Adds markup[start:end], a text, with the references that the serialiser writes resolved. */
static int
add_markup(Text *text, PyObject *markup, Py_ssize_t start, Py_ssize_t end)
{
    int kind = PyUnicode_KIND(markup);
    const void *data = PyUnicode_DATA(markup);
    while (start < end) {
        Py_ssize_t place = PyUnicode_FindChar(markup, '&', start, end, 1);
        if (add_stretch(text, markup, start, place < 0 ? end : place) < 0)
            return -1;
        if (place < 0)
            break;
        Py_UCS4 c;
        start = place + reference_at(kind, data, place, end, &c);
        if (add_character(text, c) < 0)
            return -1;
    }
    return 0;
}

/* White space to single spaces, HARD_BREAKs to newlines (to white space without `lines`), none at the ends. Gives
   whether there were breaks. */
static int
collapse(Text *text, int lines)
{
    Py_UCS4 *data = text->data;
    Py_ssize_t size = text->length, written = 0, breaks = 0;
    int spaced = 0, broken = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_UCS4 c = data[i];
        if (c <= ' ' || c >= 127) { /* else: most of all text */
            int breaks_line = c == HARD_BREAK;
            broken |= breaks_line;
            if (breaks_line || is_space(c)) {
                spaced |= !(breaks_line && lines);
                breaks += breaks_line && lines;
                continue;
            }
        }
        if (breaks | spaced) {
            for (; written && breaks > 0; breaks--, spaced = 0)
                data[written++] = '\n';
            if (written && spaced)
                data[written++] = ' ';
            breaks = spaced = 0;
        }
        data[written++] = c;
    }
    text->length = written;
    return broken;
}

#define NARROW(type)                                                                                                   \
    {                                                                                                                  \
        type *restrict to = PyUnicode_DATA(string);                                                                    \
        for (Py_ssize_t i = 0; i < size; i++)                                                                          \
            to[i] = (type)from[i];                                                                                     \
    }

/* Most text is short: the loops are the compiler's to take many characters at once. */
static PyObject *
string_of(const Text *text)
{
    const Py_UCS4 *restrict from = text->data;
    Py_ssize_t size = text->length;
    Py_UCS4 seen = 0; /* the widths of strings part at powers of two: all bits tell as much as the widest character */
    for (Py_ssize_t i = 0; i < size; i++)
        seen |= from[i];
    PyObject *string = PyUnicode_New(size, seen < 0x80 ? 0x7F : seen < 0x100 ? 0xFF : seen < 0x10000 ? 0xFFFF : 0x10FFFF);
    if (string == NULL || size == 0)
        return string;
    if (seen < 0x100)
        NARROW(Py_UCS1)
    else if (seen < 0x10000)
        NARROW(Py_UCS2)
    else
        NARROW(Py_UCS4)
    return string;
}
