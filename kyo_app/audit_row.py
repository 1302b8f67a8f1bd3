"""One row of the audit log, and all that it says when it is open."""

import streamlit as st

from kyo_app import deeds
from kyo_app.audit_filters import OBJECT, PERSON, REQUEST, only
from kyo_app.components import local_moment, local_time, table
from kyo_app.markup import badge, inert, inert_line
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit_log import AuditRecord


def row_panel(record: AuditRecord) -> None:
    """Shut it is a sentence; what else it says is drawn only when it is open."""
    opened = st.expander(_sentence(record), key=f"audit-row-{record.id}", on_change="rerun")
    if opened.open:
        with opened:
            _changes(record)
            _facts(record)
            _ways_on(record)


def who(record: AuditRecord) -> str:
    return "KYO" if record.actor_id == OPERATOR.id else record.actor_name


def _sentence(record: AuditRecord) -> str:
    """Markdown: who did what to what, and when."""
    refused = f" {badge('Refused', 'orange')}" if record.outcome == "refused" else ""
    name = inert_line(deeds.name_of(record.details), 80)
    about = f" · {name}" if name else ""
    did = f"**{inert_line(who(record), 60)}** {inert_line(deeds.deed(record.event))}{about}"
    return f"{did}{refused} :small[:gray[{local_time(record.at)}]]"


def _changes(record: AuditRecord) -> None:
    found = deeds.changes(record.details)
    if found:
        rows = [
            {**({"What": inert(one.what)} if one.what else {}), "Before": inert(one.before), "After": inert(one.after)}
            for one in found
        ]
        table(rows, "What was otherwise before")


def _facts(record: AuditRecord) -> None:
    details = [(inert_line(deeds.label(name), 60), inert(said)) for name, said in deeds.others(record.details).items()]
    facts = [
        ("When", local_moment(record.at)),
        ("Who", inert_line(record.actor_name, 80)),
        ("What", inert_line(record.event)),
        ("Outcome", inert_line(record.outcome)),
        (inert_line(deeds.label(record.object_type), 60), inert_line(record.object_id, 200)),
        *details,
        ("From address", inert_line(record.address or "", 80)),
        ("Request", inert_line(record.request_id or "", 80)),
        ("Row", f"{record.id:,}"),
    ]
    rows = [{"": name, " ": value} for name, value in facts if value]
    table(rows, "All that this row says", headed=False)
    if record.hash is None:
        st.caption("It is older than the chain, and has no hash of its own.")
        return
    st.caption("The hash of this row, and of the one before")
    st.code(f"{record.hash}\n{record.previous_hash}", language=None, wrap_lines=True)


def _ways_on(record: AuditRecord) -> None:
    ways = [("All that they did", ":material/person:", PERSON, str(record.actor_id) if record.actor_id else "")]
    ways.append(("All about the same thing", ":material/category:", OBJECT, record.object_id))
    ways.append(("What belongs together", ":material/link:", REQUEST, record.request_id or ""))
    with st.container(horizontal=True):
        for label, icon, key, value in ways:
            if value:
                st.button(label, icon=icon, key=f"{key}-{record.id}", type="tertiary", on_click=only, args=(key, value))
