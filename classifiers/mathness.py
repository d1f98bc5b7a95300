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

# Whole words, and stems: any word that begins with one. Lower case, several languages.
_WORDS_TEXT = """
lemma lemmas proof proofs axiom axioms algebra calculus matrix matrices vector vectors tensor tensors scalar scalars
sine cosine tangent exponent exponents integer integers prime primes modulo fraction fractions radius
cubic factorial triangle triangles manifold manifolds gaussian satz beweis gleichung gleichungen théorème théorèmes
logarithm logarithms équation équations démonstration teorema ecuación ecuaciones
"""
_MATH_WORDS = frozenset(_WORDS_TEXT.split())
_STEM_CHARS = 6
_STEMS_TEXT = """
theore coroll propos conjec equati inequa algebr geomet topolo polyno integr deriva differ eigenv determ probab varian
stocha bayesi convex isomor homomo homeom biject inject surjec congru numera denomi quotie diviso permut combin conver
diverg infini asympt hypote circum perpen parabo quadra coeffi теорем уравне доказа интегр матриц
"""
_MATH_STEMS = frozenset(_STEMS_TEXT.split())
_MATH_CJK = (
    "定理",
    "证明",
    "證明",
    "方程",
    "函数",
    "函數",
    "積分",
    "积分",
    "矩阵",
    "行列",
    "公式",
    "정리",
    "증명",
    "방정식",
    "함수",
)
_MATH_SYMBOLS = re.compile(r"[∀-⋿⟨⟩⩽⩾±×÷√°′″ℂℕℙℚℝℤ𝐀-𝟿α-ωΓΔΘΛΞΠΣΦΨΩ₀-₉⁰-⁹]")
_GREEK_SCRIPT = re.compile(r"[ά-ώ]")  # accented: a text in Greek, whose letters are no symbols
_CODE_WORDS = frozenset(("printf", "println", "stdout", "stderr", "sudo", "localhost", "nullptr", "argv", "struct"))
_CODE_MARKS = ("()", "::", "->", "#include")
_CODE_SPANS = re.compile(r"`[^`\n]{1,80}`|_(?<=[a-z0-9]_)(?=[a-z0-9])")


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
    vocabulary = 0.7 * _ratio(_math_words(prose), words * MATH_WORDS_PER_WORD)
    return _noisy_or(formulas, vocabulary, 0.6 * _ratio(_symbols(prose.text), words * MATH_SYMBOLS_PER_WORD))


def _math_words(prose: Prose) -> int:
    words = sum(word in _MATH_WORDS or word[:_STEM_CHARS] in _MATH_STEMS for word in prose.plain_words)
    return words + (sum(map(prose.text.count, _MATH_CJK)) if not prose.text.isascii() else 0)


def _symbols(text: str) -> int:
    signs = 0 if _GREEK_SCRIPT.search(text) else len(_MATH_SYMBOLS.findall(text))
    return signs + text.count(" = ")


def _code_tokens(prose: Prose) -> int:
    marks = sum(map(prose.text.count, _CODE_MARKS)) + len(_CODE_SPANS.findall(prose.text))
    return marks + sum(word in _CODE_WORDS for word in prose.plain_words)


def code_score(prose: Prose) -> float:
    """Noisy-or of the share of code characters, the number of code lines and code-like tokens in prose."""
    words = max(prose.n_words, 50)
    lines = sum(1 for line in prose.code.split("\n") if line.strip())
    share = _ratio(len(prose.code), max(prose.content_chars, 500) * CODE_SHARE)
    tokens = 0.7 * _ratio(_code_tokens(prose), words * CODE_TOKENS_PER_WORD)
    return _noisy_or(share, _ratio(lines, CODE_LINES), tokens)


def _ratio(amount: float, saturation: float) -> float:
    return min(1.0, amount / saturation)


def _noisy_or(*parts: float) -> float:
    remaining = 1.0
    for part in parts:
        remaining *= 1.0 - part
    return round(1.0 - remaining, 4)
