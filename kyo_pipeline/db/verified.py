"""Answers that managers have verified: what they look after, and what is given to those who ask the same."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db import citations
from kyo_pipeline.db.like import containing
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answer_findings import Findings, as_plain, from_plain
from kyo_pipeline.domain.same_question import FORMAT, key_of
from kyo_pipeline.domain.verified import Change, Changed, Standing, VerifiedAnswer, VerifiedPage

_STANDING = """
  case
    when a.withdrawn_at is not null then 'withdrawn'
    when exists (
      select from verified_citations c where c.verified_answer_id = a.id and not version_stands(c.version_id)
    ) or not exists (select from verified_citations c where c.verified_answer_id = a.id) then 'changed'
    else 'holds'
  end
"""


@dataclass(frozen=True)
class Candidate:
    """A verified answer with the one of its wordings that may be what was asked."""

    id: UUID
    question: str


@dataclass(frozen=True)
class Wording:
    """A way to ask the question, and what it is looked up by."""

    text: str
    key: str


# For those who ask -----------------------------------------------------------------------------------------------


def find(tx: Connection, key: str) -> tuple[Candidate, ...]:
    """Those under this key that may be given to the actor of `tx` now, the newest first."""
    rows = tx.execute(text("select verified_answer_id, question from find_verified(:key)"), {"key": key})
    return tuple(Candidate(row.verified_answer_id, row.question) for row in rows)


def give(
    tx: Connection, verified_id: UUID, question_id: UUID, timings: Mapping[str, float], now: datetime
) -> UUID | None:
    """Store it as the answer to a question of the actor's; None where it does not hold for them at this moment."""
    found: UUID | None = tx.scalar(
        text("select answer_with_verified(:verified, :question, cast(:timings as jsonb), :now)"),
        {"verified": verified_id, "question": question_id, "timings": json.dumps(dict(timings)), "now": now},
    )
    return found


# For those who look after them -----------------------------------------------------------------------------------


def add(
    tx: Connection,
    answer_id: UUID,
    wordings: Sequence[Wording],
    edited: str | None,
    findings: Findings,
    now: datetime,
) -> UUID | None:
    """Verify an answer that the actor may read; None where it is not theirs to verify, or does not hold.

    `edited` None: as it was written. `findings` are about the text that is kept.
    """
    found: UUID | None = tx.scalar(
        text("select verify_answer(:answer, :wordings, :keys, :edited, cast(:findings as jsonb), :now)"),
        {
            "answer": answer_id,
            "wordings": [one.text for one in wordings],
            "keys": [one.key for one in wordings],
            "edited": edited,
            "findings": json.dumps(as_plain(findings)),
            "now": now,
        },
    )
    return found


def alike(tx: Connection, keys: Sequence[str], answer_id: UUID) -> dict[UUID, tuple[str, ...]]:
    """Those that the actor looks after, given under one of the keys, from a document that this cites: their wordings.

    What has the same key need not be the same question.
    """
    rows = tx.execute(
        text(
            """
            select a.id, array(
              select o.text from verified_questions o where o.verified_answer_id = a.id order by o.ordinal
            ) as wordings
            from verified_answers a
            where a.withdrawn_at is null
              and exists (
                select
                from verified_questions q
                where q.verified_answer_id = a.id and q.key = any(cast(:keys as text[]))
              )
              and exists (
                select
                from verified_citations c
                join document_versions v on v.id = c.version_id
                join document_versions w on w.document_id = v.document_id
                join citations o on o.version_id = w.id
                where c.verified_answer_id = a.id and o.answer_id = :answer
              )
            order by a.verified_at, a.id
            """
        ),
        {"keys": list(keys), "answer": answer_id},
    )
    return {row.id: tuple(row.wordings) for row in rows}


def withdraw(tx: Connection, verified_id: UUID, because: str, now: datetime) -> bool:
    """Whether it was given until now, and is the actor's to withdraw."""
    return bool(
        tx.scalar(
            text("select withdraw_verified(:id, :because, :now)"), {"id": verified_id, "because": because, "now": now}
        )
    )


def find_own(tx: Connection, actor: Actor, verified_id: UUID) -> VerifiedAnswer | None:
    """One that the actor looks after."""
    rows = tx.execute(text(f"{_select('a.id = :id')}"), {"id": verified_id}).all()
    return _answers(tx, actor, rows)[0] if rows else None


def page(tx: Connection, actor: Actor, wanted: str, standing: Standing | None, limit: int, offset: int) -> VerifiedPage:
    """Those that the actor looks after, the newest first; `wanted` is looked for in wordings and texts."""
    matches = """
      (cast(:wanted as text) = '' or a.text ilike :pattern or exists (
        select from verified_questions q where q.verified_answer_id = a.id and q.text ilike :pattern
      ))
    """
    values = {"wanted": wanted, "pattern": containing(wanted), "standing": standing.value if standing else None}
    counted = tx.execute(
        text(f"select {_STANDING} as standing, count(*) as n from verified_answers a where {matches} group by 1"),  # noqa: S608 — our own conditions
        values,
    )
    counts = {Standing(row.standing): int(row.n) for row in counted}
    statement = f"""
      {_select(f"{matches} and (cast(:standing as text) is null or {_STANDING} = :standing)")}
      order by a.verified_at desc, a.id
      limit :limit
      offset :offset
    """
    rows = tx.execute(text(statement), {**values, "limit": limit, "offset": offset}).all()
    total = sum(counts.values()) if standing is None else counts.get(standing, 0)
    return VerifiedPage(_answers(tx, actor, rows), total, counts)


def rekey(tx: Connection) -> int:
    """Make the keys of an earlier format anew; returns how many there were. For the owner of the tables."""
    rows = tx.execute(
        text("select verified_answer_id, ordinal, text from verified_questions where not starts_with(key, :format)"),
        {"format": f"{FORMAT}|"},
    ).all()
    for row in rows:
        tx.execute(
            text(
                """
                update verified_questions
                set key = :key
                where verified_answer_id = :verified_answer_id and ordinal = :ordinal
                """
            ),
            {"key": key_of(row.text), "verified_answer_id": row.verified_answer_id, "ordinal": row.ordinal},
        )
    return len(rows)


def _select(condition: str) -> str:
    return f"""
      select a.id, a.answer_id, a.text, a.findings, a.is_edited, a.verified_at, a.withdrawn_at, a.withdrawn_because,
        p.name as verified_by, w.name as withdrawn_by, uses_of_verified(a.id) as uses,
        array(select q.text from verified_questions q where q.verified_answer_id = a.id order by q.ordinal) as wordings
      from verified_answers a
      join people p on p.id = a.verified_by
      left join people w on w.id = a.withdrawn_by
      where {condition}
    """  # noqa: S608 — our own conditions


def _answers(tx: Connection, actor: Actor, rows: Sequence[Row[Any]]) -> tuple[VerifiedAnswer, ...]:
    ids = [row.id for row in rows]
    changed = _changed(tx, ids)
    return tuple(
        VerifiedAnswer(
            id=row.id,
            answer_id=row.answer_id,
            wordings=tuple(row.wordings),
            text=row.text,
            findings=from_plain(row.findings),
            citations=citations.of_verified(tx, actor, row.id),
            is_edited=row.is_edited,
            verified_by=row.verified_by,
            verified_at=row.verified_at,
            withdrawn_by=row.withdrawn_by,
            withdrawn_at=row.withdrawn_at,
            withdrawn_because=row.withdrawn_because,
            changed=tuple(changed[row.id]),
            uses=row.uses,
        )
        for row in rows
    )


def _changed(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, list[Changed]]:
    """By verified answer, the cited documents that are not what they were, by their titles."""
    rows = tx.execute(
        text(
            """
            select distinct c.verified_answer_id, d.id, d.title, d.state,
              case when d.state = 'approved' then current.number end as number,
              case when d.state = 'approved' then current.published_at else d.updated_at end as since
            from verified_citations c
            join document_versions v on v.id = c.version_id
            join documents d on d.id = v.document_id
            left join document_versions current on current.id = d.current_version_id
            where c.verified_answer_id = any(cast(:ids as uuid[]))
              and not version_stands(v.id)
            order by d.title, d.id
            """
        ),
        {"ids": list(ids)},
    )
    found: dict[UUID, list[Changed]] = defaultdict(list)
    for row in rows:
        change = {"approved": Change.REPLACED, "deleted": Change.DELETED}.get(row.state, Change.NOT_APPROVED)
        found[row.verified_answer_id].append(Changed(row.id, row.title, change, row.number, row.since))
    return found
