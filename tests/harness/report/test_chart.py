from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report import chart, chart_data


def collect(records: list[r.Record]) -> chart_data.ChartData:
    return chart_data.collect(JournalView(tuple(records)))


def window(start: float, **names: r.RequestStats) -> r.Window:
    return r.Window(
        start=start, end=start + 0.25, names={f"GET /{name}": stats for name, stats in names.items()}, users=3
    )


def test_windows_become_whole_seconds(stopped_records: list[r.Record]) -> None:
    data = collect(stopped_records)
    assert data.step_s == 1
    assert [point.since for point in data.load] == list(range(53))
    assert [point.t for point in data.latency if point.series == "api"][:2] == [0.5, 1.5]
    assert max(point.rps for point in data.load) < 60


def test_hours_become_hundreds_of_steps() -> None:
    data = collect([window(float(at), a=r.RequestStats(requests=1)) for at in range(0, 7200, 10)])
    assert data.step_s == 12
    assert len(data.load) == 600


def test_a_second_without_windows_is_a_gap_and_no_good_value() -> None:
    stats = r.RequestStats(requests=1, histogram={900: 1})
    data = collect([window(0.0, a=stats), window(2.0, a=stats)])
    assert [point.ms is None for point in data.latency] == [False, True, False]
    assert [point.users for point in data.load] == [3, None, 3]


def test_failures_are_stacked_by_kind_as_shares_of_all_requests() -> None:
    stats = r.RequestStats(requests=10, failures={"http": 2, "timeout": 1}, histogram={900: 10})
    shares = collect([window(0.0, a=stats)]).errors
    assert [(share.kind, share.low, share.high) for share in shares] == [
        ("http", 0.0, 0.2),
        ("timeout", 0.2, pytest.approx(0.3)),
    ]


def test_each_level_is_drawn_with_its_own_requests_and_limit(stopped_records: list[r.Record]) -> None:
    data = collect(stopped_records)
    assert data.series == ("api", "payment")
    assert [limit.text for limit in data.latency_limits] == ["limit 200 ms", "limit 5 s"]
    assert data.error_limit == 0.01


def test_faults_phases_and_moments_lie_on_the_time_axis(stopped_records: list[r.Record]) -> None:
    data = collect(stopped_records)
    assert [(band.name, band.start, band.end) for band in data.faults] == [
        ("slow database", 25.1, 45.1),
        ("no connections", 50.1, 52.72),
    ]
    assert [moment.text for moment in data.moments] == ["breach +52.5 s", "halt complete +52.8 s"]
    assert all(0 <= band.start <= band.end <= data.end_s for band in (*data.phases, *data.faults))


def test_a_fault_nobody_healed_lasts_to_the_end(killed_records: list[r.Record]) -> None:
    data = collect([record for record in killed_records if not isinstance(record, r.FaultHealed)])
    assert data.faults[0].end == data.end_s


def test_the_drill_is_drawn_as_svg_with_its_words(stopped_records: list[r.Record]) -> None:
    svg = chart.svg(collect(stopped_records))
    words = {element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    assert {"baseline", "slow database", "no connections", "breach +52.5 s", "limit 200 ms", "http", "Users"} <= words


def test_names_of_the_users_are_text_in_the_svg() -> None:
    fault = r.FaultInjected(t=0.1, fault_id="f", name="</text><script>x</script>", fault_kind="latency")
    svg = chart.svg(collect([window(0.0, a=r.RequestStats(requests=1, histogram={900: 1})), fault]))
    assert "<script" not in svg
    assert ET.fromstring(svg).tag.endswith("svg")


def test_a_run_without_load_has_no_chart() -> None:
    data = collect([r.Note(t=1, text="x")])
    assert data.empty
    with pytest.raises(ValueError, match="no load"):
        chart.svg(data)
