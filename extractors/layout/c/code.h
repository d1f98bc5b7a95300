/* --- text of a code block with its own line structure --- */

enum { CODE_BREAK = 1, CODE_LINE = 2, CODE_ROWS = 4, CODE_VOID = 8 }; /* as tags.py numbers them */

/* An element that is open: the stretch of its name, where its text begins, and what the table says of it. */
typedef struct {
    Py_ssize_t start, length, begin;
    int kinds;
} Opened;

typedef struct {
    PyObject *markup;
    const TagTable *tags;
    Text text;
    int at_edge; /* what was added last is the edge of a line box */
    Opened *opened;
    Py_ssize_t depth, room;
} CodeReader;

static int
end_line(CodeReader *reader)
{
    Text *text = &reader->text;
    reader->at_edge = 1;
    return text->length && text->data[text->length - 1] != '\n' ? add_character(text, '\n') : 0;
}

static int
break_line(CodeReader *reader)
{
    reader->at_edge = 0;
    return add_character(&reader->text, '\n');
}

static int
open_element(CodeReader *reader, Py_ssize_t start, Py_ssize_t length, int kinds)
{
    if (reader->depth == reader->room) {
        Py_ssize_t room = reader->room * 2 + 16;
        Opened *opened = PyMem_Realloc(reader->opened, (size_t)room * sizeof(Opened));
        if (opened == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        reader->opened = opened;
        reader->room = room;
    }
    reader->opened[reader->depth++] = (Opened){start, length, reader->text.length, kinds};
    return 0;
}

/* Close the innermost open element of that name; whether nothing was added since it was opened. */
static int
close_element(CodeReader *reader, Py_ssize_t start, Py_ssize_t length)
{
    while (reader->depth > 1) {
        const Opened *opened = &reader->opened[--reader->depth];
        if (opened->length == length && same_stretch(reader->markup, opened->start, start, length))
            return opened->begin == reader->text.length;
    }
    return 0;
}

/* The text markup[start:end], unless it only lies between rows or boxes of lines. */
static int
add_code_text(CodeReader *reader, Py_ssize_t start, Py_ssize_t end, int first)
{
    Text *text = &reader->text;
    Py_ssize_t before = text->length;
    int blank = 1, breaks = 0;
    if (start >= end)
        return 0;
    if (add_markup(text, reader->markup, start, end) < 0)
        return -1;
    for (Py_ssize_t i = before; i < text->length && blank; i++) {
        blank = is_space(text->data[i]);
        breaks |= text->data[i] == '\n';
    }
    int between = reader->opened[reader->depth - 1].kinds & CODE_ROWS || (!first && breaks && reader->at_edge);
    int edge = text->length == before + 1 && text->data[before] == '\v'; /* a lone one is read as an edge */
    if ((blank && between) || edge)
        text->length = before;
    else
        reader->at_edge = 0;
    return edge && !between ? end_line(reader) : 0;
}

/* The tag markup[tag->start - 1:tag->after]. */
static int
read_code_tag(CodeReader *reader, const Tag *tag)
{
    PyObject *markup = reader->markup;
    int closes = tag->name_end > tag->start && PyUnicode_READ_CHAR(markup, tag->start) == '/';
    Py_ssize_t start = tag->start + closes;
    uint32_t hash = HASH_START;
    for (Py_ssize_t i = start; i < tag->name_end; i++)
        hash = HASH_STEP(hash, PyUnicode_READ_CHAR(markup, i));
    const Entry *entry = find_entry(reader->tags, markup, start, tag->name_end, hash);
    int kinds = entry == NULL ? 0 : entry->number;
    if (closes) {
        int empty = close_element(reader, start, tag->name_end - start);
        if (!(kinds & CODE_LINE))
            return 0;
        return empty && break_line(reader) < 0 ? -1 : end_line(reader);
    }
    if (kinds & CODE_BREAK)
        return break_line(reader);
    if (kinds & CODE_VOID)
        return 0;
    if (kinds & CODE_LINE && end_line(reader) < 0)
        return -1;
    return open_element(reader, start, tag->name_end - start, kinds);
}

static Tag
plain_tag_at(PyObject *markup, Py_ssize_t start) /* "<!" is a tag here, comments are gone */
{
    const void *data = PyUnicode_DATA(markup);
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup);
#define SCAN_PLAIN_TAG(width) scan_plain_tag(width, data, start, size)
    return FOR_KIND(PyUnicode_KIND(markup), SCAN_PLAIN_TAG);
}

static int
read_code(CodeReader *reader)
{
    PyObject *markup = reader->markup;
    Py_ssize_t size = PyUnicode_GET_LENGTH(markup), open = PyUnicode_FindChar(markup, '<', 0, size, 1);
    if (add_code_text(reader, 0, open < 0 ? size : open, 1) < 0)
        return -1;
    while (open >= 0) {
        Tag tag = plain_tag_at(markup, open + 1);
        Py_ssize_t next = PyUnicode_FindChar(markup, '<', tag.after, size, 1), end = next < 0 ? size : next;
        if (read_code_tag(reader, &tag) < 0 || add_code_text(reader, tag.after, end, 0) < 0)
            return -1;
        open = next;
    }
    return 0;
}

static PyObject *
code_lines(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *markup, *name, *lines = NULL;
    TagTable *tags;
    if (!PyArg_ParseTuple(args, "UUO!", &markup, &name, table_type, &tags))
        return NULL;
    CodeReader reader = {.markup = markup, .tags = tags};
    uint32_t hash = HASH_START;
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    for (Py_ssize_t i = 0; i < length; i++)
        hash = HASH_STEP(hash, PyUnicode_READ_CHAR(name, i));
    const Entry *entry = find_entry(tags, name, 0, length, hash);
    if (open_element(&reader, 0, 0, entry == NULL ? 0 : entry->number) == 0 && read_code(&reader) == 0)
        lines = string_of(&reader.text);
    PyMem_Free(reader.text.data);
    PyMem_Free(reader.opened);
    return lines;
}

/* Outer blank lines and trailing spaces go; no-break spaces are spaces, zero-width ones nothing. */
static int
trim_into(Text *text, PyObject *source)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(source), line_end = 0;
    int kind = PyUnicode_KIND(source);
    const void *data = PyUnicode_DATA(source);
    if (make_room(text, size) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c == '\r' && i + 1 < size && PyUnicode_READ(kind, data, i + 1) == '\n')
            continue;
        if (c == '\r' || c == '\n') {
            text->length = line_end;
            if (line_end > 0)
                text->data[text->length++] = '\n';
            line_end = text->length;
        }
        else if (c != 0x200B) {
            text->data[text->length++] = c == 0xA0 ? ' ' : c;
            if (!is_space(c))
                line_end = text->length;
        }
    }
    while (line_end > 0 && text->data[line_end - 1] == '\n')
        line_end--;
    text->length = line_end;
    return 0;
}

static PyObject *
trimmed(PyObject *Py_UNUSED(module), PyObject *source)
{
    if (!PyUnicode_Check(source))
        return PyErr_Format(PyExc_TypeError, "trimmed takes a string");
    Text text = {NULL, 0, 0};
    PyObject *done = trim_into(&text, source) < 0 ? NULL : string_of(&text);
    PyMem_Free(text.data);
    return done;
}

#define PROSE_SAMPLE 4000
#define MIN_PROSE_WORDS 8
#define MIN_PROSE_CHARS (3 * MIN_PROSE_WORDS - 1)
#define MAX_PROSE_SYMBOLS 0.02
#define MIN_PROSE_LETTERS 0.8

/* Whether a `pre` without any sign of code holds words: enough of them, and little beside them. */
static inline int
holds_prose(const int kind, const void *data, Py_ssize_t size)
{
    static const char symbols[] = "{}[]<>=;|\\#$@&*_^~`";
    Py_ssize_t words = 0, letters = 0, dark = 0, marks = 0, word = 0;
    for (Py_ssize_t i = 0; i <= size; i++) {
        Py_UCS4 c = i < size ? PyUnicode_READ(kind, data, i) : ' ';
        if (is_letter(c)) {
            word++;
            continue;
        }
        words += word >= 2;
        letters += word >= 2 ? word : 0;
        dark += word + !is_space(c);
        word = 0;
        marks += c > ' ' && c < 128 && strchr(symbols, (int)c) != NULL;
    }
    return words >= MIN_PROSE_WORDS && (double)marks / (double)size <= MAX_PROSE_SYMBOLS &&
           (double)letters / (double)dark > MIN_PROSE_LETTERS;
}

static PyObject *
looks_like_prose(PyObject *Py_UNUSED(module), PyObject *text)
{
    if (!PyUnicode_Check(text))
        return PyErr_Format(PyExc_TypeError, "looks_like_prose takes a string");
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    const void *data = PyUnicode_DATA(text);
    if (size < MIN_PROSE_CHARS)
        Py_RETURN_FALSE;
    if (size > PROSE_SAMPLE)
        size = PROSE_SAMPLE;
#define HOLDS_PROSE(width) holds_prose(width, data, size)
    return PyBool_FromLong(FOR_KIND(PyUnicode_KIND(text), HOLDS_PROSE));
}
