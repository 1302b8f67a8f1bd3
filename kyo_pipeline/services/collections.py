"""Collections: which there are, and who may do what in them."""

from typing import TypedDict
from uuid import UUID

from kyo_pipeline.db import audit, collections, names, recipients
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.access import Access, Candidates, Recipient
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.collections import (
    CollectionAccess,
    CollectionDetails,
    checked_description,
    checked_name,
    checked_review_months,
    why_not_delete,
)
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, NotFound
from kyo_pipeline.kyo import Kyo

_NO_COLLECTION = "There is no such collection. Somebody may have deleted it meanwhile."
_NOT_GIVEN = "There is nothing to take away here: somebody may have done it meanwhile."


class _About(TypedDict):
    """What can be said of a collection besides who may do what in it."""

    name: str
    description: str
    review_months: int | None
    downloadable: bool


def list_all(kyo: Kyo, actor: Actor) -> tuple[CollectionDetails, ...]:
    """Every collection, with what belongs to it."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        return collections.all_details(tx)


def named(kyo: Kyo, actor: Actor, name: str) -> CollectionDetails:
    """The collection with this name, however it is capitalised. Raises `NotFound`."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = collections.details_by_name(tx, storable(name))
    if found is None:
        raise NotFound("There is no collection with this name.")
    return found


def read_access(kyo: Kyo, actor: Actor, collection_id: UUID) -> CollectionAccess:
    """Who was given access to a collection. Raises `NotFound`."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _details(tx, collection_id)
        return CollectionAccess(found, collections.members(tx, collection_id), collections.groups(tx, collection_id))


def candidates(kyo: Kyo, actor: Actor) -> Candidates:
    """Everybody to whom access can be given."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        return Candidates(names.of_people(tx), names.of_groups(tx))


def create(
    kyo: Kyo,
    actor: Actor,
    name: str,
    description: str = "",
    everyone: Access | None = None,
    *,
    review_months: int | None = None,
    downloadable: bool = True,
) -> CollectionDetails:
    """Add a collection; unless `everyone` says more, only admins find it yet. Raises `Invalid`, `Conflict`."""
    actor.require(Permission.COLLECTION_MANAGE)
    told = _told(name, description, review_months, downloadable)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        _require_free(tx, told["name"])
        collection_id = collections.add(tx, **told, everyone=everyone, now=now)
        audit.record(tx, actor, Event.COLLECTION_CREATE, collection_id, now, {**told, "everyone": everyone})
        return _details(tx, collection_id)


def change(
    kyo: Kyo,
    actor: Actor,
    collection_id: UUID,
    name: str,
    description: str,
    *,
    review_months: int | None,
    downloadable: bool,
) -> None:
    """Give a collection another name, description or rules. Raises `Invalid`, `NotFound`, `Conflict`.

    `review_months` is for approvals from now on: documents that are approved already keep their date.
    """
    actor.require(Permission.COLLECTION_MANAGE)
    told = _told(name, description, review_months, downloadable)
    with kyo.db.transaction(actor) as tx:
        found = _locked(tx, collection_id)
        before = _About(
            name=found.name,
            description=found.description,
            review_months=found.review_months,
            downloadable=found.downloadable,
        )
        if before == told:
            return
        _require_free(tx, told["name"], besides=collection_id)
        collections.change(tx, collection_id, **told)
        details = {"before": before, "after": told}
        audit.record(tx, actor, Event.COLLECTION_CHANGE, collection_id, kyo.now(), details)


def set_everyone(kyo: Kyo, actor: Actor, collection_id: UUID, everyone: Access | None) -> None:
    """Say what everyone may do in a collection, as far as their role allows it. Raises `NotFound`."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        before = _locked(tx, collection_id)
        if before.everyone is everyone:
            return
        collections.set_everyone(tx, collection_id, everyone)
        details = {"before": {"everyone": before.everyone}, "after": {"everyone": everyone}}
        audit.record(
            tx, actor, Event.COLLECTION_CHANGE, collection_id, kyo.now(), {"collection": before.name, **details}
        )


def delete(kyo: Kyo, actor: Actor, collection_id: UUID) -> None:
    """Delete a collection without documents; what is left of deleted ones stays. Raises `NotFound`, `Conflict`."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _locked(tx, collection_id)
        if reason := why_not_delete(found):
            raise Conflict(reason)
        collections.delete(tx, collection_id)
        details = {"name": found.name, "people": found.people, "groups": found.groups}
        audit.record(tx, actor, Event.COLLECTION_DELETE, collection_id, kyo.now(), details)


def grant(kyo: Kyo, actor: Actor, collection_id: UUID, recipient: Recipient, access: Access) -> None:
    """Give a person or a group access, or other access than before. Raises `NotFound`."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _locked(tx, collection_id)
        known = recipients.active(tx, recipient)
        if known is None:
            raise NotFound(recipient.missing)
        before = collections.access_of(tx, collection_id, recipient)
        if before is access:
            return
        collections.grant(tx, collection_id, recipient, access)
        details = {"collection": found.name, **known.on_record, "before": before, "after": access}
        audit.record(tx, actor, Event.COLLECTION_GRANT, collection_id, kyo.now(), details)


def revoke(kyo: Kyo, actor: Actor, collection_id: UUID, recipient: Recipient) -> None:
    """Take away what was given by name; what everyone or another group may do stays. Raises `NotFound`."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = _locked(tx, collection_id)
        before, known = collections.access_of(tx, collection_id, recipient), recipients.known(tx, recipient)
        if before is None or known is None:
            raise NotFound(_NOT_GIVEN)
        collections.revoke(tx, collection_id, recipient)
        details = {"collection": found.name, **known.on_record, "before": before, "after": None}
        audit.record(tx, actor, Event.COLLECTION_REVOKE, collection_id, kyo.now(), details)


def _told(name: str, description: str, review_months: int | None, downloadable: bool) -> _About:
    return _About(
        name=checked_name(name),
        description=checked_description(description),
        review_months=checked_review_months(review_months),
        downloadable=downloadable,
    )


def _details(tx: Transaction, collection_id: UUID) -> CollectionDetails:
    found = collections.details(tx, collection_id)
    if found is None:
        raise NotFound(_NO_COLLECTION)
    return found


def _locked(tx: Transaction, collection_id: UUID) -> CollectionDetails:
    """What it is like now, and stays until this transaction is over."""
    collections.lock(tx, collection_id)
    return _details(tx, collection_id)


def _require_free(tx: Transaction, name: str, besides: UUID | None = None) -> None:
    collections.lock_names(tx)
    found = collections.details_by_name(tx, name)
    if found is not None and found.id != besides:
        raise Conflict(f"There is already a collection called {found.name}. Choose another name.")
