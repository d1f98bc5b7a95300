/* Twin of hot.py in C: the same names, the same output byte for byte, several times faster. Read hot.py first; one header here per part of it.

   What keeps it safe: lists and strings are reached through the C API only; every list that C indexes without asking
   is made here, cannot be replaced from Python (READONLY) and is checked for emptiness; no recursion; memory is
   linear in the page. Objects hold no reference to what holds them, so they need no cycle collection. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define TWIN_VERSION 4
#define MAX_INDENTING_CONTAINERS 12
#define FORMULA_OPEN 0xE000
#define HARD_BREAK 0xE002
#define FIRST_RESERVED 0xE000
#define LAST_RESERVED 0xE008

static PyObject *s_expand, *s_finish, *s_formula_kind, *s_write_cell, *s_enter_item; /* methods of the subclasses */
static PyObject *s_empty, *s_list, *s_paragraph, *s_bullet, *s_bullet_rest, *s_space, *s_break, *s_line, *s_gap;
static PyObject *s_href, *s_id, *s_class, *s_heading, *s_block, *s_classifier, *s_open_special_span, *s_open_data_row, *s_open_data_cell, *s_close_data_cell;

/* One translation unit: each part uses those above it. */
#include "flow.h"
#include "text.h"
#include "walk.h"
#include "rules.h"
#include "markup.h"
#include "signs.h"

/* --- the module --- */

static PyType_Slot flow_slots[] = {
    {Py_tp_new, flow_new},         {Py_tp_init, flow_init},       {Py_tp_dealloc, flow_dealloc},
    {Py_tp_methods, flow_methods}, {Py_tp_members, flow_members}, {0, NULL},
};
static PyType_Slot walk_slots[] = {
    {Py_tp_new, walk_new},         {Py_tp_init, walk_init},       {Py_tp_dealloc, walk_dealloc},
    {Py_tp_methods, walk_methods}, {Py_tp_members, walk_members}, {0, NULL},
};
static PyType_Slot rules_slots[] = {{Py_tp_new, rules_new}, {Py_tp_dealloc, rules_dealloc}, {0, NULL}};
static PyType_Slot finder_slots[] = {
    {Py_tp_new, finder_new},         {Py_tp_dealloc, finder_dealloc}, {Py_tp_methods, finder_methods},
    {Py_tp_members, finder_members}, {0, NULL},
};

#define TYPE_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE)
static PyType_Spec flow_spec = {"extractors.layout._hot.FlowBase", sizeof(Flow), 0, TYPE_FLAGS, flow_slots};
static PyType_Spec walk_spec = {"extractors.layout._hot.WalkBase", sizeof(Walk), 0, TYPE_FLAGS, walk_slots};
static PyType_Spec rules_spec = {"extractors.layout._hot.Rules", sizeof(Rules), 0, Py_TPFLAGS_DEFAULT, rules_slots};
static PyType_Spec finder_spec = {"extractors.layout._hot.SignFinder", sizeof(Finder), 0, Py_TPFLAGS_DEFAULT,
                                  finder_slots};

static int
make_strings(void)
{
    static const struct {
        PyObject **place;
        const char *text;
    } strings[] = {
        {&s_expand, "expand"},         {&s_finish, "finish"},       {&s_formula_kind, "formula_kind"},
        {&s_write_cell, "write_cell"}, {&s_empty, ""},              {&s_enter_item, "enter_item"},
        {&s_list, "list"},             {&s_paragraph, "paragraph"}, {&s_bullet, "- "},
        {&s_bullet_rest, "  "},        {&s_space, " "},             {&s_break, "\xee\x80\x82"},
        {&s_line, "\n"},               {&s_gap, "\n\n"},            {&s_href, " href=\""},
        {&s_id, " id=\""},
        {&s_class, " class=\""},
        {&s_heading, "heading"},
        {&s_block, "block"},
        {&s_classifier, "classifier"},
        {&s_open_special_span, "open_special_span"},
        {&s_open_data_row, "open_data_row"},
        {&s_open_data_cell, "open_data_cell"},
        {&s_close_data_cell, "close_data_cell"},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if ((*strings[i].place = PyUnicode_InternFromString(strings[i].text)) == NULL)
            return -1;
    return 0;
}

static PyTypeObject *
add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(spec);
    if (type != NULL && PyModule_AddType(module, type) < 0)
        Py_CLEAR(type);
    return type; /* kept for the life of the process */
}

static PyMethodDef module_methods[] = {
    {"lay_out_markup", lay_out_markup, METH_VARARGS, NULL},
    RULES(LIST_RULE){NULL},
};

static struct PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, "_hot", NULL, -1, module_methods};

PyMODINIT_FUNC
PyInit__hot(void)
{
    PyObject *module = PyModule_Create(&module_definition);
    if (module == NULL)
        return NULL;
    int failed = 0;
    for (int rule = 1; rule < RULE_COUNT; rule++)
        failed |= (rule_objects[rule] = PyObject_GetAttrString(module, RULE_NAMES[rule])) == NULL;
    if (failed || make_strings() < 0 || (flow_type = add_type(module, &flow_spec)) == NULL ||
        (walk_type = add_type(module, &walk_spec)) == NULL || (rules_type = add_type(module, &rules_spec)) == NULL ||
        add_type(module, &finder_spec) == NULL ||
        PyModule_AddIntConstant(module, "TWIN_VERSION", TWIN_VERSION) < 0)
        Py_CLEAR(module);
    return module;
}
