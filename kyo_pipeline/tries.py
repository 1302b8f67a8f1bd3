"""Tries that may fail: counted before anybody knows, and put on record when they fail or come too soon."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, sign_in_failures
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.sign_in_failures import Counted
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.throttling import Kind, Subject
from kyo_pipeline.errors import TooMany
from kyo_pipeline.kyo import Kyo


@dataclass(frozen=True)
class Try:
    """What is tried, by whom, and whose account it is about: nobody's, where a name may be a password in its place."""

    event: Event
    actor: Actor
    person: Actor | None
    subjects: tuple[Subject, ...]
    address: str


def count(kyo: Kyo, attempt: Try) -> tuple[Counted, ...]:
    """Count it before it is looked at. Raises `TooMany`; then it counts for nothing, and is on record."""
    try:
        with kyo.db.transaction(OPERATOR) as tx:
            return sign_in_failures.count(tx, attempt.subjects, kyo.now())
    except TooMany:
        username = attempt.person.username if attempt.person else None
        on_record.blocked_try(kyo, attempt.actor, attempt.event, username, attempt.address)
        raise


def record_failure(tx: Transaction, attempt: Try, reason: str, counted: Sequence[Counted], now: datetime) -> None:
    """It has failed; and perhaps the account of somebody is blocked for a while now. What was typed is not stored."""
    name = attempt.person.username if attempt.person else "unknown"
    address = attempt.address
    audit.record(tx, attempt.actor, attempt.event, name, now, {"reason": reason}, outcome="refused", address=address)
    for one in counted:
        if attempt.person is not None and one.blocks and one.subject.kind is Kind.ACCOUNT:
            until = {"until": one.blocked_until.isoformat()}
            audit.record(tx, OPERATOR, Event.USER_BLOCK, attempt.person.id, now, until, address=address)


def forgive(tx: Transaction, counted: Sequence[Counted]) -> None:
    """It was a good one: the failures of the account are forgotten, and of the address this one alone."""
    for one in counted:
        if one.subject.kind is Kind.ACCOUNT:
            sign_in_failures.clear(tx, one.subject)
        else:
            # Not cleared: whoever has an account could else guess those of others for ever.
            sign_in_failures.take_back(tx, one)
