/* Where a page keeps its text: places.py. */

#define MAX_KNOWN 65536
#define MAX_LEVELS 1000
#define INHERITED (IS_COMMENT | IS_CAPTION | ANCHORED)

#define MASS 1024
#define MIN_TEXT 40
#define MAIN_SHARE 0.6
#define MAIN_CHARS 200
#define BRANCH_SHARE 0.6
#define TOP_ELEMENTS 2
#define TECHNICAL_BLOCKS 3

typedef struct {
    Py_ssize_t parent, heaviest, level; /* -1: none */
    int64_t code, mass, place;
    char never, anchored, holds;
} Element;

typedef struct {
    PyObject *number, *codes, *read; /* number of a path; what is known of a segment; what asks the patterns */
    Names names;
    Element *elements;
    Py_ssize_t count, room;
    Py_ssize_t *of_block, n_blocks;
} Tree;

/* Bits of a segment that did not come before, remembered; FAILED with an error set. */
static int64_t
fresh_code(Tree *tree, PyObject *segment)
{
    int64_t code = code_by_words(segment, &tree->names);
    PyObject *number = code == FAILED ? NULL : code == ASK_PATTERNS ? PyObject_CallOneArg(tree->read, segment)
                                                                    : PyLong_FromLongLong(code);
    if (number == NULL)
        return FAILED;
    code = PyLong_AsLongLong(number);
    if (PyDict_GET_SIZE(tree->codes) >= MAX_KNOWN)
        PyDict_Clear(tree->codes);
    int failed = PyErr_Occurred() || PyDict_SetItem(tree->codes, segment, number) < 0;
    Py_DECREF(number);
    return failed ? FAILED : code;
}

static int64_t
code_of(Tree *tree, PyObject *segment)
{
    PyObject *known = PyDict_GetItemWithError(tree->codes, segment);
    if (known == NULL)
        return PyErr_Occurred() ? FAILED : fresh_code(tree, segment);
    int64_t code = PyLong_AsLongLong(known);
    return PyErr_Occurred() ? FAILED : code;
}

static int
make_room(Tree *tree)
{
    if (tree->count < tree->room)
        return 0;
    Py_ssize_t room = tree->room ? 2 * tree->room : 64;
    Element *grown = room > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(Element)
                         ? NULL
                         : PyMem_Realloc(tree->elements, (size_t)room * sizeof(Element));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    tree->elements = grown;
    tree->room = room;
    return 0;
}

/* One element of which the parent is known; its number, -1 with an error set. */
static Py_ssize_t
added(Tree *tree, PyObject *path, Py_ssize_t parent)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(path), slash = PyUnicode_FindChar(path, '/', 0, length, -1);
    PyObject *segment = slash < -1 ? NULL : PyUnicode_Substring(path, slash + 1, length);
    PyObject *number = PyLong_FromSsize_t(tree->count);
    int64_t code = segment && number ? code_of(tree, segment) : FAILED;
    Py_ssize_t found = -1;
    if (code >= 0 && make_room(tree) == 0 && PyDict_SetItem(tree->number, path, number) == 0) {
        const Element *up = parent < 0 ? NULL : &tree->elements[parent];
        Element new = {.parent = parent, .heaviest = -1, .code = code, .level = up ? up->level + 1 : 0};
        new.never = up != NULL && (code & ALWAYS || up->never);
        new.anchored = up != NULL && (code & ANCHORED || up->anchored);
        tree->elements[found = tree->count++] = new;
    }
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "codes are not negative");
    Py_XDECREF(segment);
    Py_XDECREF(number);
    return found;
}

/* Number of a path; elements on the way to it that are new are added. -1: none, or an error is set. */
static Py_ssize_t
numbered(Tree *tree, PyObject *path)
{
    PyObject *known = PyDict_GetItemWithError(tree->number, path), *chain;
    if (known != NULL)
        return PyLong_AsSsize_t(known);
    if (PyErr_Occurred() || (chain = PyList_New(0)) == NULL)
        return -1;
    Py_INCREF(path);
    while (known == NULL && path != NULL && PyList_Append(chain, path) == 0) {
        Py_ssize_t slash = PyUnicode_FindChar(path, '/', 0, PyUnicode_GET_LENGTH(path), -1);
        Py_SETREF(path, slash < -1 ? NULL : PyUnicode_Substring(path, 0, slash < 0 ? 0 : slash));
        known = path ? PyDict_GetItemWithError(tree->number, path) : NULL;
        if (PyErr_Occurred())
            break;
    }
    Py_XDECREF(path);
    Py_ssize_t found = known ? PyLong_AsSsize_t(known) : -1;
    for (Py_ssize_t at = PyList_GET_SIZE(chain) - 1; known != NULL && at >= 0 && !PyErr_Occurred(); at--)
        found = added(tree, PyList_GET_ITEM(chain, at), found);
    Py_DECREF(chain);
    return found;
}

static int
read_tree(Tree *tree, PyObject *paths)
{
    PyObject *root = PyUnicode_New(0, 0), *none = PyLong_FromLong(-1);
    tree->number = PyDict_New();
    tree->n_blocks = PyList_GET_SIZE(paths);
    tree->of_block = PyMem_Calloc((size_t)tree->n_blocks + 1, sizeof(Py_ssize_t));
    if (tree->of_block == NULL)
        PyErr_NoMemory();
    else if (root && none && tree->number && PyDict_SetItem(tree->number, root, none) == 0)
        for (Py_ssize_t at = 0; at < tree->n_blocks && !PyErr_Occurred(); at++) {
            PyObject *path = PyList_GetItem(paths, at); /* checked: reading a segment runs Python */
            if (path != NULL && !PyUnicode_CheckExact(path))
                PyErr_SetString(PyExc_TypeError, "paths are strings");
            else if (path != NULL)
                tree->of_block[at] = numbered(tree, path);
        }
    Py_XDECREF(root);
    Py_XDECREF(none);
    return PyErr_Occurred() ? -1 : 0;
}

/* Weight of a text of which a share is links. */
static int64_t
text_mass(int64_t size, double linked)
{
    double free = 1.0 - (linked > 0.0 ? linked < 1.0 ? linked : 1.0 : 0.0);
    return (int64_t)((double)size * free * free * MASS);
}

/* Unlinked text with sentences in and below each element; returns all there is, -1 with an error set. */
static int64_t
mass_below(Tree *tree, PyObject *links, const int64_t *sizes, const char *bits)
{
    int64_t total = 0;
    for (Py_ssize_t at = 0; at < tree->n_blocks; at++) {
        Py_ssize_t element = tree->of_block[at];
        if (sizes[at] < MIN_TEXT || !(bits[at] & (SENTENCE | TEXT_LIKE))
            || (element >= 0 && tree->elements[element].never))
            continue;
        double linked = PyFloat_AsDouble(PyList_GET_ITEM(links, at));
        if (linked == -1.0 && PyErr_Occurred())
            return -1;
        int64_t mass = text_mass(sizes[at], linked);
        total += mass;
        if (element >= 0)
            tree->elements[element].mass += mass;
    }
    for (Py_ssize_t at = tree->count - 1; at > 0; at--)
        if (tree->elements[at].parent >= 0)
            tree->elements[tree->elements[at].parent].mass += tree->elements[at].mass;
    return total;
}

static int
is_technical(const Tree *tree, const char *bits)
{
    Py_ssize_t found = 0;
    for (Py_ssize_t at = 0; at < tree->n_blocks; at++) {
        Py_ssize_t element = tree->of_block[at];
        found += bits[at] & (FORMULA | TEXT_LIKE) || (element >= 0 && tree->elements[element].anchored);
    }
    return found >= TECHNICAL_BLOCKS;
}

static Py_ssize_t
main_container(Tree *tree)
{
    Element *elements = tree->elements;
    Py_ssize_t node = -1; /* the heaviest of those without a parent */
    for (Py_ssize_t at = 0; at < tree->count; at++) {
        Py_ssize_t element = elements[at].parent;
        if (element < 0 || elements[element].holds || elements[element].code & INNER)
            continue;
        elements[element].holds = 1;
        Py_ssize_t up = elements[element].parent, *best = up < 0 ? &node : &elements[up].heaviest;
        if (*best < 0 || elements[element].mass > elements[*best].mass)
            *best = element;
    }
    double least = node < 0 ? 0.0 : MAIN_SHARE * (double)elements[node].mass;
    while (node >= 0 && elements[node].heaviest >= 0) {
        double mass = (double)elements[elements[node].heaviest].mass;
        double wanted = BRANCH_SHARE * (double)elements[node].mass;
        wanted = wanted > least ? wanted : least;
        if (mass < wanted || wanted <= 0.0)
            break;
        node = elements[node].heaviest;
    }
    return node;
}

static Py_ssize_t
landmark(const Tree *tree, Py_ssize_t element)
{
    Py_ssize_t at = element;
    while (at >= 0 && !(tree->elements[at].code & LANDMARK))
        at = tree->elements[at].parent;
    return at < 0 ? element : at;
}

static void
count_places(Tree *tree, Py_ssize_t main, Py_ssize_t near, int64_t total)
{
    double trusted = MAIN_SHARE * (double)total;
    trusted = trusted > MAIN_CHARS * MASS ? trusted : MAIN_CHARS * MASS;
    for (Py_ssize_t at = 0; at < tree->count; at++) {
        Element *element = &tree->elements[at];
        int64_t place = element->parent < 0 ? 0 : tree->elements[element->parent].place;
        if (element->parent >= 0 && element->level <= TOP_ELEMENTS)
            place &= ~IS_COMMENT;
        if (element->level > 0 && element->level <= MAX_LEVELS && (element->never || (double)element->mass < trusted))
            place += element->code & COUNTS;
        place |= (at == main ? IN_MAIN : 0) | (at == near ? NEAR_MAIN : 0);
        element->place = place | (element->code & INHERITED);
    }
}

static PyObject *
placed(Tree *tree, PyObject *links, const Py_buffer *sizes, const Py_buffer *bits)
{
    if (PyList_GET_SIZE(links) != tree->n_blocks || sizes->len != tree->n_blocks * (Py_ssize_t)sizeof(int64_t)
        || bits->len != tree->n_blocks)
        return PyErr_Format(PyExc_ValueError, "columns of other lengths than %zd", tree->n_blocks);
    int64_t total = mass_below(tree, links, sizes->buf, bits->buf);
    if (total < 0)
        return NULL;
    int technical = is_technical(tree, bits->buf);
    Py_ssize_t main = main_container(tree), near = landmark(tree, main);
    count_places(tree, technical ? near : main, near, total);
    PyObject *found = PyBytes_FromStringAndSize(NULL, tree->n_blocks * (Py_ssize_t)sizeof(int64_t));
    if (found == NULL)
        return NULL;
    int64_t *into = (int64_t *)PyBytes_AS_STRING(found);
    for (Py_ssize_t at = 0; at < tree->n_blocks; at++) {
        Py_ssize_t element = tree->of_block[at];
        into[at] = element >= 0 ? tree->elements[element].place : tree->count ? 0 : IN_MAIN;
    }
    return Py_BuildValue("NO", found, technical ? Py_True : Py_False);
}

static PyObject *
places(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *paths, *links, *names, *result = NULL;
    Py_buffer sizes, bits;
    Tree tree = {0};
    if (!PyArg_ParseTuple(args, "O!O!y*y*O!OO:places", &PyList_Type, &paths, &PyList_Type, &links, &sizes, &bits,
                          &PyDict_Type, &tree.codes, &names, &tree.read))
        return NULL;
    if (read_names(names, &tree.names) == 0 && read_tree(&tree, paths) == 0)
        result = placed(&tree, links, &sizes, &bits);
    Py_XDECREF(tree.number);
    PyMem_Free(tree.elements);
    PyMem_Free(tree.of_block);
    PyBuffer_Release(&sizes);
    PyBuffer_Release(&bits);
    return result;
}
