"""Streamlit entry: find out who is there, build the navigation for that person, run the page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from kyo_app import addresses, auth, handover, runtime, wording
from kyo_app.components import show_notices
from kyo_app.documents import received
from kyo_app.markup import inert_line
from kyo_app.views import (
    analytics,
    answer,
    approvals,
    ask,
    audit,
    collections,
    denied,
    documents,
    embeddings,
    feedback,
    gaps,
    history,
    invitation,
    password,
    people,
    profile,
    quality,
    register,
    sign_in,
    source,
    verified,
)
from kyo_pipeline.domain import request
from kyo_pipeline.domain.actor import Actor, Permission

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

_DOCUMENTS = "documents"
_WAS_SIGNED_IN = "was-signed-in"
_ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class View:
    """A page of the app. The permission decides who finds it in the navigation; its services check again.

    None: everybody who is signed in. One that is not `listed` is reached from other pages only. The `section` is for
    those who find many: others get one short list.
    """

    title: str
    icon: str
    url_path: str
    permission: Permission | None
    show: Callable[[], None]
    section: str = ""
    listed: bool = True


_WORK, _INSIGHT, _SET_UP = "To look after", "Figures and checks", "To set up"

VIEWS = (
    View("Ask", ":material/forum:", "", Permission.ANSWER_ASK, ask.show),
    View("History", ":material/history:", "history", Permission.ANSWER_READ_OWN, history.show),
    View("Documents", ":material/description:", _DOCUMENTS, Permission.DOCUMENT_READ, documents.show),
    View("Source", ":material/menu_book:", "source", Permission.DOCUMENT_READ, source.show, listed=False),
    View("Shared answer", ":material/link:", "answer", Permission.ANSWER_READ_SHARED, answer.show, listed=False),
    View("Approvals", ":material/verified:", "approvals", Permission.DOCUMENT_APPROVE, approvals.show, _WORK),
    View("Feedback", ":material/reviews:", "feedback", Permission.FEEDBACK_REVIEW, feedback.show, _WORK),
    View("Knowledge gaps", ":material/contact_support:", "gaps", Permission.GAP_MANAGE, gaps.show, _WORK),
    View(
        "Verified answers", ":material/workspace_premium:", "verified", Permission.ANSWER_VERIFY, verified.show, _WORK
    ),
    View("Analytics", ":material/monitoring:", "analytics", Permission.ANALYTICS_READ_OWN, analytics.show, _INSIGHT),
    View("Quality", ":material/fact_check:", "quality", Permission.QUALITY_READ, quality.show, _INSIGHT),
    View("Audit log", ":material/policy:", "audit", Permission.AUDIT_READ, audit.show, _INSIGHT),
    View(
        "Collections",
        ":material/folder_shared:",
        "collections",
        Permission.COLLECTION_MANAGE,
        collections.show,
        _SET_UP,
    ),
    View("People", ":material/group:", "people", Permission.USER_LIST, people.show, _SET_UP),
    View("Embeddings", ":material/hub:", "embeddings", Permission.EMBEDDING_SET_MANAGE, embeddings.show, _SET_UP),
    View("Profile", ":material/account_circle:", "profile", None, profile.show),
)


def main() -> None:
    # Before st.navigation: else the icon of the page would be fetched from a font host as the tab's icon.
    st.set_page_config(page_icon=str(_ASSETS / "mark.svg"), layout="centered")
    request.begin(runtime.address())
    actor = auth.current_actor()
    if actor is None and st.session_state.pop(_WAS_SIGNED_IN, False):
        auth.load_anew()
    st.session_state[_WAS_SIGNED_IN] = actor is not None
    if addresses.INVITATION in st.query_params:
        page = _only("Invitation", invitation.show)
    elif actor is None:
        page = _only(*_signed_out())
    elif actor.must_change_password:
        page = _only("Choose a password", password.show)
    else:
        page = _navigation(actor)
    st.set_page_config(page_title=f"{page.title} · Know Your Organization")
    st.logo(str(_ASSETS / "logo.svg"), icon_image=str(_ASSETS / "mark.svg"), size="large")
    if actor is not None:
        _sidebar(actor)
        show_notices()
        handover.forget_old()
    if page.url_path != _DOCUMENTS:
        received.forget_locked()
    page.run()


def _signed_out() -> tuple[str, Callable[[], None]]:
    if addresses.REGISTER in st.query_params and runtime.kyo().settings.KYO_REGISTRATION != "off":
        return "Create an account", register.show
    return "Sign in", sign_in.show


def _only(title: str, show: Callable[[], None]) -> "Page":
    """Every address shows the same: with unknown ones, a deep link would open "page not found" over the form."""
    return st.navigation([_page(view, title=title, show=show) for view in VIEWS], position="hidden")


def _navigation(actor: Actor) -> "Page":
    """The other views exist as well, hidden, to say so instead of "page not found"."""
    pages: dict[str, list[Page]] = {}
    for view in VIEWS:
        page = _page(view) if _may(actor, view) else _page(view, show=denied.show, visible=False)
        pages.setdefault(view.section if actor.may(Permission.DOCUMENT_APPROVE) else "", []).append(page)
    return st.navigation(pages, expanded=True)  # nothing behind "View 4 more"


def _may(actor: Actor, view: View) -> bool:
    return view.permission is None or actor.may(view.permission)


def _page(
    view: View, *, title: str | None = None, show: Callable[[], None] | None = None, visible: bool = True
) -> "Page":
    return st.Page(
        show or view.show,
        title=title or view.title,
        icon=view.icon,
        url_path=view.url_path or None,
        default=not view.url_path,
        visibility="visible" if visible and view.listed else "hidden",
    )


def _sidebar(actor: Actor) -> None:
    with st.sidebar:
        role = wording.role_beside(actor.name, actor.role)
        st.markdown(f"**{inert_line(actor.name, 60)}**" + (f"  \n:small[{role}]" if role else ""))
        if st.button("Sign out", icon=":material/logout:", width="stretch"):
            auth.sign_out()
            st.stop()


if __name__ == "__main__":
    main()
