"""Passages of documents: the sources under an answer, each with the text that the answer was made from."""

from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import Link, expander, shown_errors
from kyo_app.markup import MARKER_COLOR, badge, highlighted, inert_line
from kyo_pipeline.domain.answers import Citation
from kyo_pipeline.domain.documents import PassageInContext
from kyo_pipeline.domain.sources import SourceText
from kyo_pipeline.services import library

_CONTEXT = 400
#: Between the cells of a table, where a tab would be shown as a blank.
_GAP = str.maketrans({"\t": "\u2003"})


def sources(citations: tuple[Citation, ...], key: str) -> None:
    """One expander a citation; its passage is read when it is opened, as the person who opens it."""
    st.caption(f"**{wording.counted(len(citations), 'source')}**")
    for citation in citations:
        if citation.is_deleted:
            st.markdown(f"{_name(citation)} {badge('since deleted', 'gray')}")
        else:
            _source(citation, f"source-{key}-{citation.marker}")


def source_link(
    version_id: UUID, start: int | None = None, end: int | None = None, label: str = "Open in the document"
) -> Link:
    """To the page or the text of this version, with characters start..end marked."""
    query = {"version": str(version_id)}
    if start is not None and end is not None:
        query |= {"start": str(start), "end": str(end)}
    return Link("source", label, ":material/menu_book:", query)


def standing(number: int, current_number: int | None, is_in_current: bool | None = None) -> str:
    """A badge that says how a version stands to the one that answers questions now."""
    if number == current_number:
        return badge("current version", "green")
    if current_number is None:
        return badge("answers no questions now", "gray")
    which = f"newer version {current_number}" if current_number > number else f"version {current_number} answers now"
    if is_in_current is None:
        return badge(which, "orange")
    return badge(
        f"{which}: passage {'unchanged' if is_in_current else 'changed'}", "blue" if is_in_current else "orange"
    )


def marks(*, is_stale: bool = False, from_ocr: bool = False) -> list[str]:
    """Badges for what a reader should know of a text, whatever its version."""
    return [
        *([badge("review overdue", "orange")] if is_stale else []),
        *([badge("OCR", "violet")] if from_ocr else []),
    ]


def since(current_number: int | None, is_in_current: bool | None) -> str:
    """What became of a passage of a version that answers no questions now, in a sentence or two."""
    if current_number is None:
        return "No version of this document answers questions now."
    now = f"Version {current_number} answers questions now."
    if is_in_current is None:
        return now
    return f"{now} This passage {'stands in it unchanged' if is_in_current else 'is not in it as it was'}."


def source_markdown(source: SourceText, start: int, end: int) -> str:
    """Markdown of a stretch of a document: its headings as such, and characters start..end of the document marked."""
    parts, position, text = [], 0, source.text.translate(_GAP)

    def text_until(stop: int) -> str:
        left, right = (min(max(edge - source.start, position), stop) for edge in (start, end))
        return highlighted(text[position:left], text[left:right], text[right:stop])

    for heading in source.headings:
        begin = heading.start - source.start
        line_end = text.find("\n", max(begin, 0))
        stop = line_end if line_end >= 0 else len(text)
        if position <= begin < stop:
            parts.append(text_until(begin))
            position = begin
            parts.append(f"{'#' * min(heading.level + 2, 6)} {text_until(stop)}")
            position = stop
    parts.append(text_until(len(text)))
    return "\n\n".join(part for part in parts if part.strip("# "))


@st.fragment
def _source(citation: Citation, key: str) -> None:
    version = f"v{citation.version_number}" if citation.version_number > 1 else ""
    where = wording.pages(citation.page_from, citation.page_to)
    label = " · ".join(part for part in (_name(citation), version, where) if part)
    badges = marks(is_stale=citation.is_stale, from_ocr=citation.from_ocr)
    if citation.current_number != citation.version_number:
        badges.insert(0, standing(citation.version_number, citation.current_number))
    opened = expander(" ".join([label, *badges]), key)
    if opened.open:
        with opened, shown_errors():
            found = library.read_passage(
                runtime.kyo(), acting(), citation.version_id, citation.start, citation.end, _CONTEXT
            )
            _passage(found)
            source_link(citation.version_id, citation.start, citation.end).show()


def _name(citation: Citation) -> str:
    return f"{badge(str(citation.marker), MARKER_COLOR)} {inert_line(citation.title, 90)}"


def _passage(found: PassageInContext) -> None:
    """Where a passage stands, and its text with the cited part marked."""
    st.markdown(facts(found))
    if found.current_number != found.version_number:
        st.caption("This is the text that the answer was made from.")
    parts = (_from_word(found.before), found.quote, _to_word(found.after))
    st.markdown(highlighted(*(part.translate(_GAP) for part in parts)))
    st.caption(f":material/draft: {inert_line(found.file_name, 120)}")


def facts(found: PassageInContext) -> str:
    """Version, page and section of a passage, with its badges, on one line of markdown."""
    place = " › ".join(inert_line(heading, 80) for heading in found.heading_path)
    words = [f"Version {found.version_number}", wording.pages(found.page_from, found.page_to), place]
    badges = [
        standing(found.version_number, found.current_number, found.is_in_current),
        *marks(is_stale=found.is_stale, from_ocr=found.from_ocr),
    ]
    return f":small[{' · '.join(word for word in words if word)}] {' '.join(badges)}"


def _from_word(text: str) -> str:
    """The context is cut anywhere: begin it with a whole word."""
    head, blank, rest = text.partition(" ")
    return f"… {rest}" if blank and len(head) < 40 and len(text) > 200 else text


def _to_word(text: str) -> str:
    rest, blank, tail = text.rpartition(" ")
    return f"{rest} …" if blank and len(tail) < 40 and len(text) > 200 else text
