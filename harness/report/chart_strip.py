"""The strip above the chart: phases, faults and the names of the moments, all words of the time axis in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import altair as alt

from harness.report.chart_data import Band, ChartData
from harness.report.chart_layer import FAULT_FILL, INK, MOMENT_COLOURS, PHASE_FILL, Row, moment_rules, rows, time

_Align = Literal["left", "right"]
_LANE = 17  # pixels
_LETTER = 6.5  # pixels, roughly


def strip(data: ChartData, width: int) -> Row:
    """Phases in the first lane, then the faults, then a lane for each moment."""
    faults = [replace(band, lane=band.lane + 1) for band in data.faults]
    first_moment = 1 + max((band.lane for band in faults), default=0)
    lanes = first_moment + len(data.moments)
    scale = alt.Scale(domain=[0, lanes], reverse=True, nice=False)
    layers = [
        *_bars(data, data.phases, PHASE_FILL, scale),
        *(_word(data, band, "left", scale) for band in data.phases if _fits(data, band, width)),
        *_bars(data, faults, FAULT_FILL, scale),
        *(_fault_name(data, band, width, scale) for band in faults),
        *_moment_names(data, first_moment, scale),
        *moment_rules(data, axis=False),
    ]
    return alt.layer(*(layers or [_word(data, Band(0, 0, ""), "left", scale)])).properties(
        width=width, height=lanes * _LANE
    )


def _bars(data: ChartData, bands: Sequence[Band], colour: str, scale: alt.Scale) -> list[alt.Chart]:
    if not bands:
        return []
    return [
        alt.Chart(rows(bands))
        .transform_calculate(top="datum.lane + 0.08", bottom="datum.lane + 0.92")
        .mark_rect(color=colour, opacity=0.35, cornerRadius=3)
        .encode(x=time(data, "start", axis=False), x2="end:Q", y=alt.Y("top:Q", scale=scale, axis=None), y2="bottom:Q")
    ]


def _fault_name(data: ChartData, band: Band, width: int, scale: alt.Scale) -> alt.Chart:
    """The name in its band; where it would leave the chart it ends where the band does."""
    if _fits(data, replace(band, end=data.end_s), width):
        return _word(data, band, "left", scale)
    return _word(data, replace(band, start=band.end), "right", scale)


def _moment_names(data: ChartData, lane: int, scale: alt.Scale) -> list[alt.Chart]:
    """The names of the moments beside all their rules."""
    times = [moment.t for moment in data.moments]
    if not times:
        return []
    late = min(times) > data.end_s / 2
    at = min(times) if late else max(times)
    align: _Align = "right" if late else "left"
    return [
        _word(data, Band(at, at, moment.text, lane + place), align, scale, MOMENT_COLOURS[moment.kind])
        for place, moment in enumerate(data.moments)
    ]


def _word(data: ChartData, band: Band, align: _Align, scale: alt.Scale, colour: str = INK) -> alt.Chart:
    text: alt.Chart = (
        alt.Chart(rows([band]))
        .transform_calculate(middle="datum.lane + 0.5")
        .mark_text(
            align=align,
            dx=-5 if align == "right" else 5,
            fontSize=11,
            fontWeight="normal" if colour == INK else 600,
            color=colour,
        )
        .encode(x=time(data, "start", axis=False), y=alt.Y("middle:Q", scale=scale, axis=None), text="name:N")
    )
    return text


def _fits(data: ChartData, band: Band, width: int) -> bool:
    return (band.end - band.start) / data.end_s * width > len(band.name) * _LETTER + 10
