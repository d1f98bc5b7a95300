/* Differences of two sequences of strings: guard_align.py. Equal strings get equal numbers first. */

#define GRAM_LEVELS 4
#define SURE_SIZE 4
#define MIN_ANCHORED_CELLS (1 << 11)
#define MAX_EXACT_CELLS (1 << 25)
#define MAX_EXACT_BITS (1 << 28)
#define BITS 64
#define ALONE UINT32_MAX /* an item that a's box does not have */

static const Py_ssize_t GRAM_SIZES[GRAM_LEVELS] = {8, 4, 2, 1};

typedef struct {
    Py_ssize_t a, b, size;
} Shared;

typedef struct {
    Py_ssize_t a0, a1, b0, b1;
    int level;
} Box;

typedef struct {
    uint32_t *a, *b;   /* numbers of the items */
    uint32_t *heads;   /* hash tables of grams and items, as large as both sequences ask for */
    uint32_t *places;  /* per number: its mask + 1 in the box at hand; per gram: where it stood first */
    size_t table_size; /* a power of two */
    uint32_t count;    /* of different items */
    Shared *found;
    size_t used, room;
    Box *waiting;
    size_t boxes, box_room;
} Diff;

static int
grow(void **what, size_t *room, size_t used, size_t size)
{
    if (used < *room)
        return 0;
    size_t more = *room ? 2 * *room : 256;
    void *grown = more > SIZE_MAX / size ? NULL : PyMem_Realloc(*what, more * size);
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *what = grown;
    *room = more;
    return 0;
}

static int
add_shared(Diff *diff, Py_ssize_t a, Py_ssize_t b, Py_ssize_t size)
{
    if (size <= 0)
        return 0;
    if (grow((void **)&diff->found, &diff->room, diff->used, sizeof(Shared)) < 0)
        return -1;
    diff->found[diff->used++] = (Shared){a, b, size};
    return 0;
}

static int
add_box(Diff *diff, Box box)
{
    if (grow((void **)&diff->waiting, &diff->box_room, diff->boxes, sizeof(Box)) < 0)
        return -1;
    diff->waiting[diff->boxes++] = box;
    return 0;
}

static size_t
mixed(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u;
    return (size_t)(hash ^ hash >> 29);
}

/* Numbers of a list's strings, the same for the same string; `firsts` keeps one string of each number. */
static int
number_items(Diff *diff, PyObject *items, uint32_t *numbers, PyObject **firsts)
{
    Py_ssize_t count = PyList_GET_SIZE(items);
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item = PyList_GET_ITEM(items, index);
        if (!PyUnicode_CheckExact(item)) {
            PyErr_SetString(PyExc_TypeError, "only strings are compared");
            return -1;
        }
        Py_hash_t hash = PyObject_Hash(item);
        if (hash == -1)
            return -1;
        size_t at = mixed((uint64_t)hash) & (diff->table_size - 1);
        for (;; at = (at + 1) & (diff->table_size - 1)) {
            if (!diff->heads[at]) {
                firsts[diff->count] = item;
                diff->heads[at] = ++diff->count;
                break;
            }
            PyObject *known = firsts[diff->heads[at] - 1];
            if (known == item || (PyObject_Hash(known) == hash && PyUnicode_Compare(known, item) == 0))
                break;
        }
        numbers[index] = diff->heads[at] - 1;
    }
    return 0;
}

/* One row per item of a's box that stands in b's: a bit is 0 where the item makes the common subsequence longer. */
static int
exact(Diff *diff, Box box)
{
    Py_ssize_t width = box.b1 - box.b0, words = (width + BITS - 1) / BITS, n_masks = 0, n_rows = 0;
    uint64_t *rows = NULL, *masks = NULL;
    Py_ssize_t *row_item = NULL;
    int failed = -1;
    for (Py_ssize_t j = box.b0; j < box.b1; j++)
        diff->places[diff->b[j]] = ALONE;
    for (Py_ssize_t i = box.a0; i < box.a1; i++)
        diff->places[diff->a[i]] = 0;
    for (Py_ssize_t j = box.b0; j < box.b1; j++)
        if (diff->places[diff->b[j]] == 0)
            diff->places[diff->b[j]] = (uint32_t)++n_masks;
    for (Py_ssize_t i = box.a0; i < box.a1; i++)
        n_rows += diff->places[diff->a[i]] != 0;
    if (n_rows == 0)
        return 0;
    masks = PyMem_Calloc((size_t)(n_masks * words), sizeof(uint64_t));
    rows = PyMem_Malloc((size_t)((n_rows + 1) * words) * sizeof(uint64_t));
    row_item = PyMem_Malloc((size_t)(n_rows + 1) * sizeof(Py_ssize_t));
    if (masks == NULL || rows == NULL || row_item == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t offset = 0; offset < width; offset++) {
        uint32_t place = diff->places[diff->b[box.b1 - 1 - offset]];
        if (place != ALONE)
            masks[(place - 1) * (size_t)words + (size_t)(offset / BITS)] |= (uint64_t)1 << offset % BITS;
    }
    for (Py_ssize_t word = 0; word < words; word++)
        rows[word] = ~(uint64_t)0;
    Py_ssize_t filled = 1;
    for (Py_ssize_t i = box.a1 - 1; i >= box.a0; i--) {
        if (!diff->places[diff->a[i]])
            continue;
        const uint64_t *mask = masks + (size_t)(diff->places[diff->a[i]] - 1) * (size_t)words;
        const uint64_t *before = rows + (filled - 1) * words;
        uint64_t *row = rows + filled * words, carry = 0;
        for (Py_ssize_t word = 0; word < words; word++) {
            uint64_t met = before[word] & mask[word], sum = before[word] + met, more = sum + carry;
            carry = (sum < met) | (more < carry);
            row[word] = more | (before[word] - met);
        }
        row_item[filled++] = i;
    }
    Py_ssize_t up = filled - 1, left = width;
    failed = 0;
    while (up && left && !failed) { /* the way back */
        uint64_t bit = (uint64_t)1 << (left - 1) % BITS;
        Py_ssize_t word = (left - 1) / BITS;
        if (rows[up * words + word] & bit)
            left--;
        else if (rows[(up - 1) * words + word] & bit) {
            failed = add_shared(diff, row_item[up], box.b1 - left, 1);
            up--, left--;
        } else
            up--;
    }
done:
    PyMem_Free(rows);
    PyMem_Free(masks);
    PyMem_Free(row_item);
    return failed;
}

typedef struct {
    Py_ssize_t a, b; /* -1: nowhere, -2: more than once */
} Place;

/* Where every gram of both boxes stands; the table holds numbers of entries + 1. */
static Py_ssize_t
count_grams(Diff *diff, Box box, Py_ssize_t size, Place *entries)
{
    Py_ssize_t n_entries = 0;
    size_t table_size = 16, n_grams = (size_t)(box.a1 - box.a0 + box.b1 - box.b0);
    while (table_size < 2 * n_grams)
        table_size *= 2; /* as large as the whole table at most */
    memset(diff->heads, 0, table_size * sizeof(uint32_t));
    for (int side = 0; side < 2; side++) {
        const uint32_t *items = side ? diff->b : diff->a;
        Py_ssize_t first = side ? box.b0 : box.a0, last = (side ? box.b1 : box.a1) - size;
        for (Py_ssize_t at = first; at <= last; at++) {
            uint64_t hash = 0;
            for (Py_ssize_t k = 0; k < size; k++)
                hash = (hash ^ items[at + k]) * 0x100000001B3u + (hash >> 41);
            size_t slot = mixed(hash) & (table_size - 1);
            for (;; slot = (slot + 1) & (table_size - 1)) {
                if (!diff->heads[slot]) {
                    entries[n_entries] = (Place){side ? -1 : at, side ? at : -1};
                    diff->heads[slot] = (uint32_t)++n_entries;
                    /* the gram is read where it stood first, which stays in `places` */
                    diff->places[n_entries - 1] = (uint32_t)at;
                    break;
                }
                Py_ssize_t entry = (Py_ssize_t)diff->heads[slot] - 1;
                int was_b = entries[entry].a == -1;
                const uint32_t *known = (was_b ? diff->b : diff->a) + diff->places[entry];
                if (memcmp(known, items + at, (size_t)size * sizeof(uint32_t)) == 0) {
                    Py_ssize_t *place = side ? &entries[entry].b : &entries[entry].a;
                    *place = *place == -1 ? at : -2;
                    break;
                }
            }
        }
    }
    return n_entries;
}

/* Of places that grow in a, the longest run that grows in b too; `kept` gets them in order. */
static Py_ssize_t
increasing(const Place *pairs, Py_ssize_t count, Py_ssize_t *tails, Py_ssize_t *before, Place *kept)
{
    Py_ssize_t length = 0;
    for (Py_ssize_t index = 0; index < count; index++) {
        Py_ssize_t low = 0, high = length;
        while (low < high) {
            Py_ssize_t middle = (low + high) / 2;
            if (pairs[tails[middle]].b < pairs[index].b)
                low = middle + 1;
            else
                high = middle;
        }
        before[index] = low ? tails[low - 1] : -1;
        tails[low] = index;
        length = low == length ? length + 1 : length;
    }
    Py_ssize_t index = length ? tails[length - 1] : -1;
    for (Py_ssize_t place = length - 1; place >= 0; place--, index = before[index])
        kept[place] = pairs[index];
    return length;
}

/* Anchor one box by grams that occur once on both sides; what lies between the anchors waits for shorter ones. */
static int
split(Diff *diff, Box box)
{
    Py_ssize_t size = GRAM_SIZES[box.level], room = box.a1 - box.a0 + box.b1 - box.b0 + 1, count = 0;
    Place *entries = PyMem_Malloc((size_t)room * sizeof(Place)), *kept = PyMem_Malloc((size_t)room * sizeof(Place));
    Py_ssize_t *tails = PyMem_Malloc((size_t)room * sizeof(Py_ssize_t));
    Py_ssize_t *before = PyMem_Malloc((size_t)room * sizeof(Py_ssize_t));
    int failed = -1;
    if (entries == NULL || kept == NULL || tails == NULL || before == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    Py_ssize_t n_entries = count_grams(diff, box, size, entries);
    for (Py_ssize_t entry = 0; entry < n_entries; entry++)
        if (entries[entry].a >= 0 && entries[entry].b >= 0)
            entries[count++] = entries[entry];
    count = increasing(entries, count, tails, before, kept);
    failed = 0;
    for (Py_ssize_t index = 0; index < count && !failed; index++) {
        Py_ssize_t i = kept[index].a, j = kept[index].b;
        if (i < box.a0 || j < box.b0)
            continue; /* inside the run before */
        Py_ssize_t run = size;
        while (i + run < box.a1 && j + run < box.b1 && diff->a[i + run] == diff->b[j + run])
            run++;
        failed = add_shared(diff, i, j, run) < 0 || add_box(diff, (Box){box.a0, i, box.b0, j, box.level + 1}) < 0;
        box.a0 = i + run;
        box.b0 = j + run;
    }
    box.level++;
    failed = failed || add_box(diff, box) < 0 ? -1 : 0;
done:
    PyMem_Free(entries);
    PyMem_Free(kept);
    PyMem_Free(tails);
    PyMem_Free(before);
    return failed;
}

static int
fits(Py_ssize_t rows, Py_ssize_t width)
{
    Py_ssize_t words = (width + BITS - 1) / BITS;
    return rows <= MAX_EXACT_CELLS / width && rows <= MAX_EXACT_BITS / BITS / words;
}

static int
align_box(Diff *diff, Box box, int anchored)
{
    Py_ssize_t head = 0, tail = 0;
    while (box.a0 + head < box.a1 && box.b0 + head < box.b1 && diff->a[box.a0 + head] == diff->b[box.b0 + head])
        head++;
    if (add_shared(diff, box.a0, box.b0, head) < 0)
        return -1;
    box.a0 += head;
    box.b0 += head;
    while (box.a1 - tail > box.a0 && box.b1 - tail > box.b0 && diff->a[box.a1 - tail - 1] == diff->b[box.b1 - tail - 1])
        tail++;
    box.a1 -= tail;
    box.b1 -= tail;
    if (add_shared(diff, box.a1, box.b1, tail) < 0)
        return -1;
    Py_ssize_t rows = box.a1 - box.a0, width = box.b1 - box.b0;
    if (rows <= 0 || width <= 0)
        return 0;
    int is_sure = anchored && box.level < GRAM_LEVELS && GRAM_SIZES[box.level] >= SURE_SIZE;
    if (is_sure ? rows <= MIN_ANCHORED_CELLS / width : fits(rows, width))
        return exact(diff, box);
    return box.level < GRAM_LEVELS ? split(diff, box) : 0;
}

static int
by_place(const void *one, const void *two)
{
    Py_ssize_t a = ((const Shared *)one)->a, b = ((const Shared *)two)->a;
    return (a > b) - (a < b);
}

/* The differences between the runs found, as a list of (a0, a1, b0, b1). */
static PyObject *
differences(Diff *diff, Py_ssize_t n_a, Py_ssize_t n_b)
{
    PyObject *list = PyList_New(0);
    Py_ssize_t at_a = 0, at_b = 0;
    if (diff->used > 1)
        qsort(diff->found, diff->used, sizeof(Shared), by_place);
    for (size_t index = 0; list != NULL && index <= diff->used; index++) {
        Shared run = index < diff->used ? diff->found[index] : (Shared){n_a, n_b, 0};
        if (run.a > at_a || run.b > at_b) {
            PyObject *gap = Py_BuildValue("(nnnn)", at_a, run.a, at_b, run.b);
            if (gap == NULL || PyList_Append(list, gap) < 0)
                Py_CLEAR(list);
            Py_XDECREF(gap);
        }
        at_a = run.a + run.size;
        at_b = run.b + run.size;
    }
    return list;
}

/* gaps(a: list[str], b: list[str], anchored: bool) -> list[tuple[int, int, int, int]] */
static PyObject *
gaps(PyObject *self, PyObject *args)
{
    PyObject *a, *b, *result = NULL, **firsts = NULL;
    int anchored;
    if (!PyArg_ParseTuple(args, "O!O!p", &PyList_Type, &a, &PyList_Type, &b, &anchored))
        return NULL;
    Py_ssize_t n_a = PyList_GET_SIZE(a), n_b = PyList_GET_SIZE(b);
    if (n_a + n_b >= INT32_MAX / 4) {
        PyErr_SetString(PyExc_OverflowError, "more items than are compared");
        return NULL;
    }
    Diff diff = {.table_size = 16};
    size_t total = (size_t)(n_a + n_b) + 1;
    while (diff.table_size < 2 * total)
        diff.table_size *= 2;
    diff.a = PyMem_Malloc(total * sizeof(uint32_t));
    diff.b = PyMem_Malloc(total * sizeof(uint32_t));
    diff.places = PyMem_Malloc(total * sizeof(uint32_t));
    diff.heads = PyMem_Calloc(diff.table_size, sizeof(uint32_t));
    firsts = PyMem_Malloc(total * sizeof(PyObject *));
    if (diff.a == NULL || diff.b == NULL || diff.places == NULL || diff.heads == NULL || firsts == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (number_items(&diff, a, diff.a, firsts) < 0 || number_items(&diff, b, diff.b, firsts) < 0)
        goto done;
    int failed = add_box(&diff, (Box){0, n_a, 0, n_b, 0});
    while (!failed && diff.boxes)
        failed = align_box(&diff, diff.waiting[--diff.boxes], anchored);
    if (!failed)
        result = differences(&diff, n_a, n_b);
done:
    PyMem_Free(diff.a);
    PyMem_Free(diff.b);
    PyMem_Free(diff.places);
    PyMem_Free(diff.heads);
    PyMem_Free(firsts);
    PyMem_Free(diff.found);
    PyMem_Free(diff.waiting);
    return result;
}
