"""Whom something can be given to: what they are called now."""

from sqlalchemy import Connection

from kyo_pipeline.db import names
from kyo_pipeline.domain.access import PersonName, Recipient


def active(tx: Connection, recipient: Recipient) -> Recipient | None:
    """None for somebody who is not active, and for whoever does not exist."""
    if isinstance(recipient, PersonName):
        return names.of_active_person(tx, recipient.id)
    return names.of_group(tx, recipient.id)


def known(tx: Connection, recipient: Recipient) -> Recipient | None:
    """Somebody who was deactivated, too."""
    if isinstance(recipient, PersonName):
        return names.of_person(tx, recipient.id)
    return names.of_group(tx, recipient.id)
