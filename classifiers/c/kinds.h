/* Kinds of characters: a table for the first 128, questions for the others. */

enum { SPACE = 1, WORD = 2, COMMON = 4, APART = 8, NO_WORD = 16, STOP = 32 };

static unsigned char kinds[128]; /* filled by know_kinds */
static unsigned char plain[128]; /* what hot.py's _TABLE makes of lower-case text */

static int
is_unspaced(Py_UCS4 character) /* hot.py: _UNSPACED */
{
    return (character >= 0xE00 && character <= 0xE7F) || (character >= 0x1000 && character <= 0x109F)
           || (character >= 0x1780 && character <= 0x17FF) || (character >= 0x3040 && character <= 0x30FF)
           || (character >= 0x3400 && character <= 0x9FFF) || (character >= 0xF900 && character <= 0xFAFF);
}

static int
is_one_of(int character, const char *signs)
{
    return character && strchr(signs, character) != NULL;
}

static void
know_kinds(void)
{
    for (int at = 0; at < 128; at++) {
        int word = Py_ISALNUM(at) || at == '_', apart = is_one_of(at, "()[]=;:<>+/");
        kinds[at] = (unsigned char)((Py_UNICODE_ISSPACE((Py_UCS4)at) ? SPACE : 0) | (word ? WORD : 0)
                                    | (is_one_of(at, ".,;:!?'\"()-%/&+=<>*$") ? COMMON : 0) | (apart ? APART : 0)
                                    | (is_one_of(at, "0123456789_#|*>`=+-") ? NO_WORD : 0)
                                    | (is_one_of(at, ".!?:;") ? STOP : 0));
        plain[at] = (unsigned char)(at >= '0' && at <= '9' ? '0' : word || apart ? at : ' ');
    }
}

static inline int
is_space(Py_UCS4 character)
{
    return character < 128 ? kinds[character] & SPACE : Py_UNICODE_ISSPACE(character);
}
