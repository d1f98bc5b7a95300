"""How much a document is about mathematics or code: documented heuristics, not yet a trained model.

Both scores are noisy-ors of saturating densities, so that either many formulas or much mathematical vocabulary is
enough. The decision boundary is 0.5. They read our own formulas and code blocks, so they know what the renderer found;
a model that learns content from text without such cues replaces them later.
"""

from __future__ import annotations

import re

from classifiers.prose import Prose

# A density at which its part of the score reaches 1.
FORMULAS_PER_WORD = 0.02
FORMULA_SHARE = 0.04  # of characters
MATH_WORDS_PER_WORD = 0.04
MATH_SYMBOLS_PER_WORD = 0.04
CODE_SHARE = 0.10  # of characters
CODE_LINES = 20
CODE_TOKENS_PER_WORD = 0.20

_MATH_WORDS = re.compile(
    r"\b(?:theorem|lemma|proof|corollary|proposition|conjecture|axiom|equations?|inequalit(?:y|ies)|algebra\w*|"
    r"calculus|geometr\w+|topolog\w+|polynomials?|matri(?:x|ces)|vectors?|tensor|scalar|integrals?|integrat\w+|"
    r"derivatives?|differentia\w+|eigen\w+|determinants?|theta|sine|cosine|tangent|logarithm\w*|exponent\w*|"
    r"probabilit\w+|varianc\w+|stochastic|gaussian|bayes\w*|convex\w*|manifolds?|isomorph\w+|homomorph\w+|"
    r"homeomorph\w+|bijecti\w+|injecti\w+|surjecti\w+|integers?|primes?|modulo|congruen\w+|fractions?|numerator|"
    r"denominator|quotient|divisors?|factorial|permutations?|combinatori\w+|convergen\w+|diverge\w*|infinit\w+|"
    r"asymptot\w+|hypotenuse|triangles?|circumference|perpendicular|radius|parabola|quadratic|cubic|coefficients?|"
    r"satz|beweis|gleichung\w*|théorème|équations?|démonstration|teorema|ecuaci\w+|demostraci\w+|"
    r"теорем\w+|уравнени\w+|доказательств\w+|интеграл\w*|матриц\w+)\b"
    r"|定理|证明|證明|方程|函数|函數|積分|积分|矩阵|行列|公式|정리|증명|방정식|함수",
    re.IGNORECASE,
)
_MATH_SYMBOLS = re.compile(r"[∀-⋿⟨⟩⩽⩾±×÷√°′″ℂℕℙℚℝℤ𝐀-𝟿α-ωΓΔΘΛΞΠΣΦΨΩ₀-₉⁰-⁹]|\b\d+\s*[=+<>]\s*\d|\b[a-z]\s?=\s?[-\da-z]")
_GREEK_SCRIPT = re.compile(r"[ά-ώ]")  # accented: a text in Greek, whose letters are no symbols
_CODE_TOKENS = re.compile(
    r"`[^`\n]{1,80}`|\b\w{1,60}\(\)|\b\w{1,60}(?:::|->)\w|\b(?:[a-z0-9]{1,30}_){1,5}[a-z0-9]{1,30}\b"
    r"|#include\b|\b(?:printf|println|stdout|stderr|sudo|localhost|nullptr|argv|struct)\b"
)


def math_score(prose: Prose) -> float:
    """1 - prod(1 - min(1, density / saturation)) over formulas, vocabulary and symbols; in [0, 1], step 1e-4.

    Words are counted with every formula as one word. Vocabulary and symbols alone reach at most 0.8 together with
    what the prose offers, since a page that mentions equations is not a page of mathematics.
    """
    words = max(prose.n_words + prose.n_formulas, 50)
    formulas = max(
        _ratio(prose.n_formulas, words * FORMULAS_PER_WORD),
        _ratio(prose.formula_chars, max(prose.content_chars, 500) * FORMULA_SHARE),
    )
    vocabulary = 0.7 * _ratio(len(_MATH_WORDS.findall(prose.text)), words * MATH_WORDS_PER_WORD)
    return _noisy_or(formulas, vocabulary, 0.6 * _ratio(_symbols(prose.text), words * MATH_SYMBOLS_PER_WORD))


def _symbols(text: str) -> int:
    return 0 if _GREEK_SCRIPT.search(text) else len(_MATH_SYMBOLS.findall(text))


def code_score(prose: Prose) -> float:
    """Noisy-or of the share of code characters, the number of code lines and code-like tokens in prose."""
    words = max(prose.n_words, 50)
    lines = sum(1 for line in prose.code.split("\n") if line.strip())
    share = _ratio(len(prose.code), max(prose.content_chars, 500) * CODE_SHARE)
    tokens = 0.7 * _ratio(len(_CODE_TOKENS.findall(prose.text)), words * CODE_TOKENS_PER_WORD)
    return _noisy_or(share, _ratio(lines, CODE_LINES), tokens)


def _ratio(amount: float, saturation: float) -> float:
    return min(1.0, amount / saturation)


def _noisy_or(*parts: float) -> float:
    remaining = 1.0
    for part in parts:
        remaining *= 1.0 - part
    return round(1.0 - remaining, 4)
