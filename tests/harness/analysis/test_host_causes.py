"""What the hosts and their processes tell: each cause from a journal of its own; look-alikes are not accused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis.memory_leak import theil_sen
from harness.journal.histogram import bucket_of
from harness.journal.record import (
    CrashSeen,
    FindingNamed,
    LevelJudged,
    LockWaits,
    PhaseName,
    Readings,
    RequestStats,
    Window,
)

if TYPE_CHECKING:
    from tests.harness.analysis.conftest import Run

HOST = {"cpu": 0.4, "steal": 0.0, "cpus": 2.0, "load": 1.0, "memory": 0.3, "swap": 0.0, "memory_pressure": 0.0,
        "io_pressure": 0.01, "disk_busy": 0.02, "iowait": 0.0, "memory_available_bytes": 8e9}  # fmt: skip
APP = {"cpu": 0.05, "busiest_thread": 0.08, "cpu_wait": 0.1, "memory_bytes": 1e8, "processes": 1.0, "threads": 7.0,
       "io_waiting": 0.0, "output_bytes_per_s": 2e4, "write_bytes_per_s": 4096.0}  # fmt: skip
CERTIFICATE = "GET /api/v1/certificates/{id}/download/"
BURNING = {"cpu": 0.48, "busiest_thread": 0.95}
S, E = 10.0, 25.0


def missed(run: Run, phase: PhaseName = "baseline") -> Run:
    text = "api p95 3000 ms, limit 1000 ms: not met"
    run.records.append(LevelJudged(t=E, name="api", phase=phase, value=3000, limit=1000, unit="ms", met=False,
                                   p95_ms=3000, error_rate=0, text=text))  # fmt: skip
    return run


def machine(run: Run, host: dict[str, float] | None = None, app: dict[str, float] | None = None) -> Run:
    """A host and the watched application on it, read once a second."""
    run.reading("app-1", S, E, **(HOST | (host or {})))
    if app is not None:
        run.reading("app-1.crowdfund", S, E, **(APP | app))
    return run


def requests(run: Run, **latencies_ms: float) -> Run:
    """Two of each name in each window."""
    for i in range(round((E - S) * 4)):
        start = S + i * 0.25
        names = {n: RequestStats(requests=2, histogram={bucket_of(ms): 2}) for n, ms in latencies_ms.items()}
        run.records.append(Window(t=start + 0.25, start=start, end=start + 0.25, names=names, users=25))
    return run


SLOW = {"GET /a": 3000.0, "GET /b": 2900.0, "GET /c": 3100.0}
ONE_SLOW = {"GET /a": 30.0, "GET /b": 25.0, CERTIFICATE: 2500.0}


def causes(run: Run) -> list[str]:
    return [f.cause for f in run.findings()]


def first(run: Run) -> FindingNamed:
    found = run.findings()
    assert found, "nothing was named"
    assert len(found[0].evidence) >= 2
    for piece in found[0].evidence:
        assert piece.line is not None
        assert (run.folder / piece.path).is_file()
    return found[0]


# cpu


def test_a_process_that_burns_a_whole_processor_is_named(run: Run) -> None:
    finding = first(missed(machine(requests(run, **SLOW), {"cpu": 0.7}, BURNING)))
    assert (finding.cause, finding.explained_by_fault) == ("cpu", None)
    assert "app-1.crowdfund" in finding.summary
    assert "Run more workers: 1 of its processes on 2 processors" in finding.recommendation


def test_it_is_named_too_where_neighbours_take_two_thirds_of_it(run: Run) -> None:
    app = {"cpu": 0.17, "busiest_thread": 0.33, "cpu_wait": 0.68}
    finding = first(missed(machine(requests(run, **SLOW), {"cpu": 1.0}, app)))
    assert finding.cause == "cpu"
    assert "Others take CPU from it too" in finding.summary


def test_stolen_cpu_is_said_of_the_machine_and_not_of_the_platform(run: Run) -> None:
    finding = first(missed(machine(requests(run, **SLOW), {"cpu": 1.0, "steal": 0.5}, {"cpu_wait": 0.6})))
    assert finding.cause == "noisy-neighbour"
    assert finding.confidence < 0.5
    assert finding.summary.startswith("The machine, not the platform")
    assert "stolen by the machine below" in finding.summary


def test_neighbours_are_named_as_such(run: Run) -> None:
    finding = first(missed(machine(requests(run, **SLOW), {"cpu": 1.0}, {"cpu_wait": 0.8})))
    assert "others on the host burn it" in finding.summary
    assert finding.confidence < 0.5


def test_a_platform_that_holds_is_accused_of_nothing_on_a_busy_machine(run: Run) -> None:
    machine(requests(run, **{"GET /a": 20.0}), {"cpu": 1.0, "steal": 0.5}, {"cpu_wait": 0.8})
    assert run.findings() == ()


def test_without_a_watched_process_the_busy_host_is_named_with_doubt(run: Run) -> None:
    finding = first(missed(machine(requests(run, **SLOW), {"cpu": 0.97})))
    assert finding.cause == "cpu"
    assert finding.confidence < 0.6
    assert "processes: under app-1" in finding.recommendation


def test_a_busy_database_process_is_not_named_by_the_cpu_rule(run: Run) -> None:
    run.reading("app-1.postgres", S, E, **(APP | BURNING))
    assert causes(missed(machine(requests(run, **SLOW), {"cpu": 0.6}, {}))) == []


def test_sessions_that_are_busy_all_the_time_take_part_of_the_blame(run: Run) -> None:
    run.database(S, E, active=4.0, idle=6.0)
    finding = first(missed(machine(requests(run, **SLOW), {"cpu": 0.7}, BURNING)))
    assert finding.confidence < 0.5


# resource-intensive-operation


def test_one_costly_operation_is_named_and_goes_before_the_cpu(run: Run) -> None:
    finding = first(missed(machine(requests(run, **ONE_SLOW), {"cpu": 0.9}, {"cpu": 0.8, "busiest_thread": 0.9})))
    assert finding.cause == "resource-intensive-operation"
    assert CERTIFICATE in finding.summary
    assert CERTIFICATE in finding.recommendation


def test_one_slow_name_whose_time_is_waited_is_not_computed(run: Run) -> None:
    assert causes(missed(machine(requests(run, **ONE_SLOW), app={"cpu": 0.06}))) == []


def test_a_neighbour_who_burns_the_host_does_not_make_it_costly(run: Run) -> None:
    named = causes(missed(machine(requests(run, **ONE_SLOW), {"cpu": 1.0}, {"cpu": 0.04, "cpu_wait": 0.8})))
    assert named == ["noisy-neighbour"]


# memory-leak


def grow(
    run: Run, step: float, *, until_s: float = E, flat_from_s: float = 1e9, source: str = "app-1.crowdfund"
) -> Run:
    """Memory that grows by `step` a second."""
    for i in range(round(until_s - S)):
        grown = step * min(i, flat_from_s - S)
        values = APP | {"memory_bytes": 1e8 + grown}
        run.records.append(Readings(t=S + i + 0.3, source=source, values=values))
    return run


def test_steady_growth_is_named_although_nothing_suffers(run: Run) -> None:
    finding = first(machine(grow(requests(run, **{"GET /a": 20.0}), 5e6)))
    assert finding.cause == "memory-leak"
    assert "5 MB a second" in finding.summary
    assert "8 GB that are left last for 27 min" in finding.summary
    assert "ten minutes" in finding.recommendation


@pytest.mark.parametrize(
    ("step", "flat_from_s"),
    [(2e5, 1e9), (2e7, S + 4.0), (0.0, 1e9), (-5e6, 1e9)],
    ids=["little", "warm-up that flattens", "none", "falling"],
)
def test_what_does_not_grow_to_the_end_is_no_leak(run: Run, step: float, flat_from_s: float) -> None:
    assert causes(machine(grow(requests(run, **{"GET /a": 20.0}), step, flat_from_s=flat_from_s))) == []


def test_a_saw_tooth_is_no_leak(run: Run) -> None:
    for i in range(15):
        run.reading("app-1.crowdfund", S + i, S + i + 1, **(APP | {"memory_bytes": 1e8 + (i % 5) * 3e7}))
    assert causes(machine(requests(run, **{"GET /a": 20.0}))) == []


def test_a_database_that_fills_its_buffers_is_no_leak(run: Run) -> None:
    assert causes(machine(grow(requests(run, **{"GET /a": 20.0}), 5e6, source="app-1.postgres"))) == []


def test_one_jump_does_not_move_the_slope() -> None:
    line = [(float(i), 2.0 * i) for i in range(20)]
    assert theil_sen(line) == 2.0
    assert theil_sen([*line[:10], (10.0, 1e6), *line[11:]]) == pytest.approx(2.0, abs=0.3)
    assert theil_sen(line[:1]) == 0.0


# memory


def test_a_full_host_that_swaps_is_named(run: Run) -> None:
    for i in range(15):
        host = HOST | {"memory": 0.98, "swap": 0.1 + i / 50, "memory_pressure": 0.4}
        run.reading("app-1", S + i, S + i + 1, **host)
    finding = first(missed(requests(run, **SLOW)))
    assert finding.cause == "memory"
    assert "98% is used and it swaps" in finding.summary


def test_an_oom_kill_is_named_before_the_crash_that_it_is(run: Run) -> None:
    killed = "container.api: killed for its memory (exit code 137)"
    run.records.append(CrashSeen(t=20, source="container.api", what="oom-killed", text=killed, exit_code=137))
    run.load(S, 20, failed=0).load(20, 24, failed=6, kind="connection").breach(24, 21)
    assert [f.cause for f in run.findings()][:2] == ["memory", "crash"]


def test_swap_that_is_full_and_not_touched_is_no_finding(run: Run) -> None:
    assert causes(missed(machine(requests(run, **SLOW), {"swap": 0.9}))) == []


# network


def test_a_process_that_sends_at_a_ceiling_is_named(run: Run) -> None:
    requests(run, **{"GET /list": 3000.0, "GET /b": 20.0})
    run.line('127.0.0.1 - - [22/Nov/2026:12:00:20 +0000] "GET /list HTTP/1.1" 200 615000 "-" "x" rt=3.0 urt=0.0',
             times=20, name="access.log")  # fmt: skip
    finding = first(missed(machine(run, app={"output_bytes_per_s": 2e6, "cpu": 0.02})))
    assert finding.cause == "network"
    assert "sends 2 MB a second and no more" in finding.summary
    assert "GET /list" in finding.recommendation


def test_a_link_that_is_full_is_named(run: Run) -> None:
    finding = first(missed(machine(requests(run, **SLOW), {"network": 0.97}, {})))
    assert (finding.cause, "97% full" in finding.summary) == ("network", True)


def test_small_answers_at_an_even_pace_are_no_ceiling(run: Run) -> None:
    assert causes(missed(machine(requests(run, **SLOW), app={"output_bytes_per_s": 3e4}))) == []


def test_what_is_written_to_the_disk_is_not_sent(run: Run) -> None:
    app = {"output_bytes_per_s": 2e7, "write_bytes_per_s": 2e7}
    assert causes(missed(machine(requests(run, **SLOW), app=app))) == []


def test_an_injected_limit_explains_it(run: Run) -> None:
    run.load(S, E).load(E, 60, latency_ms=4000).fault("bandwidth", E, 60)
    finding = first(missed(run.reading("app-1", S, 60, **HOST), "faults"))
    assert (finding.cause, finding.explained_by_fault) == ("network", "f1")
    assert "explains this by itself" in finding.summary


# disk-io


def test_a_process_whose_threads_wait_for_the_disk_is_named(run: Run) -> None:
    finding = first(missed(machine(requests(run, **SLOW), {"io_pressure": 0.6}, {"io_waiting": 0.8})))
    assert finding.cause == "disk-io"
    assert "app-1.crowdfund waits for the disk" in finding.summary
    assert "in 0 of 15 looks" in finding.evidence[0].text


def test_sessions_that_wait_for_the_write_ahead_log_are_named(run: Run) -> None:
    waits = {"LWLock:WALWrite": 2.6, "IO:WalSync": 0.8, "none": 0.3}
    run.records.append(LockWaits(t=E, source="database.main", start=S, end=E, samples=75, waits=waits))
    finding = first(missed(machine(requests(run, **SLOW), {"io_pressure": 0.5}, {})))
    assert finding.cause == "disk-io"
    assert "synchronous_commit" in finding.recommendation


def test_a_disk_that_somebody_else_keeps_busy_is_no_finding(run: Run) -> None:
    assert causes(missed(machine(requests(run, **SLOW), {"io_pressure": 0.9, "disk_busy": 1.0}, {}))) == []


# crash


def crashed(run: Run) -> Run:
    text = "app-1.crowdfund: process 10 is gone, none of it is left"
    run.records.append(CrashSeen(t=21, source="app-1.crowdfund", what="exited", text=text))
    return run


def test_a_crash_is_named_first_with_its_last_words(run: Run) -> None:
    run.load(S, 20).load(20, 22, failed=9, kind="connection").breach(22, 20.5)
    run.line("Fatal Python error: Segmentation fault").line(
        "2026-11-22T12:00:20.100+00:00 service-manager: main process 10 ended, killed by SIGSEGV (signal 11)",
        name="service.log",
    )
    finding = first(crashed(run))
    assert finding.cause == "crash"
    assert finding.confidence > 0.9
    assert "app-1.crowdfund once" in finding.summary
    assert "killed by SIGSEGV" in finding.summary


def test_a_crash_is_named_where_nobody_suffered_too(run: Run) -> None:
    assert causes(crashed(requests(run, **{"GET /a": 20.0}))) == ["crash"]


def test_postgres_that_ends_all_its_sessions_has_crashed(run: Run) -> None:
    run.load(S, 20).load(20, 22, failed=9).breach(22, 20.5)
    line = "LOG:  server process (PID 77) was terminated by signal 11: Segmentation fault"
    run.log(20.8, line, name="postgresql.log", source="db-1")
    run.log(20.9, "LOG:  all server processes terminated; reinitializing", name="postgresql.log", source="db-1")
    assert "crash" in causes(run)


@pytest.mark.parametrize(
    "line",
    ["[INFO] Worker exiting (pid: 7)", "worker 7 exited on signal 15", "terminated by signal 15", "no panic here"],
)
def test_an_orderly_end_is_no_crash(run: Run, line: str) -> None:
    run.load(S, 20).load(20, 22, failed=9).breach(22, 20.5).log(20.8, line)
    assert "crash" not in causes(run)


# none of them


OURS = {"cpu", "resource-intensive-operation", "memory-leak", "memory", "disk-io", "crash"}


def test_an_exhausted_pool_is_none_of_these(run: Run) -> None:
    run.load(S, 20).load(20, 25, failed=6, latency_ms=1001).database(S, E, active=10.0, idle=0.0)
    run.log(21, "psycopg_pool.PoolTimeout: couldn't get a connection after 1.00 sec (pool size 10)", times=20)
    named = causes(machine(run, {"cpu": 1.0}, {"cpu_wait": 0.6}).breach(25, 20))
    assert named[0] == "pool-exhaustion"
    assert not OURS & set(named)


def test_a_latency_fault_is_none_of_these(run: Run) -> None:
    run.load(S, E).load(E, 60, latency_ms=2000).fault("latency", E, 60)
    run.reading("app-1", S, 60, **(HOST | {"cpu": 1.0})).reading("app-1.crowdfund", S, 60, **(APP | {"cpu_wait": 0.7}))
    assert not OURS & set(causes(missed(run, "faults")))
