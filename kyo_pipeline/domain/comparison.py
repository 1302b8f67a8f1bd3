"""A judgement as people see it in the Dagster UI: a table, and a picture of its measures side by side."""

from base64 import b64encode
from html import escape

from kyo_pipeline.domain.judging import MEASURES, Judgement, favours_active
from kyo_pipeline.domain.known_questions import CASES, FOLDER, LIKED

_NONE = "–"
_SOURCES = {
    LIKED: "with an answer that people found helpful",
    CASES: "of the organisation's own evaluation set",
    FOLDER: f"from {FOLDER}",
}
_FAVOURS = (
    "Answers that people found helpful were found by the set that answers now, or by one before it. That favours it: "
    "another set may have found as good an answer elsewhere."
)

# Pixels. The picture brings its own ground: an image cannot know whether the page around it is light or dark.
_WIDTH, _LABELS, _BARS, _LINE, _BAR, _HEAD, _FOOT = 580, 150, 340, 52, 16, 44, 8
_GROUND, _INK, _RAIL, _ACTIVE, _CANDIDATE = "#ffffff", "#24292f", "#e6e8eb", "#8c959f", "#0969da"


def table(judgement: Judgement) -> str:
    """Markdown: each measure side by side, then what was asked, and what to make of it."""
    active, candidate = judgement.active, judgement.candidate
    rows = [_row(measure.name, measure.of(active), measure.of(candidate), ".3f") for measure in MEASURES]
    rows += [
        _row("median, ms", active.p50_ms, candidate.p50_ms, ".1f"),
        _row("95th percentile, ms", active.p95_ms, candidate.p95_ms, ".1f"),
    ]
    head = ["| Measure | Active | Candidate | Change |", "| --- | ---: | ---: | ---: |"]
    return "\n".join([*head, *rows, "", *(f"- {line}" for line in (*judgement.reasons, *_notes(judgement)))])


def chart(judgement: Judgement) -> str:
    """An SVG image: two bars for each measure, from 0 to 1."""
    lines = "".join(
        _line(index, measure.name, measure.of(judgement.active), measure.of(judgement.candidate))
        for index, measure in enumerate(MEASURES)
    )
    height = _HEAD + _LINE * len(MEASURES) + _FOOT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="13" fill="{_INK}">'
        f"<title>{escape(_spoken(judgement))}</title>"
        f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="{_GROUND}"/>'
        f"{_key(_LABELS, _ACTIVE, 'active')}{_key(_LABELS + 90, _CANDIDATE, 'candidate')}{lines}</svg>"
    )


def picture(judgement: Judgement) -> str:
    """The chart in Markdown, without a file."""
    return f"![{_spoken(judgement)}](data:image/svg+xml;base64,{b64encode(chart(judgement).encode()).decode()})"


def _row(name: str, before: float | None, after: float | None, form: str) -> str:
    change = _NONE if before is None or after is None else f"{after - before:+{form}}".replace("-", "−")
    return f"| {name} | {_figure(before, form)} | {_figure(after, form)} | {change} |"


def _figure(value: float | None, form: str) -> str:
    return _NONE if value is None else f"{value:{form}}"


def _notes(judgement: Judgement) -> list[str]:
    asked = ", ".join(f"{count} {_SOURCES.get(name, name)}" for name, count in judgement.sources.items())
    notes = [
        f"Questions with an answer: {judgement.questions}{f' ({asked})' if asked else ''}; "
        f"without one: {judgement.unanswerable}."
    ]
    if judgement.left_out:
        notes.append(f"Left out, since none of the documents with the answer is here: {judgement.left_out}.")
    if judgement.overlap is not None:
        notes.append(f"Of the ten best that the active set finds, {judgement.overlap:.0%} are among the candidate's.")
    return [*notes, _FAVOURS] if favours_active(judgement) else notes


def _spoken(judgement: Judgement) -> str:
    """What the picture shows, for whoever cannot see it."""
    said = (
        f"{measure.name} {_figure(measure.of(judgement.active), '.2f')} and "
        f"{_figure(measure.of(judgement.candidate), '.2f')}"
        for measure in MEASURES
    )
    return f"The active set and the candidate: {'; '.join(said)}."


def _key(x: int, colour: str, name: str) -> str:
    return (
        f'<rect x="{x}" y="16" width="12" height="12" fill="{colour}"/><text x="{x + 18}" y="27">{escape(name)}</text>'
    )


def _line(index: int, name: str, active: float | None, candidate: float | None) -> str:
    top = _HEAD + index * _LINE
    return (
        f'<text x="{_LABELS - 12}" y="{top + 23}" text-anchor="end">{escape(name)}</text>'
        f"{_bar(top, active, _ACTIVE)}{_bar(top + _BAR + 4, candidate, _CANDIDATE)}"
    )


def _bar(y: int, value: float | None, colour: str) -> str:
    length = 0.0 if value is None else round(_BARS * value, 1)
    return (
        f'<rect x="{_LABELS}" y="{y}" width="{_BARS}" height="{_BAR}" fill="{_RAIL}"/>'
        f'<rect x="{_LABELS}" y="{y}" width="{length}" height="{_BAR}" fill="{colour}"/>'
        f'<text x="{_LABELS + _BARS + 10}" y="{y + 13}">{"none asked" if value is None else f"{value:.3f}"}</text>'
    )
