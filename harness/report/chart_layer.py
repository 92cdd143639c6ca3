"""What all rows of the chart share: colours, the time axis, the bands of the faults and the rules of the moments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Literal

import altair as alt

from harness.report.chart_data import Band, ChartData, LatencyLimit, Moment

INK, MUTED, GRID = "#1f2937", "#6b7280", "#e5e7eb"
PHASE_FILL, FAULT_FILL = "#94a3b8", "#f0a93b"
MOMENT_COLOURS = {"breach": "#111111", "halt": "#0072b2"}
_DASHES = {"breach": [1, 0], "halt": [5, 3]}
_SECONDS = "datum.value + ' s'"

Row = alt.LayerChart | alt.FacetChart  # what Altair says of a layered chart with properties


def series(name: Literal["latency", "errors", "load"]) -> alt.NamedData:
    """A series of `datasets`, by its name: Altair copies what stands inline many times over."""
    return alt.NamedData(name=name)


def datasets(data: ChartData) -> dict[str, list[dict[str, Any]]]:
    """The long series of the chart, to be put into its specification once."""
    return {
        "latency": [asdict(point) for point in data.latency],
        "errors": [asdict(share) for share in data.errors],
        "load": [asdict(point) for point in data.load],
    }


def rows(values: Iterable[Band | LatencyLimit | Moment]) -> alt.InlineData:
    """A few values as the data of a layer."""
    return alt.InlineData(values=[asdict(value) for value in values])


def time(data: ChartData, field: str = "t", *, axis: bool = True, labels: bool = False) -> alt.X:
    """The one time axis; `labels` in the last row only. Layers of one row must agree on both."""
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(domain=[0, data.end_s], nice=False),
        axis=alt.Axis(
            labels=labels,
            ticks=labels,
            domain=labels,
            title="seconds since the start of the run" if labels else None,
            labelExpr=_SECONDS,
            tickMinStep=1,
            tickCount=alt.ExprRef("ceil(width / 80)"),
        )
        if axis
        else None,
    )


def left(ticks: int = 4, **options: Any) -> alt.Axis:
    """A vertical axis as wide as those of the other rows, so that the plots stand exactly above each other."""
    return alt.Axis(title=None, minExtent=50, maxExtent=50, tickCount=ticks, **options)


def fault_bands(data: ChartData, *, labels: bool = False) -> list[alt.Chart]:
    """The faults as bands behind a row."""
    if not data.faults:
        return []
    band = alt.Chart(rows(data.faults)).mark_rect(color=FAULT_FILL, opacity=0.13)
    return [band.encode(x=time(data, "start", labels=labels), x2="end:Q")]


def moment_rules(data: ChartData, *, axis: bool = True, labels: bool = False) -> list[alt.Chart]:
    """The breach and the halt as rules before a row."""
    return [
        alt.Chart(rows([moment]))
        .mark_rule(color=MOMENT_COLOURS[moment.kind], strokeWidth=1.5, strokeDash=_DASHES[moment.kind])
        .encode(x=time(data, axis=axis, labels=labels))
        for moment in data.moments
    ]
