/* Twin of ../hot in C: the same names, the same output byte for byte, several times faster. Read that first; its
   modules have their headers here.

   What keeps it safe: lists and strings are reached through the C API only; every list that C indexes without asking
   is made here, cannot be replaced from Python (READONLY) and is checked for emptiness; no recursion; memory is
   linear in the page. Objects hold no reference to what holds them, so they need no cycle collection. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define TWIN_VERSION 13
#define MAX_INDENTING_CONTAINERS 12
#define MAX_COLUMNS 1000
#define MAX_ROWSPAN 65534
#define FORMULA_OPEN 0xE000
#define HARD_BREAK 0xE002
#define INLINE_CODE_OPEN 0xE003
#define INLINE_CODE_CLOSE 0xE004
#define CODE_BLOCK_OPEN 0xE005
#define CODE_BLOCK_CLOSE 0xE006
#define FIRST_RESERVED 0xE000
#define LAST_RESERVED 0xE008

static PyObject *s_finish, *s_formula_kind, *s_enter_item, *s_open_special_span; /* the subclasses' methods */
static PyObject *s_spell_bars, *s_write_code, *s_add_field;
static PyObject *s_empty, *s_list, *s_table, *s_quote, *s_quote_mark, *s_definition_mark, *s_paragraph, *s_heading, *s_bullet, *s_bullet_rest, *s_space, *s_line, *s_gap;

/* One translation unit: each part uses those above it. */
#include "flow.h"
#include "text.h"
#include "formulas.h"
#include "tags.h"
#include "flags.h"
#include "walk.h"
#include "places.h"
#include "inline.h"
#include "rules.h"
#include "cells.h"
#include "pipes.h"
#include "table.h"
#include "markup.h"
#include "code.h"
#include "signs.h"
#include "utf8.h"
#include "dollars.h"
#include "normal.h"
#include "marks.h"
#include "delimiters.h"

/* --- the module --- */

static PyType_Slot flow_slots[] = {
    {Py_tp_new, flow_new},         {Py_tp_init, flow_init},       {Py_tp_dealloc, flow_dealloc},
    {Py_tp_methods, flow_methods}, {Py_tp_members, flow_members}, {0, NULL},
};
static PyType_Slot walk_slots[] = {
    {Py_tp_new, walk_new},         {Py_tp_init, walk_init},       {Py_tp_dealloc, walk_dealloc},
    {Py_tp_methods, walk_methods}, {Py_tp_members, walk_members}, {0, NULL},
};
static PyType_Slot table_slots[] = {{Py_tp_new, table_new}, {Py_tp_dealloc, table_dealloc}, {0, NULL}};
static PyType_Slot finder_slots[] = {
    {Py_tp_new, finder_new},         {Py_tp_dealloc, finder_dealloc}, {Py_tp_methods, finder_methods},
    {Py_tp_members, finder_members}, {0, NULL},
};
static PyType_Slot delimiters_slots[] = {
    {Py_tp_new, delimiters_new}, {Py_tp_dealloc, delimiters_dealloc}, {Py_tp_methods, delimiters_methods}, {0, NULL},
};

#define TYPE_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE)
static PyType_Spec flow_spec = {"extractors.layout._hot.FlowBase", sizeof(Flow), 0, TYPE_FLAGS, flow_slots};
static PyType_Spec walk_spec = {"extractors.layout._hot.WalkBase", sizeof(Walk), 0, TYPE_FLAGS, walk_slots};
static PyType_Spec table_spec = {"extractors.layout._hot.TagTable", sizeof(TagTable), 0, Py_TPFLAGS_DEFAULT,
                                 table_slots};
static PyType_Spec finder_spec = {"extractors.layout._hot.SignFinder", sizeof(Finder), 0, Py_TPFLAGS_DEFAULT,
                                  finder_slots};
static PyType_Spec delimiters_spec = {"extractors.layout._hot.Delimiters", sizeof(Delimiters), 0, Py_TPFLAGS_DEFAULT,
                                      delimiters_slots};

static int
make_strings(void)
{
    static const struct {
        PyObject **place;
        const char *text;
    } strings[] = {
        {&s_finish, "finish"},       {&s_formula_kind, "formula_kind"},
        {&s_empty, ""},                {&s_list, "list"},           {&s_open_special_span, "open_special_span"},
        {&s_bullet, "- "},             {&s_bullet_rest, "  "},      {&s_enter_item, "enter_item"},
        {&s_paragraph, "paragraph"},   {&s_heading, "heading"},     {&s_space, " "},
        {&s_line, "\n"},               {&s_gap, "\n\n"},          {&s_table, "table"},
        {&s_quote, "quote"},           {&s_quote_mark, "> "},      {&s_definition_mark, ": "},
        {&s_spell_bars, "spell_bars"}, {&s_write_code, "write_code"}, {&s_add_field, "add_field"},
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
    {"code_lines", code_lines, METH_VARARGS, NULL},
    {"trimmed", trimmed, METH_O, NULL},
    {"looks_like_prose", looks_like_prose, METH_O, NULL},
    {"decode_utf8", decode_utf8, METH_O, NULL},
    {"to_pipe", to_pipe, METH_O, NULL},
    {"to_lines", to_lines, METH_O, NULL},
    {"plain_tex", plain_tex, METH_O, NULL},
    RULES(LIST_RULE){NULL},
};

static struct PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, "_hot", NULL, -1, module_methods};

/* A page's memory is given back in one piece, which glibc returns to the system at once and asks for again with the
   next page, a sixth of its time. These are the limits that glibc itself comes to after its first block of 32 MB;
   MALLOC_TRIM_THRESHOLD_ in the environment sets another. */
static void
keep_freed_memory(void)
{
#ifdef __GLIBC__
    if (getenv("MALLOC_TRIM_THRESHOLD_") == NULL && getenv("MALLOC_MMAP_THRESHOLD_") == NULL) {
        mallopt(M_MMAP_THRESHOLD, 32 << 20);
        mallopt(M_TRIM_THRESHOLD, 64 << 20);
    }
#endif
}

PyMODINIT_FUNC
PyInit__hot(void)
{
    keep_freed_memory();
    PyObject *module = PyModule_Create(&module_definition);
    if (module == NULL)
        return NULL;
    int failed = 0;
    for (int rule = 1; rule < RULE_COUNT; rule++)
        failed |= (rule_objects[rule] = PyObject_GetAttrString(module, RULE_NAMES[rule])) == NULL;
    if (failed || make_strings() < 0 || (flow_type = add_type(module, &flow_spec)) == NULL ||
        (walk_type = add_type(module, &walk_spec)) == NULL || (table_type = add_type(module, &table_spec)) == NULL ||
        add_type(module, &finder_spec) == NULL || add_type(module, &delimiters_spec) == NULL ||
        PyModule_AddIntConstant(module, "TWIN_VERSION", TWIN_VERSION) < 0)
        Py_CLEAR(module);
    return module;
}
