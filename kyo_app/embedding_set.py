"""One embedding set as an admin sees it: what it is, how far it has come, and what can be done about it."""

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import confirmed, local_time, run_again, shown_errors
from kyo_app.judgement import judgement_panel, past_judgement
from kyo_app.markup import badge, inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Storage, Verdict, why_not_activate
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import embedding_sets
from kyo_pipeline.services.embedding_sets import FailedFile, Overview

_STORED = {Storage.VECTOR: "four bytes a number", Storage.HALFVEC: "two bytes a number"}

_DOUBTS = {
    Verdict.WORSE: "It was found worse than what answers now.",
    Verdict.UNJUDGED: "It could not be judged.",
    None: "Nobody has judged it yet.",
}


def name(one: SetFacts) -> str:
    """Markdown: its number and its model."""
    return f"Set {one.id}: {inert_line(one.spec.model, 80)}"


def about(one: SetFacts) -> str:
    """Markdown: what it is made of."""
    return " · ".join(
        [
            inert_line(one.spec.backend, 40),
            f"{one.spec.dimensions:,} dimensions, {_STORED[one.storage]}",
            f"passages of {one.chunk_size:,} tokens, {one.chunk_overlap:,} shared",
        ]
    )


def answering_panel(actor: Actor, one: SetFacts, back: SetFacts | None) -> None:
    with st.container(border=True, gap="xsmall", key="embeddings-answering"):
        st.markdown(f"#### {name(one)}", anchors=False)
        st.markdown(f"{badge(*wording.SETS[one.state])} :small[:gray[since {local_time(one.since)}]]")
        held = (
            [wording.counted(one.done, "file"), wording.counted(one.chunks, "passage")] if one.done else ["no file yet"]
        )
        st.caption(f"{' · '.join(held)}  \n{about(one)}")
        past_judgement(one)
        if back is not None:
            _going_back(actor, one, back)


def under_way_panel(actor: Actor, one: SetFacts, found: Overview) -> None:
    with st.container(border=True, gap="small", key="embeddings-under-way"):
        st.markdown(f"#### {name(one)}", anchors=False)
        st.markdown(_badges(one))
        st.caption("  \n".join([about(one), *_origin(one)]))
        _progress(one, found.price)
        _troubles(one, found)
        if one.state is SetState.READY:
            judgement_panel(one)
        _obstacle(one)
        with st.container(horizontal=True):
            _activating(actor, one)
            _giving_up(actor, one)


def standing_panel(actor: Actor, one: SetFacts, found: Overview) -> None:
    """One that was retired, and whose vectors are there still."""
    with st.container(border=True, gap="xsmall", key=f"embeddings-standing-{one.id}"):
        st.markdown(f"**{name(one)}**  \n{_badges(one)}")
        answered = (
            f"answered until {local_time(one.since)}" if one.was_replaced else f"given up {local_time(one.since)}"
        )
        st.caption(f"{answered} · {_kept(one)}  \n{about(one)}")
        _troubles(one, found)
        past_judgement(one)
        with st.container(horizontal=True):
            if one.is_kept:
                _keeping_no_longer(actor, one)
            _dropping(actor, one)


def _troubles(one: SetFacts, found: Overview) -> None:
    """Why it does not go on, and the files that it will never have."""
    if one.problem:
        st.warning(f"It does not go on: {inert(one.problem)}", icon=":material/warning:")
    if failures := found.failures.get(one.id):
        _failed_files(one, failures)


def _badges(one: SetFacts) -> str:
    found = [badge(*wording.VERDICTS[one.verdict])] if one.verdict is not None else []
    kept = [badge("Kept up to date", "green")] if one.state is SetState.RETIRED and one.is_kept else []
    return " ".join([badge(*wording.SETS[one.state]), *found, *kept])


def _origin(one: SetFacts) -> list[str]:
    by = f" by {inert_line(one.created_by, 60)}" if one.created_by else ""
    reason = f": {inert_line(one.reason, 500)}" if one.reason else ""
    return [f"Begun {local_time(one.created_at)}{by}{reason}"]


def _progress(one: SetFacts, price: float | None) -> None:
    files = f"{one.done:,} of {wording.counted(one.versions, 'file')}"
    if one.waiting or one.state is SetState.BUILDING:
        st.progress(one.share_done, text=f"{_step(one)} · {files} ({wording.percent(one.share_done)})")
    cost = one.cost(price)
    left = one.seconds_left if one.waiting and not one.problem else None
    facts = [
        "" if one.waiting else files,
        f"{wording.counted(one.chunks, 'passage')}" + (f", about {one.chunks_left:,} to go" if one.chunks_left else ""),
        wording.rate(one),
        f"about {wording.duration(left)} left" if left is not None else "",
        wording.counted(one.tokens, "token"),
        f"cost {wording.money(cost)}" if cost is not None else "",
    ]
    st.caption(" · ".join(fact for fact in facts if fact))


def _step(one: SetFacts) -> str:
    if one.state is SetState.READY:
        return "Catching up"
    return "Embedding" if one.waiting else "Making the index"


def _failed_files(one: SetFacts, failures: tuple[FailedFile, ...]) -> None:
    counted = wording.counted(one.failed, "file")
    with st.expander(f"{counted} could not be embedded", key=f"failed-{one.id}", icon=":material/error:"):
        lines = [f"**{inert_line(file.file_name, 120)}**  \n{inert_line(file.reason)}" for file in failures]
        st.markdown("\n\n".join(lines))
        if one.failed > len(failures):
            st.caption(f"These are the first {len(failures)}.")


def _obstacle(one: SetFacts) -> None:
    if one.state is SetState.READY and (obstacle := why_not_activate(one)):
        st.caption(f":material/lock: {inert(obstacle)}")


def _activating(actor: Actor, one: SetFacts) -> None:
    """One click where it is not worse; else a reason first."""
    if why_not_activate(one):
        return
    label, icon, key = "Let it answer", ":material/published_with_changes:", f"activate-{one.id}"
    if one.verdict is Verdict.NOT_WORSE:
        if st.button(label, icon=icon, key=key, type="primary"):
            _activate(actor, one, None)
        return
    with st.popover(label, icon=icon, key=f"{key}-popover"):
        st.markdown(f"{_DOUBTS[one.verdict]} What answers now stays, for the way back.")
        with st.form(f"{key}-form", border=False):
            reason = st.text_input(
                "Reason", max_chars=embedding_sets.MAX_REASON_LENGTH, help="It goes into the audit log."
            )
            submitted = st.form_submit_button("Let it answer all the same", type="primary")
    if submitted:
        _activate(actor, one, reason)


def _activate(actor: Actor, one: SetFacts, reason: str | None) -> None:
    with shown_errors():
        if reason is not None and not reason.strip():
            raise Invalid("Say why, so that others can understand it later.")
        embedding_sets.activate(runtime.kyo(), actor, one.id, reason)
        run_again(f"{name(one)} answers questions now", ":material/published_with_changes:")


def _going_back(actor: Actor, now: SetFacts, back: SetFacts) -> None:
    behind = "" if back.is_kept else " It is not kept up to date, so this works only if it has every file."
    confirmed(
        f"Go back to set {back.id}",
        ":material/undo:",
        f"**{name(back)}** answers from then on. What answers now stays, so you can come back to it.{behind}",
        f"Let set {back.id} answer again",
        lambda: embedding_sets.roll_back(runtime.kyo(), actor),
        key=f"roll-back-{now.id}-{back.id}",
        notice=f"{name(back)} answers questions again",
    )


def _giving_up(actor: Actor, one: SetFacts) -> None:
    confirmed(
        "Give up",
        ":material/block:",
        "Nothing new goes into it. What is in it stays until it is dropped, and `kyo embeddings build "
        f"{one.id}` goes on with it. What answers now is not touched.",
        "Give this set up",
        lambda: embedding_sets.retire(runtime.kyo(), actor, one.id),
        key=f"retire-{one.id}",
        notice=f"Given up: {name(one)}",
        quiet=True,
    )


def _keeping_no_longer(actor: Actor, one: SetFacts) -> None:
    confirmed(
        "Stop updating",
        ":material/update_disabled:",
        "New documents no longer go into it: embedding them costs nothing more, and there is no way back to it once "
        f"there are some. `kyo embeddings build {one.id}` goes on with it.",
        "No longer keep it up to date",
        lambda: embedding_sets.retire(runtime.kyo(), actor, one.id),
        key=f"retire-{one.id}",
        notice=f"No longer kept up to date: {name(one)}",
        quiet=True,
    )


def _dropping(actor: Actor, one: SetFacts) -> None:
    confirmed(
        "Drop",
        ":material/delete:",
        "Its vectors are removed. This cannot be undone: to have them again, everything is embedded again.",
        "Drop this set for ever",
        lambda: embedding_sets.drop(runtime.kyo(), actor, one.id),
        key=f"drop-{one.id}",
        notice=f"Dropped: {name(one)}",
        quiet=True,
    )


def _kept(one: SetFacts) -> str:
    if one.is_kept:
        return f"{one.done:,} of {wording.counted(one.versions, 'file')}"
    return "new files do not go into it"
