"""Chrome planted around and within a text, as plain-text sources of real pages have it: what cleaning may cut."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from planting import by_lines, one, paragraphs

NAVIGATION = [
    "Home\nAbout\nProducts\nBlog\nContact",
    "- [Home](/)\n- [Docs](/docs)\n- [API](/api)\n- [Community](/community)\n- [Log in](/login)",
    "Home > Courses > Mathematics > Lecture 4",
    "Home | News | Forums | Search | Sign in",
    "Skip to main content\n\nMenu\n\nSearch\n\nEnglish ▾",
    "* Startseite\n* Über uns\n* Kontakt\n* Impressum",
    "← Previous\nNext →",
    "Toggle navigation\n\nPricing\n\nEnterprise\n\nSign up",
]
BANNERS = [
    "We use cookies to improve your experience. By continuing to use this site you accept our cookie policy. [Accept all]",
    "This website uses cookies to ensure you get the best experience on our website. Learn more. Got it!",
    "JavaScript is disabled in your browser. Please enable it to use all features of this site.",
    "Subscribe to our newsletter and never miss an update!\n\nEnter your email\n\nSubscribe",
    "Support us: become a member today and read without ads.",
    "You are reading the documentation of an old version. See the latest version.",
]
SHARING = [
    "Share this:\n\nFacebook\n\nTwitter\n\nLinkedIn\n\nEmail",
    "Tweet\nShare\nPin it\nPrint",
    "Like Comment Share Save",
    "Posted on March 4, 2021 by admin | 12 comments | Tags: math, teaching",
    "5 min read · 1.2k views",
    "Edit this page on GitHub\n\nReport an issue",
    "Reply Quote Report",
    "Advertisement",
    "Click here to download the PDF version.",
    "By Jane Miller\n\nUpdated 3:45 PM EST, Tue January 12",
]
FOOTERS = [
    "© 2023 Example Media Ltd. All rights reserved.\n\nPrivacy policy | Terms of use | Contact",
    "Powered by WordPress. Theme by Automattic.\n\nCopyright 2019",
    "Related posts\n\n- [How to solve quadratic equations](/q)\n- [Ten facts about primes](/p)\n- [Why teach logic?](/l)",
    "Leave a comment\n\nYour email address will not be published. Required fields are marked *\n\nName *\n\nEmail *\n\nPost Comment",
    "About the author\n\nJane Miller is a writer and teacher who lives in Leeds. She has written three books about algebra.",
    "3 Comments\n\nanna says:\n\nMay 3, 2020 at 10:11 am\n\nThanks, great post!\n\nReply\n\nbob says:\n\nI do not understand the second step, could you explain it?\n\nReply",
    "You may also like\n\nThe best laptops of 2022\n\nTen tricks for better sleep\n\nWhy cats purr",
    "Was this page helpful? Yes No\n\nLast updated: 4 May 2022",
    "Recent posts\n\nHello world\n\nArchives\n\nMay 2020\n\nCategories\n\nUncategorized\n\nMeta\n\nLog in",
    "Follow us on Twitter and Facebook\n\nDownload our app\n\nAdvertise with us",
    "Site map\nAccessibility\nCareers\nPress\nHelp center\nStatus",
]

Mess = Callable[[Random, str], str | None]


def before(listed: list[str]) -> Mess:
    return lambda rng, text: f"{rng.choice(listed)}\n\n{text}"


def behind(listed: list[str]) -> Mess:
    return lambda rng, text: f"{text.rstrip()}\n\n{rng.choice(listed)}"


def between(listed: list[str]) -> Mess:
    return lambda rng, text: one(rng, text, paragraphs(text)[:-1], lambda old: f"{old}\n\n{rng.choice(listed)}")


def page(rng: Random, text: str) -> str:
    """All of it at once, as on a usual page."""
    top = [rng.choice(BANNERS), *rng.sample(NAVIGATION, 2), rng.choice(SHARING)]
    bottom = [rng.choice(SHARING), *rng.sample(FOOTERS, 3), rng.choice(NAVIGATION)]
    return "\n\n".join([*top, text.strip(), *bottom])


def edit_marks(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: f"{line} [edit]" if line.startswith("#") else line)


def anchors(rng: Random, text: str) -> str | None:
    mark = rng.choice("¶#")
    return by_lines(text, lambda line: f"{line} {mark}" if line.startswith("#") else line)


def copy_buttons(rng: Random, text: str) -> str | None:
    return text.replace("\n```", "\nCopy\n```", 1) if "\n```" in text else None


CHROME: dict[str, Mess] = {
    "chrome_navigation": before(NAVIGATION),
    "chrome_banner": before(BANNERS),
    "chrome_sharing_before": before(SHARING),
    "chrome_sharing_behind": behind(SHARING),
    "chrome_footer": behind(FOOTERS),
    "chrome_banner_between": between(BANNERS),
    "chrome_sharing_between": between(SHARING),
    "chrome_navigation_behind": behind(NAVIGATION),
    "chrome_page": page,
    "chrome_edit_marks": edit_marks,
    "chrome_anchors": anchors,
    "chrome_copy_buttons": copy_buttons,
}
