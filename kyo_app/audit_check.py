"""Whether the audit log is as it was written: what was found last, and a button that looks again."""

import time

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.audit_row import who
from kyo_app.components import local_time, run_again
from kyo_app.exports import address_of
from kyo_app.markup import inert
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_export import Format
from kyo_pipeline.domain.audit_log import EVERYTHING, AuditFilter, AuditRecord
from kyo_pipeline.services import auditing

#: Of each batch that was read, how long others get the process to themselves: hashing keeps it busy.
_REST = 0.5


def check_panel(actor: Actor) -> None:
    checks = auditing.list_records(runtime.kyo(), actor, AuditFilter(event=Event.AUDIT_VERIFY.value), limit=1)
    with st.container(border=True, gap="small"):
        _last(checks.records[0] if checks.records else None)
        with st.container(horizontal=True, vertical_alignment="center"):
            asked = st.button("Check the log", icon=":material/verified_user:", key="audit-check")
            st.link_button(
                "Export all (JSON lines)",
                address_of(Format.JSONL, EVERYTHING),
                icon=":material/download:",
                type="tertiary",
                help="Anybody can check this file without KYO. Its script stands in docs/security.md.",
            )
        if asked:
            _check(actor)


def _last(record: AuditRecord | None) -> None:
    if record is None:
        st.markdown(":material/help: Nobody has checked the log yet.")
        return
    found, rows = record.details.get("found"), record.details.get("rows")
    counted = wording.counted(rows, "row") if isinstance(rows, int) else "All rows"
    when = f"{local_time(record.at)}, by {inert(who(record))}"
    if found:
        st.error(
            f"**The log was tampered with.** {inert(str(found))}  \nFound {when}. Keep the database as it is, and "
            "compare it with a backup and with the exports and anchors that you keep elsewhere.",
            icon=":material/gpp_maybe:",
        )
    else:
        st.markdown(f":green[:material/verified_user:] Checked {when}: {counted}, all as they were written.")


def _check(actor: Actor) -> None:
    kyo = runtime.kyo()
    anchors = auditing.kept_anchors(kyo, actor)
    count = max(auditing.end(kyo, actor).end.id, 1)
    bar = st.progress(0.0, "Reading the log…")
    began = time.monotonic()

    def on_rows(read: int) -> None:
        nonlocal began
        bar.progress(min(read / count, 1.0), f"{read:,} of {count:,} rows")
        time.sleep((time.monotonic() - began) * _REST)
        began = time.monotonic()

    found = auditing.verify(kyo, actor, anchors, on_rows)
    run_again(
        "The log is as it was written." if found.holds else "The log was tampered with.",
        ":material/verified_user:" if found.holds else ":material/gpp_maybe:",
    )
