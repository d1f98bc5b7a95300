"""Unicode mathematics and its LaTeX names: symbols, alphabets, accents, function names.

The names are those of the unicode-math table that KaTeX, MathJax and Temml share, so that what is written with them
renders everywhere.
"""

from __future__ import annotations

_TABLE = r"""
≇\ncong ▴\blacktriangle ▾\blacktriangledown ◼\blacksquare ◂\blacktriangleleft ▸\blacktriangleright
£\pounds ¥\yen ¦| §\S ¬\neg ®\circledR °^{\circ} ±\pm µ\mu ¶\P ·\cdot ×\times ð\eth ÷\div ħ\hbar ı\imath ȷ\jmath
Γ\Gamma Δ\Delta Θ\Theta Λ\Lambda Ξ\Xi Π\Pi Σ\Sigma Υ\Upsilon Φ\Phi Ψ\Psi Ω\Omega α\alpha β\beta γ\gamma δ\delta
ε\varepsilon ζ\zeta η\eta θ\theta ι\iota κ\kappa λ\lambda μ\mu ν\nu ξ\xi οo π\pi ρ\rho ς\varsigma σ\sigma τ\tau
υ\upsilon φ\varphi χ\chi ψ\psi ω\omega ϑ\vartheta ϕ\phi ϖ\varpi ϝ\digamma ϰ\varkappa ϱ\varrho ϵ\epsilon ‖\|
†\dagger ‡\ddagger •\bullet …\ldots ′\prime ‵\backprime ⁎* ℏ\hbar ℑ\Im ℓ\ell ℘\wp ℜ\Re ℧\mho ℩\iota Ⅎ\Finv
ℵ\aleph ℶ\beth ℷ\gimel ℸ\daleth ⅁\Game ←\leftarrow ↑\uparrow →\rightarrow ↓\downarrow ↔\leftrightarrow
↕\updownarrow ↖\nwarrow ↗\nearrow ↘\searrow ↙\swarrow ↚\nleftarrow ↛\nrightarrow ↞\twoheadleftarrow
↠\twoheadrightarrow ↢\leftarrowtail ↣\rightarrowtail ↦\mapsto ↩\hookleftarrow ↪\hookrightarrow ↫\looparrowleft
↬\looparrowright ↭\leftrightsquigarrow ↮\nleftrightarrow ↰\Lsh ↱\Rsh ↶\curvearrowleft ↷\curvearrowright
↺\circlearrowleft ↻\circlearrowright ↼\leftharpoonup ↽\leftharpoondown ↾\upharpoonright ↿\upharpoonleft
⇀\rightharpoonup ⇁\rightharpoondown ⇂\downharpoonright ⇃\downharpoonleft ⇄\rightleftarrows ⇆\leftrightarrows
⇇\leftleftarrows ⇈\upuparrows ⇉\rightrightarrows ⇊\downdownarrows ⇋\leftrightharpoons ⇌\rightleftharpoons
⇍\nLeftarrow ⇎\nLeftrightarrow ⇏\nRightarrow ⇐\Leftarrow ⇑\Uparrow ⇒\Rightarrow ⇓\Downarrow ⇔\Leftrightarrow
⇕\Updownarrow ⇚\Lleftarrow ⇛\Rrightarrow ⇝\rightsquigarrow ⇠\dashleftarrow ⇢\dashrightarrow ∀\forall
∁\complement ∂\partial ∃\exists ∄\nexists ∅\varnothing ∆\Delta ∇\nabla ∈\in ∉\notin ∋\ni ∌\not\ni ∍\backepsilon
∎\blacksquare ∏\prod ∐\coprod ∑\sum −- ∓\mp ∔\dotplus ∖\setminus ∗* ∘\circ ∙\bullet √\surd ∝\propto ∞\infty
∠\angle ∡\measuredangle ∢\sphericalangle ∣\mid ∤\nmid ∥\parallel ∦\nparallel ∧\wedge ∨\vee ∩\cap ∪\cup ∫\int
∬\iint ∭\iiint ∮\oint ∯\oiint ∰\oiiint ∴\therefore ∵\because ∶: ∼\sim ∽\backsim ≀\wr ≁\nsim ≂\eqsim ≃\simeq
≄\not\simeq ≅\cong ≆\ncong ≈\approx ≉\not\approx ≊\approxeq ≍\asymp ≎\Bumpeq ≏\bumpeq ≐\doteq ≑\doteqdot
≒\fallingdotseq ≓\risingdotseq ≔\coloneqq ≕\eqqcolon ≖\eqcirc ≗\circeq ≜\triangleq ≠\neq ≡\equiv ≢\not\equiv
≤\leq ≥\geq ≦\leqq ≧\geqq ≨\lneqq ≩\gneqq ≪\ll ≫\gg ≬\between ≭\not\asymp ≮\nless ≯\ngtr ≰\nleq ≱\ngeq ≲\lesssim
≳\gtrsim ≶\lessgtr ≷\gtrless ≺\prec ≻\succ ≼\preccurlyeq ≽\succcurlyeq ≾\precsim ≿\succsim ⊀\nprec ⊁\nsucc
⊂\subset ⊃\supset ⊄\not\subset ⊅\not\supset ⊆\subseteq ⊇\supseteq ⊈\nsubseteq ⊉\nsupseteq ⊊\subsetneq
⊋\supsetneq ⊎\uplus ⊏\sqsubset ⊐\sqsupset ⊑\sqsubseteq ⊒\sqsupseteq ⊓\sqcap ⊔\sqcup ⊕\oplus ⊖\ominus ⊗\otimes
⊘\oslash ⊙\odot ⊚\circledcirc ⊛\circledast ⊝\circleddash ⊞\boxplus ⊟\boxminus ⊠\boxtimes ⊡\boxdot ⊢\vdash
⊣\dashv ⊤\top ⊥\perp ⊨\models ⊩\Vdash ⊪\Vvdash ⊬\nvdash ⊭\nvDash ⊮\nVdash ⊯\nVDash ⊲\vartriangleleft
⊳\vartriangleright ⊴\trianglelefteq ⊵\trianglerighteq ⊶\origof ⊷\imageof ⊸\multimap ⊺\intercal ⊻\veebar
⊼\barwedge ⋀\bigwedge ⋁\bigvee ⋂\bigcap ⋃\bigcup ⋄\diamond ⋅\cdot ⋆\star ⋇\divideontimes ⋈\bowtie ⋉\ltimes
⋊\rtimes ⋋\leftthreetimes ⋌\rightthreetimes ⋍\backsimeq ⋎\curlyvee ⋏\curlywedge ⋐\Subset ⋑\Supset ⋒\Cap ⋓\Cup
⋔\pitchfork ⋖\lessdot ⋗\gtrdot ⋘\lll ⋙\ggg ⋚\lesseqgtr ⋛\gtreqless ⋞\curlyeqprec ⋟\curlyeqsucc ⋠\npreceq
⋡\nsucceq ⋦\lnsim ⋧\gnsim ⋨\precnsim ⋩\succnsim ⋪\ntriangleleft ⋫\ntriangleright ⋬\ntrianglelefteq
⋭\ntrianglerighteq ⋮\vdots ⋯\cdots ⋱\ddots ⌈\lceil ⌉\rceil ⌊\lfloor ⌋\rfloor ⌜\ulcorner ⌝\urcorner ⌞\llcorner
⌟\lrcorner ⌢\frown ⌣\smile ⎰\lmoustache ⎱\rmoustache Ⓢ\circledS ┌\ulcorner ┐\urcorner └\llcorner ┘\lrcorner
╱\diagup ╲\diagdown ■\blacksquare □\square ▲\blacktriangle △\triangle ▵\triangle ▶\blacktriangleright
▹\triangleright ▼\blacktriangledown ▽\bigtriangledown ▿\triangledown ◀\blacktriangleleft ◃\triangleleft
◊\lozenge ○\bigcirc ◦\circ ◯\bigcirc ◻\square ★\bigstar ♠\spadesuit ♡\heartsuit ♢\diamondsuit ♣\clubsuit ♭\flat
♮\natural ♯\sharp ✓\checkmark ✠\maltese ⟂\perp ⟦\llbracket ⟧\rrbracket ⟨\langle ⟩\rangle ⟮\lgroup ⟯\rgroup
⟵\longleftarrow ⟶\longrightarrow ⟷\longleftrightarrow ⟸\Longleftarrow ⟹\Longrightarrow ⟺\Longleftrightarrow
⟼\longmapsto ⤳\rightsquigarrow ⥰\Rightarrow ⦃\lBrace ⦄\rBrace ⧫\blacklozenge ⨀\bigodot ⨁\bigoplus ⨂\bigotimes
⨄\biguplus ⨆\bigsqcup ⨌\iiiint ⨯\times ⨿\amalg ⩞\doublebarwedge ⩽\leqslant ⩾\geqslant ⪅\lessapprox ⪆\gtrapprox
⪇\lneq ⪈\gneq ⪉\lnapprox ⪊\gnapprox ⪋\lesseqqgtr ⪌\gtreqqless ⪕\eqslantless ⪖\eqslantgtr ⪯\preceq ⪰\succeq
⪵\precneqq ⪶\succneqq ⪷\precapprox ⪸\succapprox ⪹\precnapprox ⪺\succnapprox ⫅\subseteqq ⫆\supseteqq ⫋\subsetneqq
⫌\supsetneqq 〈\langle 〉\rangle 𝚤\imath 𝚥\jmath
⊧\models ↝\rightsquigarrow ϶\backepsilon ≌\backsimeq ◇\Diamond ◆\blacklozenge ⌀\varnothing
"""
# One character per entry, its name right behind it: "\u03b1\\alpha".
LATEX_OF: dict[str, str] = {entry[0]: entry[1:] for entry in _TABLE.split()}

INVISIBLE = frozenset("\u2061\u2062\u2063\u2064\u200b\u200c\u200d\u2060\ufe00\ufe0e\ufe0f\ufeff\u00ad")
SPECIAL = {
    "{": "\\{",
    "}": "\\}",
    "#": "\\#",
    "$": "\\$",
    "%": "\\%",
    "&": "\\&",
    "_": "\\_",
    "\\": "\\backslash",
    "^": "\\hat{}",
    "~": "\\sim",
    "\u02c6": "\\hat{}",
    "\u02dc": "\\sim",
}

_FUNCTIONS = """
arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf injlim ker lg lim liminf limsup ln log max
min Pr projlim sec sin sinh sup tan tanh
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
# Operators that take limits above and below in display.
LIMIT_FUNCTIONS = FUNCTIONS & {"det", "gcd", "inf", "injlim", "lim", "liminf", "limsup", "max", "min", "Pr", "sup"}
BIG_OPERATORS = frozenset("\u2211\u220f\u2210\u22c0\u22c1\u22c2\u22c3\u2a00\u2a01\u2a02\u2a04\u2a06")
INTEGRALS = frozenset("\u222b\u222c\u222d\u222e\u222f\u2230\u2a0c")

ACCENTS_OVER = {
    "^": "hat",
    "\u02c6": "hat",
    "\u0302": "hat",
    "~": "tilde",
    "\u02dc": "tilde",
    "\u0303": "tilde",
    "\u223c": "tilde",
    "\u02c9": "bar",
    "\u00af": "bar",
    "\u0304": "bar",
    "\u203e": "overline",
    "\u0305": "overline",
    "_": "overline",
    "\u2015": "overline",
    "\u2014": "overline",
    "\u2013": "overline",
    "\u2192": "vec",
    "\u20d7": "vec",
    "\u02d9": "dot",
    "\u0307": "dot",
    ".": "dot",
    "\u00b7": "dot",
    "\u00a8": "ddot",
    "\u0308": "ddot",
    "\u20db": "dddot",
    "\u20dc": "ddddot",
    "\u02c7": "check",
    "\u030c": "check",
    "\u02d8": "breve",
    "\u0306": "breve",
    "\u00b4": "acute",
    "\u02ca": "acute",
    "\u0301": "acute",
    "`": "grave",
    "\u02cb": "grave",
    "\u0300": "grave",
    "\u02da": "mathring",
    "\u030a": "mathring",
    "\u2190": "overleftarrow",
    "\u20d6": "overleftarrow",
    "\u2194": "overleftrightarrow",
    "\u20e1": "overleftrightarrow",
    "\u21d2": "Overrightarrow",
    "\u21c0": "overrightharpoon",
    "\u21bc": "overleftharpoon",
    "\u23de": "overbrace",
    "\ufe37": "overbrace",
    "\u23b4": "overbracket",
    "\u23dc": "overparen",
    "\ufe35": "overparen",
    "\u2312": "overparen",
    "\u23e0": "overgroup",
}
WIDE_ACCENT = {"hat": "widehat", "tilde": "widetilde", "bar": "overline", "vec": "overrightarrow", "check": "widecheck"}
ACCENTS_UNDER = {
    "_": "underline",
    "\u0332": "underline",
    "\u00af": "underline",
    "\u02c9": "underline",
    "\u203e": "underline",
    "\u2015": "underline",
    "\u2014": "underline",
    "\u2013": "underline",
    "\u2192": "underrightarrow",
    "\u2190": "underleftarrow",
    "\u2194": "underleftrightarrow",
    "~": "utilde",
    "\u02dc": "utilde",
    "\u223c": "utilde",
    "\u23df": "underbrace",
    "\ufe38": "underbrace",
    "\u23b5": "underbracket",
    "\u23dd": "underparen",
    "\ufe36": "underparen",
    "\u23e1": "undergroup",
}
EXTENSIBLE_ARROWS = {
    "\u2192": "xrightarrow",
    "\u27f6": "xrightarrow",
    "\u2190": "xleftarrow",
    "\u27f5": "xleftarrow",
    "\u2194": "xleftrightarrow",
    "\u27f7": "xleftrightarrow",
    "\u21d2": "xRightarrow",
    "\u27f9": "xRightarrow",
    "\u21d0": "xLeftarrow",
    "\u27f8": "xLeftarrow",
    "\u21d4": "xLeftrightarrow",
    "\u27fa": "xLeftrightarrow",
    "\u21a6": "xmapsto",
    "\u27fc": "xmapsto",
    "\u21a9": "xhookleftarrow",
    "\u21aa": "xhookrightarrow",
    "\u21c0": "xrightharpoonup",
    "\u21bc": "xleftharpoonup",
    "\u21cc": "xrightleftharpoons",
    "\u21cb": "xleftrightharpoons",
    "=": "xlongequal",
}

FENCES = {
    "(": "(",
    ")": ")",
    "[": "[",
    "]": "]",
    "{": "\\{",
    "}": "\\}",
    "|": "|",
    "\u2223": "|",
    "\u2225": "\\|",
    "\u2016": "\\|",
    "\u27e8": "\\langle",
    "\u27e9": "\\rangle",
    "\u2329": "\\langle",
    "\u232a": "\\rangle",
    "\u3008": "\\langle",
    "\u3009": "\\rangle",
    "\u230a": "\\lfloor",
    "\u230b": "\\rfloor",
    "\u2308": "\\lceil",
    "\u2309": "\\rceil",
    "/": "/",
    "\u2215": "/",
    "\\": "\\backslash",
    "\u2216": "\\backslash",
    "\u2191": "\\uparrow",
    "\u2193": "\\downarrow",
    "\u2195": "\\updownarrow",
    "\u21d1": "\\Uparrow",
    "\u21d3": "\\Downarrow",
    "\u21d5": "\\Updownarrow",
    "\u231c": "\\ulcorner",
    "\u231d": "\\urcorner",
    "\u231e": "\\llcorner",
    "\u231f": "\\lrcorner",
    "\u27ee": "\\lgroup",
    "\u27ef": "\\rgroup",
    "\u23b0": "\\lmoustache",
    "\u23b1": "\\rmoustache",
    "<": "\\langle",
    ">": "\\rangle",
}

# First code point of A-Z a-z of each mathematical alphabet (Unicode 16, Mathematical Alphanumeric Symbols).
_ALPHABETS = (
    (0x1D400, "bold"),
    (0x1D434, "italic"),
    (0x1D468, "bold-italic"),
    (0x1D49C, "script"),
    (0x1D4D0, "bold-script"),
    (0x1D504, "fraktur"),
    (0x1D538, "double-struck"),
    (0x1D56C, "bold-fraktur"),
    (0x1D5A0, "sans-serif"),
    (0x1D5D4, "bold-sans-serif"),
    (0x1D608, "sans-serif-italic"),
    (0x1D63C, "sans-serif-bold-italic"),
    (0x1D670, "monospace"),
)
_GREEK = ((0x1D6A8, "bold"), (0x1D6E2, "italic"), (0x1D71C, "bold-italic"), (0x1D756, "bold"), (0x1D790, "bold-italic"))
_GREEK_LETTERS = (
    "\u0391\u0392\u0393\u0394\u0395\u0396\u0397\u0398\u0399\u039a\u039b\u039c\u039d\u039e\u039f\u03a0\u03a1\u03f4\u03a3\u03a4\u03a5\u03a6\u03a7\u03a8\u03a9\u2207"
    "\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8\u03b9\u03ba\u03bb\u03bc\u03bd\u03be\u03bf\u03c0\u03c1\u03c2\u03c3\u03c4\u03c5\u03c6\u03c7\u03c8\u03c9\u2202\u03f5\u03d1\u03f0\u03d5\u03f1\u03d6"
)
_DIGITS = (
    (0x1D7CE, "bold"),
    (0x1D7D8, "double-struck"),
    (0x1D7E2, "sans-serif"),
    (0x1D7EC, "bold-sans-serif"),
    (0x1D7F6, "monospace"),
)
_HOLES = {
    "script": {
        "B": 0x212C,
        "E": 0x2130,
        "F": 0x2131,
        "H": 0x210B,
        "I": 0x2110,
        "L": 0x2112,
        "M": 0x2133,
        "R": 0x211B,
        "e": 0x212F,
        "g": 0x210A,
        "o": 0x2134,
    },
    "fraktur": {"C": 0x212D, "H": 0x210C, "I": 0x2111, "R": 0x211C, "Z": 0x2128},
    "double-struck": {"C": 0x2102, "H": 0x210D, "N": 0x2115, "P": 0x2119, "Q": 0x211A, "R": 0x211D, "Z": 0x2124},
    "italic": {"h": 0x210E},
}


def _letters() -> dict[str, tuple[str, str]]:
    latin = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    table = {chr(base + i): (letter, name) for base, name in _ALPHABETS for i, letter in enumerate(latin)}
    table |= {chr(base + i): (letter, name) for base, name in _GREEK for i, letter in enumerate(_GREEK_LETTERS)}
    table |= {chr(base + i): (str(i), name) for base, name in _DIGITS for i in range(10)}
    table |= {chr(code): (letter, name) for name, holes in _HOLES.items() for letter, code in holes.items()}
    return table


# Mathematical alphanumeric -> (plain character, MathML mathvariant).
LETTER_OF: dict[str, tuple[str, str]] = _letters()

_WRAPPERS = {
    "normal": "mathrm",
    "bold": "mathbf",
    "italic": "mathit",
    "bold-italic": "boldsymbol",
    "double-struck": "mathbb",
    "script": "mathcal",
    "fraktur": "mathfrak",
    "sans-serif": "mathsf",
    "sans-serif-italic": "mathsf",
    "monospace": "mathtt",
}
_BOLD_OF = {
    "bold-script": "mathcal",
    "bold-fraktur": "mathfrak",
    "bold-sans-serif": "mathsf",
    "sans-serif-bold-italic": "mathsf",
}


def in_alphabet(tex: str, variant: str, *, latin: bool) -> str:
    """`tex` in a MathML `mathvariant`; `latin`: letters and digits, which the alphabet commands cover."""
    if variant in _BOLD_OF:
        return f"\\boldsymbol{{\\{_BOLD_OF[variant]}{{{tex}}}}}"
    if variant == "bold" and not latin:
        return f"\\boldsymbol{{{tex}}}"
    if variant == "script" and latin and tex.islower():
        return f"\\mathscr{{{tex}}}"
    wrapper = _WRAPPERS.get(variant)
    if wrapper is None or (not latin and wrapper in ("mathrm", "mathit")):
        return tex
    return f"\\{wrapper}{{{tex}}}"
