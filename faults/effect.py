"""The proof at the platform: what its requests and sessions show under the fault, against what they showed before.

Pure functions. Each sign answers with a sentence when it is clear, and with "" when it isn't: a healthy platform
that goes round the proxy must show none, however its numbers wander by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from faults.fault import Effect, Measurement
from faults.observation import Observation
from harness.journal.histogram import middle_ms, percentile_ms

# seconds under the fault before silence counts as an answer
ENOUGH_S = 3.0
_ENOUGH_BEFORE = 20
_ENOUGH_DURING = 10
_MEDIAN_Z = 4.0
_DRIFT = 0.1
_SHARE_Z = 6.0
_SHARE_STEP = 0.15
_SHARE_REQUESTS = 80
_SHARE_S = 5.0
_ERROR_STEP = 0.02
_ERROR_Z = 5.0
_ERRORS = 5
_SESSIONS_S = 2.0
_SHORTEST_STALL_S = 0.6
_COMMANDS_PER_S = 5.0
_COMMANDS_LEFT = 0.3


def judge(before: Observation, during: Observation, *, delay_ms: float | None, sessions: str = "") -> Effect:
    """The proof at the platform. `delay_ms`: what every round trip is slower by, None where requests hang or fail;
    `sessions`: the source of the sessions on this proxy's database or cache, "" for none.

    `effective` is None while too little was seen to say no.
    """
    signs = [
        slower_median(before, during, delay_ms) if delay_ms else "",
        slower_share(before, during, delay_ms) if delay_ms else "",
        more_errors(before, during),
        more_task_errors(before, during),
        stalled(before, during),
        moved_sessions(before, during, sessions, cut=delay_ms is None) if sessions else "",
        fewer_commands(before, during, sessions) if sessions else "",
    ]
    seen = [sign for sign in signs if sign]
    values = _values(before, during)
    if seen:
        return Effect(_expected(delay_ms), Measurement("; ".join(seen), values), effective=True)
    if during.end_s - during.start_s < ENOUGH_S or before.requests < _ENOUGH_BEFORE:
        text = f"too little was seen: {during.requests} requests under the fault, {before.requests} before it"
        return Effect(_expected(delay_ms), Measurement(text, values), effective=None)
    if delay_ms and not _comparable(before, during):
        times = f"{_ENOUGH_BEFORE} times before the fault and {_ENOUGH_DURING} under it"
        text = f"too little was seen: no request came {times}"
        return Effect(_expected(delay_ms), Measurement(text, values), effective=None)
    text = f"nothing moved: {_summary(before)} before, {_summary(during)} under the fault"
    return Effect(_expected(delay_ms), Measurement(text, values), effective=False)


def _comparable(before: Observation, during: Observation) -> bool:
    """Whether the times of any one request can be compared: a few of each of many requests tell nothing."""
    return any(
        name in before.names and before.names[name].requests >= _ENOUGH_BEFORE and stats.requests >= _ENOUGH_DURING
        for name, stats in during.names.items()
    )


def slower_median(before: Observation, during: Observation, delay_ms: float) -> str:
    """Some request's median is slower by at least half of the delay, and far more than samples vary."""
    best = ("", 0.0)
    for name, stats in during.names.items():
        old = before.names.get(name)
        if old is None or old.requests < _ENOUGH_BEFORE or stats.requests < _ENOUGH_DURING:
            continue
        was, now = quantile_ms(old.histogram, 0.5), quantile_ms(stats.histogram, 0.5)
        shift = now - was
        # a tenth of what it was is the day's drift: on slow requests, a small delay is lost in it
        error = math.hypot(_median_error(old.histogram), _median_error(stats.histogram), _DRIFT * was)
        if shift >= max(0.5 * delay_ms, _MEDIAN_Z * error) and shift > best[1]:
            best = (f"{name}: median {was:.0f} ms before, {now:.0f} ms under the fault", shift)
    return best[0]


def slower_share(before: Observation, during: Observation, delay_ms: float) -> str:
    """Some request, mostly answered from a cache, say, has a clearly larger share of slow answers."""
    if during.end_s - during.start_s < _SHARE_S:
        return ""
    for name, stats in during.names.items():
        old = before.names.get(name)
        if old is None or min(old.requests, stats.requests) < _SHARE_REQUESTS:
            continue
        slow = quantile_ms(old.histogram, 0.9)
        threshold = slow + max(0.5 * delay_ms, 0.25 * slow)
        was, now = _share_above(old.histogram, threshold), _share_above(stats.histogram, threshold)
        if now - was >= _SHARE_STEP and _z(was, old.requests, now, stats.requests) >= _SHARE_Z:
            return f"{name}: {was:.1%} slower than {threshold:.0f} ms before, {now:.1%} under the fault"
    return ""


def more_errors(before: Observation, during: Observation) -> str:
    """The error rate is clearly higher."""
    was, now = before.error_rate or 0.0, during.error_rate or 0.0
    if during.failed < _ERRORS or now - was < _ERROR_STEP:
        return ""
    if _z(was, before.requests, now, during.requests) < _ERROR_Z:
        return ""
    return f"error rate {was:.1%} before, {now:.1%} under the fault"


def more_task_errors(before: Observation, during: Observation) -> str:
    """Clearly more of the load's tasks broke off."""
    was, now = (o.task_errors / max(o.end_s - o.start_s, 1e-9) for o in (before, during))
    expected = was * (during.end_s - during.start_s)
    if during.task_errors < _ERRORS or during.task_errors < 3 * expected + 3 * math.sqrt(expected):
        return ""
    return f"{was:.1f} broken tasks a second before, {now:.1f} under the fault"


def stalled(before: Observation, during: Observation) -> str:
    """Far fewer requests complete while more are under way."""
    lasted = during.end_s - during.start_s
    expected = before.rps * lasted
    # a halt may leave less than a second: then only a near silence is clear enough
    most = (0.5 if lasted >= 1.0 else 0.1) * expected
    if lasted < _SHORTEST_STALL_S or expected < _ENOUGH_BEFORE or during.requests > most:
        return ""
    if during.in_flight < max(2 * before.in_flight, before.in_flight + 5):
        return ""
    return (
        f"{before.rps:.1f} requests a second before, {during.rps:.1f} under the fault, "
        f"with {during.in_flight:.0f} under way instead of {before.in_flight:.0f}"
    )


def moved_sessions(before: Observation, during: Observation, source: str, *, cut: bool = True) -> str:
    """The platform's sessions on this database or cache are clearly fewer (where the fault cuts them) or more: than in
    the baseline, and than at the injection, since an earlier fault may have cut them too."""
    was, now = before.sessions.get(source), during.sessions.get(source)
    if was is None or now is None or during.end_s - during.start_s < _SESSIONS_S:
        return ""
    lately = before.sessions_lately.get(source, was)
    fewest = min(was, lately)
    dropped = cut and fewest >= 2 and now <= 0.5 * fewest
    jumped = now >= 2 * max(was, lately) + 5
    return f"{source}: {was:.1f} sessions before, {now:.1f} under the fault" if dropped or jumped else ""


def fewer_commands(before: Observation, during: Observation, source: str) -> str:
    """Far fewer commands reach this cache for each request: a platform that does without it fails nowhere else."""
    was, now = before.commands.get(source), during.commands.get(source)
    if was is None or now is None or was < _COMMANDS_PER_S or during.end_s - during.start_s < ENOUGH_S:
        return ""
    if min(before.requests, during.requests) < _ENOUGH_BEFORE:
        return ""
    if now / during.rps > _COMMANDS_LEFT * was / before.rps:
        return ""
    return f"{source}: {was:.1f} commands a second before, {now:.1f} under the fault"


def quantile_ms(histogram: Mapping[int, int], fraction: float) -> float:
    """A quantile of a histogram that has samples."""
    value = percentile_ms(histogram, fraction)
    assert value is not None
    return value


def _median_error(histogram: Mapping[int, int]) -> float:
    """The standard error of the median, from the spread of the middle half."""
    samples = sum(histogram.values())
    spread = quantile_ms(histogram, 0.75) - quantile_ms(histogram, 0.25)
    return 1.253 * (spread / 1.349) / math.sqrt(samples)


def _share_above(histogram: Mapping[int, int], threshold_ms: float) -> float:
    above = sum(count for bucket, count in histogram.items() if middle_ms(bucket) > threshold_ms)
    return above / sum(histogram.values())


def _z(was: float, samples_before: int, now: float, samples_during: int) -> float:
    """How many standard errors two shares lie apart; one failure is lent to each side, so that none is certain."""
    n, m = samples_before + 1, samples_during + 1
    pooled = (was * samples_before + now * samples_during + 1) / (n + m)
    return (now - was) / math.sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / n + 1 / m))


def _expected(delay_ms: float | None) -> str:
    if delay_ms:
        return f"requests at least {0.5 * delay_ms:g} ms slower, or failing, or fewer"
    return "requests failing or hanging, or the platform's sessions gone"


def _summary(seen: Observation) -> str:
    rate = f"{seen.error_rate:.1%} errors" if seen.error_rate is not None else "no requests"
    return f"{seen.rps:.1f} requests a second, {rate}"


def _values(before: Observation, during: Observation) -> dict[str, float]:
    values = {
        "requests_before": float(before.requests),
        "requests_during": float(during.requests),
        "rps_before": before.rps,
        "rps_during": during.rps,
        "in_flight_before": before.in_flight,
        "in_flight_during": during.in_flight,
    }
    rates = {"error_rate_before": before.error_rate, "error_rate_during": during.error_rate}
    return values | {key: rate for key, rate in rates.items() if rate is not None}
