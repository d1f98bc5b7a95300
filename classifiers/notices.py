"""Pages that say nothing: errors, cookie walls, log-ins, placeholders, and pages written for search engines.

Phrases are looked for in lower-case prose. Notices are asked of short pages only; a long page may talk about cookies.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import re2

HEAD_CHARS = 600  # where the title and first line of a notice stand
MIN_SPAM_PHRASES = 3

_JAVASCRIPT = re.compile(
    r"(?:please )?(?:enable|activate|turn on) javascript|javascript (?:is|seems to be|must be|appears to be|has been) "
    r"(?:disabled|enabled|turned off|required)|requires javascript|without javascript"
)
_ERROR = re.compile(
    r"\b(?:error )?(?:404|403|410|500|502|503)\b.{0,40}(?:not found|error|forbidden|unavailable|gateway)"
    r"|page (?:not found|cannot be found|could not be found|you (?:requested|are looking for))"
    r"|access (?:denied|to this page has been denied)|service (?:temporarily )?unavailable|internal server error"
    r"|checking your browser|verify (?:that )?you are (?:a )?human|unusual traffic from your"
)
_COOKIE = re.compile(r"\b(?:cookies?|consent|gdpr|datenschutz\w*|privacy)\b")
_PLACEHOLDER = re.compile(
    r"under construction|coming soon|domain (?:name )?(?:is|may be) for sale|buy this domain|this domain (?:has|is)"
    r"|parked (?:free|domain)|hello world! welcome to wordpress|default web ?(?:page|site page)|apache2? .{0,20}default"
    r"|welcome to nginx|index of /|it works!|site is (?:currently )?(?:down|offline)|undergoing maintenance"
)
_LOGIN = re.compile(
    r"(?:you (?:must|need to|have to)|please) (?:be logged in|log ?in|sign ?in)"
    r"(?: to (?:view|see|access|continue|read|proceed|use)\b|[.!]|$)|forgot(?:ten)? (?:your )?password"
    r"|keep me (?:logged|signed) in|remember me.{0,40}(?:log|sign) ?in|subscribers? only"
)
_SPAM_PHRASES = r"""
online casino|casino bonus|free spins|slot machines?|sports ?betting|poker online|viagra|cialis|levitra|payday loans?
cash advance|cheap (?:essays?|flights|jerseys|nike|ugg|replica|oakley|ray.?ban|louis vuitton|car insurance)
essay (?:writing|writers?) services?|write my (?:essay|paper)|buy (?:essays?|followers|likes|cheap|online now)
replica (?:watches|handbags|rolex)|escorts?|live sex|porn[a-z]*|xxx|weight loss pills?|diet pills?|garcinia|forex robot
forex signals|binary options|bitcoin doubler|earn \$?[0-9]+ (?:a|per) day|make money (?:online|fast)|work from home
seo (?:services|company)|backlinks?|no prescription|without (?:a )?prescription|online pharmacy|click here|order now
limited time offer|best price|free shipping|lowest price|100% (?:free|guaranteed)|act now|special offer|buy now
discount code|promo code
"""
_SPAM = re2.compile(rf"\b(?:{'|'.join(_SPAM_PHRASES.split(chr(10))[1:-1])})\b")  # RE2: one pass for all of them


def _cookie_wall(lowered: str) -> bool:
    """At least three, and one in thirty, of a short page's words are about cookies or consent."""
    return len(_COOKIE.findall(lowered)) >= max(3, len(lowered.split()) / 30)


NOTICES: dict[str, Callable[[str], bool]] = {
    "javascript_page": lambda lowered: _JAVASCRIPT.search(lowered) is not None,
    "error_page": lambda lowered: _ERROR.search(lowered[:HEAD_CHARS]) is not None,
    "cookie_page": _cookie_wall,
    "login_page": lambda lowered: _LOGIN.search(lowered) is not None,
    "placeholder_page": lambda lowered: _PLACEHOLDER.search(lowered[:HEAD_CHARS]) is not None,
}


def names_spam(lowered: str, words: float) -> bool:
    """Whether phrases of spam, at least MIN_SPAM_PHRASES different ones, hold more than so many words."""
    found = _SPAM.findall(lowered)
    distinct = len(set(found)) >= MIN_SPAM_PHRASES
    return distinct and sum(len(phrase.split()) for phrase in found) > words
