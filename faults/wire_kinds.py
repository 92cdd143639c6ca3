"""The faults on a proxy."""

from __future__ import annotations

from faults import pool_exhaustion
from faults.kind import FaultKind
from faults.toxics import bandwidth, down, flap, latency, limit_data, reset_peer, slicer, slow_close, timeout

_NEEDS = "a proxy of the target, and a database, cache or http probe behind it to measure a round trip"
_NEEDS_ONLY = "a proxy of the target, and a database, cache or any probe behind it"
_TOXIC_OFF = (
    "its toxic is taken off; where the server no longer answers, a managed one is restarted, and on somebody's own "
    "another proxy takes the place. The healer does so after a crash, gameday heal after a crash of both"
)
_PROXY_OPENED = "the proxy is opened again; by the healer after a crash, by gameday heal after a crash of both"

WIRE_KINDS = (
    FaultKind(
        "latency",
        "every round trip is slower by `latency`, give or take `jitter`",
        latency.LatencyParams,
        latency.latency,
        latency.expected,
        needs=_NEEDS,
        proven="round trips through the proxy are as much slower than before",
        healed=_TOXIC_OFF,
        example="latency: 50ms, jitter: 10ms",
    ),
    FaultKind(
        "timeout",
        "all data is swallowed; connections hang, or close after `timeout` of silence",
        timeout.TimeoutParams,
        timeout.timeout,
        timeout.expected,
        silences=True,
        needs=_NEEDS,
        proven="the probe gets no answer",
        healed=_TOXIC_OFF,
    ),
    FaultKind(
        "down",
        "connections are refused, and the open ones cut",
        down.DownParams,
        down.down,
        down.expected,
        needs_round_trip=False,
        silences=True,
        needs=_NEEDS_ONLY,
        proven="a connection to the proxy is refused",
        healed=_PROXY_OPENED,
    ),
    FaultKind(
        "pool-exhaustion",
        "every round trip of the database is held for `hold`, until the application's pool is full of waiters",
        pool_exhaustion.PoolExhaustionParams,
        pool_exhaustion.pool_exhaustion,
        pool_exhaustion.expected,
        needs_database=True,
        silences=True,
        needs="a proxy of the target that one of its databases goes through",
        proven="the probe gets no answer",
        healed=_TOXIC_OFF,
    ),
    FaultKind(
        "bandwidth",
        "each connection carries `rate` at most, in one direction",
        bandwidth.BandwidthParams,
        bandwidth.bandwidth,
        bandwidth.expected,
        needs=_NEEDS,
        proven="0.3 s worth of bytes, carried and timed",
        healed=_TOXIC_OFF,
        example="rate: 64KB/s",
    ),
    FaultKind(
        "slicer",
        "data arrives in slices of about `average_size` bytes, with a pause of `delay` after each",
        slicer.SlicerParams,
        slicer.slicer,
        slicer.expected,
        needs=_NEEDS,
        proven="some bytes, carried and timed",
        healed=_TOXIC_OFF,
        example="average_size: 100, delay: 10ms",
    ),
    FaultKind(
        "slow-close",
        "the end of a connection arrives `delay` late, its data doesn't",
        slow_close.SlowCloseParams,
        slow_close.slow_close,
        slow_close.expected,
        needs_round_trip=False,
        needs=_NEEDS_ONLY,
        proven="the time that a close takes to arrive",
        healed=_TOXIC_OFF,
        example="delay: 300ms",
    ),
    FaultKind(
        "reset-peer",
        "connections are reset at their first data, or `after` it",
        reset_peer.ResetPeerParams,
        reset_peer.reset_peer,
        reset_peer.expected,
        silences=True,
        needs=_NEEDS,
        proven="new connections end without an answer",
        healed=_TOXIC_OFF,
    ),
    FaultKind(
        "limit-data",
        "a connection is closed once it has carried so many `bytes`",
        limit_data.LimitDataParams,
        limit_data.limit_data,
        limit_data.expected,
        silences=True,
        needs=_NEEDS,
        proven="more than `bytes` over a new connection: it must be closed",
        healed=_TOXIC_OFF,
        example="bytes: 2KB",
    ),
    FaultKind(
        "flap",
        "connections are refused and taken again, for `down` of every `period`",
        flap.FlapParams,
        flap.flap,
        flap.expected,
        needs_round_trip=False,
        silences=True,
        needs=_NEEDS_ONLY,
        proven="connections refused and taken within a period",
        healed=_PROXY_OPENED,
        example="period: 2s",
    ),
)
