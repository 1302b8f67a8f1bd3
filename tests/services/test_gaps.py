"""Knowledge gaps: who sees which questions, what can be done about them, and what is asked again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.db import gap_finding
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.gaps import Deed, Gap, GapFilter, GapKind, GapOrder, GapState, Result, Trend
from kyo_pipeline.errors import Conflict, Invalid, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, followed_questions, gaps, history, library, reviewing
from kyo_pipeline.services.gap_finding import find_gaps
from tests.conftest import Clock
from tests.fakes import ScriptedGenerator
from tests.gaps import DOGS, ROOMS, not_found

Sql = Callable[..., list[Any]]


@pytest.fixture
def look(pipeline: Kyo, document: Document) -> Callable[[], None]:
    """The nightly look, where something answers questions."""
    assert document.searchable

    def run() -> None:
        assert find_gaps(pipeline) is not None

    return run


@pytest.fixture
def dogs(kyo: Kyo, employee: Actor, admin: Actor, document: Document, look: Callable[[], None]) -> Gap:
    """A gap of three questions that came near to a document."""
    for question in DOGS:
        not_found(kyo, employee, question, [document.id])
    look()
    [gap] = gaps.list_gaps(kyo, admin).gaps
    return gap


@pytest.fixture
def answering(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    """What answers the questions about dogs."""
    publish("dogs.txt", "You can bring your dog to the office. A dog in the office must be on a lead.")
    return next(one for one in library.list_documents(kyo, employee).documents if one.title == "dogs")


def labels(kyo: Kyo, actor: Actor, wanted: GapFilter | None = None, order: GapOrder = GapOrder.COUNT) -> list[str]:
    return [gap.label for gap in gaps.list_gaps(kyo, actor, wanted or GapFilter(), order).gaps]


# What is seen ------------------------------------------------------------------------------------------------------


def test_a_gap_says_how_often_by_how_many_and_about_what(
    kyo: Kyo, person: Callable[[Role], Actor], admin: Actor, document: Document, look: Callable[[], None]
) -> None:
    one, other = person(Role.EMPLOYEE), person(Role.EMPLOYEE)
    for asker, days_ago in ((one, 0), (one, 8), (other, 40)):
        not_found(kyo, asker, DOGS[0], [document.id], days_ago)
    look()
    [gap] = gaps.list_gaps(kyo, admin).gaps
    assert (gap.questions, gap.not_found, gap.people, gap.label) == (3, 3, 2, DOGS[0])
    assert gap.trend == Trend(1, 1, 2, 1)
    assert gap.collections == ("General",)
    today = kyo.now().replace(hour=0, minute=0, second=0, microsecond=0)
    assert (gap.first_asked, gap.last_asked) == (today - timedelta(days=40), today)


def test_lists_are_filtered_ordered_and_paged(
    kyo: Kyo, employee: Actor, admin: Actor, look: Callable[[], None]
) -> None:
    for question, days_ago in ((DOGS[0], 40), (DOGS[1], 41), (DOGS[2], 42), (ROOMS[0], 10), ("Who is the mayor?", 1)):
        not_found(kyo, employee, question, days_ago=days_ago)
    look()
    by_count = labels(kyo, admin)
    assert [one in DOGS for one in by_count] == [True, False, False]
    assert labels(kyo, admin, order=GapOrder.RECENT)[0] == "Who is the mayor?"
    assert labels(kyo, admin, order=GapOrder.TREND)[2] in DOGS
    page = gaps.list_gaps(kyo, admin, limit=1, offset=1)
    assert (len(page.gaps), page.total) == (1, 3)
    gap_id = gaps.list_gaps(kyo, admin).gaps[0].id
    gaps.assign(kyo, admin, gap_id, admin.id)
    gaps.plan(kyo, admin, gap_id)
    assert labels(kyo, admin, GapFilter(frozenset({GapState.PLANNED}))) == by_count[:1]
    assert labels(kyo, admin, GapFilter(owner_id=admin.id)) == by_count[:1]
    assert len(labels(kyo, admin, GapFilter(unowned=True))) == 2
    assert labels(kyo, admin, GapFilter(kind=GapKind.DISLIKED)) == []


def test_a_question_near_to_nothing_is_for_admins_alone(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, look: Callable[[], None]
) -> None:
    not_found(kyo, employee, DOGS[0])
    look()
    assert labels(kyo, admin) == [DOGS[0]]
    assert labels(kyo, manager) == []


def test_managers_see_questions_about_their_collections_and_no_others(
    kyo: Kyo,
    employee: Actor,
    person: Callable[[Role], Actor],
    admin: Actor,
    document: Document,
    answering: Document,
    collection: Callable[..., str],
    look: Callable[[], None],
    sql: Sql,
) -> None:
    """Of one gap, each sees the part about what is theirs, and it is called by that part."""

    def move(document_id: UUID, name: str) -> None:
        home = "(select id from collections where name = :name)"
        sql(f"update documents set collection_id = {home} where id = :id", id=document_id, name=name)  # noqa: S608 — ours

    theirs, others = person(Role.MANAGER), person(Role.MANAGER)
    collection("Board", members={theirs: "approve", employee: "read", others: "read"})
    move(document.id, "Board")
    sql("update collections set everyone_access = 'read' where name = 'General'")
    not_found(kyo, employee, DOGS[0], [document.id])
    not_found(kyo, employee, DOGS[1], [document.id, answering.id])
    not_found(kyo, employee, DOGS[2], [answering.id])
    look()
    [seen] = gaps.list_gaps(kyo, theirs).gaps
    assert (seen.questions, seen.label in DOGS[:2], seen.collections) == (2, True, ("Board", "General"))
    assert sorted(one.text for one in gaps.read_gap(kyo, theirs, seen.id).questions) == sorted(DOGS[:2])
    assert labels(kyo, others) == []
    with pytest.raises(NotFound):
        gaps.read_gap(kyo, others, seen.id)
    with pytest.raises(NotFound):
        gaps.plan(kyo, others, seen.id)
    assert gaps.owners(kyo, others, seen.id) == {}
    # Who may no longer read one of the documents is not told what was asked about both.
    move(answering.id, "Board")
    sql("update documents set restricted = true where id = :id", id=answering.id)
    sql("update collection_members set access = 'read' where user_id = :id", id=theirs.id)
    sql(
        "insert into collection_members select id, :id, 'approve' from collections where name = 'General'", id=theirs.id
    )
    move(document.id, "General")
    assert [one.text for one in gaps.read_gap(kyo, theirs, seen.id).questions] == [DOGS[0]]
    assert gaps.list_gaps(kyo, admin).gaps[0].questions == 3


def test_nobody_is_told_who_asked(kyo: Kyo, employee: Actor, admin: Actor, dogs: Gap) -> None:
    said = repr((gaps.list_gaps(kyo, admin), gaps.read_gap(kyo, admin, dogs.id)))
    assert str(employee.id) not in said
    assert employee.name not in said


def test_nobody_is_told_at_which_time_of_day_somebody_asked(kyo: Kyo, manager: Actor, admin: Actor, dogs: Gap) -> None:
    """An admin has the audit log beside it, which says who asked something at which time."""
    today = kyo.now().replace(hour=0, minute=0, second=0, microsecond=0)
    assert kyo.now() != today
    for actor in (manager, admin):
        found = gaps.read_gap(kyo, actor, dogs.id)
        moments = {found.gap.first_asked, found.gap.last_asked, *(one.asked_at for one in found.questions)}
        assert moments == {today}


def test_a_gap_names_what_its_questions_came_near_to(kyo: Kyo, manager: Actor, dogs: Gap, document: Document) -> None:
    [near] = gaps.read_gap(kyo, manager, dogs.id).documents
    assert (near.document_id, near.title, near.questions) == (document.id, "leave", 3)
    curating.archive(kyo, manager, document.id)
    assert gaps.read_gap(kyo, manager, dogs.id).documents == ()


# What is done ------------------------------------------------------------------------------------------------------


def test_an_owner_is_somebody_who_sees_the_gap(
    kyo: Kyo, manager: Actor, admin: Actor, employee: Actor, dogs: Gap, details: Callable[[str], list[Any]]
) -> None:
    assert gaps.owners(kyo, admin, dogs.id) == {manager.id: manager.name, admin.id: admin.name}
    assert gaps.assign(kyo, admin, dogs.id, manager.id).owner == manager.name
    gaps.assign(kyo, admin, dogs.id, manager.id)  # nothing to do
    with pytest.raises(Invalid, match="may see"):
        gaps.assign(kyo, admin, dogs.id, employee.id)
    assert gaps.assign(kyo, manager, dogs.id, None).owner is None
    assert details("gap:assign") == [
        (admin.id, str(dogs.id), {"before": None, "after": str(manager.id)}),
        (manager.id, str(dogs.id), {"before": str(manager.id), "after": None}),
    ]


def test_its_history_says_who_did_what_when_and_why(
    kyo: Kyo, manager: Actor, dogs: Gap, clock: Clock, audited: Callable[[], list[str]]
) -> None:
    known = len(audited())
    deeds: tuple[Callable[[], Gap], ...] = (
        lambda: gaps.plan(kyo, manager, dogs.id, "By June."),
        lambda: gaps.decline(kyo, manager, dogs.id, " Everybody knows. "),
        lambda: gaps.reopen(kyo, manager, dogs.id),
    )
    for deed in deeds:
        clock.advance(hours=1)
        deed()
    found = gaps.read_gap(kyo, manager, dogs.id)
    assert [(one.deed, one.actor, one.reason) for one in found.events] == [
        (Deed.REOPEN, manager.name, ""),
        (Deed.DECLINE, manager.name, "Everybody knows."),
        (Deed.PLAN, manager.name, "By June."),
    ]
    assert found.gap.changed_at == found.events[0].at == clock()
    assert audited()[known:] == ["gap:plan", "gap:decline", "gap:reopen", "gap:read"]


@pytest.mark.parametrize(
    ("deed", "error", "says"),
    [
        (lambda k, a, i: gaps.decline(k, a, i, " "), Invalid, "Say why"),
        (lambda k, a, i: gaps.plan(k, a, i, "x" * 501), Invalid, "500"),
        (lambda k, a, i: gaps.reopen(k, a, i), Conflict, "already"),
        (lambda k, a, i: gaps.ask_again(k, a, i), Conflict, "Link the document"),
        (lambda k, a, i: gaps.answer(k, a, i, UUID(int=7)), NotFound, "document"),
    ],
)
def test_what_makes_no_sense_is_refused(
    kyo: Kyo, manager: Actor, dogs: Gap, deed: Callable[..., object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        deed(kyo, manager, dogs.id)


# What answers it ---------------------------------------------------------------------------------------------------


def results(kyo: Kyo, actor: Actor, gap_id: UUID) -> Mapping[str, Result | None]:
    return {one.text: one.result for one in gaps.read_gap(kyo, actor, gap_id).questions}


def test_the_questions_are_asked_again_and_the_result_stays(
    kyo: Kyo, manager: Actor, admin: Actor, dogs: Gap, answering: Document, details: Callable[[str], list[Any]]
) -> None:
    linked = gaps.answer(kyo, manager, dogs.id, answering.id)
    assert (linked.gap.state, linked.gap.document_title) == (GapState.ANSWERED, "dogs")
    assert (linked.is_to_be_asked_again, linked.waits_for_document) == (True, False)
    heard: list[tuple[int, int]] = []
    asked = gaps.ask_again(kyo, manager, dogs.id, lambda *done: heard.append(done))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert not asked.is_to_be_asked_again
    assert results(kyo, admin, dogs.id) == dict.fromkeys(DOGS, Result.LINKED)
    assert history.list_answers(kyo, manager).total == 0  # it is nobody's history
    [(actor, gap, counts)] = details("gap:ask_again")
    assert (actor, gap, counts["linked"]) == (manager.id, str(dogs.id), 3)


def test_an_answer_from_elsewhere_is_told_apart(
    kyo: Kyo, manager: Actor, dogs: Gap, document: Document, answering: Document
) -> None:
    assert answering.searchable
    gaps.answer(kyo, manager, dogs.id, document.id)
    gaps.ask_again(kyo, manager, dogs.id)
    assert results(kyo, manager, dogs.id) == dict.fromkeys(DOGS, Result.OTHER)


def test_what_is_still_not_found_is_said(kyo: Kyo, manager: Actor, dogs: Gap, document: Document) -> None:
    gaps.answer(kyo, manager, dogs.id, document.id)
    gaps.ask_again(kyo, manager, dogs.id)
    assert results(kyo, manager, dogs.id) == dict.fromkeys(DOGS, Result.NOT_FOUND)


def test_a_model_that_does_not_answer_is_no_answer(kyo: Kyo, manager: Actor, dogs: Gap, document: Document) -> None:
    silent = replace(kyo, generator=ScriptedGenerator([], Unavailable("away")))
    gaps.answer(kyo, manager, dogs.id, document.id)
    gaps.ask_again(silent, manager, dogs.id)
    assert results(kyo, manager, dogs.id) == dict.fromkeys(DOGS, Result.FAILED)


def test_only_so_many_are_asked_and_they_count_as_one_attempt(
    kyo: Kyo,
    with_settings: Callable[..., Kyo],
    manager: Actor,
    dogs: Gap,
    document: Document,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gaps, "MOST_ASKED_AGAIN", 2)
    gaps.answer(kyo, manager, dogs.id, document.id)
    limited = with_settings(KYO_QUERIES_PER_MINUTE=1)
    gaps.ask_again(limited, manager, dogs.id)
    assert list(results(kyo, manager, dogs.id).values()).count(None) == 1
    with pytest.raises(Exception, match="one minute allows"):
        gaps.ask_again(limited, manager, dogs.id)


def test_a_document_that_cannot_be_found_yet_is_waited_for(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    person: Callable[[Role], Actor],
    dogs: Gap,
    run_pipeline: Callable[[], None],
) -> None:
    waiting = library.upload(kyo, employee, "dogs.txt", b"You can bring your dog to the office.").document
    linked = gaps.answer(kyo, manager, dogs.id, waiting.id)
    assert (linked.waits_for_document, linked.is_to_be_asked_again) == (True, False)
    with pytest.raises(Conflict, match="cannot be found yet"):
        gaps.ask_again(kyo, manager, dogs.id)
    run_pipeline()
    reviewing.approve(kyo, manager, waiting.latest.id)
    ready = gaps.read_gap(kyo, person(Role.MANAGER), dogs.id)
    assert (ready.waits_for_document, ready.is_to_be_asked_again) == (False, True)


@pytest.mark.parametrize("way", ["archived", "deleted"])
def test_a_document_that_goes_later_is_not_waited_for(
    kyo: Kyo, manager: Actor, admin: Actor, dogs: Gap, answering: Document, way: str
) -> None:
    gaps.answer(kyo, manager, dogs.id, answering.id)
    if way == "archived":
        curating.archive(kyo, manager, answering.id)
    else:
        curating.delete(kyo, admin, answering.id)
    found = gaps.read_gap(kyo, manager, dogs.id)
    assert (found.is_withdrawn, found.is_answerable, found.waits_for_document) == (True, False, False)


def test_an_archived_document_answers_nothing(kyo: Kyo, manager: Actor, dogs: Gap, answering: Document) -> None:
    curating.archive(kyo, manager, answering.id)
    with pytest.raises(Conflict, match="archived"):
        gaps.answer(kyo, manager, dogs.id, answering.id)


# Those who asked ---------------------------------------------------------------------------------------------------


def test_who_wants_to_is_told_once_they_may_read_what_answers(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    person: Callable[[Role], Actor],
    document: Document,
    answering: Document,
    look: Callable[[], None],
    clock: Clock,
    sql: Sql,
) -> None:
    mine = not_found(kyo, employee, DOGS[0], [document.id])
    other = person(Role.EMPLOYEE)
    not_found(kyo, other, DOGS[1], [document.id])
    followed_questions.follow(kyo, employee, mine)
    followed_questions.follow(kyo, employee, mine)
    assert followed_questions.is_followed(kyo, employee, mine)
    look()
    clock.advance(hours=1)
    [gap] = gaps.list_gaps(kyo, manager).gaps
    assert followed_questions.answered(kyo, employee) == ()
    gaps.answer(kyo, manager, gap.id, answering.id)
    [told] = followed_questions.answered(kyo, employee)
    assert (told.question_id, told.text, told.title, told.answered_at) == (mine, DOGS[0], "dogs", clock())
    assert followed_questions.answered(kyo, other) == ()  # who did not want to
    statement = "update documents set restricted = true, owner_id = :id where id = :document"
    sql(statement, id=OPERATOR.id, document=answering.id)
    assert followed_questions.answered(kyo, employee) == ()
    sql("update documents set restricted = false where id = :document", document=answering.id)
    followed_questions.dismiss(kyo, employee, mine)
    assert followed_questions.answered(kyo, employee) == ()
    clock.advance(hours=1)
    gaps.reopen(kyo, manager, gap.id)
    gaps.answer(kyo, manager, gap.id, answering.id)
    assert [one.question_id for one in followed_questions.answered(kyo, employee)] == [mine]
    followed_questions.follow(kyo, employee, mine, wanted=False)
    assert not followed_questions.is_followed(kyo, employee, mine)
    assert followed_questions.answered(kyo, employee) == ()


@pytest.mark.parametrize(("result", "told"), [("linked", 1), ("other", 1), ("not_found", 0), ("failed", 0)])
def test_what_was_asked_again_in_vain_is_no_news(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    document: Document,
    answering: Document,
    look: Callable[[], None],
    clock: Clock,
    sql: Sql,
    result: str,
    told: int,
) -> None:
    mine = not_found(kyo, employee, DOGS[0], [document.id])
    followed_questions.follow(kyo, employee, mine)
    look()
    clock.advance(hours=1)
    [gap] = gaps.list_gaps(kyo, manager).gaps
    gaps.answer(kyo, manager, gap.id, answering.id)
    clock.advance(hours=1)
    reply = "insert into gap_replies values (:question, :gap, :result, :by, :at)"
    sql(reply, question=mine, gap=gap.id, result=result, by=manager.id, at=clock())
    assert len(followed_questions.answered(kyo, employee)) == told
    clock.advance(hours=1)
    gaps.answer(kyo, manager, gap.id, answering.id)  # another document, or this one once more: not asked yet
    assert len(followed_questions.answered(kyo, employee)) == 1


def test_nobody_follows_a_question_of_somebody_else(
    kyo: Kyo, employee: Actor, admin: Actor, document: Document
) -> None:
    question = not_found(kyo, employee, DOGS[0], [document.id])
    with pytest.raises(NotFound):
        followed_questions.follow(kyo, admin, question)
    followed_questions.follow(kyo, employee, question)
    assert not followed_questions.is_followed(kyo, admin, question)


def test_what_was_asked_after_it_was_answered_is_no_news(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    dogs: Gap,
    document: Document,
    answering: Document,
    look: Callable[[], None],
    clock: Clock,
) -> None:
    gaps.answer(kyo, manager, dogs.id, answering.id)
    clock.advance(hours=1)
    late = not_found(kyo, employee, DOGS[0], [document.id])
    followed_questions.follow(kyo, employee, late)
    look()
    assert gaps.read_gap(kyo, manager, dogs.id).gap.asked_since == 1
    assert followed_questions.answered(kyo, employee) == ()


def test_no_text_of_a_question_gets_into_a_log(pipeline: Kyo, kyo: Kyo, employee: Actor, document: Document) -> None:
    not_found(kyo, employee, DOGS[0], [document.id])
    with pipeline.db.transaction(OPERATOR) as tx:
        [candidate] = gap_finding.candidates(tx, kyo.now() - timedelta(days=1), 10)
    assert candidate.text == DOGS[0]
    assert DOGS[0] not in repr(candidate)
