"""Train and validation: which documents are held out, by a hash of their cluster, so that no near-duplicates straddle.

The hash has no seed: a cluster that is held out with a share is held out with every larger share, in every run, under
every shuffle.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

TRAIN, VALIDATION = "train", "validation"
SPLITS = (TRAIN, VALIDATION)
SPLIT_HASH = "blake2b-64('warcmill-split' || cluster_id as UTF-8), big-endian; validation where hash < share * 2^64"


def split_of(cluster_id: str, validation_share: float) -> str:
    """Split of a document, see SPLIT_HASH."""
    key = int.from_bytes(blake2b(b"warcmill-split" + cluster_id.encode(), digest_size=8).digest(), "big")
    return VALIDATION if key < validation_share * 2**64 else TRAIN  # scaling by 2^64 is exact, and so is comparing


def in_split(cluster_ids: Sequence[str], split: str, validation_share: float) -> npt.NDArray[np.bool_]:
    """Which rows belong to a split."""
    return np.array([split_of(cluster_id, validation_share) == split for cluster_id in cluster_ids], dtype=np.bool_)
