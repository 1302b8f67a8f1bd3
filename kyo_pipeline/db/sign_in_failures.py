"""Tries that failed, by account and by address. In PostgreSQL, so that it holds wherever a session can be made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.throttling import FORGOTTEN_AFTER, Subject, blocked_until, too_many


@dataclass(frozen=True)
class Counted:
    """A try that was counted as a failure before anybody knew, and from when on the next one may follow."""

    subject: Subject
    blocked_until: datetime
    blocks: bool


def count(tx: Connection, subjects: Sequence[Subject], now: datetime) -> tuple[Counted, ...]:
    """Count one try for each, before it is known whether it is a good one: so guesses at the same moment count too.

    Raises `TooMany` where one of them is blocked, and then none has been counted: let it leave the transaction.
    """
    return tuple(_count(tx, subject, now) for subject in subjects)


def take_back(tx: Connection, counted: Counted, now: datetime) -> None:
    """The try was a good one: it has not failed, and if it was what blocks, nothing blocks."""
    values = {"subject": counted.subject.digest, "mine": counted.blocked_until, "now": now}
    # Locked before it is looked at: others take theirs back at the same moment.
    left = tx.scalar(text("select failures from sign_in_failures where subject = :subject for update"), values)
    if left == 1:
        clear(tx, counted.subject)
        return
    tx.execute(
        text(
            """
            update sign_in_failures
            set
              failures = failures - 1,
              blocked_until = case when blocked_until = :mine then :now else blocked_until end
            where subject = :subject
            """
        ),
        values,
    )


def clear(tx: Connection, subject: Subject) -> bool:
    """Forget the failures of a subject; whether there were any."""
    gone = tx.execute(text("delete from sign_in_failures where subject = :subject"), {"subject": subject.digest})
    return bool(gone.rowcount)


def forget_old(tx: Connection, now: datetime) -> None:
    """Delete what no longer counts. Rows that somebody holds are left: waiting for them could be a deadlock."""
    tx.execute(
        text(
            """
            delete from sign_in_failures
            where subject in (
              select subject from sign_in_failures where last_at < :before limit 1000 for update skip locked
            )
            """
        ),
        {"before": now - FORGOTTEN_AFTER},
    )


def _count(tx: Connection, subject: Subject, now: datetime) -> Counted:
    # The row stays locked until the transaction ends: tries at the same moment take turns here.
    failures = tx.scalar(
        text(
            """
            insert into sign_in_failures as f (subject, failures, last_at, blocked_until)
            values (:subject, 1, :now, :now)
            on conflict (subject) do update
            set failures = case when f.last_at > :before then f.failures + 1 else 1 end, last_at = :now
            where f.blocked_until <= :now
            returning failures
            """
        ),
        {"subject": subject.digest, "now": now, "before": now - FORGOTTEN_AFTER},
    )
    if failures is None:
        raise too_many(_blocked_until(tx, subject) or now, now)
    until = blocked_until(failures, now, now, subject.kind)
    tx.execute(
        text("update sign_in_failures set blocked_until = :until where subject = :subject"),
        {"until": until, "subject": subject.digest},
    )
    return Counted(subject, until, until > now)


def _blocked_until(tx: Connection, subject: Subject) -> datetime | None:
    until: datetime | None = tx.scalar(
        text("select blocked_until from sign_in_failures where subject = :subject"), {"subject": subject.digest}
    )
    return until
