"""Widgets that more than one view uses. Text of others goes through `inert`, never into markdown as it is."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.markup import badge, highlighted, inert, inert_line
from kyo_pipeline.domain.answers import Citation
from kyo_pipeline.domain.documents import Document, PassageInContext, VersionStatus, progress
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import library

_log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong on our side. It has been logged; please try again."


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show a `KyoError` where it happens. Everything else goes up to `show_unexpected`."""
    try:
        yield
    except KyoError as error:
        st.error(inert(error.message), icon=":material/error:")


def show_unexpected(error: Exception) -> bool:
    """For what nobody caught, in a page, a callback or a fragment. True tells `st.App` that it has been shown."""
    if isinstance(error, KyoError):
        st.error(inert(error.message), icon=":material/error:")
    else:
        _log.error("Unexpected error in the app", exc_info=error)
        st.error(UNEXPECTED, icon=":material/error:")
    return True


def live(name: str, draw: Callable[[], bool], seconds: float) -> None:
    """Draw, and draw again every `seconds` for as long as `draw` says that something is under way."""
    key = f"live-{name}"

    @st.fragment(run_every=seconds if st.session_state.get(key) else None, key=key + "-part")
    def part() -> None:
        busy = draw()
        if busy != st.session_state.get(key, False):
            st.session_state[key] = busy
            st.rerun()

    part()


def page_offset(key: str, size: int) -> int:
    """Where the page that is chosen in `page_picker` starts."""
    return (int(st.session_state.get(key, 1)) - 1) * size


def page_picker(key: str, size: int, total: int) -> None:
    count = max(1, -(-total // size))
    if count > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(count, key=key, max_visible_pages=5)


@dataclass(frozen=True)
class Link:
    """To another view, which is known by its path in the address."""

    url_path: str
    label: str
    icon: str

    def show(self) -> None:
        page = st.Page(_nothing, url_path=self.url_path or None, title=self.label, default=not self.url_path)
        st.page_link(page, label=self.label, icon=self.icon)


def empty_state(icon: str, title: str, body: str, link: Link | None = None) -> None:
    """What is missing, and what to do about it."""
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"### :primary[{icon}]", text_alignment="center", anchors=False)
        st.markdown(f"**{title}**", text_alignment="center")
        st.caption(body, text_alignment="center")
        if link is not None:
            link.show()
        st.space("small")


def local_time(moment: datetime) -> str:
    return wording.human_time(moment, runtime.kyo().now(), _zone())


def state_badges(document: Document) -> str:
    """Markdown: what people decided, and what the machine does or failed to do."""
    label, color = wording.STATES[document.state]
    parts = [badge(label, color)]
    latest = document.latest
    if latest.status is VersionStatus.FAILED:
        parts.append(badge("Could not be read", "red"))
    elif latest.in_progress:
        parts.append(badge(f"{wording.STEPS[latest.status]} {progress(latest.status):.0%}", "blue"))
    if document.current_number is not None and document.current_number != latest.number:
        parts.append(badge(f"v{document.current_number} answers questions", "gray"))
    return " ".join(parts)


def sources(citations: tuple[Citation, ...], key: str) -> None:
    """One expander a citation; its passage is read when it is opened, as the person who opens it."""
    st.caption(f"**{wording.counted(len(citations), 'source')}**")
    for citation in citations:
        _source(citation, f"source-{key}-{citation.marker}")


@st.fragment
def _source(citation: Citation, key: str) -> None:
    where = wording.pages(citation.page_from, citation.page_to)
    label = " · ".join(
        part for part in (f"{badge(str(citation.marker), 'primary')} {inert_line(citation.title, 90)}", where) if part
    )
    opened = st.expander(label, key=key, on_change="rerun")
    if opened.open:
        with opened, shown_errors():
            passage(library.read_passage(runtime.kyo(), acting(), citation.version_id, citation.start, citation.end))


def passage(found: PassageInContext) -> None:
    """Where a passage stands, and its text with the cited part marked."""
    state = badge("current version", "green") if found.is_current else badge("older version", "orange")
    place = " › ".join(inert_line(heading, 80) for heading in found.heading_path)
    facts = [f"Version {found.version_number}", wording.pages(found.page_from, found.page_to), place]
    st.caption(" · ".join(fact for fact in facts if fact) + f" {state}")
    if not found.is_current:
        st.caption("The document has changed since. This is the text that the answer was made from.")
    st.markdown(highlighted(_from_word(found.before), found.quote, _to_word(found.after)))
    st.caption(f":material/draft: {inert_line(found.file_name, 120)}")


def _from_word(text: str) -> str:
    """The context is cut anywhere: begin it with a whole word."""
    head, blank, rest = text.partition(" ")
    return f"… {rest}" if blank and len(head) < 40 and len(text) > 200 else text


def _to_word(text: str) -> str:
    rest, blank, tail = text.rpartition(" ")
    return f"{rest} …" if blank and len(tail) < 40 and len(text) > 200 else text


def _zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return timezone.utc


def _nothing() -> None:
    """Stands for a view in a `Link`; never called."""
