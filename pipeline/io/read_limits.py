"""What one record may cost, so that a hostile archive costs rejects and not memory or hours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Budgets of one record, all deterministic: every engine rejects the same records.

    Attributes:
        max_record_bytes: largest block held in memory; larger ones are passed over. Common Crawl cuts at 5 MiB.
        max_body_bytes: largest body after chunked and content coding are undone.
        max_inflate_ratio: bytes out per byte in, looked at only past `inflate_floor_bytes`. Deflate cannot exceed 1032,
            real pages stay below 100.
        max_header_bytes: WARC header block or HTTP header block.
        inflate_floor_bytes: output below this never counts as a bomb.
    """

    max_record_bytes: int = 64 << 20
    max_body_bytes: int = 64 << 20
    max_inflate_ratio: int = 400
    max_header_bytes: int = 256 << 10
    inflate_floor_bytes: int = 4 << 20
