/* --- plain_tex: formulas that are in their normal form, twin of ../hot/normal.py --- */

/* What normal form may take off at the beginning, or what it takes for nothing. */
static const char *const ODD_STARTS[] = {
    "[",        "\\[",       "\\(",          "\\\\",    "\\begin{displaymath}", "\\begin{math}", "\\displaystyle",
    "\\textstyle", "\\scriptstyle", "\\inline", "\\begingroup", "\\endgroup",
};

/* Whether normal form may change a character, by those around it. */
static inline int
may_change(const Py_UCS1 *text, Py_ssize_t i, Py_ssize_t size)
{
    Py_UCS1 next = i + 1 < size ? text[i + 1] : 0;
    switch (text[i]) {
    case 0:
    case '\r':
    case '%':
    case '$':
        return 1;
    case '<':
        return next == 'b'; /* <br> */
    case 'C':
        return next == 'D'; /* CDATA */
    case '[':
        return next == ']';
    case '\n':
        return is_space(next) || (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t'));
    default:
        return 0;
    }
}

/* The formula without white space around it where that is its normal form, else None. */
static PyObject *
plain_tex(PyObject *Py_UNUSED(module), PyObject *raw)
{
    if (!PyUnicode_Check(raw) || !PyUnicode_IS_ASCII(raw))
        Py_RETURN_NONE;
    const Py_UCS1 *text = PyUnicode_1BYTE_DATA(raw);
    Py_ssize_t start = 0, end = PyUnicode_GET_LENGTH(raw);
    while (start < end && is_space(text[start]))
        start++;
    while (start < end && is_space(text[end - 1]))
        end--;
    for (Py_ssize_t i = start; i < end; i++)
        if (may_change(text, i, end))
            Py_RETURN_NONE;
    Py_ssize_t inside = start;
    if (start < end && text[start] == '{') /* a style may stand in braces of its own */
        while (++inside < end && is_space(text[inside]))
            ;
    for (size_t k = 0; k < sizeof(ODD_STARTS) / sizeof(ODD_STARTS[0]); k++)
        if (ascii_at(PyUnicode_1BYTE_KIND, text, inside, end, ODD_STARTS[k]))
            Py_RETURN_NONE;
    if (start < end && text[end - 1] == '\\')
        Py_RETURN_NONE;
    return PyUnicode_Substring(raw, start, end);
}
