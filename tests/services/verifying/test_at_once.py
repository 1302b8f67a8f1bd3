"""What happens to verified answers at the same moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from dataclasses import replace

import pytest
from sqlalchemy import text

from kyo_pipeline.db import questions
from kyo_pipeline.db import verified as queries
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.same_question import key_of
from kyo_pipeline.domain.verified import VerifiedAnswer
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    curating,
    indexing,
    library,
    reviewing,
    verifying,
)
from tests.services.verifying.conftest import LEAVE, QUESTION


@pytest.fixture
def at_once(committed: Kyo, own_database: str) -> Iterator[tuple[Kyo, VerifiedAnswer]]:
    """A verified answer that every connection sees."""
    kyo = committed
    pipeline = replace(kyo, db=Database(own_database, DatabaseRole.PIPELINE))
    version = library.upload(kyo, OPERATOR, "leave.txt", LEAVE.encode()).document.latest
    claim = indexing.claim_name("verified")
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, claim)
    reviewing.approve(kyo, OPERATOR, version.id)
    answer = asking.ask(kyo, OPERATOR, QUESTION)
    yield kyo, verifying.verify(kyo, OPERATOR, answer.id, QUESTION)
    pipeline.db.close()


def test_nobody_waits_for_whoever_changes_what_it_cites(at_once: tuple[Kyo, VerifiedAnswer]) -> None:
    kyo, verified = at_once
    document_id = verified.citations[0].document_id
    with kyo.db.transaction(OPERATOR) as tx:
        tx.execute(text("update documents set updated_at = now() where id = :id"), {"id": document_id})
        assert asking.ask(kyo, OPERATOR, QUESTION).verification is None
    assert asking.ask(kyo, OPERATOR, QUESTION).verification is not None


def test_what_is_given_while_its_document_is_deleted_is_erased(at_once: tuple[Kyo, VerifiedAnswer]) -> None:
    kyo, verified = at_once
    with ThreadPoolExecutor(1) as other, kyo.db.transaction(OPERATOR) as tx:
        question_id = questions.add_question(tx, OPERATOR, QUESTION, kyo.now())
        given = queries.give(tx, verified.id, question_id, {}, kyo.now())
        deletion = other.submit(curating.delete, kyo, OPERATOR, verified.citations[0].document_id)
        with pytest.raises(StillWaiting):
            deletion.result(0.5)
        tx.commit()
        deletion.result(20)
    with kyo.db.transaction(OPERATOR) as tx:
        assert tx.execute(text("select text, outcome from answers where id = :id"), {"id": given}).all() == [
            ("", "erased")
        ]
    assert asking.ask(kyo, OPERATOR, QUESTION).outcome is Outcome.NOT_FOUND


def test_what_is_verified_while_its_document_is_deleted_is_erased(at_once: tuple[Kyo, VerifiedAnswer]) -> None:
    kyo, verified = at_once
    anew = asking.ask(kyo, OPERATOR, QUESTION, anew=True)
    with ThreadPoolExecutor(1) as other, kyo.db.transaction(OPERATOR) as tx:
        wording = queries.Wording("Another question?", key_of("Another question?"))
        made = queries.add(tx, anew.id, [wording], None, anew.findings, kyo.now())
        assert made is not None
        deletion = other.submit(curating.delete, kyo, OPERATOR, verified.citations[0].document_id)
        with pytest.raises(StillWaiting):
            deletion.result(0.5)
        tx.commit()
        deletion.result(20)
    left = verifying.read_verified(kyo, OPERATOR, made)
    assert (left.text, left.holds) == ("", False)


def test_what_is_verified_anew_while_its_document_is_deleted_waits_and_is_refused(
    at_once: tuple[Kyo, VerifiedAnswer], own_database: str
) -> None:
    """What was verified before is withdrawn on the way, which the deletion changes as well: neither waits forever."""
    kyo, verified = at_once
    anew = asking.ask(kyo, OPERATOR, QUESTION, anew=True)
    document = {"id": verified.citations[0].document_id}
    owner = Database(own_database)
    with ThreadPoolExecutor(1) as other:
        with owner.transaction(OPERATOR) as tx:
            tx.execute(text("select from documents where id = :id for no key update"), document)
            verifies = other.submit(verifying.verify, kyo, OPERATOR, anew.id, QUESTION)
            with pytest.raises(StillWaiting):
                verifies.result(0.3)
            tx.execute(text("select erase_document(:id, now())"), document)
        with pytest.raises(Conflict, match="with sources"):
            verifies.result(10)
    owner.close()
    assert verifying.read_verified(kyo, OPERATOR, verified.id).text == ""
