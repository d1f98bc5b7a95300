/* Twin of fasttext_sum.py: what a fastText classifier answers for a line. Floats are added one by one, in order.

   What keeps it safe: arrays come with their lengths and every row number is checked against them; a line is walked once;
   n-grams are no longer than 64 characters; the way down the tree of labels stands in an array of its nodes. */

#define END "</s>"
#define LABEL "__label__"
#define NO_ROW ((u64)-1)

enum { HIERARCHICAL = 1, SOFTMAX = 3 };

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

typedef struct {
    const char *word;           /* NUL-terminated; NULL: an empty slot */
    uint32_t hash, number;
} Slot;

typedef struct {
    uint32_t bucket, row;       /* row 0: an empty slot; words have the first rows */
} Kept;

typedef struct {
    PyObject_HEAD
    Py_buffer words, rows, output, scales, tree, pruned;
    Slot *slots;                /* hash table of words */
    Kept *kept;                 /* hash table of buckets that were not pruned */
    size_t word_mask, kept_mask;
    u64 n_rows;
    Py_ssize_t n_words, n_labels, n_nodes, n_kept, dim;
    int loss, minn, maxn, word_ngrams;
    uint32_t bucket;
} Model;

typedef struct {
    float score;
    Py_ssize_t number;
} Answer;

static uint32_t
hashed(uint32_t hash, unsigned char byte)
{
    return (hash ^ (uint32_t)(int8_t)byte) * 16777619u;
}

static uint32_t
hash_of(const char *word, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t at = 0; at < length; at++)
        hash = hashed(hash, (unsigned char)word[at]);
    return hash;
}

static Slot *
first_slot(const Model *model, uint32_t hash)
{
    return &model->slots[hash & model->word_mask];
}

/* Slot of a word: its own, or the empty one where it belongs. */
static Slot *
word_slot(const Model *model, const char *word, size_t length, uint32_t hash)
{
    Slot *slot = first_slot(model, hash), *end = model->slots + model->word_mask + 1;
    while (slot->word != NULL
           && (slot->hash != hash || strncmp(slot->word, word, length) != 0 || slot->word[length] != 0))
        slot = slot + 1 == end ? model->slots : slot + 1;
    return slot;
}

static Kept *
first_kept(const Model *model, uint32_t bucket)
{
    return &model->kept[(bucket * 2654435769u >> 4) & model->kept_mask];
}

static Kept *
kept_slot(const Model *model, uint32_t bucket)
{
    Kept *kept = first_kept(model, bucket), *end = model->kept + model->kept_mask + 1;
    while (kept->row && kept->bucket != bucket)
        kept = kept + 1 == end ? model->kept : kept + 1;
    return kept;
}

/* What is to be added, in order. A queue, because looking up is mostly waiting for memory: what a place in it needs is
   called for when it is filled, the row when it is known, and then all are added. */
typedef struct {
    const char *word; /* NULL: a bucket */
    Py_ssize_t length;
    uint32_t hash;    /* of the word; or the bucket */
} Wanted;

typedef struct {
    const Model *model;
    float *sum;
    Py_ssize_t added;
    int n_wanted;
    Wanted wanted[64];
} Adder;

static u64
row_of(const Model *model, const Wanted *wanted)
{
    if (wanted->word != NULL) {
        const Slot *slot = word_slot(model, wanted->word, (size_t)wanted->length, wanted->hash);
        return slot->word != NULL ? slot->number : NO_ROW;
    }
    if (model->pruned.buf == NULL)
        return (u64)model->n_words + wanted->hash;
    uint32_t row = kept_slot(model, wanted->hash)->row;
    return row ? row : NO_ROW;
}

static void
flush(Adder *adder)
{
    const Model *model = adder->model;
    const float *rows = model->rows.buf, *found[64];
    int n_found = 0;
    for (int at = 0; at < adder->n_wanted; at++) {
        u64 row = row_of(model, &adder->wanted[at]);
        if (row < model->n_rows) {
            found[n_found] = rows + row * (u64)model->dim;
            PREFETCH(found[n_found]);
            n_found++;
        }
    }
    for (int at = 0; at < n_found; at++)
        for (Py_ssize_t place = 0; place < model->dim; place++)
            adder->sum[place] += found[at][place];
    adder->added += n_found;
    adder->n_wanted = 0;
}

static void
want(Adder *adder, const char *word, Py_ssize_t length, uint32_t hash)
{
    if (word != NULL)
        PREFETCH(first_slot(adder->model, hash));
    else if (adder->model->pruned.buf != NULL)
        PREFETCH(first_kept(adder->model, hash));
    adder->wanted[adder->n_wanted++] = (Wanted){word, length, hash};
    if (adder->n_wanted == sizeof(adder->wanted) / sizeof(*adder->wanted))
        flush(adder);
}

/* N-grams of the characters of <word>: `at` -1 is the first border mark, `length` the last. */
static void
want_ngrams(Adder *adder, const char *word, Py_ssize_t length)
{
    const Model *model = adder->model;
    for (Py_ssize_t start = -1; start <= length; start++) {
        if (start >= 0 && start < length && (word[start] & 0xC0) == 0x80)
            continue;
        uint32_t hash = 2166136261u;
        Py_ssize_t at = start;
        for (int size = 1; size <= model->maxn && at <= length; size++) {
            do {
                hash = hashed(hash, (unsigned char)(at < 0 ? '<' : at == length ? '>' : word[at]));
                at++;
            } while (at < length && at > 0 && (word[at] & 0xC0) == 0x80);
            if (size >= model->minn && !(size == 1 && (start < 0 || at > length)))
                want(adder, NULL, 0, hash % model->bucket);
        }
    }
}

static int
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\v' || byte == '\f' || byte == '\r' || byte == 0;
}

typedef struct {
    uint32_t *hashes; /* of words, for n-grams of words; NULL where there are none */
    Py_ssize_t n_hashes;
} Said;

static int
is_word(const char *found, Py_ssize_t length, const char *word)
{
    return length == (Py_ssize_t)strlen(word) && memcmp(found, word, (size_t)length) == 0;
}

static void
want_word(Adder *adder, const char *word, Py_ssize_t length, Said *said)
{
    uint32_t hash = hash_of(word, (size_t)length);
    if (*word == *LABEL && length >= (Py_ssize_t)strlen(LABEL) && memcmp(word, LABEL, strlen(LABEL)) == 0)
        return; /* no word begins so */
    if (said->hashes != NULL)
        said->hashes[said->n_hashes++] = hash;
    want(adder, word, length, hash);
    if (adder->model->maxn > 0 && !is_word(word, length, END))
        want_ngrams(adder, word, length);
}

static void
want_word_ngrams(Adder *adder, const Said *said)
{
    const Model *model = adder->model;
    for (Py_ssize_t first = 0; first < said->n_hashes; first++) {
        u64 hash = (u64)(int64_t)(int32_t)said->hashes[first];
        for (Py_ssize_t at = first + 1; at < said->n_hashes && at - first < model->word_ngrams; at++) {
            hash = hash * 116049371u + (u64)(int64_t)(int32_t)said->hashes[at];
            want(adder, NULL, 0, (uint32_t)(hash % model->bucket));
        }
    }
}

/* Sum of the vectors of a line up to its end, </s> included; how many they are, or -1 without memory. */
static Py_ssize_t
add_line(const Model *model, float *sum, const char *line, Py_ssize_t length)
{
    Adder adder;
    Said said = {NULL, 0};
    Py_ssize_t at = 0;
    adder.model = model;
    adder.sum = sum;
    adder.added = adder.n_wanted = 0;
    if (model->word_ngrams > 1 && (said.hashes = PyMem_New(uint32_t, length / 2 + 3)) == NULL)
        return -1;
    while (at < length && line[at] != '\n') {
        Py_ssize_t start = at;
        while (at < length && line[at] != '\n' && !is_blank(line[at]))
            at++;
        if (is_word(line + start, at - start, END))
            break;
        if (at > start)
            want_word(&adder, line + start, at - start, &said);
        else
            at++;
    }
    want_word(&adder, END, (Py_ssize_t)strlen(END), &said);
    want_word_ngrams(&adder, &said);
    flush(&adder);
    PyMem_Free(said.hashes);
    return adder.added;
}

static float
dot(const Model *model, const float *hidden, Py_ssize_t number)
{
    const float *vector = (const float *)model->output.buf + number * model->dim;
    float sum = 0;
    for (Py_ssize_t at = 0; at < model->dim; at++)
        sum += vector[at] * hidden[at];
    return sum * ((const float *)model->scales.buf)[number];
}

static float
logarithm(float value)
{
    return (float)log((double)value + 1e-5);
}

static float
sigmoid(float value) /* fasttext_sum.py: _sigmoid */
{
    if (!(value >= -8 && value <= 8))
        return value > 0;
    double step = (double)(int64_t)((value + 8) * 512 / 8 / 2);
    return (float)(1.0 / (1.0 + exp(-(step * 16 / 512 - 8))));
}

/* Keep the best `count`, best first; of equals the one that came first. */
static void
keep(Answer *best, Py_ssize_t *n_best, Py_ssize_t count, float score, Py_ssize_t number)
{
    if (*n_best == count && !(score > best[count - 1].score))
        return;
    Py_ssize_t at = *n_best < count ? (*n_best)++ : count - 1;
    for (; at > 0 && best[at - 1].score < score; at--)
        best[at] = best[at - 1];
    best[at] = (Answer){score, number};
}

static Py_ssize_t
from_list(const Model *model, const float *hidden, Answer *best, Py_ssize_t count, float *values)
{
    Py_ssize_t n_best = 0;
    float highest = 0, total = 0;
    for (Py_ssize_t at = 0; at < model->n_labels; at++) {
        values[at] = dot(model, hidden, at);
        highest = at == 0 || values[at] > highest ? values[at] : highest;
    }
    for (Py_ssize_t at = 0; model->loss == SOFTMAX && at < model->n_labels; at++) {
        values[at] = (float)exp((double)(float)(values[at] - highest));
        total += values[at];
    }
    for (Py_ssize_t at = 0; at < model->n_labels; at++) {
        float value = model->loss == SOFTMAX ? values[at] / total : sigmoid(values[at]);
        keep(best, &n_best, count, logarithm(value), at);
    }
    return n_best;
}

static Py_ssize_t
from_tree(const Model *model, const float *hidden, Answer *best, Py_ssize_t count, Answer *waiting)
{
    const int32_t *tree = model->tree.buf;
    Py_ssize_t n_best = 0, n_waiting = 1;
    waiting[0] = (Answer){0, model->n_nodes - 1};
    while (n_waiting > 0) {
        Answer here = waiting[--n_waiting];
        if (here.score < logarithm(0) || (n_best == count && here.score < best[n_best - 1].score))
            continue;
        if (here.number < model->n_labels) {
            keep(best, &n_best, count, here.score, here.number);
            continue;
        }
        float product = dot(model, hidden, here.number - model->n_labels);
        float below = 1 + (float)exp((double)-product), right = (float)(1.0 / below);
        waiting[n_waiting++] = (Answer){here.score + logarithm(right), tree[2 * here.number + 1]};
        waiting[n_waiting++] = (Answer){here.score + logarithm((float)(1.0 - (double)right)), tree[2 * here.number]};
    }
    return n_best;
}
