"""The door to Redis (or Valkey): allow-listed, no retries, every socket operation bounded."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.retry import Retry

from harness.clock import boot_s
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.in_time import in_time

DEFAULT_PORT = 6379
CLIENT_NAME = "gameday"
_MEND = 'write "redis://host:6379/0" or "rediss://host:6379/0"'


class _PinnedTls(SSLConnection):
    """Connects to the address that was checked; TLS verifies the name of the URL."""

    def __init__(self, *, verify_as: str, **options: Any) -> None:
        super().__init__(**options)
        self._verify_as = verify_as

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> Any:
        address, self.host = self.host, self._verify_as
        try:
            return super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]
        finally:
            self.host = address


def connect(url: str, *, allow: AllowList, via: tuple[str, int] | None = None, timeout_s: float) -> redis.Redis:
    """A client that has answered a PING, within `timeout_s`; later calls are bounded by
    `timeout_s` for each socket operation. `via` is where TCP goes instead (a proxy).

    Raises ReachFailed or ReachTimeout with host:port (never the password), NotAllowed outside the list.
    """
    host, port = via or address_of(url)
    where = f"{host}:{port}"

    def opened() -> redis.Redis:
        client = redis.Redis(connection_pool=pool_of(url, allow=allow, via=via, timeout_s=timeout_s))
        try:
            with mapped(where):
                client.ping()
                with contextlib.suppress(redis.ResponseError):
                    # whoever looks at CLIENT LIST sees whose it is; a user without the right goes on without a name
                    client.client_setname(CLIENT_NAME)
        except ReachFailed:
            close(client)
            raise
        return client

    return in_time(opened, timeout_s=timeout_s, where=where, late=close)


def pool_of(
    url: str, *, allow: AllowList, via: tuple[str, int] | None, timeout_s: float, client_name: str = ""
) -> ConnectionPool:
    """Where connections to the server are made: to the address that was checked, each socket operation bounded.

    `client_name` is how CLIENT LIST shows them. Raises ReachFailed, NotAllowed.
    """
    options = _options(url)
    name, port = options.pop("host", "localhost"), options.pop("port", DEFAULT_PORT)
    host, port = via or (name, port)
    tls = options.pop("connection_class", Connection) is SSLConnection
    pinned: dict[str, Any] = {
        "connection_class": _PinnedTls if tls else Connection,
        **({"verify_as": name} if tls else {}),
        **({"client_name": client_name} if client_name else {}),
        "host": allow.resolve(host, port),
        "port": port,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "health_check_interval": 0,
        "protocol": 2,
        "decode_responses": True,
        "driver_info": None,
    }
    return ConnectionPool(**(options | pinned))


def address_of(url: str) -> tuple[str, int]:
    """Host and port that a URL names. Raises ReachFailed for one that can't be read."""
    options = _options(url)
    return str(options.get("host", "localhost")), int(options.get("port", DEFAULT_PORT))


def info(client: redis.Redis) -> dict[str, object]:
    """What INFO says (names as Redis writes them). Raises ReachFailed or ReachTimeout."""
    with mapped(address(client)):
        answer: dict[str, object] = client.info()
        return answer


def ping_ms(client: redis.Redis) -> float:
    """Milliseconds that one PING takes. Raises ReachFailed or ReachTimeout."""
    begun = boot_s()
    with mapped(address(client)):
        client.ping()
    return (boot_s() - begun) * 1000


def unlink_ms(client: redis.Redis, key: str) -> float:
    """Milliseconds that taking a key away takes, there or not. Raises ReachFailed or ReachTimeout."""
    begun = boot_s()
    with mapped(address(client)):
        client.unlink(key)
    return (boot_s() - begun) * 1000


def echo(client: redis.Redis, text: str) -> None:
    """Has the server send `text` back. Raises ReachFailed or ReachTimeout."""
    with mapped(address(client)):
        client.echo(text)


def close(client: redis.Redis) -> None:
    """Closes the client's connections; never raises."""
    with contextlib.suppress(redis.RedisError, OSError):
        client.close()
    with contextlib.suppress(redis.RedisError, OSError):
        client.connection_pool.disconnect()


def address(client: redis.Redis) -> str:
    """Where the client's TCP goes, as host:port."""
    options = client.connection_pool.connection_kwargs
    return f"{options.get('host')}:{options.get('port')}"


@contextlib.contextmanager
def mapped(where: str) -> Iterator[None]:
    """redis-py's exceptions as ReachFailed and ReachTimeout: for commands that this door has no word for."""
    try:
        yield
    except (redis.TimeoutError, TimeoutError) as error:
        raise ReachTimeout("no answer in time", where=where) from error
    except redis.AuthenticationError as error:
        mend = "check user and password in the URL's environment variable"
        raise ReachFailed(f"Redis refused the login: {error}", where=where, mend=mend) from error
    except (redis.RedisError, OSError) as error:
        mend = "is Redis running, and listening on this address?" if "refused" in str(error) else ""
        raise ReachFailed(" ".join(str(error).split()) or type(error).__name__, where=where, mend=mend) from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        # redis-py reads in an answer before it looks at what kind it is
        raise ReachFailed(f"the answer can't be read: {error!r}"[:300], where=where, mend="is it Redis?") from error


def _options(url: str) -> dict[str, Any]:
    if url.startswith("unix:"):
        raise ReachFailed("the URL leads to a unix socket, and a fault can only sit on TCP", mend=_MEND)
    try:
        return dict(parse_url(url))  # type: ignore[no-untyped-call]
    except ValueError:
        # redis-py's message may repeat parts of the URL, the password perhaps
        raise ReachFailed("the Redis URL can't be read", mend=_MEND) from None
