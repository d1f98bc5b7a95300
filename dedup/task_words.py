"""Which words of a task say the same, which say nothing: the tables of `item_words`."""

from __future__ import annotations

from pipeline.text.latex import names

_LAYOUT = r"""
\frac \ldots \vdots \ddots \cdot \times \ast \bullet \overset \underset \over \displaystyle \textstyle \operatorname
\text \textbf \textit \textrm \emph \item \hline \boldsymbol \bm \n \t
"""
DROPPED_COMMANDS = (  # what writes a formula down but is not part of what it says, multiplication signs included
    names.ALPHABET_COMMANDS
    | (names.ONE_ARGUMENT - {"\\pmod", "\\pod", "\\ce"})
    | names.TRANSPARENT
    | frozenset(names.DROPPED_WITH_ARGUMENTS)
    | frozenset(names.SWITCHES)
    | frozenset(_LAYOUT.split())
)
NAMES = {
    "\\surd": "sqrt",
    "\\pmod": "mod",
    "\\bmod": "mod",
    "\\pod": "mod",
    "\\varphi": "phi",
    "\\varepsilon": "epsilon",
}
SIGNS = frozenset({"+", "-", "=", "<", ">", "%", "leq", "geq", "neq"})
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
# Words of tasks and quantities that may stand for each other without changing what is asked.
_SYNONYMS = """
find determine compute calculate evaluate obtain
largest greatest biggest maximum maximal
smallest least minimum minimal
each every
write create implement develop
function routine method procedure program
given supplied provided
buy purchase
bought purchased
total sum altogether
person persons people
suppose assume
minute minutes min mins
hour hours hr hrs
mile miles mi
kilogram kilograms kg
kilometer kilometers kilometre kilometres km
meter meters metre metres
centimeter centimeters centimetre centimetres cm
student students pupil pupils
remaining left
make makes produce produces
show prove demonstrate
"""
SAME = {
    **{word: line.split()[0] for line in _SYNONYMS.strip().splitlines() for word in line.split()},
    **{word: str(value) for value, word in enumerate(_UNITS.split())},
    **{word: str(10 * value) for value, word in enumerate(_TENS.split(), 2)},
    "percent": "%",
    "pct": "%",
    "<=": "leq",
    ">=": "geq",
    "!=": "neq",
    "->": "rightarrow",
}
_COMMON = """
a an the of in on at to for from by with and or is are was were be been has have had do does did it its this that these
those as if then than what which who how many much when where there he she they his her their him them you your we our i
not no can could will would should may s t
"""
COMMON_WORDS = frozenset(_COMMON.split())
