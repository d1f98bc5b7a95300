"""Words whose exchange turns a statement round, in six languages: (what is there, what a careless writer puts).

Written from general knowledge of the languages; nothing here was taken from the guard.
"""

from __future__ import annotations

Pairs = tuple[tuple[str, str], ...]

NEGATED: Pairs = (
    (r"\bis (?!not\b)(?=[a-z])", "is not "), (r"\bare (?!not\b)(?=[a-z])", "are not "), (r"\bcan (?!not\b)(?=[a-z])", "cannot "),
    (r"\bwill (?!not\b)(?=[a-z])", "will not "), (r"\bhas (?!not\b)(?=[a-z])", "has not "), (r"\bdoes\b(?! not)", "does not"),
    (r"\bist (?!nicht\b|kein)", "ist nicht "), (r"\bsind (?!nicht\b|kein)", "sind nicht "), (r"\bwird (?!nicht\b|kein)", "wird nicht "),
    (r"\best (?!pas\b)(?=[a-zà-ÿ])", "n'est pas "), (r"\bsont (?!pas\b)(?=[a-zà-ÿ])", "ne sont pas "), (r"\bpeut (?!pas\b)", "ne peut pas "),
    (r"\bявляется\b", "не является"), (r"\bможно\b", "нельзя"), (r"\bбудет\b", "не будет"), (r"\bможет\b", "не может"),
    ("可以", "不可以"), ("需要", "不需要"), ("(?<!不)是", "不是"), ("(?<!不)会", "不会"), ("できます", "できません"), ("あります", "ありません"),
    ("します", "しません"), ("である", "ではない"), ("なります", "なりません"),
)  # fmt: skip
AFFIRMED: Pairs = (
    (r"\bis not\b", "is"), (r"\bare not\b", "are"), (r"\bdoes not\b", "does"), (r"\bcannot\b", "can"), (r"\bdon['’]t\b", "do"),
    (r"\bnot\b ", ""), (r"\bnever\b ", ""), (r" nicht\b", ""), (r"\bkein(?=e?\b)", "ein"), (r"\bne (\w+) pas\b", r"\1"), (r"\bn['’](\w+) pas\b", r"\1"),
    (r"\bне ", ""), ("不(?=[是会能需可])", ""), ("没有", "有"), ("ません", "ます"), ("ではない", "である"), (r"\bno (?=[a-z]{4})", "a "),
)  # fmt: skip
WITHOUT: Pairs = (
    (r"\bwithout\b", "with"), (r"\bwith\b", "without"), (r"\bohne\b", "mit"), (r"\bmit\b", "ohne"), (r"\bsans\b", "avec"), (r"\bavec\b", "sans"),
    (r"\bбез\b", "с"), (r"\bexcept\b", "including"), (r"\baußer\b", "einschließlich"), (r"\bsauf\b", "y compris"), (r"\bкроме\b", "включая"),
    ("除了", "包括"), ("を除いて", "を含めて"), (r"\bunless\b", "if"), (r"\bsauf si\b", "si"),
)  # fmt: skip
PREFIXED: Pairs = (
    (r"\bpossible\b", "impossible"), (r"\bimpossible\b", "possible"), (r"\bknown\b", "unknown"), (r"\bunknown\b", "known"), (r"\bequal\b", "unequal"),
    (r"\bbounded\b", "unbounded"), (r"\bstable\b", "unstable"), (r"\bregular\b", "irregular"), (r"\bfinite\b", "infinite"), (r"\binfinite\b", "finite"),
    (r"\bdependent\b", "independent"), (r"\bindependent\b", "dependent"), (r"\bcorrect\b", "incorrect"), (r"\bvalid\b", "invalid"), (r"\buseful\b", "useless"),
    (r"\bmöglich\b", "unmöglich"), (r"\bendlich\b", "unendlich"), (r"\bbekannt\b", "unbekannt"), (r"\bstetig\b", "unstetig"), (r"\bgleich\b", "ungleich"),
    (r"\bfini\b", "infini"), (r"\bvrai\b", "faux"), (r"\bизвестно\b", "неизвестно"), (r"\bограничен", "неограничен"), (r"\bзависим", "независим"),
    ("有限", "无限"), ("可能", "不可能"), ("相等", "不等"), ("連続", "不連続"), (r"\ballowed\b", "disallowed"), (r"\bsafe\b", "unsafe"),
)  # fmt: skip
QUANTIFIED: Pairs = (
    (r"\ball\b", "some"), (r"\bevery\b", "some"), (r"\beach\b", "one"), (r"\bsome\b", "all"), (r"\bmany\b", "few"), (r"\bmost\b", "some"),
    (r"\balways\b", "sometimes"), (r"\bnever\b", "often"), (r"\bboth\b", "neither of the"), (r"\bany\b", "one"), (r"\balle\b", "einige"),
    (r"\bjede[rsn]?\b", "manche"), (r"\bimmer\b", "manchmal"), (r"\bnie\b", "oft"), (r"\btous\b", "certains"), (r"\btoutes\b", "certaines"),
    (r"\btoujours\b", "parfois"), (r"\bjamais\b", "souvent"), (r"\bвсех\b", "некоторых"), (r"\bвсе\b", "некоторые"), (r"\bвсегда\b", "иногда"),
    (r"\bникогда\b", "часто"), ("所有", "有些"), ("总是", "有时"), ("必ず", "時々"), ("すべて", "一部"), (r"\bmehrere\b", "wenige"), (r"\bplusieurs\b", "quelques"),
)  # fmt: skip
COMPARED: Pairs = (
    (r"\bmore\b", "less"), (r"\bless\b", "more"), (r"\blarger\b", "smaller"), (r"\bsmaller\b", "larger"), (r"\bgreater\b", "smaller"), (r"\bfaster\b", "slower"),
    (r"\bhigher\b", "lower"), (r"\blower\b", "higher"), (r"\bbefore\b", "after"), (r"\bafter\b", "before"), (r"\bat least\b", "at most"), (r"\bat most\b", "at least"),
    (r"\babove\b", "below"), (r"\bbelow\b", "above"), (r"\bmaximum\b", "minimum"), (r"\bincreas(?=es|ed|ing)", "decreas"), (r"\bfirst\b", "last"), (r"\bleft\b", "right"),
    (r"\bmehr\b", "weniger"), (r"\bgrößer", "kleiner"), (r"\bvor\b", "nach"), (r"\bmindestens\b", "höchstens"), (r"\bplus\b(?= [a-zà-ÿ])", "moins"), (r"\bavant\b", "après"),
    (r"\bau moins\b", "au plus"), (r"\bбольше\b", "меньше"), (r"\bменьше\b", "больше"), (r"\bдо\b", "после"), ("大于", "小于"), ("小于", "大于"), ("至少", "至多"),
    ("以上", "以下"), ("以下", "以上"), ("大きい", "小さい"), ("之前", "之后"),
)  # fmt: skip
MODAL: Pairs = (
    (r"\bmust\b", "may"), (r"\bmay\b", "must"), (r"\bshould\b", "must"), (r"\bmight\b", "will"), (r"\bcould\b", "can"), (r"\bprobably\b", "certainly"),
    (r"\bperhaps\b", "surely"), (r"\busually\b", "always"), (r"\boften\b", "rarely"), (r"\babout\b (?=\d)", "exactly "), (r"\bnearly\b", ""), (r"\balmost\b ", ""),
    (r"\bonly\b ", ""), (r"\bmuss\b", "darf"), (r"\bkann\b", "muss"), (r"\bnur\b ", ""), (r"\bfast\b(?= [a-zäöü]+n?\b)", "ganz"), (r"\bdoit\b", "peut"), (r"\bpresque\b", "tout à fait"),
    (r"\bдолж(?:ен|на|но|ны)\b", "может"), (r"\bтолько\b ", ""), (r"\bпочти\b ", ""), ("必须", "可以"), ("应该", "必须"), ("大约", "正好"), ("だけ", ""), ("ほぼ", "完全に"), ("約", "ちょうど"),
)  # fmt: skip
TENSE: Pairs = (
    (r"\bis\b", "was"), (r"\bare\b", "were"), (r"\bwas\b", "is"), (r"\bhas\b", "had"), (r"\bwill\b", "would"), (r"\bist\b", "war"), (r"\bwar\b", "ist"),
    (r"\best\b", "était"), (r"\bбыл\b", "будет"), (r"\bhe\b", "she"), (r"\bshe\b", "he"), (r"\btheir\b", "its"), (r"\bthis\b", "that"),
)  # fmt: skip
SCALED: Pairs = (
    (r"\bmillions?\b", "billion"), (r"\bbillions?\b", "million"), (r"\bthousands?\b", "million"), (r"\bhundreds?\b", "thousand"), (r"\bMillionen\b", "Milliarden"),
    (r"\bmillions\b", "milliards"), (r"\bмиллион", "миллиард"), ("(?<=[\\d])万", "亿"), (r"\bhalf\b", "a third"), (r"\btwice\b", "three times"), (r"\bdouble\b", "triple"),
    (r"\btwo\b", "three"), (r"\bthree\b", "two"), (r"\bfour\b", "five"), (r"\bfive\b", "four"), (r"\bzwei\b", "drei"), (r"\bdrei\b", "vier"), (r"\bdeux\b", "trois"),
    (r"\btrois\b", "quatre"), (r"\bдва\b", "три"), (r"\bтри\b", "два"), ("两", "三"), ("三", "四"), ("二つ", "三つ"), (r"\bsecond\b(?= [a-z])", "third"), (r"\bfirst\b(?= [a-z])", "second"),
)  # fmt: skip
UNITS: Pairs = (
    (r"(?<=\d)( ?)km\b", r"\1m"), (r"(?<=\d)( ?)MB\b", r"\1Mb"), (r"(?<=\d)( ?)GB\b", r"\1MB"), (r"(?<=\d)( ?)KB\b", r"\1MB"), (r"°C", "°F"), (r"°F", "°C"),
    (r"(?<=\d)( ?)kg\b", r"\1g"), (r"(?<=\d)( ?)mg\b", r"\1µg"), (r"(?<=\d)( ?)µg\b", r"\1mg"), (r"(?<=\d)( ?)ms\b", r"\1s"), (r"(?<=\d)( ?)GHz\b", r"\1MHz"),
    (r"(?<=\d)( ?)kW\b", r"\1kWh"), (r"(?<=\d)( ?)mm\b", r"\1cm"), (r"(?<=\d)( ?)cm\b", r"\1mm"), (r"(?<=\d)( ?)m\b", r"\1km"), (r"(?<=\d) hours\b", " minutes"),
    (r"(?<=\d) minutes\b", " seconds"), (r"(?<=\d) seconds\b", " minutes"), (r"(?<=\d) days\b", " weeks"), (r"(?<=\d) years\b", " months"), (r"€", "$"),
    (r"(?<=\d) Stunden\b", " Minuten"), (r"(?<=\d) Jahren?\b", " Monaten"), (r"(?<=\d) heures\b", " minutes"), (r"(?<=\d) ans\b", " mois"), (r"(?<=\d) км\b", " м"),
    (r"(?<=\d) лет\b", " месяцев"), ("公里", "米"), ("(?<=\\d)( ?)小时", r"\1分钟"), ("(?<=\\d)( ?)時間", r"\1分"), (r"(?<=\d) miles\b", " km"), (r"(?<=\d) feet\b", " metres"),
)  # fmt: skip
PERCENT: Pairs = (
    (r"(?<=\d) ?%(?! points)", " percentage points"), (r"\bpercent\b(?!age)", "percentage points"), (r"(?<=\d) ?%", "‰"), (r"\bProzent\b", "Prozentpunkte"),
    (r"\bpour cent\b", "points de pourcentage"), (r"\bпроцент(?:а|ов)\b", "процентных пункта"), ("(?<=\\d)%", "个百分点"), ("(?<=\\d)パーセント", "ポイント"),
)  # fmt: skip

INVENTED = (
    "It is widely known that this method was first used in the nineteenth century.", "As a result, the costs fell considerably.",
    "This was later confirmed by several independent studies.", "However, this does not hold in general.", "Note that the order matters here.",
    "Dies wurde später von mehreren Forschern bestätigt.", "Das gilt jedoch nicht allgemein.", "Cela a été confirmé plus tard par plusieurs études.",
    "Позднее это было подтверждено несколькими исследованиями.", "后来的研究证实了这一点。", "これは後の研究で確認された。",
)  # fmt: skip
PREAMBLES = (
    "Sure, here is the cleaned text:", "Here's the cleaned version of the page:", "Certainly! Below is the content without boilerplate.", "Hier ist der bereinigte Text:",
    "Voici le texte nettoyé :", "Конечно, вот очищенный текст:", "以下是清理后的文本：", "以下は整形後のテキストです：", "Cleaned text:", "Okay, I removed the navigation.",
    "<think>The user wants the cleaned page.</think>", "Of course!", "# Cleaned Content",
)  # fmt: skip
POSTAMBLES = (
    "I hope this helps!", "Let me know if you need anything else.", "Note: I removed the navigation and the advertisements.", "(The rest of the content is unchanged.)",
    "[End of cleaned text]", "Ich hoffe, das hilft!", "N'hésitez pas à poser d'autres questions.", "Надеюсь, это поможет!", "希望这对你有帮助！", "何か他にご質問があればお知らせください。",
    "The formulas have been converted to LaTeX.", "In summary, the page explains the topic in detail.",
)  # fmt: skip
REFUSALS = (
    "I'm sorry, but I can't help with that request.", "As an AI language model, I cannot reproduce this text.", "Es tut mir leid, dabei kann ich nicht helfen.",
    "Je suis désolé, je ne peux pas répondre à cette demande.", "К сожалению, я не могу выполнить этот запрос.", "对不起，我无法提供帮助。", "申し訳ありませんが、お手伝いできません。",
)  # fmt: skip
ANSWERS = (
    "Answer: 42.", "Solution: $x = 2$.", "Antwort: Ja, das stimmt.", "Réponse : oui.", "Ответ: 7.", "答案：5。", "答え：3。",
    "The answer is yes, because both sides are positive.", "**Solution.** By induction on $n$.",
)  # fmt: skip
TRANSLATED = (
    "Das ist der wichtigste Punkt dieses Abschnitts.", "C'est le point le plus important de cette section.", "Это самый важный пункт этого раздела.", "这是本节最重要的一点。",
    "これはこの節で最も重要な点です。", "Este es el punto más importante de esta sección.",
)  # fmt: skip
