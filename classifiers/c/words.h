/* Words of a text: each piece between white space is taken apart once by Python, and remembered as numbers. */

#define BASE 0x9E3779B97F4A7C15ULL /* odd: it has an inverse modulo 2^64 */
#define MEMORY_SLOTS (1u << 18)    /* a power of two; at half of it the memory is emptied */
#define N_COUNTS 6                 /* plain, formulas, plain_chars, alphabetic, numbers, stop words: fields 1 to 6 of a Chunk */

typedef struct {
    u64 hash;    /* sum of mixed code points times BASE^place */
    u64 shift;   /* BASE^length */
    Py_ssize_t length;
} Word;

typedef struct {
    PyObject *piece; /* NULL: an empty slot */
    Word *words;
    Py_ssize_t n_words;
    long counts[N_COUNTS];
} Piece;

typedef struct {
    Word *words;
    Py_ssize_t n_words, room, chars;
    long counts[N_COUNTS];
    unsigned long stop_words;
} Text;

static Piece *memory;
static Py_ssize_t in_memory;

static u64
mixed(u64 value)
{
    value = (value + 1) * BASE;
    value ^= value >> 29;
    value *= 0xBF58476D1CE4E5B9ULL;
    return value ^ (value >> 32);
}

static void
forget(Piece *piece)
{
    Py_CLEAR(piece->piece);
    PyMem_Free(piece->words);
    piece->words = NULL;
}

static int
make_room(void)
{
    if (memory == NULL && (memory = PyMem_Calloc(MEMORY_SLOTS, sizeof(Piece))) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (in_memory >= MEMORY_SLOTS / 2) {
        for (Py_ssize_t at = 0; at < MEMORY_SLOTS; at++)
            forget(&memory[at]);
        in_memory = 0;
    }
    return 0;
}

static Word
as_word(PyObject *word)
{
    Word made = {0, 1, PyUnicode_GET_LENGTH(word)};
    for (Py_ssize_t at = 0; at < made.length; at++) {
        made.hash += mixed(PyUnicode_READ_CHAR(word, at)) * made.shift;
        made.shift *= BASE;
    }
    return made;
}

/* A Chunk of rule_words.py as numbers; `piece` is not yet set. */
static int
read_chunk(Piece *made, PyObject *chunk)
{
    if (!PyTuple_Check(chunk) || PyTuple_GET_SIZE(chunk) != N_COUNTS + 1 || !PyTuple_Check(PyTuple_GET_ITEM(chunk, 0))) {
        PyErr_SetString(PyExc_TypeError, "chunk_of must return a Chunk");
        return -1;
    }
    PyObject *words = PyTuple_GET_ITEM(chunk, 0);
    for (int at = 0; at < N_COUNTS; at++) {
        made->counts[at] = PyLong_AsLong(PyTuple_GET_ITEM(chunk, at + 1));
        if (made->counts[at] == -1 && PyErr_Occurred())
            return -1;
    }
    made->n_words = PyTuple_GET_SIZE(words);
    if ((made->words = PyMem_New(Word, made->n_words + 1)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t at = 0; at < made->n_words; at++) {
        PyObject *word = PyTuple_GET_ITEM(words, at);
        if (!PyUnicode_Check(word)) {
            PyErr_SetString(PyExc_TypeError, "words are strings");
            return -1;
        }
        made->words[at] = as_word(word);
    }
    return 0;
}

static int
same(PyObject *piece, int kind, const void *data, Py_ssize_t start, Py_ssize_t end)
{
    if (PyUnicode_GET_LENGTH(piece) != end - start)
        return 0;
    for (Py_ssize_t at = start; at < end; at++)
        if (PyUnicode_READ(kind, data, at) != PyUnicode_READ_CHAR(piece, at - start))
            return 0;
    return 1;
}

/* Slot of a piece: its own, or the empty one where it belongs. */
static Piece *
slot_of(u64 hash, int kind, const void *data, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t at = (Py_ssize_t)(mixed(hash) & (MEMORY_SLOTS - 1));
    while (memory[at].piece != NULL && !same(memory[at].piece, kind, data, start, end))
        at = (at + 1) & (MEMORY_SLOTS - 1);
    return &memory[at];
}

/* Ask Python for a piece seen for the first time. Python may run anything meanwhile, so the slot is looked up again. */
static Piece *
learn(PyObject *text, PyObject *chunk_of, u64 hash, Py_ssize_t start, Py_ssize_t end)
{
    PyObject *piece = PyUnicode_Substring(text, start, end);
    PyObject *chunk = piece ? PyObject_CallOneArg(chunk_of, piece) : NULL;
    Piece made = {0};
    if (chunk == NULL || read_chunk(&made, chunk) < 0 || make_room() < 0) {
        Py_XDECREF(chunk);
        Py_XDECREF(piece);
        PyMem_Free(made.words);
        return NULL;
    }
    Py_DECREF(chunk);
    Piece *slot = slot_of(hash, PyUnicode_KIND(text), PyUnicode_DATA(text), start, end);
    if (slot->piece != NULL) {
        Py_DECREF(piece);
        PyMem_Free(made.words);
        return slot;
    }
    made.piece = piece;
    *slot = made;
    in_memory++;
    return slot;
}

static int
append(Text *found, const Piece *piece)
{
    if (found->n_words + piece->n_words > found->room) {
        Py_ssize_t room = 2 * (found->n_words + piece->n_words) + 256;
        Word *larger = PyMem_Resize(found->words, Word, room);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        found->words = larger;
        found->room = room;
    }
    for (Py_ssize_t at = 0; at < piece->n_words; at++) {
        found->words[found->n_words++] = piece->words[at];
        found->chars += piece->words[at].length;
    }
    for (int at = 0; at < N_COUNTS - 1; at++)
        found->counts[at] += piece->counts[at];
    found->stop_words |= (unsigned long)piece->counts[N_COUNTS - 1];
    return 0;
}

static int
read_words(Text *found, PyObject *text, PyObject *chunk_of)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), at = 0;
    if (make_room() < 0)
        return -1;
    while (at < length) {
        u64 hash = 0;
        Py_ssize_t start = at;
        for (; at < length; at++) {
            Py_UCS4 character = PyUnicode_READ(kind, data, at);
            if (is_space(character))
                break;
            hash = (hash ^ character) * BASE;
        }
        if (at > start) {
            Piece *piece = slot_of(hash, kind, data, start, at);
            if (piece->piece == NULL && (piece = learn(text, chunk_of, hash, start, at)) == NULL)
                return -1;
            if (append(found, piece) < 0)
                return -1;
        }
        at++;
    }
    return 0;
}
