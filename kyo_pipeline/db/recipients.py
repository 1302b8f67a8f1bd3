"""Whom something can be given to: what they are called now."""

from sqlalchemy import Connection

from kyo_pipeline.db import groups, people
from kyo_pipeline.domain.access import PersonName, Recipient


def active(tx: Connection, recipient: Recipient) -> Recipient | None:
    """None for somebody who is not active, and for whoever does not exist."""
    if isinstance(recipient, PersonName):
        return people.active_person(tx, recipient.id)
    return groups.name_of(tx, recipient.id)


def known(tx: Connection, recipient: Recipient) -> Recipient | None:
    """Somebody who was deactivated, too."""
    if isinstance(recipient, PersonName):
        return people.person(tx, recipient.id)
    return groups.name_of(tx, recipient.id)
