/* How much of a text repeats itself, by windows of words. Source: Rae et al. 2021 (Gopher), table A1. */

#define MIN_TOP_WORD_CHARS 4

typedef struct {
    u64 *keys;           /* 0: an empty slot */
    uint32_t *counts;    /* of the window in that slot */
    uint32_t *firsts;    /* where it stood first */
    uint32_t *slots;     /* of the window at each place */
    size_t mask;
} Table;

static int
open_table(Table *table, Py_ssize_t entries)
{
    size_t size = 64;
    while (size < 2 * (size_t)entries)
        size *= 2;
    table->mask = size - 1;
    table->keys = PyMem_Malloc(size * (sizeof(u64) + 2 * sizeof(uint32_t)) + (size_t)entries * sizeof(uint32_t));
    if (table->keys == NULL || entries > (Py_ssize_t)(UINT32_MAX / 2)) {
        PyErr_NoMemory();
        return -1;
    }
    table->counts = (uint32_t *)(table->keys + size);
    table->firsts = table->counts + size;
    table->slots = table->firsts + size;
    return 0;
}

static void
empty_table(const Table *table)
{
    memset(table->keys, 0, (table->mask + 1) * sizeof(u64));
}

/* Slot of a key: its own, or the empty one where it belongs. Keys are never 0. */
static size_t
look_up(const Table *table, u64 key)
{
    size_t at = (size_t)((key ^ (key >> 29)) * BASE >> 32) & table->mask;
    while (table->keys[at] && table->keys[at] != key)
        at = (at + 1) & table->mask;
    return at;
}

static uint32_t
count_one(const Table *table, u64 key, Py_ssize_t place)
{
    size_t at = look_up(table, key);
    if (!table->keys[at]) {
        table->keys[at] = key;
        table->counts[at] = 0;
        table->firsts[at] = (uint32_t)place;
    }
    table->slots[place] = (uint32_t)at;
    return ++table->counts[at];
}

static u64
window_key(const Text *text, Py_ssize_t at, int size)
{
    u64 key = 0;
    for (int place = 0; place < size; place++)
        key = (key + text->words[at + place].hash) * BASE ^ key >> 31;
    return key | 1;
}

/* Characters, spaces included, in all occurrences of the commonest window; the first of equals counts.

   `again` marks places whose window of one word less occurs elsewhere too: where none of those recurs, the first
   window of all is the commonest. It is left marked for the next size. */
static Py_ssize_t
top_chars(const Text *text, const Table *table, int size, char *again)
{
    Py_ssize_t windows = text->n_words - size + 1, first = 0;
    uint32_t most = windows > 0;
    empty_table(table);
    for (Py_ssize_t at = 0; at < windows; at++)
        if (again[at]) {
            uint32_t count = count_one(table, window_key(text, at, size), at);
            Py_ssize_t here = table->firsts[table->slots[at]];
            if (count > 1 && (count > most || (count == most && here < first))) {
                most = count;
                first = here;
            }
        }
    for (Py_ssize_t at = 0; at < windows; at++)
        again[at] = again[at] && table->counts[table->slots[at]] > 1;
    if (windows < 1)
        return 0;
    Py_ssize_t chars = size - 1;
    for (int place = 0; place < size; place++)
        chars += text->words[first + place].length;
    return (Py_ssize_t)most * chars;
}

/* Characters of windows that occurred before as one string, from left to right, not overlapping. */
static Py_ssize_t
repeated_chars(const Text *text, const Table *table, int size)
{
    Py_ssize_t total = 0, at = 0;
    empty_table(table);
    while (at + size <= text->n_words) {
        u64 key = 0;
        Py_ssize_t chars = 0;
        for (int place = size - 1; place >= 0; place--) {
            const Word *word = &text->words[at + place];
            key = key * word->shift + word->hash;
            chars += word->length;
        }
        key += !key;
        size_t slot = look_up(table, key);
        if (table->keys[slot]) {
            total += chars;
            at += size;
        }
        else {
            table->keys[slot] = key;
            at++;
        }
    }
    return total;
}

static Py_ssize_t
top_word(const Text *text, const Table *table)
{
    uint32_t most = 0;
    empty_table(table);
    for (Py_ssize_t at = 0; at < text->n_words; at++)
        if (text->words[at].length >= MIN_TOP_WORD_CHARS) {
            uint32_t count = count_one(table, text->words[at].hash | 1, at);
            most = count > most ? count : most;
        }
    return (Py_ssize_t)most;
}

static PyObject *
counted(const Text *text)
{
    Table table = {0};
    char *again = PyMem_Malloc((size_t)text->n_words + 1);
    if (again == NULL || open_table(&table, text->n_words) < 0) {
        PyMem_Free(table.keys);
        PyMem_Free(again);
        return PyErr_NoMemory();
    }
    Py_ssize_t top[3], repeated[6], word = top_word(text, &table);
    memset(again, 1, (size_t)text->n_words + 1);
    for (int size = 2; size <= 4; size++)
        top[size - 2] = top_chars(text, &table, size, again);
    for (int size = 5; size <= 10; size++)
        repeated[size - 5] = repeated_chars(text, &table, size);
    PyMem_Free(table.keys);
    PyMem_Free(again);
    int stop_words = 0;
    for (unsigned long bits = text->stop_words; bits; bits &= bits - 1)
        stop_words++;
    return Py_BuildValue("nlllllin(nnn)(nnnnnn)", text->n_words, text->counts[0], text->counts[1], text->counts[2],
                         text->counts[3], text->counts[4], stop_words, word, top[0], top[1], top[2], repeated[0],
                         repeated[1], repeated[2], repeated[3], repeated[4], repeated[5]);
}
