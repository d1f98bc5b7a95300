"""Chrome in our own words, planted around and inside cleaned pages: what cleaning takes away, in many shapes.

Every part is `(rng) -> str`: one or more Markdown blocks as the renderer would lay them out. Nothing here is content.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Part = Callable[[Random], str]

TITLES = (
    "Ten ways to cook rice", "Why the tides come twice a day", "A short history of the abacus", "How to fold a paper crane",
    "The best bicycles of the year", "Is a tomato a fruit?", "Learning the violin at forty", "Gardens of the north",
    "Understanding compound interest", "Limits and continuity", "Sorting in linear time", "What is a monad?",
    "Notes on Hilbert spaces", "Five myths about sleep", "Debugging memory leaks", "Prime gaps explained",
    "Prove that $n^2+n$ is even", "Does $\\sum 1/n$ converge?", "Integral of $e^{-x^2}$ over the line", "When is $A^TA$ invertible?",
)  # fmt: skip
TEASERS = (
    "We asked three experts what they would do, and their answers may surprise you.",
    "In this guide you will learn the basics in less than ten minutes, step by step…",
    "The museum opens its doors again after two years of work. Our reporter was there.",
    "Everything that you need to know before you buy one, from batteries to brakes.",
    "A reader wrote to us with a question about her garden, and we looked for an answer …",
    "It began with a small shop in a side street. Today the company has offices in nine countries.",
)
NAMES = (
    "Anna Berg",
    "J. Okafor",
    "Luis Prado",
    "Mei Tanaka",
    "rust_fan_88",
    "mathlover",
    "Tom W.",
    "Prof. Quill",
    "user31415",
    "Olga",
)
DATES = (
    "March 3, 2019",
    "12 Jan 2021",
    "2020-07-14",
    "3 days ago",
    "Tue, 5 May 2015 10:32",
    "Yesterday at 18:04",
    "01/02/2018",
)
OPINIONS = (
    "Great post, thanks for sharing it with us!", "I think there is a mistake in the second part, or do I read it wrongly?",
    "Very useful. I have been looking for something like this for a long time, and it saved me a whole afternoon of work.",
    "Could you please explain the last step once more? My teacher said something different about it.",
    "This helped me with my homework, thank you so much.", "Nice article, but the pictures do not load on my phone.",
    "I disagree with nearly everything that was said here. Where are the sources for all of these claims?",
)  # fmt: skip


def _list(rng: Random, items: list[str]) -> str:
    mark = rng.choice(("- ", "* ", "- ", ""))
    return ("\n" if mark else "\n\n").join(mark + item for item in items)


def menu(rng: Random) -> str:
    words = ["Home", "About", "Courses", "Archive", "Contact", "Blog", "Shop", "Log in", "Register", "Help", "FAQ", "Download",
             "Community", "Products", "Support", "Forum", "Search", "Language", "Events", "Jobs", "News", "Pricing"]  # fmt: skip
    chosen = rng.sample(words, rng.randint(3, 14))
    return rng.choice(
        [" | ".join(chosen), " · ".join(chosen), _list(rng, chosen), "\n\n".join(chosen), " ".join(chosen)]
    )


def crumbs(rng: Random) -> str:
    return rng.choice([" > ", " » ", " / ", " › "]).join(
        ["Home", rng.choice(["Topics", "Library", "Mathematics", "Docs"]), rng.choice(TITLES)]
    )


def cookies(rng: Random) -> str:
    return rng.choice((
        "We use cookies to improve your experience. By continuing to browse this site you accept our use of cookies.\n\nAccept\n\nDecline",
        "This website uses cookies to ensure that you get the best experience on our website. Learn more\n\nGot it!",
        "## Your privacy matters\n\nWe and our 142 partners store and access information on a device, such as unique IDs in cookies, to process "
        "personal data. You may accept or manage your choices by clicking below.\n\nManage options\n\nAgree and close",
        "Diese Website verwendet Cookies, um Ihnen den bestmöglichen Service zu bieten. Mehr erfahren\n\nOK",
        "Nous utilisons des cookies pour vous garantir la meilleure expérience sur notre site.\n\nAccepter",
        "Utilizamos cookies propias y de terceros para mejorar nuestros servicios.\n\nAceptar",
        "Мы используем файлы cookie, чтобы сайт работал лучше.\n\nПринять",
    ))  # fmt: skip


def share(rng: Random) -> str:
    return rng.choice((
        "Share this article on Twitter or Facebook.", "Share:\n\nFacebook\n\nTwitter\n\nLinkedIn", "Tweet\n\nPin\n\n12 shares",
        "- Facebook\n- Twitter\n- WhatsApp\n- E-mail", "Share this:\n\n- Click to share on Twitter (Opens in new window)\n"
        "- Click to share on Facebook (Opens in new window)\n\nLike this:\n\nLike Loading...", "Email Print Save", "Teilen\n\nDrucken",
    ))  # fmt: skip


def byline(rng: Random) -> str:
    name, date = rng.choice(NAMES), rng.choice(DATES)
    return rng.choice((
        f"By {name}\n\n{date}", f"Posted by {name} on {date}", f"{name} | {date} | 4 min read", f"Published: {date}\n\nLast updated: {rng.choice(DATES)}",
        f"{date} · {name} · {rng.randint(2, 90)} comments", f"Asked {date}\n\nViewed {rng.randint(20, 9000)} times", f"Von {name}, {date}",
    ))  # fmt: skip


def newsletter(rng: Random) -> str:
    return rng.choice((
        "Subscribe to our newsletter to get the latest posts, every week.", "## Stay up to date\n\nSign up for our free weekly newsletter. No spam, "
        "and you can unsubscribe at any time.\n\nYour e-mail\n\nSubscribe", "Enter your email address to follow this blog and receive notifications "
        "of new posts by email.\n\nJoin 2,317 other followers", "Enjoyed this article? Join our mailing list!", "Newsletter abonnieren",
    ))  # fmt: skip


def promo(rng: Random) -> str:
    return rng.choice((
        "Advertisement", "ADVERTISEMENT - CONTINUE READING BELOW", "Sponsored content", f"Read also: {rng.choice(TITLES)}", "Story continues below",
        f"Related: {rng.choice(TITLES)}", f"**Read more:** {rng.choice(TITLES)}", "Download our free app from the store.",
        "Support us! Donate now to keep this site free for everyone.", f"See also: {rng.choice(TITLES)}", "Loading…",
        "Hire a tutor now and save 20 % on the first lesson. Click here to book.", f"> Also read: {rng.choice(TITLES)}",
    ))  # fmt: skip


def related(rng: Random) -> str:
    heading = rng.choice(("## Related posts", "Related articles", "### You may also like", "More from this author", "## Recommended for you",
                          "Popular this week", "## Hot Network Questions", "Recent posts", "**Trending now**", "Read next", "Similar questions"))  # fmt: skip
    titles = rng.sample(TITLES, rng.randint(3, 8))
    style = rng.randrange(3)
    if style == 0:
        return f"{heading}\n\n{_list(rng, titles)}"
    if style == 1:
        return (
            heading + "\n\n" + "\n\n".join(f"### {title}\n\n{rng.choice(TEASERS)}\n\nRead more" for title in titles[:4])
        )
    return heading + "\n\n" + "\n\n".join(f"{title}\n\n{rng.choice(DATES)}" for title in titles)


def comments(rng: Random) -> str:
    count = rng.randint(1, 7)
    heading = rng.choice(
        (
            f"## {count} Comments",
            f"{count} responses",
            "Comments",
            "### Leave a reply",
            f"{count} thoughts on this post",
            "Discussion",
        )
    )
    form = rng.choice((
        "Your email address will not be published. Required fields are marked *", "Log in to leave a comment.", "Name\n\nEmail\n\nWebsite\n\nPost comment",
        "You must be logged in to post a comment.", "",
    ))  # fmt: skip
    posts = [f"{rng.choice(NAMES)}\n\n{rng.choice(DATES)}\n\n{rng.choice(OPINIONS)}\n\n{rng.choice(('Reply', 'Like · Reply', 'Report', ''))}".rstrip()
             for _ in range(count)]  # fmt: skip
    return "\n\n".join(part for part in (heading, *posts, form) if part)


def author(rng: Random) -> str:
    name = rng.choice(NAMES)
    return rng.choice((
        f"## About the author\n\n{name} is a freelance writer who lives by the sea with two cats. Follow {name} on Twitter.",
        f"About {name}\n\n{name} teaches physics and writes about it. View all posts by {name} →",
        f"Written by\n\n{name}\n\nSoftware engineer. Opinions are my own. {rng.randint(10, 999)} followers\n\nFollow",
    ))  # fmt: skip


def footer(rng: Random) -> str:
    year = rng.randint(2005, 2025)
    return rng.choice((
        f"© {year} Example Inc. All rights reserved.", f"Copyright © {year} The Example Project\n\nPrivacy policy\n\nTerms of use\n\nImprint",
        f"Powered by WordPress | Theme: Twenty by Someone\n\n© {year}", "This page was last edited on 3 May 2021, at 12:04.\n\nText is available under "
        "the Creative Commons Attribution-ShareAlike License; additional terms may apply. By using this site, you agree to the Terms of Use and Privacy Policy.",
        "Back to top", f"Created using Sphinx 4.2.0. Last updated on Mar 12, {year}.", "- About us\n- Careers\n- Press\n- Contact us\n\n"
        f"Example Media is a registered trademark. © {year} All rights reserved. Reproduction in whole or in part without permission is prohibited.",
        f"Impressum | Datenschutz | AGB\n\n© {year}", "Mentions légales | Contact", "Privacy | Terms | Sitemap\n\nEnglish\n\nDeutsch\n\nFrançais",
    ))  # fmt: skip


def pager(rng: Random) -> str:
    one, two = rng.sample(TITLES, 2)
    return rng.choice(
        (
            f"Next: {one}\nPrevious: {two}",
            f"← {one}\n\n{two} →",
            "« Previous\n\n1 2 3 4 … 17\n\nNext »",
            "Next topic\n\n" + one,
            "previous | next | index",
        )
    )


def tags(rng: Random) -> str:
    words = rng.sample(
        ["algebra", "python", "travel", "analysis", "recipes", "linux", "history", "physics"], rng.randint(2, 5)
    )
    return rng.choice(
        (
            f"Tags: {', '.join(words)}",
            f"Filed under: {words[0]}",
            " ".join(f"#{word}" for word in words),
            "Posted in " + ", ".join(words),
        )
    )


def votes(rng: Random) -> str:
    return rng.choice((f"{rng.randint(0, 99)}\n\n$\\begingroup$", f"Share\n\nCite\n\nFollow\n\nedited {rng.choice(DATES)}", "Was this page helpful?\n\nYes\n\nNo",
                       f"★★★★☆ {rng.randint(2, 400)} ratings", "Add a comment |", f"{rng.randint(1, 40)} likes")).replace("$\\begingroup$", "Save")  # fmt: skip


def site(rng: Random) -> str:
    return rng.choice((
        "# The Example Blog\n\nThoughts on mathematics, code and the rest", "Skip to content\n\nExample University\n\nDepartment of Mathematics",
        "Toggle navigation\n\nSearch\n\nSearch for:", "Example Docs v2.4\n\nSearch the docs …\n\nCtrl + K", "Welcome, guest. Please log in or register.",
        "Ask Question\n\nStack of Questions is a question and answer site for people who like questions. It only takes a minute to sign up.\n\nSign up to join this community",
    ))  # fmt: skip


TOP: tuple[Part, ...] = (menu, crumbs, cookies, share, byline, newsletter, site, promo)
MIDDLE: tuple[Part, ...] = (promo, share, promo, votes)
BOTTOM: tuple[Part, ...] = (share, tags, author, related, comments, newsletter, pager, cookies, menu, footer, votes)


def wrapped(rng: Random, content: str) -> str:
    """A page around its content: one to four parts above, two to seven below, the footer last more often than not."""
    top = [part(rng) for part in rng.sample(TOP, rng.randint(1, 4))]
    bottom = [part(rng) for part in rng.sample(BOTTOM, rng.randint(2, 7))]
    return "\n\n".join([*top, content, *bottom, footer(rng)])
