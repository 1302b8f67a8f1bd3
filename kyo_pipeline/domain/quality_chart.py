"""The last nights as people see them in the Dagster UI: lines over time, and a table."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from kyo_pipeline.domain.quality import Figures, QualityRun

_NONE = "–"

#: What is drawn: a name, its field in `Figures`, its colour.
_LINES = (
    ("nDCG@10", "ndcg_at_10", "#0969da"),
    ("recall@10", "recall_at_10", "#1a7f37"),
    ("refused wrongly", "refused_wrongly", "#bc4c00"),
    ("answered wrongly", "answered_wrongly", "#cf222e"),
)

# Pixels. The picture brings its own ground: an image cannot know whether the page around it is light or dark.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 620, 260, 40, 20, 40, 30
_GROUND, _INK, _RAIL = "#ffffff", "#24292f", "#e6e8eb"


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
    """An SVG image of runs, the newest first: from left to right in time, each from 0 to 1."""
    nights = list(reversed(runs))
    rails = "".join(_rail(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    lines = "".join(_line(nights, field, colour) for _, field, colour in _LINES)
    keys = "".join(_key(_LEFT + 145 * place, name, colour) for place, (name, _, colour) in enumerate(_LINES))
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
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{_GROUND}"/>{rails}{lines}{keys}{ends}</svg>'
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
    said = "; ".join(f"{name} {_figure(getattr(runs[0].figures, field), '.2f')}" for name, field, _ in _LINES)
    return f"The last {len(runs)} nights; the newest: {said}."


def _y(share: float) -> float:
    return round(_TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _rail(share: float) -> str:
    y = _y(share)
    return (
        f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="{_RAIL}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{share:g}</text>'
    )


def _line(nights: Sequence[QualityRun], field: str, colour: str) -> str:
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(nights) - 1, 1)
    values = [(place, getattr(night.figures, field)) for place, night in enumerate(nights)]
    points = [(round(_LEFT + place * step, 1), _y(value)) for place, value in values if value is not None]
    if not points:
        return ""
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _key(x: int, name: str, colour: str) -> str:
    return (
        f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/><text x="{x + 18}" y="24">{escape(name)}</text>'
    )
