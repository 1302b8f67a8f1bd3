"""Questions, answers and files as if they had come about on some day, put straight into the tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

from kyo_pipeline.domain.actor import OPERATOR_ID, Actor

Sql = Callable[..., list[Any]]


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), timezone.utc)


@dataclass(frozen=True)
class Asked:
    question: UUID
    answer: UUID
    person: UUID


@dataclass(frozen=True)
class Use:
    """Writes as the owner of the tables, in the test's transaction."""

    sql: Sql

    def collection(self, name: str, *approvers: Actor) -> UUID:
        [(found,)] = self.sql(
            "insert into collections (name, created_at) values (:name, now()) returning id", name=name
        )
        for actor in approvers:
            self.sql("insert into collection_members values (:c, :u, 'approve')", c=found, u=actor.id)
        return UUID(str(found))

    def document(self, collection: UUID, title: str, uploaded: datetime, *, seconds: float | None = 30) -> UUID:
        """One that answers questions, `seconds` after its upload; None: it failed."""
        document, version = uuid4(), uuid4()
        self.sql(
            "insert into documents (id, collection_id, owner_id, title, state, created_at, updated_at) "
            "values (:id, :collection, :owner, :title, 'approved', :at, :at)",
            id=document,
            collection=collection,
            owner=OPERATOR_ID,
            title=title,
            at=uploaded,
        )
        self.sql(
            "insert into document_versions (id, document_id, number, file_name, sha256, size_bytes, media_type, "
            "uploaded_by, uploaded_at, review, status, error, ready_at) "
            "values (:id, :document, 1, 'a.txt', repeat('0', 64), 1, 'text/plain', :owner, :at, 'approved', "
            "case when :failed then 'failed' else 'ready' end, case when :failed then 'x' end, :ready)",
            id=version,
            document=document,
            owner=OPERATOR_ID,
            at=uploaded,
            failed=seconds is None,
            ready=None if seconds is None else uploaded + timedelta(seconds=seconds),
        )
        if seconds is not None:
            self.sql("update documents set current_version_id = :v where id = :id", v=version, id=document)
        return document

    def ask(
        self,
        person: Actor,
        asked: datetime,
        outcome: str | None = "answered",
        about: Sequence[UUID] = (),
        *,
        cached: bool = False,
        milliseconds: float = 100,
        tokens: tuple[int, int] = (0, 0),
    ) -> Asked:
        """A question, with an answer unless `outcome` is None: it cites, or came near, the documents `about`."""
        one = Asked(uuid4(), uuid4(), person.id)
        self.sql(
            "insert into conversations (id, user_id, begun_at) values (:id, :user, :at)",
            id=one.question,
            user=person.id,
            at=asked,
        )
        self.sql(
            "insert into questions (id, user_id, text, asked_at, conversation_id) "
            "values (:id, :user, 'Why?', :at, :id)",
            id=one.question,
            user=person.id,
            at=asked,
        )
        if outcome is None:
            return one
        timings = f'{{"{"cache" if cached else "search"}": {milliseconds}}}'
        self.sql(
            "insert into answers (id, question_id, text, outcome, generator, model, timings, prompt_tokens, "
            "completion_tokens, answered_at) values (:id, :question, '', :outcome, 'x', 'x', cast(:timings as jsonb), "
            ":prompt, :completion, :at)",
            id=one.answer,
            question=one.question,
            outcome=outcome,
            timings=timings,
            prompt=tokens[0],
            completion=tokens[1],
            at=asked,
        )
        for n, document in enumerate(about, start=1):
            if outcome == "not_found":
                self.sql("insert into near_documents values (:a, :n, :d)", a=one.answer, n=n, d=document)
            else:
                self.sql(
                    "insert into citations select :a, :n, id, null, 0, 1, 1 from document_versions "
                    "where document_id = :d",
                    a=one.answer,
                    n=n,
                    d=document,
                )
        return one

    def rate(self, one: Asked, rating: int, reason: str | None = None) -> None:
        self.sql(
            "insert into feedback (answer_id, user_id, rating, reason, created_at, updated_at) "
            "values (:a, :u, :rating, :reason, now(), now()) "
            "on conflict (answer_id, user_id) do update set rating = excluded.rating, reason = excluded.reason",
            a=one.answer,
            u=one.person,
            rating=rating,
            reason=reason,
        )

    def move(self, document: UUID, collection: UUID) -> None:
        self.sql("update documents set collection_id = :c where id = :d", c=collection, d=document)

    def forget(self, one: Asked) -> None:
        self.sql("delete from questions where id = :id", id=one.question)

    def erase(self, one: Asked) -> None:
        self.sql("update answers set outcome = 'erased' where id = :id and outcome = 'answered'", id=one.answer)
