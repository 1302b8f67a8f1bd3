"""Who people are at the organisation's identity provider."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.identity import Identity


def find(tx: Connection, identity: Identity) -> UUID | None:
    """Whose identity it is."""
    owner: UUID | None = tx.scalar(
        text("select user_id from user_identities where issuer = :issuer and subject = :subject"),
        {"issuer": identity.issuer, "subject": identity.subject},
    )
    return owner


def find_by_email(tx: Connection, email: str) -> UUID | None:
    """Who has this address and no identity yet. An address that people typed about themselves does not count."""
    owner: UUID | None = tx.scalar(
        text(
            """
            select u.id
            from users u
            where lower(u.email) = lower(:email)
              and u.email_confirmed
              and not exists (select from user_identities i where i.user_id = u.id)
            """
        ),
        {"email": email},
    )
    return owner


def is_linked(tx: Connection, user_id: UUID) -> bool:
    """Whether somebody signs in through the organisation."""
    return bool(tx.scalar(text("select exists (select from user_identities where user_id = :id)"), {"id": user_id}))


def is_taken(tx: Connection, email: str) -> bool:
    statement = text("select exists (select from users where lower(email) = lower(:email))")
    return bool(tx.scalar(statement, {"email": email}))


def add(tx: Connection, identity: Identity, user_id: UUID, now: datetime) -> bool:
    """Link them; False when at the same moment somebody else did."""
    added = tx.execute(
        text(
            """
            insert into user_identities (issuer, subject, user_id, created_at)
            values (:issuer, :subject, :user_id, :now)
            on conflict do nothing
            """
        ),
        {"issuer": identity.issuer, "subject": identity.subject, "user_id": user_id, "now": now},
    )
    return bool(added.rowcount)
