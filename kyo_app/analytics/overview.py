"""How KYO is used: questions and what became of them, times, documents, collections, files."""

from collections.abc import Sequence

import streamlit as st

from kyo_app import wording
from kyo_app.analytics import charts, figures, tables
from kyo_app.analytics.parts import (
    Shown,
    show_chart,
    show_days,
    show_download,
    show_figures,
    show_heading,
    show_numbers,
    show_rows,
)
from kyo_pipeline.domain.analytics import CollectionUse, DocumentUse, IngestionTotals, Overview, StageLatency


def overview_panel(found: Overview, shown: Shown, *, refusals: bool) -> None:
    """`refusals` for those to whom they are told."""
    now, before = found.totals, found.before
    show_figures([*figures.of_use(now, before), *figures.of_effort(now, before, refusals=refusals)])
    show_days("Questions", charts.OUTCOMES, found.days, shown)
    columns = tables.of_days(priced=now.cost is not None, refusals=refusals)
    show_download("Download days (CSV)", columns, found.days, shown.file_name("days"))
    _latencies(found.latencies, shown)
    _documents(found.documents, shown)
    _collections(found.collections, shown)


def unused_panel(found: Sequence[DocumentUse], number: int, shown: Shown) -> None:
    """Documents that answer questions and were not needed for any; `number` of all of them."""
    show_heading("Documents that nobody needed")
    if not number:
        st.caption("There is none in these days.")
        return
    more = "" if number == len(found) else f" The first {len(found):,} of them are listed."
    st.caption(f"{wording.counted(number, 'document')} answered nothing that was asked in these days.{more}")
    show_rows("Documents that nobody needed", tables.NEVER_USED, found, shown, "never-used-documents")


def ingestion_panel(found: IngestionTotals, shown: Shown) -> None:
    show_heading("Files that came in")
    if not found.files:
        st.caption("No file was uploaded in these days.")
        return
    show_figures(figures.of_ingestion(found))
    told = ", ".join(f"{number:,} {name.lower()}" for name, number in charts.ingested(found).items())
    show_chart(charts.ingestion(found), f"Files that were uploaded, {shown.said}: {told}.")


def _latencies(found: Sequence[StageLatency], shown: Shown) -> None:
    if not found:
        return
    show_heading("How long answers took")
    # The first is all stages together; the table says the rest.
    told = f"half within {figures.seconds(found[0].p50 / 1000)}, 95 % within {figures.seconds(found[0].p95 / 1000)}"
    show_chart(charts.latencies(found), f"How long answers took, {shown.said}: {told}.")
    show_numbers("How long answers took", tables.LATENCIES, found)
    show_download("Download times (CSV)", tables.LATENCIES, found, shown.file_name("times"))


def _documents(found: Sequence[DocumentUse], shown: Shown) -> None:
    if found:
        show_heading("Most used documents")
        show_rows("Most used documents", tables.MOST_USED, found, shown, "most-used-documents")


def _collections(found: Sequence[CollectionUse], shown: Shown) -> None:
    if found:
        show_heading("Collections")
        st.caption(
            "A question counts in each collection that its answer quotes; one without an answer, where it came near to "
            "a document."
        )
        show_rows("Collections", tables.COLLECTIONS, found, shown, "collections")
