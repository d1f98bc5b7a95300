/* Folded prose to the hashes of its words: twin of `prose_hashes` in pipeline/text/prose.py. */

/* --- words and signs of folded prose --- */

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
    const Py_UCS4 *data;
    Py_ssize_t end; /* of the token; reading there gives 0 */
} Token;

static inline Py_UCS4
at(const Token *token, Py_ssize_t i)
{
    return i < token->end ? token->data[i] : 0;
}

static inline uint64_t
hash_of(const Token *token, Py_ssize_t start, Py_ssize_t end)
{
    uint64_t total = ODD, chunk = 0, bytes = 0;
    for (Py_ssize_t i = start; i < end; i++) {
        Py_UCS4 c = token->data[i];
        if (c < 0x80) {
            chunk |= (uint64_t)c << (8 * (bytes & 7));
            if ((++bytes & 7) == 0)
                total = mix(total ^ chunk), chunk = 0;
            continue;
        }
        unsigned char utf8[4];
        int size = utf8_of(c, utf8);
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
static inline int
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
static inline int
after_no_letter(const Token *token, Py_ssize_t start, Py_ssize_t i)
{
    if (i == start)
        return 1;
    Py_UCS4 before = at(token, i - 1);
    return before != '-' && !(Py_UNICODE_ISALNUM(before) && !Py_UNICODE_ISDECIMAL(before));
}

static inline Py_ssize_t
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
static inline Py_ssize_t
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

static inline int
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
ask(Buffer *out, const Py_UCS4 *data, Py_ssize_t size, PyObject *tokens)
{
    char *hashes;
    Py_ssize_t length;
    PyObject *token = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, data, size);
    PyObject *found = token == NULL ? NULL : PyObject_GetItem(tokens, token);
    Py_XDECREF(token);
    if (found == NULL)
        return -1;
    int failed = PyBytes_AsStringAndSize(found, &hashes, &length) || reserve(out, (size_t)length);
    if (!failed) {
        memcpy(out->data + out->used, hashes, (size_t)length);
        out->used += (size_t)length;
    }
    Py_DECREF(found);
    return failed ? -1 : 0;
}

/* Append the hashes of folded tokens; *hanging: whether the token before ends with a hyphen that may be a sign. */
static int
scan(Buffer *out, const Py_UCS4 *data, Py_ssize_t length, PyObject *tokens, int *hanging)
{
    static const Py_UCS4 hyphen[] = {'-'};
    const Token sign = {hyphen, 1};
    Token token = {data, 0};
    for (Py_ssize_t start = 0; start < length; start = token.end + 1) {
        int native = 1;
        for (token.end = start; token.end < length && data[token.end] != ' '; token.end++) {
            Py_UCS4 c = data[token.end];
            if (c >= 128 && (!Py_UNICODE_ISALPHA(c) || is_single(c)))
                native = 0;
        }
        if (*hanging && is_operand(&token, start) && push(out, hash_of(&sign, 0, 1)))
            return -1;
        if (native ? scan_token(out, &token, start) : ask(out, data + start, token.end - start, tokens))
            return -1;
        *hanging = at(&token, token.end - 1) == '-' && after_no_letter(&token, start, token.end - 1);
    }
    return 0;
}

/* The common case, a token of ASCII letters and closing punctuation: its word's hash at once. Its end, else 0.
   Compiled once for each width of a string's characters. */
static Py_ALWAYS_INLINE inline Py_ssize_t
plain_word_of(int kind, Buffer *out, const Prose *prose, Py_ssize_t start, Py_ssize_t end)
{
    const void *data = prose->data;
    uint64_t total = ODD, chunk = 0;
    Py_ssize_t i = start;
    Py_UCS4 c = 0;
    for (; i < end; i++) {
        c = PyUnicode_READ(kind, data, i);
        Py_UCS4 letter = c | 32;
        if (c >= 128 || !is_small(letter))
            break;
        chunk |= (uint64_t)letter << (8 * ((i - start) & 7));
        if (((i - start) & 7) == 7)
            total = mix(total ^ chunk), chunk = 0;
    }
    Py_ssize_t size = i - start;
    for (; i < end && !separates(c); i++) {
        c = PyUnicode_READ(kind, data, i);
        if (!(c == ',' || c == '.' || c == ';' || c == ':' || c == ')' || c == '!' || c == '?'))
            break;
    }
    if (size == 0 || (i < end && !separates(c)))
        return 0;
    if (size & 7)
        total = mix(total ^ chunk);
    return push(out, total ^ ((uint64_t)size * ODD)) ? -1 : i;
}

static Py_ssize_t
plain_word(Buffer *out, const Prose *prose, Py_ssize_t start, Py_ssize_t end)
{
    switch (prose->kind) {
    case PyUnicode_1BYTE_KIND:
        return plain_word_of(PyUnicode_1BYTE_KIND, out, prose, start, end);
    case PyUnicode_2BYTE_KIND:
        return plain_word_of(PyUnicode_2BYTE_KIND, out, prose, start, end);
    default:
        return plain_word_of(PyUnicode_4BYTE_KIND, out, prose, start, end);
    }
}

/* Append the hashes of the words of a part of the text. */
static int
hash_part(Buffer *out, Buffer *token, const Prose *prose, Py_ssize_t start, Py_ssize_t end, PyObject *tokens)
{
    int hanging = 0;
    for (Py_ssize_t stop; start < end; start = stop) {
        if (separates(PyUnicode_READ(prose->kind, prose->data, start))) {
            stop = start + 1;
            continue;
        }
        stop = hanging ? 0 : plain_word(out, prose, start, end);
        if (stop == 0) {
            stop = next_token(prose, &start, end);
            if (fold_token(token, prose, start, stop) ||
                scan(out, (Py_UCS4 *)token->data, (Py_ssize_t)(token->used / 4), tokens, &hanging))
                return -1;
        }
        if (stop < 0)
            return -1;
    }
    return 0;
}
