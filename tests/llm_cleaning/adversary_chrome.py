"""Chrome in six languages, planted around and within a source: what every cleaner takes away."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from adversary_places import prose
from planting import by_lines, one

BEFORE = (
    "Jump to navigation\n\nHome | Topics | Archive | Imprint\n\nSearch this site", "[Home](/) › [Science](/science) › [Physics](/science/physics)",
    "Zum Inhalt springen\n\n- [Start](/)\n- [Themen](/themen)\n- [Kontakt](/kontakt)\n- [Anmelden](/login)", "Wir verwenden Cookies, um unsere Website zu verbessern.\n\nAlle akzeptieren\n\nAblehnen",
    "Accueil\n\nActualités\n\nBoutique\n\nSe connecter", "Ce site utilise des cookies. En poursuivant votre navigation, vous acceptez leur utilisation.\n\nJ'accepte",
    "Главная\nНовости\nО нас\nКонтакты\nВойти", "Мы используем файлы cookie.\n\nПринять", "首页\n新闻\n论坛\n关于我们\n登录\n注册", "当前位置：首页 > 数学 > 正文",
    "ホーム\nニュース\nお問い合わせ\nログイン\n新規登録", "☰ Menu\n\nLog in\n\nCreate account", "Page 3 of 12\n\n« Prev  Next »",
)  # fmt: skip
BEHIND = (
    "Tags: algebra, teaching, notes\n\nFiled under: Education", "Related articles\n\n- [Seven bridges](/a)\n- [The four colours](/b)\n- [What is a knot?](/c)",
    "0 Comments\n\nBe the first to comment\n\nPost comment", "© 2021 Beispiel Verlag GmbH. Alle Rechte vorbehalten.\n\nImpressum | Datenschutz | AGB",
    "Das könnte Sie auch interessieren\n\n- [Der beste Kaffee](/x)\n- [Radfahren im Winter](/y)", "Partager sur Facebook\n\nPartager sur Twitter\n\nImprimer",
    "© 2020 Exemple SA – Mentions légales – Plan du site", "Поделиться: ВКонтакте Telegram\n\n© 2019 Пример. Все права защищены.", "Похожие статьи\n\n- [Как варить рис](/1)\n- [История часов](/2)",
    "上一篇：如何学习线性代数\n\n下一篇：概率论笔记\n\n版权所有 © 2020 示例网", "点赞 收藏 分享\n\n评论 (0)", "関連記事\n\n- [微分の基礎](/k1)\n- [行列とは](/k2)\n\nこの記事をシェアする",
    "Share on Facebook\n\nShare on X\n\nCopy link", "Subscribe to our newsletter\n\nYour email address\n\nSign up", "Last edited by Quill; 04-05-2016 at 09:12 PM.\n\nReply With Quote",
    "Built with Sphinx using a theme provided by Read the Docs.\n\n© Copyright 2021, the developers. Revision 3f2a91c.",
)  # fmt: skip
BETWEEN = (
    "Advertisement", "Anzeige", "Publicité", "Реклама", "广告", "広告", "Story continues below advertisement", "Click to enlarge", "Read more: [Why cats sleep](/cats)",
    "Lesen Sie auch: [Der beste Kaffee](/x)", "À lire aussi : [Les meilleures plages](/p)", "Читайте также: [Как варить рис](/1)", "Sign up for our newsletter\n\nEnter your email\n\nSubscribe",
    "Share\n\nTweet\n\nPin", "Was this section helpful? Yes No", "Like · Reply · 3 d",
)  # fmt: skip

Edit = Callable[[Random, str], str | None]


def whole(rng: Random, text: str) -> str:
    """Chrome of several kinds on both sides."""
    return "\n\n".join([*rng.sample(BEFORE, 3), text.strip(), *rng.sample(BEHIND, 4)])


def by_heading(mark: str) -> Edit:
    return lambda rng, text: by_lines(text, lambda line: line + mark if line.startswith("#") else line)


def copied(rng: Random, text: str) -> str | None:
    """The button over listings."""
    return text.replace("\n```", "\nCopy code\n\n```", 1) if "\n```" in text else None


def titled(rng: Random, text: str) -> str | None:
    """The title once more, as the tab of the browser and breadcrumbs show it."""
    first = text.lstrip().split("\n", 1)[0].lstrip("# ")
    return f"{first} - Example Site\n\nHome > {first}\n\n{text}" if 8 < len(first) < 90 else None


def listed_contents(rng: Random, text: str) -> str | None:
    """A table of contents of the page's own headings."""
    heads = [line.lstrip("# ") for line in text.split("\n") if line.startswith("#")]
    return (
        "Contents\n\n" + "\n".join(f"- [{head}](#s{n})" for n, head in enumerate(heads)) + f"\n\n{text}"
        if len(heads) >= 3
        else None
    )


CHROMED: dict[str, Edit] = {
    "chrome_before": lambda rng, text: f"{rng.choice(BEFORE)}\n\n{text}",
    "chrome_behind": lambda rng, text: f"{text.rstrip()}\n\n{rng.choice(BEHIND)}",
    "chrome_between": lambda rng, text: one(rng, text, prose(text)[:-1], lambda old: f"{old}\n\n{rng.choice(BETWEEN)}"),
    "chrome_whole": whole,
    "chrome_edit": by_heading(" [edit]"),
    "chrome_bearbeiten": by_heading(" [Bearbeiten | Quelltext bearbeiten]"),
    "chrome_anchor": by_heading(" ¶"),
    "chrome_copied": copied,
    "chrome_titled": titled,
    "chrome_contents": listed_contents,
}
