"""Charts as Vega-Lite says them, in the colours of the app's theme.

The browser draws them. Streamlit has it interpret Vega's expressions instead of compiling them, so that they work under
a Content-Security-Policy without 'unsafe-eval'. What a chart says, its `alt` and the table under it say in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

_WITHIN = ("Half within", "95 % within")

_STAGES = {
    "total": "All together",
    "rewrite": "Understanding follow-ups",
    "cache": "Looking for the same question",
    "embed": "Understanding the question",
    "search": "Searching",
    "rerank": "Ordering what was found",
    "generate": "Writing the answer",
}


@dataclass(frozen=True)
class Bars:
    """A chart of bars on top of each other: which counts, over which stretches with which labels."""

    counts: Mapping[str, Count]
    stretches: Sequence[Stretch]
    labels: Sequence[str]

    def spec(self) -> Spec:
        values = [
            {"when": label, "what": name, "number": one.sum(count), "place": place}
            for one, label in zip(self.stretches, self.labels, strict=True)
            for place, (name, count) in enumerate(self.counts.items())
        ]
        return {
            "data": {"values": values},
            "height": _HEIGHT,
            "mark": {"type": "bar", "tooltip": True},
            "encoding": {
                # Not as points in time: the browser would move days into its own zone.
                "x": {"field": "when", "type": "ordinal", "sort": None, "title": None, "axis": _AXIS_OF_DAYS},
                "y": {"field": "number", "type": "quantitative", "title": None, "axis": _AXIS_OF_COUNTS},
                "color": _color(self.counts),
                "order": {"field": "place", "type": "quantitative"},
                "tooltip": [_told("when", "When"), _told("what", "What"), _number("number", "Number", ",d")],
            },
        }


def latencies(found: Sequence[StageLatency]) -> Spec:
    """Two bars a stage: half of the questions took no longer than the first, 95 % no longer than the second."""
    values = [
        {"stage": stage_name(one.stage), "what": name, "seconds": round(milliseconds / 1000, 3)}
        for one in found
        for name, milliseconds in zip(_WITHIN, (one.p50, one.p95), strict=True)
    ]
    return {
        "data": {"values": values},
        "height": _AROUND + _STAGE * len(found),
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "y": {"field": "stage", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 170}},
            "x": {"field": "seconds", "type": "quantitative", "title": "Seconds", "axis": {"tickCount": 5}},
            "yOffset": {"field": "what", "sort": list(_WITHIN)},
            "color": _color(_WITHIN),
            "tooltip": [_told("stage", "Stage"), _told("what", "Share"), _number("seconds", "Seconds", ",.2f")],
        },
    }


def ingestion(files: IngestionTotals) -> Spec:
    """One bar of all files, parted by what became of them."""
    numbers = ingested(files)
    values = [{"what": name, "files": number, "place": place} for place, (name, number) in enumerate(numbers.items())]
    return {
        "data": {"values": values},
        "height": _ONE_BAR,
        "mark": {"type": "bar", "tooltip": True, "size": 24},
        "encoding": {
            "x": {"field": "files", "type": "quantitative", "title": None, "axis": _AXIS_OF_COUNTS},
            "color": _color(numbers),
            "order": {"field": "place", "type": "quantitative"},
            "tooltip": [_told("what", "Files"), _number("files", "Number", ",d")],
        },
    }


def ingested(files: IngestionTotals) -> dict[str, int]:
    """Files by what became of them."""
    return {"Ready": files.ready, "Under way": files.files - files.ready - files.failed, "Failed": files.failed}


def stage_name(stage: str) -> str:
    return _STAGES.get(stage, stage.replace("_", " ").capitalize())


_AXIS_OF_DAYS: Spec = {"labelAngle": 0, "labelOverlap": "parity", "labelSeparation": 8, "ticks": False, "grid": False}
#: Counts are whole.
_AXIS_OF_COUNTS: Spec = {"tickMinStep": 1, "format": ",d", "tickCount": 5}


def _color(names: Iterable[str]) -> Spec:
    """Colours of the theme, one name after the other."""
    return {
        "field": "what",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(names)},
        "legend": {"orient": "top", "columns": 4, "columnPadding": 12},
    }


def _told(field: str, title: str) -> Spec:
    return {"field": field, "type": "nominal", "title": title}


def _number(field: str, title: str, form: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, "format": form}
