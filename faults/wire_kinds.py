"""The faults on a proxy."""

from __future__ import annotations

from faults import pool_exhaustion
from faults.kind import FaultKind
from faults.toxics import bandwidth, down, flap, latency, limit_data, reset_peer, slicer, slow_close, timeout

WIRE_KINDS = (
    FaultKind(
        "latency",
        "every round trip is slower by `latency`, give or take `jitter`",
        latency.LatencyParams,
        latency.latency,
        latency.expected,
    ),
    FaultKind(
        "timeout",
        "all data is swallowed; connections hang, or close after `timeout` of silence",
        timeout.TimeoutParams,
        timeout.timeout,
        timeout.expected,
        silences=True,
    ),
    FaultKind(
        "down",
        "connections are refused, and the open ones cut",
        down.DownParams,
        down.down,
        down.expected,
        needs_round_trip=False,
        silences=True,
    ),
    FaultKind(
        "pool-exhaustion",
        "every round trip of the database is held for `hold`, until the application's pool is full of waiters",
        pool_exhaustion.PoolExhaustionParams,
        pool_exhaustion.pool_exhaustion,
        pool_exhaustion.expected,
        needs_database=True,
        silences=True,
    ),
    FaultKind(
        "bandwidth",
        "each connection carries `rate` at most, in one direction",
        bandwidth.BandwidthParams,
        bandwidth.bandwidth,
        bandwidth.expected,
    ),
    FaultKind(
        "slicer",
        "data arrives in slices of about `average_size` bytes, with a pause of `delay` after each",
        slicer.SlicerParams,
        slicer.slicer,
        slicer.expected,
    ),
    FaultKind(
        "slow-close",
        "the end of a connection arrives `delay` late, its data doesn't",
        slow_close.SlowCloseParams,
        slow_close.slow_close,
        slow_close.expected,
        needs_round_trip=False,
    ),
    FaultKind(
        "reset-peer",
        "connections are reset at their first data, or `after` it",
        reset_peer.ResetPeerParams,
        reset_peer.reset_peer,
        reset_peer.expected,
        silences=True,
    ),
    FaultKind(
        "limit-data",
        "a connection is closed once it has carried so many `bytes`",
        limit_data.LimitDataParams,
        limit_data.limit_data,
        limit_data.expected,
        silences=True,
    ),
    FaultKind(
        "flap",
        "connections are refused and taken again, for `down` of every `period`",
        flap.FlapParams,
        flap.flap,
        flap.expected,
        needs_round_trip=False,
        silences=True,
    ),
)
