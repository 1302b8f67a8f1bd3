"""How KYO is used: by oneself, and, for managers and administrators, by everybody."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import streamlit as st

from kyo_app import runtime
from kyo_app.analytics import days
from kyo_app.analytics.feedback import feedback_panel
from kyo_app.analytics.figures import rated
from kyo_app.analytics.overview import ingestion_panel, overview_panel, unused_panel
from kyo_app.analytics.own import own_panel
from kyo_app.analytics.parts import Shown
from kyo_app.auth import acting
from kyo_app.components import Link, empty_state, shown_errors
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.analytics import Period, Totals
from kyo_pipeline.services import analytics

# What stands in addresses, so that a page can be bookmarked.
_TAB, _RANGE, _FIRST, _LAST, _COLLECTION = "tab", "range", "from", "to", "collection"

_BOX = 170
_ASK = Link("", "Ask a question", ":material/forum:")


def show() -> None:
    st.title("Analytics", anchor=False)
    actor = acting()
    with shown_errors():
        today = analytics.today(runtime.kyo())
        period = _period(today)
        if period is None:
            return
        shown = Shown(period, today)
        _tell_days(shown)
        if actor.may(Permission.ANALYTICS_READ):
            _tabs(actor, shown)
        else:
            st.subheader("My statistics", anchor=False)
            _own(actor, shown)


def _tabs(actor: Actor, shown: Shown) -> None:
    """Only the one that is open asks the database."""
    parts: dict[str, Callable[[Actor, Shown], None]] = {
        "Overview": _overview,
        "Feedback": _feedback,
        "My statistics": _own,
    }
    for tab, draw in zip(st.tabs(list(parts), key=_TAB, bind="query-params"), parts.values(), strict=True):
        if tab.open:
            with tab:
                draw(actor, shown)


def _overview(actor: Actor, shown: Shown) -> None:
    chosen = _collection(actor)
    _tell_whose(actor, chosen)
    found = analytics.overview(runtime.kyo(), actor, shown.period, chosen)
    if found.totals.questions:
        overview_panel(found, shown, refusals=actor.may(Permission.AUDIT_READ) and chosen is None)
    else:
        ever = analytics.overview(runtime.kyo(), actor, _ever(shown), chosen)
        _nothing("Nothing has been asked yet", ever.totals)
    unused_panel(found.never_used, found.never_used_count, shown)
    ingestion_panel(found.ingestion, shown)


def _feedback(actor: Actor, shown: Shown) -> None:
    chosen = _collection(actor)
    _tell_whose(actor, chosen)
    found = analytics.feedback_summary(runtime.kyo(), actor, shown.period, chosen)
    if rated(found.totals):
        feedback_panel(found, shown)
    else:
        empty_state(
            ":material/thumbs_up_down:",
            "Nobody has rated an answer in these days",
            "Under each answer there is a thumb up and a thumb down. Choose other days to see what was said before.",
        )


def _own(actor: Actor, shown: Shown) -> None:
    found = analytics.my_statistics(runtime.kyo(), actor, shown.period)
    if found.totals.questions:
        own_panel(found, shown)
    else:
        _nothing("You have not asked anything yet", analytics.my_statistics(runtime.kyo(), actor, _ever(shown)).totals)


def _nothing(never: str, ever: Totals) -> None:
    """No question in these days; none at all, unless `ever` knows of some."""
    if ever.questions:
        empty_state(":material/event_busy:", "No question in these days", "Choose other days, or a longer time.")
    else:
        empty_state(":material/monitoring:", never, "Questions are counted from the first.", _ASK)


def _ever(shown: Shown) -> Period:
    return days.last_days(analytics.MAX_DAYS, shown.today)


def _collection(actor: Actor) -> UUID | None:
    """The one that somebody wants to see alone, of several."""
    found = {name: collection_id for collection_id, name in analytics.collections_of(runtime.kyo(), actor)}
    if len(found) < 2:
        return None
    chosen = st.selectbox(
        "Collection",
        list(found),
        index=None,
        placeholder="All",
        key=_COLLECTION,
        bind="query-params",
        persist_state="page",
        width=2 * _BOX,
    )
    return None if chosen is None else found[chosen]


def _tell_whose(actor: Actor, chosen: UUID | None) -> None:
    if chosen is not None or not actor.may(Permission.AUDIT_READ):
        of = "this collection" if chosen is not None else "collections that you may approve in"
        st.caption(f"Only of questions whose answers quote documents of {of}, or which came near to one unanswered.")


def _period(today: date) -> Period | None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [*days.RANGES, days.OTHER]
        chosen = st.selectbox(
            "Days",
            names,
            names.index(days.USUAL),
            key=_RANGE,
            on_change=_begin_with_usual,
            args=(today,),
            bind="query-params",
            width=_BOX,
        )
        if chosen != days.OTHER:
            return days.last_days(days.RANGES[chosen], today)
        first, last = (_day(label, key, today) for label, key in (("First day", _FIRST), ("Last day", _LAST)))
    if first is None or last is None:
        st.info("Choose the first and the last day.", icon=":material/date_range:")
        return None
    if first > last:
        st.warning("The first day is after the last one.", icon=":material/date_range:")
        return None
    return Period(first, last)


def _begin_with_usual(today: date) -> None:
    """So that both days stand in the address from the beginning, also those that nobody has changed."""
    if st.session_state.get(_RANGE) == days.OTHER:
        usual = days.last_days(days.RANGES[days.USUAL], today)
        for key, day in ((_FIRST, usual.first), (_LAST, usual.last)):
            st.session_state[key] = day
            if key not in st.query_params:
                st.query_params[key] = day.isoformat()


def _day(label: str, key: str, today: date) -> date | None:
    return st.date_input(
        label,
        None,
        today - timedelta(days=analytics.MAX_DAYS - 1),
        today,
        key=key,
        format="YYYY-MM-DD",
        bind="query-params",
        width=_BOX,
    )


def _tell_days(shown: Shown) -> None:
    before = shown.period.before
    so_far = ", today as far as it has gone" if shown.period.last == shown.today else ""
    st.caption(
        f"{shown.said}{so_far}. Compared with {days.said(before.first, before.last, shown.today)}. "
        f"A day is one of {runtime.kyo().settings.KYO_TIME_ZONE}."
    )
