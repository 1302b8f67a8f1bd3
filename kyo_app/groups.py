"""Groups of people: the second half of the view of collections."""

import streamlit as st

from kyo_app import access, runtime, wording
from kyo_app.components import (
    confirmed,
    empty_state,
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
from kyo_app.markup import badge, inert_line
from kyo_pipeline.domain.access import PersonName
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.groups import Group, GroupDetails
from kyo_pipeline.services import groups

_PAGE = 20


def groups_panel(actor: Actor) -> None:
    st.markdown("What a collection or a document allows a group, it allows everybody in it.")
    with shown_errors():
        found = groups.list_groups(runtime.kyo(), actor)
        _new(actor)
        if not found:
            empty_state(
                ":material/groups:", "There are no groups yet", "Make one for each team that reads the same documents."
            )
        start = page_offset("groups-page", _PAGE)
        first_page_if_empty("groups-page", found[start:])
        for group in found[start : start + _PAGE]:
            _row(actor, group)
        page_picker("groups-page", _PAGE, len(found))


def _new(actor: Actor) -> None:
    key = fresh_key("new-group")
    with st.popover("New group", icon=":material/group_add:", key=key):
        with st.form(f"{key}-form", border=False):
            name = name_field(own=False)
            submitted = st.form_submit_button("Create group", type="primary")
        if not submitted:
            return
        with shown_errors():
            made = groups.create(runtime.kyo(), actor, name)
            used_up("new-group")
            run_again(f"Created: {inert_line(made.name, 80)}", ":material/group_add:")


def _row(actor: Actor, group: Group) -> None:
    people = badge(wording.people(group.people), "gray")
    opened = expander(f"{inert_line(group.name, 90)} {people}", f"group-{group.id}")
    if opened.open:
        with opened, shown_errors():
            _detail(actor, groups.read_group(runtime.kyo(), actor, group.id))


def _detail(actor: Actor, found: GroupDetails) -> None:
    _gives(found)
    key = f"group-members-{found.group.id}"
    start = page_offset(key, _PAGE)
    first_page_if_empty(key, found.members[start:])
    for person in found.members[start : start + _PAGE]:
        _member(actor, found.group, person)
    page_picker(key, _PAGE, len(found.members))
    _add(actor, found)
    with st.container(horizontal=True):
        _renaming(actor, found.group)
        _deleting(actor, found.group)


def _gives(found: GroupDetails) -> None:
    """What its members may do because of it."""
    lines = [f"{inert_line(name, 80)} :gray[{access.ACCESS[given].lower()}]" for name, given in found.access]
    if found.group.documents:
        lines.append(f"{wording.counted(found.group.documents, 'single document')} :gray[read]")
    if lines:
        st.markdown("  \n".join(lines))
    else:
        st.caption("It gives no access yet. Open a collection, or the readers of a document, to give it some.")


def _member(actor: Actor, group: Group, person: PersonName) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(access.line(person), width="stretch")
        if access.remove_button(f"leave-{group.id}-{person.id}"):
            with shown_errors():
                groups.remove_member(runtime.kyo(), actor, group.id, person.id)
                run_again(f"Removed: {inert_line(person.name, 80)}", ":material/close:")


def _add(actor: Actor, found: GroupDetails) -> None:
    here = {person.id for person in found.members}
    others = [person for person in groups.candidates(runtime.kyo(), actor) if person.id not in here]
    with st.form(f"join-{found.group.id}", border=False, clear_on_submit=True):
        chosen = st.multiselect("Add people", others, format_func=access.label, placeholder="Names or user names")
        submitted = st.form_submit_button("Add to the group", icon=":material/person_add:")
    if submitted and chosen:
        with shown_errors():
            for person in chosen:
                groups.add_member(runtime.kyo(), actor, found.group.id, person.id)
            run_again(f"Added: {wording.people(len(chosen))}", ":material/person_add:")
    elif submitted:
        st.warning("Choose a person first.", icon=":material/person_search:")


def _renaming(actor: Actor, group: Group) -> None:
    with (
        st.popover("Rename", icon=":material/edit:", type="tertiary"),
        st.form(f"rename-group-{group.id}", border=False),
    ):
        name = name_field(group.name, own=False)
        submitted = st.form_submit_button("Save", type="primary")
    if submitted:
        with shown_errors():
            groups.rename(runtime.kyo(), actor, group.id, name)
            run_again(f"Renamed: {inert_line(name, 80)}", ":material/edit:")


def _deleting(actor: Actor, group: Group) -> None:
    confirmed(
        "Delete",
        ":material/delete:",
        f"Its {wording.people(group.people)} then lose what only this group gives them: access to "
        f"{wording.counted(group.collections, 'collection')} and "
        f"{wording.counted(group.documents, 'single document')}.",
        "Delete this group",
        lambda: groups.delete(runtime.kyo(), actor, group.id),
        key=f"delete-group-{group.id}",
        notice=f"Deleted: {inert_line(group.name, 80)}",
        quiet=True,
    )
