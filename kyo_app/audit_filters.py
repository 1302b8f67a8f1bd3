"""Which rows of the audit log are wanted: fields, and what they are set to by a row that is open."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

import streamlit as st

from kyo_app import deeds, runtime
from kyo_app.components import local_day, reader_zone
from kyo_pipeline.domain.access import PersonName
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit_log import AuditFilter
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.services import auditing

PERSON, DEED, OBJECT, REQUEST = "audit-person", "audit-deed", "audit-object", "audit-request"
_TIME, _FROM, _TO, _REFUSED = "audit-time", "audit-from", "audit-to", "audit-refused"

_CHOSEN = "From … to …"
#: Days, today among them.
_TIMES = {"Any time": None, "Today": 1, "Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90, _CHOSEN: 0}


def filters(actor: Actor) -> AuditFilter:
    """Draw the fields; returns what they ask for."""
    kyo = runtime.kyo()
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True):
            actor_id = _person(auditing.list_people(kyo, actor))
            object_type, event = _deed(auditing.list_events(kyo, actor))
        with st.container(horizontal=True):
            object_id = _typed("About", OBJECT, "Identifier of a document, a person, …")
            request_id = _typed("In request", REQUEST, "What belongs together")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = st.selectbox("When", list(_TIMES), key=_TIME, persist_state="page", width=220)
            refused = st.checkbox("Only what was refused", key=_REFUSED, persist_state="page", width="content")
            st.button("Clear", icon=":material/filter_alt_off:", key="audit-clear", type="tertiary", on_click=clear)
        since, until = _chosen() if wanted == _CHOSEN else (_days_ago(_TIMES[wanted]), None)
    return AuditFilter(
        actor_id=actor_id,
        event=event,
        object_type=object_type,
        object_id=object_id,
        outcome="refused" if refused else None,
        request_id=request_id,
        since=since,
        until=until,
    )


def clear() -> None:
    """For a callback: as before anything was chosen."""
    st.session_state.update(
        {PERSON: None, DEED: None, OBJECT: "", REQUEST: "", _TIME: next(iter(_TIMES)), _REFUSED: False}
    )


def only(key: str, value: str) -> None:
    """For a callback: this field, and no other."""
    clear()
    st.session_state[key] = value


def _person(people: Sequence[PersonName]) -> UUID | None:
    names = {str(one.id): _called(one) for one in people}
    chosen = st.session_state.get(PERSON)
    if chosen is not None and chosen not in names:
        names[chosen] = "Somebody who is no more here"
    picked = st.selectbox(
        "Who", list(names), None, format_func=names.__getitem__, placeholder="Anybody", key=PERSON, persist_state="page"
    )
    return UUID(picked) if picked else None


def _called(one: PersonName) -> str:
    return "KYO itself, or its command line" if one.id == OPERATOR.id else f"{one.name} ({one.username})"


def _deed(events: Sequence[str]) -> tuple[str | None, str | None]:
    """Object type and event; of both at most one."""
    types = list(dict.fromkeys(event.partition(":")[0] for event in events))
    options = [one for kind in types for one in (kind, *(event for event in events if event.partition(":")[0] == kind))]
    chosen = st.session_state.get(DEED)
    if chosen is not None and chosen not in options:
        options.append(chosen)  # of before what is on record now was pruned
    picked = st.selectbox(
        "Did what", options, None, format_func=_deed_label, placeholder="Anything", key=DEED, persist_state="page"
    )
    if picked is None:
        return None, None
    return (None, picked) if ":" in picked else (picked, None)


def _deed_label(option: str) -> str:
    if ":" not in option:
        return f"Anything about {deeds.things(option)}"
    words = deeds.deed(option)
    return f"{words[0].upper()}{words[1:]} · {option}"


def _typed(label: str, key: str, placeholder: str) -> str | None:
    text = st.text_input(label, key=key, persist_state="page", placeholder=placeholder, max_chars=200)
    return storable(text.strip()) or None


def _days_ago(days: int | None) -> datetime | None:
    """When that day began, where the reader is."""
    if days is None:
        return None
    return datetime.combine(local_day() - timedelta(days=days - 1), time(), reader_zone())


def _chosen() -> tuple[datetime | None, datetime | None]:
    with st.container(horizontal=True):
        since, until = (
            st.datetime_input(label, None, key=key, persist_state="page", step=timedelta(minutes=5))
            for label, key in (("From", _FROM), ("To", _TO))
        )
    zone = reader_zone()
    return (
        since.replace(tzinfo=zone) if since else None,
        until.replace(tzinfo=zone) if until else None,
    )
