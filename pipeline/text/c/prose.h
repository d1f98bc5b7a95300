/* Prose to folded text, and folded text to the hashes of its words: twins of pipeline/text/prose.py. */

/* --- folding: lower case, one space between tokens; tokens beyond ASCII as Python folds them --- */

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

static PyObject *
fold_ascii(const Py_UCS1 *text, Py_ssize_t start, Py_ssize_t end)
{
    PyObject *result = PyUnicode_New(end - start, 127);
    if (result == NULL || start == end)
        return result;
    Py_UCS1 *out = PyUnicode_1BYTE_DATA(result);
    Py_ssize_t used = 0;
    int gap = 0;
    for (Py_ssize_t i = start; i < end; i++) {
        if (separates(text[i])) {
            gap = used > 0;
            continue;
        }
        if (gap)
            out[used++] = ' ';
        gap = 0;
        out[used++] = (Py_UCS1)plain(text[i]);
    }
    if (used < end - start) {
        PyObject *whole = result;
        result = PyUnicode_Substring(whole, 0, used);
        Py_DECREF(whole);
    }
    return result;
}

/* Append a string that may hold spaces; one space before what follows another token. */
static int
append_string(Buffer *out, PyObject *string, int gap)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(string);
    int kind = PyUnicode_KIND(string);
    const void *data = PyUnicode_DATA(string);
    if (reserve(out, 8 * (size_t)length + 8))
        return -1;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (separates(c)) {
            gap = 1;
            continue;
        }
        Py_UCS4 *place = (Py_UCS4 *)(out->data + out->used);
        if (gap && out->used)
            *place++ = ' ', out->used += 4;
        gap = 0;
        *place = c, out->used += 4;
    }
    return 0;
}

static int
append_token(Buffer *out, PyObject *text, Py_ssize_t start, Py_ssize_t end, Py_UCS4 highest, PyObject *folded)
{
    if (highest >= 128) {
        PyObject *token = PyUnicode_Substring(text, start, end);
        PyObject *string = token == NULL ? NULL : PyObject_GetItem(folded, token);
        Py_XDECREF(token);
        if (string == NULL)
            return -1;
        int failed = !PyUnicode_Check(string);
        if (failed)
            PyErr_SetString(PyExc_TypeError, "expected a str");
        else
            failed = append_string(out, string, 1);
        Py_DECREF(string);
        return failed ? -1 : 0;
    }
    if (reserve(out, 4 * (size_t)(end - start) + 4))
        return -1;
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_UCS4 *place = (Py_UCS4 *)(out->data + out->used);
    if (out->used)
        *place++ = ' ';
    for (Py_ssize_t i = start; i < end; i++)
        *place++ = plain(PyUnicode_READ(kind, data, i));
    out->used = (size_t)((char *)place - out->data);
    return 0;
}

static PyObject *
fold(PyObject *module, PyObject *args)
{
    PyObject *text, *folded, *result = NULL;
    Py_ssize_t start, end;
    if (!PyArg_ParseTuple(args, "UnnO", &text, &start, &end, &folded))
        return NULL;
    if (start < 0 || end > PyUnicode_GET_LENGTH(text) || start > end) {
        PyErr_SetString(PyExc_IndexError, "expected a range within the text");
        return NULL;
    }
    if (PyUnicode_IS_ASCII(text))
        return fold_ascii(PyUnicode_1BYTE_DATA(text), start, end);
    Buffer out = {NULL, 0, 0};
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    if (reserve(&out, 4 * (size_t)(end - start) + 64))
        return NULL;
    for (Py_ssize_t i = start; i < end;) {
        Py_UCS4 c, highest = 0;
        Py_ssize_t first = i;
        while (i < end && !separates(c = PyUnicode_READ(kind, data, i))) {
            highest = c > highest ? c : highest;
            i++;
        }
        if (i > first && append_token(&out, text, first, i, highest, folded))
            goto done;
        i++;
    }
    result = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, out.data ? out.data : "", (Py_ssize_t)(out.used / 4));
done:
    PyMem_Free(out.data);
    return result;
}

/* --- words and signs of folded prose --- */

#define SPECIAL static inline __attribute__((always_inline)) /* compiled once per width of characters */

/* Scripts without spaces between words: SINGLE_CHARACTER_SCRIPTS in prose.py. */
static int
is_single(Py_UCS4 c)
{
    return (c >= 0xE00 && c <= 0xEFF) || (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF) ||
           (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

static inline int
is_digit(Py_UCS4 c)
{
    return c >= '0' && c <= '9';
}

static inline int
is_small(Py_UCS4 c)
{
    return c >= 'a' && c <= 'z';
}

/* Of native tokens only, in which everything beyond ASCII is a letter. */
static inline int
is_letter(Py_UCS4 c)
{
    return is_small(c) || c >= 128;
}

static inline int
is_operator(Py_UCS4 c)
{
    return c == '+' || c == '=' || c == '<' || c == '>' || c == '^';
}

typedef struct {
    int kind;
    const void *data;
    Py_ssize_t end; /* of the token; reading there gives 0 */
} Token;

SPECIAL Py_UCS4
at(const Token *token, Py_ssize_t i)
{
    return i < token->end ? PyUnicode_READ(token->kind, token->data, i) : 0;
}

SPECIAL uint64_t
hash_of(const Token *token, Py_ssize_t start, Py_ssize_t end)
{
    uint64_t total = ODD, chunk = 0, bytes = 0;
    for (Py_ssize_t i = start; i < end; i++) {
        Py_UCS4 c = PyUnicode_READ(token->kind, token->data, i);
        if (c < 0x80) {
            chunk |= (uint64_t)c << (8 * (bytes & 7));
            if ((++bytes & 7) == 0)
                total = mix(total ^ chunk), chunk = 0;
            continue;
        }
        unsigned char utf8[4];
        int size;
        if (c < 0x800)
            size = 2, utf8[0] = 0xC0 | (c >> 6), utf8[1] = 0x80 | (c & 63);
        else if (c < 0x10000)
            size = 3, utf8[0] = 0xE0 | (c >> 12), utf8[1] = 0x80 | ((c >> 6) & 63), utf8[2] = 0x80 | (c & 63);
        else
            size = 4, utf8[0] = 0xF0 | (c >> 18), utf8[1] = 0x80 | ((c >> 12) & 63),
            utf8[2] = 0x80 | ((c >> 6) & 63), utf8[3] = 0x80 | (c & 63);
        for (int k = 0; k < size; k++) {
            chunk |= (uint64_t)utf8[k] << (8 * (bytes & 7));
            if ((++bytes & 7) == 0)
                total = mix(total ^ chunk), chunk = 0;
        }
    }
    if (bytes & 7)
        total = mix(total ^ chunk);
    return total ^ (bytes * ODD);
}

/* A digit, a lone letter, a command or an opening bracket: what makes the hyphen before it a sign. */
SPECIAL int
is_operand(const Token *token, Py_ssize_t i)
{
    Py_UCS4 c = at(token, i);
    if (is_small(c)) {
        Py_UCS4 after = at(token, i + 1);
        return !(after == '_' || is_digit(after) || Py_UNICODE_ISALNUM(after));
    }
    return c == '\\' || c == '(' || Py_UNICODE_ISDECIMAL(c);
}

/* Whether the hyphen at i can be a sign by what stands before it: no letter and no hyphen. */
SPECIAL int
after_no_letter(const Token *token, Py_ssize_t start, Py_ssize_t i)
{
    if (i == start)
        return 1;
    Py_UCS4 before = at(token, i - 1);
    return before != '-' && !(Py_UNICODE_ISALNUM(before) && !Py_UNICODE_ISDECIMAL(before));
}

SPECIAL Py_ssize_t
number_end(const Token *token, Py_ssize_t i)
{
    while (is_digit(at(token, i)))
        i++;
    for (;;) {
        Py_UCS4 c = at(token, i);
        if (!(c == '.' || c == ',' || c == ':' || c == '/' || c == '-') || !is_digit(at(token, i + 1)))
            return i;
        for (i++; is_digit(at(token, i));)
            i++;
    }
}

/* End of the word or sign at i; i itself where none begins there. */
SPECIAL Py_ssize_t
match(const Token *token, Py_ssize_t start, Py_ssize_t i)
{
    Py_UCS4 c = at(token, i);
    Py_ssize_t end = i;
    if (is_letter(c) || is_digit(c)) {
        if (is_digit(c)) {
            while (is_digit(at(token, end)))
                end++;
            Py_ssize_t number = number_end(token, i);
            if (number > end)
                return number;
        }
        while (is_letter(at(token, end)) || is_digit(at(token, end)))
            end++;
        return end;
    }
    if (is_operator(c)) {
        while (is_operator(at(token, end)))
            end++;
        return end - i <= 2 && (i == start || !is_operator(at(token, i - 1))) ? end : i;
    }
    switch (c) {
    case '%':
        return i + 1;
    case '\\':
        for (end = i + 1; is_small(at(token, end));)
            end++;
        return end > i + 1 ? end : i;
    case '-':
        return i + 1 < token->end && after_no_letter(token, start, i) && is_operand(token, i + 1) ? i + 1 : i;
    case '_':
        if (i > start && at(token, i - 1) == '_')
            return i;
        return at(token, i + 1) == '{' || (at(token, i + 1) != '(' && is_operand(token, i + 1)) ? i + 1 : i;
    }
    return i;
}

static int
push(Buffer *out, uint64_t value)
{
    if (reserve(out, 8))
        return -1;
    memcpy(out->data + out->used, &value, 8);
    out->used += 8;
    return 0;
}

SPECIAL int
scan_token(Buffer *out, const Token *token, Py_ssize_t start)
{
    for (Py_ssize_t i = start; i < token->end;) {
        Py_ssize_t end = match(token, start, i);
        if (end > i && push(out, hash_of(token, i, end)))
            return -1;
        if (end == i && is_operator(at(token, i))) /* a rule of operators: passed over as a whole, in linear time */
            while (is_operator(at(token, end)))
                end++;
        i = end > i ? end : i + 1;
    }
    return 0;
}

/* Hashes of a token that C does not know how to cut, from Python. */
static int
ask(Buffer *out, PyObject *prose, Py_ssize_t start, Py_ssize_t end, PyObject *tokens)
{
    char *data;
    Py_ssize_t size;
    PyObject *token = PyUnicode_Substring(prose, start, end);
    PyObject *found = token == NULL ? NULL : PyObject_GetItem(tokens, token);
    Py_XDECREF(token);
    if (found == NULL)
        return -1;
    int failed = PyBytes_AsStringAndSize(found, &data, &size) || reserve(out, (size_t)size);
    if (!failed) {
        memcpy(out->data + out->used, data, (size_t)size);
        out->used += (size_t)size;
    }
    Py_DECREF(found);
    return failed ? -1 : 0;
}

SPECIAL int
scan(Buffer *out, PyObject *prose, int kind, int ascii, PyObject *tokens)
{
    Token token = {kind, PyUnicode_DATA(prose), 0};
    Py_ssize_t length = PyUnicode_GET_LENGTH(prose);
    int hanging = 0;
    static const Py_UCS1 hyphen[] = "-";
    const Token sign = {PyUnicode_1BYTE_KIND, hyphen, 1};
    for (Py_ssize_t start = 0; start < length; start = token.end + 1) {
        int native = 1;
        Py_UCS4 c;
        for (token.end = start; token.end < length; token.end++) {
            if ((c = PyUnicode_READ(kind, token.data, token.end)) == ' ')
                break;
            if (!ascii && c >= 128 && (!Py_UNICODE_ISALPHA(c) || is_single(c)))
                native = 0;
        }
        if (token.end == start)
            continue;
        if (hanging && is_operand(&token, start) && push(out, hash_of(&sign, 0, 1)))
            return -1;
        if (native ? scan_token(out, &token, start) : ask(out, prose, start, token.end, tokens))
            return -1;
        hanging = at(&token, token.end - 1) == '-' && after_no_letter(&token, start, token.end - 1);
    }
    return 0;
}

static PyObject *
prose_hashes(PyObject *module, PyObject *args)
{
    PyObject *prose, *tokens, *result = NULL;
    if (!PyArg_ParseTuple(args, "UO", &prose, &tokens))
        return NULL;
    Buffer out = {NULL, 0, 0};
    int kind = PyUnicode_KIND(prose), failed;
    if (reserve(&out, (size_t)PyUnicode_GET_LENGTH(prose) * 2 + 64))
        return NULL;
    if (PyUnicode_IS_ASCII(prose))
        failed = scan(&out, prose, PyUnicode_1BYTE_KIND, 1, tokens);
    else if (kind == PyUnicode_1BYTE_KIND)
        failed = scan(&out, prose, PyUnicode_1BYTE_KIND, 0, tokens);
    else if (kind == PyUnicode_2BYTE_KIND)
        failed = scan(&out, prose, PyUnicode_2BYTE_KIND, 0, tokens);
    else
        failed = scan(&out, prose, PyUnicode_4BYTE_KIND, 0, tokens);
    if (!failed)
        result = PyBytes_FromStringAndSize(out.data, (Py_ssize_t)out.used);
    PyMem_Free(out.data);
    return result;
}
