"""The platform waits for the disk.

Signature: threads of its processes stand in the state of waiting for a disk, or its database sessions wait for it
(WalSync, WALWrite, DataFileRead, BuffileWrite), while requests suffer; the host's pressure, iowait and busy disks
support it. What looks alike: a host whose disk is busy with somebody else's work (the platform's own threads don't
wait), statements that read whole tables (the database's own rules name them).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.demand import database_burden
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.host_pressure import taken_by_us
from harness.analysis.logs import Hits
from harness.analysis.machines import Machine, hosts, in_words, processes
from harness.analysis.stretch import in_stretch
from harness.journal.record import EvidencePiece, FindingNamed, LockWaits

CAUSE = "disk-io"
_WAITING = 0.2  # threads, on average
_SESSIONS = 0.5
_WRITES = ("LWLock:WALWrite", "LWLock:WALInsert", "IO:Wal", "IO:WAL", "IO:Buffile", "IO:BufFile", "IO:SLRU")
_PRESSURE, _BUSY, _IOWAIT = 0.15, 0.5, 0.2
TEMPORARY = r"temporary file: path|No space left on device|checkpoints are occurring too frequently"


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the rule weighs. `waiting` is the watched process that waits most; `writes` and `reads`: database
    sessions that wait for the disk, on average, by what they do there."""

    waiting: Machine | None
    writes: float
    reads: float
    record: LockWaits | None
    host: Machine | None
    said: Hits

    @property
    def threads(self) -> float:
        return self.waiting.mean("io_waiting") if self.waiting is not None else 0.0

    @property
    def host_waits(self) -> bool:
        host = self.host
        if host is None:
            return False
        return (
            host.mean("io_pressure") >= _PRESSURE or host.mean("disk_busy") >= _BUSY or host.mean("iowait") >= _IOWAIT
        )


def examine(case: Case) -> FindingNamed | None:
    """Names who waits for the disk."""
    if not case.suffers:
        return None
    if (ours := _taken(case)) is not None:
        return ours
    signs = _signs(case)
    confidence = _confidence(case, signs)
    if confidence < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        confidence,
        [
            _process_piece(signs),
            _sessions_piece(case, signs),
            _host_piece(signs),
            case.log_piece(signs.said, "tell of the disk"),
            case.window_piece(case.failure_text()),
        ],
        summary=_summary(case, signs),
        recommendation=_recommendation(signs),
    )


def _taken(case: Case) -> FindingNamed | None:
    return taken_by_us(
        case,
        ("host-disk-io", "host-disk"),
        CAUSE,
        exposed="what of the platform waits for that disk, or fails when it is full",
        recommendation="A disk of its own for the database and its log, limits for other writers (IOWeight, quotas), "
        "rotated logs, and an alert on free space long before it ends.",
    )


def _signs(case: Case) -> Signs:
    there = processes(case)
    waiting = max(there, key=lambda p: p.mean("io_waiting"), default=None)
    records = in_stretch(case.view.of(LockWaits), case.trouble)
    busiest = max(records, key=lambda r: _of_disk(r)[0] + _of_disk(r)[1], default=None)
    writes, reads = _of_disk(busiest) if busiest is not None else (0.0, 0.0)
    host = max(hosts(case), key=lambda h: (h.mean("io_pressure"), h.mean("disk_busy")), default=None)
    return Signs(waiting, writes, reads, busiest, host, case.find(TEMPORARY))


def _of_disk(record: LockWaits) -> tuple[float, float]:
    """Sessions that wait to write, and to read."""
    writes = sum(n for wait, n in record.waits.items() if wait.startswith(_WRITES))
    every = sum(n for wait, n in record.waits.items() if wait.startswith(("IO:", "LWLock:WAL")))
    return writes, every - writes


def _confidence(case: Case, signs: Signs) -> float:
    threads, sessions = signs.threads >= _WAITING, signs.writes >= _SESSIONS
    if threads or sessions:
        confidence = 0.68 + 0.08 * (signs.threads >= 0.5 or signs.writes >= 1) + 0.08 * signs.host_waits
        confidence += 0.03 * bool(signs.said) + 0.05 * (threads and sessions)
        # the process that waits is the application's: nothing that the database does explains it
        own = threads and signs.waiting is not None and not signs.waiting.serves_data
        return confidence if own else confidence * (1 - 0.3 * database_burden(case))
    if signs.reads >= 1:
        return 0.5 * (1 - 0.3 * database_burden(case))
    if signs.host_waits and not processes(case):
        return 0.45
    return 0.0


def _process_piece(signs: Signs) -> EvidencePiece | None:
    if signs.waiting is None or signs.threads < _WAITING:
        return None
    sample = signs.waiting.sample("io_waiting")
    looks = len(sample.values) if sample is not None else 0
    busy = sum(v >= 1 for v in sample.values) if sample is not None else 0
    text = f"{signs.waiting.source}: in {busy} of {looks} looks a thread of it waited for a disk; {_written(signs)}"
    return signs.waiting.piece("io_waiting", text)


def _written(signs: Signs) -> str:
    assert signs.waiting is not None
    read, wrote = signs.waiting.mean("read_bytes_per_s"), signs.waiting.mean("write_bytes_per_s")
    return f"{in_words(read)} read and {in_words(wrote)} written a second"


def _sessions_piece(case: Case, signs: Signs) -> EvidencePiece | None:
    record = signs.record
    if record is None or signs.writes + signs.reads < _SESSIONS:
        return None
    most = sorted(record.waits.items(), key=lambda item: -item[1])[:3]
    told = ", ".join(f"{wait} {n:.1f}" for wait, n in most)
    return case.record_piece(record, f"{record.source}: sessions per look by what they wait for: {told}")


def _host_piece(signs: Signs) -> EvidencePiece | None:
    if signs.host is None:
        return None
    host = signs.host
    text = (
        f"{host.source}: tasks waited for the disk {host.mean('io_pressure'):.0%} of the time, the busiest disk was "
        f"busy {host.mean('disk_busy'):.0%}; {in_words(host.mean('disk_write_bytes_per_s'))} written a second"
    )
    return host.piece("io_pressure" if host.sample("io_pressure") is not None else "iowait", text)


def _summary(case: Case, signs: Signs) -> str:
    if signs.waiting is not None and signs.threads >= _WAITING:
        rps = case.during.requests / max(0.1, case.trouble.end - case.trouble.start)
        each = signs.waiting.mean("write_bytes_per_s") / rps if rps >= 0.5 else 0.0
        told = f", {in_words(each)} written for each request" if each >= 1000 else ""
        return f"{signs.waiting.source} waits for the disk: {signs.threads:.2f} of its threads on average{told}."
    if signs.record is not None and signs.writes + signs.reads >= _SESSIONS:
        what = "write" if signs.writes >= signs.reads else "read"
        return (
            f"{signs.record.source} waits for its disk: {signs.writes + signs.reads:.1f} sessions on average wait to "
            f"{what}."
        )
    source = signs.host.source if signs.host is not None else "The host"
    return f"{source} waits for its disk; whose work it is was not watched."


def _recommendation(signs: Signs) -> str:
    own = signs.waiting is not None and signs.threads >= _WAITING and not signs.waiting.serves_data
    if own and signs.waiting is not None:
        return (
            f"Take the disk out of the request: let {signs.waiting.source} hand what it must keep to a queue or a "
            f"buffered writer that syncs once for many (a group commit), log less and asynchronously, and keep files "
            f"in memory or in the cache. Then a faster disk."
        )
    return (
        "Commit less often (several rows in one transaction), synchronous_commit=off where a loss of the last "
        "moments is bearable, WAL on a disk of its own, a larger max_wal_size so that checkpoints come seldom; more "
        "shared_buffers and the right indexes for what is read, more work_mem for what is sorted on disk; a read "
        "replica for reports. Then a faster disk."
    )
