"""Which Docker Engine is meant, and the SDK's client for it: the current context of the Docker CLI never counts."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import docker
import docker.errors
import docker.utils
import requests
from requests.adapters import HTTPAdapter

from harness.errors import NotAllowed, ReachFailed
from harness.reach.allow_list import AllowList, split_address

DEFAULT_ENGINE = "unix:///var/run/docker.sock"
_FORWARD = "forward its socket with ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST, and name it as engine: " \
    "unix:///tmp/engine.sock"  # fmt: skip
_MENDS = (
    (FileNotFoundError, "is Docker installed and running? engine: in the target file or DOCKER_HOST say where it is"),
    (PermissionError, "let your user use it: add it to the group docker, and log in again"),
    (ConnectionRefusedError, "is Docker running? systemctl start docker"),
)
_CONNECT_S = 3.0


def engine_address(engine: str, environment: Mapping[str, str]) -> str:
    """The target's own `engine`, else DOCKER_HOST, else the default socket."""
    return engine or environment.get("DOCKER_HOST", "") or DEFAULT_ENGINE


class _PinnedTls(HTTPAdapter):
    """TLS to an IP address that was looked up before, with the certificate still checked for the name."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """A pool whose connections ask for the name."""
        super().init_poolmanager(*args, server_hostname=self._name, assert_hostname=self._name, **options)


class EngineClient(docker.APIClient):
    """The SDK's client with no proxy of this machine's in between, whatever the environment says, and no redirect.

    `server_name`: the name that the engine's certificate is for, where `base_url` has its IP address.
    """

    def __init__(self, *, server_name: str = "", **options: Any) -> None:
        self._pinned = _PinnedTls(server_name) if server_name else None
        super().__init__(**options)

    def get_adapter(self, url: Any) -> Any:
        """The adapter of an address."""
        if self._pinned is not None and str(url).startswith("https://"):
            return self._pinned
        return super().get_adapter(url)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """An engine that sends us elsewhere is not followed: nobody has allowed that address."""
        if resp.is_redirect:
            resp.close()
            where = str(self.base_url)
            raise NotAllowed("the engine sends us to another address", where=where, mend="name the engine itself")
        return None

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:  # noqa: ARG002 - the signature is requests'
        """What `requests` would read from the environment, read from nowhere."""
        return {
            "proxies": {},
            "stream": self.stream if stream is None else stream,
            "verify": self.verify if verify is None else verify,
            "cert": self.cert if cert is None else cert,
        }

    def url(self, path: str) -> str:
        """The address of an API call that the SDK has no bounded method for."""
        return f"{self.base_url}/v{self.api_version}{path}"

    def answer(self, path: str, params: Mapping[str, str], *, timeout_s: float, stream: bool = False) -> Any:
        """A GET's response. Raises the SDK's and requests' errors."""
        response = self.get(self.url(path), params=dict(params), timeout=timeout_s, stream=stream)
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            raise docker.errors.create_api_error_from_http_exception(error) from error
        return response


def connect(address: str, environment: Mapping[str, str], allow: AllowList, timeout_s: float) -> EngineClient:
    """A client whose API version is agreed with the engine. Raises ReachFailed or NotAllowed, and the SDK's errors."""
    params = docker.utils.kwargs_from_env({**environment, "DOCKER_HOST": address})
    checked = _check(address, allow)
    try:
        return EngineClient(
            base_url=checked,
            server_name=_name_of(address) if "tls" in params else "",
            tls=params.get("tls", False),
            version="auto",
            timeout=max(1, round(timeout_s)),
            num_pools=100,  # the SDK has one for each path
            max_pool_size=8,
        )
    except docker.errors.DockerException as error:
        if isinstance(error.__cause__, NotAllowed):  # the SDK wraps what happens while it agrees on a version
            raise error.__cause__ from error
        raise


def _check(address: str, allow: AllowList) -> str:
    """The address with its name looked up; it may be touched, and somebody listens there: the SDK would leak its socket
    finding out."""
    scheme, _, rest = address.partition("://")
    if scheme == "unix":
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(_CONNECT_S)
                link.connect(rest)
        except OSError as error:
            mend = next((m for kind, m in _MENDS if isinstance(error, kind)), "")
            raise ReachFailed(f"no engine: {error.strerror or error}", where=address, mend=mend) from error
    elif scheme in ("tcp", "http", "https"):
        return f"{scheme}://{_check_tcp(address, rest, allow)}"
    elif scheme == "ssh":
        raise ReachFailed("an engine over SSH is not supported", where=address, mend=_FORWARD)
    else:
        raise ReachFailed("is no engine's address", where=address, mend=f"write {DEFAULT_ENGINE} or tcp://host:port")
    return address


def _name_of(address: str) -> str:
    """The host of tcp://host:port; `_check` has read it before."""
    return split_address(address.partition("://")[2].rstrip("/"))[0] if not address.startswith("unix:") else ""


def _check_tcp(address: str, rest: str, allow: AllowList) -> str:
    try:
        host, port = split_address(rest.rstrip("/"))
    except ValueError as error:
        raise ReachFailed(str(error), where=address, mend="write tcp://host:port") from error
    ip = allow.resolve(host, port)
    try:
        socket.create_connection((ip, port), timeout=_CONNECT_S).close()
    except OSError as error:
        raise ReachFailed(
            f"no engine: {error.strerror or error}", where=address, mend="does the engine listen on this address?"
        ) from error
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
