"""The door to Redis and its readings, with a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eventually import until
from relay import relay_to
from valkey_server import valkey_server

from harness.clock import boot_s
from harness.errors import ReachFailed, ReachTimeout
from harness.monitor.redis import RedisSource
from harness.reach import redis
from harness.reach.allow_list import AllowList

pytestmark = pytest.mark.integration
LOOPBACK = AllowList(["127.0.0.0/8", "::1/128"])


@pytest.fixture(scope="module")
def valkey() -> Iterator[int]:
    with valkey_server() as port:
        # whoever waits for it asks without a password: it is set once the server is up
        client = redis.connect(f"redis://127.0.0.1:{port}", allow=LOOPBACK, timeout_s=2)
        client.config_set("requirepass", "pass-of-the-cache")
        redis.close(client)
        yield port


class TestReadingsOfRedis:
    def _url(self, port: int) -> str:
        return f"redis://:pass-of-the-cache@127.0.0.1:{port}/0"

    def test_hits_and_misses_come_as_rates_from_the_second_read_on(self, valkey: int) -> None:
        source = RedisSource("cache.main", self._url(valkey), LOOPBACK)
        first = source.read()
        assert "hits_per_s" not in first
        user = redis.connect(self._url(valkey), allow=LOOPBACK, timeout_s=2)
        user.set("listed", "yes")
        for key in ("listed", "listed", "listed", "absent"):
            user.get(key)
        values = source.read()
        until(lambda: source.read()["clients"] == 1)  # the server counts a client for a moment after its end
        redis.close(user)
        source.close()
        assert source.name == "cache.main"
        assert values["hit_rate"] == 0.75
        assert values["hits_per_s"] == pytest.approx(3 * values["misses_per_s"])
        assert values["ops_per_s"] > values["hits_per_s"]
        assert values["used_memory_bytes"] > 10_000

    def test_a_wrong_password_is_said_and_not_shown(self, valkey: int) -> None:
        with pytest.raises(ReachFailed) as caught:
            redis.connect(self._url(valkey).replace("pass-of", "wrong-of"), allow=LOOPBACK, timeout_s=2)
        assert "user and password" in caught.value.mend
        assert "wrong-of" not in str(caught.value)

    def test_a_silent_server_costs_the_deadline_and_no_more(self, silent_port: int) -> None:
        begun = boot_s()
        with pytest.raises(ReachTimeout):
            redis.connect(self._url(silent_port), allow=LOOPBACK, timeout_s=0.4)
        assert boot_s() - begun < 5

    def test_the_time_of_a_ping_through_another_address(self, valkey: int) -> None:
        with relay_to(valkey) as relay:
            far = "redis://:pass-of-the-cache@cache.invalid:1/0"
            client = redis.connect(far, allow=LOOPBACK, via=("127.0.0.1", relay.port), timeout_s=0.5)
            assert 0 < redis.ping_ms(client) < 500
            relay.swallow.set()
            with pytest.raises(ReachTimeout):
                redis.ping_ms(client)
            redis.close(client)
