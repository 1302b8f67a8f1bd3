"""Questions, answers and feedback."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db import citations, conversations, near_documents
from kyo_pipeline.db.like import containing
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answer_findings import as_plain, from_plain
from kyo_pipeline.domain.answers import (
    ERASED_TEXT,
    WITHHELD_TEXT,
    Answer,
    AnswerPage,
    AnswerSummary,
    Citation,
    Draft,
    NearDocument,
    Outcome,
    Verification,
)
from kyo_pipeline.domain.feedback import NamedDocument, Opinion, Reason


@dataclass(frozen=True)
class Production:
    """How an answer was made. `timings` maps a stage to milliseconds.

    `shown_documents` are those whose passages a language model was given: the answer can be shared with those who may
    read all of them. None where none was asked. `similarity` is the best cosine among the passages that it cites, and
    `similarity_threshold` the one that held.
    """

    generator: str
    model: str
    embedding_set_id: int | None
    timings: dict[str, float]
    shown_documents: tuple[UUID, ...] | None = None
    similarity: float | None = None
    similarity_threshold: float | None = None


def add_question(
    tx: Connection, actor: Actor, question: str, now: datetime, conversation_id: UUID | None = None
) -> UUID:
    """In a conversation of the actor's, or in a new one."""
    conversation_id = conversation_id or conversations.begin(tx, actor, now)
    return UUID(
        str(
            tx.scalar(
                text(
                    """
                    insert into questions (user_id, conversation_id, text, asked_at)
                    values (:user_id, :conversation_id, :text, :now)
                    returning id
                    """
                ),
                {"user_id": actor.id, "conversation_id": conversation_id, "text": question, "now": now},
            )
        )
    )


def add_answer(tx: Connection, question_id: UUID, draft: Draft, made: Production, now: datetime) -> UUID:
    return UUID(
        str(
            tx.scalar(
                text(
                    """
                    insert into answers
                      (question_id, text, outcome, generator, model, embedding_set_id, timings,
                       prompt_tokens, completion_tokens, findings, shown_documents, similarity, similarity_threshold,
                       answered_at)
                    values
                      (:question_id, :text, :outcome, :generator, :model, :embedding_set_id,
                       cast(:timings as jsonb), :prompt_tokens, :completion_tokens, cast(:findings as jsonb),
                       cast(:shown_documents as uuid[]), :similarity, :similarity_threshold, :now)
                    returning id
                    """
                ),
                {
                    "question_id": question_id,
                    "text": draft.text,
                    "outcome": draft.outcome.value,
                    "shown_documents": None if made.shown_documents is None else list(made.shown_documents),
                    "similarity": made.similarity,
                    "similarity_threshold": made.similarity_threshold,
                    "generator": made.generator,
                    "model": made.model,
                    "embedding_set_id": made.embedding_set_id,
                    "timings": json.dumps(made.timings),
                    "prompt_tokens": draft.prompt_tokens,
                    "completion_tokens": draft.completion_tokens,
                    "findings": json.dumps(as_plain(draft.findings)),
                    "now": now,
                },
            )
        )
    )


def history(tx: Connection, actor: Actor, wanted: str, limit: int, offset: int) -> AnswerPage:
    """The actor's own questions, newest first; `wanted` is looked for in questions and answers."""
    rows = tx.execute(
        text(
            """
            select coalesce(a.id, q.id) as id, q.text as question, q.asked_at, f.rating,
              coalesce(a.outcome, :withheld_outcome) as outcome,
              case a.outcome when 'erased' then :erased else coalesce(a.text, :withheld) end as text,
              q.conversation_id,
              a.verified_answer_id is not null as is_verified,
              (select count(*) from questions o where o.conversation_id = q.conversation_id) as turns,
              count(*) over () as total
            from questions q
            left join answers a on a.question_id = q.id and answer_is_readable(a.id, q.user_id)
            left join feedback f on f.answer_id = a.id and f.user_id = q.user_id
            where q.user_id = :actor
              and (a.id is not null or question_is_answered(q.id))
              and (cast(:wanted as text) = '' or q.text ilike :pattern or a.text ilike :pattern)
            order by q.asked_at desc, q.id
            limit :limit
            offset :offset
            """
        ),
        {
            "actor": actor.id,
            "wanted": wanted,
            "withheld": WITHHELD_TEXT,
            "erased": ERASED_TEXT,
            "withheld_outcome": Outcome.WITHHELD.value,
            "pattern": containing(wanted),
            "limit": limit,
            "offset": offset,
        },
    ).all()
    found = tuple(
        AnswerSummary(
            row.id,
            row.question,
            row.asked_at,
            Outcome(row.outcome),
            row.text,
            row.rating,
            row.conversation_id,
            row.turns,
            row.is_verified,
        )
        for row in rows
    )
    return AnswerPage(found, rows[0].total if rows else 0)


def own_answer(tx: Connection, actor: Actor, answer_id: UUID) -> Answer | None:
    """An answer to the actor's own question, by its id or by that of the question.

    Of one that quotes a document which the actor may no longer read, only the question is left; of one that quotes a
    deleted document, what it was called.
    """
    row = tx.execute(
        text(
            """
            select coalesce(a.id, q.id) as id, q.id as question_id, q.text as question, q.asked_at,
              case a.outcome when 'erased' then :erased else coalesce(a.text, :withheld) end as text,
              coalesce(a.outcome, :withheld_outcome) as outcome,
              coalesce(a.generator, '') as generator,
              coalesce(a.model, '') as model,
              coalesce(a.timings, '{}') as timings,
              coalesce(a.prompt_tokens, 0) as prompt_tokens,
              coalesce(a.completion_tokens, 0) as completion_tokens,
              coalesce(a.findings, '{}') as findings,
              f.rating, f.comment, f.reason,
              source.id as source_id, source.title as source_title,
              case source.state when 'approved' then source.current_version_id end as source_version,
              q.conversation_id, q.standalone, shared_since(q.id) as shared_at,
              v.verified_answer_id, v.verified_by, v.verified_at, v.withdrawn_at, v.is_source,
              v.verified_question
            from questions q
            left join answers a on a.question_id = q.id and answer_is_readable(a.id, q.user_id)
            left join feedback f on f.answer_id = a.id and f.user_id = q.user_id
            left join documents source on source.id = f.correct_document_id
            left join lateral verification_of(a.id) v on true
            where q.user_id = :actor
              and q.id = coalesce(question_of_answer(:id), :id)
              and (a.id is not null or question_is_answered(q.id))
            """
        ),
        {
            "id": answer_id,
            "actor": actor.id,
            "withheld": WITHHELD_TEXT,
            "erased": ERASED_TEXT,
            "withheld_outcome": Outcome.WITHHELD.value,
        },
    ).one_or_none()
    if row is None:
        return None
    return replace(
        to_answer(row, citations.of_answer(tx, actor, row.id), near_documents.of_answer(tx, actor, row.id)),
        reason=Reason(row.reason) if row.reason else None,
        verification=to_verification(row),
        correct_document=(
            NamedDocument(row.source_id, row.source_title, row.source_version) if row.source_id else None
        ),
    )


def readable(tx: Connection, actor: Actor, answer_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of these answers, those to the actor's own questions that quote nothing which they may no longer read.

    What was erased is not among them.
    """
    return frozenset(
        tx.scalars(
            text(
                """
                select a.id
                from answers a
                join questions q on q.id = a.question_id
                where a.id = any(cast(:ids as uuid[]))
                  and a.outcome <> 'erased'
                  and q.user_id = :actor
                  and answer_is_readable(a.id, q.user_id)
                """
            ),
            {"ids": list(answer_ids), "actor": actor.id},
        )
    )


def rate(tx: Connection, actor: Actor, answer_id: UUID, opinion: Opinion, now: datetime) -> None:
    """Store or replace the actor's opinion of an answer."""
    tx.execute(
        text(
            """
            insert into feedback
              (answer_id, user_id, rating, comment, reason, correct_document_id, created_at, updated_at)
            values (:answer_id, :user_id, :rating, :comment, :reason, :correct_document_id, :now, :now)
            on conflict (answer_id, user_id) do update
            set rating = excluded.rating, comment = excluded.comment, reason = excluded.reason,
              correct_document_id = excluded.correct_document_id, updated_at = excluded.updated_at
            """
        ),
        {
            "answer_id": answer_id,
            "user_id": actor.id,
            "rating": opinion.rating,
            "comment": opinion.comment,
            "reason": opinion.reason.value if opinion.reason else None,
            "correct_document_id": opinion.correct_document_id,
            "now": now,
        },
    )


def unrate(tx: Connection, actor: Actor, answer_id: UUID) -> UUID | None:
    """Take the actor's opinion back, also of an answer that they may no longer read, by its id or its question's.

    The answer's id, or None where there was no opinion.
    """
    found: UUID | None = tx.scalar(
        text(
            """
            delete from feedback
            where user_id = :actor and :id in (answer_id, question_of_answer(answer_id))
            returning answer_id
            """
        ),
        {"id": answer_id, "actor": actor.id},
    )
    return found


def to_answer(row: Row[Any], cited: tuple[Citation, ...], nearest: tuple[NearDocument, ...] = ()) -> Answer:
    """Of a row that has a column for each other field."""
    return Answer(
        id=row.id,
        question_id=row.question_id,
        question=row.question,
        asked_at=row.asked_at,
        text=row.text,
        outcome=Outcome(row.outcome),
        generator=row.generator,
        model=row.model,
        citations=cited,
        timings={stage: float(value) for stage, value in row.timings.items()},
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        rating=row.rating,
        comment=row.comment,
        findings=from_plain(row.findings),
        nearest=nearest,
        conversation_id=row.conversation_id,
        standalone=row.standalone,
        shared_at=row.shared_at,
    )


def to_verification(row: Row[Any]) -> Verification | None:
    """Of a row with the columns of `verification_of`."""
    if row.verified_answer_id is None:
        return None
    return Verification(
        row.verified_answer_id,
        row.verified_by,
        row.verified_at,
        row.withdrawn_at,
        row.is_source,
        row.verified_question,
    )
