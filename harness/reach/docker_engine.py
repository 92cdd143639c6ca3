"""Which Docker Engine is meant, and the SDK's client for it: the current context of the Docker CLI never counts."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import docker
import docker.errors
import docker.utils
import requests

from harness.errors import ReachFailed
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


class EngineClient(docker.APIClient):
    """The SDK's client with no proxy of this machine's in between, whatever the environment says."""

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
    return EngineClient(
        base_url=address if "tls" in params else checked,  # a certificate is for a name
        tls=params.get("tls", False),
        version="auto",
        timeout=max(1, round(timeout_s)),
        num_pools=100,  # the SDK has one for each path
        max_pool_size=8,
    )


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
