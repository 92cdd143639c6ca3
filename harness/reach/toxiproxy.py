"""The door to a Toxiproxy server: toxiproxy-python's consumer, with what it lacks.

A deadline on every call, no proxies from the environment, quoted names, PATCH, every status checked, and what the
server stored compared with what was asked: it drops misspelt attributes silently.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from toxiproxy import api as toxiproxy_python
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.errors import ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy_state import ProxyState, ToxicState, is_as_asked, proxy_of, same_address, toxic_of

__all__ = ["DEFAULT_PORT", "ProxyState", "ToxicState", "ToxiproxyApi", "ToxiproxyGone", "ToxiproxyRejected"]

DEFAULT_PORT = 8474
TIMEOUT_S = 3.0
_NAME = re.compile(r"[A-Za-z0-9_. -]+")
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
# None for "all" too: requests would take ALL_PROXY otherwise
_NO_PROXIES = {"http": None, "https": None, "all": None}
# what nests without end is no JSON either
_NO_JSON = (ValueError, RecursionError)
# what says that nothing listens there, whatever layers requests has put around it
_REFUSED = re.compile(r"Connection refused|Errno 111|Errno 61\b")


class ToxiproxyRejected(ReachFailed):
    """The server answered with an error; `status` is its HTTP status."""

    def __init__(self, what: str, *, status: int, where: str, mend: str = "") -> None:
        super().__init__(what, where=where, mend=mend)
        self.status = status


class ToxiproxyGone(ReachFailed):
    """Nothing listens at the API's address: the server isn't running, and its toxics went with it."""


class ToxiproxyApi:
    """One server's API. Every method takes `timeout_s` for one call, and raises ReachFailed (ToxiproxyRejected,
    ToxiproxyGone) or ReachTimeout, after which what the call did is unknown.

    `address` is the host's IP address where it was looked up before (and allowed): no name look-up then.
    """

    def __init__(self, url: str, allow: AllowList, timeout_s: float = TIMEOUT_S, *, address: str = "") -> None:
        self.url = url.rstrip("/")
        self.allow = allow
        self.timeout_s = timeout_s
        host, port = _host_of(self.url)
        self.address = address or allow.resolve(host, port)
        self._consumer = _consumer_of(self.address, port)

    def version(self, *, timeout_s: float | None = None) -> str:
        """The server's version such as "2.12.0", or what it says instead of one."""
        text = self._send("GET", "/version", timeout_s=timeout_s).text
        found = _VERSION.search(text)
        return found.group() if found else text.strip()

    def proxies(self, *, timeout_s: float | None = None) -> tuple[ProxyState, ...]:
        """All proxies. Never in an emergency: one wedged proxy hangs this call."""
        answer = _object(self._send("GET", "/proxies", timeout_s=timeout_s), self.url)
        return tuple(proxy_of(answer[name], self.url) for name in sorted(answer))

    def proxy(self, name: str, *, timeout_s: float | None = None) -> ProxyState:
        """One proxy with its toxics; ToxiproxyRejected with status 404 when there is none of that name."""
        return proxy_of(
            _object(self._send("GET", f"/proxies/{_quoted(name)}", timeout_s=timeout_s), self.url), self.url
        )

    def create_proxy(
        self, name: str, listen: str, upstream: str, *, enabled: bool = True, timeout_s: float | None = None
    ) -> ProxyState:
        """Add a proxy; one that is there already with the same addresses is as good."""
        for address in (listen, upstream):
            _check_address(address)
        body = {"name": name, "listen": listen, "upstream": upstream, "enabled": enabled}
        _quoted(name)
        try:
            state = proxy_of(_object(self._send("POST", "/proxies", body, timeout_s=timeout_s), self.url), self.url)
        except ToxiproxyRejected as error:
            if error.status != requests.codes.conflict:
                raise
            state = self.proxy(name, timeout_s=timeout_s)
        if not same_address(state.listen, listen) or state.upstream != upstream or state.enabled != enabled:
            raise ReachFailed(f"the proxy {name} is {state}, not as asked", where=self.url)
        return state

    def delete_proxy(self, name: str, *, timeout_s: float | None = None) -> bool:
        """Remove a proxy; False when there was none."""
        return self._deleted(f"/proxies/{_quoted(name)}", timeout_s)

    def set_enabled(self, name: str, *, enabled: bool, timeout_s: float | None = None) -> ProxyState:
        """Open or close a proxy's listener; closing it closes all its connections."""
        path = f"/proxies/{_quoted(name)}"
        try:
            answer = self._send("PATCH", path, {"enabled": enabled}, timeout_s=timeout_s)
        except ToxiproxyRejected as error:
            if error.status != requests.codes.method_not_allowed:
                raise
            answer = self._send("POST", path, {"enabled": enabled}, timeout_s=timeout_s)  # servers before 2.6
        state = proxy_of(_object(answer, self.url), self.url)
        if state.enabled != enabled:
            raise ReachFailed(f"the proxy {name} stayed {state}", where=self.url)
        return state

    def set_upstream(self, name: str, upstream: str, *, enabled: bool, timeout_s: float | None = None) -> ProxyState:
        """Give a proxy another upstream; it closes all its connections."""
        _check_address(upstream)
        body = {"upstream": upstream, "enabled": enabled}
        answer = self._send("PATCH", f"/proxies/{_quoted(name)}", body, timeout_s=timeout_s)
        state = proxy_of(_object(answer, self.url), self.url)
        if state.upstream != upstream or state.enabled != enabled:
            raise ReachFailed(f"the proxy {name} stayed {state}", where=self.url)
        return state

    def add_toxic(self, proxy: str, toxic: ToxicState, *, timeout_s: float | None = None) -> ToxicState:
        """Add a toxic; one of the same name and content that is there already is as good.

        Raises ReachFailed when the server stored something else than asked; it is there all the same then.
        """
        path = f"/proxies/{_quoted(proxy)}/toxics"
        _quoted(toxic.name)
        body = {
            "name": toxic.name,
            "type": toxic.type,
            "stream": toxic.stream,
            "toxicity": toxic.toxicity,
            "attributes": dict(toxic.attributes),
        }
        try:
            answer = self._send("POST", path, body, timeout_s=timeout_s)
        except ToxiproxyRejected as error:
            if error.status != requests.codes.conflict:
                raise
            answer = self._send("GET", f"{path}/{_quoted(toxic.name)}", timeout_s=timeout_s)
        stored = toxic_of(_object(answer, self.url), self.url)
        if not is_as_asked(stored, toxic):
            raise ReachFailed(f"the server stored {stored}, not {toxic}", where=self.url)
        return stored

    def remove_toxic(self, proxy: str, toxic: str, *, timeout_s: float | None = None) -> bool:
        """Remove a toxic; False when the toxic or its proxy was not there."""
        return self._deleted(f"/proxies/{_quoted(proxy)}/toxics/{_quoted(toxic)}", timeout_s)

    def _deleted(self, path: str, timeout_s: float | None) -> bool:
        try:
            self._send("DELETE", path, timeout_s=timeout_s)
        except ToxiproxyRejected as error:
            if error.status == requests.codes.not_found:
                return False
            raise
        return True

    def _send(
        self, verb: str, path: str, body: Mapping[str, object] | None = None, *, timeout_s: float | None = None
    ) -> requests.Response:
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        options: dict[str, Any] = {"timeout": max(limit_s, 0.001), "proxies": _NO_PROXIES, "allow_redirects": False}
        if body is not None:
            options["json"] = body
        with _mapped(self.url, f"{verb} {path}", limit_s):
            response: requests.Response = getattr(self._consumer, verb.lower())(path, **options)
        if response.status_code == requests.codes.service_unavailable:
            raise _unanswered(f"{verb} {path}", "the server gave up on it", self.url)
        if not response.ok or response.is_redirect:
            raise _rejected(verb, path, response.status_code, response.content, self.url)
        return response


def _host_of(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname:
        raise ReachFailed(f"{url!r} is no address of a Toxiproxy API", mend=f"write http://host:{DEFAULT_PORT}")
    return parts.hostname, port


def _consumer_of(address: str, port: int) -> type[Any]:
    """toxiproxy-python keeps host and port on the class: one subclass for each server."""

    class Consumer(toxiproxy_python.APIConsumer):  # type: ignore[misc]
        host = f"[{address}]" if ":" in address else address

        @classmethod
        def patch(cls, url: str, **options: Any) -> requests.Response:
            response = requests.patch(f"http://{cls.host}:{cls.port}{url}", **options)  # noqa: S113 - in options
            return toxiproxy_python.validate_response(response)  # type: ignore[no-any-return]

    Consumer.port = port
    return Consumer


@contextlib.contextmanager
def _mapped(where: str, call: str, timeout_s: float) -> Iterator[None]:
    """The exceptions of toxiproxy-python and requests as ours."""
    verb, _, path = call.partition(" ")
    try:
        yield
    except InvalidToxic as error:
        raise _rejected(verb, path, 400, error.args[0], where) from None
    except NotFound as error:
        raise _rejected(verb, path, 404, error.args[0], where) from None
    except ProxyExists as error:
        raise _rejected(verb, path, 409, error.args[0], where) from None
    except requests.RequestException as error:
        raise _unreached(error, call, where, timeout_s) from error
    except Exception as error:
        # an answer that is no HTTP makes urllib3 and its decoders fail in words of their own
        raise _unanswered(call, "the answer can't be read", where) from error


def _unanswered(call: str, why: str, where: str) -> ReachTimeout:
    """A reading has done nothing, whatever became of its answer."""
    return ReachTimeout(f"{call}: {why}{'' if call.startswith('GET ') else '; what it did is unknown'}", where=where)


def _unreached(error: requests.RequestException, call: str, where: str, timeout_s: float) -> ReachFailed:
    if isinstance(error, requests.Timeout):
        return _unanswered(call, f"no answer within {timeout_s:g} s", where)
    if _REFUSED.search(str(error)):
        mend = "is toxiproxy-server running, and is this its API's address?"
        return ToxiproxyGone("nothing listens there", where=where, mend=mend)
    if isinstance(error, requests.ConnectionError) and "NewConnectionError" not in str(error):
        # not late, but as open: the answer was lost, and the call may have been done
        return _unanswered(call, "the connection was lost", where)
    return ReachFailed(f"{call}: no connection to the server ({type(error).__name__})", where=where)


def _rejected(verb: str, path: str, status: int, content: bytes, where: str) -> ReachFailed:
    text, own = content.decode(errors="replace"), False
    with contextlib.suppress(*_NO_JSON, TypeError, KeyError):
        # the server labels its JSON as text/plain: only trying tells
        text, own = str(json.loads(text)["error"]), True
    if status == requests.codes.not_found and not own:
        # whatever stands in the way now (a gateway, a captive portal) knows nothing of our toxics
        what = f"{verb} {path}: 404, but not as Toxiproxy says it"
        return ReachFailed(what, where=where, mend="is this the address of its API, and is nothing in between?")
    # whatever answered, it goes onto one line of a terminal
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    mend = "is another program listening on that port?" if "address already in use" in text else ""
    return ToxiproxyRejected(f"{verb} {path}: {status} {text[:300]}", status=status, where=where, mend=mend)


def _object(response: requests.Response, where: str) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except _NO_JSON:
        answer = None
    if not isinstance(answer, dict):
        raise ReachFailed("the answer is not Toxiproxy's", where=where, mend="is this the address of its API?")
    return answer


def _quoted(name: str) -> str:
    """A name as a path segment; names that the server takes but can't be asked for again are refused."""
    if not _NAME.fullmatch(name) or name in {".", ".."}:
        raise ReachFailed(f"{name!r} can't be a name in Toxiproxy", mend="use letters, digits, - _ and .")
    return quote(name, safe="")


def _check_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        # without a host, the server would listen on all interfaces
        raise ReachFailed(f"{address!r} is no address", mend="write host:port")
