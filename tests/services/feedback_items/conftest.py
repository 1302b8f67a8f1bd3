"""A thumb down in a collection of the board, and the people around it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import evaluation_cases as case_queries
from kyo_pipeline.db import feedback_items as queries
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft, Outcome
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import Decision, FeedbackItem, Resolution
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    feedback_items,
    history,
    library,
    reviewing,
)
from tests.fakes import ScriptedGenerator

Sql = Callable[..., list[Any]]


TEXT = "The board is paid ninety thousand a year."


QUESTION = "How much is the board paid a year?"


@dataclass(frozen=True)
class Board:
    """People around the collection of that name. `outsider` approves elsewhere, and may read here."""

    asker: Actor
    owner: Actor
    approver: Actor
    outsider: Actor


@pytest.fixture
def board(person: Callable[[Role], Actor], collection: Callable[..., str]) -> Board:
    found = Board(person(Role.EMPLOYEE), person(Role.EMPLOYEE), person(Role.MANAGER), person(Role.MANAGER))
    members = {found.asker: "read", found.owner: "write", found.approver: "approve", found.outsider: "read"}
    collection("Board", members=members)
    return found


@pytest.fixture
def put(kyo: Kyo, board: Board, run_pipeline: Callable[[], None]) -> Callable[[str, str], Document]:
    """Publishes a text of the owner's in the collection, a new version of it where the name is known."""

    def publish(file_name: str, words: str) -> Document:
        version = library.upload(kyo, board.owner, file_name, words.encode(), "Board").document.latest
        run_pipeline()
        return reviewing.approve(kyo, board.approver, version.id)

    return publish


@pytest.fixture
def document(put: Callable[[str, str], Document]) -> Document:
    return put("pay.txt", TEXT)


@pytest.fixture
def answer(kyo: Kyo, board: Board, document: Document) -> Answer:
    found = asking.ask(kyo, board.asker, QUESTION)
    assert [citation.document_id for citation in found.citations] == [document.id]
    return found


@pytest.fixture
def item(kyo: Kyo, board: Board, answer: Answer) -> FeedbackItem:
    history.rate(kyo, board.asker, answer.id, -1, "It is a hundred now.", Reason.OUTDATED)
    [found] = feedback_items.list_items(kyo, board.owner).items
    return found


def sees(kyo: Kyo, actor: Actor, item_id: UUID) -> bool:
    """By the list, by the item, and by the database with the services left out: all have to say the same."""
    listed = item_id in [found.id for found in feedback_items.list_items(kyo, actor).items]
    try:
        feedback_items.read_item(kyo, actor, item_id)
        read = True
    except NotFound:
        read = False
    with kyo.db.transaction(actor) as tx:
        rows = [
            tx.execute(text(statement), {"id": item_id}).all()
            for statement in (
                "select id from review_items where id = :id",
                "select * from feedback_answer(:id)",
                "select * from feedback_citations(:id)",
            )
        ]
        decided = queries.resolve(tx, item_id, Decision(Resolution.CONFIRMED), kyo.now()) if not read else None
    assert decided is None
    assert {listed, read, *map(bool, rows)} == {read}
    return read


@pytest.fixture
def not_found(kyo: Kyo, board: Board, document: Document) -> Answer:
    assert document.searchable
    refusing = ScriptedGenerator([], Draft("Not here.", Outcome.NOT_FOUND))
    return asking.ask(replace(kyo, generator=refusing), board.asker, "Who chairs the board?")


def active(kyo: Kyo) -> list[tuple[str, dict[str, int]]]:
    with kyo.db.transaction(OPERATOR) as tx:
        return [(case.text, dict(case.grades)) for case in case_queries.active(tx, 10)]
