/* Numbers of words: twins of pipeline/text/sketch.py. */

/* --- numbers --- */

static inline uint64_t
mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Horner's sums over n units from unit `first` on, mixed; each from the one before. */
static void
grams_of(const uint64_t *units, size_t first, size_t count, size_t n, uint64_t top, uint64_t *out)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total = total * ODD + units[first + i];
    out[0] = mix(total);
    for (size_t i = 1; i < count; i++) {
        total = total * ODD + units[first + i + n - 1] - top * units[first + i - 1];
        out[i] = mix(total);
    }
}

static uint64_t
power(uint64_t base, size_t exponent)
{
    uint64_t value = 1;
    while (exponent--)
        value *= base;
    return value;
}

static void
minima_of(const uint64_t *grams, size_t count, const uint64_t *a, const uint64_t *b, uint64_t *out, size_t hashes)
{
    size_t f = 0;
    for (; f + 4 <= hashes; f += 4) {
        uint64_t a0 = a[f], a1 = a[f + 1], a2 = a[f + 2], a3 = a[f + 3];
        uint64_t b0 = b[f], b1 = b[f + 1], b2 = b[f + 2], b3 = b[f + 3];
        uint64_t m0 = out[f], m1 = out[f + 1], m2 = out[f + 2], m3 = out[f + 3];
        for (size_t i = 0; i < count; i++) {
            uint64_t x = grams[i], v0 = a0 * x + b0, v1 = a1 * x + b1, v2 = a2 * x + b2, v3 = a3 * x + b3;
            m0 = v0 < m0 ? v0 : m0;
            m1 = v1 < m1 ? v1 : m1;
            m2 = v2 < m2 ? v2 : m2;
            m3 = v3 < m3 ? v3 : m3;
        }
        out[f] = m0, out[f + 1] = m1, out[f + 2] = m2, out[f + 3] = m3;
    }
    for (; f < hashes; f++)
        for (size_t i = 0; i < count; i++) {
            uint64_t v = a[f] * grams[i] + b[f];
            out[f] = v < out[f] ? v : out[f];
        }
}

/* --- buffers of uint64 --- */

static int
words_of(Py_buffer *buffer, size_t *count)
{
    if (buffer->len % 8 || ((uintptr_t)buffer->buf & 7)) {
        PyErr_SetString(PyExc_ValueError, "expected whole, aligned uint64 values");
        return -1;
    }
    *count = (size_t)buffer->len / 8;
    return 0;
}

static PyObject *
minima(PyObject *module, PyObject *args)
{
    Py_buffer units, a, b, out;
    Py_ssize_t n;
    size_t count, hashes, more, places;
    uint64_t grams[BLOCK];
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*ny*y*w*", &units, &n, &a, &b, &out))
        return NULL;
    if (words_of(&units, &count) || words_of(&a, &hashes) || words_of(&b, &more) || words_of(&out, &places))
        goto done;
    if (n < 1 || more != hashes || places != hashes) {
        PyErr_SetString(PyExc_ValueError, "expected n > 0 and as many addends and places as multipliers");
        goto done;
    }
    if (count >= (size_t)n) {
        uint64_t top = power(ODD, (size_t)n);
        size_t total = count - (size_t)n + 1;
        Py_BEGIN_ALLOW_THREADS;
        for (size_t first = 0; first < total; first += BLOCK) {
            size_t size = total - first < BLOCK ? total - first : BLOCK;
            grams_of(units.buf, first, size, (size_t)n, top, grams);
            minima_of(grams, size, a.buf, b.buf, out.buf, hashes);
        }
        Py_END_ALLOW_THREADS;
    }
    result = Py_NewRef(Py_None);
done:
    PyBuffer_Release(&units);
    PyBuffer_Release(&a);
    PyBuffer_Release(&b);
    PyBuffer_Release(&out);
    return result;
}

static PyObject *
ngrams(PyObject *module, PyObject *args)
{
    Py_buffer units;
    Py_ssize_t n;
    size_t count;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*n", &units, &n))
        return NULL;
    if (words_of(&units, &count) == 0 && n > 0) {
        size_t total = count >= (size_t)n ? count - (size_t)n + 1 : 0;
        result = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(total * 8)); /* numpy may write into it */
        if (result != NULL && total)
            grams_of(units.buf, 0, total, (size_t)n, power(ODD, (size_t)n), (uint64_t *)PyByteArray_AS_STRING(result));
    }
    if (result == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "expected n > 0");
    PyBuffer_Release(&units);
    return result;
}

/* Insert into an ascending array of at most `limit` distinct values. */
static size_t
insert(uint64_t *found, size_t size, size_t limit, uint64_t value)
{
    size_t at = size;
    while (at && found[at - 1] > value)
        at--;
    if (at && found[at - 1] == value)
        return size;
    size_t kept = size < limit ? size : limit - 1;
    memmove(found + at + 1, found + at, (kept - at) * 8);
    found[at] = value;
    return kept + 1;
}

static PyObject *
smallest(PyObject *module, PyObject *args)
{
    Py_buffer units;
    Py_ssize_t n, limit;
    size_t count, size = 0;
    uint64_t grams[BLOCK], found[256];
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*nn", &units, &n, &limit))
        return NULL;
    if (words_of(&units, &count))
        goto done;
    if (n < 1 || limit < 1 || limit > 256) {
        PyErr_SetString(PyExc_ValueError, "expected n > 0 and a count between 1 and 256");
        goto done;
    }
    if (count >= (size_t)n) {
        uint64_t top = power(ODD, (size_t)n);
        size_t total = count - (size_t)n + 1;
        for (size_t first = 0; first < total; first += BLOCK) {
            size_t block = total - first < BLOCK ? total - first : BLOCK;
            grams_of(units.buf, first, block, (size_t)n, top, grams);
            for (size_t i = 0; i < block; i++) {
                uint64_t value = mix(grams[i] ^ CONTAINMENT);
                if (size < (size_t)limit || value < found[size - 1])
                    size = insert(found, size, (size_t)limit, value);
            }
        }
    }
    result = PyBytes_FromStringAndSize((const char *)found, (Py_ssize_t)(size * 8));
done:
    PyBuffer_Release(&units);
    return result;
}

/* Values that two ascending arrays have in common; a repeated one counts as often as in the poorer. */
static size_t
common(const uint64_t *a, size_t lefts, const uint64_t *b, size_t rights)
{
    size_t i = 0, j = 0, count = 0;
    if (lefts > rights) {
        const uint64_t *longer = a;
        size_t more = lefts;
        a = b, lefts = rights;
        b = longer, rights = more;
    }
    if (lefts < rights / FAR) {
        for (; i < lefts && j < rights; i++) {
            size_t high = rights;
            for (size_t low = j; low < high;) { /* the first place from j on whose value is not smaller */
                size_t middle = low + (high - low) / 2;
                if (b[middle] < a[i])
                    low = middle + 1;
                else
                    high = middle;
            }
            j = high;
            if (j < rights && b[j] == a[i])
                count++, j++;
        }
        return count;
    }
    while (i < lefts && j < rights) {
        uint64_t x = a[i], y = b[j];
        count += x == y;
        i += x <= y;
        j += y <= x;
    }
    return count;
}

static PyObject *
shared(PyObject *module, PyObject *args)
{
    Py_buffer left, right;
    size_t lefts, rights;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*", &left, &right))
        return NULL;
    if (words_of(&left, &lefts) == 0 && words_of(&right, &rights) == 0)
        result = PyLong_FromSize_t(common(left.buf, lefts, right.buf, rights));
    PyBuffer_Release(&left);
    PyBuffer_Release(&right);
    return result;
}

/* --- outlines: a bit for every stretch of 2^64 in which a value lies --- */

#define LEAST_OUTLINE 8 /* bytes */
#define MOST_OUTLINE (1 << 16)

static PyObject *
outline(PyObject *module, PyObject *values)
{
    Py_buffer buffer;
    size_t count, size = LEAST_OUTLINE;
    unsigned shift = 58; /* the bits of a value that say where in the outline it lies stand above */
    PyObject *result = NULL;
    if (PyObject_GetBuffer(values, &buffer, PyBUF_SIMPLE))
        return NULL;
    if (words_of(&buffer, &count) == 0) {
        for (; size < MOST_OUTLINE && size < 2 * count; size *= 2)
            shift--;
        result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    }
    if (result != NULL) {
        const uint64_t *data = buffer.buf;
        unsigned char *bits = (unsigned char *)PyBytes_AS_STRING(result);
        memset(bits, 0, size);
        for (size_t i = 0; i < count; i++)
            bits[data[i] >> shift >> 3] |= (unsigned char)(1 << (data[i] >> shift & 7));
    }
    PyBuffer_Release(&buffer);
    return result;
}

static size_t
within(const uint64_t *data, size_t count, const unsigned char *bits, unsigned shift)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += bits[data[i] >> shift >> 3] >> (data[i] >> shift & 7) & 1;
    return found;
}

/* How many values lie where each of the outlines has a bit. */
static PyObject *
within_each(PyObject *module, PyObject *args)
{
    Py_buffer one;
    PyObject *outlines, *counts = NULL;
    size_t count;
    if (!PyArg_ParseTuple(args, "y*O!", &one, &PyList_Type, &outlines))
        return NULL;
    if (words_of(&one, &count) == 0)
        counts = PyList_New(0);
    for (Py_ssize_t k = 0; counts != NULL && k < PyList_GET_SIZE(outlines); k++) {
        PyObject *bits = PyList_GET_ITEM(outlines, k), *found = NULL;
        size_t size = PyBytes_Check(bits) ? (size_t)PyBytes_GET_SIZE(bits) : 0;
        unsigned shift = 58;
        for (size_t room = size; room > LEAST_OUTLINE; room /= 2)
            shift--;
        if (size < LEAST_OUTLINE || size > MOST_OUTLINE || (size & (size - 1)))
            PyErr_SetString(PyExc_ValueError, "expected what `outline` returned");
        else
            found = PyLong_FromSize_t(within(one.buf, count, (const unsigned char *)PyBytes_AS_STRING(bits), shift));
        if (found == NULL || PyList_Append(counts, found))
            Py_CLEAR(counts);
        Py_XDECREF(found);
    }
    PyBuffer_Release(&one);
    return counts;
}
