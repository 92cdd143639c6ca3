"""Which of the four kinds a failed request is: `http`, `timeout`, `connection` or `application`.

Runs in the load process. Exceptions are told apart by the names of their classes: those of requests, urllib3,
geventhttpclient, gevent and of clients we have never heard of, without importing any of them.
"""

from __future__ import annotations

from collections.abc import Iterator

FIRST_BAD_STATUS = 400
_DEEPEST = 6
_TIMEOUT = ("timeout", "timedout", "deadlineexceeded")
_CONNECTION = (
    "connect",
    "disconnect",
    "incompleteread",
    "protocolerror",
    "httpparseerror",
    "brokenpipe",
    "chunkedencoding",
)
# geventhttpclient derives these from its ConnectionError; what they wrap decides, else a response came
_UNDECIDED = frozenset({"BadStatusCode", "RetriesExceeded", "UnsupportedRedirectSchemeError"})
_NO_CONNECTION = frozenset({"NewConnectionError"})  # urllib3 1.26 derives it from ConnectTimeoutError
_REQUESTS_BASE = "RequestException"


def kind_of(exception: object, response: object = None) -> str:
    """The kind of a failure, from the `exception` and the `response` of Locust's request event."""
    if _status_of(exception, response) >= FIRST_BAD_STATUS:
        return "http"
    # a user's own failure("no offers") hides what happened on the wire; the response still has it
    error = getattr(response, "error", None)
    if isinstance(error, BaseException):
        return _kind_of_error(error)
    return _kind_of_error(exception) if isinstance(exception, BaseException) else "application"


def _status_of(exception: object, response: object) -> int:
    candidates = (
        getattr(response, "status_code", None),
        getattr(getattr(exception, "response", None), "status_code", None),
        getattr(exception, "code", None),
    )
    return next((c for c in candidates if isinstance(c, int) and c), 0)


def _kind_of_error(error: BaseException) -> str:
    kinds = {kind for part in _parts(error) if (kind := _own_kind(part))}
    for kind in ("timeout", "connection"):
        if kind in kinds:
            return kind
    return "application"


def _own_kind(error: BaseException) -> str:
    names = {c.__name__ for c in type(error).__mro__}
    lowered = [name.lower() for name in names]
    if names & _NO_CONNECTION:
        return "connection"
    if any(mark in name for name in lowered for mark in _TIMEOUT) or _says_timed_out(error):
        return "timeout"
    if names & _UNDECIDED:
        return ""
    if any(mark in name for name in lowered for mark in _CONNECTION):
        return "connection"
    # requests derives all its exceptions from OSError
    return "connection" if isinstance(error, OSError) and _REQUESTS_BASE not in names else ""


def _says_timed_out(error: BaseException) -> bool:
    # ssl's own errors have no class for it
    return isinstance(error, OSError) and any(isinstance(a, str) and "timed out" in a for a in error.args)


def _parts(error: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """The error and what it wraps: urllib3's `reason`, geventhttpclient's `original`, exceptions among the arguments.

    Not `__context__`: it would lead to whatever the user's code happened to handle at the time.
    """
    yield error
    if depth < _DEEPEST:
        for inner in (getattr(error, "reason", None), getattr(error, "original", None), *error.args):
            if isinstance(inner, BaseException):
                yield from _parts(inner, depth + 1)
