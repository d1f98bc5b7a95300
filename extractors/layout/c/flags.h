/* --- a stack of truths --- */

typedef struct {
    char *data;
    Py_ssize_t length, room;
} Flags;

static int
push_flag(Flags *flags, int flag)
{
    if (flags->length == flags->room) {
        char *data = PyMem_Realloc(flags->data, (size_t)flags->room * 2 + 64);
        if (data == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        flags->data = data;
        flags->room = flags->room * 2 + 64;
    }
    flags->data[flags->length++] = (char)flag;
    return 0;
}

static int
pop_flag(Flags *flags) /* false where none is left */
{
    return flags->length > 0 && flags->data[--flags->length];
}
