"""The chart of a run: one definition with one time axis, drawn as SVG for the HTML report.

Rows: phases and faults, p95 against its limits, error rate by kind, throughput, users. Faults are bands through
all rows, the breach and the halt are marked rules. Colours are Okabe and Ito's, safe for the colour-blind.
"""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import vl_convert

from harness.journal.record import FAILURE_KINDS
from harness.report.chart_data import ChartData
from harness.report.chart_layer import (
    GRID,
    INK,
    MUTED,
    Row,
    datasets,
    fault_bands,
    left,
    moment_rules,
    rows,
    series,
    time,
)
from harness.report.chart_strip import strip

WIDTH = 1040
FONT = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
SERIES = ("#0072b2", "#009e73", "#cc79a7")
KINDS = {"http": "#d55e00", "timeout": "#e69f00", "connection": "#56b4e9", "application": "#cc79a7"}
_VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
_MS = "datum.value >= 1000 ? datum.value / 1000 + ' s' : datum.value + ' ms'"


def svg(data: ChartData, width: int = WIDTH) -> str:
    """The chart as SVG; `width` in pixels is that of the whole. Raises ValueError where `data` is empty."""
    return vl_convert.vegalite_to_svg(_specification(data, width), vl_version=_VEGA_LITE)


def _specification(data: ChartData, width: int) -> dict[str, Any]:
    if data.empty:
        raise ValueError("there is no load to draw")
    specification = _chart(data, width).to_dict()
    specification.setdefault("datasets", {}).update(datasets(data))  # Altair's own are the few inline values
    return specification


def _chart(data: ChartData, width: int) -> alt.VConcatChart:
    inner = width - 75
    parts = (strip, _latency, _errors, _throughput, _users)
    # given whole: every further call on an Altair chart copies and checks all of it again
    return alt.VConcatChart(
        vconcat=[part(data, inner) for part in parts],
        spacing=10,
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(color="independent", y="independent")),
        config=_config(),
    )


def _config() -> alt.Config:
    return alt.Config(
        background="white",
        font=FONT,
        padding=4,
        view=alt.ViewConfig(stroke=None),
        title=alt.TitleConfig(anchor="start", fontSize=12, fontWeight=600, color=INK, offset=4, frame="group"),
        axis=alt.AxisConfig(
            labelColor=MUTED,
            titleColor=MUTED,
            gridColor=GRID,
            domainColor=GRID,
            tickColor=GRID,
            labelFontSize=11,
            titleFontWeight="normal",
        ),
        legend=alt.LegendConfig(labelColor=INK, labelFontSize=11, titleColor=MUTED, symbolSize=70),
    )


def _latency(data: ChartData, width: int) -> Row:
    names = list(data.series)
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=names, range=list(SERIES[: len(names)])),
        legend=alt.Legend(orient="top", title=None, offset=0) if len(names) > 1 else None,
    )
    measured = [point.ms for point in data.latency if point.ms is not None]
    values = measured + [limit.ms for limit in data.latency_limits]
    low, high = max(min(values, default=10.0) * 0.7, 0.1), max(values, default=1000.0) * 2
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("ms:Q", scale=scale, axis=left(labelExpr=_MS, values=_log_ticks(low, high), labelOverlap=False))
    # dots too: a second between two silent ones, such as the one before a halt, has no line
    mark = alt.Chart(series("latency")).mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=14))
    line = mark.encode(x=time(data), y=y, color=colour)
    limits = alt.Chart(rows(data.latency_limits))
    limit = limits.mark_rule(strokeDash=[6, 4], strokeWidth=1.3).encode(y=y, color=colour)
    text = limits.mark_text(align="left", dx=4, dy=-6, fontSize=10.5).encode(
        x=alt.value(0), y=y, text="text:N", color=colour
    )
    title = "Response time, p95 (dashed: limit)" if data.latency_limits else "Response time, p95"
    return alt.layer(*fault_bands(data), line, limit, text, *moment_rules(data)).properties(
        width=width, height=165, title=title
    )


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... between two values; the powers of ten alone where that would be too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [
        float(f"{step}e{power}") for power in powers for step in (1, 2, 5) if low <= float(f"{step}e{power}") <= high
    ]
    return ticks if len(ticks) <= 6 else [tick for tick in ticks if math.log10(tick).is_integer()]


def _errors(data: ChartData, width: int) -> Row:
    present = [kind for kind in FAILURE_KINDS if any(share.kind == kind for share in data.errors)]
    highest = max((share.high for share in data.errors), default=0.0)
    top = min(1.0, max(0.05, (data.error_limit or 0) * 2, highest * 1.05))
    scale, axis = alt.Scale(domain=[0, top], nice=False), left(format=".0%")
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=present, range=[KINDS[kind] for kind in present]),
        legend=alt.Legend(orient="top", title=None, offset=0) if present else None,
    )
    bars = (
        alt.Chart(series("errors"))
        .mark_rect()
        .encode(x=time(data), x2="until:Q", y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q", color=colour)
    )
    limit = [{"share": data.error_limit}] if data.error_limit is not None else []
    rule = alt.Chart(alt.InlineData(values=limit)).mark_rule(color=INK, strokeDash=[6, 4])
    layers = [*fault_bands(data), bars, rule.encode(y=alt.Y("share:Q", scale=scale, axis=axis)), *moment_rules(data)]
    title = f"Failed requests by kind{' (dashed: limit)' if limit else ''}" if present else "Failed requests: none"
    return alt.layer(*layers).properties(width=width, height=105, title=title)


def _throughput(data: ChartData, width: int) -> Row:
    base = alt.Chart(series("load")).encode(
        x=time(data), y=alt.Y("rps:Q", scale=alt.Scale(zero=True), axis=left(ticks=3))
    )
    area = base.mark_area(color=SERIES[0], opacity=0.15)
    line = base.mark_line(color=SERIES[0], strokeWidth=1.6)
    return alt.layer(*fault_bands(data), area, line, *moment_rules(data)).properties(
        width=width, height=80, title="Throughput, requests a second"
    )


def _users(data: ChartData, width: int) -> Row:
    line = (
        alt.Chart(series("load"))
        .mark_line(color=MUTED, strokeWidth=1.6, interpolate="step-after")
        .encode(
            x=time(data, labels=True, field="since"),
            y=alt.Y("users:Q", scale=alt.Scale(zero=True), axis=left(ticks=2)),
        )
    )
    layers = [*fault_bands(data, labels=True), line, *moment_rules(data, labels=True)]
    return alt.layer(*layers).properties(width=width, height=45, title="Users")
