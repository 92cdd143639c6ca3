"""The application's cache. It may be slow, empty or gone: the application then asks the database."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from runbooks.sandbox.crowdfund.settings import Settings
from runbooks.sandbox.crowdfund.upstream_time import upstream

_log = logging.getLogger("crowdfund.cache")
_T = TypeVar("_T")


class Cache:
    """Bytes by key, each with a time to live. No error leaves it."""

    def __init__(self, settings: Settings) -> None:
        self._redis: Redis = Redis.from_url(
            settings.cache_url,
            socket_timeout=settings.cache_timeout_s,
            socket_connect_timeout=settings.cache_timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )

    async def get(self, key: str) -> bytes | None:
        """The value, or None: not there, or the cache can't be asked."""
        found = await self._asked("get", key, lambda: self._redis.get(key))
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        await self._asked("set", key, lambda: self._redis.set(key, value, ex=ttl_s))

    async def close(self) -> None:
        await self._redis.aclose()

    async def _asked(self, verb: str, key: str, ask: Callable[[], Awaitable[_T]]) -> _T | None:
        try:
            with upstream():
                return await ask()
        except (RedisError, OSError) as error:
            _log.warning("cache %s %s: %s: %s", verb, key, _class_name(error), error)
            return None


def _class_name(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"
