/* --- the rules by number, and as functions for rules.py, which may call them or name them in its table --- */

#define RULES(rule)                                                                                                    \
    rule(flush) rule(open_block) rule(close_block) rule(open_link) rule(close_link) rule(open_bullets)                 \
    rule(close_list) rule(open_item) rule(close_container) rule(close_heading) rule(line_break) rule(space)            \
    rule(open_span) rule(close_span) rule(open_row) rule(open_cell) rule(close_cell) rule(open_code)                   \
    rule(close_opened) rule(open_definition) rule(open_quote) rule(close_quote) rule(open_image) rule(open_field)      \
    rule(open_pre) rule(open_table) rule(close_table) rule(close_lined_table)

#define NUMBER_RULE(name) RULE_##name,
#define NAME_RULE(name) [RULE_##name] = #name,
#define POINT_TO_RULE(name) [RULE_##name] = name,
#define LIST_RULE(name) {#name, (PyCFunction)(void (*)(void))rule_##name, METH_FASTCALL, NULL},
#define DEFINE_RULE(name)                                                                                              \
    static PyObject *rule_##name(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)                 \
    {                                                                                                                  \
        return rule_function(name, args, count);                                                                       \
    }

enum { NO_RULE, RULES(NUMBER_RULE) RULE_COUNT };
typedef int (*Rule)(Walk *, const Head *);
static const Rule RULE_FUNCTIONS[RULE_COUNT] = {RULES(POINT_TO_RULE)};
static const char *RULE_NAMES[RULE_COUNT] = {RULES(NAME_RULE)};
static PyObject *rule_objects[RULE_COUNT]; /* kept for the life of the process */

static PyObject *
rule_function(Rule rule, PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !PyObject_TypeCheck(args[0], walk_type) || !PyUnicode_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "rules take a walk, a start tag and a place");
        return NULL;
    }
    Py_ssize_t size = PyUnicode_GET_LENGTH(args[1]), name = PyUnicode_FindChar(args[1], ' ', 0, size, 1);
    Head head = {args[1], 0, name < 0 ? size : name, size, PyNumber_AsSsize_t(args[2], PyExc_OverflowError)};
    if (PyErr_Occurred())
        return NULL;
    if (head.after < 0 || head.after > PyUnicode_GET_LENGTH(((Walk *)args[0])->markup)) {
        PyErr_SetString(PyExc_ValueError, "a place lies in the markup");
        return NULL;
    }
    if (!is_ready((Walk *)args[0]) || rule((Walk *)args[0], &head) < 0)
        return NULL;
    Py_RETURN_NONE;
}

RULES(DEFINE_RULE)
