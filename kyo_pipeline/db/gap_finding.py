"""Questions without a good answer, their vectors, and the gaps they are put into. For the pipeline's database role."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answer_findings import from_plain
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.doubt import AnswerFacts
from kyo_pipeline.domain.gaps import GapKind, GapState

Vector = NDArray[np.float32]

_STORED = "<f4"


@dataclass(frozen=True)
class Candidate:
    """A question, without its asker. Its text is not in the `repr`: it must not get into a log."""

    id: UUID
    text: str = field(repr=False)
    asked_at: datetime
    facts: AnswerFacts


@dataclass(frozen=True)
class Placed:
    """A question that belongs to a gap."""

    question_id: UUID
    gap_id: UUID
    kind: GapKind
    centrality: float


@dataclass(frozen=True)
class GapCount:
    """How many questions of each kind a gap has."""

    gap_id: UUID
    state: GapState
    kinds: Mapping[GapKind, int]


def candidates(tx: Connection, since: datetime, most: int) -> tuple[Candidate, ...]:
    """Those that last (their gap is worked on, or they are waited for), then those since then, the newest first."""
    rows = tx.execute(text("select * from gap_candidates(:since, :most)"), {"since": since, "most": most})
    return tuple(
        Candidate(
            row.question_id,
            row.question,
            row.asked_at,
            AnswerFacts(
                Outcome(row.outcome), row.rating, row.similarity, row.similarity_threshold, from_plain(row.findings)
            ),
        )
        for row in rows
    )


def vectors(tx: Connection, set_id: int, question_ids: Sequence[UUID]) -> dict[UUID, Vector]:
    """Of those of the questions that have one in this set; shape (dimensions,)."""
    rows = tx.execute(
        text(
            """
            select question_id, vector
            from question_vectors
            where embedding_set_id = :set and question_id = any(cast(:ids as uuid[]))
            """
        ),
        {"set": set_id, "ids": list(question_ids)},
    )
    return {row.question_id: np.frombuffer(row.vector, dtype=_STORED) for row in rows}


def add_vectors(tx: Connection, set_id: int, made: Mapping[UUID, Vector]) -> None:
    """Of those of the questions that are still there; what somebody else has added meanwhile stays."""
    tx.execute(
        text(
            """
            insert into question_vectors (question_id, embedding_set_id, vector)
            select made.question, :set, made.vector
            from unnest(cast(:questions as uuid[]), cast(:vectors as bytea[])) as made(question, vector)
            where made.question in (select questions_still_there(cast(:questions as uuid[])))
            order by made.question
            on conflict (question_id, embedding_set_id) do nothing
            """
        ),
        {
            "set": set_id,
            "questions": list(made),
            "vectors": [vector.astype(_STORED).tobytes() for vector in made.values()],
        },
    )


def forget_vectors(tx: Connection, kept: Iterable[UUID]) -> int:
    """Delete those of other questions, and of sets that are gone; returns how many."""
    return tx.execute(
        text(
            """
            delete from question_vectors v
            where v.question_id <> all(cast(:kept as uuid[]))
              or exists (select from embedding_sets s where s.id = v.embedding_set_id and s.state = 'dropped')
            """
        ),
        {"kept": list(kept)},
    ).rowcount


def lock(tx: Connection) -> None:
    """Whoever looks for gaps as well waits until the end of the transaction, and so does who changes one."""
    lock_name(tx, "gaps")
    tx.execute(text("select from gaps order by id for no key update"))


def members(tx: Connection) -> dict[UUID, UUID]:
    """The gap of each question that is in one."""
    return {row.question_id: row.gap_id for row in tx.execute(text("select question_id, gap_id from gap_questions"))}


def settled(tx: Connection) -> frozenset[UUID]:
    """The gaps about which somebody has done something."""
    return frozenset(tx.scalars(text("select distinct gap_id from gap_events")))


def add_gap(tx: Connection, now: datetime) -> UUID:
    statement = "insert into gaps (created_at, changed_at) values (:now, :now) returning id"
    return UUID(str(tx.scalar(text(statement), {"now": now})))


def place(tx: Connection, placed: Sequence[Placed]) -> None:
    """Put questions into gaps, whichever they were in before."""
    rows = sorted(placed, key=lambda one: one.question_id)
    tx.execute(
        text(
            """
            insert into gap_questions (question_id, gap_id, kind, centrality)
            select *
            from unnest(
              cast(:questions as uuid[]), cast(:gaps as uuid[]), cast(:kinds as text[]), cast(:centralities as real[])
            )
            on conflict (question_id) do update
            set gap_id = excluded.gap_id, kind = excluded.kind, centrality = excluded.centrality
            where (gap_questions.gap_id, gap_questions.kind, gap_questions.centrality)
              is distinct from (excluded.gap_id, excluded.kind, excluded.centrality)
            """
        ),
        {
            "questions": [one.question_id for one in rows],
            "gaps": [one.gap_id for one in rows],
            "kinds": [one.kind.value for one in rows],
            "centralities": [one.centrality for one in rows],
        },
    )


def take_out(tx: Connection, kept: Iterable[UUID], seen: Iterable[UUID]) -> None:
    """All other questions leave their gaps, but for closed ones: those show what was asked. Empty gaps go with them.

    One that lasts stays too, unless it is among the `seen` ones: there may have been too many of them to look at.
    """
    tx.execute(
        text(
            """
            delete from gap_questions q
            using gaps g
            where g.id = q.gap_id
              and g.state in ('open', 'planned')
              and q.question_id <> all(cast(:kept as uuid[]))
              and (
                q.question_id = any(cast(:seen as uuid[])) or q.question_id not in (select lasting_gap_questions())
              )
            """
        ),
        {"kept": list(kept), "seen": list(seen)},
    )
    tx.execute(
        text(
            """
            delete from gaps g
            where not exists (select from gap_questions q where q.gap_id = g.id)
              and not exists (select from gap_events e where e.gap_id = g.id)
            """
        )
    )


def closed(tx: Connection) -> dict[UUID, datetime]:
    """When each of the closed gaps was closed."""
    rows = tx.execute(text("select id, changed_at from gaps where state in ('answered', 'declined')"))
    return {row.id: row.changed_at for row in rows}


def reopen(tx: Connection, actor: Actor, gap_id: UUID, count: int, now: datetime) -> None:
    """Because so many questions came after it was closed."""
    tx.execute(text("update gaps set state = 'open', changed_at = :now where id = :id"), {"id": gap_id, "now": now})
    tx.execute(
        text("insert into gap_events (gap_id, at, actor_id, deed, count) values (:id, :now, :actor, 'reopen', :count)"),
        {"id": gap_id, "now": now, "actor": actor.id, "count": count},
    )


def counts(tx: Connection) -> tuple[GapCount, ...]:
    """Of each gap, by its id: numbers alone."""
    rows = tx.execute(
        text(
            """
            select g.id, g.state, q.kind, count(q.question_id) as questions
            from gaps g
            left join gap_questions q on q.gap_id = g.id
            group by g.id, g.state, q.kind
            order by g.id
            """
        )
    )
    found: dict[UUID, tuple[GapState, dict[GapKind, int]]] = {}
    for row in rows:
        kinds = found.setdefault(row.id, (GapState(row.state), {}))[1]
        if row.kind is not None:
            kinds[GapKind(row.kind)] = row.questions
    return tuple(GapCount(gap_id, state, kinds) for gap_id, (state, kinds) in found.items())


def note_run(tx: Connection, now: datetime, questions: int, gaps: int) -> None:
    statement = "insert into gap_runs (at, questions, gaps) values (:now, :questions, :gaps)"
    tx.execute(text(statement), {"now": now, "questions": questions, "gaps": gaps})
