/* From what is known of a block to a belief that it is content: rules.py. Additions in the same order. */

#define ARTICLE_CHARS 1500
#define CLIP 3.0
#define LEVELS 7

/* rules.py: Weights, in its order */
typedef struct {
    double safe_score, table_score, short_chars, base, length, length_chars, sentence, links, free_links, free_list_links,
        free_references, chrome, weak, content, in_main, near_main, outside_main, phrase, meta, image, site_repeat, comment, aside,
        neighbour;
} Weights;

#define N_WEIGHTS ((Py_ssize_t)(sizeof(Weights) / sizeof(double)))

typedef struct {
    double links, odds, floor;
    int64_t size, place;
    int kind, level, bits, repeats, comment, aside;
} Row;

typedef struct {
    Row *rows;
    Py_ssize_t count;
    int technical;
    Weights weights;
} Page;

static double
least_of(double a, double b)
{
    return a < b ? a : b;
}

static double
most_of(double a, double b)
{
    return a > b ? a : b;
}

static double
clipped(double value, double limit)
{
    return least_of(limit, most_of(-limit, value));
}

static int
chrome_of(const Row *row)
{
    return (int)(row->place & 1023);
}

static void
find_comments(Page *page)
{
    int64_t rest = 0;
    int any = 0;
    for (Row *row = page->rows; row < page->rows + page->count; row++) {
        int is_comment = (row->place & IS_COMMENT) != 0;
        if (is_comment && row->bits & (FORMULA | TEXT_LIKE))
            return;
        any |= is_comment;
        if (row->bits & SENTENCE && !is_comment && row->size >= MIN_TEXT)
            rest += text_mass(row->size, row->links);
    }
    if (any && rest >= (int64_t)ARTICLE_CHARS * MASS)
        for (Row *row = page->rows; row < page->rows + page->count; row++)
            row->comment = (row->place & IS_COMMENT) != 0;
}

static void
find_asides(Page *page)
{
    int until = 0; /* level of the heading of chrome that is open, 0 for none */
    for (Row *row = page->rows; row < page->rows + page->count; row++) {
        if (row->level && (row->level <= until || !until))
            until = row->bits & PHRASE ? row->level : 0;
        row->aside = !page->technical && (row->place & IS_CAPTION || (until > 0 && !row->level));
    }
}

static double
block_odds(const Row *row, const Page *page)
{
    const Weights *weights = &page->weights;
    double linked = least_of(1.0, most_of(0.0, row->links));
    int chrome = (int)least_of(2, chrome_of(row)), weak = (int)least_of(2, (double)(row->place / WEAK & 1023)),
        content = (int)least_of(2, (double)(row->place / CONTENT & 1023));
    double odds = weights->base + weights->length * least_of(1.0, (double)row->size * (1.0 - linked) / weights->length_chars);
    odds += row->bits & SENTENCE ? weights->sentence : 0.0;
    double free = page->technical && row->place & IN_MAIN && !chrome ? weights->free_references
                  : row->kind == KIND_LIST                           ? weights->free_list_links
                                                                     : weights->free_links;
    odds += weights->links * most_of(0.0, linked - free);
    odds += weights->chrome * chrome;
    odds += weights->weak * weak;
    odds += weights->content * content;
    odds += row->place & IN_MAIN     ? weights->in_main
            : row->place & NEAR_MAIN ? weights->near_main
                                     : weights->outside_main;
    odds += row->bits & PHRASE ? weights->phrase : 0.0;
    odds += row->bits & META ? weights->meta : 0.0;
    odds += row->bits & IMAGE ? weights->image : 0.0;
    odds += row->repeats ? weights->site_repeat : 0.0;
    odds += row->comment ? weights->comment : 0.0;
    return odds + (row->aside ? weights->aside : 0.0);
}

static double
floor_of(const Row *row, const Weights *weights)
{
    if (row->repeats || (chrome_of(row) && row->links > 0.6))
        return 0.0;
    if (row->bits & (FORMULA | TEXT_LIKE))
        return weights->safe_score;
    int is_data = row->kind == KIND_TABLE && row->links <= 0.4 && !chrome_of(row) && row->place & IN_MAIN;
    return is_data ? weights->table_score : 0.0;
}

/* Short blocks lean towards the nearest long ones on both sides: the pull from before, then both. */
static void
lean_on_neighbours(Page *page, double *pull)
{
    double last = 0.0, own;
    for (Py_ssize_t at = 0; at < page->count; at++) {
        if ((double)page->rows[at].size >= page->weights.short_chars)
            last = clipped(page->rows[at].odds, CLIP);
        pull[at] = last;
    }
    last = 0.0;
    for (Py_ssize_t at = page->count - 1; at >= 0; at--) {
        own = page->rows[at].odds;
        if ((double)page->rows[at].size >= page->weights.short_chars)
            last = clipped(own, CLIP);
        else
            page->rows[at].odds = own + page->weights.neighbour * (pull[at] + last);
    }
}

static double
heading_odds(const Row *row, double headed, int is_title)
{
    if (is_title)
        return most_of(row->odds, 1.0);
    if (chrome_of(row) || row->repeats || row->bits & PHRASE)
        return row->odds;
    return headed <= 0.0 || row->place & (IN_MAIN | NEAR_MAIN) ? least_of(headed, 2.0) : (headed + row->odds) / 2;
}

/* rules.py: _title */
static Py_ssize_t
title_of(const Page *page)
{
    Py_ssize_t linked = -1;
    for (Py_ssize_t at = 0; at < page->count; at++) {
        const Row *row = &page->rows[at];
        if (row->kind != KIND_HEADING || row->level != 1 || chrome_of(row) || row->repeats)
            continue;
        if (row->links < 0.5)
            return at;
        if (linked < 0 && row->place & (IN_MAIN | NEAR_MAIN))
            linked = at;
    }
    return linked;
}

/* rules.py: _headings */
static void
judge_headings(Page *page)
{
    double best[LEVELS], section = -CLIP;
    Py_ssize_t title = title_of(page);
    for (int level = 0; level < LEVELS; level++)
        best[level] = -CLIP;
    for (Py_ssize_t at = page->count - 1; at >= 0; at--) {
        Row *row = &page->rows[at];
        if (row->kind != KIND_HEADING) {
            section = most_of(section, row->floor > 0.0 ? CLIP : row->odds);
            continue;
        }
        int level = row->level < 1 ? 1 : row->level > 6 ? 6 : row->level;
        double headed = most_of(best[level], section);
        row->odds = heading_odds(row, headed, at == title);
        for (int other = 0; other < LEVELS; other++)
            best[other] = other < level ? most_of(best[other], most_of(headed, row->odds)) : -CLIP;
        section = -CLIP;
    }
}

static int
read_weights(PyObject *given, Weights *weights)
{
    double *into = (double *)weights;
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != N_WEIGHTS) {
        PyErr_SetString(PyExc_TypeError, "weights are rules.Weights");
        return -1;
    }
    for (Py_ssize_t at = 0; at < N_WEIGHTS; at++)
        into[at] = PyFloat_AsDouble(PyTuple_GET_ITEM(given, at));
    return PyErr_Occurred() ? -1 : 0;
}

/* What is known of a block, from the columns; -1 with an error set. */
static int
read_row(Row *row, Py_ssize_t at, PyObject *levels, PyObject *links, PyObject *repeats)
{
    PyObject *level = PyList_GET_ITEM(levels, at);
    row->level = level == Py_None ? 0 : (int)least_of(99, (double)PyLong_AsLong(level));
    row->links = PyFloat_AsDouble(PyList_GET_ITEM(links, at));
    row->repeats = PyObject_IsTrue(PyList_GET_ITEM(repeats, at));
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *
judged(Page *page, double *pull)
{
    PyObject *found = PyList_New(page->count);
    find_comments(page);
    find_asides(page);
    for (Row *row = page->rows; row < page->rows + page->count; row++) {
        row->odds = block_odds(row, page);
        row->floor = floor_of(row, &page->weights);
    }
    lean_on_neighbours(page, pull);
    judge_headings(page);
    for (Py_ssize_t at = 0; found != NULL && at < page->count; at++) {
        double chance = 1.0 / (1.0 + exp(-clipped(page->rows[at].odds, 30.0)));
        PyObject *score = PyFloat_FromDouble(rint(most_of(chance, page->rows[at].floor) * 10000.0) / 10000.0);
        if (score == NULL)
            Py_CLEAR(found);
        else
            PyList_SET_ITEM(found, at, score);
    }
    return found;
}

static PyObject *
scores(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *kinds, *levels, *links, *repeats, *sizes, *bits, *places, *weights, *result = NULL;
    Page page = {0};
    if (!PyArg_ParseTuple(args, "SO!O!O!SSSpO:scores", &kinds, &PyList_Type, &levels, &PyList_Type, &links, &PyList_Type,
                          &repeats, &sizes, &bits, &places, &page.technical, &weights)
        || read_weights(weights, &page.weights) < 0)
        return NULL;
    page.count = PyBytes_GET_SIZE(kinds);
    Py_ssize_t wide = page.count * (Py_ssize_t)sizeof(int64_t);
    if (PyList_GET_SIZE(levels) != page.count || PyList_GET_SIZE(links) != page.count
        || PyList_GET_SIZE(repeats) != page.count || PyBytes_GET_SIZE(sizes) != wide || PyBytes_GET_SIZE(places) != wide
        || PyBytes_GET_SIZE(bits) != page.count)
        return PyErr_Format(PyExc_ValueError, "columns of other lengths than %zd", page.count);
    page.rows = PyMem_Calloc((size_t)page.count + 1, sizeof(Row));
    double *pull = PyMem_Calloc((size_t)page.count + 1, sizeof(double));
    if (page.rows == NULL || pull == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t at = 0; at < page.count && !PyErr_Occurred(); at++) {
        Row *row = &page.rows[at];
        row->kind = (unsigned char)PyBytes_AS_STRING(kinds)[at];
        row->bits = (unsigned char)PyBytes_AS_STRING(bits)[at];
        row->size = ((const int64_t *)PyBytes_AS_STRING(sizes))[at];
        row->place = ((const int64_t *)PyBytes_AS_STRING(places))[at];
        if (read_row(row, at, levels, links, repeats) < 0)
            break;
    }
    if (!PyErr_Occurred())
        result = judged(&page, pull);
    PyMem_Free(page.rows);
    PyMem_Free(pull);
    return result;
}
