"""Tries that failed, by account and by address. In PostgreSQL, so that it holds wherever a session can be made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.throttling import FORGOTTEN_AFTER, Subject, counted, pause_after, too_many


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


def blocked(tx: Connection, subjects: Sequence[Subject], now: datetime) -> dict[Subject, datetime]:
    """Those of them that are blocked, and until when."""
    by_digest = {subject.digest: subject for subject in subjects}
    rows = tx.execute(
        text(
            "select subject, blocked_until from sign_in_failures where subject = any(:digests) and blocked_until > :now"
        ),
        {"digests": list(by_digest), "now": now},
    )
    return {by_digest[bytes(row.subject)]: row.blocked_until for row in rows}


def take_back(tx: Connection, good: Counted) -> None:
    """The try was a good one: it has not failed, and if it was what blocks, nothing blocks."""
    values = {"subject": good.subject.digest, "mine": good.blocked_until}
    # Locked before it is looked at: others take theirs back at the same moment.
    left = tx.scalar(text("select failures from sign_in_failures where subject = :subject for update"), values)
    if left is not None and left <= 1:
        clear(tx, good.subject)
        return
    tx.execute(
        text(
            """
            update sign_in_failures
            set
              failures = failures - 1,
              blocked_until = case when blocked_until = :mine then last_at else blocked_until end
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
    added = tx.execute(
        text(
            """
            insert into sign_in_failures (subject, failures, last_at, blocked_until)
            values (:subject, 1, :now, :now)
            on conflict (subject) do nothing
            """
        ),
        {"subject": subject.digest, "now": now},
    )
    if added.rowcount:
        return Counted(subject, now, False)
    row = tx.execute(
        text("select failures, last_at, blocked_until from sign_in_failures where subject = :subject for update"),
        {"subject": subject.digest},
    ).one_or_none()
    if row is None:  # somebody has cleared it at this moment
        return _count(tx, subject, now)
    # Whoever took their turn before may have looked at the clock later: where nothing blocks, that is no pause.
    if row.blocked_until > max(now, row.last_at):
        raise too_many(row.blocked_until, subject.kind)
    failures = counted(row.failures, row.last_at, now, subject.kind) + 1
    until = now + pause_after(failures, subject.kind)
    tx.execute(
        text(
            """
            update sign_in_failures
            set failures = :failures, last_at = :now, blocked_until = :until
            where subject = :subject
            """
        ),
        {"failures": failures, "now": now, "until": until, "subject": subject.digest},
    )
    return Counted(subject, until, until > now)
