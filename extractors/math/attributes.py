"""TeX that a page keeps in attributes: `data-latex` and its kin, `aria-label`, images by alt, title and query."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

from turbohtml import Element

from extractors.math.normal import looks_like_tex

# Names that only ever hold TeX, most specific first, then names that hold TeX on some sites and flags or ids on others.
TEX_NAMES = (
    "data-latex",
    "data-tex",
    "data-katex",
    "data-expr",
    "data-original-tex",
    "data-tex-source",
    "data-latex-source",
    "data-math-source",
    "data-mathjax-tex",
    "data-equation-content",
    "data-mx-maths",
)
LOOSE_NAMES = (
    "data-formula",
    "data-equation",
    "data-math",
    "data-formula-source",
    "data-math-formula",
    "data-mathquill",
    "data-eq",
)
# Far too common elsewhere: read only on an element that is otherwise known to be a formula.
KNOWN_MATH_NAMES = ("data-value", "data-content", "data-original", "data-source", "data-code", "data-raw", "data-text")
MATHML_NAMES = ("data-mathml", "data-mml")
ASCII_NAMES = ("data-asciimath", "data-ascii-math", "data-am")

_STRONG = re.compile(r"\\[A-Za-z]|[\^_=+<>]|^\$.+\$$")
_NOT_TEX = re.compile(
    r"^(?:https?:|data:|//|/|\{\s*\"|\[\s*(?:\"|\{\s*\")|#|true$|false$|\d+$|[\w-]+\.(?:png|jpe?g|gif|svg|webp)$)", re.I
)


def tex_attribute(element: Element, *, known_math: bool) -> str | None:
    """TeX held by one of the element's `data-*` attributes."""
    attributes = element.attrs
    held = {name for name in attributes if name.startswith("data-")}
    if not held:
        return None
    for name in TEX_NAMES:
        value = _value(attributes.get(name)) if name in held else ""
        if value and looks_like_tex(value) and not _NOT_TEX.match(value):
            return value
    names = LOOSE_NAMES + KNOWN_MATH_NAMES if known_math else LOOSE_NAMES
    for name in names:
        value = _value(attributes.get(name)) if name in held else ""
        if value and _STRONG.search(value) and looks_like_tex(value) and not _NOT_TEX.match(value):
            return value
    return None


def named_attribute(element: Element, names: tuple[str, ...]) -> str | None:
    """First non-blank attribute of these names."""
    attributes = element.attrs
    return next((value for name in names if (value := _value(attributes.get(name)))), None)


def _value(raw: object) -> str:
    value = raw.strip() if isinstance(raw, str) else ""
    if "%5C" in value or "%5c" in value or "%7B" in value:
        return unquote(value)
    return value


def label_tex(element: Element) -> str | None:
    """`aria-label` or `title` when it holds TeX and not a spoken description."""
    for name in ("aria-label", "title"):
        value = _value(element.attr(name))
        if value and looks_like_tex(value) and not _NOT_TEX.match(value):
            return value
    return None


# Services that draw TeX found in their URL: (pattern that ends where the TeX begins, "+" means space).
_SERVICES = (
    (re.compile(r"latex\.php\?(?:[^#]{0,200}&)?(?:latex|tex)=", re.I), True),
    (re.compile(r"(?:codecogs\.com/(?:[a-z]+\.latex|[a-z.]+)|latex\.csdn\.net/eq)\?", re.I), False),
    (
        re.compile(
            r"/(?:[a-z0-9.]*)(?:mimetex|mathtex|texrender|mathtran)(?:\.cgi|\.exe)?(?:\?(?:tex=|formdata=)?)", re.I
        ),
        False,
    ),
    (re.compile(r"chart\?(?:[^#]{0,200}&)?chl=", re.I), True),
    (
        re.compile(
            r"/(?:equation|render|math|tex|eq|latex|tex2img|latex2png)[\w.-]*\?(?:[^#]{0,200}&)?(?:tex|eqn?|math|latex|from|formula|f|chl)=",
            re.I,
        ),
        True,
    ),
    (re.compile(r"(?:math\.now\.sh|math\.vercel\.app)/?\?(?:[^#]{0,200}&)?(?:from|inline)=", re.I), True),
    (re.compile(r"(?:i\.upmath\.me|tex\.s2cms\.ru)/(?:svg|png)/", re.I), False),
    (re.compile(r"/equation_images/", re.I), False),
    (re.compile(r"texify\.com/(?:img/|\?)", re.I), False),
    (re.compile(r"mathurl\.com/render\.cgi\?", re.I), False),
)
_WHOLE_QUERY = re.compile(
    r"codecogs\.com/|csdn\.net/|mimetex|mathtex|texify|mathurl|upmath|s2cms|equation_images", re.I
)
_CODECOGS_SPACES = (("&space;", " "), ("&plus;", "+"), ("&hash;", "#"), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_SETTINGS = re.compile(
    r"^(?:\s*\\(?:inline|dpi\s*\{[^}]*\}|bg_[a-z]+|bg\s*\{[^}]*\}|fn_[a-z]+|fg_[a-z]+|normalsize|huge|Huge|large|Large|LARGE|small|tiny)(?![A-Za-z])(?:\\!)?)+\s*"
)


_FILE_END = re.compile(r"\.(?:gif|png|svg|jpe?g)$|\\nocache$")
_STILL_ENCODED = re.compile(r"%(?:5[CEce]|7[BDbd])")


def _may_draw(src: str) -> bool:
    """Whether a URL can be one of the services': a query, or the names that need none."""
    if "?" in src or not src.isascii():
        return True
    lowered = src.lower()
    named = "tex" in lowered or "upmath" in lowered or "s2cms" in lowered
    return named or "mathtran" in lowered or "equation_images" in lowered


def image_query_tex(src: str) -> str | None:
    """TeX in the URL of a formula-drawing service, decoded, its size and colour settings dropped."""
    for pattern, plus_is_space in _SERVICES if _may_draw(src) else ():
        match = pattern.search(src)
        if match is None:
            continue
        raw = src[match.end() :]
        if _WHOLE_QUERY.search(match.group()):
            tex = _decode_whole(raw)
        else:
            raw = raw.split("&", 1)[0].split("#", 1)[0]
            tex = unquote_plus(raw) if plus_is_space else unquote(raw)
            if "\\" not in tex and _STILL_ENCODED.search(tex):
                tex = unquote(tex)
        tex = _FILE_END.sub("", _SETTINGS.sub("", tex)).strip()
        return tex or None
    return None


def _decode_whole(raw: str) -> str:
    for name, value in _CODECOGS_SPACES:
        raw = raw.replace(name, value)
    tex = unquote(raw)
    if _STILL_ENCODED.search(tex):  # Canvas encodes twice
        tex = unquote(tex)
    return tex.split("?scale=", 1)[0]


_ALT_PREFIX = re.compile(r"^(?:LaTeX|TeX|Equation|Formula|Math)\s*:\s*", re.I)
_IMAGE_SOURCES = ("src", "data-src", "data-lazy-src", "data-original", "data-orig-src")
_MATH_CLASS = re.compile(
    r"(?:^|\s)(?:latex\w*|tex|math|math-?\w+|mwe-math\S*|formula\w*|equation\w*|eq|texrender|ee_img|tr_noresize|ql-img\S*|"
    r"quicklatex\S*|inline-?formula|\w+-math|numberedequation|Wirisformula|mathtype|display)(?:\s|$)",
    re.I,
)
_SCRIPT_IN_BRACKETS = re.compile(r"[\^_]\(")
_ASCII_CLASS = re.compile(r"(?:^|\s)(?:ascii-?math\w*|AMimg)(?:\s|$)", re.I)
_GENERIC_ALT = frozenset(
    {"formula", "equation", "latex", "math", "tex", "image", "[公式]", "[formula]", "[equation]", ""}
)


@lru_cache(maxsize=256)  # a page's images share theirs
def _is_math_class(classes: str) -> bool:
    return _MATH_CLASS.search(classes) is not None


def image_tex(image: Element) -> tuple[str, str] | None:
    """(TeX, source_form) of an image of a formula, or None when it is a picture of something else."""
    query = next(
        (tex for name in _IMAGE_SOURCES if (src := image.attr(name)) and (tex := image_query_tex(src))),
        None,
    )
    if query is not None and "codecogs" not in (image.attr("src") or ""):
        return query, "image_src"
    marked = query is not None or image.attr("role") == "math" or _is_math_class(image.attr("class") or "")
    for name in ("alt", "title", "aria-label"):
        text = _alternative(image.attr(name))
        if text.lower() in _GENERIC_ALT or _NOT_TEX.match(text):
            continue
        if _in_lines(text):
            continue
        if (marked and looks_like_tex(text)) or _is_surely_tex(text):
            return text, "image_alt"
    return (query, "image_src") if query is not None else None


def _in_lines(text: str) -> bool:
    """Whether a description draws a formula in characters, line by line (TeX4ht)."""
    return "\n" in text and "  " in text and "\\" not in text


def described_tex(image: Element) -> tuple[str, str] | None:
    """(source, "tex" or "mathml") in the JSON that add-ons of Google Docs leave as an image's description."""
    for name in ("alt", "title"):
        try:
            held = json.loads(_value(image.attr(name)))
        except (ValueError, RecursionError):
            continue
        for key, kind in (("mathml", "mathml"), ("code", "tex")) if isinstance(held, dict) else ():
            if isinstance(source := held.get(key), str) and source.strip():
                return source, kind
    return None


def described_ascii(image: Element) -> str:
    """AsciiMath in the description of an image that says so by class or backticks; "" for any other."""
    text = (image.attr("alt") or "").strip()
    if len(text) > 2 and text[0] == text[-1] == "`":
        return text[1:-1]
    classes = image.attr("class") or ""
    if _SCRIPT_IN_BRACKETS.search(text) and "\\" not in text and "{" not in text and _is_math_class(classes):
        return text  # MathWorld's; TeX has no such scripts
    return text if text and _ASCII_CLASS.search(classes) else ""


def _alternative(raw: str | None) -> str:
    text = raw.strip() if raw else ""
    return _ALT_PREFIX.sub("", text) if ":" in text else text


_SURE = re.compile(
    r"^\$[^$]+\$$|^\$\$.+\$\$$|^\\[(\[].*\\[)\]]$|^\{?\\displaystyle|\\(?:frac|sqrt|sum|int|left|begin|mathbb|mathrm|text|cdot|alpha|beta)(?![A-Za-z])",
    re.S,
)


def _is_surely_tex(text: str) -> bool:
    """Without any other mark, an alt must be unmistakable: prices and Windows paths also hold `$` and backslashes."""
    is_path = text[1:3] == ":\\" and not any(mark in text for mark in "{}^_$=")
    return bool(_SURE.search(text)) and looks_like_tex(text) and not is_path
