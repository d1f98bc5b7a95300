"""Which LaTeX commands are synonyms, appearance only, alphabets, environments: the tables of `canonical`."""

from __future__ import annotations

_DROPPED = r"""
\displaystyle \textstyle \scriptstyle \scriptscriptstyle \limits \nolimits \left \right \middle \big \Big \bigg \Bigg
\bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr \bigm \Bigm \biggm \Biggm \, \! \; \: \> \quad \qquad \enspace
\thinspace \medspace \thickspace \negthinspace \negmedspace \negthickspace \space \nobreakspace \nobreak \allowbreak
\mathstrut \strut \null \relax \nonumber \notag \hfill \hfil \hline \hdashline \normalsize \small \large \Large \LARGE
\huge \Huge \tiny \scriptsize \footnotesize \ensuremath \noindent \par \protect \mathord \mathbin \mathrel
\mathopen \mathclose \mathpunct \mathinner \/ ~
"""
_EQUAL = r"""
\le=\leq \ge=\geq \ne=\neq \to=\rightarrow \gets=\leftarrow \lbrace=\{ \rbrace=\} \lvert=| \rvert=| \vert=| \mid=|
\lVert=\| \rVert=\| \Vert=\| \parallel=\| \lbrack=[ \rbrack=] \dfrac=\frac \tfrac=\frac \cfrac=\frac \dbinom=\binom
\tbinom=\binom \land=\wedge \lor=\vee \lnot=\neg \leqslant=\leq \geqslant=\geq \iff=\Leftrightarrow
\implies=\Rightarrow \impliedby=\Leftarrow \Longrightarrow=\Rightarrow \Longleftarrow=\Leftarrow
\Longleftrightarrow=\Leftrightarrow \longrightarrow=\rightarrow \longleftarrow=\leftarrow
\longleftrightarrow=\leftrightarrow \longmapsto=\mapsto \cdots=\ldots \dots=\ldots \dotsc=\ldots \dotsb=\ldots
\dotsm=\ldots \dotsi=\ldots \dotso=\ldots \hdots=\ldots \colon=: \lt=< \gt=> \ast=* \owns=\ni \emptyset=\varnothing
\empty=\varnothing \hslash=\hbar \Box=\square \Diamond=\lozenge \lhd=\vartriangleleft \rhd=\vartriangleright
\unlhd=\trianglelefteq \unrhd=\trianglerighteq \doublecap=\Cap \doublecup=\Cup \restriction=\upharpoonright
\thicksim=\sim \thickapprox=\approx \dag=\dagger \ddag=\ddagger \smallsetminus=\setminus \Join=\bowtie
\bigtriangleup=\triangle \vartriangle=\triangle \vDash=\models \bot=\perp \cr=\\ \newline=\\ \tabularnewline=\\
\widehat=\hat \widetilde=\tilde \widecheck=\check \overrightarrow=\vec \overline=\bar \bm=\mathbf \boldsymbol=\mathbf
\pmb=\mathbf \bold=\mathbf \textbf=\mathbf \Bbb=\mathbb \mathscr=\mathcal \frak=\mathfrak \textrm=\mathrm \text=\mathrm
\mbox=\mathrm \hbox=\mathrm \textnormal=\mathrm \textup=\mathrm \textit=\mathit \emph=\mathit \texttt=\mathtt
\textsf=\mathsf \operatorname*=\operatorname \operatornamewithlimits=\operatorname \stackrel=\overset
\sp=^ \sb=_ \R=\mathbb{R} \N=\mathbb{N} \Z=\mathbb{Z} \Q=\mathbb{Q} \C=\mathbb{C} \backslash=\setminus \cdotp=\cdot
\centerdot=\cdot \fbox=\boxed \ulcorner=\ulcorner \thetasym=\vartheta \infin=\infty \sdot=\cdot \bull=\bullet
\exist=\exists \isin=\in \plusmn=\pm \Alpha=A \Beta=B \Epsilon=E \Zeta=Z \Eta=H \Iota=I \Kappa=K \Mu=M \Nu=N \Omicron=O
\Rho=P \Tau=T \Chi=X \omicron=o
"""


def _synonyms() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = dict.fromkeys([*_DROPPED.split(), "\\ "], ())
    for entry in _EQUAL.split():
        name, _, value = entry.partition("=")
        table[name] = (value,)
    for letter in "RNZQC":
        table[f"\\{letter}"] = ("\\mathbb", letter)
    return table


# Token -> what it is canonically; () drops it.
SYNONYMS = _synonyms()
DROPPED_WITH_ARGUMENTS = {
    "\\hspace": 1,
    "\\vspace": 1,
    "\\hskip": 0,
    "\\label": 1,
    "\\tag": 1,
    "\\color": 1,
    "\\rule": 2,
    "\\hphantom": 1,
    "\\vphantom": 1,
    "\\phantom": 1,
    "\\definecolor": 3,
    "\\require": 1,
    "\\cline": 1,
}
TRANSPARENT = frozenset(
    {"\\mathop", "\\smash", "\\mathrlap", "\\mathllap", "\\mathclap", "\\rlap", "\\llap", "\\mathstrut"}
)
_ACCENTS = r"""
\hat \tilde \bar \vec \dot \ddot \dddot \ddddot \check \breve \acute \grave \mathring \underline \overbrace \underbrace
\overbracket \underbracket \overparen \underparen \overleftarrow \overleftrightarrow \underrightarrow \underleftarrow
\underleftrightarrow \boxed \cancel \bcancel \xcancel \sout \substack \utilde \pmod \pod \ce
"""
ONE_ARGUMENT = frozenset(_ACCENTS.split())
TWO_ARGUMENTS = frozenset({"\\frac", "\\overset", "\\underset"})
_ARROWS = r"""
\xrightarrow \xleftarrow \xleftrightarrow \xRightarrow \xLeftarrow \xLeftrightarrow \xmapsto \xhookrightarrow
\xhookleftarrow \xrightharpoonup \xleftharpoonup \xrightleftharpoons \xleftrightharpoons \xlongequal
"""
ARROWS = frozenset(_ARROWS.split())
ALPHABET_COMMANDS = frozenset(f"\\math{name}" for name in ("rm", "bf", "it", "bb", "cal", "frak", "sf", "tt"))
ALPHABETS = {
    "bold": "\\mathbf",
    "bold-italic": "\\mathbf",
    "double-struck": "\\mathbb",
    "script": "\\mathcal",
    "bold-script": "\\mathcal",
    "fraktur": "\\mathfrak",
    "bold-fraktur": "\\mathfrak",
    "sans-serif": "\\mathsf",
    "bold-sans-serif": "\\mathsf",
    "sans-serif-italic": "\\mathsf",
    "sans-serif-bold-italic": "\\mathsf",
    "monospace": "\\mathtt",
}
SWITCHES = {
    "\\rm": "\\mathrm",
    "\\bf": "\\mathbf",
    "\\boldmath": "\\mathbf",
    "\\it": "\\mathit",
    "\\mit": "",
    "\\cal": "\\mathcal",
    "\\scr": "\\mathcal",
    "\\sf": "\\mathsf",
    "\\tt": "\\mathtt",
}
INFIX = {
    "\\over": "\\frac{%s}{%s}",
    "\\choose": "(\\atop{%s}{%s})",
    "\\atop": "\\atop{%s}{%s}",
    "\\brack": "[\\atop{%s}{%s}]",
    "\\brace": "\\{\\atop{%s}{%s}\\}",
}
PLAIN_ENVIRONMENTS = frozenset({"equation", "displaymath", "math", "subequations"})
WITH_ARGUMENT = frozenset({"array", "subarray", "alignat", "alignedat", "tabular"})
FENCED_ENVIRONMENTS = {
    "pmatrix": ("(", ")"),
    "bmatrix": ("[", "]"),
    "Bmatrix": ("\\{", "\\}"),
    "vmatrix": ("|", "|"),
    "Vmatrix": ("\\|", "\\|"),
    "cases": ("\\{", ""),
    "dcases": ("\\{", ""),
    "rcases": ("", "\\}"),
}
