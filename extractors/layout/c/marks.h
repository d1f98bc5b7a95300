/* --- the marks of formulas in running text, found; part of the twin of ../hot/delimiters.py --- */

#define MAX_MARKS 1000
#define MAX_ENVIRONMENTS 64
#define NAME_CHARS 16 /* an environment's, at most */

/* What stands between tokens goes by numbers. Names of tokens: the marks' places in their tuple; then, one for each,
   blank lines and what begins or ends an environment, by its space before the brace, its name and its star. */
typedef struct {
    int kind;
    const void *data; /* the tuple of marks owns it */
    Py_ssize_t length;
    int name, closing; /* its own; that of the mark that closes it, or NOTHING */
    int shown, doubtful, certain, deep, begins, line;
} Mark;

typedef struct {
    PyObject_HEAD
    PyObject *marks;
    Mark *mark;
    int count, environments, dollar, dollars, open_brace, close_brace; /* names of these marks, or NOTHING */
    char environment[MAX_ENVIRONMENTS][NAME_CHARS];
    int first[130]; /* [c] -> place in `order` of the marks that begin with it; 128: with what is not ASCII */
    int *order;
} Delimiters;

typedef struct {
    Py_ssize_t start, end;
    int name;
} Token;

/* The text, its tokens, where each name stands last, and room for what one formula encloses. */
typedef struct {
    const Delimiters *marks;
    PyObject *text;
    int kind;
    const void *data;
    Py_ssize_t size;
    Token *tokens;
    Py_ssize_t count, room;
    Py_ssize_t *last;
    int has_environments, has_dollars; /* "$$" */
    Text inner, bare;
} Scan;

#define BLANK_LINE(marks) ((marks)->count)
#define FIRST_ENVIRONMENT(marks) ((marks)->count + 1)
#define ENDS_ENVIRONMENT 1
#define SPACES 30
#define NAMES(marks) (FIRST_ENVIRONMENT(marks) + SPACES * (marks)->environments * 4)

static void
delimiters_dealloc(Delimiters *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->marks);
    PyMem_Free(self->mark);
    PyMem_Free(self->order);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
mark_number(const Delimiters *self, PyObject *wanted)
{
    for (int i = 0; i < self->count; i++)
        if (PyUnicode_Compare(PyTuple_GET_ITEM(self->marks, i), wanted) == 0)
            return i;
    return NOTHING;
}

/* Which of the 29 white characters, from 1. */
static int
space_number(Py_UCS4 c)
{
    static const Py_UCS4 others[] = {0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    if (c < 14)
        return (int)c - 8;
    if (c <= ' ')
        return (int)c - 28 + 6;
    if (c >= 0x2000 && c <= 0x200A)
        return (int)(c - 0x2000) + 11;
    for (int i = 0; i < 8; i++)
        if (others[i] == c)
            return 22 + i;
    return 0;
}

/* Name of the \begin{...} or \end{...} at a backslash, with the place behind it; NOTHING for any other. */
static int
environment_at(const Delimiters *self, int kind, const void *data, Py_ssize_t at, Py_ssize_t size, Py_ssize_t *end)
{
    int ends = ascii_at(kind, data, at, size, "\\end"), space = 0, length = 0, number = 0;
    if (!ends && !ascii_at(kind, data, at, size, "\\begin"))
        return NOTHING;
    at += ends ? 4 : 6;
    if (at < size && is_space(PyUnicode_READ(kind, data, at)))
        space = space_number(PyUnicode_READ(kind, data, at++));
    if (at >= size || PyUnicode_READ(kind, data, at) != '{')
        return NOTHING;
    char name[NAME_CHARS];
    for (at++; at < size && length < NAME_CHARS - 1; at++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, at);
        if (c >= 128 || !Py_ISALPHA(c))
            break;
        name[length++] = (char)c;
    }
    name[length] = 0;
    while (number < self->environments && strcmp(self->environment[number], name) != 0)
        number++;
    int starred = at < size && PyUnicode_READ(kind, data, at) == '*';
    at += starred;
    if (number == self->environments || at >= size || PyUnicode_READ(kind, data, at) != '}')
        return NOTHING;
    *end = at + 1;
    return FIRST_ENVIRONMENT(self) + ((space * self->environments + number) * 2 + starred) * 2 + ends;
}

/* --- the marks --- */

static int
read_environments(Delimiters *self, PyObject *names)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        Py_ssize_t length = 0;
        PyObject *name = PyTuple_GET_ITEM(names, i);
        const char *text = PyUnicode_Check(name) && PyUnicode_IS_ASCII(name) ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
        int letters = text != NULL && length > 0 && length < NAME_CHARS && i < MAX_ENVIRONMENTS;
        for (Py_ssize_t k = 0; letters && k < length; k++)
            letters = Py_ISALPHA(text[k]);
        if (!letters) {
            PyErr_SetString(PyExc_ValueError, "environments are a few short names of letters");
            return -1;
        }
        memcpy(self->environment[self->environments++], text, (size_t)length + 1);
    }
    return 0;
}

/* Reads mark i; `closing` by `resolve_closing` once all have been read. */
static int
read_mark(Delimiters *self, int i, PyObject *display, PyObject *doubtful, PyObject *certain)
{
    PyObject *text = PyTuple_GET_ITEM(self->marks, i);
    if (!PyUnicode_Check(text) || PyUnicode_GET_LENGTH(text) == 0) {
        PyErr_SetString(PyExc_ValueError, "marks are strings, none of them empty");
        return -1;
    }
    int kind = PyUnicode_KIND(text), begins;
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), end = 0;
    Py_UCS4 first = PyUnicode_READ(kind, data, 0);
    int name = environment_at(self, kind, data, 0, length, &end);
    begins = ascii_at(kind, data, 0, length, "\\begin");
    self->mark[i] = (Mark){
        .kind = kind, .data = data, .length = length,
        .name = name != NOTHING && end == length ? name : i,
        .closing = NOTHING,
        .shown = begins ? 1 : PySet_Contains(display, text),
        .doubtful = PySet_Contains(doubtful, text),
        .certain = PySet_Contains(certain, text),
        .deep = begins || first == '[' || first == '<' || first == '`',
        .begins = begins,
        .line = first == '\n',
    };
    return self->mark[i].shown < 0 || self->mark[i].doubtful < 0 || self->mark[i].certain < 0 ? -1 : 0;
}

/* Name of the mark that closes mark i: by the dictionary, itself for "$", \end for \begin. */
static int
resolve_closing(Delimiters *self, int i, PyObject *closing)
{
    Mark *mark = &self->mark[i];
    if (ascii_at(mark->kind, mark->data, 0, mark->length, "\\end"))
        return 0;
    PyObject *wanted = Py_XNewRef(PyDict_GetItemWithError(closing, PyTuple_GET_ITEM(self->marks, i)));
    if (mark->begins) {
        PyObject *rest = PyUnicode_Substring(PyTuple_GET_ITEM(self->marks, i), 6, mark->length);
        Py_XSETREF(wanted, rest == NULL ? NULL : PyUnicode_FromFormat("\\end%U", rest));
        Py_XDECREF(rest);
    }
    if (wanted != NULL && PyUnicode_Check(wanted)) {
        int number = mark_number(self, wanted);
        mark->closing = number == NOTHING ? NOTHING : self->mark[number].name;
    }
    Py_XDECREF(wanted);
    return PyErr_Occurred() ? -1 : 0;
}

/* For each first character its marks, in the order of the tuple. */
static void
order_marks(Delimiters *self)
{
    int placed = 0;
    for (int c = 0; c <= 128; c++) {
        self->first[c] = placed;
        for (int i = 0; i < self->count; i++) {
            Py_UCS4 begins = PyUnicode_READ(self->mark[i].kind, self->mark[i].data, 0);
            if (begins == (Py_UCS4)c || (c == 128 && begins > 128))
                self->order[placed++] = i;
        }
    }
    self->first[129] = placed;
}

static PyObject *
delimiters_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *marks, *closing, *display, *doubtful, *certain, *names;
    if (!PyArg_ParseTuple(args, "O!O!O!O!O!O!", &PyTuple_Type, &marks, &PyDict_Type, &closing, &PyFrozenSet_Type,
                          &display, &PyFrozenSet_Type, &doubtful, &PyFrozenSet_Type, &certain, &PyTuple_Type, &names))
        return NULL;
    if (PyTuple_GET_SIZE(marks) > MAX_MARKS)
        return PyErr_Format(PyExc_ValueError, "more than %d marks", MAX_MARKS);
    Delimiters *self = (Delimiters *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->marks = Py_NewRef(marks);
    self->count = (int)PyTuple_GET_SIZE(marks);
    self->mark = PyMem_New(Mark, self->count + 1);
    self->order = PyMem_New(int, self->count + 1);
    int failed = self->mark == NULL || self->order == NULL;
    if (failed)
        PyErr_NoMemory();
    failed = failed || read_environments(self, names) < 0;
    for (int i = 0; !failed && i < self->count; i++)
        failed = read_mark(self, i, display, doubtful, certain) < 0;
    for (int i = 0; !failed && i < self->count; i++)
        failed = resolve_closing(self, i, closing) < 0;
    if (failed) {
        Py_DECREF(self);
        return NULL;
    }
    order_marks(self);
    int *const own[] = {&self->dollar, &self->dollars, &self->open_brace, &self->close_brace};
    const char *const texts[] = {"$", "$$", "{", "}"};
    for (int k = 0; k < 4; k++) {
        *own[k] = NOTHING;
        for (int i = 0; i < self->count; i++)
            if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(marks, i), texts[k]) == 0)
                *own[k] = i;
    }
    if (self->dollar != NOTHING)
        self->mark[self->dollar].closing = self->dollar;
    return (PyObject *)self;
}

/* --- tokens --- */

static int
add_token(Scan *scan, Py_ssize_t start, Py_ssize_t end, int name)
{
    if (scan->count == scan->room) {
        Py_ssize_t room = scan->room * 2 + 64;
        Token *tokens = PyMem_Resize(scan->tokens, Token, room);
        if (tokens == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        scan->room = room;
    }
    scan->tokens[scan->count++] = (Token){start, end, name};
    return 0;
}

static inline int
mark_at(const Mark *mark, const int kind, const void *data, Py_ssize_t at, Py_ssize_t size)
{
    Py_ssize_t last = mark->length - 1;
    if (last >= size - at || PyUnicode_READ(kind, data, at + last) != PyUnicode_READ(mark->kind, mark->data, last))
        return 0; /* most of all, where marks begin alike */
    for (Py_ssize_t k = 0; k < last; k++)
        if (PyUnicode_READ(kind, data, at + k) != PyUnicode_READ(mark->kind, mark->data, k))
            return 0;
    return 1;
}

/* Name of the token at a place and where it ends, or NOTHING. */
static inline int
token_at(const Delimiters *self, const int kind, const void *data, Py_ssize_t at, Py_ssize_t size, Py_ssize_t *end)
{
    Py_UCS4 c = PyUnicode_READ(kind, data, at), head = c < 128 ? c : 128;
    for (int k = self->first[head]; k < self->first[head + 1]; k++) {
        const Mark *mark = &self->mark[self->order[k]];
        if (mark_at(mark, kind, data, at, size)) {
            *end = at + mark->length;
            return mark->name;
        }
    }
    if (c == '\\')
        return environment_at(self, kind, data, at, size, end);
    if (c != '\n')
        return NOTHING;
    for (at++; at < size && ((c = PyUnicode_READ(kind, data, at)) == ' ' || c == '\t'); at++)
        ;
    *end = at + 1;
    return at < size && c == '\n' ? BLANK_LINE(self) : NOTHING;
}

static inline int
tokenise(Scan *scan, const int kind)
{
    const Delimiters *self = scan->marks;
    Py_ssize_t end = 0;
    for (Py_ssize_t at = 0; at < scan->size; at++) {
        Py_UCS4 c = PyUnicode_READ(kind, scan->data, at), head = c < 128 ? c : 128;
        if (self->first[head] == self->first[head + 1] && c != '\n' && c != '\\')
            continue;
        int name = token_at(self, kind, scan->data, at, scan->size, &end);
        if (name == NOTHING)
            continue;
        if (add_token(scan, at, end, name) < 0)
            return -1;
        scan->has_environments |= name >= FIRST_ENVIRONMENT(self);
        scan->has_dollars |= name == self->dollars;
        at = end - 1;
    }
    return 0;
}

static int
starts_line(const Delimiters *self, int name)
{
    return name == BLANK_LINE(self) || (name < self->count && self->mark[name].line);
}

/* Whether the "$$" at tokens[i] closes one formula and opens the next: between single dollars, no space around it. */
static int
parts_dollars(const Scan *scan, Py_ssize_t i, int before)
{
    const Delimiters *self = scan->marks;
    Py_ssize_t next = i + 1;
    while (next < scan->count && scan->tokens[next].name != self->dollar && scan->tokens[next].name != self->dollars &&
           !starts_line(self, scan->tokens[next].name))
        next++;
    if (before != self->dollar || next == scan->count || scan->tokens[next].name != self->dollar)
        return 0;
    const Token *token = &scan->tokens[i];
    return !is_space(PyUnicode_READ(scan->kind, scan->data, token->start - 1)) &&
           !is_space(PyUnicode_READ(scan->kind, scan->data, token->end));
}

/* `$a$$b$`: two formulas side by side. Writes the tokens anew where one of them is to be two. */
static int
part_dollars(Scan *scan)
{
    const Delimiters *self = scan->marks;
    Scan parted = {0};
    int opened = 0, before = NOTHING, name;
    for (Py_ssize_t i = 0; i < scan->count; i++) {
        const Token token = scan->tokens[i];
        name = token.name;
        int splits = name == self->dollars && opened && parts_dollars(scan, i, before);
        if (name == self->dollar)
            opened = !opened;
        else if (starts_line(self, name))
            opened = 0;
        if (name == self->dollar || name == self->dollars || starts_line(self, name))
            before = name;
        int failed = splits ? add_token(&parted, token.start, token.start + 1, self->dollar) < 0 ||
                                  add_token(&parted, token.start + 1, token.end, self->dollar) < 0
                            : add_token(&parted, token.start, token.end, name) < 0;
        if (failed) {
            PyMem_Free(parted.tokens);
            return -1;
        }
    }
    PyMem_Free(scan->tokens);
    scan->tokens = parted.tokens;
    scan->count = parted.count;
    scan->room = parted.room;
    return 0;
}

