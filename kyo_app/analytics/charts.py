"""Charts as Vega-Lite says them, in the colours of the app's theme.

The browser draws them. Streamlit has it interpret Vega's expressions instead of compiling them, so that they work under
a Content-Security-Policy without 'unsafe-eval'. What a chart says, its `alt` and the table under it say in words.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kyo_app.analytics.days import Count, Stretch
from kyo_pipeline.domain.analytics import IngestionTotals, StageLatency

Spec = dict[str, Any]

# In pixels, with legend and axis: Streamlit fits all of a chart into its height.
_HEIGHT, _STAGE, _AROUND, _ONE_BAR = 300, 40, 110, 130

#: In the order of chartCategoricalColors in config.toml: good, middling, bad, neither.
OUTCOMES: Mapping[str, Count] = {
    "Answered": lambda one: one.answered,
    "Not found": lambda one: one.not_found,
    "Failed": lambda one: one.failed,
    "Stopped": lambda one: one.stopped,
}
THUMBS: Mapping[str, Count] = {"Helpful": lambda one: one.liked, "Not helpful": lambda one: one.disliked}

WORDS_ON_LIGHT, WORDS_ON_DARK = "#3d474b", "#e8ebe8"

_WITHIN = ("Half within", "95 % within")

_STAGES = {
    "total": "All together",
    "rewrite": "Understanding follow-ups",
    "cache": "Answering from the cache",
    "embed": "Understanding the question",
    "search": "Searching",
    "rerank": "Ordering what was found",
    "generate": "Writing the answer",
}


def over_days(counts: Mapping[str, Count], stretches: Sequence[Stretch], labels: Sequence[str]) -> Spec:
    """A bar for each stretch, with its label, made up of the counts."""
    sums = [
        (label, name, one.sum(count))
        for label, one in zip(labels, stretches, strict=True)
        for name, count in counts.items()
    ]
    values = [{"When": label, "What": name, "Number": number} for label, name, number in sums if number]
    # Not as points in time: the browser would move days into its own zone.
    when = {"field": "When", "type": "ordinal", "title": None, "axis": _AXIS_OF_DAYS}
    return _bars(
        values,
        counts,
        _HEIGHT,
        x=when | {"sort": None, "scale": {"domain": list(labels)}},
        y=_COUNTS,
        tooltip=[_told("When"), _told("What"), _NUMBER],
    )


def latencies(found: Sequence[StageLatency]) -> Spec:
    """Two bars a stage: half of the answers took no longer than the first, 95 % no longer than the second."""
    values = [
        {"Stage": stage_name(one.stage), "What": name, "Seconds": round(milliseconds / 1000, 3)}
        for one in found
        for name, milliseconds in zip(_WITHIN, (one.p50, one.p95), strict=True)
    ]
    seconds = {"field": "Seconds", "type": "quantitative"}
    return _bars(
        values,
        _WITHIN,
        _AROUND + _STAGE * len(found),
        x=seconds | {"axis": {"tickCount": 5}},
        y={"field": "Stage", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 170}},
        yOffset={"field": "What", "sort": list(_WITHIN)},
        tooltip=[_told("Stage"), _told("What"), seconds | {"format": ",.3f"}],
    )


def ingestion(files: IngestionTotals) -> Spec:
    """One bar of all files, parted by what became of them."""
    numbers = ingested(files)
    values = [{"What": name, "Number": number} for name, number in numbers.items() if number]
    return _bars(values, numbers, _ONE_BAR, x=_COUNTS, tooltip=[_told("What"), _NUMBER])


def ingested(files: IngestionTotals) -> dict[str, int]:
    """Files by what became of them."""
    return {"Ready": files.ready, "Under way": files.files - files.ready - files.failed, "Failed": files.failed}


def stage_name(stage: str) -> str:
    return _STAGES.get(stage, stage.replace("_", " ").capitalize())


_AXIS_OF_DAYS: Spec = {"labelAngle": 0, "labelOverlap": "parity", "labelSeparation": 8, "ticks": False, "grid": False}
# Streamlit's own grey has 3.6:1 on the light background. Which theme is on, the browser alone knows for certain, and
# "currentColor" would be black in a picture that somebody downloads.
_COLOR: Spec = {"expr": f"luminance(background) > 0.5 ? '{WORDS_ON_LIGHT}' : '{WORDS_ON_DARK}'"}
_WORDS: Spec = {"labelColor": _COLOR, "titleColor": _COLOR}
_LEGEND: Spec = {"orient": "top", "columns": 4, "columnPadding": 12}
_NUMBER: Spec = {"field": "Number", "type": "quantitative", "format": ",d"}
#: They are whole, and so are the ticks.
_COUNTS: Spec = {
    "field": "Number",
    "type": "quantitative",
    "title": None,
    "axis": {"tickMinStep": 1, "format": ",d", "tickCount": 5},
}


def _bars(values: list[dict[str, Any]], names: Iterable[str], height: int, **encoding: Any) -> Spec:
    """`names` are what bars say, in the order in which they lie on each other, and get the colours of the theme."""
    names = list(names)
    color = {"field": "What", "type": "nominal", "title": None, "scale": {"domain": names}, "legend": _LEGEND}
    return {
        "data": {"values": values},
        "transform": [{"calculate": f"indexof({json.dumps(names)}, datum.What)", "as": "place"}],
        "height": height,
        # No bar by itself for screen readers: there are hundreds, and the table says the same.
        "mark": {"type": "bar", "tooltip": True, "aria": False},
        "encoding": {**encoding, "color": color, "order": {"field": "place", "type": "quantitative"}},
        "config": {"axis": _WORDS, "legend": _WORDS},
    }


def _told(field: str) -> Spec:
    return {"field": field, "type": "nominal"}
