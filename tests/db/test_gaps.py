"""What the database itself refuses about knowledge gaps, whatever a service would ask for."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import gap_finding, question_followers
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.errors import Forbidden, NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library
from kyo_pipeline.services.gap_finding import find_gaps
from tests.gaps import DOGS, not_found

Sql = Callable[..., list[Any]]


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    publish("leave.txt", "Everybody has thirty days of leave.")
    [found] = library.list_documents(kyo, employee).documents
    return found


@pytest.fixture
def gap(kyo: Kyo, pipeline: Kyo, employee: Actor, document: Document, sql: Sql) -> UUID:
    """One that managers of the collection see, with a question, a reply, an event and a follower."""
    question = not_found(kyo, employee, DOGS[0], [document.id])
    find_gaps(pipeline)
    [row] = sql("select id from gaps")
    sql("insert into gap_events (gap_id, at, actor_id, deed) select id, now(), :id, 'plan' from gaps", id=OPERATOR.id)
    sql("insert into gap_replies select :q, id, 'other', :id, now() from gaps", q=question, id=OPERATOR.id)
    sql("insert into question_followers values (:q, :id, now())", q=question, id=employee.id)
    return UUID(str(row.id))


TABLES = ("gaps", "gap_events", "gap_replies", "gap_runs")


def seen(kyo: Kyo, actor: Actor) -> list[int]:
    with kyo.db.transaction(actor) as tx:
        counts = [tx.scalar(text(f"select count(*) from {table}")) for table in TABLES]  # noqa: S608 — our own tables
        functions = [
            tx.scalar(text(f"select count(*) from {call}"))  # noqa: S608 — the same
            for call in (
                "list_gaps(now(), null)",
                "questions_of_gap((select id from gaps))",
                "documents_of_gap((select id from gaps))",
            )
        ]
        return [int(count or 0) for count in (*counts, *functions)]


def test_managers_of_the_collection_and_admins_see_it(
    kyo: Kyo, gap: UUID, manager: Actor, admin: Actor, employee: Actor, sql: Sql
) -> None:
    assert gap
    assert seen(kyo, manager) == seen(kyo, admin) == [1] * 7
    assert seen(kyo, employee) == [0] * 7  # not even who has asked
    sql("update collections set everyone_access = 'write'")
    assert seen(kyo, manager) == [0, 0, 0, 1, 0, 0, 0]  # when gaps were last looked for
    assert seen(kyo, admin) == [1] * 7


def test_those_who_do_not_see_it_are_told_nothing_by_its_id(
    kyo: Kyo, gap: UUID, employee: Actor, manager: Actor, sql: Sql
) -> None:
    sql("update collections set everyone_access = 'read'")
    for actor in (employee, manager):
        with kyo.db.transaction(actor) as tx:
            for function in ("questions_of_gap", "documents_of_gap", "owners_for_gap"):
                assert tx.execute(text(f"select * from {function}(:id)"), {"id": gap}).all() == []  # noqa: S608 — ours


def test_those_who_do_not_see_it_change_nothing(kyo: Kyo, gap: UUID, employee: Actor) -> None:
    event = "insert into gap_events (gap_id, at, actor_id, deed) values (:id, now(), current_actor(), 'plan')"
    with kyo.db.transaction(employee) as tx:
        assert tx.execute(text("update gaps set state = 'declined'")).rowcount == 0
        assert tx.execute(text("delete from gap_replies")).rowcount == 0
    with pytest.raises(NotAllowed), kyo.db.transaction(employee) as tx:
        tx.execute(text(event), {"id": gap})


def test_nobody_acts_in_the_name_of_another(kyo: Kyo, gap: UUID, manager: Actor, admin: Actor) -> None:
    event = "insert into gap_events (gap_id, at, actor_id, deed) values (:id, now(), :actor, 'plan')"
    with pytest.raises(NotAllowed), kyo.db.transaction(manager) as tx:
        tx.execute(text(event), {"id": gap, "actor": admin.id})
    with pytest.raises(NotAllowed), kyo.db.transaction(manager) as tx:
        tx.execute(text("update gap_replies set asked_by = :actor"), {"actor": admin.id})


def test_one_s_wish_to_be_told_is_one_s_own(
    kyo: Kyo, gap: UUID, employee: Actor, manager: Actor, admin: Actor, sql: Sql
) -> None:
    assert gap
    [(question,)] = sql("select question_id from gap_questions")
    other = not_found(kyo, employee, DOGS[1])
    wish = text("insert into question_followers values (:id, current_actor(), now())")
    for actor in (manager, admin):
        with kyo.db.transaction(actor) as tx:
            assert tx.scalar(text("select count(*) from question_followers")) == 0
            question_followers.unfollow(tx, employee, question)  # whoever it says it is for
        with pytest.raises(NotAllowed), kyo.db.transaction(actor) as tx:
            tx.execute(wish, {"id": other})
    assert sql("select count(*) from question_followers") == [(1,)]


def test_the_pipeline_gets_questions_as_the_operator_alone_and_the_app_never(
    kyo: Kyo, pipeline: Kyo, gap: UUID, admin: Actor, person: Callable[[Role], Actor]
) -> None:
    assert gap
    everything = (
        "select lasting_gap_questions() union select questions_still_there(array[question_id]) from gap_questions"
    )
    for actor in (admin, person(Role.MANAGER)):
        with pipeline.db.transaction(actor) as tx:
            assert gap_finding.candidates(tx, kyo.now().replace(year=2000), 10) == ()
            assert tx.execute(text(everything)).all() == []
    with pipeline.db.transaction(OPERATOR) as tx:
        assert len(tx.execute(text(everything)).all()) == 1
    with pytest.raises(Forbidden), kyo.db.transaction(OPERATOR) as tx:
        gap_finding.candidates(tx, kyo.now().replace(year=2000), 10)


def test_a_deactivated_manager_sees_nothing_and_no_longer_owns(
    kyo: Kyo, gap: UUID, manager: Actor, admin: Actor, sql: Sql
) -> None:
    sql("update users set active = false where id = :id", id=manager.id)
    assert seen(kyo, manager) == [0] * 7
    with kyo.db.transaction(admin) as tx:
        owners = tx.scalars(text("select id from owners_for_gap(:id)"), {"id": gap}).all()
    assert manager.id not in owners


def test_no_document_is_asked_for_by_itself(
    kyo: Kyo, gap: UUID, manager: Actor, admin: Actor, collection: Callable[..., str], sql: Sql
) -> None:
    """With thousands of them that takes seconds, once for each manager."""
    sql(
        """
        with d as (
          insert into documents (collection_id, owner_id, title, state, created_at, updated_at)
          select id, :owner, 'Read only', 'approved', now(), now() from collections where name = :name
          returning id
        )
        insert into near_documents select answer_id, 2, d.id from near_documents, d
        """,
        owner=admin.id,
        name=collection("Elsewhere", "read"),
    )
    sql(
        """
        create or replace function may_read_document(reader uuid, document uuid) returns boolean language plpgsql
        as 'begin raise exception ''asked for one document''; end'
        """
    )
    with kyo.db.transaction(manager) as tx:
        assert tx.scalar(text("select count(*) from documents_of_gap(:id)"), {"id": gap}) == 2
        assert tx.scalars(text("select gap_id from list_gaps(now(), null)")).all() == [gap]
        assert tx.scalars(text("select id from gaps")).all() == [gap]
        owners = tx.scalars(text("select id from owners_for_gap(:id)"), {"id": gap}).all()
    assert {manager.id, admin.id} <= set(owners)


def test_candidates_are_found_by_when_they_were_asked(sql: Sql, employee: Actor) -> None:
    """Not by reading every question and answer that there has ever been."""
    sql(
        """
        with made as (
          select gen_random_uuid() as id, timestamptz '2020-01-01' + make_interval(hours => n) as at
          from generate_series(1, 5000) n
        ), begun as (
          insert into conversations (id, user_id, begun_at) select id, :asker, at from made returning id
        ), asked as (
          insert into questions (id, user_id, conversation_id, text, asked_at)
          select id, :asker, id, 'Why?', at from made
        )
        insert into answers
          (question_id, text, outcome, generator, model, timings, prompt_tokens, completion_tokens, answered_at)
        select id, 'Because.', 'answered', 'extractive', '', '{}', 0, 0, at from made
        """,
        asker=employee.id,
    )
    sql("analyze questions, answers")
    [(body,)] = sql("select prosrc from pg_proc where proname = 'gap_candidates'")
    body = re.sub(r"\bsince\b", "timestamptz '2020-07-01'", re.sub(r"\bmost\b", "5000", body))
    sql("set local enable_seqscan = off")  # there are few questions here
    plan = "\n".join(row[0] for row in sql(f"explain {body}"))
    assert re.search(r"Index Cond: \(asked_at >=", plan), plan


def test_a_deleted_question_takes_everything_along(gap: UUID, sql: Sql) -> None:
    assert gap
    sql("delete from questions")
    for table in ("gap_questions", "question_vectors", "gap_replies", "question_followers"):
        assert sql(f"select count(*) from {table}") == [(0,)]  # noqa: S608 — our own tables
