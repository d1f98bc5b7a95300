"""Which captures are wanted, and which of several is the best: filters and policies over index columns.

Works on whole columns of a piece of index, whatever format the piece came in.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError
from pipeline.io.fetch.surt import surt_key

POLICIES = ("newest", "oldest", "all", "best")
REFUSED_RANK = 1 << 61  # added to the rank of a capture that a filter refuses: after all usable ones
_TIME_BITS = 40
_LABEL = re.compile(r"[a-z0-9_*-]+")
_LANGUAGE = re.compile(r"[a-z]{3}")

# What an index piece is turned into; `surt` is the key, the rest as in ROW_SCHEMA
INDEX_SCHEMA = pa.schema(
    [
        ("surt", pa.string()),
        ("captured_url", pa.string()),
        ("fetch_time", pa.int64()),
        ("status", pa.int32()),
        ("mime", pa.string()),
        ("languages", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters on captures. An empty tuple does not filter.

    Args:
        statuses: HTTP statuses; a capture without one passes.
        mimes: MIME types, `*` for any run of characters: text/html, text/*.
        languages: ISO-639-3 codes as in the index; one of the page's languages must be among them.
        domains: example.org with every host below it.
        hosts: host names, `*` for any run of characters within a label, leading `*.` for one or more labels.
        tlds: org, co.uk.
    """

    statuses: tuple[int, ...] = (200,)
    mimes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    tlds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for language in self.languages:
            if not _LANGUAGE.fullmatch(language):
                hint = "the index names languages as ISO-639-3 does: eng, deu, zho"
                raise UsageError(f"no language {language!r}", where="--language", expected="three letters", hint=hint)
        for where, names in (("--domain", self.domains), ("--host", self.hosts), ("--tld", self.tlds)):
            for name in names:
                _labels(name, where)

    @property
    def selects(self) -> bool:
        """True where places are named, so that an index can be read without a list."""
        return bool(self.domains or self.hosts or self.tlds)


def refusals(table: pa.Table, wanted: Wanted) -> pa.Array:
    """For each capture (INDEX_SCHEMA) the filter that refuses it: "" or status, mime, language; shape (rows,)."""
    reason = pa.repeat(pa.scalar(""), table.num_rows)
    if wanted.languages:
        pattern = f"(^|,)({'|'.join(wanted.languages)})(,|$)"
        reason = _where(pc.match_substring_regex(table["languages"], pattern), reason, "language")
    if wanted.mimes:
        pattern = f"^({'|'.join(_glob(mime.lower()) for mime in wanted.mimes)})$"
        reason = _where(pc.match_substring_regex(pc.utf8_lower(table["mime"]), pattern), reason, "mime")
    if wanted.statuses:
        known = pa.array([0, *wanted.statuses], pa.int32())
        reason = _where(pc.is_in(table["status"], value_set=known), reason, "status")
    return reason


def _where(passes: pa.Array, reason: pa.Array, otherwise: str) -> pa.Array:
    return pc.if_else(_one(passes), _one(reason), otherwise)


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def refusal_details(table: pa.Table, reason: pa.Array) -> pa.Array:
    """What the index says where a filter refused: the status, the mime, the languages."""
    shown = {
        "status": _one(table["status"]).cast(pa.string()),
        "mime": _one(table["mime"]),
        "language": _one(table["languages"]),
    }
    detail = pa.repeat(pa.scalar(""), table.num_rows)
    for name, values in shown.items():
        detail = pc.if_else(pc.equal(reason, name), values, detail)
    return detail


def ranks(table: pa.Table, policy: str, reason: pa.Array, exact: np.ndarray) -> np.ndarray:
    """Order of captures of one URL, int64, smaller is better; equal ranks are told apart by file and offset.

    best: status 200, then text/html or XHTML, then the very URL asked for, then the newest.
    """
    time = _one(table["fetch_time"]).to_numpy(zero_copy_only=False).astype(np.int64)
    rank = time if policy in ("oldest", "all") else (1 << _TIME_BITS) - 1 - time
    if policy == "best":
        status = _one(table["status"]).to_numpy(zero_copy_only=False)
        html = pc.is_in(_one(table["mime"]), value_set=pa.array(["text/html", "application/xhtml+xml"]))
        worse = 4 * (status != 200) + 2 * ~html.to_numpy(zero_copy_only=False) + 1 * ~exact
        rank = rank + (worse.astype(np.int64) << _TIME_BITS)
    refused = pc.not_equal(reason, "").to_numpy(zero_copy_only=False)
    ordered: np.ndarray = rank + refused.astype(np.int64) * REFUSED_RANK
    return ordered


def place_pattern(wanted: Wanted) -> str:
    """A linear-time (RE2) pattern on SURT keys for the domains, hosts and TLDs together; "" matches everything."""
    if "*" in wanted.hosts:
        return ""
    parts = [_reversed_pattern(name) + "[,):]" for name in (*wanted.domains, *wanted.tlds)]
    parts += [_host_pattern(name) for name in wanted.hosts]
    return f"^({'|'.join(parts)})" if parts else ""


def _host_pattern(host: str) -> str:
    if host.startswith("*."):
        return _reversed_pattern(host[2:]) + ","
    return _reversed_pattern(host) + "[):]"


def _reversed_pattern(name: str) -> str:
    return ",".join(_glob(label).replace(".*", "[^,):]*") for label in reversed(_labels(name)))


def _glob(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*")


def _labels(name: str, where: str = "") -> list[str]:
    """Labels of a host as its SURT has them: lower case, punycode, without www."""
    bare = name.lower().strip(".").removeprefix("*.")
    if re.search(r"[\s/:@?#\\]", bare) or not bare:
        raise UsageError(f"{name!r} is no host", where=where, expected="a name such as example.org or *.example.org")
    if "*" not in bare:
        try:
            key = surt_key(f"http://{bare}/")
        except ValueError as error:
            raise UsageError(f"{name!r} is no host", where=where, expected="example.org") from error
        bare = ".".join(reversed(key.partition(")")[0].split(",")))
    labels = bare.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise UsageError(f"{name!r} is no host", where=where, expected="a name such as example.org or *.example.org")
    return labels


def place_ranges(wanted: Wanted) -> list[tuple[str, str]]:
    """Half-open ranges of SURT keys that hold every page `place_pattern` matches; [("", "")] means everything."""
    ranges = []
    for name in (*wanted.domains, *wanted.tlds, *wanted.hosts):
        labels = list(reversed(_labels(name)))
        fixed = list(itertools.takewhile(lambda label: "*" not in label, labels))
        if not fixed:
            return [("", "")]
        prefix = ",".join(fixed)
        ranges.append((prefix + ")", prefix + ";"))  # ) , : are what may follow a whole label; ; follows :
    return sorted(ranges) or [("", "")]


def overlaps(ranges: list[tuple[str, str]], low: str | None, high: str | None) -> bool:
    """True where a piece of index with keys in [low, high] may hold a key of one of the ranges; None is unknown."""
    return any((high is None or high >= start) and (not stop or low is None or low < stop) for start, stop in ranges)
