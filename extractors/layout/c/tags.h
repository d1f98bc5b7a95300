/* --- what is known of tags by name: open addressing over the code points of the names --- */

typedef struct {
    PyObject *tag, *meaning;
    uint32_t hash;
    int number; /* of a rule in C, 0 for Python's; or the number that stands for the tag */
} Entry;

typedef struct {
    PyObject_HEAD
    uint32_t slots; /* a power of two, at least twice the entries */
    Entry *entries;
} TagTable;

#define HASH_START 2166136261u
#define HASH_STEP(hash, c) (((hash) ^ (uint32_t)(c)) * 16777619u)

/* Whether markup[start:end] is the tag name name[from:to], behind a "/" for an end tag. */
static int
is_named(PyObject *markup, Py_ssize_t start, Py_ssize_t end, PyObject *name, Py_ssize_t from, Py_ssize_t to, int closes)
{
    int kind = PyUnicode_KIND(markup), name_kind = PyUnicode_KIND(name);
    const void *data = PyUnicode_DATA(markup), *letters = PyUnicode_DATA(name);
    if (end - start != to - from + closes || (closes && PyUnicode_READ(kind, data, start) != '/'))
        return 0;
    for (start += closes; from < to; start++, from++)
        if (PyUnicode_READ(kind, data, start) != PyUnicode_READ(name_kind, letters, from))
            return 0;
    return 1;
}

/* What the table holds for the name text[start:end], whose hash is given; NULL for nothing. */
static const Entry *
find_entry(const TagTable *table, PyObject *text, Py_ssize_t start, Py_ssize_t end, uint32_t hash)
{
    uint32_t slot = hash & (table->slots - 1);
    for (; table->entries[slot].tag != NULL; slot = (slot + 1) & (table->slots - 1)) {
        const Entry *entry = &table->entries[slot];
        if (entry->hash == hash && is_named(text, start, end, entry->tag, 0, PyUnicode_GET_LENGTH(entry->tag), 0))
            return entry;
    }
    return NULL;
}

/* A start or end tag in the markup: `<` stands at start - 1, `>` (or what ends an unfinished tag) at end. */
typedef struct {
    Py_ssize_t start, name_end, end, after; /* after: where its text begins */
    uint32_t hash;                          /* of the name */
} Tag;

/* A comment may hold "<!" just before its end, as old conditional ones do. */
static inline Tag
scan_comment(const int kind, const void *data, Py_ssize_t start, Py_ssize_t size)
{
    Py_ssize_t i = start + 5;
    while (i < size && (PyUnicode_READ(kind, data, i) != '>' || PyUnicode_READ(kind, data, i - 1) != '-' ||
                        PyUnicode_READ(kind, data, i - 2) != '-'))
        i++;
    return (Tag){start, start, start, i < size ? i + 1 : size, HASH_START};
}

static inline Tag
scan_plain_tag(const int kind, const void *data, Py_ssize_t start, Py_ssize_t size)
{
    Py_ssize_t i = start;
    Py_UCS4 c = 0;
    uint32_t hash = HASH_START;
    for (; i < size && (c = PyUnicode_READ(kind, data, i)) != '>' && c != '<' && c != ' '; i++)
        hash = HASH_STEP(hash, c);
    Tag tag = {start, i, i, i, hash};
    if (c == ' ')
        i = find_either(kind, data, i, size, '>', '<');
    tag.end = i;
    tag.after = i < size && PyUnicode_READ(kind, data, i) == '>' ? i + 1 : i;
    return tag;
}

static inline Tag
scan_tag(const int kind, const void *data, Py_ssize_t start, Py_ssize_t size)
{
    if (start + 2 < size && PyUnicode_READ(kind, data, start) == '!' && PyUnicode_READ(kind, data, start + 1) == '-' &&
        PyUnicode_READ(kind, data, start + 2) == '-')
        return scan_comment(kind, data, start, size);
    return scan_plain_tag(kind, data, start, size);
}

static Tag
tag_at(PyObject *markup, Py_ssize_t start)
{
    const void *data = PyUnicode_DATA(markup);
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup);
#define SCAN_TAG(width) scan_tag(width, data, start, size)
    return FOR_KIND(PyUnicode_KIND(markup), SCAN_TAG);
}
