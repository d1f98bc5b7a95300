/* What the names of an element say of it: elements.py, `code`. */

#define MAX_WORD 32 /* elements.py: MAX_WORD_CHARS */
#define STEM_CHARS 4
#define CHROME_WORD 1
#define WEAK_WORD 2
#define CONTENT_WORD 4
#define COMMENT_WORD 8
#define FIRST 16
#define LAST 32
#define RARE 64
#define STEM 128
#define ALWAYS_TAG 256
#define NEVER_WEAK 512
#define ANY_ID 1024
#define LANDMARK_TAG 2048
#define INNER_TAG 4096

/* Bits of an element and of a place. */
#define CHROME ((int64_t)1)
#define WEAK ((int64_t)1 << 10)
#define CONTENT ((int64_t)1 << 20)
#define COUNTS (((int64_t)1 << 30) - 1) /* the three counts */
#define IN_MAIN ((int64_t)1 << 40)
#define IS_COMMENT ((int64_t)1 << 41)
#define IS_CAPTION ((int64_t)1 << 42)
#define ALWAYS ((int64_t)1 << 43)
#define LANDMARK ((int64_t)1 << 44)
#define ANCHORED ((int64_t)1 << 45)
#define INNER ((int64_t)1 << 46)
#define NEAR_MAIN ((int64_t)1 << 47)

#define ASK_PATTERNS (-1)
#define FAILED (-2) /* with an error set */

typedef struct {
    PyObject *words, *tags, *landmarks, *parts;
} Names;

static int
read_names(PyObject *given, Names *names)
{
    if (!PyTuple_Check(given)
        || !PyArg_ParseTuple(given, "O!O!O!O!:Names", &PyDict_Type, &names->words, &PyDict_Type, &names->tags,
                             &PyFrozenSet_Type, &names->landmarks, &PyTuple_Type, &names->parts)) {
        PyErr_SetString(PyExc_TypeError, "names are elements.Names");
        return -1;
    }
    return 0;
}

/* Bits of a word in a dict; FAILED with an error set. */
static long
bits_of(PyObject *words, const char *word, Py_ssize_t length)
{
    PyObject *key = PyUnicode_FromStringAndSize(word, length);
    PyObject *value = key ? PyDict_GetItemWithError(words, key) : NULL;
    long bits = value ? PyLong_AsLong(value) : 0;
    Py_XDECREF(key);
    return PyErr_Occurred() ? FAILED : bits;
}

/* Where words are looked for, the last of them, and where it ended if another may be joined to it, else -1. */
typedef struct {
    const char *data;
    Py_ssize_t length, at, joint, start;
    char word[MAX_WORD], before[MAX_WORD];
    Py_ssize_t size, before_size;
} Words;

/* The next word, in lower case; 0 at the end. A capital behind a small letter begins one. */
static int
next_word(Words *words)
{
    while (words->at < words->length && !Py_ISALPHA(words->data[words->at]))
        words->at++;
    words->start = words->at;
    words->size = 0;
    for (; words->at < words->length && Py_ISALPHA(words->data[words->at]); words->at++) {
        char c = words->data[words->at];
        if (Py_ISUPPER(c) && words->at > words->start && Py_ISLOWER(words->data[words->at - 1]))
            break;
        if (words->size < MAX_WORD)
            words->word[words->size++] = (char)Py_TOLOWER(c);
    }
    return words->size > 0;
}

/* Bits of the two words "before-word" where they are joined; FAILED with an error set. */
static long
pair_bits(const Words *words, PyObject *known)
{
    Py_ssize_t gap = words->start - words->joint;
    if (words->joint < 0 || gap > 1 || (gap == 1 && words->data[words->joint] != '-' && words->data[words->joint] != '_'))
        return 0;
    char pair[2 * MAX_WORD + 1];
    memcpy(pair, words->before, (size_t)words->before_size);
    pair[words->before_size] = '-';
    memcpy(pair + words->before_size + 1, words->word, (size_t)words->size);
    return bits_of(known, pair, words->before_size + 1 + words->size);
}

/* elements.py: _marks; FAILED with an error set. */
static long
marks_of(const char *data, Py_ssize_t length, Py_ssize_t tag, PyObject *known, int any_id)
{
    Words words = {.data = data, .length = length, .joint = -1};
    long found = 0;
    Py_ssize_t seen = 0;
    int in_id = 0;
    while (next_word(&words)) {
        for (; seen < words.start; seen++)
            in_id = data[seen] == '#' || (in_id && data[seen] != '.');
        long bits = bits_of(known, words.word, words.size), pair = 0;
        long stem = bits >= 0 && words.size >= STEM_CHARS ? bits_of(known, words.word, STEM_CHARS) : 0;
        if (bits < 0 || stem < 0)
            return FAILED;
        bits |= stem & STEM ? RARE : 0;
        if (words.start < tag)
            found |= bits & (COMMENT_WORD | RARE) ? RARE : 0;
        else if (any_id && in_id)
            found |= bits & (COMMENT_WORD | RARE);
        else {
            if (bits & LAST && (pair = pair_bits(&words, known)) < 0)
                return FAILED;
            found |= bits | pair;
            words.joint = bits & FIRST ? words.at : -1;
            memcpy(words.before, words.word, (size_t)words.size);
            words.before_size = words.size;
        }
    }
    return found;
}

/* Whether a name with capitals holds what only patterns can judge, in whatever case. */
static int
holds_part(const char *data, Py_ssize_t length, PyObject *parts)
{
    int capitals = 0;
    for (Py_ssize_t at = 0; at < length && !capitals; at++)
        capitals = Py_ISUPPER(data[at]);
    for (Py_ssize_t number = 0; capitals && number < PyTuple_GET_SIZE(parts); number++) {
        PyObject *part = PyTuple_GET_ITEM(parts, number);
        if (!PyUnicode_Check(part) || !PyUnicode_IS_ASCII(part)) {
            PyErr_SetString(PyExc_TypeError, "parts are words in ASCII");
            return FAILED;
        }
        const char *wanted = PyUnicode_DATA(part);
        Py_ssize_t size = PyUnicode_GET_LENGTH(part);
        for (Py_ssize_t at = 0; at + size <= length; at++) {
            Py_ssize_t same = 0;
            while (same < size && Py_TOLOWER(data[at + same]) == wanted[same])
                same++;
            if (same == size)
                return 1;
        }
    }
    return 0;
}

static int
is_name(char c)
{
    return Py_ISALNUM(c) || c == '_' || c == '-';
}

static int
is_landmark(const char *data, Py_ssize_t length, PyObject *landmarks)
{
    for (Py_ssize_t at = 0, end; at < length; at++) {
        if (data[at] != '#' && data[at] != '.')
            continue;
        for (end = at + 1; end < length && is_name(data[end]); end++)
            ;
        PyObject *name = PyUnicode_FromStringAndSize(data + at + 1, end - at - 1);
        int found = name ? PySet_Contains(landmarks, name) : FAILED;
        Py_XDECREF(name);
        if (found != 0)
            return found < 0 ? FAILED : 1;
        at = end - 1;
    }
    return 0;
}

/* elements.py: code; ASK_PATTERNS, or FAILED with an error set. */
static int64_t
code_by_words(PyObject *segment, const Names *names)
{
    if (!PyUnicode_IS_ASCII(segment))
        return ASK_PATTERNS;
    const char *data = PyUnicode_DATA(segment);
    Py_ssize_t length = PyUnicode_GET_LENGTH(segment), tag = 0;
    while (tag < length && is_name(data[tag]))
        tag++;
    int part = holds_part(data, length, names->parts), land = 0;
    long known = bits_of(names->tags, data, tag);
    long marks = part || known < 0 ? 0 : marks_of(data, length, tag, names->words, (known & ANY_ID) != 0);
    if (part < 0 || known < 0 || marks < 0)
        return FAILED;
    if (part || (marks | known) & RARE)
        return ASK_PATTERNS;
    if (tag >= 3 && memcmp(data, "div", 3) == 0 && (land = is_landmark(data, length, names->landmarks)) < 0)
        return FAILED;
    int64_t found = (marks & COMMENT_WORD ? IS_COMMENT : 0) | (known & ALWAYS_TAG ? ALWAYS : 0)
                    | (land || known & LANDMARK_TAG ? LANDMARK : 0)
                    | (length > 2 && memcmp(data, "dt#", 3) == 0 ? ANCHORED : 0) | (known & INNER_TAG ? INNER : 0);
    long said = marks | known;
    if (said & CHROME_WORD)
        return found | CHROME;
    if (said & CONTENT_WORD)
        return found | CONTENT;
    return said & WEAK_WORD && !(known & NEVER_WEAK) ? found | WEAK : found;
}

static PyObject *
code(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *segment, *given;
    Names names;
    if (!PyArg_ParseTuple(args, "UO:code", &segment, &given) || read_names(given, &names) < 0)
        return NULL;
    int64_t found = code_by_words(segment, &names);
    return found == FAILED ? NULL : PyLong_FromLongLong(found);
}
