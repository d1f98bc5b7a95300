"""Words as the published rules count them: the conventions of English tokenizers, at the speed of `str.split`.

Gopher's and FineWeb's thresholds were set on tokens: punctuation stands alone, contractions and hyphenated words come
apart, numbers, abbreviations and addresses stay whole. A tokenizer that does all of it costs ten times a page's
rendering. Here a chunk between white space is taken apart once and remembered: words of a language repeat.
"""

from __future__ import annotations

import re
from functools import lru_cache

from classifiers.hot import Chunk
from classifiers.sentence_marks import SYMBOLS

FORMULA_LETTER = "ƒ"  # a formula's word is this letter and a number
CACHE_CHUNKS = 1 << 17
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # Gopher's eight
MAX_CHUNK_CHARS = 1_000  # a longer one is one word: a data URI, a line without spaces


_PUNCT = "…,:;!?¿؟¡()[\\]{}<>_#*&。？！，、；：～·।،۔؛٪"
_QUOTES = "'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉"
_CURRENCY = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿"
_ICONS = (
    "\u00a6\u00a9\u00ae\u00b0\u2100-\u214f\u2190-\u23ff\u2500-\u27bf\u2900-\u29ff\u2b00-\u2bff\U0001f000-\U0001faff"
)
_UNITS = (
    "km²|km³|km|m²|m³|dm²|dm³|dm|cm²|cm³|cm|mm²|mm³|mm|ha|µm|nm|yd|in|ft|kg|gr|mg|µg|oz|lbs|lb|kph|mph|hPa|Pa|mbar|mb"
    "|MB|kb|KB|gb|GB|tb|TB|T|G|M|K|%|km/h|m/s|m|t|g|k"
)
_PREFIX = re.compile(rf"\.\.+|[{_PUNCT}{_QUOTES}{_CURRENCY}{_ICONS}§%=—–]|\+(?![0-9])")
_SUFFIX = re.compile(
    rf"(?:\.\.+|[{_PUNCT}{_QUOTES}{_ICONS}—–]|['’][sS]|(?<=[0-9])(?:\+|[{_CURRENCY}]|{_UNITS})|(?<=[^\W_A-Z]|[%²+)\]{_QUOTES}-])\."
    r"|(?<=[A-Z][A-Z])\.)$"
)
_INFIX = re.compile(
    rf"\.\.+|…|[{_ICONS}]|(?<=[0-9])[+\-*^](?=[0-9-])|(?<=[a-zß-ÿ\"'”’])\.(?=[A-Z\"'“‘])|(?<=[^\W\d_]),(?=[^\W\d_])"
    r"|(?<=[^\W_])(?:--+|[-–—~])(?=[^\W\d_])|(?<=[^\W_])[:<>=/](?=[^\W\d_])"
)
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,12}://|www\.|mailto:)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[\w-]+\.)+(?:com|org|net|edu|gov|info|io|de|uk|co|fr|ru|eu|us|ca|au|jp|cn|in|it|nl|ch|es|tv|me)(?::\d+)?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"(?i)(ai|are|ca|could|did|does|do|had|has|have|is|may|might|must|need|ought|sha|should|was|were|wo|would|dare)(n['’]t)$"
)
_CLITIC = re.compile(
    r"(?i)(i|you|he|she|it|we|they|who|what|when|where|why|how|there|that|this|could|should|would|might|must)"
    r"(['’](?:ll|ve|re|d|m))$"
)
_DOTTED = re.compile(
    r"(?:[A-Za-z]\.)+|(?i:mr|mrs|ms|dr|prof|rev|gen|rep|sen|gov|lt|sgt|jr|sr|st|co|corp|inc|ltd|bros|messrs|mt|vs|v\.s|ph\.d"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|adm|ave|calif|ariz|colo|fla|ill|mass|mich|minn|pa|tenn|va|wash)\."
)
_TWO_WORDS = {  # length of the first of the two
    **{"cannot": 3, "gonna": 3, "gotta": 3, "im": 1, "id": 1, "ive": 1},
    **{word: len(word) - 2 for word in ("dont", "cant", "wont", "didnt", "doesnt", "isnt")},
}
_EMOTICONS = frozenset((":)", ":-)", ";)", ";-)", ":(", ":-(", ":d", ":p", ":/", "xd", "and/or", "c'mon", "o'clock"))


@lru_cache(maxsize=CACHE_CHUNKS)
def chunk_of(piece: str) -> Chunk:
    """The words of one piece between white space, and what the rules count of them."""
    words = tuple(_words(piece))
    plain = [word for word in words if any(char not in SYMBOLS for char in word)]
    alphabetic = sum(any(map(str.isalpha, word)) for word in words)
    numbers = sum(any(map(str.isdigit, word)) for word in words if not any(map(str.isalpha, word)))
    spelled = [word for word in plain if word[0] != FORMULA_LETTER]
    stops = sum(1 << at for at, word in enumerate(STOP_WORDS) if word in words)
    return Chunk(words, len(plain), len(plain) - len(spelled), sum(map(len, spelled)), alphabetic, numbers, stops)


def _words(piece: str) -> list[str]:
    if piece.isalpha():
        return _contracted(piece)
    if len(piece) > MAX_CHUNK_CHARS:
        return [piece]
    before: list[str] = []
    after: list[str] = []
    while piece and not _is_whole(piece):
        if prefix := _PREFIX.match(piece):
            before.append(prefix[0])
            piece = piece[prefix.end() :]
        elif suffix := _SUFFIX.search(piece):
            after.append(suffix[0])
            piece = piece[: suffix.start()]
        else:
            break
    return before + _inner(piece) + after[::-1]


def _is_whole(piece: str) -> bool:
    patterns = (_DOTTED.fullmatch, _NEGATION.match, _CLITIC.match)
    return piece.lower() in _EMOTICONS or any(matches(piece) for matches in patterns)


def _inner(piece: str) -> list[str]:
    if not piece:
        return []
    if piece.isalpha():
        return _contracted(piece)
    if piece.lower() in _EMOTICONS or _DOTTED.fullmatch(piece) or _ADDRESS.fullmatch(piece):
        return [piece]
    if parts := _NEGATION.match(piece) or _CLITIC.match(piece):
        return [parts[1], parts[2]]
    words, start = [], 0
    for mark in _INFIX.finditer(piece):
        words += [word for word in (piece[start : mark.start()], mark[0]) if word]
        start = mark.end()
    return [*words, piece[start:]] if start < len(piece) else words


def _contracted(word: str) -> list[str]:
    at = _TWO_WORDS.get(word.lower())
    return [word] if at is None else [word[:at], word[at:]]
