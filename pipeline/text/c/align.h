/* The runs that two sequences of word hashes share in the same order: twin of dedup/align.py. */

#define SMALL_GAP 16  /* single words are anchors only in gaps this small */
#define MAX_GAPS 2000 /* searched per level */
#define MANY UINT32_MAX

typedef struct {
    Py_ssize_t a, b, size;
} Run;

typedef struct {
    Run *runs;
    size_t used, room;
} Runs;

typedef struct {
    Py_ssize_t a, a_end, b, b_end;
} Gap;

/* Where an n-gram stands: a place + 1 in either sequence, MANY where it stands twice, 0 where it does not. */
typedef struct {
    uint64_t gram;
    uint32_t places[2];
} Entry;

typedef struct {
    Py_ssize_t a, b;
} Anchor;

/* All that is needed for a gap, as large as the largest may ask for. */
typedef struct {
    const uint64_t *a, *b;
    uint64_t *grams[2];
    Entry *table;
    Anchor *anchors;                      /* of the gap at hand */
    Py_ssize_t *tails, *tops, *previous; /* piles of the patience sorting */
    Runs found;
} Work;

/* Add a run; what continues the last one becomes part of it. */
static int
add_run(Runs *runs, Py_ssize_t a, Py_ssize_t b, Py_ssize_t size)
{
    Run *last = runs->used ? runs->runs + runs->used - 1 : NULL;
    if (size <= 0)
        return 0;
    if (last != NULL && last->a + last->size == a && last->b + last->size == b) {
        last->size += size;
        return 0;
    }
    if (runs->used == runs->room) {
        size_t room = 2 * runs->room + 16;
        Run *more = PyMem_Realloc(runs->runs, room * sizeof(Run));
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        runs->runs = more;
        runs->room = room;
    }
    runs->runs[runs->used++] = (Run){a, b, size};
    return 0;
}

static Entry *
entry_of(Entry *table, size_t room, uint64_t gram)
{
    size_t at = (size_t)gram & (room - 1);
    while ((table[at].places[0] || table[at].places[1]) && table[at].gram != gram)
        at = (at + 1) & (room - 1);
    return table + at;
}

/* N-grams that occur once on either side of a gap, by place in a; how many. */
static size_t
anchors_of(Work *work, const Gap *gap, size_t n)
{
    const size_t counts[2] = {(size_t)(gap->a_end - gap->a) - n + 1, (size_t)(gap->b_end - gap->b) - n + 1};
    const uint64_t *const sides[2] = {work->a + gap->a, work->b + gap->b};
    size_t room = 16, size = 0;
    while (room < 2 * (counts[0] + counts[1]))
        room *= 2;
    memset(work->table, 0, room * sizeof(Entry));
    for (int side = 0; side < 2; side++) {
        uint64_t *grams = work->grams[side];
        grams_of(sides[side], 0, counts[side], n, power(ODD, n), grams);
        for (size_t i = 0; i < counts[side]; i++) {
            Entry *entry = entry_of(work->table, room, grams[i]);
            entry->gram = grams[i];
            entry->places[side] = entry->places[side] ? MANY : (uint32_t)(i + 1);
        }
    }
    for (size_t i = 0; i < counts[0]; i++) {
        const Entry *entry = entry_of(work->table, room, work->grams[0][i]);
        if (entry->places[0] != MANY && entry->places[1] != MANY && entry->places[1])
            work->anchors[size++] = (Anchor){gap->a + (Py_ssize_t)i, gap->b + (Py_ssize_t)entry->places[1] - 1};
    }
    return size;
}

/* Keep a longest chain of the anchors that increases in b as well (patience sorting); how many they are. */
static size_t
chain_of(Work *work, size_t size)
{
    size_t i = 1, piles = 0, length = 0;
    Anchor *anchors = work->anchors;
    while (i < size && anchors[i - 1].b < anchors[i].b)
        i++;
    if (i >= size)
        return size;
    for (i = 0; i < size; i++) {
        size_t low = 0;
        for (size_t high = piles; low < high;) {
            size_t middle = low + (high - low) / 2;
            if (work->tails[middle] < anchors[i].b)
                low = middle + 1;
            else
                high = middle;
        }
        work->previous[i] = low ? work->tops[low - 1] : -1;
        work->tails[low] = anchors[i].b;
        work->tops[low] = (Py_ssize_t)i;
        piles += low == piles;
    }
    for (Py_ssize_t node = work->tops[piles - 1]; node >= 0; node = work->previous[node])
        work->tails[length++] = node; /* their values are needed no more */
    for (i = 0; i < length; i++)
        anchors[i] = anchors[work->tails[length - 1 - i]]; /* ascending: none is overwritten before it is read */
    return length;
}

/* Anchors on one diagonal that touch become one run; where diagonals overlap the earlier run wins. */
static int
merge_anchors(Work *work, size_t size, Py_ssize_t n)
{
    Py_ssize_t a_start = work->anchors[0].a, b_start = work->anchors[0].b, a_end = a_start + n, b_end = b_start + n;
    work->found.used = 0;
    for (size_t i = 1; i < size; i++) {
        Py_ssize_t a = work->anchors[i].a, b = work->anchors[i].b, skip = 0;
        if (a - b == a_end - b_end && a <= a_end) {
            a_end = a + n, b_end = b + n;
            continue;
        }
        skip = a_end - a > skip ? a_end - a : skip;
        skip = b_end - b > skip ? b_end - b : skip;
        if (skip < n) {
            if (add_run(&work->found, a_start, b_start, a_end - a_start))
                return -1;
            a_start = a + skip, b_start = b + skip, a_end = a + n, b_end = b + n;
        }
    }
    return add_run(&work->found, a_start, b_start, a_end - a_start);
}

/* Append the found runs of a gap, longer by what is equal right after and before each, and at the gap's own ends. */
static int
extend(Runs *out, const Work *work, const Gap *gap)
{
    Run run = {gap->a, gap->b, 0};
    for (size_t i = 0; i <= work->found.used; i++) {
        Run after = i < work->found.used ? work->found.runs[i] : (Run){gap->a_end, gap->b_end, 0};
        Py_ssize_t a = run.a + run.size, b = run.b + run.size, forward = 0, back = 0;
        Py_ssize_t room = after.a - a < after.b - b ? after.a - a : after.b - b;
        while (forward < room && work->a[a + forward] == work->b[b + forward])
            forward++;
        while (back < room - forward && work->a[after.a - back - 1] == work->b[after.b - back - 1])
            back++;
        if (add_run(out, run.a, run.b, run.size + forward) || add_run(out, after.a - back, after.b - back, back))
            return -1;
        run = after;
    }
    return add_run(out, run.a, run.b, run.size);
}

/* The runs of `before` and those found with n-grams in the gaps between, in order. */
static int
refine(Runs *out, Work *work, const Runs *before, Py_ssize_t a_size, Py_ssize_t b_size, Py_ssize_t n)
{
    Gap gap = {0, 0, 0, 0};
    int searched = 0;
    for (size_t i = 0; i <= before->used; i++) {
        Run run = i < before->used ? before->runs[i] : (Run){a_size, b_size, 0};
        gap.a_end = run.a, gap.b_end = run.b;
        Py_ssize_t lefts = gap.a_end - gap.a, rights = gap.b_end - gap.b;
        Py_ssize_t shorter = lefts < rights ? lefts : rights, longer = lefts < rights ? rights : lefts;
        searched += longer > 0;
        if (searched <= MAX_GAPS && shorter >= n && (n > 1 || longer <= SMALL_GAP)) {
            size_t size = anchors_of(work, &gap, (size_t)n);
            if (size && (merge_anchors(work, chain_of(work, size), n) || extend(out, work, &gap)))
                return -1;
        }
        if (add_run(out, run.a, run.b, run.size))
            return -1;
        gap.a = run.a + run.size, gap.b = run.b + run.size;
    }
    return 0;
}

static int
open_work(Work *work, size_t lefts, size_t rights)
{
    size_t room = 16, least = lefts < rights ? lefts : rights;
    while (room < 2 * (lefts + rights))
        room *= 2;
    work->grams[0] = PyMem_Malloc(8 * lefts + 8);
    work->grams[1] = PyMem_Malloc(8 * rights + 8);
    work->table = PyMem_Malloc(room * sizeof(Entry));
    work->anchors = PyMem_Malloc(least * sizeof(Anchor) + sizeof(Anchor));
    work->tails = PyMem_Malloc(3 * sizeof(Py_ssize_t) * (least + 1));
    if (!work->grams[0] || !work->grams[1] || !work->table || !work->anchors || !work->tails) {
        PyErr_NoMemory();
        return -1;
    }
    work->tops = work->tails + least + 1;
    work->previous = work->tops + least + 1;
    return 0;
}

/* The runs of two sequences; -1 with an error. */
static int
runs_of(Runs *runs, const Py_buffer *a, const Py_buffer *b, size_t lefts, size_t rights)
{
    static const Py_ssize_t LEVELS[] = {8, 3, 1}; /* n-gram lengths of the successive searches */
    Work work = {0};
    Runs finer = {NULL, 0, 0};
    int failed = -1;
    work.a = a->buf, work.b = b->buf;
    if (open_work(&work, lefts, rights) || extend(runs, &work, &(Gap){0, (Py_ssize_t)lefts, 0, (Py_ssize_t)rights}))
        goto done;
    for (size_t level = 0; level < 3; level++) {
        finer.used = 0;
        if (refine(&finer, &work, runs, (Py_ssize_t)lefts, (Py_ssize_t)rights, LEVELS[level]))
            goto done;
        Runs before = *runs;
        *runs = finer, finer = before;
    }
    failed = 0;
done:
    for (int side = 0; side < 2; side++)
        PyMem_Free(work.grams[side]);
    PyMem_Free(work.table);
    PyMem_Free(work.anchors);
    PyMem_Free(work.tails);
    PyMem_Free(work.found.runs);
    PyMem_Free(finer.runs);
    return failed;
}

/* The gap before run i, or behind the last one. */
static Gap
gap_before(const Runs *runs, size_t i, size_t lefts, size_t rights)
{
    Run before = i ? runs->runs[i - 1] : (Run){0, 0, 0};
    Run after = i < runs->used ? runs->runs[i] : (Run){(Py_ssize_t)lefts, (Py_ssize_t)rights, 0};
    return (Gap){before.a + before.size, after.a, before.b + before.size, after.b};
}

/* What an alignment leaves over; `passage`, `small`: passage_words and small_gap_words of VerifyConfig. */
static PyObject *
summary(const Runs *runs, size_t lefts, size_t rights, Py_ssize_t passage, Py_ssize_t small)
{
    Py_ssize_t common = 0, core = 0, replaced = 0;
    size_t first = 0, last = runs->used, used = 0;
    for (size_t i = 0; i < runs->used; i++)
        common += runs->runs[i].size;
    while (first < runs->used && runs->runs[first].size < passage)
        first++;
    while (last > first && runs->runs[last - 1].size < passage)
        last--; /* one behind the last passage */
    Gap *telling = PyMem_Malloc((runs->used + 1) * sizeof(Gap));
    if (telling == NULL)
        return PyErr_NoMemory();
    for (size_t i = first; i < last; i++)
        core += runs->runs[i].size;
    for (int inner = 1; inner >= 0 && first < last; inner--)
        for (size_t i = 0; i <= runs->used; i++) {
            Gap gap = gap_before(runs, i, lefts, rights);
            Py_ssize_t sizes[] = {gap.a_end - gap.a, gap.b_end - gap.b};
            Py_ssize_t least = sizes[0] < sizes[1] ? sizes[0] : sizes[1], most = sizes[0] + sizes[1] - least;
            if ((i > first && i < last) != inner || most == 0 || (!inner && (least == 0 || most > small)))
                continue;
            replaced += inner ? least : 0;
            telling[used++] = gap;
        }
    PyObject *result = Py_BuildValue("nnny#", common, replaced, core, (const char *)telling, (Py_ssize_t)(used * sizeof(Gap)));
    PyMem_Free(telling);
    return result;
}

static PyObject *
align(PyObject *module, PyObject *args)
{
    Py_buffer a, b;
    Py_ssize_t passage = 0, small = 0;
    size_t lefts, rights;
    Runs runs = {NULL, 0, 0};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*|nn", &a, &b, &passage, &small))
        return NULL;
    if (words_of(&a, &lefts) || words_of(&b, &rights))
        goto done;
    if (lefts >= MANY || rights >= MANY)
        PyErr_SetString(PyExc_ValueError, "expected fewer than 2^32 words");
    else if (runs_of(&runs, &a, &b, lefts, rights) == 0)
        result = passage > 0 ? summary(&runs, lefts, rights, passage, small)
                             : PyBytes_FromStringAndSize((const char *)runs.runs, (Py_ssize_t)(runs.used * sizeof(Run)));
done:
    PyMem_Free(runs.runs);
    PyBuffer_Release(&a);
    PyBuffer_Release(&b);
    return result;
}
