/* --- UTF-8 to text --- */

#define ASCII_RUN 16 /* bytes looked at and written together */

static inline int
is_ascii_run(const unsigned char *bytes)
{
    uint64_t first, second;
    memcpy(&first, bytes, sizeof(first));
    memcpy(&second, bytes + sizeof(first), sizeof(second));
    return ((first | second) & 0x8080808080808080u) == 0;
}

/* End of the ASCII that begins at bytes[at]. */
static inline Py_ssize_t
ascii_end(const unsigned char *bytes, Py_ssize_t at, Py_ssize_t size)
{
    while (size - at >= ASCII_RUN && is_ascii_run(bytes + at))
        at += ASCII_RUN;
    while (at < size && bytes[at] < 0x80)
        at++;
    return at;
}

static inline int
continues(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Length of the well-formed sequence of two to four bytes that begins at bytes[0], of which `left` are there; 0 for
   none (Unicode, table 3-7). */
static inline int
sequence_length(const unsigned char *bytes, Py_ssize_t left)
{
    unsigned char first = bytes[0];
    if (left < 2 || first < 0xC2 || first > 0xF4 || !continues(bytes[1]))
        return 0;
    if (first < 0xE0)
        return 2;
    if (left < 3 || !continues(bytes[2]))
        return 0;
    if (first < 0xF0) /* no longer than it need be, no surrogate */
        return (first == 0xE0 && bytes[1] < 0xA0) || (first == 0xED && bytes[1] > 0x9F) ? 0 : 3;
    if (left < 4 || !continues(bytes[3]) || (first == 0xF0 && bytes[1] < 0x90) || (first == 0xF4 && bytes[1] > 0x8F))
        return 0;
    return 4;
}

static inline Py_UCS4
sequence_character(const unsigned char *bytes, int length)
{
    if (length == 2)
        return (Py_UCS4)(bytes[0] & 0x1F) << 6 | (bytes[1] & 0x3F);
    if (length == 3)
        return (Py_UCS4)(bytes[0] & 0x0F) << 12 | (Py_UCS4)(bytes[1] & 0x3F) << 6 | (bytes[2] & 0x3F);
    return (Py_UCS4)(bytes[0] & 0x07) << 18 | (Py_UCS4)(bytes[1] & 0x3F) << 12 | (Py_UCS4)(bytes[2] & 0x3F) << 6 |
           (bytes[3] & 0x3F);
}

/* Number of characters, -1 where the bytes are no UTF-8; *widest is at least the largest of them. */
static Py_ssize_t
measure_utf8(const unsigned char *bytes, Py_ssize_t size, Py_UCS4 *widest)
{
    Py_ssize_t extra = 0, at = 0;
    Py_UCS4 seen = 0;
    while ((at = ascii_end(bytes, at, size)) < size) {
        int length = sequence_length(bytes + at, size - at);
        if (length == 0)
            return -1;
        seen |= sequence_character(bytes + at, length);
        extra += length - 1;
        at += length;
    }
    *widest = seen > 0xFFFF ? 0x10FFFF : seen > 0xFF ? 0xFFFF : seen > 0x7F ? 0xFF : 0x7F;
    return size - extra;
}

/* Writes measured bytes as characters of a type. */
#define DEFINE_WRITE_UTF8(type)                                                                                        \
    static void write_utf8_##type(type *restrict to, const unsigned char *restrict bytes, Py_ssize_t size)             \
    {                                                                                                                  \
        for (Py_ssize_t at = 0; at < size;) {                                                                          \
            for (; size - at >= ASCII_RUN && is_ascii_run(bytes + at); at += ASCII_RUN, to += ASCII_RUN)               \
                for (int i = 0; i < ASCII_RUN; i++)                                                                    \
                    to[i] = bytes[at + i];                                                                             \
            for (; at < size && bytes[at] < 0x80; at++)                                                                \
                *to++ = bytes[at];                                                                                     \
            for (; at < size && bytes[at] >= 0x80; to++) {                                                             \
                int length = sequence_length(bytes + at, size - at);                                                   \
                *to = (type)sequence_character(bytes + at, length);                                                    \
                at += length;                                                                                          \
            }                                                                                                          \
        }                                                                                                              \
    }

DEFINE_WRITE_UTF8(Py_UCS1)
DEFINE_WRITE_UTF8(Py_UCS2)
DEFINE_WRITE_UTF8(Py_UCS4)

static PyObject *
decode_utf8(PyObject *Py_UNUSED(module), PyObject *body)
{
    if (!PyBytes_Check(body))
        return PyErr_Format(PyExc_TypeError, "decode_utf8 takes bytes");
    const unsigned char *bytes = (const unsigned char *)PyBytes_AS_STRING(body);
    Py_ssize_t size = PyBytes_GET_SIZE(body);
    Py_UCS4 widest = 0;
    Py_ssize_t length = measure_utf8(bytes, size, &widest);
    if (length < 0)
        Py_RETURN_NONE;
    PyObject *text = PyUnicode_New(length, widest);
    if (text == NULL || length == 0)
        return text;
    if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND)
        write_utf8_Py_UCS1(PyUnicode_1BYTE_DATA(text), bytes, size);
    else if (PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND)
        write_utf8_Py_UCS2(PyUnicode_2BYTE_DATA(text), bytes, size);
    else
        write_utf8_Py_UCS4(PyUnicode_4BYTE_DATA(text), bytes, size);
    return text;
}
