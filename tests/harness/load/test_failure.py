from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

import pytest
import requests
import urllib3.exceptions as u

from harness.load.failure import kind_of


@dataclass
class Answer:
    status_code: int = 200
    error: BaseException | None = None


class CatchResponseError(Exception):
    """As Locust's: what `response.failure("...")` makes."""


class Timeout(BaseException):
    """As gevent's."""


class ClientConnectionError(Exception):
    """As geventhttpclient's ConnectionError, which all its errors derive from."""


ClientConnectionError.__name__ = "ConnectionError"


class BadStatusCode(ClientConnectionError):
    def __init__(self, code: int) -> None:
        self.code = code


class RetriesExceeded(ClientConnectionError):
    def __init__(self, *args: object, original: BaseException | None = None) -> None:
        super().__init__(*args)
        self.original = original


class HTTPParseError(Exception):
    pass


class GrpcDeadlineExceeded(Exception):
    pass


def max_retries(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(u.MaxRetryError(None, "/", reason))  # type: ignore[arg-type]


CASES: list[tuple[str, object, object]] = [
    ("http", requests.HTTPError("503"), Answer(503)),
    ("http", CatchResponseError("not what I wanted"), Answer(404)),
    ("http", BadStatusCode(500), None),
    ("http", requests.HTTPError(response=type("R", (), {"status_code": 418})()), None),
    ("timeout", requests.ReadTimeout(), Answer(0, requests.ReadTimeout())),
    ("timeout", TimeoutError("timed out"), Answer(0, max_retries(u.ConnectTimeoutError()))),
    ("timeout", None, Answer(0, requests.ConnectionError(u.ReadTimeoutError(None, "/", "Read timed out.")))),  # type: ignore[arg-type]
    ("timeout", TimeoutError(), Answer(200)),
    ("timeout", Timeout(), Answer(0, Timeout())),
    ("timeout", RetriesExceeded("url", 0, original=TimeoutError("timed out")), None),
    ("timeout", GrpcDeadlineExceeded(), None),
    ("timeout", CatchResponseError("too bad"), Answer(0, TimeoutError())),
    ("connection", ConnectionRefusedError(), Answer(0, max_retries(u.NewConnectionError(None, "refused")))),  # type: ignore[arg-type]
    ("connection", ConnectionResetError(), None),
    ("connection", u.ProtocolError("ended early"), None),
    ("timeout", ssl.SSLError("The read operation timed out"), None),
    ("application", AssertionError("the order timed out"), Answer(200)),
    ("connection", socket.gaierror(-2, "Name or service not known"), None),
    ("connection", requests.ConnectionError(u.ProtocolError("Connection aborted.", ConnectionResetError())), None),
    ("connection", requests.exceptions.ChunkedEncodingError("ended early"), Answer(0)),
    ("connection", HTTPParseError("connection closed"), None),
    ("connection", CatchResponseError("no"), Answer(0, ConnectionRefusedError())),
    ("connection", RetriesExceeded("url", 0, original=BrokenPipeError()), None),
    ("application", CatchResponseError("the platform says no"), Answer(200)),
    ("application", AssertionError(), None),
    ("application", "a text", None),
    ("application", RetriesExceeded("url", "Redirection limit reached (3)"), Answer(0)),
    ("application", requests.TooManyRedirects(), Answer(0, requests.TooManyRedirects())),
    ("application", requests.exceptions.ContentDecodingError("gzip"), None),
    ("application", BadStatusCode(300), Answer(300, BadStatusCode(300))),
]


@pytest.mark.parametrize(("kind", "exception", "response"), CASES)
def test_a_failure_is_of_one_of_four_kinds(kind: str, exception: object, response: object) -> None:
    assert kind_of(exception, response) == kind


def test_what_the_user_was_handling_at_the_time_does_not_colour_the_failure() -> None:
    error = ConnectionRefusedError()
    error.__context__ = TimeoutError()
    assert kind_of(error) == "connection"


def test_exceptions_that_hold_each_other_end() -> None:
    error = ValueError()
    error.args = (error,)
    assert kind_of(error) == "application"
