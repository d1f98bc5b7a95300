"""What the tag, id and classes of an element say about what it holds.

A page brings some 80 spellings that no page before it had, so they are read word by word: sets decide, and a pattern
runs only where a word of it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from llm_cleaning import elements


def _spelled(vocabulary: str) -> list[str]:
    """Every spelling of words written with alternatives in parentheses: "nav(bar|)" is navbar and nav."""
    found, waiting = [], vocabulary.split()
    while waiting:
        word = waiting.pop()
        if group := re.search(r"\(([^()]*)\)", word):
            waiting += [word[: group.start()] + choice + word[group.end() :] for choice in group[1].split("|")]
        else:
            found.append(word)
    return sorted(found)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, with no letter on either side."""
    return re.compile(rf"(?:^|[^a-z])(?:{'|'.join(words)})(?![a-z])")


_CHROME_WORDS = frozenset(
    _spelled("""
nav(bar|igation|box|) menu(s|) breadcrumb(s|) crumb(s|) pag(er|ination) cookie(s|) consent gdpr sidebar(s|) social
shar(e|ing|ed|ethis|ebar) addthis shariff related recommend(ed|ation|ations|) newsletter(s|) sign(up|in) log(in|out)
advert(s|) advertisement(s|) ad(s|) adsense sponsor(ed|) promo(s|tion|ted|) popup(s|) modal overlay banner(s|)
toolbar(s|) tagcloud tags taglist copyright colophon masthead skip teaser(s|) trending popular outbrain taboola footer
topbar subnav dropdown hamburger search(box|form|bar|) captcha editsection noprint toc printonly votelinks feedback
respond commentform author(s|)(box|info|bio|card|details|description|section|area|module|about|profile) disclosure(s|)
disclaimer(s|) optin disqus cta tooltip pagenav carousel slider slideshow preview(s|)
(latest|recent|more|other|top|similar|featured|next|prev|previous)(post|posts|article|articles|story|stories|news)
(latest|recent|more|other|top|similar|featured|next|prev|previous)(topic|topics|thread|threads|read|reads)
most(read|active|viewed|recent|popular|commented) read(more|next|also) upnext also(like|read) relacionad(o|a)(s|)
recomendad(o|a)(s|) recommandation(s|) empfehlung(en|) rekomendasi terkait aanbevolen announcement(s|) notice(s|)
eupopup lightbox
postprofile post(er|user|)(info|buttons) (poster|postuser)details user(info|details|stats|panel) authorpane poster
post(head|foot|date|counter|edit) nodecontrols (thread|topic)(tools|controls|rating|info) toolsmenu last(edit|edited)
votecell midcol titlebox linkinfo taglist keyinfo moderatorbar reactions(bar|) headerbar structitem jump(bar|menu)
related(posts|articles|stories|topics|questions|links|content) (cookie|social|share|notice)(bar|banner|box) whoisonline
(social|share|sharing)(links|icons|media|buttons) printfooter post(author|signature|navigation) pagenavi prevnext
jumpbox (back|go|scroll)(totop|top) quickreply (login|search|reply)form (user|message)signature
""")
)
_CHROME_PAIRS = _spelled("""
bread-crumb(s|) side-bar(s|) news-letter(s|) pop-up(s|) tag-cloud copy-right drop-down comment-(form|respond) reply-form
author(s|)-(box|info|bio|card|details|description|section|area|module|about|profile)
(latest|recent|more|other|top|similar|featured|next|prev|previous)-(post|posts|article|articles|story|stories|news)
(latest|recent|more|other|top|similar|featured|next|prev|previous)-(topic|topics|thread|threads|read|reads)
most-(read|active|viewed|recent|popular|commented) (more|also)-from read-(more|next|also) up-next also-(like|read)
lire-aussi post-excerpt about-(the-|)author(s|)
post-(profile|buttons|author|user|controls|actions|menu|edited|likes|taglist) user-(info|details|stats|panel|title)
message-(user|attribution|footer|actions|edit) author-(information|pane|statistics|stats) last-edit struct-item
comment-(author|meta|metadata|header|footer|info|actions|controls|date|time|user) thread-(tools|controls|info|modes)
topic-(map|tools|meta|category|tags) (similar|suggested)-(threads|topics) small-action bottom-notice action-bar
vote-count reply-(count|button|author|header|meta) (entry|post|article|story)-(meta|footer)
site-(title|name|description|branding)
(post|user|message|forum)-signature online-(list|users) back-to-top quick-reply login-form prev-next
""")
_PAIRED = frozenset(pair.split("-")[0] for pair in _CHROME_PAIRS), frozenset(p.split("-")[-1] for p in _CHROME_PAIRS)
_PAIR = _any_of(_CHROME_PAIRS)
_CHROME_STEMS = ("subscri", "donat", "biograph", "shortbio", "partner", "recirc")
_STEM = _any_of((r"subscri\w+", r"donat\w+", r"biograph\w*", r"shortbio\w*", r"partner\w*", r"recirc\w*"))
# Page builders call every part of the text a widget, as Blogger does the whole of it.
_WIDGET = re.compile(r"(?<!elementor-)(?<![a-z])widgets?(?!-(?:wrap|container|content)|\.blog(?![a-z]))(?![a-z])")
# What only looks like chrome: text beside a menu, letters that are posts, what users wrote, what an element has.
_NO_CHROME = re.compile(
    r"(?:wy-nav-content|-for-nav|newsletter-(?:post|article|issue|content|body)|message-user-content)(?![a-z])"
    r"|(?<![a-z])(?:has|with|without|no)-[a-z-]*"
)
# Of whoever wrote a post; in manuals p, dt and li are called so.
_SIGNATURE = re.compile(r"(?:div|blockquote|aside|td)(?![\w-]).*\.signature(?:\.|$)", re.DOTALL)
_WEAK_WORDS = frozenset(
    _spelled("""
header aside meta metadata byline infobox author bio button(s|) btn(s|) form tool(s|) link(s|) rating stat(s|) timestamp
date avatar usercard profile signature sig legal hidden caption(s|) credit(s|) attribution gallery thumb(nail|)(s|)
dateline(s|) pubdate published posted post(s|)info info like(s|) vote(s|) actionbar action(s|) control(s|) subtitle
kicker eyebrow time username(s) usertitle membertitle poster creator tagline karma badge(s) reactions followers views
""")
)
_CATEGORY = _any_of((r"categor\w+",))
_CONTENT_WORDS = frozenset(
    _spelled("""
article main content entry body text story post post(body|content) articlebody prose markdown answer(s|cell|)
question(s|) comment(s|list|) repl(y|ies) thread(s|) message(s|) postbit(legacy|) windowbg chapter
section document lesson abstract
""")
)
_COMMENT_WORDS = frozenset(
    _spelled("""
comment(s|)(list|area|section|container|wrap|wrapper|thread|) kommentar(e|) commentaire(s|) comentario(s|) reacties
commenti
""")
)
_DISQUS = _any_of((r"disqus\w*",))
# Never content, however much text they hold: pages with a short article and a long imprint.
_ALWAYS = re.compile(r"[#.](?:site|page|global|main)?[-_]?(?:footer|cookies?|consent|gdpr|navbar|newsletter)(?![a-z])")
# Names of consent managers, whose dialogs hold more text than many articles.
_CONSENT = re.compile(
    r"onetrust|[#.]ot-(?:pc|sdk|grp|acc)|cookiebot|cybot|[#.]qc-cmp|didomi|usercentrics|trustarc|cmplz"
)
_ALWAYS_PARTS = (
    "footer",
    "cookie",
    "consent",
    "gdpr",
    "navbar",
    "newsletter",
    "onetrust",
    "ot-",
    "cybot",
    "qc-cmp",
    "didomi",
    "usercentrics",
    "trustarc",
    "cmplz",
)
_ALWAYS_TAGS = frozenset({"nav", "footer", "menu", "dialog", "button"})
_CHROME_TAGS = _ALWAYS_TAGS | {"form"}
_WEAK_TAGS = frozenset({"header", "aside", "address", "figcaption"})
_CONTENT_TAGS = frozenset({"article", "main"})
# Parts of a text that hold others, but are never all of it.
_INNER_TAGS = frozenset({"ul", "ol", "dl", "dd", "dt", "blockquote", "p", "pre", "figure"})
_CAPTION = re.compile(r"figcaption|.*?[#.-](?:wp-)?caption(?![a-z])", re.DOTALL)
_TAG = re.compile(r"[\w-]*")
_LANDMARKS = frozenset(_spelled("(main|body|page|post|entry|article)(-|)content content main body document"))
_ID = re.compile(r"#[^.#]*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS = re.compile(r"[a-z]+")


class Said(NamedTuple):
    """What one path segment, `tag#id.class`, says of its element.

    Attributes:
        cue: "chrome", "weak", "content" or "".
        always: chrome even around most of a page's text.
        comments: named for what readers write.
        caption: of an image.
    """

    cue: str
    always: bool
    comments: bool
    caption: bool


def _words() -> dict[str, int]:
    """Bits of each word and pair for `elements.code`. RARE ones are those that the patterns above are for."""
    table: dict[str, int] = {}
    always = _spelled("(site|page|global|main|)(footer|cookie|cookies|consent|gdpr|navbar|newsletter)")
    rare = (*always, "ot", "qc", "caption", "signature", "wy", "user-content", "has", "with", "without", "no")
    pairs = [pair for pair in _CHROME_PAIRS if pair.count("-") == 1]
    threes = [pair.partition("-")[2] for pair in _CHROME_PAIRS if pair.count("-") > 1]  # known by their last two
    both = [pair.split("-") for pair in (*pairs, *threes, "user-content")]
    for bit, words in (
        (elements.CHROME_WORD, (*_CHROME_WORDS, *pairs)),
        (elements.WEAK_WORD, _WEAK_WORDS),
        (elements.CONTENT_WORD, _CONTENT_WORDS),
        (elements.COMMENT_WORD, _COMMENT_WORDS),
        (elements.FIRST, (first for first, _ in both)),
        (elements.LAST, (last for _, last in both)),
        (elements.RARE, (*rare, *threes)),
        (elements.STEM, (stem[: elements.STEM_CHARS] for stem in _STEMS)),
    ):
        for word in words:
            table[word] = table.get(word, 0) | bit
    return table


def _tags() -> dict[str, int]:
    """Bits of each tag for `elements.code`."""
    table = {"section": elements.ANY_ID, "dt": elements.NEVER_WEAK, "figcaption": elements.RARE}
    for bit, tags in (
        (elements.CHROME_WORD, _CHROME_TAGS),
        (elements.WEAK_WORD, _WEAK_TAGS),
        (elements.CONTENT_WORD | elements.LANDMARK_TAG, _CONTENT_TAGS),
        (elements.ALWAYS_TAG, _ALWAYS_TAGS),
        (elements.INNER_TAG, _INNER_TAGS),
    ):
        for tag in tags:
            table[tag] = table.get(tag, 0) | bit
    return table


_CONSENT_STEMS = ("onetrust", "cookiebot", "cybot", "didomi", "usercentrics", "trustarc", "cmplz")
_STEMS = (*_CHROME_STEMS, *_CONSENT_STEMS, "categor", "disqus", "widget")
NAMES = elements.Names(_words(), _tags(), _LANDMARKS, _ALWAYS_PARTS)
CODES: dict[str, int] = {}  # what was said of segments that came before; a cache, see elements.MAX_KNOWN
_CUES = {"chrome": elements.CHROME, "weak": elements.WEAK, "content": elements.CONTENT, "": 0}


def read_code(segment: str) -> int:
    """What a segment says, as bits for `places`; the definition of `elements.code`."""
    what = said(segment)
    found = _CUES[what.cue] | (elements.ALWAYS if what.always else 0)
    found |= (elements.IS_COMMENT if what.comments else 0) | (elements.IS_CAPTION if what.caption else 0)
    tag = _TAG.match(segment)[0]  # type: ignore[index]  # matches anything
    if tag in _CONTENT_TAGS or (tag.startswith("div") and elements.is_landmark(segment, _LANDMARKS)):
        found |= elements.LANDMARK
    found |= elements.INNER if tag in _INNER_TAGS else 0
    return found | (elements.ANCHORED if segment.startswith("dt#") else 0)


def said(segment: str) -> Said:
    """What a path segment says; the patterns are asked about everything that sets of words cannot tell."""
    tag = _TAG.match(segment)[0]  # type: ignore[index]  # matches anything
    names = segment[len(tag) :]
    if tag == "section":  # its id is made of its heading, which may speak of anything
        names = _ID.sub("", names)
    names = _NO_CHROME.sub("", _split(names))
    return Said(
        "chrome" if _SIGNATURE.match(segment) else _cue(tag, names, _LETTERS.findall(names)),
        tag in _ALWAYS_TAGS or _is_always(_NO_CHROME.sub("", segment.lower())),
        _is_comments(_split(segment)),
        "caption" in segment and _CAPTION.match(segment) is not None,
    )


def _is_comments(names: str) -> bool:
    if not _COMMENT_WORDS.isdisjoint(_LETTERS.findall(names)):
        return True
    return "disqus" in names and _DISQUS.search(names) is not None


def _split(names: str) -> str:
    lowered = names.lower()
    return (lowered if lowered == names else _CAMEL.sub("-", names).lower()).replace("_", "-")


def _cue(tag: str, names: str, words: list[str]) -> str:
    if tag in _CHROME_TAGS or _is_chrome(names, words):
        return "chrome"
    if tag in _CONTENT_TAGS or not _CONTENT_WORDS.isdisjoint(words):
        return "content"
    if tag == "dt":  # of a manual: its "sig" is no signature of a letter
        return ""
    if tag in _WEAK_TAGS or not _WEAK_WORDS.isdisjoint(words):
        return "weak"
    return "weak" if "categor" in names and _CATEGORY.search(names) else ""


def _is_chrome(names: str, words: list[str]) -> bool:
    if not _CHROME_WORDS.isdisjoint(words):
        return True
    first, last = _PAIRED
    if not first.isdisjoint(words) and not last.isdisjoint(words) and _PAIR.search(names):
        return True
    if "widget" in names and _WIDGET.search(names):
        return True
    return any(map(names.__contains__, _CHROME_STEMS)) and _STEM.search(names) is not None


def _is_always(lowered: str) -> bool:
    if not any(map(lowered.__contains__, _ALWAYS_PARTS)):
        return False
    return _ALWAYS.search(lowered) is not None or _CONSENT.search(lowered) is not None
