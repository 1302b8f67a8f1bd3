"""Answers that people found unhelpful, for those who look after their documents; and the evaluation set."""

from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.answers import answer_block, answer_bubble, question_bubble
from kyo_app.auth import acting
from kyo_app.cases import cases_panel
from kyo_app.components import (
    Link,
    empty_state,
    first_page_if_empty,
    local_day,
    local_time,
    page_offset,
    page_picker,
    shown_errors,
    turn_to,
)
from kyo_app.deciding import decision
from kyo_app.markup import badge, inert, inert_line
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.feedback_items import FeedbackItem
from kyo_pipeline.errors import NotFound
from kyo_pipeline.services import feedback_items

_PAGE = 10
_ITEM = "item"


def show() -> None:
    actor = acting()
    if chosen := st.query_params.get(_ITEM):
        with shown_errors():
            _one(actor, chosen)
        return
    st.title("Feedback", anchor=False)
    st.markdown(
        "Answers that somebody found unhelpful, and that cite a document of yours or one that you may approve. "
        "Nobody is told who asked."
    )
    names = ["To review", "Done"]
    if actor.may(Permission.EVALUATION_CASE_MANAGE):
        names.append("Evaluation set")
    tabs = st.tabs(names, key="feedback-tab", on_change="rerun")
    for tab, name in zip(tabs, names, strict=True):
        if tab.open:
            with tab, shown_errors():
                if name == "Evaluation set":
                    cases_panel(actor)
                else:
                    _list(actor, closed=name == "Done")


# The list -------------------------------------------------------------------------------------------------------------


def _list(actor: Actor, *, closed: bool) -> None:
    kind = "done" if closed else "open"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search", placeholder="A word of the question or the title", max_chars=200, key=f"feedback-text-{kind}"
        )
        reason = st.selectbox(
            "Reason",
            [None, *wording.REASONS],
            format_func=lambda one: wording.REASONS[one] if one else "All",
            key=f"feedback-reason-{kind}",
            width=180,
        )
    key = f"feedback-page-{kind}-{reason}-{text}"
    page = feedback_items.list_items(
        runtime.kyo(),
        actor,
        closed=closed,
        reason=reason,
        text=text.strip(),
        limit=_PAGE,
        offset=page_offset(key, _PAGE),
    )
    first_page_if_empty(key, page.items)
    if page.total == 0:
        _nothing(closed=closed, narrowed=bool(reason or text.strip()))
        return
    st.caption(wording.counted(page.total, "answer"))
    for item in page.items:
        _row(item)
    page_picker(key, _PAGE, page.total)


def _nothing(*, closed: bool, narrowed: bool) -> None:
    if narrowed:
        empty_state(":material/search_off:", "Nothing matches", "Try another word, or another reason.")
    elif closed:
        empty_state(":material/inventory_2:", "Nothing is done yet", "What you have reviewed is kept here.")
    else:
        empty_state(
            ":material/task_alt:", "Nothing waits for you", "When somebody finds an answer unhelpful, it appears here."
        )


def _row(item: FeedbackItem) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{inert_line(item.question, 200)}**")
        st.markdown(" ".join(_badges(item)))
        if item.comment:
            st.caption(f"“{inert_line(item.comment, 180)}”")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f":small[{_about(item)}]", width="content")
            turn_to("Open", ":material/open_in_full:", {_ITEM: str(item.id)}, key=f"open-{item.id}")


def _badges(item: FeedbackItem) -> list[str]:
    return [
        badge(wording.REASONS[item.reason] if item.reason else "Not helpful", "orange"),
        *([badge(*wording.OUTCOMES[item.outcome])] if item.outcome is not Outcome.ANSWERED else []),
        *([badge(f"version {item.newer_number} answers since", "blue")] if item.newer_number and item.is_open else []),
        *([badge(wording.RESOLUTIONS[item.resolution], "green")] if item.resolution else []),
    ]


def _about(item: FeedbackItem) -> str:
    when = local_time(item.closed_at) if item.closed_at else wording.day(item.opened_on, local_day())
    return " · ".join(
        [
            inert_line(item.title, 90),
            *([inert_line(item.collection, 60)] if item.collection else []),
            f"owner {inert_line(item.owner_name, 60)}",
            f"{'done' if item.closed_at else 'said'} {when}",
        ]
    )


# One of them ----------------------------------------------------------------------------------------------------------


def _one(actor: Actor, chosen: str) -> None:
    if st.button("All feedback", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params[_ITEM]
        st.rerun()
    found = feedback_items.read_item(runtime.kyo(), actor, _uuid(chosen))
    item = found.item
    st.title("Feedback", anchor=False)
    st.markdown(" ".join(_badges(item)))
    st.caption(f"{_about(item)} · asked {wording.day(item.asked_on, local_day())}")
    question_bubble(item.question)
    with answer_bubble():
        if item.outcome is Outcome.NOT_FOUND:
            st.markdown(":material/search_off: **Not found.** KYO gave no answer.")
        else:
            answer_block(found.answer, own=False, confirmable=False)
    _said(item)
    _document(item)
    if item.is_open:
        decision(actor, item)
    else:
        _done(item)


def _said(item: FeedbackItem) -> None:
    """What the asker says of it. Their words are only characters here."""
    with st.container(border=True, gap="xsmall"):
        label = wording.REASONS[item.reason] if item.reason else "Not helpful, without a reason"
        st.markdown(f":material/thumb_down: **{label}**")
        if item.comment:
            st.markdown(inert(item.comment))
        if item.correct_document is not None:
            title = inert_line(item.correct_document.title, 90)
            st.markdown("The right source, as the person who asked says:")
            if item.correct_document.version_id is not None:
                version = {"version": str(item.correct_document.version_id)}
                Link("source", title, ":material/description:", version).show()
            else:
                st.markdown(f"{title} {badge('answers no questions now', 'gray')}")


def _document(item: FeedbackItem) -> None:
    if item.newer_number is not None and item.newer_since is not None and item.is_open:
        st.info(
            f"A newer version answers since {local_time(item.newer_since)}: version {item.newer_number}. "
            "Perhaps it says already what was missing.",
            icon=":material/update:",
        )
    query = {"document": str(item.document_id)}
    Link("documents", f"Open {inert_line(item.title, 80)}", ":material/description:", query).show()


def _done(item: FeedbackItem) -> None:
    if item.resolution is None or item.closed_at is None:
        return
    by, when = inert_line(item.closed_by_name or "", 60), local_time(item.closed_at)
    st.success(f"**{wording.RESOLUTIONS[item.resolution]}** · {by}, {when}", icon=":material/task_alt:")
    if item.note:
        st.markdown(inert(item.note))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such feedback, or none that you may look into.") from error
