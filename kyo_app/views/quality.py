"""How well questions with known answers are answered, night after night. For managers; admins say what is normal."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import confirmed, empty_state, local_time, shown_errors, table
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.quality import Drop, Figures, QualityRun
from kyo_pipeline.services import quality

#: What is drawn: a name for people, the field of `Figures`, and a colour that differs for those who see few.
_LINES = (
    ("Found well", "ndcg_at_10", "#0072B2"),
    ("Refused wrongly", "refused_wrongly", "#E69F00"),
    ("Answered wrongly", "answered_wrongly", "#D55E00"),
)


@dataclass(frozen=True)
class _Chart:
    """Which lines, on what kind of axis (of Vega-Lite), and how the value of a point is told."""

    lines: tuple[tuple[str, str, str], ...]
    y: dict[str, object]
    told: str
    height: int  # pixels
    alt: str


_SHARES = _Chart(
    _LINES,
    {"axis": {"format": "%"}, "scale": {"domain": [0, 1]}},
    ".1%",
    340,
    "The shares of each night as lines; the table below says the same",
)
_TIMES = _Chart(
    (("Half of the searches within", "p50_ms", "#0072B2"), ("95\u00a0% of them within", "p95_ms", "#D55E00")),
    {"title": "Search time, ms", "axis": {"tickCount": 4}, "scale": {"zero": True}},
    ",.0f",
    200,
    "How long searches took in each night, in milliseconds, as lines; the table below says the same",
)
_ORIGINS = {
    "cases": "Confirmed answers",
    "liked": "Answers found helpful",
    "KYO_EVAL_DIR": "Labelled questions",
}
#: What can become worse, by its name in `Drop`.
_MEASURES = {
    "nDCG@10": "Found well",
    "recall@10": "Found among the first ten",
    "MRR@10": "How early the first good one comes",
    "refused wrongly": "Refused wrongly",
    "answered wrongly": "Answered wrongly",
}
_NONE = "–"
_HELP = {
    "ndcg_at_10": "Whether the right documents come first: 100 % is best (nDCG of the first ten).",
    "refused_wrongly": 'Of the questions with an answer: how many get "not found".',
    "answered_wrongly": "Of the questions without an answer: how many get one.",
    "p95_ms": "Nineteen of twenty searches take no longer.",
}


def show() -> None:
    st.title("Quality", anchor=False)
    st.markdown("Every night, questions are asked whose answers are known, and the results compared with before.")
    actor = acting()
    with shown_errors():
        runs = quality.history(runtime.kyo(), actor)
        if not runs:
            empty_state(
                ":material/monitoring:",
                "Nothing has been measured yet",
                "Twenty questions with known answers are needed: confirm answers, and rate them as helpful.",
            )
            return
        _newest(actor, runs)
        st.subheader("Over time", anchor=False)
        _draw(_SHARES, runs)
        _draw(_TIMES, runs)
        _nights(runs)


def _newest(actor: Actor, runs: Sequence[QualityRun]) -> None:
    newest, before = runs[0], runs[1] if len(runs) > 1 else None
    st.caption(
        f"Last measured {local_time(newest.at)}, on {wording.counted(newest.figures.questions, 'question')} with an "
        f"answer and {newest.figures.unanswerable:,} without one."
    )
    if newest.has_dropped:
        _worse(actor, newest)
    with st.container(horizontal=True, gap="large"):
        for name, field in (*((name, field) for name, field, _ in _LINES), ("Search time", "p95_ms")):
            st.metric(
                name,
                _figure(newest.figures, field),
                _change(newest.figures, before.figures if before else None, field),
                delta_color="normal" if field == "ndcg_at_10" else "inverse",
                help=_HELP[field],
                width="content",
            )
    if len(newest.origins) > 1:
        table(
            [_origin(name, figures) for name, figures in newest.origins.items()], "The last night by kind of question"
        )


def _worse(actor: Actor, newest: QualityRun) -> None:
    fell = "\n".join(f"- {_fell(drop)}" for drop in newest.drops)
    st.warning(f"**Answers became worse.**\n\n{fell}", icon=":material/trending_down:")
    with st.expander("What was compared, and what changed"):
        for drop in newest.drops:
            st.markdown(inert(drop.sentence))
    if actor.may(Permission.QUALITY_ACCEPT):
        confirmed(
            "This is meant to be so",
            ":material/check:",
            "The last night is then what is normal, and nobody is told of it any more.",
            "Accept as normal",
            lambda: quality.accept(runtime.kyo(), actor),
            key="accept-quality",
            notice="The last night is the norm from now on",
        )


def _fell(drop: Drop) -> str:
    name = _MEASURES.get(drop.measure, inert_line(drop.measure, 60))
    asked = wording.counted(drop.questions, "question")
    return f"{name}: {_share(drop.before)}, now {_share(drop.after)}, on {asked}, since {local_time(drop.since)}"


def _origin(name: str, figures: Figures) -> dict[str, str]:
    """Kept apart: answers that people found helpful were found by what answered then, which favours it."""
    return {
        "Questions": _ORIGINS.get(name, inert_line(name, 60)),
        "Number": f"{figures.questions + figures.unanswerable:,}",
        **{label: _figure(figures, field) for label, field, _ in _LINES},
    }


def _draw(chart: _Chart, runs: Sequence[QualityRun]) -> None:
    """Lines over nights, for the eye; the table says the same. Nothing where no night has such figures."""
    points = [
        {"Night": run.at.isoformat(), "Value": getattr(run.figures, field), "Measure": name}
        for run in runs
        for name, field, _ in chart.lines
        if getattr(run.figures, field) is not None
    ]
    if not points:
        return
    # A specification, not the library that writes them: it would be in the memory of every process of the app.
    spec = {
        "data": {"values": points},
        "height": chart.height,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {
                "field": "Night",
                "type": "temporal",
                "title": None,
                "axis": {"format": "%b %d", "labelOverlap": True},
            },
            "y": {"field": "Value", "type": "quantitative", "title": None, **chart.y},
            "color": {
                "field": "Measure",
                "type": "nominal",
                "scale": {
                    "domain": [name for name, *_ in chart.lines],
                    "range": [colour for *_, colour in chart.lines],
                },
                "legend": {"orient": "bottom", "title": None, "columns": 2},
            },
            "tooltip": [
                {"field": "Night", "type": "temporal"},
                {"field": "Measure", "type": "nominal"},
                {"field": "Value", "type": "quantitative", "format": chart.told},
            ],
        },
    }
    st.vega_lite_chart(spec=spec, width="stretch", alt=chart.alt)


def _nights(runs: Sequence[QualityRun]) -> None:
    rows = [
        {
            "Night": local_time(run.at),
            "Questions": f"{run.figures.questions + run.figures.unanswerable:,}",
            **{name: _figure(run.figures, field) for name, field, _ in _LINES},
            "Half within": _figure(run.figures, "p50_ms"),
            "95\u00a0% within": _figure(run.figures, "p95_ms"),
            "": ":material/trending_down: Worse" if run.has_dropped else "Accepted" if run.accepted_at else "",
        }
        for run in runs
    ]
    table(rows, "The last nights, the newest first")


def _figure(figures: Figures, field: str) -> str:
    value = getattr(figures, field)
    if value is None:
        return _NONE
    return f"{value:,.0f}\u00a0ms" if field.endswith("_ms") else _share(value)


def _share(value: float) -> str:
    return f"{100 * value:.1f}\u00a0%"


def _change(figures: Figures, before: Figures | None, field: str) -> str | None:
    """Since the night before; None where there is nothing to compare, or no difference to see."""
    now, was = getattr(figures, field), before and getattr(before, field)
    if now is None or was is None:
        return None
    if field.endswith("_ms"):
        return f"{now - was:+,.0f} ms" if round(now - was) else None
    return f"{100 * (now - was):+.1f} points" if round(100 * (now - was), 1) else None
