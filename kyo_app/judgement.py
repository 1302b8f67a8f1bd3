"""What was found when an embedding set was compared with the one that answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from kyo_app import wording
from kyo_app.components import expander, local_time, table
from kyo_app.markup import inert
from kyo_pipeline.domain.embedding_sets import SetFacts, Verdict

_WHAT_TO_DO = "Set KYO_EVAL_DIR to a folder of labelled questions, or let people rate answers; or decide without."
_SOURCES = {"KYO_EVAL_DIR": "from KYO_EVAL_DIR", "liked": "whose answers people found helpful"}
_COLORS = ("#9aa8a4", "#148075")


@dataclass(frozen=True)
class _Measure:
    """A figure of both sides; `share`: 0 to 1, and one of those that decide."""

    key: str
    label: str
    short: str
    more_is_better: bool
    share: bool = True


_MEASURES = (
    _Measure("ndcg_at_10", "Best ones first (nDCG@10)", "nDCG@10", more_is_better=True),
    _Measure("recall_at_10", "Among the first ten (recall@10)", "Recall@10", more_is_better=True),
    _Measure("refused_wrongly", "Refused, although answerable", "Wrongly refused", more_is_better=False),
    _Measure("answered_wrongly", "Answered, although unanswerable", "Wrongly answered", more_is_better=False),
    _Measure("p50_ms", "Half of all searches within", "p50", more_is_better=False, share=False),
    _Measure("p95_ms", "95 of 100 searches within", "p95", more_is_better=False, share=False),
)


@dataclass(frozen=True)
class _Side:
    name: str
    figures: Mapping[str, float | None]


def judgement_panel(one: SetFacts) -> None:
    """Both sides in a table and a chart, the reasons as sentences; or why there is nothing to see."""
    if one.judged_at is None:
        st.caption(":material/hourglass: It is compared next with what answers now, on questions with known answers.")
        return
    found = one.judgement or {}
    _verdict(one, found)
    names = ("Now", "New") if one.is_under_way else ("Before", "This set")
    before, after = (
        _Side(name, _figures(found.get(side))) for name, side in zip(names, ("active", "candidate"), strict=True)
    )
    known = [measure for measure in _MEASURES if _is_known(measure, before, after)]
    if known:
        table([_row(measure, before, after) for measure in known], "Both sets side by side, by each measure")
        _chart([measure for measure in known if measure.share], before, after)
    if said := _basis(found):
        st.caption(f"{said}  \nJudged {local_time(one.judged_at)}.")


def past_judgement(one: SetFacts) -> None:
    """The same, folded in, of a set about which it was decided."""
    if one.judged_at is None:
        return
    opened = expander("How it was judged", f"judgement-{one.id}")
    if opened.open:
        with opened:
            judgement_panel(one)


def _verdict(one: SetFacts, found: Mapping[str, Any]) -> None:
    reasons = "  \n".join(inert(str(reason)) for reason in found.get("reasons") or ())
    if one.verdict is Verdict.NOT_WORSE:
        st.success(f"**Not worse.** {reasons}", icon=":material/check:")
    elif one.verdict is Verdict.WORSE:
        st.error(f"**Worse.** {reasons}", icon=":material/trending_down:")
    else:
        st.warning(f"**Not judged:** {reasons or _WHAT_TO_DO}", icon=":material/help:")


def _figures(side: object) -> dict[str, float | None]:
    known = side if isinstance(side, Mapping) else {}
    return {measure.key: _number(known.get(measure.key)) for measure in _MEASURES}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _is_known(measure: _Measure, *sides: _Side) -> bool:
    return any(side.figures[measure.key] is not None for side in sides)


def _row(measure: _Measure, before: _Side, after: _Side) -> dict[str, str]:
    said: Callable[[float], str] = (lambda value: f"{value:.3f}") if measure.share else _milliseconds
    values = [side.figures[measure.key] for side in (before, after)]
    cells = {
        side.name: "–" if value is None else said(value) for side, value in zip((before, after), values, strict=True)
    }
    return {"Measure": measure.label, **cells, "Change": _change(measure, *values)}


def _change(measure: _Measure, before: float | None, after: float | None) -> str:
    """In words as well: a colour alone says nothing to some readers."""
    if before is None or after is None:
        return "–"
    difference = after - before
    if abs(difference) < (0.0005 if measure.share else 0.5):
        return "the same"
    amount = f"{abs(difference):.3f}" if measure.share else _milliseconds(abs(difference))
    color, word = ("green", "better") if (difference > 0) is measure.more_is_better else ("red", "worse")
    return f":{color}[{amount} {word}]" if measure.share else f"{amount} {'faster' if difference < 0 else 'slower'}"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}\u00a0ms"


def _chart(measures: Sequence[_Measure], *sides: _Side) -> None:
    """For the eye; the table says the same."""
    if not measures:
        return
    st.bar_chart(
        {
            "Measure": [measure.short for measure in measures],
            **{side.name: [side.figures[measure.key] for measure in measures] for side in sides},
        },
        x="Measure",
        y=[side.name for side in sides],
        x_label="",
        y_label="",
        color=list(_COLORS),
        horizontal=True,
        sort=False,
        stack=False,
        height=90 + 50 * len(measures),
        alt="The shares of the table as bars, both sets side by side",
    )


def _basis(found: Mapping[str, Any]) -> str:
    """Which questions it was judged on, and how much both sides agree."""
    questions, unanswerable, left_out = (int(found.get(key) or 0) for key in ("questions", "unanswerable", "left_out"))
    sources = [
        f"{count:,} {_SOURCES.get(source) or inert(str(source))}"
        for source, count in (found.get("sources") or {}).items()
    ]
    parts = [
        f"{wording.counted(questions, 'question')} with a known answer"
        + (f" ({', '.join(sources)})" if sources else ""),
        f"{unanswerable:,} without one" if unanswerable else "",
        f"{left_out:,} left out, since their documents are not here" if left_out else "",
    ]
    overlap, margin = _number(found.get("overlap")), _number(found.get("margin"))
    sentences = [
        "Asked: " + "; ".join(part for part in parts if part) + "." if found else "",
        f"Of the ten best documents, {overlap * 10:.1f} are the same on average." if overlap is not None else "",
        f"A measure may be {margin:g} worse." if margin is not None else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
