"""The answers that were verified: which of them hold, which no longer do and why, and what to do about it."""

from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    Link,
    empty_state,
    first_page_if_empty,
    local_time,
    page_offset,
    page_picker,
    run_again,
    shown_errors,
    to_page,
)
from kyo_app.documents.passages import sources
from kyo_app.markup import answer_markdown, badge, inert_line
from kyo_app.verification import anew_button, forget
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.verified import MAX_REASON_LENGTH, Change, Changed, Standing, VerifiedAnswer, VerifiedPage
from kyo_pipeline.services import verifying

_PAGE = 10

_STANDINGS = {
    Standing.HOLDS: ("In use", "green"),
    Standing.CHANGED: ("No longer holds", "orange"),
    Standing.WITHDRAWN: ("Withdrawn", "gray"),
}


def show() -> None:
    actor = acting()
    st.title("Verified answers", anchor=False)
    st.markdown(
        "Who asks the same question, and may read all the sources, gets these first. One whose source has changed is "
        "given to nobody until you verify an answer anew."
    )
    text = st.text_input("Search", placeholder="A word of the question or the answer", max_chars=200)
    standing = st.session_state.get("verified-standing")
    key = f"verified-page-{text}-{standing}"
    with shown_errors():
        page = verifying.list_verified(
            runtime.kyo(), actor, text=text.strip(), standing=standing, limit=_PAGE, offset=page_offset(key, _PAGE)
        )
        first_page_if_empty(key, page.answers)
        _filter(page)
        if page.total == 0:
            _nothing(text.strip(), standing)
        for found in page.answers:
            with st.container(border=True, gap="xsmall"):
                _entry(actor, found)
        page_picker(key, _PAGE, page.total)


def _filter(page: VerifiedPage) -> None:
    if not page.counts:
        return
    st.segmented_control(
        "Show",
        list(Standing),
        format_func=lambda one: f"{_STANDINGS[one][0]} ({page.counts.get(one, 0):,})",
        key="verified-standing",
        label_visibility="collapsed",
    )


def _nothing(text: str, standing: Standing | None) -> None:
    if text or standing is not None:
        empty_state(":material/search_off:", "No verified answer matches", "Try another word, or show all.")
    else:
        empty_state(
            ":material/workspace_premium:",
            "No answer is verified yet",
            "Ask a question that comes up often. Under a good answer, choose Verify.",
            Link("", "Ask a question", ":material/forum:"),
        )


def _entry(actor: Actor, found: VerifiedAnswer) -> None:
    st.markdown(f"**{inert_line(found.question, 200)}**")
    label, color = _STANDINGS[_standing(found)]
    edited = ", who edited it," if found.is_edited else ""
    st.markdown(
        f"{badge(label, color)} :small[Verified by {inert_line(found.verified_by, 60)}{edited} "
        f"{local_time(found.verified_at)} · {_given(found.uses)}]"
    )
    if len(found.wordings) > 1:
        st.caption("Also: " + " · ".join(inert_line(one, 120) for one in found.wordings[1:]))
    if found.withdrawn_at is not None:
        _withdrawn(found)
    for changed in found.changed:
        st.markdown(f":orange[:material/warning:] {_said(changed)}")
    if found.text:
        with st.expander("Answer and sources", key=f"verified-open-{found.id}"):
            st.markdown(answer_markdown(found.text, found.findings.emphasis, found.findings.unsupported))
            sources(found.citations, str(found.id))
    _actions(actor, found)


def _standing(found: VerifiedAnswer) -> Standing:
    if found.withdrawn_at is not None:
        return Standing.WITHDRAWN
    return Standing.HOLDS if found.holds else Standing.CHANGED


def _given(uses: int) -> str:
    return f"given {wording.counted(uses, 'time')}" if uses else "not given yet"


def _withdrawn(found: VerifiedAnswer) -> None:
    assert found.withdrawn_at is not None  # noqa: S101 — states for the type checker what the caller has just asked
    by = f" by {inert_line(found.withdrawn_by, 60)}" if found.withdrawn_by else ""
    because = f": {inert_line(found.withdrawn_because, MAX_REASON_LENGTH)}" if found.withdrawn_because else ""
    st.caption(f"Withdrawn {local_time(found.withdrawn_at)}{by}{because}")


def _said(changed: Changed) -> str:
    title = f"**{inert_line(changed.title, 120)}**"
    since = f" since {local_time(changed.since)}" if changed.since is not None else ""
    if changed.change is Change.REPLACED and changed.number is not None:
        return f"{title} has version {changed.number}{since}."
    if changed.change is Change.DELETED:
        return f"{title} was deleted."
    return f"{title} answers no questions now: it is archived, or not approved any more."


def _actions(actor: Actor, found: VerifiedAnswer) -> None:
    with st.container(horizontal=True, gap="small"):
        if anew_button(found.question, f"anew-{found.id}"):
            to_page("")
        if found.withdrawn_at is not None:
            return
        with st.popover("Withdraw", icon=":material/undo:", type="tertiary", key=f"withdrawing-{found.id}"):
            st.markdown("It is given to nobody any more. Who has got it keeps it in their history.")
            because = st.text_input("Reason (optional)", max_chars=MAX_REASON_LENGTH, key=f"because-{found.id}")
            if st.button("Withdraw this answer", key=f"withdraw-{found.id}", type="primary"):
                _withdraw(actor, found.id, because)


def _withdraw(actor: Actor, verified_id: UUID, because: str) -> None:
    with shown_errors():
        verifying.withdraw(runtime.kyo(), actor, verified_id, because)
        forget(verified_id)
        run_again("The answer is withdrawn.", ":material/undo:")
