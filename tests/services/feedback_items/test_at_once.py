"""What happens to items at the same moment, on connections of their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from kyo_pipeline.db import evaluation_cases as case_queries
from kyo_pipeline.db import feedback_items as queries
from kyo_pipeline.db import users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import Resolution
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    feedback_items,
    history,
    indexing,
    library,
    reviewing,
    upkeep,
)
from tests.services.feedback_items.conftest import QUESTION, TEXT


@pytest.fixture
def at_once(committed: Kyo, own_database: str) -> tuple[Kyo, Actor, Actor, Answer]:
    """A Kyo of which others see what is committed, an asker, the operator as owner, and an answer."""
    kyo = committed
    with Database(own_database).transaction(OPERATOR) as tx:
        asker = users.add(tx, "asker", "Asker", Role.EMPLOYEE, kyo.now(), password_hash="no password fits")
        owner = users.add(tx, "owner", "Owner", Role.MANAGER, kyo.now(), password_hash="no password fits")
    worker = replace(kyo, db=Database(own_database, DatabaseRole.PIPELINE))
    version = library.upload(kyo, owner, "pay.txt", TEXT.encode()).document.latest
    claim = indexing.claim_name("0" * 16)
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(worker, claim)
    upkeep.refresh_weights(worker)
    reviewing.approve(kyo, OPERATOR, version.id)
    worker.db.close()
    return kyo, asker, owner, asking.ask(kyo, asker, QUESTION)


def test_rated_twice_at_once_there_is_one_item(at_once: tuple[Kyo, Actor, Actor, Answer]) -> None:
    kyo, asker, owner, answer = at_once
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: history.rate(kyo, asker, answer.id, -1, "", Reason.WRONG), range(8)))
    assert feedback_items.list_items(kyo, owner).total == 1


def test_of_two_decisions_at_once_one_counts(at_once: tuple[Kyo, Actor, Actor, Answer]) -> None:
    kyo, asker, owner, answer = at_once
    history.rate(kyo, asker, answer.id, -1)
    [item] = feedback_items.list_items(kyo, owner).items

    def decide(note: str) -> bool:
        try:
            feedback_items.resolve(kyo, owner, item.id, Resolution.DISMISSED, note)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(decide, "abcd")) == 1


def test_an_item_that_is_taken_back_meanwhile_is_not_decided(at_once: tuple[Kyo, Actor, Actor, Answer]) -> None:
    kyo, asker, owner, answer = at_once
    history.rate(kyo, asker, answer.id, -1)
    [item] = feedback_items.list_items(kyo, owner).items
    with ThreadPoolExecutor(1) as other:
        with kyo.db.transaction(asker) as tx:
            tx.execute(text("delete from feedback"))
            queries.follow(tx, answer.id, kyo.now())
            deciding = other.submit(feedback_items.resolve, kyo, owner, item.id, Resolution.CONFIRMED)
            with pytest.raises(StillWaiting):
                deciding.result(0.3)
        with pytest.raises(Conflict, match="taken back"):
            deciding.result(10)
    with kyo.db.transaction(OPERATOR) as tx:
        assert case_queries.active(tx, 10) == ()


def test_a_document_that_is_deleted_meanwhile_gets_no_item_and_no_case(
    at_once: tuple[Kyo, Actor, Actor, Answer],
) -> None:
    kyo, asker, owner, answer = at_once
    history.rate(kyo, asker, answer.id, -1)
    [item] = feedback_items.list_items(kyo, owner).items
    with ThreadPoolExecutor(2) as others:
        with kyo.db.transaction(OPERATOR) as tx:
            tx.execute(text("select erase_document(:id, now())"), {"id": item.document_id})
            deciding = others.submit(feedback_items.resolve, kyo, owner, item.id, Resolution.CONFIRMED)
            rating = others.submit(history.rate, kyo, asker, answer.id, -1, "Again.")
            with pytest.raises(StillWaiting):
                deciding.result(0.3)
        with pytest.raises(Conflict):
            deciding.result(10)
        assert rating.exception(10) is None or isinstance(rating.exception(), (Conflict, NotFound))
    with kyo.db.transaction(OPERATOR) as tx:
        assert tx.scalar(text("select count(*) from review_items")) == 0
        assert case_queries.active(tx, 10) == ()


@contextmanager
def being_deleted(owner: Database, document_id: UUID) -> Iterator[Connection]:
    """A deletion that has begun: it has its document. What it does next, the test says."""
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text("select from documents where id = :id for no key update"), {"id": document_id})
        yield tx


@pytest.mark.parametrize("said_before", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("rating", [1, -1])
def test_what_is_said_while_the_document_is_deleted_is_not_kept_and_nobody_waits_forever(
    at_once: tuple[Kyo, Actor, Actor, Answer], own_database: str, rating: int, said_before: bool
) -> None:
    kyo, asker, _, answer = at_once
    if said_before:
        history.rate(kyo, asker, answer.id, -1, "Ninety?")
    owner = Database(own_database)
    with ThreadPoolExecutor(1) as other:
        with being_deleted(owner, answer.citations[0].document_id) as tx:
            saying = other.submit(history.rate, kyo, asker, answer.id, rating, "Ninety thousand?")
            with pytest.raises(StillWaiting):
                saying.result(0.3)
            tx.execute(text("select erase_document(:id, now())"), {"id": answer.citations[0].document_id})
        with pytest.raises(NotFound):
            saying.result(10)
    with owner.transaction(OPERATOR) as tx:
        assert tx.scalars(text("select comment from feedback")).all() == ([""] if said_before else [])
    owner.close()


def test_an_opinion_is_taken_back_after_the_document_is_deleted(
    at_once: tuple[Kyo, Actor, Actor, Answer], own_database: str
) -> None:
    kyo, asker, _, answer = at_once
    history.rate(kyo, asker, answer.id, -1, "Ninety?")
    owner = Database(own_database)
    with ThreadPoolExecutor(1) as other:
        with being_deleted(owner, answer.citations[0].document_id) as tx:
            taking = other.submit(history.withdraw_rating, kyo, asker, answer.id)
            with pytest.raises(StillWaiting):
                taking.result(0.3)
            tx.execute(text("select erase_document(:id, now())"), {"id": answer.citations[0].document_id})
        taking.result(10)
    with owner.transaction(OPERATOR) as tx:
        assert tx.scalar(text("select count(*) from feedback")) == 0
    owner.close()


def test_a_right_source_that_is_deleted_meanwhile_is_none(
    at_once: tuple[Kyo, Actor, Actor, Answer], own_database: str
) -> None:
    kyo, asker, boss, answer = at_once
    named = library.upload(kyo, boss, "new.txt", b"A hundred thousand.").document
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(
            text("update documents set state = 'approved', current_version_id = :version where id = :id"),
            {"version": named.latest.id, "id": named.id},
        )
    with ThreadPoolExecutor(1) as other:
        with being_deleted(owner, named.id) as tx:
            saying = other.submit(history.rate, kyo, asker, answer.id, -1, "", Reason.WRONG_SOURCE, named.id)
            with pytest.raises(StillWaiting):
                saying.result(0.3)
            tx.execute(text("select erase_document(:id, now())"), {"id": named.id})
        with pytest.raises(Invalid, match="that you may read"):
            saying.result(10)
    owner.close()
