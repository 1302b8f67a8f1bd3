"""Embedding sets, for administrators: what answers, what is built beside it, and what there was."""

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    empty_state,
    first_page_if_empty,
    live,
    local_time,
    page_offset,
    page_picker,
    run_again,
    shown_errors,
    table,
)
from kyo_app.embedding_set import answering_panel, standing_panel, under_way_panel
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, way_back
from kyo_pipeline.services import embedding_sets
from kyo_pipeline.services.embedding_sets import Overview

_PAGE = 10
_KEY = "embeddings-page"


def show() -> None:
    st.title("Embeddings", anchor=False)
    st.markdown(
        "Passages are found by what they mean, with the vectors of an embedding model. Another model, or passages of "
        "another size, is built beside what answers, judged on questions with known answers, and swapped in at once."
    )
    live("embeddings", _draw, seconds=3, idle_seconds=15)


def _draw() -> bool:
    """True while a set is built, or one has been asked for."""
    actor = acting()
    with shown_errors():
        found = embedding_sets.overview(runtime.kyo(), actor)
        answering = next((one for one in found.sets if one.state is SetState.ACTIVE), None)
        if answering is None:
            empty_state(":material/hub:", "Nothing is indexed yet", "The first documents make the first embedding set.")
            return False
        st.subheader("What answers now", anchor=False)
        answering_panel(actor, answering, way_back(found.sets))
        under_way = [one for one in found.sets if one.is_under_way]
        _under_way(actor, under_way, found)
        _standing(actor, found)
        _history(found)
        return bool(under_way) or found.is_requested
    return False


def _under_way(actor: Actor, under_way: list[SetFacts], found: Overview) -> None:
    st.subheader("Under way" if under_way or found.is_requested else "A new set", anchor=False)
    for one in under_way:
        under_way_panel(actor, one, found)
    if found.is_requested and not under_way:
        st.info("A new set has been asked for. The pipeline begins it within a minute.", icon=":material/hourglass:")
    _building(actor, _why_not_build(under_way, found))


def _why_not_build(under_way: list[SetFacts], found: Overview) -> str:
    if under_way:
        return "One is under way. Let it answer, or give it up, before another one is built."
    return "One has been asked for already." if found.is_requested else ""


def _building(actor: Actor, obstacle: str) -> None:
    asked = st.button(
        "Build a new set", icon=":material/add:", key="build-set", disabled=bool(obstacle), help=obstacle or None
    )
    st.caption(obstacle or f"With the model and the sizes that the settings name now. {_by_itself()}")
    if asked:
        with shown_errors():
            embedding_sets.request(runtime.kyo(), actor)
            run_again("A new set has been asked for", ":material/hub:")


def _by_itself() -> str:
    if runtime.kyo().settings.KYO_REEMBED_ON_CHANGE:
        return "When those change, the pipeline does it by itself."
    return "The pipeline does not do it by itself when those change: KYO_REEMBED_ON_CHANGE is off."


def _standing(actor: Actor, found: Overview) -> None:
    standing = [one for one in found.sets if one.state is SetState.RETIRED]
    if standing:
        st.subheader("Retired", anchor=False)
    for one in standing:
        standing_panel(actor, one, found)


def _history(found: Overview) -> None:
    st.subheader("History", anchor=False)
    start = page_offset(_KEY, _PAGE)
    first_page_if_empty(_KEY, found.sets[start:])
    table([_row(one) for one in found.sets[start : start + _PAGE]], "All embedding sets that there have been")
    page_picker(_KEY, _PAGE, len(found.sets))


def _row(one: SetFacts) -> dict[str, str]:
    return {
        "Set": str(one.id),
        "Model": inert_line(one.spec.model, 60),
        "State": wording.SETS[one.state][0],
        "Created": local_time(one.created_at),
        "Activated": local_time(one.activated_at) if one.activated_at else "",
        "Retired": local_time(one.retired_at) if one.retired_at else "",
        "By": inert_line(one.created_by or "", 60),
        "Reason": inert_line(one.reason, 200),
    }
