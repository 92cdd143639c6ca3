"""Measures how long the close of a connection takes to arrive."""

from __future__ import annotations

import socket

from faults.probe import Sample, Stream, timed
from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList


class CloseProbe:
    """Connect, close our half, and wait for the other's close, which comes back through the proxy both ways: so a close
    delayed in either direction is seen, whatever the server behind it speaks."""

    round_trips = 1
    keeps_connection = False

    def __init__(self, address: tuple[str, int], *, allow: AllowList) -> None:
        self._where = f"{address[0]}:{address[1]}"
        self.what = f"a close through {self._where}"
        self._address, self._allow = address, allow

    def measure(self, timeout_s: float) -> Sample:
        return timed(lambda: self._close(timeout_s), timeout_s)

    def carry(self, stream: Stream, amount_bytes: int, timeout_s: float) -> Sample:  # noqa: ARG002 - it carries none
        return self.measure(timeout_s)

    def renew(self) -> None:
        """Every sample has a connection of its own."""

    def close(self) -> None:
        """Nothing is held open."""

    def _close(self, timeout_s: float) -> None:
        deadline = Deadline.after(timeout_s)
        try:
            address = (self._allow.resolve(*self._address), self._address[1])
            with socket.create_connection(address, timeout=timeout_s) as link:
                link.shutdown(socket.SHUT_WR)
                while not deadline.passed:
                    link.settimeout(max(deadline.left_s(), 0.001))
                    if not link.recv(4096):  # a server may greet first
                        return
        except ConnectionResetError:
            return  # a close too
        except TimeoutError as error:
            raise ReachTimeout("no close", where=self._where) from error
        except OSError as error:
            raise ReachFailed(error.strerror or str(error), where=self._where) from error
        raise ReachTimeout("no close", where=self._where)
