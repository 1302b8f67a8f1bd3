"""One version of a document itself: the pages as they are, or the text, with a passage marked in it."""

from dataclasses import dataclass, replace
from uuid import UUID

import streamlit as st

from kyo_app import runtime
from kyo_app.auth import acting
from kyo_app.components import Link, empty_state, shown_errors, turn_to
from kyo_app.documents.passages import facts, marks, since, source_markdown, standing
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import PassageInContext
from kyo_pipeline.domain.media_types import PDF
from kyo_pipeline.domain.sources import PageImage, SourceText, lead_in
from kyo_pipeline.errors import Forbidden, KyoError, NotFound
from kyo_pipeline.services import library, sources

_MAX_OFFSET = 2**30
#: Beside something else the picker of pages would shrink to the one that is shown.
_PICKER_PIXELS = 320


@dataclass(frozen=True)
class Wanted:
    """What the address asks for: a version, and the characters of it to mark, `start == end` for none."""

    version_id: UUID
    start: int
    end: int

    @property
    def marks(self) -> bool:
        return self.start < self.end

    @property
    def page_key(self) -> str:
        return f"source-page-{self.version_id}-{self.start}"

    @property
    def offset_key(self) -> str:
        """Of a character in the stretch that is shown, for formats without pages."""
        return f"source-offset-{self.version_id}-{self.start}"

    @property
    def whole_key(self) -> str:
        """Whether somebody wants to see what stands before the passage."""
        return f"source-whole-{self.version_id}-{self.start}"

    @property
    def refused_key(self) -> str:
        """Whether a page was turned to that this person may not read of this version."""
        return f"source-refused-{self.version_id}-{self.start}"

    def is_in(self, source: SourceText) -> bool:
        return self.start < source.start + len(source.text) and source.start < self.end


def show() -> None:
    actor = acting()
    with shown_errors():
        if "version" not in st.query_params:
            _nothing()
            return
        wanted = _wanted()
        source = _read(actor, wanted)
        passage = _passage(actor, wanted) if wanted.marks else None
        _head(source, passage)
        if source.current_number != source.version_number:
            _newer(actor, source, passage)
        elif not source.is_current and st.session_state.get(wanted.refused_key):
            _whole(actor, source)
        if source.page is not None:
            _page(actor, source, wanted)
        else:
            _stretch(source, wanted)


def _wanted() -> Wanted:
    try:
        version_id = UUID(st.query_params["version"])
    except ValueError as error:
        raise NotFound("There is no such document, or none that you may see.") from error
    start, end = (_number(st.query_params.get(name, "")) for name in ("start", "end"))
    return Wanted(version_id, start, end) if start < end else Wanted(version_id, 0, 0)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= _MAX_OFFSET else 0


def _read(actor: Actor, wanted: Wanted) -> SourceText:
    """The page or the stretch that was turned to, at first the one that the passage begins on."""
    kyo, state = runtime.kyo(), st.session_state
    page, offset = state.get(wanted.page_key), state.get(wanted.offset_key)
    if page is not None or offset is not None:
        try:
            return sources.read_source(kyo, actor, wanted.version_id, page=page, offset=offset)
        except NotFound as error:  # of an old version, some people may read a few pages only
            st.info(inert(error.message), icon=":material/lock:")
            state[wanted.refused_key] = True
            _go_back(wanted)
    source = sources.read_source(kyo, actor, wanted.version_id, offset=wanted.start if wanted.marks else None)
    if source.page is not None:
        state[wanted.page_key] = source.page
    return source


def _passage(actor: Actor, wanted: Wanted) -> PassageInContext:
    return library.read_passage(runtime.kyo(), actor, wanted.version_id, wanted.start, wanted.end, 0)


def _head(source: SourceText, passage: PassageInContext | None) -> None:
    st.title(inert_line(source.title, 160), anchor=False)
    if passage is not None:
        st.markdown(facts(passage))
    else:
        badges = [standing(source.version_number, source.current_number), *marks(from_ocr=source.from_ocr)]
        st.markdown(f":small[Version {source.version_number}] {' '.join(badges)}")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f":material/draft: {inert_line(source.file_name, 120)}", width="content")
        if source.may_download:
            st.link_button(
                "Download", f"/files/{source.version_id}", icon=":material/download:", type="tertiary", width="content"
            )


def _newer(actor: Actor, source: SourceText, passage: PassageInContext | None) -> None:
    """What became of this version, and the way to the one that answers questions."""
    is_in_current = passage.is_in_current if passage is not None else None
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":orange[:material/history:] {since(source.current_number, is_in_current)}")
        if source.current_number is None:
            return
        _way_to(actor, source, source.current_number, f"Open version {source.current_number}")


def _whole(actor: Actor, source: SourceText) -> None:
    """To the later reading of the same file, of which everybody may read all."""
    answers = library.read_document(runtime.kyo(), actor, source.document_id).current_number
    _way_to(actor, source, answers, "Open the whole document")


def _way_to(actor: Actor, source: SourceText, number: int | None, label: str) -> None:
    for version in library.list_history(runtime.kyo(), actor, source.document_id):
        if version.number == number:
            turn_to(label, ":material/menu_book:", {"version": str(version.id)}, key="open-current")


def _page(actor: Actor, source: SourceText, wanted: Wanted) -> None:
    """A picture of the page, and its text for those who cannot see it, or want to copy from it."""
    _turning(source, wanted)
    image = _drawn(actor, source, wanted) if source.media_type == PDF else None
    if image is None:
        _text(_from_passage(source, wanted, "page"), wanted)
        return
    with st.container(border=True):
        st.image(image.png, width="stretch", alt=_described(source, image))
    if wanted.is_in(source) and not image.marked:
        st.caption("The passage could not be marked in the picture. It is marked in the text below.")
    with st.expander(
        "Text of this page", icon=":material/article:", expanded=wanted.is_in(source) and not image.marked
    ):
        _text(source, wanted)


def _turning(source: SourceText, wanted: Wanted) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        ocr = f" {marks(from_ocr=True)[0]}" if source.from_ocr else ""
        st.markdown(f"**Page {source.page:,} of {source.pages:,}**{ocr}", width="content")
        if source.pages is not None and source.pages > 1:
            st.pagination(source.pages, key=wanted.page_key, max_visible_pages=5, width=_PICKER_PIXELS)
    _way_back(source, wanted)


def _drawn(actor: Actor, source: SourceText, wanted: Wanted) -> PageImage | None:
    """None, and a sentence, where the page cannot be drawn."""
    with st.spinner("Drawing the page…"):
        try:
            return sources.page_image(
                runtime.kyo(), actor, source.version_id, source.page or 1, wanted.start, wanted.end
            )
        except Forbidden:
            raise
        except KyoError as error:
            st.info(f"{inert(error.message)} This is its text.", icon=":material/image_not_supported:")
            return None


def _described(source: SourceText, image: PageImage) -> str:
    """Read out in the place of the picture."""
    marked = ", with the passage marked" if image.marked else ""
    return f"Page {source.page} of {source.title}{marked}. Its text follows below."


def _stretch(source: SourceText, wanted: Wanted) -> None:
    """Text without pages, at most some thousand characters at a time."""
    end = source.start + len(source.text)
    if source.start or end < source.characters:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            first, last = (round(100 * place / source.characters) for place in (source.start, end))
            st.markdown(f"**{first} % to {last} % of the text**", width="content")
            with st.container(horizontal=True, width="content"):
                _turn("Previous", ":material/arrow_back:", wanted, source.start - 1, disabled=not source.start)
                _turn("Next", ":material/arrow_forward:", wanted, end, disabled=end >= source.characters)
    _way_back(source, wanted)
    with st.container(border=True):
        _text(_from_passage(source, wanted, "part"), wanted)
    if end < source.characters:
        _turn("Read on", ":material/arrow_downward:", wanted, end)


def _turn(label: str, icon: str, wanted: Wanted, offset: int, *, disabled: bool = False) -> None:
    st.button(label, icon=icon, disabled=disabled, on_click=_turn_to, args=(wanted.offset_key, offset))


def _turn_to(key: str, offset: int) -> None:
    st.session_state[key] = offset


def _way_back(source: SourceText, wanted: Wanted) -> None:
    if wanted.marks and not wanted.is_in(source):
        st.button("Back to the passage", icon=":material/undo:", type="tertiary", on_click=_go_back, args=(wanted,))


def _go_back(wanted: Wanted) -> None:
    st.session_state.pop(wanted.page_key, None)
    st.session_state.pop(wanted.offset_key, None)
    st.session_state.pop(wanted.whole_key, None)


def _from_passage(source: SourceText, wanted: Wanted, what: str) -> SourceText:
    """Without most of what stands before the passage, which would push it out of sight, until that is asked for."""
    skipped = lead_in(source.text, wanted.start - source.start) if wanted.marks and wanted.is_in(source) else 0
    if not skipped or st.session_state.get(wanted.whole_key):
        return source
    label = f"Show from the beginning of this {what}"
    st.button(label, icon=":material/expand_less:", type="tertiary", on_click=_show_whole, args=(wanted.whole_key,))
    start = source.start + skipped
    headings = tuple(heading for heading in source.headings if heading.start >= start)
    return replace(source, text=source.text[skipped:], start=start, headings=headings)


def _show_whole(key: str) -> None:
    st.session_state[key] = True


def _text(source: SourceText, wanted: Wanted) -> None:
    if source.text.strip():
        st.markdown(source_markdown(source, wanted.start, wanted.end), anchors=False)
    else:
        st.caption("No text was found here.")


def _nothing() -> None:
    st.title("Source", anchor=False)
    empty_state(
        ":material/menu_book:",
        "No document was chosen",
        "Open one from the sources of an answer, or from the documents.",
        Link("documents", "See the documents", ":material/description:"),
    )
