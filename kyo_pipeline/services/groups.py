"""Groups of people, to whom access can be given at once."""

from uuid import UUID

from kyo_pipeline.db import audit, groups, names
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.access import GroupName, PersonName
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.groups import Group, GroupDetails, checked_name
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, NotFound
from kyo_pipeline.kyo import Kyo


def list_groups(kyo: Kyo, actor: Actor) -> tuple[Group, ...]:
    """Every group, with how many people are in it and what it gives them."""
    actor.require(Permission.GROUP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        return groups.all_details(tx)


def named(kyo: Kyo, actor: Actor, name: str) -> Group:
    """The group with this name, however it is capitalised. Raises `NotFound`."""
    actor.require(Permission.GROUP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = groups.details_by_name(tx, storable(name))
    if found is None:
        raise NotFound("There is no group with this name.")
    return found


def read_group(kyo: Kyo, actor: Actor, group_id: UUID) -> GroupDetails:
    """Who is in a group, and what it may do where. Raises `NotFound`."""
    actor.require(Permission.GROUP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _details(tx, group_id)
        return GroupDetails(found, groups.members(tx, group_id), groups.access(tx, group_id))


def candidates(kyo: Kyo, actor: Actor) -> tuple[PersonName, ...]:
    """Everybody who can be put into a group."""
    actor.require(Permission.GROUP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        return names.of_people(tx)


def create(kyo: Kyo, actor: Actor, name: str) -> Group:
    """Add a group without members. Raises `Invalid`, `Conflict`."""
    actor.require(Permission.GROUP_MANAGE)
    name, now = checked_name(name), kyo.now()
    with kyo.db.transaction(actor) as tx:
        _require_free(tx, name)
        group_id = groups.add(tx, name, now)
        audit.record(tx, actor, Event.GROUP_CREATE, group_id, now, {"name": name})
        return _details(tx, group_id)


def rename(kyo: Kyo, actor: Actor, group_id: UUID, name: str) -> None:
    """Raises `Invalid`, `NotFound`, `Conflict`."""
    actor.require(Permission.GROUP_MANAGE)
    name = checked_name(name)
    with kyo.db.transaction(actor) as tx:
        before = _locked(tx, group_id)
        if before.name == name:
            return
        _require_free(tx, name, besides=group_id)
        groups.rename(tx, group_id, name)
        audit.record(tx, actor, Event.GROUP_RENAME, group_id, kyo.now(), {"before": before.name, "after": name})


def delete(kyo: Kyo, actor: Actor, group_id: UUID) -> None:
    """Delete a group, and with it what its members may do because of it. Raises `NotFound`."""
    actor.require(Permission.GROUP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _locked(tx, group_id)
        details = {
            "name": found.name,
            "members": [person.username for person in groups.members(tx, group_id)],
            "access": dict(groups.access(tx, group_id)),
            "documents": found.documents,
        }
        groups.delete(tx, group_id)
        audit.record(tx, actor, Event.GROUP_DELETE, group_id, kyo.now(), details)


def add_member(kyo: Kyo, actor: Actor, group_id: UUID, user_id: UUID) -> None:
    """Put a person into a group; putting them in twice is the same as once. Raises `NotFound`."""
    actor.require(Permission.GROUP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _locked(tx, group_id)
        person = names.of_active_person(tx, user_id)
        if person is None:
            raise NotFound(PersonName.missing)
        if groups.add_member(tx, group_id, user_id):
            details = {"group": found.name, "person": person.username}
            audit.record(tx, actor, Event.GROUP_ADD_MEMBER, group_id, kyo.now(), details)


def remove_member(kyo: Kyo, actor: Actor, group_id: UUID, user_id: UUID) -> None:
    """Take a person out of a group. Raises `NotFound`."""
    actor.require(Permission.GROUP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _locked(tx, group_id)
        if not groups.remove_member(tx, group_id, user_id):
            raise NotFound("This person is not in the group: somebody may have taken them out meanwhile.")
        details = {"group": found.name, "person": names.username_of(tx, user_id)}
        audit.record(tx, actor, Event.GROUP_REMOVE_MEMBER, group_id, kyo.now(), details)


def _details(tx: Transaction, group_id: UUID) -> Group:
    found = groups.details(tx, group_id)
    if found is None:
        raise NotFound(GroupName.missing)
    return found


def _locked(tx: Transaction, group_id: UUID) -> Group:
    """What it is like now, and stays until this transaction is over."""
    groups.lock(tx, group_id)
    return _details(tx, group_id)


def _require_free(tx: Transaction, name: str, besides: UUID | None = None) -> None:
    groups.lock_names(tx)
    found = groups.details_by_name(tx, name)
    if found is not None and found.id != besides:
        raise Conflict(f"There is already a group called {found.name}. Choose another name.")
