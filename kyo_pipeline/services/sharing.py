"""Single documents: which are restricted, and who may read them besides those who may read their collection."""

from collections.abc import Mapping
from uuid import UUID

from kyo_pipeline.db import audit, documents, names, recipients, sharing
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.access import Candidates, Recipient
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.sharing import Sharing
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo

_NO_DOCUMENT = "There is no such document, or none whose readers you may choose."
_NO_READER = "There is nothing to take away here: somebody may have done it meanwhile."


def read_sharing(kyo: Kyo, actor: Actor, document_id: UUID) -> Sharing:
    """Who may read a document, besides its owner and those who may approve it. Raises `NotFound`."""
    actor.require(Permission.DOCUMENT_RESTRICT)
    with kyo.db.transaction(actor) as tx:
        return _sharing(tx, actor, document_id)


def candidates(kyo: Kyo, actor: Actor) -> Candidates:
    """Everybody to whom a document can be given to read."""
    actor.require(Permission.DOCUMENT_RESTRICT)
    with kyo.db.transaction(actor) as tx:
        return Candidates(names.of_people(tx), names.of_groups(tx))


def restrict(kyo: Kyo, actor: Actor, document_id: UUID) -> None:
    """From now on only the owner, those who may approve it, and its readers find the document. Raises `NotFound`."""
    _set_restricted(kyo, actor, document_id, True)


def unrestrict(kyo: Kyo, actor: Actor, document_id: UUID) -> None:
    """From now on everyone who may read the collection finds the document again. Raises `NotFound`."""
    _set_restricted(kyo, actor, document_id, False)


def add_reader(kyo: Kyo, actor: Actor, document_id: UUID, reader: Recipient) -> None:
    """Let a person or a group read a document; letting them twice is the same as once. Raises `NotFound`."""
    actor.require(Permission.DOCUMENT_RESTRICT)
    with kyo.db.transaction(actor) as tx:
        _lock(tx, actor, document_id)
        known = recipients.active(tx, reader)
        if known is None:
            raise NotFound(reader.missing)
        if sharing.add_reader(tx, document_id, reader):
            _record(kyo, tx, actor, Event.DOCUMENT_ADD_READER, document_id, known.on_record)


def remove_reader(kyo: Kyo, actor: Actor, document_id: UUID, reader: Recipient) -> None:
    """Take a document away from them, unless they may read it for another reason. Raises `NotFound`."""
    actor.require(Permission.DOCUMENT_RESTRICT)
    with kyo.db.transaction(actor) as tx:
        _lock(tx, actor, document_id)
        known = recipients.known(tx, reader)
        if known is None or not sharing.remove_reader(tx, document_id, reader):
            raise NotFound(_NO_READER)
        _record(kyo, tx, actor, Event.DOCUMENT_REMOVE_READER, document_id, known.on_record)


def _set_restricted(kyo: Kyo, actor: Actor, document_id: UUID, restricted: bool) -> None:
    actor.require(Permission.DOCUMENT_RESTRICT)
    with kyo.db.transaction(actor) as tx:
        _lock(tx, actor, document_id)
        if _sharing(tx, actor, document_id).restricted is not restricted:
            sharing.set_restricted(tx, document_id, restricted)
            event = Event.DOCUMENT_RESTRICT if restricted else Event.DOCUMENT_UNRESTRICT
            _record(kyo, tx, actor, event, document_id, {})


def _lock(tx: Transaction, actor: Actor, document_id: UUID) -> None:
    if not documents.may_decide(tx, actor, document_id):
        raise NotFound(_NO_DOCUMENT)
    documents.lock(tx, document_id)


def _sharing(tx: Transaction, actor: Actor, document_id: UUID) -> Sharing:
    if not documents.may_decide(tx, actor, document_id):
        raise NotFound(_NO_DOCUMENT)
    return sharing.read(tx, document_id)


def _record(
    kyo: Kyo, tx: Transaction, actor: Actor, event: Event, document_id: UUID, details: Mapping[str, object]
) -> None:
    told = {"title": sharing.title_of(tx, document_id), **details}
    audit.record(tx, actor, event, document_id, kyo.now(), told)
