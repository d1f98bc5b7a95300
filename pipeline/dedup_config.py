"""Settings of dedup as recipes and `warcmill dedup` have them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dedup.containment import ContainmentConfig
from dedup.exact import CAPTURES
from dedup.minhash import MinHashConfig, derive
from dedup.verify import VerifyConfig


@dataclass(frozen=True, slots=True)
class ExactConfig:
    """Exact dedup by hash of the normalised text.

    Args:
        url: also keep one capture per canonical URL, "best" (as everywhere) or "newest"; off: addresses do not matter.
    """

    enabled: bool = True
    url: str | None = None

    def __post_init__(self) -> None:
        if self.url not in (None, *CAPTURES):
            raise ValueError(f"url = {self.url!r} is none of off, {', '.join(CAPTURES)}")


@dataclass(frozen=True, slots=True)
class FuzzyConfig:
    """Near-duplicate dedup: two channels propose, alignment verifies.

    Args:
        max_edges_in_memory: up to so many proposals one task finds the components (200 bytes each at its peak, which
            is 4 GB); above, rounds of exchanges do.
        threshold: derive bands and rows for this Jaccard similarity, at most as many hashes as `minhash` has.
    """

    enabled: bool = True
    minhash: MinHashConfig = field(default_factory=MinHashConfig)
    containment: ContainmentConfig = field(default_factory=ContainmentConfig)
    verify: VerifyConfig = field(default_factory=VerifyConfig)
    max_edges_in_memory: int = 20_000_000
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0.0 < self.threshold < 1.0:
            raise ValueError(f"threshold = {self.threshold} is not between 0 and 1")

    @property
    def proposer(self) -> MinHashConfig:
        """The MinHash that proposes: as configured, or derived from the threshold."""
        if self.threshold is None:
            return self.minhash
        known = self.minhash
        derived = derive(self.threshold, known.bands * known.rows, n=known.n, unit=known.unit)
        return replace(derived, seed=known.seed)


@dataclass(frozen=True, slots=True)
class AlarmConfig:
    """A source that nearly disappears stops the run before it is published.

    Args:
        max_source_loss: share of the documents of one `source` that dedup may remove; 1 for no limit. Sources of fewer
            than 20 documents are not judged.
    """

    max_source_loss: float = 0.9
