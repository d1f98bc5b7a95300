/* Prose to folded text: twin of `fold` in pipeline/text/prose.py. */

/* --- folding: lower case, one space between tokens; characters that Python has no table of as Python folds them --- */

static inline int
separates(Py_UCS4 c)
{
    return c == '$' || Py_UNICODE_ISSPACE(c);
}

static inline Py_UCS4
plain(Py_UCS4 c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c == '`' ? '\'' : c;
}

#define TABLE_SIZE 0x10000 /* what a character beyond ASCII folds to, 0 for what depends on its neighbours */

typedef struct {
    PyObject *folded; /* tokens to what they fold to, for those that hold other characters */
    PyObject *table;
    const uint16_t *characters;
    PyObject *text;
    int kind;
    const void *data;
} Prose;

static int
open_prose(Prose *prose, PyObject *text, PyObject *folded, PyObject *table)
{
    if (!PyUnicode_Check(text) || !PyBytes_Check(table) || PyBytes_GET_SIZE(table) != 2 * TABLE_SIZE ||
        ((uintptr_t)PyBytes_AS_STRING(table) & 1)) {
        PyErr_SetString(PyExc_TypeError, "expected a str and a table of 2^16 characters");
        return -1;
    }
    *prose = (Prose){folded, table, (const uint16_t *)PyBytes_AS_STRING(table), text, PyUnicode_KIND(text), PyUnicode_DATA(text)};
    return 0;
}

static int
ask_folded(Buffer *out, const Prose *prose, Py_ssize_t start, Py_ssize_t end)
{
    PyObject *token = PyUnicode_Substring(prose->text, start, end);
    PyObject *string = token == NULL ? NULL : PyObject_GetItem(prose->folded, token);
    Py_XDECREF(token);
    int failed = string == NULL || !PyUnicode_Check(string);
    if (string != NULL && failed)
        PyErr_SetString(PyExc_TypeError, "expected a str");
    if (!failed && !(failed = reserve(out, 4 * (size_t)PyUnicode_GET_LENGTH(string) + 4))) {
        Py_UCS4 *place = (Py_UCS4 *)out->data;
        int gap = 0;
        for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(string); i++) {
            Py_UCS4 c = PyUnicode_READ_CHAR(string, i);
            if (separates(c)) {
                gap = place > (Py_UCS4 *)out->data;
                continue;
            }
            if (gap)
                *place++ = ' ';
            gap = 0;
            *place++ = c;
        }
        out->used = (size_t)((char *)place - out->data);
    }
    Py_XDECREF(string);
    return failed ? -1 : 0;
}

/* What the token from start to end folds to, UCS4: nothing, a token, or several with one space between two. */
static int
fold_token(Buffer *out, const Prose *prose, Py_ssize_t start, Py_ssize_t end)
{
    out->used = 0;
    if (reserve(out, 4 * (size_t)(end - start) + 4))
        return -1;
    Py_UCS4 *place = (Py_UCS4 *)out->data;
    for (Py_ssize_t i = start; i < end; i++) {
        Py_UCS4 c = PyUnicode_READ(prose->kind, prose->data, i);
        c = c < 128 ? plain(c) : c < TABLE_SIZE && prose->characters[c] ? prose->characters[c] : 0x110000;
        if (c == 0x110000)
            return ask_folded(out, prose, start, end);
        *place++ = c;
    }
    out->used = (size_t)((char *)place - out->data);
    return 0;
}

/* The next token from *start on, before end: its end, and where it begins in *start; 0 where there is none. */
static Py_ssize_t
next_token(const Prose *prose, Py_ssize_t *start, Py_ssize_t end)
{
    Py_ssize_t i = *start;
    while (i < end && separates(PyUnicode_READ(prose->kind, prose->data, i)))
        i++;
    *start = i;
    while (i < end && !separates(PyUnicode_READ(prose->kind, prose->data, i)))
        i++;
    return i > *start ? i : 0;
}

/* Append what the token from start to end folds to, as UTF-8, behind a space where something was before. */
static int
append_folded(Buffer *out, Buffer *token, const Prose *prose, Py_ssize_t start, Py_ssize_t end)
{
    if (reserve(out, (size_t)(end - start) + 1))
        return -1;
    char *place = out->data + out->used;
    if (out->begun)
        *place++ = ' ';
    for (Py_ssize_t i = start; i < end; i++) {
        Py_UCS4 c = PyUnicode_READ(prose->kind, prose->data, i);
        if (c >= 128)
            return fold_token(token, prose, start, end) || append_utf8(out, (Py_UCS4 *)token->data, token->used / 4) ? -1 : 0;
        *place++ = (char)plain(c);
    }
    out->begun = 1;
    out->used = (size_t)(place - out->data);
    return 0;
}

static PyObject *
fold(PyObject *module, PyObject *args)
{
    PyObject *text, *folded, *table, *result = NULL;
    Py_ssize_t start, end;
    Prose prose;
    Buffer out = {NULL, 0, 0, 0}, token = {NULL, 0, 0, 0};
    if (!PyArg_ParseTuple(args, "OnnOO", &text, &start, &end, &folded, &table) || open_prose(&prose, text, folded, table))
        return NULL;
    if (start < 0 || end > PyUnicode_GET_LENGTH(text) || start > end)
        PyErr_SetString(PyExc_IndexError, "expected a range within the text");
    else if (!reserve(&out, (size_t)(end - start) + 8)) {
        for (Py_ssize_t stop; (stop = next_token(&prose, &start, end)); start = stop)
            if (append_folded(&out, &token, &prose, start, stop))
                goto done;
        result = PyUnicode_DecodeUTF8(out.data, (Py_ssize_t)out.used, "surrogatepass");
    }
done:
    PyMem_Free(out.data);
    PyMem_Free(token.data);
    return result;
}
