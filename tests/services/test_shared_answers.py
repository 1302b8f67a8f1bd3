"""Answers by a link: who may share what, and who may read it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import shared_answers as queries
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.errors import Conflict, Forbidden, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    curating,
    history,
    library,
    people,
    reprocessing,
    reviewing,
    shared_answers,
    sharing,
)
from tests.conftest import Clock
from tests.fakes import ScriptedGenerator
from tests.recipients import a_person

Sql = Callable[..., list[Any]]

TEXT = "The board is paid ninety thousand a year."
QUESTION = "How much is the board paid a year?"


@pytest.fixture
def asker(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


@pytest.fixture
def reader(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


@pytest.fixture
def answer(kyo: Kyo, admin: Actor, asker: Actor, reader: Actor, run_pipeline: Callable[[], None]) -> Answer:
    """Of `asker`, from a collection that `reader` may read as well."""
    board = collections.create(kyo, admin, "Board").id
    for member in (asker, reader):
        collections.grant(kyo, admin, board, a_person(member.id), Access.READ)
    version = library.upload(kyo, OPERATOR, "pay.txt", TEXT.encode(), "Board").document.latest
    run_pipeline()
    reviewing.approve(kyo, OPERATOR, version.id)
    found = asking.ask(kyo, asker, QUESTION)
    assert found.citations
    return found


@pytest.fixture
def shared(kyo: Kyo, asker: Actor, answer: Answer) -> Answer:
    return shared_answers.share(kyo, asker, answer.id)


@pytest.fixture
def replace_text(kyo: Kyo, run_pipeline: Callable[[], None]) -> Callable[[str], None]:
    def put(words: str) -> None:
        version = library.upload(kyo, OPERATOR, "pay.txt", words.encode(), "Board").document.latest
        run_pipeline()
        reviewing.approve(kyo, OPERATOR, version.id)

    return put


def is_there(kyo: Kyo, actor: Actor, answer_id: UUID) -> bool:
    """By the service, and by the database with the checks of the service switched off: both have to say the same."""
    try:
        shared_answers.read_shared(kyo, actor, answer_id)
        found = True
    except NotFound:
        found = False
    with kyo.db.transaction(actor) as tx:
        seen = tx.scalars(text("select text from answers where id = :id"), {"id": answer_id}).all()
        asked = tx.scalars(
            text("select q.text from questions q join answers a on a.question_id = q.id where a.id = :id"),
            {"id": answer_id},
        ).all()
    assert bool(seen) == bool(asked) == found
    return found


def test_who_may_read_the_sources_reads_the_answer(kyo: Kyo, shared: Answer, asker: Actor, reader: Actor) -> None:
    found = shared_answers.read_shared(kyo, reader, shared.id)
    assert (found.shared_by, found.shared_at) == (asker.name, shared.shared_at)
    assert found.answer == replace(shared, conversation_id=None)
    [citation] = found.answer.citations
    passage = library.read_passage(kyo, reader, citation.version_id, citation.start, citation.end)
    assert passage.quote == citation.quote


def test_nobody_reads_an_answer_that_was_not_shared(kyo: Kyo, answer: Answer, reader: Actor, admin: Actor) -> None:
    assert answer.shared_at is None
    assert not is_there(kyo, reader, answer.id)
    assert not is_there(kyo, admin, answer.id)


def test_who_may_not_read_the_sources_learns_nothing(kyo: Kyo, shared: Answer, person: Callable[[Role], Actor]) -> None:
    outsider, manager = person(Role.EMPLOYEE), person(Role.MANAGER)
    assert not is_there(kyo, outsider, shared.id)
    assert not is_there(kyo, manager, shared.id)
    for unknown in (shared.id, UUID(int=7)):
        with pytest.raises(NotFound, match=shared_answers.NOT_THERE):
            shared_answers.read_shared(kyo, outsider, unknown)


def test_the_opinion_of_the_asker_stays_with_the_asker(kyo: Kyo, shared: Answer, asker: Actor, reader: Actor) -> None:
    history.rate(kyo, asker, shared.id, -1, "Too much.")
    found = shared_answers.read_shared(kyo, reader, shared.id).answer
    assert (found.rating, found.comment) == (None, None)
    with kyo.db.transaction(reader) as tx:
        assert tx.execute(text("select from feedback")).all() == []


def test_it_is_in_nobody_elses_history(kyo: Kyo, shared: Answer, reader: Actor) -> None:
    assert history.list_answers(kyo, reader).total == 0
    assert history.still_readable(kyo, reader, [shared.id]) == frozenset()
    for verb in (history.read_answer, shared_answers.share, shared_answers.stop_sharing):
        with pytest.raises(NotFound):
            verb(kyo, reader, shared.id)  # type: ignore[operator]  # they differ in what they return
    with pytest.raises(NotFound):
        history.rate(kyo, reader, shared.id, 1)


def test_sharing_and_stopping_are_deeds_on_record(
    kyo: Kyo, answer: Answer, asker: Actor, reader: Actor, clock: Clock, audited: Callable[[], list[str]]
) -> None:
    first = shared_answers.share(kyo, asker, answer.id)
    clock.advance(hours=1)
    assert shared_answers.share(kyo, asker, answer.id) == first, "the first time counts"
    assert is_there(kyo, reader, answer.id)
    shared_answers.stop_sharing(kyo, asker, answer.id)
    shared_answers.stop_sharing(kyo, asker, answer.id)
    assert not is_there(kyo, reader, answer.id)
    assert history.read_answer(kyo, asker, answer.id).shared_at is None
    assert [event for event in audited() if "share" in event] == ["answer:share", "answer:unshare"]


# What cannot be shared ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [
        Draft("Ninety.", Outcome.ANSWERED),
        Draft("Not here.", Outcome.NOT_FOUND),
        Draft("Ninety [1].", Outcome.STOPPED, (DraftCitation(1, 0, 0, 9),)),
        Draft("Ninety [1].", Outcome.FAILED, (DraftCitation(1, 0, 0, 9),)),
    ],
)
def test_what_is_no_answer_with_sources_is_not_shared(
    kyo: Kyo, answer: Answer, asker: Actor, reader: Actor, end: Draft, sql: Sql
) -> None:
    other = asking.ask(replace(kyo, generator=ScriptedGenerator([], end)), asker, "And?", answer.conversation_id)
    with pytest.raises(Conflict, match="Only an answer with sources"):
        shared_answers.share(kyo, asker, other.id)
    with kyo.db.transaction(asker) as tx:
        assert queries.share(tx, other.id, kyo.now()) is None, "nor does the database"
    sql("update answers set shared_at = now() where id = :id", id=other.id)
    assert not is_there(kyo, reader, other.id), "nor would it be shown"


def test_an_answer_that_is_withheld_is_not_shared(kyo: Kyo, answer: Answer, asker: Actor, sql: Sql) -> None:
    sql("delete from collection_members")
    with pytest.raises(Conflict):
        shared_answers.share(kyo, asker, answer.id)
    with kyo.db.transaction(asker) as tx:
        assert queries.share(tx, answer.id, kyo.now()) is None


def test_an_answer_that_was_erased_is_not_shared(kyo: Kyo, answer: Answer, asker: Actor, admin: Actor) -> None:
    curating.delete(kyo, admin, answer.citations[0].document_id)
    with pytest.raises(Conflict):
        shared_answers.share(kyo, asker, answer.id)


# Afterwards -----------------------------------------------------------------------------------------------------------


def test_whoever_loses_the_right_to_a_source_loses_the_answer(
    kyo: Kyo, shared: Answer, admin: Actor, reader: Actor
) -> None:
    board = collections.named(kyo, admin, "Board").id
    collections.revoke(kyo, admin, board, a_person(reader.id))
    assert not is_there(kyo, reader, shared.id)
    sharing.add_reader(kyo, admin, shared.citations[0].document_id, a_person(reader.id))
    assert is_there(kyo, reader, shared.id), "a single document is enough"
    sharing.remove_reader(kyo, admin, shared.citations[0].document_id, a_person(reader.id))
    assert not is_there(kyo, reader, shared.id)


def test_a_restricted_source_closes_the_answer(kyo: Kyo, shared: Answer, admin: Actor, reader: Actor) -> None:
    sharing.restrict(kyo, admin, shared.citations[0].document_id)
    assert not is_there(kyo, reader, shared.id)
    assert is_there(kyo, admin, shared.id)


def test_whoever_is_deactivated_reads_nothing(kyo: Kyo, shared: Answer, admin: Actor, reader: Actor) -> None:
    people.deactivate(kyo, admin, reader.id)
    assert not is_there(kyo, reader, shared.id)


def test_all_sources_have_to_be_readable(
    kyo: Kyo, shared: Answer, reader: Actor, admin: Actor, publish: Callable[[str, str], None], sql: Sql
) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    sql(
        "insert into citations (answer_id, marker, version_id, start_offset, end_offset, score) "
        "select :answer, 2, current_version_id, 0, 9, 1 from documents where title = 'leave'",
        answer=shared.id,
    )
    assert len(shared_answers.read_shared(kyo, reader, shared.id).answer.citations) == 2
    collections.set_everyone(kyo, admin, collections.named(kyo, admin, "General").id, None)
    assert not is_there(kyo, reader, shared.id)


def test_when_a_source_is_deleted_the_answer_is_gone(kyo: Kyo, shared: Answer, admin: Actor, reader: Actor) -> None:
    curating.delete(kyo, admin, shared.citations[0].document_id)
    assert not is_there(kyo, reader, shared.id)
    with kyo.db.transaction(admin) as tx:
        assert tx.scalars(text("select text from questions")).all() == []


def test_what_does_not_answer_questions_any_more_is_for_those_who_may_see_old_versions(
    kyo: Kyo, shared: Answer, admin: Actor, asker: Actor, reader: Actor, replace_text: Callable[[str], None]
) -> None:
    replace_text("The board is paid one hundred thousand a year.")
    assert not is_there(kyo, reader, shared.id)
    assert shared_answers.read_shared(kyo, admin, shared.id).answer.citations[0].current_number == 2
    assert "ninety" in history.read_answer(kyo, asker, shared.id).text, "the asker keeps it"
    reviewing.roll_back(kyo, admin, shared.citations[0].version_id)
    assert is_there(kyo, reader, shared.id)


def test_an_archived_source_closes_the_answer(kyo: Kyo, shared: Answer, admin: Actor, reader: Actor) -> None:
    curating.archive(kyo, admin, shared.citations[0].document_id)
    assert not is_there(kyo, reader, shared.id)
    assert is_there(kyo, admin, shared.id)


def test_the_same_file_read_again_is_no_news(
    kyo: Kyo, shared: Answer, admin: Actor, reader: Actor, run_pipeline: Callable[[], None]
) -> None:
    reprocessing.reprocess(kyo, admin, everything=True)
    run_pipeline()
    [citation] = shared_answers.read_shared(kyo, reader, shared.id).answer.citations
    assert citation.version_number == citation.current_number
    assert library.read_passage(kyo, reader, citation.version_id, citation.start, citation.end).quote


def test_sharing_can_be_stopped_by_who_may_not_read_it_any_more(
    kyo: Kyo, shared: Answer, admin: Actor, asker: Actor, reader: Actor, sql: Sql
) -> None:
    collections.revoke(kyo, admin, collections.named(kyo, admin, "Board").id, a_person(asker.id))
    withheld = history.read_answer(kyo, asker, shared.id)
    assert (withheld.outcome, withheld.shared_at) == (Outcome.WITHHELD, shared.shared_at)
    assert is_there(kyo, reader, shared.id)
    shared_answers.stop_sharing(kyo, asker, withheld.id)
    assert not is_there(kyo, reader, shared.id)
    assert sql("select object_id from audit_log where event = 'answer:unshare'") == [(str(shared.id),)]


# What the database refuses by itself ----------------------------------------------------------------------------------


def test_nobody_writes_to_an_answer_that_somebody_shares(
    kyo: Kyo, shared: Answer, reader: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    for statement in (
        "insert into citations (answer_id, marker, version_id, start_offset, end_offset, score) "
        "select :id, 7, current_version_id, 0, 9, 1 from documents limit 1",
        "insert into feedback (answer_id, user_id, rating, created_at, updated_at) "
        "values (:id, current_actor(), 1, now(), now())",
    ):
        with pytest.raises(Forbidden), kyo.db.transaction(reader) as tx:
            tx.execute(text(statement), {"id": shared.id})
    with kyo.db.transaction(reader) as tx:
        assert queries.share(tx, shared.id, None) is None
        assert queries.share(tx, shared.id, kyo.now()) is None
        assert tx.execute(text("update questions set standalone = 'x'")).rowcount == 0
        assert tx.scalar(text("select shared_since(:id)"), {"id": shared.question_id}) is None
    with pytest.raises(Forbidden), kyo.db.transaction(reader) as tx:
        tx.execute(text("update answers set shared_at = now()"))
