"""One knowledge gap: its questions, what they came near to, its history; and how it is said in a list."""

from datetime import datetime, timezone
from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import Link, expander, local_time, page_offset, page_picker, shown_errors
from kyo_app.gaps.deeds import deeds, owner_field
from kyo_app.markup import badge, inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.gaps import (
    MOST_ASKED_AGAIN,
    Deed,
    Gap,
    GapDetails,
    GapEvent,
    GapKind,
    GapQuestion,
    GapState,
    Result,
    by_text,
)
from kyo_pipeline.errors import NotFound
from kyo_pipeline.services import gaps

_QUESTIONS = 10


def state_badges(gap: Gap) -> str:
    """Markdown: its state, of whom it is the task, how often it was asked since, and what is wrong with the answers."""
    parts = [badge(*wording.GAPS[gap.state])]
    if gap.asked_since:
        parts.append(badge(f"Asked again {_times(gap.asked_since)} since", "orange"))
    parts += [
        badge(f"{label}: {count:,}", color)
        for kind, (label, color) in wording.GAP_KINDS.items()
        if (count := int(getattr(gap, kind.value)))
    ]
    if gap.owner:
        parts.append(badge(f":material/person: {inert_line(gap.owner, 60)}", "gray"))
    return " ".join(parts)


def counts(gap: Gap) -> str:
    """How many questions of how many people, when the last one was, and about which collections."""
    parts = [wording.counted(gap.questions, "question")]
    if gap.questions:
        parts[0] += " by " + ("one person" if gap.people == 1 else f"{gap.people:,} people")
    if gap.last_asked:
        parts.append(f"last asked {_day(gap.last_asked)}")
    parts += [inert_line(name, 60) for name in gap.collections]
    return " · ".join(parts)


def _day(midnight: datetime) -> str:
    """Of UTC, whatever the reader's zone: nobody is told more of when somebody else asked."""
    asked, today = midnight.astimezone(timezone.utc).date(), runtime.kyo().now().astimezone(timezone.utc).date()
    return {0: "today", 1: "yesterday"}.get((today - asked).days) or wording.day(asked, today)


def trend(gap: Gap) -> str:
    """In words as well: an arrow alone says nothing to some readers."""
    icon = "trending_up" if gap.trend.growth > 0 else "trending_down" if gap.trend.growth < 0 else "trending_flat"
    return (
        f":material/{icon}: {gap.trend.last_month:,} in the last 30 days, {gap.trend.month_before:,} in the 30 before"
    )


def gap_panel(actor: Actor, chosen: str) -> None:
    if st.button("All gaps", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.pop("gap", None)
        st.rerun()
    found = gaps.read_gap(runtime.kyo(), actor, _uuid(chosen))
    if found.is_to_be_asked_again:
        found = ask_again(actor, found)
    gap = found.gap
    st.title(inert_line(gap.label, 200) or "Its questions were deleted", anchor=False)
    st.markdown(state_badges(gap))
    week = f"{gap.trend.last_week:,} in the last 7, {gap.trend.week_before:,} in the 7 before"
    st.caption(f"{counts(gap)}  \n{trend(gap)}; {week}")
    _standing(actor, found)
    owner_field(actor, gap)
    deeds(actor, gap)
    _questions(found)
    _documents(found)
    _history(found)


def ask_again(actor: Actor, found: GapDetails) -> GapDetails:
    """Ask the questions again while the page is drawn; what there was, if that is not possible now."""
    said = "Asking the questions again…"
    bar = st.progress(0.0, said)

    def tell(done: int, of: int) -> None:
        bar.progress(done / of, f"{said} {done} of {of}")

    with shown_errors():
        found = gaps.ask_again(runtime.kyo(), actor, found.gap.id, tell)
    bar.empty()
    return found


def _standing(actor: Actor, found: GapDetails) -> None:
    """What has become of it."""
    gap = found.gap
    if gap.state is GapState.ANSWERED:
        _answered(actor, found)
    elif gap.reason:
        st.markdown(f":gray[{'Why' if gap.state is GapState.DECLINED else 'Note'}:] {inert(gap.reason)}")


def _answered(actor: Actor, found: GapDetails) -> None:
    title = inert_line(found.gap.document_title or "a document that you may not see, or that was deleted", 120)
    with st.container(border=True, gap="small"):
        st.markdown(f":green[:material/task_alt:] Answered by **{title}**, {local_time(found.gap.changed_at)}")
        if found.is_withdrawn:
            st.caption(
                ":material/warning: It answers no questions any more. Link another document, or open the gap again."
            )
            return
        if found.waits_for_document:
            st.caption(
                ":material/hourglass: It cannot be found yet: it waits to be read or approved. The questions are asked "
                "again when somebody opens this page after that, and whoever wanted to know is told."
            )
            return
        if said := _results(found):
            st.markdown(said)
        st.caption(
            "Asked with your rights, not with those of the people who asked: somebody who may read less may find less. "
            + (
                f"Only the {MOST_ASKED_AGAIN} most typical questions. "
                if len(by_text(found.questions)) > MOST_ASKED_AGAIN
                else ""
            )
        )
        if found.questions and st.button("Ask again", icon=":material/refresh:", key=f"again-{found.gap.id}"):
            ask_again(actor, found)
            st.rerun()


def _results(found: GapDetails) -> str:
    results = [one.result for one in found.questions]
    return " ".join(
        badge(f"{wording.RESULTS[result][0]}: {results.count(result):,}", wording.RESULTS[result][1])
        for result in Result
        if result in results
    )


def _questions(found: GapDetails) -> None:
    st.subheader("Questions", anchor=False)
    if not found.questions:
        st.caption("None is left.")
    key = f"gap-questions-{found.gap.id}"
    same = by_text(found.questions)
    start = page_offset(key, _QUESTIONS)
    for questions in same[start : start + _QUESTIONS]:
        _question(questions)
    page_picker(key, _QUESTIONS, len(same))


def _question(same: tuple[GapQuestion, ...]) -> None:
    """Those that were asked in the same words."""
    kinds = [kind for kind in GapKind if any(one.kind is kind for one in same)]
    result = next((one.result for one in same if one.result), None)
    badges = [wording.GAP_KINDS[kind] for kind in kinds] + ([wording.RESULTS[result]] if result else [])
    often = f" {_times(len(same))}, last" if len(same) > 1 else ""
    st.markdown(
        f"{inert_line(same[0].text, 300)}  \n"
        f":small[:gray[Asked{often} {_day(max(one.asked_at for one in same))}]] "
        + " ".join(badge(*one) for one in badges)
    )


def _documents(found: GapDetails) -> None:
    if not found.documents:
        return
    st.subheader("Documents that came near", anchor=False)
    st.caption("They did not answer, or not well. Perhaps one of them is where the answer belongs.")
    for one in found.documents[:_QUESTIONS]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            label = inert_line(one.title, 90)
            Link("source", label, ":material/description:", {"version": str(one.version_id)}).show()
            st.caption(f"near {wording.counted(one.questions, 'question')}", width="content")


def _history(found: GapDetails) -> None:
    opened = expander(f"History ({len(found.events)})", f"gap-history-{found.gap.id}")
    if opened.open:
        with opened:
            for event in found.events:
                st.markdown(_event(event))
            st.caption(f"First found {local_time(found.gap.created_at)}.")


def _event(event: GapEvent) -> str:
    actor = inert_line(event.actor, 60)
    said = {
        Deed.ANSWER: f"{actor} linked **{inert_line(event.document or 'a document', 90)}**",
        Deed.ASSIGN: f"{actor} gave it to {inert_line(event.owner or 'nobody', 60)}",
        Deed.DECLINE: f"{actor} decided not to answer it",
        Deed.PLAN: f"{actor} planned it",
        Deed.REOPEN: f"{actor} opened it again",
    }[event.deed]
    if event.count:
        said = f"Opened again: asked {_times(event.count)} since it was closed"
    reason = f": {inert_line(event.reason, 500)}" if event.reason else ""
    return f"{said}{reason} :gray[· {local_time(event.at)}]"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such knowledge gap.") from error
