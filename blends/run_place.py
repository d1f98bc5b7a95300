"""Where a run lies: a local folder, or an fsspec URL (s3://…) whose shards are copied to an on-disk cache when used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from blends.manifest_types import ShardEntry
from blends.shard_cache import ShardCache, read_object
from pipeline.errors import VerificationError
from pipeline.io.byte_source import is_remote
from pipeline.io.shards import file_sha256


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A run's folder; `cache` is where shards of a remote one are kept."""

    url: str
    cache: ShardCache

    def read(self, name: str) -> bytes | None:
        """Content of a small file of the run, None where it is missing."""
        if is_remote(self.url):
            return read_object(f"{self.url}/{name}")
        path = Path(self.url, name)
        return path.read_bytes() if path.is_file() else None

    def where(self, name: str) -> str:
        """A file of the run as errors name it."""
        return f"{self.url}/{name}" if is_remote(self.url) else str(Path(self.url, name))

    @property
    def exists(self) -> bool:
        """Whether there is a folder; of a remote place its files have to say."""
        return is_remote(self.url) or Path(self.url).is_dir()

    @property
    def remote(self) -> bool:
        """Whether shards must be fetched before they can be read."""
        return is_remote(self.url)

    def shard(self, shard: ShardEntry, *, checksum: bool) -> Path:
        """A local file with a shard of what the manifest promises, fetched where it must be.

        Args:
            shard: its entry in the manifest.
            checksum: compare sha256, not only the size.

        Raises:
            VerificationError: it is missing, torn or altered.
            OutputError: the cache's disk is full.
        """
        if self.remote:
            return self.cache.get(f"{self.url}/{shard.path}", shard, check=checksum)
        path = Path(self.url, shard.path)
        size = path.stat().st_size if path.is_file() else None
        if size != shard.bytes:
            raise altered(path, "missing" if size is None else f"{size} bytes", f"{shard.bytes} bytes")
        if checksum and (sha256 := file_sha256(path)) != shard.sha256:
            raise altered(path, f"sha256 {sha256}", f"sha256 {shard.sha256}")
        return path


def place_of(path: str | Path, cache: ShardCache | None = None) -> RunPlace:
    """The place of a run, given by its folder or its manifest.json, on disk or as a URL."""
    text = str(path)
    if is_remote(text):
        text = text.rstrip("/")
        return RunPlace(text.removesuffix("/manifest.json"), cache or ShardCache())
    folder = Path(text)
    is_file = folder.is_file() or (folder.name == "manifest.json" and not folder.is_dir())
    return RunPlace(str(folder.parent if is_file else folder), cache or ShardCache())


def joined(folder: str | Path, path: str) -> str:
    """A path as a plan or a blend names it, from the folder (or URL) it is relative to."""
    if is_remote(path) or Path(path).is_absolute():
        return path
    if is_remote(str(folder)):
        parts = [part for part in path.split("/") if part not in ("", ".")]
        base = str(folder).rstrip("/")
        while parts and parts[0] == "..":
            base, parts = base.rpartition("/")[0], parts[1:]
        return "/".join([base, *parts])
    return str(Path(folder, path))


def altered(path: Path | str, what: str, expected: str) -> VerificationError:
    """The error for a shard that differs from its manifest."""
    hint = "`warcmill verify RUN` lists every problem; remove the shard's run and run it again, or copy it again"
    return VerificationError(what, where=str(path), expected=expected, hint=hint)
