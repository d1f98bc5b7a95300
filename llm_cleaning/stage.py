"""The two verbs of the rule cleaner: `mark` scores blocks early in a recipe, `clean` cuts the text once, late.

Between them the marks steer classification and dedup while the text stays whole and inspectable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from llm_cleaning.marking import keep_scores
from llm_cleaning.repairing import RepairConfig
from llm_cleaning.routing import RouteConfig
from llm_cleaning.selecting import SelectConfig
from pipeline.document import Document
from pipeline.text.spans import cut, markdown_to_blocks

STAGE = "clean"
BACKENDS = ("rules", "vllm", "openai")
MODES = ("auto", "select", "repair", "rewrite")
_PLACES = ("base_url", "max_in_flight", "timeout_s")  # settings that decide no result


@dataclass(frozen=True, slots=True)
class CleanConfig:
    """How pages are cleaned. The first three settings are the rule cleaner's.

    Attributes:
        keep_threshold: blocks with a keep_score below this are cut.
        min_kept_chars: a document whose kept text is shorter than this and holds no formula is rejected.
        overwrite_marks: score again blocks that already have a keep_score.
        backend: "rules"; "openai", any server with that protocol; "vllm", in this process.
        mode: what a model is asked for: "select", "repair", "rewrite", or "auto" for what the router says.
        base_url: of the server; "" takes the environment's WARCMILL_BASE_URL. It decides no result.
        model: name or folder of the model.
        revision: what pins the model's weights; part of the name under which answers are stored.
        tokenizer: tokenizer.json, a folder that holds one, or a hub name; "" takes the model's own.
        chunk_tokens: of one chunk in mode rewrite.
        max_requests: chunks or lists of one page; longer pages are left to the rules.
        temperature: of the first attempt at a rewrite; everything else is greedy.
        seed: of sampling.
        max_in_flight, timeout_s: requests at a time, and the longest one may take.
        route, select, repair: settings of the router and of the modes.
    """

    keep_threshold: float = 0.5
    min_kept_chars: int = 1
    overwrite_marks: bool = True
    backend: str = "rules"
    mode: str = "select"
    base_url: str = ""
    model: str = ""
    revision: str = ""
    tokenizer: str = ""
    chunk_tokens: int = 2000
    max_requests: int = 1000
    temperature: float = 0.0
    seed: int = 0
    max_in_flight: int = 32
    timeout_s: float = 120.0
    route: RouteConfig = field(default_factory=RouteConfig)
    select: SelectConfig = field(default_factory=SelectConfig)
    repair: RepairConfig = field(default_factory=RepairConfig)

    def __post_init__(self) -> None:
        """Raises ValueError for a backend or mode that does not exist, or a size that cannot work."""
        if self.backend not in BACKENDS or self.mode not in MODES:
            raise ValueError(f"backend is one of {', '.join(BACKENDS)}, mode one of {', '.join(MODES)}")
        if min(self.chunk_tokens, self.max_requests, self.max_in_flight) < 1 or self.timeout_s <= 0:
            raise ValueError("chunk_tokens, max_requests, max_in_flight and timeout_s are more than 0")


def marking(config: CleanConfig) -> dict[str, Any]:
    """The settings of the rule cleaner alone: all that marking depends on."""
    return {name: getattr(config, name) for name in ("keep_threshold", "min_kept_chars", "overwrite_marks")}


def deciding(config: CleanConfig) -> dict[str, Any]:
    """The settings that decide results, for fingerprints: where a model is served does not."""
    if config.backend == "rules":
        return marking(config)
    return {name: value for name, value in asdict(config).items() if name not in _PLACES}


def mark(documents: Iterable[Document], *, config: CleanConfig) -> Iterator[Document]:
    """Set `blocks.keep_score` of every unrejected document; the text is not touched, nothing is rejected."""
    for document in documents:
        if not document.rejected:
            mark_one(document, config)
        yield document


def mark_one(document: Document, config: CleanConfig) -> None:
    """Score the blocks of one document."""
    if config.overwrite_marks or any(score is None for score in document.blocks.keep_score):
        document.blocks.keep_score = [*keep_scores(document)]


def clean(documents: Iterable[Document], *, config: CleanConfig) -> Iterator[Document]:
    """Cut blocks below the threshold: a new text revision with blocks and formulas remapped exactly.

    Unmarked blocks are kept. Text without blocks is split into Markdown blocks first, which keeps all of it.
    A document with too little left is rejected by stage "clean", reason "no_content", its text as it was.
    """
    for document in documents:
        yield document if document.rejected else _cleaned(document, config)


def _cleaned(document: Document, config: CleanConfig) -> Document:
    blocks = document.blocks if len(document.blocks) else markdown_to_blocks(document.text)
    keep = [score is None or score >= config.keep_threshold for score in blocks.keep_score]
    text, blocks, formulas = cut(document.text, blocks, document.formulas, keep)
    if len(text.strip()) < config.min_kept_chars and not len(formulas):
        return document.reject(STAGE, "no_content")
    document.text, document.blocks, document.formulas = text, blocks, formulas
    return document
