/* The Python type of a fastText model: what fasttext_parts.py read, with hash tables over it. */

static void
model_dealloc(Model *model)
{
    Py_buffer *buffers[] = {&model->words, &model->rows, &model->output, &model->scales, &model->tree, &model->pruned};
    for (size_t at = 0; at < sizeof(buffers) / sizeof(*buffers); at++)
        if (buffers[at]->obj != NULL)
            PyBuffer_Release(buffers[at]);
    PyMem_Free(model->slots);
    PyMem_Free(model->kept);
    PyTypeObject *type = Py_TYPE(model);
    type->tp_free((PyObject *)model);
    Py_DECREF(type);
}

static int
read_buffer(PyObject *parts, const char *name, Py_buffer *buffer)
{
    PyObject *value = PyObject_GetAttrString(parts, name);
    int failed = value == NULL || (value != Py_None && PyObject_GetBuffer(value, buffer, PyBUF_C_CONTIGUOUS) < 0);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static int
read_number(PyObject *parts, const char *name, long *number)
{
    PyObject *value = PyObject_GetAttrString(parts, name);
    *number = value == NULL ? -1 : PyLong_AsLong(value);
    Py_XDECREF(value);
    return *number == -1 && PyErr_Occurred() ? -1 : 0;
}

static int
refused(const char *what)
{
    PyErr_SetString(PyExc_ValueError, what);
    return -1;
}

static int
read_model(Model *model, PyObject *parts)
{
    long n_words, loss, minn, maxn, word_ngrams, bucket;
    PyObject *labels = PyObject_GetAttrString(parts, "labels");
    model->n_labels = labels ? PyObject_Length(labels) : -1;
    Py_XDECREF(labels);
    if (model->n_labels < 0 || read_buffer(parts, "words", &model->words) < 0 || read_buffer(parts, "rows", &model->rows) < 0
        || read_buffer(parts, "output", &model->output) < 0 || read_buffer(parts, "scales", &model->scales) < 0
        || read_buffer(parts, "tree", &model->tree) < 0 || read_buffer(parts, "pruned", &model->pruned) < 0
        || read_number(parts, "n_words", &n_words) < 0 || read_number(parts, "loss", &loss) < 0
        || read_number(parts, "minn", &minn) < 0 || read_number(parts, "maxn", &maxn) < 0
        || read_number(parts, "word_ngrams", &word_ngrams) < 0 || read_number(parts, "bucket", &bucket) < 0)
        return -1;
    Py_buffer *rows = &model->rows, *output = &model->output, *pruned = &model->pruned;
    if (rows->ndim != 2 || rows->itemsize != 4 || output->ndim != 2 || output->itemsize != 4 || model->scales.itemsize != 4)
        return refused("vectors are arrays of 32-bit numbers");
    model->n_rows = (u64)rows->shape[0];
    model->dim = rows->shape[1];
    model->n_words = n_words;
    model->loss = (int)loss;
    model->minn = (int)minn;
    model->maxn = (int)maxn;
    model->word_ngrams = (int)word_ngrams;
    model->bucket = bucket > 0 && bucket <= INT32_MAX ? (uint32_t)bucket : 0;
    model->n_nodes = loss == HIERARCHICAL ? 2 * model->n_labels - 1 : 0;
    Py_ssize_t outputs = model->n_labels - (loss == HIERARCHICAL);
    if (model->dim < 1 || output->shape[1] != model->dim || output->shape[0] < outputs || model->scales.len / 4 < outputs
        || model->tree.len < 8 * model->n_nodes || model->n_labels < 1)
        return refused("outputs do not fit the labels");
    if (n_words < 1 || (u64)n_words > model->n_rows || n_words >= UINT32_MAX / 4 || minn < 0 || maxn < 0 || maxn > 64
        || word_ngrams < 1 || ((maxn > 0 || word_ngrams > 1) && model->bucket < 1))
        return refused("n-grams or words do not fit the vectors");
    const int32_t *tree = model->tree.buf;
    for (Py_ssize_t at = 2 * model->n_labels; at < 2 * model->n_nodes; at++)
        if (tree[at] < 0 || tree[at] >= at / 2) /* children come before their parents: no circles */
            return refused("the labels' tree is none");
    if (pruned->buf != NULL && (pruned->itemsize != 4 || pruned->len % 8 != 0 || pruned->len / 8 >= UINT32_MAX / 4))
        return refused("kept buckets are pairs of 32-bit numbers");
    model->n_kept = pruned->buf != NULL ? pruned->len / 8 : 0;
    return 0;
}

static void *
empty_slots(Py_ssize_t entries, size_t *mask, size_t each)
{
    size_t size = 64;
    while (size < 2 * (size_t)entries)
        size *= 2;
    *mask = size - 1;
    void *slots = PyMem_Calloc(size, each);
    if (slots == NULL)
        PyErr_NoMemory();
    return slots;
}

static int
index_model(Model *model)
{
    model->slots = empty_slots(model->n_words, &model->word_mask, sizeof(Slot));
    model->kept = empty_slots(model->n_kept, &model->kept_mask, sizeof(Kept));
    if (model->slots == NULL || model->kept == NULL)
        return -1;
    const char *word = model->words.buf, *end = word + model->words.len;
    for (Py_ssize_t number = 0; number < model->n_words; number++) {
        const char *stop = word < end ? memchr(word, 0, (size_t)(end - word)) : NULL;
        if (stop == NULL)
            return refused("fewer words than the model says");
        size_t length = (size_t)(stop - word);
        uint32_t hash = hash_of(word, length);
        Slot *slot = word_slot(model, word, length, hash);
        if (slot->word == NULL)
            *slot = (Slot){word, hash, (uint32_t)number};
        word = stop + 1;
    }
    const int32_t *pruned = model->pruned.buf;
    for (Py_ssize_t place = 0; place < model->n_kept; place++) {
        if (pruned[2 * place + 1] < 0)
            return refused("a kept bucket without a vector");
        uint32_t bucket = (uint32_t)pruned[2 * place];
        *kept_slot(model, bucket) = (Kept){bucket, (uint32_t)(model->n_words + pruned[2 * place + 1])};
    }
    return 0;
}

static PyObject *
model_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *parts;
    if (!PyArg_ParseTuple(args, "O:Model", &parts))
        return NULL;
    Model *model = (Model *)type->tp_alloc(type, 0);
    if (model == NULL || (read_model(model, parts) == 0 && index_model(model) == 0))
        return (PyObject *)model;
    Py_DECREF(model);
    return NULL;
}

static PyObject *
answers(const Answer *best, Py_ssize_t n_best)
{
    PyObject *list = PyList_New(n_best);
    for (Py_ssize_t at = 0; list != NULL && at < n_best; at++) {
        PyObject *pair = Py_BuildValue("(dn)", (double)(float)exp((double)best[at].score), best[at].number);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, at, pair);
    }
    return list;
}

static PyObject *
predict(Model *model, PyObject *args)
{
    PyObject *line, *result = NULL;
    Py_ssize_t count, length;
    if (!PyArg_ParseTuple(args, "Un:predict", &line, &count))
        return NULL;
    const char *data = PyUnicode_AsUTF8AndSize(line, &length);
    if (data == NULL)
        return NULL;
    count = count < 0 ? 0 : count < model->n_labels ? count : model->n_labels;
    size_t scratch = (size_t)(model->n_nodes + model->n_labels + 1);
    float *sum = PyMem_Calloc((size_t)model->dim, sizeof(float));
    Answer *best = PyMem_New(Answer, count + 1), *waiting = PyMem_New(Answer, scratch);
    Py_ssize_t added = sum && best && waiting ? add_line(model, sum, data, length) : -1;
    if (added < 0)
        PyErr_NoMemory();
    else if (added == 0 || count == 0)
        result = PyList_New(0);
    else {
        float share = (float)(1.0 / (double)added);
        for (Py_ssize_t at = 0; at < model->dim; at++)
            sum[at] *= share;
        result = answers(best, model->loss == HIERARCHICAL ? from_tree(model, sum, best, count, waiting)
                                                           : from_list(model, sum, best, count, (float *)waiting));
    }
    PyMem_Free(sum);
    PyMem_Free(best);
    PyMem_Free(waiting);
    return result;
}

static PyMethodDef model_methods[] = {
    {"predict", (PyCFunction)predict, METH_VARARGS, "See fasttext_sum.py."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot model_slots[] = {
    {Py_tp_new, model_new},
    {Py_tp_dealloc, model_dealloc},
    {Py_tp_methods, model_methods},
    {0, NULL},
};

static PyType_Spec model_spec = {"classifiers._hot.Model", sizeof(Model), 0, Py_TPFLAGS_DEFAULT, model_slots};
