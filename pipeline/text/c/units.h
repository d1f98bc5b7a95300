/* Whole texts, prose and formulas: twins of `text_units` and `content_of` in pipeline/text/words.py. */

/* --- where formulas are --- */

#define MAX_INLINE 1000
#define MAX_DISPLAY 8000
static const char *const ENVIRONMENTS[] = {
    "equation", "align", "alignat", "gather",  "multline", "eqnarray", "displaymath", "math", "array",
    "matrix",   "bmatrix", "pmatrix", "vmatrix", "Bmatrix", "Vmatrix", "cases",       "split"};
#define NAMES (sizeof ENVIRONMENTS / sizeof *ENVIRONMENTS)
enum { DOLLARS, DOLLAR, ROUND, SQUARE, FIRST_NAME };
#define CLOSERS (FIRST_NAME + 2 * NAMES) /* environments without and with a star */

typedef struct {
    PyObject *text;
    int kind;
    const void *data;
    Py_ssize_t length, next;     /* `next`: where to look for an opener */
    Py_ssize_t marks[2];         /* next dollar and next backslash from there on, `length` where there is none */
    Py_ssize_t closers[CLOSERS]; /* next place of each: every part of the text is searched once per closer */
} Finder;

typedef struct {
    Py_ssize_t start, end, tex, stop; /* the whole, and what is its TeX */
} Formula;

static void
open_finder(Finder *finder, PyObject *text)
{
    *finder = (Finder){text, PyUnicode_KIND(text), PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text), 0, {-1, -1}, {0}};
    for (size_t i = 0; i < CLOSERS; i++)
        finder->closers[i] = -1;
}

static inline Py_UCS4
char_at(const Finder *finder, Py_ssize_t i)
{
    return i < finder->length ? PyUnicode_READ(finder->kind, finder->data, i) : 0;
}

/* End of this ASCII string if the text has it at i, else 0. */
static Py_ssize_t
passed(const Finder *finder, Py_ssize_t i, const char *string)
{
    for (; *string; string++, i++)
        if (i >= finder->length || PyUnicode_READ(finder->kind, finder->data, i) != (unsigned char)*string)
            return 0;
    return i;
}

/* Which environment begins at i, as a closer, and where its content does; 0 for none. */
static size_t
environment_at(const Finder *finder, Py_ssize_t i, Py_ssize_t *content)
{
    Py_ssize_t name = passed(finder, i, "\\begin{");
    for (size_t k = 0; name && k < NAMES; k++) {
        Py_ssize_t end = passed(finder, name, ENVIRONMENTS[k]);
        int star = end && char_at(finder, end) == '*';
        if (end && (*content = passed(finder, end + star, "}")))
            return FIRST_NAME + 2 * k + (size_t)star;
    }
    return 0;
}

/* End of the closer if it stands at i, else 0. */
static Py_ssize_t
closer_at(const Finder *finder, Py_ssize_t i, size_t closer)
{
    static const char *const MARKS[] = {"$$", "$", "\\)", "\\]"};
    if (closer < FIRST_NAME)
        return passed(finder, i, MARKS[closer]);
    Py_ssize_t end = passed(finder, i, "\\end{");
    end = end ? passed(finder, end, ENVIRONMENTS[(closer - FIRST_NAME) / 2]) : 0;
    if (end && (closer - FIRST_NAME) % 2)
        end = passed(finder, end, "*");
    return end ? passed(finder, end, "}") : 0;
}

/* Where the closer stands from `from` on, PY_SSIZE_T_MAX where it does not. */
static Py_ssize_t
place_of(Finder *finder, size_t closer, Py_ssize_t from)
{
    Py_ssize_t at = finder->closers[closer];
    if (at >= from)
        return at;
    Py_UCS4 first = closer <= DOLLAR ? '$' : '\\';
    for (at = from; at < finder->length; at++) {
        at = PyUnicode_FindChar(finder->text, first, at, finder->length, 1);
        if (at < 0 || closer_at(finder, at, closer))
            break;
    }
    if (at < 0 || at >= finder->length)
        at = PY_SSIZE_T_MAX;
    return finder->closers[closer] = at;
}

/* pandoc's rule for dollars that are money, "$5 and $10": whether these two are. */
static int
is_money(const Finder *finder, Py_ssize_t start, Py_ssize_t stop)
{
    if (stop == start || Py_UNICODE_ISSPACE(char_at(finder, stop - 1)) || Py_UNICODE_ISDIGIT(char_at(finder, stop + 1)))
        return 1;
    for (Py_ssize_t i = start; i + 1 < stop; i++)
        if (char_at(finder, i) == '\n' && char_at(finder, i + 1) == '\n')
            return 1;
    return 0;
}

/* Whether the mark at i opens a formula. */
static int
formula_at(Finder *finder, Py_ssize_t i, Formula *found)
{
    Py_UCS4 c = char_at(finder, i), next = char_at(finder, i + 1);
    Py_ssize_t content = i + 2;
    size_t closer = c == '$' ? (next == '$' ? DOLLARS : DOLLAR) : next == '(' ? ROUND : next == '[' ? SQUARE : CLOSERS;
    if (closer == CLOSERS && !(closer = environment_at(finder, i, &content)))
        return 0;
    content -= closer == DOLLAR;
    Py_ssize_t stop = place_of(finder, closer, content);
    if (stop - content > (closer == DOLLAR || closer == ROUND ? MAX_INLINE : MAX_DISPLAY))
        return 0;
    if (closer == DOLLAR && is_money(finder, content, stop))
        return 0;
    Py_ssize_t end = closer_at(finder, stop, closer);
    *found = closer < FIRST_NAME ? (Formula){i, end, content, stop} : (Formula){i, end, i, end};
    return 1;
}

/* The next dollar or backslash from i on, `length` where there is none: most of a text is skipped by memchr. */
static Py_ssize_t
mark_from(Finder *finder, Py_ssize_t i)
{
    static const Py_UCS4 MARKS[] = {'$', '\\'};
    for (int k = 0; k < 2; k++)
        if (finder->marks[k] < i) {
            Py_ssize_t at = i < finder->length ? PyUnicode_FindChar(finder->text, MARKS[k], i, finder->length, 1) : -1;
            finder->marks[k] = at < 0 ? finder->length : at;
        }
    return finder->marks[0] < finder->marks[1] ? finder->marks[0] : finder->marks[1];
}

/* The next formula that begins behind `behind`: 1, or 0 where there is none. */
static int
next_formula(Finder *finder, Py_ssize_t behind, Formula *found)
{
    for (Py_ssize_t i = mark_from(finder, finder->next); i + 1 < finder->length; i = mark_from(finder, i + 1)) {
        Py_UCS4 c = char_at(finder, i), next = char_at(finder, i + 1);
        int opens = c == '$' ? !Py_UNICODE_ISSPACE(next) : next == '(' || next == '[' || next == 'b';
        Py_ssize_t after = i + (c == '\\' || next == '$'); /* both characters are read */
        if (opens && i >= behind && formula_at(finder, i, found)) {
            finder->next = after + 1;
            return 1;
        }
        i = after;
    }
    finder->next = finder->length;
    return 0;
}

static PyObject *
formulas(PyObject *module, PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "expected a str");
        return NULL;
    }
    PyObject *list = PyList_New(0);
    Finder finder;
    Formula found = {0, 0, 0, 0};
    open_finder(&finder, text);
    while (list != NULL && next_formula(&finder, found.end, &found)) {
        PyObject *tex = PyUnicode_Substring(text, found.tex, found.stop);
        PyObject *row = tex == NULL ? NULL : Py_BuildValue("nnN", found.start, found.end, tex);
        if (row == NULL || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* --- hashes of all words, and whether each stands in a formula --- */

static int
mark(Buffer *flags, size_t words, int flag)
{
    if (words == flags->used)
        return 0;
    if (reserve(flags, words - flags->used))
        return -1;
    memset(flags->data + flags->used, flag, words - flags->used);
    flags->used = words;
    return 0;
}

/* Append what a mapping from TeX has for a formula. */
static int
hash_formula(Buffer *out, PyObject *text, const Formula *formula, PyObject *hashes)
{
    char *data;
    Py_ssize_t size;
    PyObject *tex = PyUnicode_Substring(text, formula->tex, formula->stop);
    PyObject *found = tex == NULL ? NULL : PyObject_GetItem(hashes, tex);
    Py_XDECREF(tex);
    int failed = found == NULL || PyBytes_AsStringAndSize(found, &data, &size) || reserve(out, (size_t)size);
    if (!failed) {
        memcpy(out->data + out->used, data, (size_t)size);
        out->used += (size_t)size;
    }
    Py_XDECREF(found);
    return failed ? -1 : 0;
}

static PyObject *
units(PyObject *module, PyObject *args)
{
    PyObject *text, *folded, *table, *tokens, *hashes, *result = NULL;
    Buffer out = {NULL, 0, 0, 0}, flags = {NULL, 0, 0, 0}, token = {NULL, 0, 0, 0};
    Prose prose;
    Finder finder;
    Formula found = {0, 0, 0, 0};
    if (!PyArg_ParseTuple(args, "OOOOO", &text, &folded, &table, &tokens, &hashes) ||
        open_prose(&prose, text, folded, table))
        return NULL;
    open_finder(&finder, text);
    if (reserve(&out, (size_t)finder.length + 64))
        goto done;
    for (Py_ssize_t position = 0; next_formula(&finder, position, &found); position = found.end)
        if (hash_part(&out, &token, &prose, position, found.start, tokens) || mark(&flags, out.used / 8, 0) ||
            hash_formula(&out, text, &found, hashes) || mark(&flags, out.used / 8, 1))
            goto done;
    if (hash_part(&out, &token, &prose, found.end, finder.length, tokens) || mark(&flags, out.used / 8, 0))
        goto done;
    result = Py_BuildValue("y#y#", out.data, (Py_ssize_t)(out.used & ~(size_t)7), flags.data ? flags.data : "",
                           (Py_ssize_t)flags.used);
done:
    PyMem_Free(out.data);
    PyMem_Free(flags.data);
    PyMem_Free(token.data);
    return result;
}

/* --- the normalised text, to a callback, in pieces --- */

#define PIECE (1 << 16)

/* Hand what was written to the callback if it is more than `enough`. */
static int
hand_over(Buffer *out, size_t enough, PyObject *update)
{
    if (out->used <= enough)
        return 0;
    PyObject *done = PyObject_CallFunction(update, "y#", out->data, (Py_ssize_t)out->used);
    out->used = 0;
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* `spell` gives the canonical spelling of a formula. */
static int
spell_formula(Buffer *out, Buffer *token, PyObject *text, const Formula *formula, PyObject *spell)
{
    PyObject *tex = PyUnicode_Substring(text, formula->tex, formula->stop);
    PyObject *string = tex == NULL ? NULL : PyObject_CallOneArg(spell, tex);
    Py_XDECREF(tex);
    int failed = string == NULL || !PyUnicode_Check(string);
    if (string != NULL && failed)
        PyErr_SetString(PyExc_TypeError, "expected a str");
    size_t size = failed ? 0 : (size_t)PyUnicode_GET_LENGTH(string);
    token->used = 0;
    failed = failed || reserve(token, 4 * size + 4) ||
             PyUnicode_AsUCS4(string, (Py_UCS4 *)token->data, (Py_ssize_t)(token->room / 4), 0) == NULL ||
             append_utf8(out, (Py_UCS4 *)token->data, size);
    Py_XDECREF(string);
    return failed ? -1 : 0;
}

static PyObject *
content(PyObject *module, PyObject *args)
{
    PyObject *text, *folded, *table, *spell, *update, *result = NULL;
    Buffer out = {NULL, 0, 0, 0}, token = {NULL, 0, 0, 0};
    Prose prose;
    Finder finder;
    Formula found = {0, 0, 0, 0};
    if (!PyArg_ParseTuple(args, "OOOOO", &text, &folded, &table, &spell, &update) ||
        open_prose(&prose, text, folded, table))
        return NULL;
    open_finder(&finder, text);
    for (int more = 1; more;) {
        Py_ssize_t position = found.end, stop;
        more = next_formula(&finder, position, &found);
        Py_ssize_t end = more ? found.start : finder.length;
        for (; (stop = next_token(&prose, &position, end)); position = stop)
            if (append_folded(&out, &token, &prose, position, stop) || hand_over(&out, PIECE, update))
                goto done;
        if (more && (spell_formula(&out, &token, text, &found, spell) || hand_over(&out, PIECE, update)))
            goto done;
    }
    if (!hand_over(&out, 0, update))
        result = Py_NewRef(Py_None);
done:
    PyMem_Free(out.data);
    PyMem_Free(token.data);
    return result;
}
