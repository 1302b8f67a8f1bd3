"""The audit log, for administrators: who did what, to what, from where, and what was refused."""

import json
from datetime import date, datetime, time, timedelta

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import empty_state, local_day, local_moment, local_time, reader_zone, shown_errors, table
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit_log import MOST_COUNTED, OLDEST, AuditFilter, AuditPage, AuditRecord, Cursor
from kyo_pipeline.services import auditing, people

_PAGE = 25
_PLACE = "audit-place"
_ANY = "Anything"
_OUTCOMES = {"Done and refused": None, "Done": "done", "Refused": "refused"}
_RANGES = {"Any time": None, "Today": 1, "Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90}


def show() -> None:
    st.title("Audit log", anchor=False)
    st.markdown("What was done and what was refused. Rows can be added and never changed; the chain of hashes proves it.")
    actor = acting()
    with shown_errors():
        wanted = _filters(actor)
        if st.session_state.get(_PLACE, (None, None))[0] != wanted:
            st.session_state[_PLACE] = (wanted, None)
        page = auditing.list_records(runtime.kyo(), actor, wanted, st.session_state[_PLACE][1], _PAGE)
        if not page.records:
            empty_state(":material/search_off:", "Nothing is on record", "Choose other filters, or a longer time.")
            return
        _rows(page)
        _pages(wanted, page)
