"""AsciiMath's vocabulary (asciimath.org, "Syntax") as LaTeX: one table per kind of token."""

from __future__ import annotations

from pipeline.text.latex.symbols import FUNCTIONS as SHARED_FUNCTIONS

_CONSTANTS = r"""
+ + | - - | * \cdot | ** \ast | *** \star | // / | \\ \backslash | setminus \setminus | xx \times | |>< \ltimes
><| \rtimes | |><| \bowtie | -: \div | divide \div | @ \circ | o+ \oplus | ox \otimes | o. \odot | sum \sum | prod \prod
^^ \wedge | ^^^ \bigwedge | vv \vee | vvv \bigvee | nn \cap | nnn \bigcap | uu \cup | uuu \bigcup | != \neq | := :=
lt < | <= \leq | le \leq | lt= \leq | gt > | mlt \ll | mgt \gg | >= \geq | ge \geq | gt= \geq | -< \prec | -lt \prec
>- \succ | -<= \preceq | >-= \succeq | in \in | !in \notin | sub \subset | sup \supset | sube \subseteq | supe \supseteq
-= \equiv | ~= \cong | ~~ \approx | ~ \sim | prop \propto | not \neg | => \implies | <=> \iff | iff \iff
AA \forall | EE \exists
_|_ \bot | TT \top | |-- \vdash | |== \models | int \int | oint \oint | del \partial | grad \nabla | +- \pm | -+ \mp
O/ \emptyset | oo \infty | aleph \aleph | ... \ldots | :. \therefore | :' \because | /_ \angle | /_\ \triangle
frown \frown | cdots \cdots | vdots \vdots | ddots \ddots | quad \quad | qquad \qquad
diamond \diamond | square \square
CC \mathbb{C} | NN \mathbb{N} | QQ \mathbb{Q} | RR \mathbb{R} | ZZ \mathbb{Z} | uarr \uparrow | darr \downarrow
rarr \rightarrow | -> \to | >-> \rightarrowtail | ->> \twoheadrightarrow | >->> \twoheadrightarrowtail | |-> \mapsto
larr \leftarrow | harr \leftrightarrow | rArr \Rightarrow | lArr \Leftarrow | hArr \Leftrightarrow | prime \prime | ' '
alpha \alpha | beta \beta | chi \chi | delta \delta | Delta \Delta | epsi \epsilon | epsilon \epsilon
varepsilon \varepsilon | eta \eta | gamma \gamma | Gamma \Gamma | iota \iota | kappa \kappa
lambda \lambda | lamda \lambda
Lambda \Lambda | Lamda \Lambda | mu \mu | nu \nu | omega \omega | Omega \Omega | phi \phi | varphi \varphi | Phi \Phi
pi \pi | Pi \Pi
psi \psi | Psi \Psi | rho \rho | sigma \sigma | Sigma \Sigma | tau \tau | theta \theta | vartheta \vartheta
Theta \Theta | upsilon \upsilon | xi \xi | Xi \Xi | zeta \zeta | subset \subset | supset \supset | subseteq \subseteq
supseteq \supseteq | times \times | div \div | circ \circ | oplus \oplus | otimes \otimes | odot \odot | wedge \wedge
bigwedge \bigwedge | vee \vee | bigvee \bigvee | cap \cap | bigcap \bigcap | cup \cup | bigcup \bigcup | ne \neq
leq \leq | geq \geq | ll \ll | gg \gg | prec \prec | succ \succ | preceq \preceq | succeq \succeq | notin \notin
equiv \equiv | cong \cong | approx \approx | sim \sim | propto \propto | neg \neg | implies \implies | forall \forall
exists \exists | bot \bot | top \top | vdash \vdash | models \models | partial \partial | nabla \nabla | pm \pm | mp \mp
emptyset \emptyset | infty \infty | therefore \therefore | because \because | angle \angle | triangle \triangle
uparrow \uparrow | downarrow \downarrow | rightarrow \rightarrow | to \to | rightarrowtail \rightarrowtail
twoheadrightarrow \twoheadrightarrow | mapsto \mapsto | leftarrow \leftarrow | leftrightarrow \leftrightarrow
Rightarrow \Rightarrow | Leftarrow \Leftarrow | Leftrightarrow \Leftrightarrow | cdot \cdot | ast \ast | star \star
ltimes \ltimes | rtimes \rtimes | bowtie \bowtie | ldots \ldots | hbar \hbar | ell \ell | dx dx | dy dy | dz dz | dt dt
and \text{ and } | or \text{ or } | if \text{if } | % \% | # \# | $ \$ | & \&
"""


def _table(text: str) -> dict[str, str]:
    """Entries `name latex`, set apart by ` | ` or a line end; names may hold bars themselves."""
    entries = (entry.strip().split(" ", 1) for line in text.strip().splitlines() for entry in line.split(" | "))
    table = {entry[0]: entry[1] for entry in entries if len(entry) == 2}
    return table | {"and": "\\text{ and }", "or": "\\text{ or }", "if": "\\text{if }", "\\ ": "\\ "}


CONSTANTS = _table(_CONSTANTS)

_FUNCTION_NAMES = """
sin cos tan sinh cosh tanh cot sec csc arcsin arccos arctan coth sech csch exp log ln det gcd lcm Sin Cos Tan Log Ln
Arcsin Arccos Arctan Sinh Cosh Tanh Cot Sec Csc
"""
_BUILT_IN = frozenset(_FUNCTION_NAMES.split()) & SHARED_FUNCTIONS
FUNCTIONS = {
    name: f"\\{name}" if name in _BUILT_IN else f"\\operatorname{{{name}}}" for name in _FUNCTION_NAMES.split()
}
FUNCTIONS |= {"f": "f", "g": "g"}

# Operators that take limits but no argument.
CONSTANTS |= {
    "lim": "\\lim",
    "Lim": "\\operatorname*{Lim}",
    "max": "\\max",
    "min": "\\min",
    "lub": "\\operatorname{lub}",
    "glb": "\\operatorname{glb}",
    "mod": "\\bmod",
    "dim": "\\dim",
    ":|:": "|",
}

UNARY = {
    "sqrt": "\\sqrt{%s}",
    "abs": "\\left|%s\\right|",
    "Abs": "\\left|%s\\right|",
    "norm": "\\left\\|%s\\right\\|",
    "floor": "\\left\\lfloor %s\\right\\rfloor",
    "ceil": "\\left\\lceil %s\\right\\rceil",
    "hat": "\\hat{%s}",
    "bar": "\\overline{%s}",
    "overline": "\\overline{%s}",
    "vec": "\\vec{%s}",
    "tilde": "\\tilde{%s}",
    "dot": "\\dot{%s}",
    "ddot": "\\ddot{%s}",
    "overarc": "\\overparen{%s}",
    "overparen": "\\overparen{%s}",
    "ul": "\\underline{%s}",
    "underline": "\\underline{%s}",
    "ubrace": "\\underbrace{%s}",
    "underbrace": "\\underbrace{%s}",
    "obrace": "\\overbrace{%s}",
    "overbrace": "\\overbrace{%s}",
    "cancel": "\\cancel{%s}",
    "bb": "\\mathbf{%s}",
    "mathbf": "\\mathbf{%s}",
    "sf": "\\mathsf{%s}",
    "mathsf": "\\mathsf{%s}",
    "bbb": "\\mathbb{%s}",
    "mathbb": "\\mathbb{%s}",
    "cc": "\\mathcal{%s}",
    "mathcal": "\\mathcal{%s}",
    "tt": "\\mathtt{%s}",
    "mathtt": "\\mathtt{%s}",
    "fr": "\\mathfrak{%s}",
    "mathfrak": "\\mathfrak{%s}",
}
BINARY = {
    "frac": "\\frac{%s}{%s}",
    "root": "\\sqrt[%s]{%s}",
    "stackrel": "\\overset{%s}{%s}",
    "overset": "\\overset{%s}{%s}",
    "underset": "\\underset{%s}{%s}",
}
TEXT = frozenset({"text", "mbox"})
STYLED = frozenset({"color", "class", "id"})

LEFT = {
    "left(": "(",
    "left[": "[",
    "(": "(",
    "[": "[",
    "{": "\\{",
    "(:": "\\langle",
    "<<": "\\langle",
    "langle": "\\langle",
    "{:": ".",
    "|__": "\\lfloor",
    "lfloor": "\\lfloor",
    "|~": "\\lceil",
    "lceil": "\\lceil",
}
RIGHT = {
    "right)": ")",
    "right]": "]",
    ")": ")",
    "]": "]",
    "}": "\\}",
    ":)": "\\rangle",
    ">>": "\\rangle",
    "rangle": "\\rangle",
    ":}": ".",
    "__|": "\\rfloor",
    "rfloor": "\\rfloor",
    "~|": "\\rceil",
    "rceil": "\\rceil",
}
NAMES = frozenset(
    {*CONSTANTS, *FUNCTIONS, *UNARY, *BINARY, *TEXT, *STYLED, *LEFT, *RIGHT, "/", "^", "_", "|", ",", "||"}
)
LONGEST = max(map(len, NAMES))
