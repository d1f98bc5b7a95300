/* --- what stands between dollars: a formula, two prices, a shell variable; part of the twin of ../hot/delimiters.py --- */

#define NOTHING (-1)

static int
ascii_at(int kind, const void *data, Py_ssize_t at, Py_ssize_t end, const char *wanted)
{
    for (; *wanted; wanted++, at++)
        if (at >= end || PyUnicode_READ(kind, data, at) != (unsigned char)*wanted)
            return 0;
    return 1;
}

static inline int
is_ascii_letter(Py_UCS4 c)
{
    return c < 128 && Py_ISALPHA(c);
}

static inline int
is_word(Py_UCS4 c)
{
    return c == '_' || Py_UNICODE_ISALNUM(c);
}

static inline int
is_one_of(Py_UCS4 c, const char *characters)
{
    return c > 0 && c < 128 && strchr(characters, (int)c) != NULL;
}

static Py_ssize_t
skip_spaces(const Text *text, Py_ssize_t at)
{
    while (at < text->length && is_space(text->data[at]))
        at++;
    return at;
}

static Py_ssize_t
find_backslash(const Text *text, Py_UCS4 next)
{
    for (Py_ssize_t i = 0; i + 1 < text->length; i++)
        if (text->data[i] == '\\' && text->data[i + 1] == next)
            return i;
    return NOTHING;
}

/* End of the \text{...} or its like at a backslash, or the place itself. */
static Py_ssize_t
text_group_end(const Text *text, Py_ssize_t start)
{
    static const char *const names[] = {"text", "mbox", "hbox", "operatorname", "mathrm"};
    Py_ssize_t at = start;
    for (int k = 0; k < 5 && at == start; k++)
        if (ascii_at(PyUnicode_4BYTE_KIND, text->data, start + 1, text->length, names[k])) {
            at += 1 + (Py_ssize_t)strlen(names[k]);
            while (k == 0 && at < text->length && is_word(text->data[at]))
                at++;
        }
    if (at == start)
        return start;
    at = skip_spaces(text, at + (at < text->length && text->data[at] == '*'));
    if (at >= text->length || text->data[at] != '{')
        return start;
    for (at++; at < text->length && text->data[at] != '{' && text->data[at] != '}'; at++)
        ;
    return at < text->length && text->data[at] == '}' ? at + 1 : start;
}

/* `bare` becomes `inner` without its groups of text. */
static int
drop_text_groups(const Text *inner, Text *bare)
{
    bare->length = 0;
    if (make_room(bare, inner->length) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < inner->length;) {
        Py_ssize_t end = inner->data[i] == '\\' ? text_group_end(inner, i) : i;
        if (end == i)
            bare->data[bare->length++] = inner->data[i++];
        else
            i = end;
    }
    return 0;
}

/* Whether there is a command, a script or a mark that only TeX has. */
static int
is_strong(const Text *bare)
{
    for (Py_ssize_t i = 0; i < bare->length; i++) {
        Py_UCS4 c = bare->data[i];
        if (c == '^' || c == '_')
            return 1;
        if (c != '\\' || i + 1 >= bare->length)
            continue;
        Py_UCS4 next = bare->data[i + 1];
        if (is_one_of(next, ",;!|{}"))
            return 1;
        if (is_ascii_letter(next) && i + 2 < bare->length && is_ascii_letter(bare->data[i + 2]))
            return 1;
    }
    return 0;
}

/* Whether two words follow each other. */
static int
is_prose(const Text *bare)
{
    for (Py_ssize_t i = 1, next; i < bare->length; i = next) {
        next = i + 1;
        int dash = bare->data[i] == '-';
        if (!dash && !is_space(bare->data[i]))
            continue;
        Py_ssize_t before = i;
        next = dash ? i + 1 : skip_spaces(bare, i);
        if (before >= 2 && is_letter(bare->data[before - 1]) && is_letter(bare->data[before - 2]) &&
            next + 1 < bare->length && is_letter(bare->data[next]) && is_letter(bare->data[next + 1]))
            return 1;
    }
    return 0;
}

static int
is_price(const Text *inner)
{
    Py_ssize_t at = skip_spaces(inner, 0);
    return at < inner->length && Py_UNICODE_ISDECIMAL(inner->data[at]);
}

static int
is_shell_name(const Text *inner)
{
    Py_ssize_t at = 0;
    while (at < inner->length && inner->data[at] < 128 && is_word(inner->data[at]))
        at++;
    if (at == 0 || Py_ISDIGIT(inner->data[0]))
        return 0;
    return at == inner->length || is_one_of(inner->data[at], "/:.,;=\"'-") || is_space(inner->data[at]);
}

static inline int
is_small_greek(Py_UCS4 c)
{
    return c >= 0x3B1 && c <= 0x3C9;
}

/* A letter with up to three primes. */
static int
is_symbol(const Text *inner)
{
    Py_UCS4 c = inner->data[0];
    Py_ssize_t at = 1;
    while (at < inner->length && at <= 3 && inner->data[at] == '\'')
        at++;
    return at == inner->length && (is_ascii_letter(c) || is_small_greek(c) || (c >= 0x391 && c <= 0x3A9));
}

/* A number, a letter, and operators with what stands behind each. */
static int
is_sum(const Text *inner, Py_ssize_t at)
{
    static const Py_UCS4 operators[] = {'-', '+', '*', '/', '=', '<', '>', 0x2264, 0x2265, 0x2260, 0x2208, 0xD7, 0xB7};
    const Py_UCS4 *data = inner->data;
    while (at < inner->length && (Py_UNICODE_ISDECIMAL(data[at]) || data[at] == '.' || data[at] == ','))
        at++;
    if (at < inner->length && (is_ascii_letter(data[at]) || is_small_greek(data[at])))
        at++;
    at = skip_spaces(inner, at);
    while (at < inner->length) {
        int k = 0;
        while (k < 13 && operators[k] != data[at])
            k++;
        if (k == 13)
            return 0;
        Py_ssize_t start = at = skip_spaces(inner, at + 1);
        while (at < inner->length && (is_word(data[at]) || is_one_of(data[at], ".()")))
            at++;
        if (at == start)
            return 0;
        at = skip_spaces(inner, at);
    }
    return 1;
}

/* Begins with a call, as in f(x). */
static int
is_call(const Text *inner)
{
    if (inner->length < 4 || !is_ascii_letter(inner->data[0]) || inner->data[1] != '(')
        return 0;
    Py_ssize_t at = 2;
    while (at < inner->length && at < 22 && !is_space(inner->data[at]) && !is_one_of(inner->data[at], "()"))
        at++;
    return at > 2 && at < inner->length && inner->data[at] == ')';
}

/* Digits with points and commas, at least one digit. */
static int
is_number(const Text *inner)
{
    int digits = 0;
    for (Py_ssize_t i = 0; i < inner->length; i++) {
        if (inner->data[i] == '.' || inner->data[i] == ',')
            continue;
        if (!Py_UNICODE_ISDIGIT(inner->data[i]))
            return 0;
        digits = 1;
    }
    return digits;
}

static int
is_plain_math(const Text *inner)
{
    int is_signed = inner->data[0] == '-' || inner->data[0] == '+';
    return is_symbol(inner) || is_sum(inner, is_signed) || (is_signed && is_sum(inner, 0)) || is_call(inner);
}

/* Whether `$inner$` between these two characters, 0 for none, is math; `sure`: the page says that dollars are. */
static int
is_dollar_math(const Text *inner, const Text *bare, Py_UCS4 before, Py_UCS4 after, int sure)
{
    if (find_backslash(inner, '(') != NOTHING && find_backslash(inner, ')') == NOTHING)
        return 0;
    int strong = is_strong(bare);
    if (sure && strong)
        return 1;
    int prose = is_prose(bare), joined = Py_UNICODE_ISALNUM(after);
    int spaced = is_space(inner->data[0]) || is_space(inner->data[inner->length - 1]);
    if (sure)
        return prose ? !(is_price(inner) || spaced || joined) : !(Py_UNICODE_ISDIGIT(after) && is_price(inner));
    if (spaced || joined || Py_UNICODE_ISALNUM(before)) {
        Py_ssize_t i = 0;
        while (i < inner->length && inner->data[i] != '\\')
            i++;
        return strong && !prose && i < inner->length && !joined;
    }
    if (!strong)
        return !prose && is_plain_math(inner) && !is_number(inner);
    for (Py_ssize_t i = 0; i < bare->length; i++)
        if (bare->data[i] == '\\')
            return 1;
    return !(prose || (is_shell_name(inner) && after == '/'));
}

