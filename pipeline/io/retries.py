"""Requests to a store, repeated while its answer says that another try may help.

Bounded twice, by attempts and by seconds, and the seconds stay below the limit on one record (120 s), so that a store
that is down stops the run with a message instead of getting an innocent record called poison.
"""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pipeline.errors import InputError, OutputError, UsageError, WarcmillError

ATTEMPTS = 8
WITHIN_S = 60.0  # no attempt begins later than this after the first
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 12.0
TRANSIENT_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504})
TRANSIENT_CODES = frozenset(
    {"RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", "SlowDown", "Throttling"}
)  # of S3; the first four come with status 400
T = TypeVar("T")

_TRANSIENT_ERRNO = frozenset(
    {errno.EBUSY, errno.EREMOTEIO, errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED, errno.EPIPE}
    | {errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETRESET}
)  # s3fs says EREMOTEIO for 500 and EBUSY for SlowDown, 503 and 409
_TRANSIENT_TYPES = frozenset(
    {
        "botocore.exceptions.HTTPClientError",
        "botocore.exceptions.ConnectionError",
        "botocore.exceptions.IncompleteReadError",
        "botocore.parsers.ResponseParserError",
        "aiohttp.client_exceptions.ClientError",
        "requests.exceptions.ConnectionError",
        "requests.exceptions.Timeout",
        "requests.exceptions.ChunkedEncodingError",
        "requests.exceptions.ProxyError",
        "http.client.HTTPException",
        "gcsfs.retry.ChecksumError",
    }
)  # by name: none of these packages is a dependency of the core
_CREDENTIAL_TYPES = frozenset({"botocore.exceptions.NoCredentialsError", "google.auth.exceptions.GoogleAuthError"})
_PACKAGES = {"s3": "warcmill[s3]", "gs": "warcmill[gcs]", "http": "fsspec[http]", "https": "fsspec[http]"}
_CREDENTIALS = {
    "s3": "`aws configure`, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or an instance role; FSSPEC_S3_ANON=true for "
    "a public bucket",
    "gs": "`gcloud auth application-default login` or GOOGLE_APPLICATION_CREDENTIALS=key.json",
}
_RIGHTS = {
    "s3": "the role needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject; without any credentials: ",
    "gs": "the account needs roles/storage.objectUser on the bucket; without any credentials: ",
}


class Truncated(OSError):
    """A store sent fewer bytes than it has: the connection was cut without an error."""


def retried(call: Callable[[], T], where: str, *, writes: bool = False) -> T:
    """What `call` returns, after as many attempts as it takes within bounds. `call` must be safe to repeat.

    Raises:
        FileNotFoundError, FileExistsError: as the call raised them.
        UsageError: the package for this kind of URL is not installed, or there are no credentials.
        OutputError, InputError: anything else, as `writes` says.
    """
    started_s = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call()
        except (FileExistsError, WarcmillError):
            raise
        except Exception as raised:  # classified, and raised again unless another try may help
            error = _behind(raised)
            if isinstance(error, FileNotFoundError):
                raise
            spent_s = time.monotonic() - started_s
            if not is_transient(error) or attempt == ATTEMPTS or spent_s > WITHIN_S:
                raise explained(error, where, writes, attempt, spent_s) from error
            longest_s = min(FIRST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S)
            time.sleep(longest_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that workers do not return together
    raise AssertionError("the last attempt returns or raises")


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, (TimeoutError, ConnectionError, Truncated)) or error_code(error) in TRANSIENT_CODES:
        return True
    status = _status(error)
    if status is not None:
        return status in TRANSIENT_STATUS
    if _is_one_of(error, _TRANSIENT_TYPES):
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO


def _behind(error: Exception) -> Exception:
    """What really happened: fsspec's http calls every failure of its first request a missing file."""
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception) and _status(cause) not in (404, 410):
        return cause
    return error


def error_code(error: BaseException) -> str:
    """The code of an answer of S3, e.g. "PreconditionFailed"; "" for anything else."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def _response(error: BaseException) -> dict[str, Any]:
    """What botocore keeps of an answer; s3fs hides it in the cause of the error it raises."""
    response: Any = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    return response if isinstance(response, dict) else {}


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error of botocore, aiohttp (`status`) or gcsfs (`code`) carries."""
    known = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    if isinstance(known, int):
        return known
    for name in ("status", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
            return int(value)
    return None


def _is_one_of(error: BaseException, names: frozenset[str]) -> bool:
    return any(f"{kind.__module__}.{kind.__qualname__}" in names for kind in type(error).__mro__)


def explained(error: Exception, where: str, writes: bool, attempts: int = 1, spent_s: float = 0.0) -> WarcmillError:
    """The error as a user needs it: what, where, and what to do."""
    kind = OutputError if writes else InputError
    protocol = where.partition("://")[0]
    credentials = _CREDENTIALS.get(protocol, "")
    if isinstance(error, ImportError):
        package = _PACKAGES.get(protocol) or str(error.name or protocol)
        return UsageError(f"cannot open {protocol}:// URLs: {error}", where=where, hint=f"pip install '{package}'")
    if isinstance(error, ValueError):  # fsspec: an unknown protocol, a server without ranges
        return kind(f"cannot open this URL: {_line(error)}", where=where, hint="install the fsspec file system")
    if _is_one_of(error, _CREDENTIAL_TYPES):
        return UsageError(f"no credentials: {_line(error)}", where=where, hint=f"set up {credentials}")
    if isinstance(error, PermissionError) or _status(error) in (401, 403) or str(error).startswith("Forbidden"):
        hint = _RIGHTS.get(protocol, "") + credentials
        return kind(f"access denied: {_line(error)}", where=where, hint=hint)
    if is_transient(error):
        what = f"no usable answer in {attempts} attempts and {spent_s:.0f} s: {_line(error)}"
        return kind(what, where=where, hint="when the store is well again, run the same command: it resumes")
    missing = isinstance(error, FileNotFoundError) or _status(error) == 404
    hint = "make the bucket, or correct its name" if missing and protocol in _CREDENTIALS else ""
    return kind(f"cannot be {'written' if writes else 'read'}: {_line(error)}", where=where, hint=hint)


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:300] + " …"
