"""Widgets that more than one view uses. Text of others goes through `inert`, never into markdown as it is."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

from kyo_app import runtime, wording
from kyo_app.auth import current_actor
from kyo_app.markup import badge, inert
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.documents import Document, Review, VersionStatus
from kyo_pipeline.errors import Forbidden, KyoError, TooMany
from kyo_pipeline.services import library, refusals

_log = logging.getLogger(__name__)

_NOTICES = "notices"
_BEFORE_SIGN_IN = "before-sign-in"

UNEXPECTED = "Something went wrong on our side. It has been logged; please try again."


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show a `KyoError` where it happens. Everything else goes up to `show_unexpected`."""
    try:
        yield
    except KyoError as error:
        _show(error)


def record_refusal(what: str) -> None:
    """Put on record that somebody tried what they may not do."""
    actor = current_actor()
    if actor is not None:
        refusals.record(runtime.kyo(), actor, what)


def _show(error: KyoError) -> None:
    st.error(inert(sentence(error)), icon=":material/error:")
    if isinstance(error, Forbidden):
        with suppress(KyoError):  # the sentence has been shown; what remains is to write it down
            record_refusal(error.message)


def sentence(error: KyoError) -> str:
    """What it says, and for a limit when it works again, in the reader's zone."""
    return error.sentence(local_time) if isinstance(error, TooMany) else error.message


def show_unexpected(error: Exception) -> bool:
    """For what nobody caught, in a page, a callback or a fragment. True tells `st.App` that it has been shown."""
    if isinstance(error, KyoError):
        _show(error)
    else:
        _log.error("Unexpected error in the app", exc_info=error)
        st.error(UNEXPECTED, icon=":material/error:")
    return True


def live(name: str, draw: Callable[[], bool], seconds: float, idle_seconds: float | None = None) -> None:
    """Draw, and draw again every `seconds` while `draw` says that something is under way, else every `idle_seconds`."""
    key = f"live-{name}"

    @st.fragment(run_every=seconds if st.session_state.get(key) else idle_seconds, key=key + "-part")
    def part() -> None:
        busy = draw()
        if busy != st.session_state.get(key, False):
            st.session_state[key] = busy
            st.rerun()

    part()


def fresh_key(name: str) -> str:
    """Of a popover with a form: open with what was typed until `used_up`, then another one, shut and empty."""
    return f"{name}-{st.session_state.get(f'{name}-used', 0)}"


def used_up(name: str) -> None:
    st.session_state[f"{name}-used"] = st.session_state.get(f"{name}-used", 0) + 1


def run_again(notice: str, icon: str) -> None:
    """Show the page anew, with a notice: one shown before a rerun would vanish with it."""
    st.session_state.setdefault(_NOTICES, []).append((notice, icon))
    st.rerun()


def confirmed(
    label: str,
    icon: str,
    text: str,
    button: str,
    deed: Callable[[], object],
    *,
    key: str,
    notice: str = "",
    quiet: bool = False,
) -> None:
    """A button that says what it will do before a second one does it, and shows the page anew. Markdown."""
    with st.popover(label, icon=icon, key=f"{key}-popover", type="tertiary" if quiet else "secondary"):
        st.markdown(text)
        if st.button(button, key=key, type="primary"):
            with shown_errors():
                deed()
                if notice:
                    run_again(notice, icon)
                st.rerun()


def show_notices() -> None:
    for notice, icon in st.session_state.pop(_NOTICES, []):
        st.toast(notice, icon=icon)


def expander(label: str, key: str) -> ExpanderContainer:
    """One that stays as it is when its label changes: Streamlit takes it for another one then, and closes it."""
    known = f"{key}-label"
    if st.session_state.get(known) != label and st.session_state.get(key):
        st.session_state[key] = True
    st.session_state[known] = label
    return st.expander(label, key=key, on_change="rerun")


def to_sign_in(notice: str = "") -> None:
    """Leave this address and all that stands in it, for the sign-in form; `notice` is markdown that stands above it."""
    st.session_state[_BEFORE_SIGN_IN] = notice
    st.query_params.clear()
    st.rerun()


def show_notice_before_sign_in() -> None:
    if notice := st.session_state.pop(_BEFORE_SIGN_IN, ""):
        st.success(notice, icon=":material/check:")


def page_offset(key: str, size: int) -> int:
    """Where the page that is chosen in `page_picker` starts."""
    return (int(st.session_state.get(key, 1)) - 1) * size


def first_page_if_empty(key: str, found: Sequence[object]) -> None:
    """The last entry of a later page may have gone meanwhile."""
    if not found and st.session_state.get(key, 1) != 1:
        st.session_state[key] = 1
        st.rerun()


def page_picker(key: str, size: int, total: int) -> None:
    count = max(1, -(-total // size))
    if count > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(count, key=key, max_visible_pages=5)


@dataclass(frozen=True)
class Link:
    """To another view, which is known by its path in the address; `query` says what to show there."""

    url_path: str
    label: str
    icon: str
    query: Mapping[str, str] | None = None

    def show(self) -> None:
        page = st.Page(_nothing, url_path=self.url_path or None, title=self.label, default=not self.url_path)
        st.page_link(page, label=self.label, icon=self.icon, query_params=self.query)


def to_page(url_path: str) -> None:
    """Go to another view now; what a callback or a button has put into the session waits for it there."""
    st.switch_page(st.Page(_nothing, url_path=url_path or None, default=not url_path))


def turn_to(label: str, icon: str, query: Mapping[str, str], *, key: str) -> None:
    """To something else on the same page. A `Link` would leave the address as it is, and the next click go back."""
    if st.button(label, icon=icon, key=key, type="tertiary"):
        st.query_params.from_dict(query)
        st.rerun()


def empty_state(icon: str, title: str, body: str, link: Link | None = None) -> None:
    """What is missing, and what to do about it."""
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f":green[{icon}] **{title}**", text_alignment="center")
        st.caption(body, text_alignment="center")
        if link is not None:
            link.show()
        st.space("small")


def table(rows: Sequence[Mapping[str, str]], alt: str, *, headed: bool = True) -> None:
    """Rows by column name, on a phone too: it scrolls. Cells are markdown, ours or made inert."""
    st.table(list(rows), border="horizontal", hide_index=True, hide_header=not headed, alt=alt)


def local_time(moment: datetime) -> str:
    return wording.human_time(moment, runtime.kyo().now(), reader_zone())


def local_moment(moment: datetime) -> str:
    """To the second, with the zone: where it matters what was first."""
    local = moment.astimezone(reader_zone())
    return f"{local.day} {local:%b %Y, %H:%M:%S} {local.tzname()}"


def local_day() -> date:
    """Today, where the reader is."""
    return runtime.kyo().now().astimezone(reader_zone()).date()


def local_clock(moment: datetime) -> str:
    return f"{moment.astimezone(reader_zone()):%H:%M}"


def state_badges(document: Document, *, decides: bool = True) -> str:
    """Markdown: what people decided, and what the machine does or failed to do.

    Which version answers questions is told here to those who decide which one does.
    """
    latest, failed = document.latest, document.latest.status is VersionStatus.FAILED
    parts = [] if failed and latest.review is Review.PENDING else [badge(*wording.decided(document))]
    if failed:
        parts.append(badge("Could not be read", "red"))
    elif wording.under_way(latest):
        parts.append(badge(wording.step(latest), "blue"))
    if decides and document.searchable and document.current_number != latest.number:
        parts.append(badge(f"v{document.current_number} answers questions", "gray"))
    if document.is_overdue:
        parts.append(badge(":material/event_busy: Review overdue", "orange"))
    if document.restricted:
        parts.append(badge(":material/lock: Restricted", "orange"))
    return " ".join(parts)


def retry_button(actor: Actor, document: Document) -> None:
    """For a version that failed: send it through the pipeline again."""
    if not actor.may(Permission.DOCUMENT_RETRY):
        return
    if st.button("Try again", key=f"retry-{document.latest.id}", icon=":material/refresh:"):
        with shown_errors():
            library.retry(runtime.kyo(), actor, document.latest.id)
            st.rerun()


def reader_zone() -> tzinfo:
    """What the reader's browser says; UTC where it says nothing that is a zone."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return timezone.utc


def _nothing() -> None:
    """Stands for a view in a `Link`; never called."""
