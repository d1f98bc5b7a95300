"""What the text of a block says of it, where it stands aside: the definition in Python; c/bodies.h is the twin in C."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.document import BLOCK_KINDS

# Bits of a block.
SENTENCE, PHRASE, META, IMAGE, FORMULA, TEXT_LIKE = (1 << bit for bit in range(6))
KINDS = {kind: number for number, kind in enumerate(BLOCK_KINDS)}
CODE, MATH, PARAGRAPH, HEADING = KINDS["code"], KINDS["math"], KINDS["paragraph"], KINDS["heading"]

MAX_PHRASE_CHARS = 300  # longer blocks are judged as text, whatever they begin with
MAX_META_CHARS = 80
MAX_DATE_AT = 40
MAX_LABEL_CHARS = 40  # "Anna wrote:", "14 answers"
MAX_STAMP_CHARS = 30  # a date and nothing else
MAX_MARK_CHARS = 12  # without letters: counts of votes, numbers of posts, dots between

ByChar = Mapping[str, tuple[str, ...]]


class Phrases(NamedTuple):
    """What short blocks of chrome begin with, and what bylines and credits begin with, both lower case by their first
    character; names of which two in a short block make it one of chrome, in ASCII; what labels end with, and those that
    begin with a number, by their last character."""

    chrome: ByChar
    whose: ByChar
    networks: tuple[str, ...]
    ends: ByChar
    counted: ByChar


def _by_char(words: Iterable[str], at: int = 0) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        found[word[at]] = (*found.get(word[at], ()), word)
    return found


# What short blocks of chrome begin with; "$" is the end of the block.
_CHROME_TEXT = """
©|(c) 20|(c) 19|copyright|all rights reserved|skip to|jump to navigation|jump to content|share this|share on
share via|share it|share:|share$|tweet this|tweet$|pin it|email this|print this|print$|follow us|follow me
follow on|follow$|like this|like$|save this|subscribe|sign up|sign in$|sign in to|sign in or|sign in with
log in$|log in to|log in or|login$|login to|register$|register now|register for|register to|read more|read next
read also|see also:|related post|related article|related stor|related topic|related question|you may also
you may like|you might also|you might like|previous post|previous article|previous page|previous topic
previous thread|previous chapter|next post|next article|next page|next topic|next thread|next chapter|previous$
next$|prev$|home$|menu$|search$|older post|older entr|newer post|newer entr|leave a reply|leave a comment
post a comment|add a comment|your email address will|your e-mail address will|powered by|proudly powered
we use cookies|this site uses cookies|this website uses cookies|privacy policy|terms of use|terms of service
terms and conditions|terms & conditions|cookie policy|cookie settings|accept all cookies|posted in|posted by
posted on|filed under|tags:|tag:|tagged$|tagged with|tagged as|tagged in|advertisement|loading$|loading...
loading…|back to top|back to the top|edit this page|edit on git|view source|view this page|report this
report abuse|report$|reply$|quote$|permalink|click here to|was this page helpful|was this article helpful
did you find this|on this page|last updated|last modified|last edited|this page was last|this entry was posted
all times are|who is online|users browsing|you must be logged|you must log in|you may not post|join date:
posts:|joined:|registered:|location:$|reputation:|karma:|messages:|reaction score|trophy points|thread starter
quote from|reply with quote|post reply|reply to thread|reply to topic|reply to this|start new topic|thread tools
thread modes|thread information|similar threads|suggested topics|forum jump|jump to:|users browsing|there are currently
you cannot post|you cannot reply|bb code is|html code is|smilies are|last edit|edited by|edited on|(this post was
click to expand|link to post|link to comment|share this|share on other|report post|multiquote|sorted by|sort by:
add a comment|improve this|viewed 1|viewed 2|viewed 3|viewed 4|viewed 5|viewed 6|viewed 7|viewed 8|viewed 9|log in or
join the conversation|original poster|topic starter|senior member$|junior member$|new member$|site admin$
javascript is disabled|all comments|order by:|ask question$|reset to default|highest score|print view|try it yourself
beiträge:|registriert:|zitat von|zuletzt bearbeitet|themenstarter|messages :|inscription :|inscrit le|mensajes:
registrado:|mensagens:|registrado em|сообщения:|сообщений:|регистрация:|зарегистрирован|откуда:$|цитата:|отредактировано
was this answer|report a concern|i have the same question|your answer$|display mode|re: |_______________|il vous reste
subscribe to continue|to continue reading|already a subscriber|this article is for subscribers|posté le|sujet du message
dernière édition|édité par|modifié par|última edición|iniciado por|editado por|última modificación|responder citando
this post may contain|this post contains aff|this article contains aff|did you make this|jump to recipe|cite this art
about this article$|rights and permissions$|reprints and perm|full size image|google scholar$|you can post now
yorumlar|yorum yap|yorumunuz|etiketler:|ilgili haber|diğer haberler|publicidade$|veja também|mais lidas|関連ニュース
アクセスランキング|この記事は有料|記事・写真の無断|последний раз ред|声望|赞同 |收藏$|举报$|邀请回答
show more$|load more|view all$|see all$|more from|recommended for|recommended from|popular posts|recent posts
recent comments|latest posts|made with|website by|theme by|min read|written by$|alle rechte vorbehalten
weiterlesen|mehr zum thema|teilen$|teilen auf|teilen via|anmelden$|jetzt anmelden|registrieren$|lesen sie auch
lies auch|auch interessant|das könnte dich|das könnte sie|das könnte ihnen|ähnliche artikel|ähnliche beiträge
verwandte artikel|weitere artikel|mehr zu diesem|mehr aus |artikel teilen|beitrag teilen|jetzt teilen
kommentar schreiben|schreibe einen kommentar|hinterlasse einen|newsletter|wir verwenden cookies
diese website verwendet|diese seite verwendet|impressum|datenschutz|zum inhalt springen|veröffentlicht in
veröffentlicht am|schlagwörter:|schlagworte:|letzte änderung|zuletzt geändert|zuletzt bearbeitet|wer ist online
mitglieder in diesem|anzeige$|antworten$|nach oben$|drucken$|startseite$|tous droits réservés|lire la suite
partager|à lire aussi|lire aussi|sur le même sujet|articles similaires|à propos de l'auteur|commenter$
commenter cet|laisser un commentaire|ce site utilise|nous utilisons des cookies|mentions légales
politique de confidentialité|dernière modification|dernière mise à jour|publié dans|publié le|article précédent
article suivant|page suivante|page précédente|retour en haut|suivez-nous|abonnez-vous|inscrivez-vous|accueil$
répondre$|todos los derechos|leer más|compartir|lee también|lea también|te puede interesar|noticias relacionadas
artículos relacionados|entradas relacionadas|deja un comentario|deja una respuesta|este sitio utiliza
este sitio web utiliza|política de privacidad|aviso legal|publicado en|publicado por|publicado el|etiquetas:
esta página se editó|volver arriba|siguiente$|anterior$|inicio$|responder$|suscríbete|todos os direitos
leia também|leia mais|veja também|compartilh|este site usa|este site utiliza|deixe um comentário
deixe uma resposta|artigos relacionados|posts relacionados|publicado em|início$|tutti i diritti|leggi anche
potrebbe interessarti|ti potrebbe interessare|articoli correlati|condividi|questo sito utilizza
lascia un commento|ultima modifica|ultime modifiche|articolo precedente|articolo successivo|pubblicato in
iscriviti|rispondi$|lees ook|deel dit|plaats een reactie|gerelateerde|lees meer|wszelkie prawa|czytaj także
czytaj też|zobacz też|polecamy|udostępnij|dodaj komentarz|powiązane|läs också|dela$|les også|læs også|paylaş
benzer|tüm hakları|читать далее|читайте также|читать также|смотрите также|похожие|поделиться|войти$|все права
теги:|метки:|подписаться|ответить$|комментировать|оставить комментарий|добавить комментарий|материалы по теме
опубликовано|наверх$|главная$|вопрос задан|分享|转载|登录|注册|上一篇|下一篇|上一页|下一页|上一頁|下一頁
版权所有|版权声明|版權所有|编辑此页|最后更新|最近更新|相关推荐|相关阅读|相关文章|推荐阅读|热门文章|关于我们
阅读全文|展开全文|关注我们|扫码|微信扫|责任编辑|返回顶部|举报|点赞|本文为博主原创|发表评论|首页$|分享到|関連記事
人気記事|おすすめ記事|この記事をシェア|シェアする|ログイン|新規登録|利用規約|プライバシーポリシー|前の記事
次の記事|コメントを残す|投稿日|最終更新|続きを読む|ホーム$|관련 글|관련글|관련기사|공유하기|로그인|회원가입|무단
저작권자|이전 글|다음 글|홈$|شارك|مواضيع ذات|مقالات ذات|جميع الحقوق|اترك تعليق|لن يتم نشر|اقرأ أيضا|تسجيل الدخول
الرئيسية$|كل الحقوق
"""
_CHROME = _CHROME_TEXT.strip().replace("\n", "|").replace("$", "\n").split("|")
_BYLINES = """
by|von|par|por|published|updated|posted|written|photo|photos|foto|image|credit|source|автор|фото|текст|作者|来源
""".strip().split("|")
# Of these two in one block: where to share it, or who wrote a post and since when.
_TOGETHER = (
    """
facebook|twitter|x.com|email|e-mail|whatsapp|linkedin|pinterest|reddit|telegram|messenger|instagram|tumblr
posts:|joined:|join date:|messages:|location:|registered:|threads:|reputation:|inscrit le|localisation:|mensajes:
fecha de ingreso|mensagens:|registriert:|wohnort:|iscritto|messaggi:
""".strip()
    .replace("\n", "|")
    .split("|")
)
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\]")
# Who is quoted, at the end of the line above the quote.
_QUOTED = (
    """
wrote|writes|said|schrieb|hat geschrieben|a écrit|a dit|escribió|dijo|escreveu|disse|ha scritto|ha detto|schreef
skrev|napisał|napisał(a)|написал|написал(а)|написала|писал|писал(а)|пишет|сказал|сказал(а)|写道
""".strip()
    .replace("\n", "|")
    .split("|")
)
# What sites count.
_COUNTED = (
    """
answer|answers|comment|comments|reply|replies|view|views|vote|votes|upvotes|point|points|like|likes|posts|reads
follower|followers|members|subscribers|shares|reviews|ratings|badges|accesses|citations|downloads|times|ago
min read|antworten|antwort|kommentare|kommentar|aufrufe|beiträge|réponses|réponse|commentaires|commentaire|vues
respuestas|respuesta|comentarios|comentario|visitas|respostas|resposta|comentários|comentário|visualizações|risposte
commenti|reacties|komentarzy|komentarze|ответ|ответа|ответов|комментарий|комментария|комментариев|просмотров
回答|个回答|条评论|条回复|次阅读|件のコメント|件の回答
""".strip()
    .replace("\n", "|")
    .split("|")
)
PHRASES = Phrases(
    _by_char(_CHROME),
    _by_char(word + end for word in _BYLINES for end in ": "),
    tuple(_TOGETHER),
    _by_char((f"{word}{end}" for word in _QUOTED for end in (":", " :", "\uff1a")), -1),
    _by_char((f"{word}{end}" for word in _COUNTED for end in ("", ":")), -1),
)

_SENTENCE = re.compile(r"[.!?:;…。！？؟۔।][\"'”’»)\]]*(?=\s|$)|[。！？，、،]|, ")
_ENDS = ".!?:;…。！？؟۔।"
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # a character is about half a word
_LEAD_MARKS = " \t\n#>|*-•"
_LEAD = _LEAD_MARKS + "0123456789."
_DATED = re.compile(rf".{{0,{MAX_DATE_AT}}}(?:\b(?:19|20)\d\d\b|\b\d{{1,2}}:\d\d\b)")


def bodies(
    text: str, starts: Sequence[int], ends: Sequence[int], kinds: bytes, formulas: Sequence[int], phrases: Phrases
) -> tuple[bytes, bytes]:
    """Of every block `text[start:end]` its size (int64) and bits (uint8); blocks are in order.

    The size is in characters, those of Han, kana and Hangul counted as two and a half letters. The bits are SENTENCE,
    holds the end of a sentence or of a part of one; PHRASE, short and begins with words of chrome, or a label; META,
    short, no whole sentence, and reads like a byline, a date, a credit or a mark; IMAGE, holds nothing but images;
    FORMULA, one begins in it; TEXT_LIKE, code and math.

    Args:
        kinds: of the blocks, as places in BLOCK_KINDS.
        formulas: where formulas start, in order.
    """
    sizes, bits = array("q"), bytearray()
    at = 0
    for start, end, kind in zip(starts, ends, kinds, strict=True):
        while at < len(formulas) and formulas[at] < start:
            at += 1
        body = text[start:end]
        sizes.append(len(body) if body.isascii() else len(body) + len(_WIDE.findall(body)) * 3 // 2)
        found = FORMULA if at < len(formulas) and formulas[at] < end else 0
        bits.append(found | _text_bits(body, kind, phrases) | (TEXT_LIKE if kind in (CODE, MATH) else 0))
    return sizes.tobytes(), bytes(bits)


def _text_bits(body: str, kind: int, phrases: Phrases) -> int:
    found = SENTENCE if _SENTENCE.search(body) else 0
    if "![" in body and not _IMAGE.sub("", body).strip(_LEAD):
        found |= IMAGE
    if len(body) <= MAX_PHRASE_CHARS and _is_chrome(body.lstrip(_LEAD).lower(), phrases):
        found |= PHRASE
    if len(body) <= MAX_LABEL_CHARS and _is_label(body, kind, phrases):
        found |= PHRASE
    may_be_meta = not found & SENTENCE or (kind == PARAGRAPH and body[-1] not in _ENDS)
    if may_be_meta and len(body) <= MAX_META_CHARS and _is_meta(body.lstrip(_LEAD_MARKS), kind, phrases.whose):
        found |= META
    return found


def _is_chrome(lowered: str, phrases: Phrases) -> bool:
    if f"{lowered}\n".startswith(phrases.chrome.get(lowered[:1], ())):  # the line break ends whole blocks
        return True
    return sum(map(lowered.__contains__, phrases.networks)) >= 2


def _is_label(body: str, kind: int, phrases: Phrases) -> bool:
    """Who is quoted below, a count of answers or votes, or a date alone."""
    lowered = body.lstrip(_LEAD_MARKS).lower()
    if lowered.endswith(phrases.ends.get(lowered[-1:], ())):
        return True
    if kind not in (PARAGRAPH, HEADING):
        return False
    if lowered[:1].isdecimal() and lowered.endswith(phrases.counted.get(lowered[-1:], ())):
        return True
    letters, digits = sum(map(str.isalpha, body)), sum(map(str.isdecimal, body))
    is_stamp = kind == PARAGRAPH and len(body) <= MAX_STAMP_CHARS and letters <= digits + 2
    return is_stamp and _DATED.match(body.lstrip(_LEAD_MARKS)) is not None


def _is_meta(body: str, kind: int, whose: ByChar) -> bool:
    lowered = body.lower()
    if lowered.startswith(whose.get(lowered[:1], ())) or _DATED.match(body):
        return True
    return kind == PARAGRAPH and len(body) <= MAX_MARK_CHARS and not any(map(str.isalpha, body))
