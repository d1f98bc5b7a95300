"""What each HTML tag means to the layout, as data: the walk stays short because the knowledge lives here.

Sources: HTML Living Standard 15.3 (rendering: flow content, lists, tables), plus the class names by which common site
generators mark decoration (Sphinx, MediaWiki, Docusaurus, Bootstrap).
"""

from __future__ import annotations

# Private-use marks of this package. A page's own U+E000-U+E008 is replaced by U+FFFD before parsing.
FORMULA_OPEN, FORMULA_CLOSE = "\ue000", "\ue001"
HARD_BREAK = "\ue002"
INLINE_CODE_OPEN, INLINE_CODE_CLOSE = "\ue003", "\ue004"
CODE_BLOCK_OPEN, CODE_BLOCK_CLOSE = "\ue005", "\ue006"
RESERVED = tuple(map(chr, range(0xE000, 0xE009)))
# Names of tables once `extractors.layout.prepare` has judged them; other tables are layout.
DATA_TABLE, LINED_TABLE = "\ue007data", "\ue007lined"
TABLE_MARKS = (DATA_TABLE, LINED_TABLE)

_BLOCK_WORDS = (
    "html body address article aside center dialog dir div fieldset figure figcaption footer form frameset noframes"
    " header hgroup main nav p section summary details legend search optgroup tbody thead tfoot colgroup"
    " tr td th caption table blockquote dl dt dd ol ul menu li pre listing xmp plaintext h1 h2 h3 h4 h5 h6 hr"
)
BLOCKS = frozenset(_BLOCK_WORDS.split())
HEADINGS = {f"h{level}": level for level in range(1, 7)}
LISTS = frozenset(("ol", "ul", "menu", "dir"))
INLINE_CODE = frozenset(("code", "tt", "kbd", "samp"))
MAX_COLUMNS = 1000  # as the HTML standard clamps colspan
MAX_ROWSPAN = 65_534
_VOID_WORDS = "area base basefont bgsound br col embed frame hr img input link meta param source track wbr"
# Inside a code block: tags that break a line, boxes of one line, what has only boxes inside, tags without an end.
CODE_BREAK, CODE_LINE, CODE_ROWS, CODE_VOID = 1, 2, 4, 8
CODE_TAGS = dict.fromkeys(_VOID_WORDS.split(), CODE_VOID) | dict.fromkeys(("div", "p", "li", "pre"), CODE_LINE)
CODE_TAGS |= dict.fromkeys(("table", "thead", "tbody", "ol", "ul"), CODE_ROWS)
CODE_TAGS |= {"tr": CODE_LINE | CODE_ROWS, "br": CODE_BREAK | CODE_VOID}
SPACED = frozenset(("button", "label", "output", "meter", "progress"))  # boxes that never touch their neighbours

# Removed before formulas are resolved: their content is never rendered, or repeats what is rendered.
NEVER_RENDERED = ("template", "style")

# What a page hides and shows at a click though it is its content: tabs, answers, solutions, proofs, folded parts.
_FOLDED = (
    *("[role='tabpanel']", "[class*='tab-pane']", "[class*='tabpane']", "[class*='tabs-panel']"),
    *("[class*='tab-content']", ".tabcontent", ".tab_content", "[class*='answer' i]", "[class*='solution' i]"),
    *("[class*='spoiler' i]", "[class*='accordion' i]", "[class*='collapseomatic']", "[class*='faq' i]"),
    *("[class*='explanation']", "[id^='sol' i]", "[id^='ans' i]", "[id^='proof' i]", "[id^='spoiler' i]", ".proof"),
    *(".hint", ".NavContent", ".mw-collapsible-content", ".knowl-output", "[role='region'][aria-labelledby]"),
)
_NOT_FOLDED = f":not({','.join(_FOLDED)})"

# Removed after formulas and code are resolved, beside `head`.
HIDDEN_SELECTORS = (
    *[
        "script",
        "svg",
        "iframe",
        "object",
        "embed",
        "canvas",
        "audio",
        "video",
        "map",
        "select",
        "datalist",
        "rp",
        "frame",
    ],
    f"[hidden]:not([hidden='until-found']){_NOT_FOLDED}",
    f"[style*='display:none' i]:not(body){_NOT_FOLDED}",
    f"[style*='display: none' i]:not(body){_NOT_FOLDED}",
    "a.headerlink",
    "a.anchorjs-link",
    "a.hash-link",
    "a.anchor[aria-hidden='true']",
    "a.header-anchor",
    "a.anchor-link",
    "i[aria-hidden='true']",
    ".mw-editsection",
    ".MathJax_Preview",
    ".skip-link",
    ".screen-reader-shortcut",
    # the way back from a note to its mark
    "a.footnote-backref",
    "a.footnote-back",
    "a.reversefootnote",
    "a.data-footnote-backref",
    "a.footnote-return",
    ".footnote-back-link",
    ".mw-cite-backlink",
)
# Said to screen readers only, mostly what the page shows beside it in other words.
SPOKEN_SELECTORS = (
    "[class*='sr-only']:not([class*='not-sr-only'])",  # Tailwind's opposite
    "[class*='visually-hidden']",
    ".visuallyhidden",
    ".accesshide",
    ".screen-reader-text",
    ".screen-reader-only",
    ".a-offscreen",
    ".element-invisible",
)
RAW_TEXT_TAGS = ("noframes", "noembed", "xmp", "plaintext")  # the serialiser does not escape what they hold
