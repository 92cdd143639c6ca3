"""Addresses as people write them."""

from __future__ import annotations

import pytest

from runbooks.parsing.address import Address, read_address, read_dsn, read_redis, read_ssh, read_web


@pytest.mark.parametrize(
    ("read", "text", "host", "port"),
    [
        (read_address, "localhost:1", "localhost", 1),
        (read_address, "[::1]:5432", "::1", 5432),
        (read_web, "https://example.org/path", "example.org", 443),
        (read_web, "http://[::1]:8000", "::1", 8000),
        (read_redis, "rediss://cache.example.org/1", "cache.example.org", 6379),
        (read_dsn, "postgresql://u@h/db", "h", 5432),
        (read_dsn, "host=db hostaddr=10.0.0.1 port=6000 dbname=x", "10.0.0.1", 6000),
        (read_ssh, "deploy@10.0.0.1", "10.0.0.1", 22),
        (read_ssh, "10.0.0.1:2222", "10.0.0.1", 2222),
        (read_ssh, "deploy@[::1]:2222", "::1", 2222),
    ],
)
def test_an_address_is_a_host_and_a_port(read: object, text: str, host: str, port: int) -> None:
    address = read(text)  # type: ignore[operator]

    assert (address.host, address.port) == (host, port)


def test_a_name_alone_may_be_one_of_the_ssh_config() -> None:
    assert read_ssh("db-primary") is None
    assert read_ssh("deploy@db-primary") is None


def test_passwords_come_as_written_and_as_meant() -> None:
    assert read_redis("redis://:p%40ss@h") == Address("h", 6379, ("p%40ss", "p@ss"))


@pytest.mark.parametrize("text", ["", "h", "h:", ":1", "h:0", "h:65536", "h:x", "a b:1", "-h:1"])
def test_what_is_no_address_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write host:port"):
        read_address(text)
