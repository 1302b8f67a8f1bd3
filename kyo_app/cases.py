"""The organisation's own evaluation set, for those who may approve documents."""

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import (
    Link,
    confirmed,
    empty_state,
    first_page_if_empty,
    fresh_key,
    local_time,
    page_offset,
    page_picker,
    run_again,
    shown_errors,
    used_up,
)
from kyo_app.document_box import document_box
from kyo_app.markup import badge, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.evaluation_cases import (
    MAX_ANSWER_LENGTH,
    MAX_DOCUMENTS,
    MAX_QUESTION_LENGTH,
    CaseDocument,
    EvaluationCase,
)
from kyo_pipeline.services import evaluation_cases

_PAGE = 10


def cases_panel(actor: Actor) -> None:
    st.markdown(
        "Questions of which somebody has said where the answer is. KYO asks them to see whether it still finds it. "
        "You see those about documents that you may approve."
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        _new(actor)
        retired = st.toggle("Left out", key="cases-retired", help="Cases that are not asked any more.")
    text = st.text_input("Search questions", max_chars=200, key="cases-text")
    key = f"cases-page-{retired}-{text}"
    page = evaluation_cases.list_cases(
        runtime.kyo(), actor, text=text.strip(), retired=retired, limit=_PAGE, offset=page_offset(key, _PAGE)
    )
    first_page_if_empty(key, page.cases)
    if page.total == 0:
        _nothing(narrowed=bool(text.strip()), retired=retired)
        return
    st.caption(wording.counted(page.total, "case"))
    for case in page.cases:
        _row(actor, case)
    page_picker(key, _PAGE, page.total)


def _nothing(*, narrowed: bool, retired: bool) -> None:
    if narrowed:
        empty_state(":material/search_off:", "No question matches", "Try another word, or clear the search.")
    elif retired:
        empty_state(":material/inventory_2:", "No case was left out", "Cases that you leave out are kept here.")
    else:
        empty_state(
            ":material/fact_check:",
            "There is no case yet",
            "Confirm or correct an answer under To review, confirm one of your own answers, or add a question here.",
        )


def _new(actor: Actor) -> None:
    key = fresh_key("new-case")
    with st.popover("Add a case", icon=":material/add:", key=key):
        question = st.text_area("Question", max_chars=MAX_QUESTION_LENGTH, key=f"{key}-question")
        documents = document_box(actor, "Where is its answer?", key=f"{key}-documents", most=MAX_DOCUMENTS)
        expected = st.text_area(
            "What should the answer say? (optional)", max_chars=MAX_ANSWER_LENGTH, key=f"{key}-expected"
        )
        if st.button("Add it", key=f"{key}-add", type="primary"):
            with shown_errors():
                evaluation_cases.add(runtime.kyo(), actor, question, documents, expected)
                used_up("new-case")
                run_again("Added to the evaluation set.", ":material/fact_check:")


def _row(actor: Actor, case: EvaluationCase) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{inert_line(case.question, 300)}**")
        if case.expected_answer:
            st.caption(f"Expected: {inert_line(case.expected_answer, 300)}")
        for document in case.documents:
            _document(document)
        by, when = inert_line(case.created_by_name, 60), local_time(case.created_at)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"{badge(wording.ORIGINS[case.origin], 'gray')} :small[{by}, {when}]", width="content")
            _button(actor, case)
        if case.retired_at is not None:
            st.caption(f"Left out by {inert_line(case.retired_by_name or '', 60)}, {local_time(case.retired_at)}")


def _document(document: CaseDocument) -> None:
    title = inert_line(document.title, 90)
    if document.answers and document.version_id is not None:
        Link("source", title, ":material/description:", {"version": str(document.version_id)}).show()
    else:
        st.markdown(f":material/description: {title} {badge('answers no questions now: not asked', 'orange')}")


def _button(actor: Actor, case: EvaluationCase) -> None:
    if case.is_active:
        confirmed(
            "Leave out",
            ":material/remove_circle:",
            "The question is not asked any more. You can take it in again.",
            "Leave it out",
            lambda: evaluation_cases.retire(runtime.kyo(), actor, case.id),
            key=f"retire-{case.id}",
            notice="Left out.",
            quiet=True,
        )
    elif st.button("Take in again", key=f"restore-{case.id}", icon=":material/undo:", type="tertiary"):
        with shown_errors():
            evaluation_cases.restore(runtime.kyo(), actor, case.id)
            run_again("Taken in again.", ":material/fact_check:")
