"""A verified answer counts until a document that it cites changes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import verified as queries
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.verified import Change, VerifiedAnswer
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    curating,
    history,
    reprocessing,
    reviewing,
    verifying,
)
from tests.conftest import Clock
from tests.services.verifying.conftest import LEAVE, OTHER_WORDS, QUESTION, Publish, Sql


def test_another_version_ends_it_and_the_way_back_begins_it_again(
    kyo: Kyo,
    manager: Actor,
    employee: Actor,
    publish: Publish,
    verified: VerifiedAnswer,
    is_given: Callable[..., bool],
    clock: Clock,
) -> None:
    cited = verified.citations[0]
    clock.advance(hours=1)
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    assert not is_given(employee)
    [changed] = verifying.read_verified(kyo, manager, verified.id).changed
    assert (changed.document_id, changed.change, changed.number) == (cited.document_id, Change.REPLACED, 2)
    assert changed.since == clock()
    reviewing.roll_back(kyo, manager, cited.version_id)
    assert is_given(employee)
    assert verifying.read_verified(kyo, manager, verified.id).holds


def test_the_same_bytes_read_again_are_no_change(
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    run_pipeline: Callable[[], None],
    verified: VerifiedAnswer,
    is_given: Callable[..., bool],
    sql: Sql,
) -> None:
    cited = verified.citations[0]
    reprocessing.reprocess(kyo, admin, document_id=cited.document_id)
    run_pipeline()
    [(current,)] = sql("select current_version_id from documents where id = :id", id=cited.document_id)
    assert current != cited.version_id
    assert is_given(employee)


ENDS: dict[str, Callable[[Kyo, Actor, UUID], object]] = {
    "archived": curating.archive,
    "deleted": curating.delete,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_document_that_is_gone_ends_it(
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    verified: VerifiedAnswer,
    is_given: Callable[..., bool],
    end: Callable[[Kyo, Actor, UUID], object],
) -> None:
    end(kyo, admin, verified.citations[0].document_id)
    assert not is_given(employee)
    [changed] = verifying.read_verified(kyo, admin, verified.id).changed
    assert changed.change in (Change.NOT_APPROVED, Change.DELETED)


def test_deleting_a_document_erases_what_cites_it(
    kyo: Kyo, admin: Actor, employee: Actor, verified: VerifiedAnswer, sql: Sql
) -> None:
    found = asking.ask(kyo, employee, OTHER_WORDS)
    curating.delete(kyo, admin, verified.citations[0].document_id)
    left = verifying.read_verified(kyo, admin, verified.id)
    assert (left.text, left.withdrawn_by) == ("", admin.name)
    assert left.withdrawn_because == "A document that it cited was deleted."
    assert history.read_answer(kyo, employee, found.id).outcome is Outcome.ERASED
    assert sql("select from verified_answers where text <> '' or findings <> '{}'") == []


@pytest.mark.usefixtures("verified")
def test_a_document_that_is_replaced_between_match_and_store_ends_it(
    kyo: Kyo, employee: Actor, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = queries.find

    def then_replace(tx: Any, key: str) -> object:
        found = find(tx, key)
        assert found
        publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
        # All of a test is on one connection, whose actor this has changed.
        tx.execute(text("select set_config('kyo.actor', :actor, true)"), {"actor": str(employee.id)})
        return found

    monkeypatch.setattr(queries, "find", then_replace)
    found = asking.ask(kyo, employee, QUESTION)
    assert found.verification is None
    assert "twenty-eight" in found.text


def test_withdrawing_ends_it_and_those_who_got_it_keep_it(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    verified: VerifiedAnswer,
    is_given: Callable[..., bool],
    clock: Clock,
    audited: Callable[[], list[str]],
    sql: Sql,
) -> None:
    found = asking.ask(kyo, employee, OTHER_WORDS)
    clock.advance(minutes=5)
    verifying.withdraw(kyo, manager, verified.id, "It was about last year.")
    assert audited()[-1] == "answer:withdraw"
    [logged] = sql("select details from audit_log where event = 'answer:withdraw'")
    assert logged.details == {"reason_given": True}, "nothing that somebody typed can be forgotten there"
    assert not is_given(employee)
    kept = history.read_answer(kyo, employee, found.id)
    assert kept.text == verified.text
    assert kept.verification is not None
    assert kept.verification.withdrawn_at == clock()
    withdrawn = verifying.read_verified(kyo, manager, verified.id)
    assert (withdrawn.withdrawn_by, withdrawn.withdrawn_because) == (manager.name, "It was about last year.")
    with pytest.raises(Conflict, match="withdrawn before"):
        verifying.withdraw(kyo, manager, verified.id)
