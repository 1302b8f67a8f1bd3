"""Collections and groups, for administrators: what there is, and who may do what in it."""

from collections.abc import Sequence

import streamlit as st

from kyo_app import access, runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    confirmed,
    expander,
    first_page_if_empty,
    fresh_key,
    page_offset,
    page_picker,
    run_again,
    shown_errors,
    used_up,
)
from kyo_app.fields import name_field
from kyo_app.groups import groups_panel
from kyo_app.markup import badge, inert, inert_line
from kyo_pipeline.domain.access import Access, Recipient
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.collections import (
    MAX_DESCRIPTION_LENGTH,
    CollectionAccess,
    CollectionDetails,
    Member,
    MemberGroup,
    why_not_delete,
)
from kyo_pipeline.services import collections

_PAGE = 20
_LEVELS = tuple(Access)


def show() -> None:
    actor = acting()
    st.title("Collections", anchor=False)
    shelves, teams = st.tabs(["Collections", "Groups"], key="collections-tab", on_change="rerun")
    if shelves.open:
        with shelves:
            _collections(actor)
    if teams.open:
        with teams:
            groups_panel(actor)


def _collections(actor: Actor) -> None:
    st.markdown(
        "Every document belongs to a collection. Here you say who may read, upload and approve in each. "
        "The role sets the limit: employees never approve, and administrators may do everything everywhere."
    )
    with shown_errors():
        found = collections.list_all(runtime.kyo(), actor)
        _new(actor)
        start = page_offset("collections-page", _PAGE)
        first_page_if_empty("collections-page", found[start:])
        for collection in found[start : start + _PAGE]:
            _row(actor, collection)
        page_picker("collections-page", _PAGE, len(found))


def _new(actor: Actor) -> None:
    key = fresh_key("new-collection")
    with st.popover("New collection", icon=":material/create_new_folder:", key=key):
        with st.form(f"{key}-form", border=False):
            name = name_field(own=False)
            description = _description_field()
            everyone = st.selectbox("Everyone may", list(access.ACCESS), format_func=access.ACCESS.__getitem__)
            submitted = st.form_submit_button("Create collection", type="primary")
        if not submitted:
            return
        with shown_errors():
            made = collections.create(runtime.kyo(), actor, name, description, everyone)
            used_up("new-collection")
            run_again(f"Created: {inert_line(made.name, 80)}", ":material/create_new_folder:")


def _description_field(value: str = "") -> str:
    return st.text_input("What is it for?", value=value)


def _row(actor: Actor, collection: CollectionDetails) -> None:
    parts = [
        inert_line(collection.name, 90),
        badge(wording.counted(collection.documents, "document"), "gray"),
        *([badge("Default", "green")] if collection.is_default else []),
    ]
    opened = expander(" ".join(parts), f"collection-{collection.id}")
    if opened.open:
        with opened, shown_errors():
            _detail(actor, collections.read_access(runtime.kyo(), actor, collection.id))


def _detail(actor: Actor, found: CollectionAccess) -> None:
    collection = found.collection
    about = [
        *([inert_line(collection.description, MAX_DESCRIPTION_LENGTH)] if collection.description else []),
        *(["Uploads that name no collection come here."] if collection.is_default else []),
        *(
            [f"An approval holds for {wording.counted(months, 'month')}."]
            if (months := collection.review_months)
            else []
        ),
        *(["Readers may not download files."] if not collection.downloadable else []),
    ]
    if about:
        st.caption("  \n".join(about))
    _everyone(actor, collection)
    _given(actor, found)
    _granting(actor, found)
    with st.container(horizontal=True):
        _describing(actor, collection)
        _deleting(actor, collection)


def _everyone(actor: Actor, collection: CollectionDetails) -> None:
    chosen = _access_box(f"everyone-{collection.id}", "Everyone may", list(access.ACCESS), collection.everyone)
    if chosen is not collection.everyone:
        with shown_errors():
            collections.set_everyone(runtime.kyo(), actor, collection.id, chosen)
            run_again(f"Everyone may now: {access.ACCESS[chosen].lower()}", ":material/key:")


def _given(actor: Actor, found: CollectionAccess) -> None:
    """Who was given more than everyone, a page of them at a time."""
    everybody: list[MemberGroup | Member] = [*found.groups, *found.members]
    key = f"members-{found.collection.id}"
    start = page_offset(key, _PAGE)
    first_page_if_empty(key, everybody[start:])
    for given in everybody[start : start + _PAGE]:
        _recipient(actor, found.collection, given)
    page_picker(key, _PAGE, len(everybody))


def _recipient(actor: Actor, collection: CollectionDetails, given: MemberGroup | Member) -> None:
    recipient: Recipient = given.person if isinstance(given, Member) else given.group
    key = f"{collection.id}-{recipient.id}"
    left, right = st.columns([6, 7], vertical_alignment="center")  # one below the other on a phone
    left.markdown(f"{access.line(recipient)} {_limits(given)}")
    with right.container(horizontal=True, vertical_alignment="center", wrap=False):
        chosen = _access_box(f"access-{key}", "May", _LEVELS, given.access, hidden=True)
        removed = access.remove_button(f"revoke-{key}")
    with shown_errors():
        if removed:
            collections.revoke(runtime.kyo(), actor, collection.id, recipient)
            run_again(f"Removed: {inert_line(recipient.name, 80)}", ":material/close:")
        elif chosen is not None and chosen is not given.access:
            _grant(actor, collection, recipient, chosen)


def _access_box(
    key: str, label: str, options: Sequence[Access | None], current: Access | None, *, hidden: bool = False
) -> Access | None:
    """The key has the value in it: whoever changes it, the box shows what the database says."""
    return st.selectbox(
        label,
        options,
        index=options.index(current),
        format_func=access.ACCESS.__getitem__,
        key=f"{key}-{current.value if current else None}",
        label_visibility="collapsed" if hidden else "visible",
        width="stretch" if hidden else 240,
    )


def _limits(given: MemberGroup | Member) -> str:
    """What of the access does not count, and why."""
    if isinstance(given, MemberGroup):
        return badge(wording.people(given.people), "gray")
    if not given.active:
        return badge("deactivated", "gray")
    if given.role is Role.ADMIN:
        return badge("administrator: may do everything", "gray")
    if given.effective_access is not given.access:
        return badge(f"as an employee: {access.ACCESS[given.effective_access].lower()}", "orange")
    return ""


def _granting(actor: Actor, found: CollectionAccess) -> None:
    here = {member.person.id for member in found.members} | {given.group.id for given in found.groups}
    with st.form(f"grant-{found.collection.id}", clear_on_submit=True):
        recipient = access.recipient_box(collections.candidates(runtime.kyo(), actor), here)
        chosen = st.selectbox("May", _LEVELS, format_func=access.ACCESS.__getitem__)
        submitted = st.form_submit_button("Give access", icon=":material/person_add:")
    if submitted and recipient is None:
        access.warn_nobody_chosen()
    elif submitted and recipient is not None:
        with shown_errors():
            _grant(actor, found.collection, recipient, chosen)


def _grant(actor: Actor, collection: CollectionDetails, recipient: Recipient, chosen: Access) -> None:
    collections.grant(runtime.kyo(), actor, collection.id, recipient, chosen)
    run_again(f"{inert_line(recipient.name, 80)} may now: {access.ACCESS[chosen].lower()}", ":material/key:")


def _describing(actor: Actor, collection: CollectionDetails) -> None:
    with (
        st.popover("Settings", icon=":material/tune:", type="tertiary"),
        st.form(f"describe-{collection.id}", border=False),
    ):
        name = name_field(collection.name, own=False)
        description = _description_field(collection.description)
        months = st.number_input(
            "Months until an approval must be renewed (0: never)",
            value=collection.review_months or 0,
            step=1,
            help="For approvals from now on. After that time a document is marked as overdue until it is approved "
            "again.",
        )
        downloadable = st.checkbox(
            "Readers may download files",
            value=collection.downloadable,
            help="Without it, only those who may approve here, and owners and uploaders of a document, take its file "
            "away. Everybody else reads it here.",
        )
        submitted = st.form_submit_button("Save", type="primary")
    if submitted:
        with shown_errors():
            collections.change(
                runtime.kyo(),
                actor,
                collection.id,
                name,
                description,
                review_months=months or None,
                downloadable=downloadable,
            )
            run_again(f"Saved: {inert_line(name, 80)}", ":material/tune:")


def _deleting(actor: Actor, collection: CollectionDetails) -> None:
    if obstacle := why_not_delete(collection):
        with st.popover("Delete", icon=":material/delete:", type="tertiary"):
            st.markdown(inert(obstacle))
        return
    confirmed(
        "Delete",
        ":material/delete:",
        "It is empty. Who was given access to it loses nothing else.",
        "Delete this collection",
        lambda: collections.delete(runtime.kyo(), actor, collection.id),
        key=f"delete-collection-{collection.id}",
        notice=f"Deleted: {inert_line(collection.name, 80)}",
        quiet=True,
    )
