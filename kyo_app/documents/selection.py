"""Several documents at once: choose them, then approve, archive, move or tag each of them.

Each goes through its service by itself, so that one that is refused stops no other. What became of them is kept while
it is being done: when the page is left in the middle, the summary says how far it came.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import streamlit as st

from kyo_app import runtime
from kyo_app.components import sentence
from kyo_app.documents import overdue
from kyo_app.documents.curation import tags_field
from kyo_app.markup import inert, inert_line
from kyo_app.wording import counted
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.documents import Document, DocumentState, Review, VersionStatus
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import curating, reviewing

_SELECTED = "selected-documents"
_SUMMARY = "summary-of-many"
_MOST_NAMED = 20
_MOVE = ":material/drive_file_move:"


@dataclass(frozen=True)
class Chosen:
    """A document as it was when it was ticked: what is approved is the version that was on the page.

    `waits` for approval, and can be approved as far as can be seen from here.
    """

    id: UUID
    version_id: UUID
    title: str
    collection: str
    waits: bool


@dataclass(frozen=True)
class _Deed:
    """What to do with which of them, and how to say that it was done."""

    verb: str
    do: Callable[[Chosen], object]
    to: Sequence[Chosen]


@dataclass
class Summary:
    """What became of them so far. `refused`: titles with the sentence that says why."""

    verb: str
    total: int
    done: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.total - self.done - len(self.refused)

    def reasons(self) -> dict[str, list[str]]:
        """Titles by the sentence that says why: it is often the same for all."""
        found: dict[str, list[str]] = {}
        for title, why in self.refused:
            found.setdefault(why, []).append(title)
        return found


@dataclass
class _Selected:
    """Belongs to one search: what another one hides, nobody should change unseen."""

    search: str
    documents: dict[UUID, Chosen] = field(default_factory=dict)


def decides_in(actor: Actor) -> frozenset[str]:
    """The collections that somebody may approve in, where they choose several; each document decides once more."""
    return frozenset(overdue.intervals(actor)) if actor.may(Permission.DOCUMENT_CHANGE) else frozenset()


def box(document: Document, search: str) -> None:
    """The checkbox of a row."""
    key = f"select-{document.id}"
    st.session_state[key] = document.id in _selected(search).documents
    st.checkbox(
        f"Select {inert_line(document.title, 90)}",
        key=key,
        label_visibility="collapsed",
        on_change=_tick,
        args=(search, [_chosen(document)], key),
    )


def bar(actor: Actor, documents: Sequence[Document], search: str) -> None:
    """Above the rows of a page: all of them, how many are chosen, and what to do with them."""
    selected = _selected(search).documents
    key = "select-page"
    st.session_state[key] = all(document.id in selected for document in documents)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.checkbox(
                "Select all on this page",
                key=key,
                on_change=_tick,
                args=(search, [_chosen(document) for document in documents], key),
            )
            st.markdown(f"**{len(selected):,}** selected", width="content")
        if not selected:
            return
        with st.container(horizontal=True):
            deed = _deed(actor, list(selected.values()))
        if deed is not None:
            _do(deed)


def summary() -> None:
    """What became of the last ones, until somebody hides it."""
    found: Summary | None = st.session_state.get(_SUMMARY)
    if found is None:
        return
    with st.container(border=True, gap="xsmall"):
        if found.done:
            st.markdown(f":green[:material/check_circle:] {found.verb}: **{counted(found.done, 'document')}**")
        if found.refused:
            st.markdown(f":red[:material/error:] Left as they were: **{counted(len(found.refused), 'document')}**")
        for why, titles in found.reasons().items():
            named = ", ".join(inert_line(title, 90) for title in titles[:_MOST_NAMED])
            more = f", and {len(titles) - _MOST_NAMED:,} more" if len(titles) > _MOST_NAMED else ""
            st.markdown(f"{inert(why)}  \n:small[:gray[{named}{more}]]")
        if found.left:
            st.markdown(f":orange[:material/pause_circle:] Not reached: **{counted(found.left, 'document')}**")
        if st.button("Hide", key="hide-summary", type="tertiary"):
            del st.session_state[_SUMMARY]
            st.rerun()


def _deed(actor: Actor, chosen: Sequence[Chosen]) -> _Deed | None:
    """What somebody has just asked for, if anything."""
    kyo, number = runtime.kyo(), counted(len(chosen), "document")
    months = overdue.intervals(actor)
    asked: list[_Deed | None] = [_approving(actor, chosen, months)]
    with st.popover("Tag", icon=":material/sell:"):
        asked.append(_tagging(actor, chosen))
    with st.popover("Move", icon=_MOVE):
        asked.append(_moving(actor, chosen, list(months)))
    with st.popover("Archive", icon=":material/archive:"):
        st.markdown(f"Archive {number}? They are then no longer found and answer no questions.")
        if st.button(f"Archive {number}", key="archive-many", type="primary"):
            asked.append(_Deed("Archived", lambda one: curating.archive(kyo, actor, one.id), chosen))
    return next(filter(None, asked), None)


def _approving(actor: Actor, chosen: Sequence[Chosen], months: Mapping[str, int | None]) -> _Deed | None:
    """Of those only that wait for it."""
    waiting = [one for one in chosen if one.waits]
    none_waits = "" if waiting else "None of them waits for approval."
    with st.popover("Approve", icon=":material/check:", disabled=not waiting, help=none_waits or None):
        if not waiting:
            return None
        number = counted(len(waiting), "document")
        wait = "waits" if len(waiting) == 1 else "wait"
        some = f"{len(waiting):,} of {len(chosen):,} {wait} for approval. " if len(waiting) < len(chosen) else ""
        st.markdown(f"{some}Approve {number}? Each then answers questions{_until(waiting, months)}.")
        if not st.button(f"Approve {number}", key="approve-many", type="primary"):
            return None
    return _Deed("Approved", lambda one: reviewing.approve(runtime.kyo(), actor, one.version_id), waiting)


def _until(waiting: Sequence[Chosen], months: Mapping[str, int | None]) -> str:
    """How long an approval holds, if its collection says something of it."""
    ends = [bool(months.get(one.collection)) for one in waiting]
    if all(ends):
        return ", until the day that its collection says"
    return ", some of them until the day that their collection says" if any(ends) else ""


def _tagging(actor: Actor, chosen: Sequence[Chosen]) -> _Deed | None:
    with st.form("tag-many", border=False):
        tags = tags_field(curating.list_tags(runtime.kyo(), actor), key="tags-of-many")
        submitted = st.form_submit_button("Add tags", type="primary")
    if submitted and not tags:
        st.warning("Choose or type a tag first.", icon=":material/sell:")
    if not submitted or not tags:
        return None
    return _Deed("Tagged", lambda one: curating.add_tags(runtime.kyo(), actor, one.id, tags), chosen)


def _moving(actor: Actor, chosen: Sequence[Chosen], places: Sequence[str]) -> _Deed | None:
    with st.form("move-many", border=False):
        target = st.selectbox("Move to", places, index=None, placeholder="A collection", key="target-of-many")
        submitted = st.form_submit_button("Move them", type="primary")
    if submitted and target is None:
        st.warning("Choose a collection first.", icon=_MOVE)
    if not submitted or target is None:
        return None
    return _Deed("Moved", lambda one: curating.move(runtime.kyo(), actor, one.id, target), chosen)


def _do(deed: _Deed) -> None:
    chosen = deed.to
    found = st.session_state[_SUMMARY] = Summary(deed.verb, len(chosen))
    line = st.progress(0.0)
    for number, one in enumerate(chosen):
        line.progress(number / len(chosen), text=f"{number + 1:,} of {len(chosen):,} · {inert_line(one.title, 60)}")
        try:
            deed.do(one)
        except KyoError as error:
            found.refused.append((one.title, sentence(error)))
        else:
            found.done += 1
    del st.session_state[_SELECTED]
    st.rerun()


def _tick(search: str, documents: Iterable[Chosen], key: str) -> None:
    selected = _selected(search).documents
    for one in documents:
        if st.session_state[key]:
            selected[one.id] = one
        else:
            selected.pop(one.id, None)


def _selected(search: str) -> _Selected:
    found: _Selected | None = st.session_state.get(_SELECTED)
    if found is None or found.search != search:
        found = st.session_state[_SELECTED] = _Selected(search)
    return found


def _chosen(document: Document) -> Chosen:
    latest = document.latest
    waits = latest.review is Review.PENDING and latest.status is not VersionStatus.FAILED
    waits = waits and document.state is not DocumentState.ARCHIVED
    return Chosen(document.id, latest.id, document.title, document.collection, waits)
