"""Verified answers: who verifies what, who gets them for which questions, and until when."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import questions
from kyo_pipeline.db import verified as queries
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.same_question import key_of
from kyo_pipeline.domain.verified import Change, Standing, VerifiedAnswer
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    curating,
    history,
    indexing,
    library,
    reprocessing,
    reviewing,
    shared_answers,
    sharing,
    verifying,
)
from tests.conftest import Clock
from tests.fakes import MemoryCache, ScriptedGenerator
from tests.recipients import a_person

Sql = Callable[..., list[Any]]
Publish = Callable[[str, str], None]

LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."
QUESTION = "How many days of annual leave do I get?"
OTHER_WORDS = "How many vacation days am I entitled to?"


@pytest.fixture
def answer(kyo: Kyo, manager: Actor, publish: Publish) -> Answer:
    """The manager's own."""
    publish("leave.txt", LEAVE)
    found = asking.ask(kyo, manager, QUESTION)
    assert found.citations
    return found


@pytest.fixture
def verified(kyo: Kyo, manager: Actor, answer: Answer) -> VerifiedAnswer:
    return verifying.verify(kyo, manager, answer.id, QUESTION, text="Thirty days a year [1].")


@pytest.fixture
def is_given(kyo: Kyo, verified: VerifiedAnswer) -> Callable[..., bool]:
    """Whether somebody who asks gets it."""

    def ask(actor: Actor, question: str = OTHER_WORDS) -> bool:
        found = asking.ask(kyo, actor, question)
        is_it = found.verification is not None and found.verification.id == verified.id
        assert is_it == (found.text == verified.text)
        return is_it

    return ask


# Asking -----------------------------------------------------------------------------------------------------------


def test_the_same_question_in_other_words_gets_the_verified_answer(
    kyo: Kyo, verified: VerifiedAnswer, employee: Actor, manager: Actor, audited: Callable[[], list[str]]
) -> None:
    found = asking.ask(kyo, employee, OTHER_WORDS)
    assert found.text == "Thirty days a year [1]."
    assert (found.outcome, found.generator) == (Outcome.ANSWERED, "verified")
    assert found.verification is not None
    assert (found.verification.id, found.verification.by) == (verified.id, manager.name)
    assert (found.verification.at, found.verification.withdrawn_at) == (verified.verified_at, None)
    assert not found.verification.is_source
    assert found.verification.question == QUESTION
    assert [one.quote for one in found.citations] == [one.quote for one in verified.citations]
    assert "verified" in found.timings
    assert "search" not in found.timings
    assert audited()[-2:] == ["answer:verify", "answer:ask"]
    assert history.read_answer(kyo, employee, found.id) == found


def test_a_near_miss_is_answered_as_ever(is_given: Callable[..., bool], employee: Actor) -> None:
    assert is_given(employee, QUESTION)
    for miss in (
        "How many days of sick leave do I get?",
        "How many days of annual leave do I get in the second year?",
        "How many days of annual leave do I not get?",
        "How many days of annual leave do managers get?",
        "Who approves days of annual leave?",
    ):
        assert not is_given(employee, miss), miss


def test_asked_anew_it_is_written_anew(kyo: Kyo, verified: VerifiedAnswer, employee: Actor) -> None:
    found = asking.ask(kyo, employee, QUESTION, anew=True)
    assert found.verification is None
    assert found.text != verified.text
    assert found.generator == "extractive"


@pytest.mark.usefixtures("answer")
def test_asked_anew_nothing_comes_from_the_cache_and_what_is_written_is_kept_there(kyo: Kyo, employee: Actor) -> None:
    assert "cache" not in asking.ask(kyo, employee, QUESTION).timings
    assert "cache" in asking.ask(kyo, employee, QUESTION).timings
    anew = asking.ask(kyo, employee, QUESTION, anew=True)
    assert "cache" not in anew.timings
    assert "search" in anew.timings
    assert isinstance(kyo.cache, MemoryCache)
    kyo.cache.values.clear()
    asking.ask(kyo, employee, OTHER_WORDS, anew=True)
    assert "cache" in asking.ask(kyo, employee, OTHER_WORDS).timings


def test_other_wordings_are_found_too(kyo: Kyo, manager: Actor, employee: Actor, answer: Answer) -> None:
    others = ("What is our holiday allowance?", " ", OTHER_WORDS, QUESTION.upper())
    made = verifying.verify(kyo, manager, answer.id, QUESTION, others=others)
    assert made.wordings == (QUESTION, "What is our holiday allowance?", OTHER_WORDS)
    assert not made.is_edited
    found = asking.ask(kyo, employee, "what is our holiday allowance")
    assert found.verification is not None
    assert found.text == answer.text


def test_no_model_is_asked(
    kyo: Kyo, verified: VerifiedAnswer, employee: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(question: str) -> None:
        raise AssertionError(question)

    monkeypatch.setattr(kyo.embedder, "embed_query", refuse)
    assert asking.ask(kyo, employee, OTHER_WORDS).text == verified.text


def test_what_is_streamed_is_the_verified_text(kyo: Kyo, verified: VerifiedAnswer, employee: Actor) -> None:
    assert list(asking.stream_answer(kyo, employee, OTHER_WORDS)) == [verified.text]


def test_a_follow_up_is_matched_by_what_was_searched_for(kyo: Kyo, verified: VerifiedAnswer, employee: Actor) -> None:
    first = asking.ask(kyo, employee, "What do employees of the bakery get?")
    generator = ScriptedGenerator([], Draft("", Outcome.NOT_FOUND))
    generator.rewrite = lambda *_: OTHER_WORDS  # type: ignore[method-assign]  # only here
    rewriting = replace(kyo, generator=generator)
    found = asking.ask(rewriting, employee, "How many vacation days am I entitled to there?", first.conversation_id)
    assert found.standalone == OTHER_WORDS
    assert found.text == verified.text


def test_what_rules_made_of_a_follow_up_has_to_be_the_very_same(
    kyo: Kyo, manager: Actor, employee: Actor, answer: Answer
) -> None:
    lacking = "And for whom? (how many days annual leave)"
    verifying.verify(kyo, manager, answer.id, lacking)
    assert asking.ask(kyo, employee, lacking).verification is not None
    assert asking.ask(kyo, employee, "For whom? (how many days annual leave)").verification is None


# The cache --------------------------------------------------------------------------------------------------------


def test_the_cache_neither_hides_it_nor_keeps_it(kyo: Kyo, manager: Actor, employee: Actor, answer: Answer) -> None:
    written = asking.ask(kyo, employee, QUESTION)
    assert "cache" in asking.ask(kyo, employee, QUESTION).timings
    made = verifying.verify(kyo, manager, answer.id, QUESTION, text="Thirty [1].")
    assert asking.ask(kyo, employee, QUESTION).text == "Thirty [1]."
    verifying.withdraw(kyo, manager, made.id)
    assert asking.ask(kyo, employee, QUESTION).text == written.text


# Until a cited document changes -----------------------------------------------------------------------------------


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


# Rights of those who ask ------------------------------------------------------------------------------------------


@pytest.fixture
def board(kyo: Kyo, admin: Actor, manager: Actor, run_pipeline: Callable[[], None]) -> UUID:
    """A collection in which the manager approves, and that nobody else reads."""
    made = collections.create(kyo, admin, "Board").id
    collections.grant(kyo, admin, made, a_person(manager.id), Access.APPROVE)
    version = library.upload(kyo, OPERATOR, "pay.txt", b"The board is paid ninety thousand a year.", "Board")
    run_pipeline()
    reviewing.approve(kyo, OPERATOR, version.document.latest.id)
    return made


PAY = "How much is the board paid a year?"


def test_who_may_not_read_the_sources_does_not_get_it(
    kyo: Kyo, admin: Actor, manager: Actor, employee: Actor, person: Callable[[Role], Actor], board: UUID
) -> None:
    made = verifying.verify(kyo, manager, asking.ask(kyo, manager, PAY).id, PAY)
    other = person(Role.MANAGER)
    for outsider in (employee, other):
        assert asking.ask(kyo, outsider, PAY).verification is None
    with pytest.raises(NotFound):
        verifying.read_verified(kyo, other, made.id)
    with pytest.raises(NotFound):
        verifying.withdraw(kyo, other, made.id)
    assert verifying.list_verified(kyo, other).answers == ()
    collections.grant(kyo, admin, board, a_person(employee.id), Access.READ)
    given = asking.ask(kyo, employee, PAY)
    assert given.verification is not None
    collections.revoke(kyo, admin, board, a_person(employee.id))
    assert asking.ask(kyo, employee, PAY).verification is None
    with kyo.db.transaction(employee) as tx:
        of_given = "select verified_question from verification_of(:answer)"
        assert tx.execute(text(of_given), {"answer": given.id}).all() == [], (
            "the question may say what they may not read"
        )


def test_restricting_a_document_leaves_it_to_its_readers(
    kyo: Kyo,
    manager: Actor,
    person: Callable[[Role], Actor],
    verified: VerifiedAnswer,
    is_given: Callable[..., bool],
) -> None:
    reader, outsider = person(Role.EMPLOYEE), person(Role.EMPLOYEE)
    document_id = verified.citations[0].document_id
    sharing.restrict(kyo, manager, document_id)
    sharing.add_reader(kyo, manager, document_id, a_person(reader.id))
    assert is_given(reader)
    assert not is_given(outsider)


def test_what_a_model_was_shown_has_to_be_readable_too(
    kyo: Kyo, admin: Actor, manager: Actor, employee: Actor, publish: Publish, board: UUID
) -> None:
    publish("leave.txt", LEAVE)

    def cite_the_first(_: str, retrieval: Any) -> Any:
        index = next(n for n, one in enumerate(retrieval.passages) if one.title.startswith("leave"))
        yield ""
        return Draft("Thirty days [1].", Outcome.ANSWERED, (DraftCitation(1, index, 0, 10),), generator="scripted")

    scripted = ScriptedGenerator([], Draft("", Outcome.NOT_FOUND))
    scripted.generate = cite_the_first  # type: ignore[assignment,method-assign]  # only here
    question = "How many days of annual leave a year is the board paid?"
    found = asking.ask(replace(kyo, generator=scripted), manager, question)
    assert len(found.citations) == 1
    verifying.verify(kyo, manager, found.id, question)
    assert asking.ask(kyo, manager, question).verification is not None
    assert asking.ask(kyo, employee, question).verification is None
    collections.grant(kyo, admin, board, a_person(employee.id), Access.READ)
    assert asking.ask(kyo, employee, question).verification is not None


@pytest.mark.usefixtures("verified")
def test_the_database_shows_them_to_nobody_but_those_who_look_after_them(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor
) -> None:
    def seen(actor: Actor) -> list[int]:
        tables = ("verified_answers", "verified_questions", "verified_citations")
        with kyo.db.transaction(actor) as tx:
            return [len(tx.execute(text(f"select from {table}")).all()) for table in tables]

    assert seen(employee) == [0, 0, 0]
    assert seen(manager) == seen(admin) == [1, 1, 1]


def test_the_database_refuses_what_the_service_would(
    kyo: Kyo, employee: Actor, answer: Answer, verified: VerifiedAnswer
) -> None:
    own = asking.ask(kyo, employee, "How many days of leave a calendar year do employees of the bakery get?")
    calls = {
        "verify one's own": "select verify_answer(:own, '{x}', '{x}', null, '{}', now())",
        "verify another's": "select verify_answer(:answer, '{x}', '{x}', null, '{}', now())",
        "withdraw": "select nullif(withdraw_verified(:verified, '', now()), false)",
        "uses": "select nullif(uses_of_verified(:verified), 0)",
        "answer another's question": "select answer_with_verified(:verified, :question, '{}', now())",
        "learn who verified": "select verified_by from verification_of(:answer)",
        "learn for which question": "select verified_question from verification_of(:answer)",
    }
    values = {"own": own.id, "answer": answer.id, "verified": verified.id, "question": answer.question_id}
    for name, call in calls.items():
        with kyo.db.transaction(employee) as tx:
            used = {key: value for key, value in values.items() if f":{key}" in call}
            assert tx.scalar(text(call), used) is None, name
    with kyo.db.transaction(employee) as tx:
        question_id = questions.add_question(tx, employee, "Mine?", kyo.now())
    claim = text(
        "insert into answers (question_id, text, outcome, generator, model, timings, prompt_tokens, "
        "completion_tokens, answered_at, verified_answer_id) "
        "values (:question, 'x', 'answered', 'x', 'x', '{}', 0, 0, now(), :verified)"
    )
    with pytest.raises(Forbidden), kyo.db.transaction(employee) as tx:
        tx.execute(claim, {"question": question_id, "verified": verified.id})


# Who verifies what ------------------------------------------------------------------------------------------------


def test_an_answer_that_somebody_has_shared_can_be_verified(
    kyo: Kyo, employee: Actor, manager: Actor, publish: Publish
) -> None:
    publish("leave.txt", LEAVE)
    asked = asking.ask(kyo, employee, QUESTION)
    with pytest.raises(NotFound):
        verifying.verify(kyo, manager, asked.id, QUESTION)
    shared_answers.share(kyo, employee, asked.id)
    made = verifying.verify(kyo, manager, asked.id, OTHER_WORDS)
    assert made.question == OTHER_WORDS
    own = history.read_answer(kyo, employee, asked.id)
    assert own.verification is not None
    assert own.verification.is_source
    assert not verifying.may_verify(kyo, manager, own), "it is verified"


def test_only_who_may_approve_all_that_it_cites_verifies(
    kyo: Kyo, admin: Actor, manager: Actor, person: Callable[[Role], Actor], board: UUID
) -> None:
    reader = person(Role.MANAGER)
    collections.grant(kyo, admin, board, a_person(reader.id), Access.READ)
    found = asking.ask(kyo, reader, PAY)
    assert not verifying.may_verify(kyo, reader, found)
    with pytest.raises(Conflict, match="when you may approve every document"):
        verifying.verify(kyo, reader, found.id, PAY)
    own = asking.ask(kyo, manager, PAY)
    assert verifying.may_verify(kyo, manager, own)


def test_what_is_out_of_date_or_without_sources_is_not_verified(
    kyo: Kyo, manager: Actor, employee: Actor, publish: Publish, answer: Answer
) -> None:
    nothing = asking.ask(kyo, manager, "Who is the emperor of Mars?")
    assert not verifying.may_verify(kyo, manager, nothing)
    with pytest.raises(Conflict, match="Only an answer with sources"):
        verifying.verify(kyo, manager, nothing.id, "Who?")
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    with pytest.raises(Conflict, match="has changed since"):
        verifying.verify(kyo, manager, answer.id, QUESTION)
    assert not verifying.may_verify(kyo, employee, asking.ask(kyo, employee, QUESTION)), "no manager"


def test_an_answer_is_verified_once(kyo: Kyo, manager: Actor, answer: Answer, verified: VerifiedAnswer) -> None:
    with pytest.raises(Conflict, match="a verified one already"):
        verifying.verify(kyo, manager, answer.id, QUESTION)
    copy = asking.ask(kyo, manager, QUESTION)
    with pytest.raises(Conflict, match="a verified one already"):
        verifying.verify(kyo, manager, copy.id, QUESTION)
    verifying.withdraw(kyo, manager, verified.id)
    again = verifying.verify(kyo, manager, answer.id, QUESTION)
    assert again.id != verified.id


def test_verifying_anew_replaces_what_was_verified_from_the_same_document(
    kyo: Kyo, manager: Actor, employee: Actor, publish: Publish, verified: VerifiedAnswer, clock: Clock
) -> None:
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    clock.advance(hours=1)
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    made = verifying.verify(kyo, manager, anew.id, OTHER_WORDS)
    before = verifying.read_verified(kyo, manager, verified.id)
    assert before.withdrawn_because == "Another answer to the same question was verified."
    found = asking.ask(kyo, employee, QUESTION)
    assert found.verification is not None
    assert found.verification.id == made.id
    assert "twenty-eight" in found.text


def test_what_is_replaced_is_told_beforehand(kyo: Kyo, manager: Actor, verified: VerifiedAnswer) -> None:
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    assert verifying.replaced(kyo, manager, anew.id, "Who approves my annual leave?") == ()
    assert verifying.replaced(kyo, manager, anew.id, "Who approves my annual leave?", [OTHER_WORDS]) == (verified,)
    verifying.verify(kyo, manager, anew.id, "Who approves my annual leave?", others=[OTHER_WORDS])
    assert verifying.read_verified(kyo, manager, verified.id).withdrawn_at is not None


def test_what_has_the_same_key_and_asks_something_else_stays(
    kyo: Kyo, manager: Actor, employee: Actor, answer: Answer, sql: Sql
) -> None:
    can, must = "Can I take annual leave?", "Must I take annual leave?"
    first = verifying.verify(kyo, manager, answer.id, can)
    sql("update verified_questions set key = :key", key=key_of(must))
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    assert verifying.replaced(kyo, manager, anew.id, must) == ()
    verifying.verify(kyo, manager, anew.id, must)
    assert verifying.read_verified(kyo, manager, first.id).holds
    assert asking.ask(kyo, employee, must).verification is not None


def test_one_that_is_given_for_another_question_too_stays(
    kyo: Kyo, manager: Actor, employee: Actor, answer: Answer, clock: Clock
) -> None:
    other = "What is our holiday allowance?"
    first = verifying.verify(kyo, manager, answer.id, QUESTION, others=[other])
    clock.advance(hours=1)
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    made = verifying.verify(kyo, manager, anew.id, OTHER_WORDS)
    given = {question: asking.ask(kyo, employee, question).verification for question in (QUESTION, other)}
    assert {question: found.id for question, found in given.items() if found} == {QUESTION: made.id, other: first.id}


WRONG_TEXTS = ["", " \n", "Thirty days.", "Thirty days [1] [2].", "Thirty days [2].", "x" * 10_001 + "[1]"]


@pytest.mark.parametrize("wrong", WRONG_TEXTS, ids=lambda one: one[:20])
def test_an_edited_text_keeps_its_sources(kyo: Kyo, manager: Actor, answer: Answer, wrong: str) -> None:
    with pytest.raises(Invalid):
        verifying.verify(kyo, manager, answer.id, QUESTION, text=wrong)


def test_marks_of_the_text_before_are_left_out_of_an_edited_one(answer: Answer, verified: VerifiedAnswer) -> None:
    assert answer.findings.emphasis
    assert verified.is_edited
    assert not verified.findings.emphasis


@pytest.mark.parametrize("question", ["", " ", "?!", "x" * 501])
def test_a_question_is_needed(kyo: Kyo, manager: Actor, answer: Answer, question: str) -> None:
    with pytest.raises(Invalid):
        verifying.verify(kyo, manager, answer.id, question)


def test_wordings_are_limited(kyo: Kyo, manager: Actor, answer: Answer) -> None:
    with pytest.raises(Invalid, match="10 other wordings"):
        verifying.verify(kyo, manager, answer.id, QUESTION, others=[f"What is rule {n}?" for n in range(11)])


# The list ---------------------------------------------------------------------------------------------------------


def test_the_list_says_which_hold_and_how_often_they_were_given(
    kyo: Kyo, manager: Actor, employee: Actor, publish: Publish, verified: VerifiedAnswer
) -> None:
    publish("dress.txt", "The dress code of the bakery is white.")
    dress = verifying.verify(
        kyo, manager, asking.ask(kyo, manager, "What is the dress code?").id, "What is the dress code?"
    )
    for _ in range(2):
        asking.ask(kyo, employee, OTHER_WORDS)
    publish("dress.txt", "The dress code of the bakery is blue.")
    page = verifying.list_verified(kyo, manager)
    assert {one.id: one.uses for one in page.answers} == {verified.id: 2, dress.id: 0}
    assert page.counts == {Standing.HOLDS: 1, Standing.CHANGED: 1}
    assert [one.id for one in verifying.list_verified(kyo, manager, standing=Standing.CHANGED).answers] == [dress.id]
    verifying.withdraw(kyo, manager, dress.id)
    assert verifying.list_verified(kyo, manager, standing=Standing.WITHDRAWN).total == 1
    assert verifying.list_verified(kyo, manager, text="ANNUAL").total == 1
    assert verifying.list_verified(kyo, manager, text="no such words").answers == ()
    assert verifying.list_verified(kyo, manager, limit=1, offset=1).total == 2


def test_keys_of_an_earlier_release_are_made_anew(
    owner: Kyo, is_given: Callable[..., bool], employee: Actor, sql: Sql
) -> None:
    sql("update verified_questions set key = '0|old'")
    assert not is_given(employee)
    with owner.db.transaction(OPERATOR) as tx:
        assert queries.rekey(tx) == 1
        assert queries.rekey(tx) == 0
    assert is_given(employee)
    assert sql("select key from verified_questions") == [(key_of(QUESTION),)]


def test_it_outlives_the_answer_and_keeps_the_version_that_it_cites(
    kyo: Kyo,
    pipeline: Kyo,
    manager: Actor,
    employee: Actor,
    publish: Publish,
    verified: VerifiedAnswer,
    sql: Sql,
    clock: Clock,
) -> None:
    def expirable() -> list[UUID]:
        with pipeline.db.transaction(OPERATOR) as tx:
            statement = "select expirable_versions(:before)"
            return list(tx.scalars(text(statement), {"before": clock.time}))

    sql("delete from answers")
    assert verifying.read_verified(kyo, manager, verified.id).answer_id is None
    assert asking.ask(kyo, employee, OTHER_WORDS).text == verified.text
    sql("delete from answers")
    clock.advance(days=1)
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    clock.advance(days=9)
    assert expirable() == []
    verifying.withdraw(kyo, manager, verified.id)
    assert expirable() == [verified.citations[0].version_id]


# Several at once ----------------------------------------------------------------------------------------------------


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
