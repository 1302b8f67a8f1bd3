"""The last nights as people see them in the Dagster UI: lines over time, and a table."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from kyo_pipeline.domain.quality import Figures, QualityRun

_NONE = "–"

#: A name, its field in `Figures`, its colour.
Line = tuple[str, str, str]

_SHARES: tuple[Line, ...] = (
    ("nDCG@10", "ndcg_at_10", "#0969da"),
    ("recall@10", "recall_at_10", "#1a7f37"),
    ("refused wrongly", "refused_wrongly", "#bc4c00"),
    ("answered wrongly", "answered_wrongly", "#cf222e"),
)
_TIMES: tuple[Line, ...] = (("search p50, ms", "p50_ms", "#8250df"), ("search p95, ms", "p95_ms", "#953800"))

# Pixels. The picture brings its own ground: an image cannot know whether the page around it is light or dark.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _KEY = 620, 420, 50, 20, 143
_GROUND, _INK, _RAIL = "#ffffff", "#24292f", "#e6e8eb"


@dataclass(frozen=True)
class _Panel:
    """Lines on an axis of their own, from 0 at `bottom` to `most` at `top`, in pixels; their names stand above."""

    lines: tuple[Line, ...]
    top: int
    bottom: int
    most: float
    rails: int

    def y(self, value: float) -> float:
        return round(self.bottom - value / self.most * (self.bottom - self.top), 1)


def table(runs: Sequence[QualityRun]) -> str:
    """Markdown: the nights, the newest first, then the newest by where its questions come from, and what fell."""
    head = (
        "| Night | Questions | nDCG@10 | Recall@10 | MRR@10 | Refused wrongly | Answered wrongly | p50 ms | p95 ms | "
        "Set | Corpus |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    rows = [
        f"| {run.at:%Y-%m-%d %H:%M}{' ▼' if run.has_dropped else ''} | {_cells(run.figures)} | "
        f"{run.conditions.embedding_set} | {run.conditions.corpus_revision} |"
        for run in runs
    ]
    return "\n".join([head, *rows])


def origins(run: QualityRun) -> str:
    """Markdown: one night by where its questions come from."""
    head = (
        "| Questions | Number | nDCG@10 | Recall@10 | MRR@10 | Refused wrongly | Answered wrongly | p50 ms | p95 ms |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    return "\n".join([head, *(f"| {origin} | {_cells(figures)} |" for origin, figures in run.origins.items())])


def picture(runs: Sequence[QualityRun]) -> str:
    """The chart in Markdown, without a file."""
    image = b64encode(chart(runs).encode()).decode()
    return f"![{_spoken(runs)}](data:image/svg+xml;base64,{image})"


def chart(runs: Sequence[QualityRun]) -> str:
    """An SVG image of runs, the newest first: from left to right in time; shares from 0 to 1, below them times."""
    nights = list(reversed(runs))
    shares = _Panel(_SHARES, 40, 230, 1.0, 4)
    drawn = _drawn(shares, nights) + _drawn(_Panel(_TIMES, 284, 390, _most(nights), 2), nights)
    ends = (
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{nights[0].at:%Y-%m-%d}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">{nights[-1].at:%Y-%m-%d}</text>'
        if nights
        else ""
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">'
        f"<title>{escape(_spoken(runs))}</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{_GROUND}"/>{drawn}{ends}</svg>'
    )


def _cells(figures: Figures) -> str:
    shares = (
        figures.ndcg_at_10,
        figures.recall_at_10,
        figures.mrr_at_10,
        figures.refused_wrongly,
        figures.answered_wrongly,
    )
    numbers = [
        *(_figure(one, ".3f") for one in shares),
        *(_figure(one, ".1f") for one in (figures.p50_ms, figures.p95_ms)),
    ]
    return " | ".join([f"{figures.questions} + {figures.unanswerable}", *numbers])


def _figure(value: float | None, form: str) -> str:
    return _NONE if value is None else f"{value:{form}}"


def _spoken(runs: Sequence[QualityRun]) -> str:
    """What the picture shows, for whoever cannot see it."""
    if not runs:
        return "No night has been measured."
    said = "; ".join(
        f"{name} {_figure(getattr(runs[0].figures, field), form)}"
        for lines, form in ((_SHARES, ".2f"), (_TIMES, ".1f"))
        for name, field, _ in lines
    )
    return f"The last {len(runs)} nights; the newest: {said}."


def _most(nights: Sequence[QualityRun]) -> float:
    """Where the axis of times ends, in milliseconds: 1, 2 or 5 and noughts."""
    longest = max((getattr(night.figures, field) or 0.0 for night in nights for _, field, _ in _TIMES), default=0.0)
    return next(one for power in range(12) for one in (10.0**power, 2 * 10.0**power, 5 * 10.0**power) if one >= longest)


def _drawn(panel: _Panel, nights: Sequence[QualityRun]) -> str:
    rails = "".join(_rail(panel, panel.most * n / panel.rails) for n in range(panel.rails + 1))
    lines = "".join(_line(panel, nights, field, colour) for _, field, colour in panel.lines)
    keys = "".join(
        _key(_LEFT + _KEY * place, panel.top - 26, name, colour) for place, (name, _, colour) in enumerate(panel.lines)
    )
    return rails + lines + keys


def _rail(panel: _Panel, value: float) -> str:
    y = panel.y(value)
    return (
        f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="{_RAIL}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{_label(value)}</text>'
    )


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def _line(panel: _Panel, nights: Sequence[QualityRun], field: str, colour: str) -> str:
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(nights) - 1, 1)
    values = [(place, getattr(night.figures, field)) for place, night in enumerate(nights)]
    points = [(round(_LEFT + place * step, 1), panel.y(value)) for place, value in values if value is not None]
    if not points:
        return ""
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _key(x: int, y: int, name: str, colour: str) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>'
        f'<text x="{x + 18}" y="{y + 10}">{escape(name)}</text>'
    )
