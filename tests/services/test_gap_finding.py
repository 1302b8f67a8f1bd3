"""The nightly look for gaps: what it puts together, what it keeps, and that twice is the same as once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from kyo_pipeline.db import gap_finding, users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.db.gap_finding import Candidate
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answer_findings import UNCHECKED
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.gaps import REOPEN_AFTER, GapKind
from kyo_pipeline.domain.ports import Vectors
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, followed_questions, gaps, history
from kyo_pipeline.services.gap_finding import GapReport, find_gaps
from tests.conftest import Clock
from tests.embedding_sets import first_set
from tests.fakes import OtherEmbedder
from tests.gaps import DOGS, ROOMS, not_found

Sql = Callable[..., list[Any]]
Look = Callable[[], GapReport]


@pytest.fixture
def look(pipeline: Kyo) -> Look:
    """As the pipeline does it at night."""
    with pipeline.db.transaction(OPERATOR) as tx:
        first_set(tx, pipeline.embedder.spec, pipeline.now())

    def run() -> GapReport:
        report = find_gaps(pipeline)
        assert report is not None
        return report

    return run


@pytest.fixture
def members(sql: Sql) -> Callable[[], dict[UUID, UUID]]:
    return lambda: {row.question_id: row.gap_id for row in sql("select question_id, gap_id from gap_questions")}


def test_before_there_is_a_model_there_is_nothing_to_find(pipeline: Kyo) -> None:
    assert find_gaps(pipeline) is None


def test_the_same_in_other_words_is_one_gap(kyo: Kyo, employee: Actor, admin: Actor, look: Look) -> None:
    for question in (*DOGS, *ROOMS):
        not_found(kyo, employee, question)
    report = look()
    assert report.questions == {GapKind.NOT_FOUND: 5}
    assert (report.embedded, report.new, report.reopened, report.left_out) == (5, 2, 0, False)
    assert sorted(sum(one.kinds.values()) for one in report.gaps) == [2, 3]
    page = gaps.list_gaps(kyo, admin)
    assert [(gap.label in DOGS, gap.questions) for gap in page.gaps] == [(True, 3), (False, 2)]
    assert page.last_run is not None
    assert (page.last_run.questions, page.last_run.gaps) == (5, 2)


def test_twice_is_the_same_as_once_and_each_question_is_embedded_once(
    kyo: Kyo, employee: Actor, look: Look, sql: Sql
) -> None:
    for question in (*DOGS, *ROOMS):
        not_found(kyo, employee, question)
    first = look()
    everything = "select * from gap_questions order by question_id"
    before = sql(everything), sql("select * from gaps order by id"), sql("select * from question_vectors order by 1")
    second = look()
    assert (sql(everything), sql("select * from gaps order by id")) == before[:2]
    assert sql("select * from question_vectors order by 1") == before[2]
    assert (second.embedded, second.new) == (0, 0)
    assert second.gaps == first.gaps


def test_a_gap_keeps_its_id_when_more_is_asked(
    kyo: Kyo, employee: Actor, look: Look, members: Callable[[], dict[UUID, UUID]]
) -> None:
    first = not_found(kyo, employee, DOGS[0])
    look()
    before = members()[first]
    more = [not_found(kyo, employee, question) for question in DOGS[1:]]
    assert look().new == 0
    assert members() == dict.fromkeys([first, *more], before)


def test_another_model_keeps_the_gaps(
    kyo: Kyo, pipeline: Kyo, employee: Actor, look: Look, members: Callable[[], dict[UUID, UUID]], sql: Sql
) -> None:
    for question in (*DOGS, *ROOMS):
        not_found(kyo, employee, question)
    look()
    before = members()
    other = OtherEmbedder(pipeline.embedder)
    sql("update embedding_sets set state = 'dropped'")
    with pipeline.db.transaction(OPERATOR) as tx:
        first_set(tx, other.spec, pipeline.now())
    report = find_gaps(replace(pipeline, embedder=other))
    assert report is not None
    assert (report.embedded, report.new) == (5, 0)
    assert members() == before
    assert sql("select count(*) from question_vectors") == [(5,)]  # those of the set that is gone went with it


def test_disliked_and_doubtful_answers_count_and_liked_ones_do_not(
    kyo: Kyo, employee: Actor, publish: Callable[[str, str], None], pipeline: Kyo, sql: Sql
) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    asked = [asking.ask(kyo, employee, f"How many days of leave has everybody{end}") for end in ("?", " ?", " now?")]
    history.rate(kyo, employee, asked[0].id, -1)
    history.rate(kyo, employee, asked[1].id, 1)
    statement = "update answers set findings = jsonb_build_object('notice', cast(:notice as text)) where id <> :id"
    sql(statement, notice=UNCHECKED, id=asked[0].id)
    report = find_gaps(pipeline)
    assert report is not None
    assert report.questions == {GapKind.DISLIKED: 1, GapKind.DOUBTFUL: 1}
    history.rate(kyo, employee, asked[0].id, 1)
    history.rate(kyo, employee, asked[2].id, 1)
    again = find_gaps(pipeline)
    assert again is not None
    assert (again.questions, again.gaps) == ({}, ())


def test_how_sure_an_answer_was_is_noted(
    kyo: Kyo, employee: Actor, publish: Callable[[str, str], None], sql: Sql
) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    asking.ask(kyo, employee, "How many days of leave has everybody?")
    asking.ask(kyo, employee, "Who won the xylophone contest of 1911?")
    rows = sql("select outcome, similarity > 0.3 as near, similarity_threshold > 0 as known from answers order by 1")
    assert [tuple(row) for row in rows] == [("answered", True, True), ("not_found", None, True)]


def test_what_the_operator_asks_is_no_gap(kyo: Kyo, look: Look) -> None:
    not_found(kyo, OPERATOR, DOGS[0])
    assert look().questions == {}


def test_old_questions_leave_unless_somebody_has_worked_on_them(
    kyo: Kyo, employee: Actor, admin: Actor, look: Look, clock: Clock
) -> None:
    for question in (DOGS[0], ROOMS[0]):
        not_found(kyo, employee, question)
    look()
    [gap] = [one for one in gaps.list_gaps(kyo, admin).gaps if one.label == DOGS[0]]
    gaps.plan(kyo, admin, gap.id)
    clock.advance(days=kyo.settings.KYO_GAP_DAYS + 1)
    look()
    assert [one.label for one in gaps.list_gaps(kyo, admin).gaps] == [DOGS[0]]


def test_what_is_worked_on_or_waited_for_stays_however_much_is_asked_since(
    kyo: Kyo,
    employee: Actor,
    admin: Actor,
    look: Look,
    clock: Clock,
    members: Callable[[], dict[UUID, UUID]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned, followed = (not_found(kyo, employee, question, days_ago=2) for question in (DOGS[0], ROOMS[0]))
    forgotten = not_found(kyo, employee, "Which tram?", days_ago=1)
    followed_questions.follow(kyo, employee, followed)
    look()
    gaps.plan(kyo, admin, members()[planned])
    before = members()
    clock.advance(days=1)
    newest = [not_found(kyo, employee, question) for question in ("Who is the mayor?", "Where is the zinc?")]
    monkeypatch.setattr("kyo_pipeline.services.gap_finding.MOST", 4)
    assert look().left_out
    assert members().keys() == {planned, followed, *newest}
    assert {one: members()[one] for one in (planned, followed)} == {one: before[one] for one in (planned, followed)}
    assert forgotten in before


def test_even_more_of_them_than_can_be_looked_at_stay_and_leave_room_for_what_is_new(
    kyo: Kyo,
    employee: Actor,
    admin: Actor,
    look: Look,
    clock: Clock,
    members: Callable[[], dict[UUID, UUID]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [not_found(kyo, employee, question) for question in DOGS]
    look()
    gaps.plan(kyo, admin, members()[asked[0]])
    clock.advance(days=1)
    new = not_found(kyo, employee, ROOMS[0])
    monkeypatch.setattr("kyo_pipeline.services.gap_finding.MOST", 2)
    look()
    assert members().keys() == {*asked, new}


def test_what_is_waited_for_stays_beyond_the_time(
    kyo: Kyo, employee: Actor, look: Look, clock: Clock, members: Callable[[], dict[UUID, UUID]]
) -> None:
    followed, other = not_found(kyo, employee, DOGS[0]), not_found(kyo, employee, ROOMS[0])
    followed_questions.follow(kyo, employee, followed)
    look()
    before = members()
    clock.advance(days=kyo.settings.KYO_GAP_DAYS + 1)
    look()
    assert members() == {followed: before[followed]}
    assert other in before


def test_what_is_worked_on_leaves_when_its_answer_helped_after_all(
    kyo: Kyo,
    employee: Actor,
    admin: Actor,
    publish: Callable[[str, str], None],
    pipeline: Kyo,
    members: Callable[[], dict[UUID, UUID]],
) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    answer = asking.ask(kyo, employee, "How many days of leave has everybody?")
    history.rate(kyo, employee, answer.id, -1)
    find_gaps(pipeline)
    gaps.plan(kyo, admin, members()[answer.question_id])
    history.rate(kyo, employee, answer.id, 1)
    find_gaps(pipeline)
    assert members() == {}


def test_a_question_that_goes_while_it_is_embedded_leaves_no_vector(
    kyo: Kyo, pipeline: Kyo, employee: Actor, look: Look, sql: Sql
) -> None:
    gone, erased, there = (not_found(kyo, employee, question) for question in DOGS)

    class Slow(OtherEmbedder):
        def embed_passages(self, texts: Sequence[str]) -> Vectors:
            sql("delete from questions where id = :id", id=gone)
            sql("update answers set outcome = 'erased' where question_id = :id", id=erased)
            return super().embed_passages(texts)

    assert look is not None
    report = find_gaps(replace(pipeline, embedder=Slow(pipeline.embedder, pipeline.embedder.spec)))
    assert report is not None
    assert report.questions == {GapKind.NOT_FOUND: 1}
    assert sql("select question_id from question_vectors") == [(there,)]


def test_deleted_questions_leave_with_their_vectors(
    kyo: Kyo, employee: Actor, admin: Actor, look: Look, sql: Sql
) -> None:
    gone = not_found(kyo, employee, DOGS[0])
    not_found(kyo, employee, DOGS[1])
    look()
    sql("delete from questions where id = :id", id=gone)
    [gap] = gaps.list_gaps(kyo, admin).gaps
    assert (gap.label, gap.questions) == (DOGS[1], 1)
    assert sql("select count(*) from question_vectors") == [(1,)]


def test_an_erased_answer_leaves_at_once(kyo: Kyo, employee: Actor, admin: Actor, look: Look, sql: Sql) -> None:
    not_found(kyo, employee, DOGS[0])
    look()
    sql("update answers set outcome = 'erased'")
    [gap] = gaps.list_gaps(kyo, admin).gaps
    assert gap.label == ""
    look()
    assert gaps.list_gaps(kyo, admin).gaps == ()


def closed(kyo: Kyo, admin: Actor) -> UUID:
    [gap] = gaps.list_gaps(kyo, admin).gaps
    gaps.decline(kyo, admin, gap.id, "Dogs stay at home.")
    return gap.id


def test_a_closed_gap_comes_back_when_it_is_asked_again_often_enough(
    kyo: Kyo, employee: Actor, admin: Actor, look: Look, clock: Clock, audited: Callable[[], list[str]]
) -> None:
    not_found(kyo, employee, DOGS[0])
    look()
    gap_id = closed(kyo, admin)
    for number in range(1, REOPEN_AFTER + 1):
        clock.advance(hours=1)
        not_found(kyo, employee, DOGS[number % 3])
        assert look().reopened == (number == REOPEN_AFTER)
        details = gaps.read_gap(kyo, admin, gap_id)
        is_open = number == REOPEN_AFTER
        assert (details.gap.state.value, details.gap.asked_since) == (("open", 0) if is_open else ("declined", number))
    assert (details.events[0].deed.value, details.events[0].count) == ("reopen", REOPEN_AFTER)
    assert audited()[-2:] == ["gap:reopen", "gap:read"]
    assert look().reopened == 0


def test_a_closed_gap_stays_closed_when_the_same_is_looked_at_again(
    kyo: Kyo, employee: Actor, admin: Actor, look: Look, clock: Clock
) -> None:
    for question in DOGS:
        not_found(kyo, employee, question)
    look()
    gap_id = closed(kyo, admin)
    clock.advance(days=1)
    assert (look().new, look().reopened) == (0, 0)
    assert gaps.read_gap(kyo, admin, gap_id).gap.state.value == "declined"


def test_a_model_that_goes_away_costs_no_vector_twice(
    kyo: Kyo, pipeline: Kyo, employee: Actor, look: Look, monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    monkeypatch.setattr("kyo_pipeline.services.gap_finding._BATCH", 2)
    for question in (*DOGS, *ROOMS):
        not_found(kyo, employee, question)
    broken = OtherEmbedder(pipeline.embedder, pipeline.embedder.spec, broken=Unavailable("away"))
    broken.calls_left = 2
    with pytest.raises(Unavailable):
        find_gaps(replace(pipeline, embedder=broken))
    assert sql("select count(*) from question_vectors") == [(4,)]
    assert look().embedded == 1


def test_what_fails_quotes_no_question(
    kyo: Kyo, pipeline: Kyo, employee: Actor, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster shows it to data engineers, who may not read what people ask."""

    def fail(*_: object) -> None:
        raise ValueError(f"No: {DOGS[0]}")

    not_found(kyo, employee, DOGS[0])
    broken = OtherEmbedder(pipeline.embedder, pipeline.embedder.spec, broken=ValueError(f"No: {DOGS[0]}"))
    with pytest.raises(RuntimeError, match=r"ValueError\.$") as embedding:
        find_gaps(replace(pipeline, embedder=broken))
    monkeypatch.setattr("kyo_pipeline.services.gap_finding.clusters_of", fail)
    with pytest.raises(RuntimeError, match=r"ValueError\.$") as clustering:
        look()
    for caught in (embedding, clustering):
        assert DOGS[0] not in str(caught.value)
        assert caught.value.__suppress_context__


def test_however_many_are_embedded_candidates_are_read_twice(
    kyo: Kyo, employee: Actor, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    candidates = gap_finding.candidates

    def noted(tx: Connection, since: datetime, most: int) -> tuple[Candidate, ...]:
        read.append(most)
        return candidates(tx, since, most)

    monkeypatch.setattr("kyo_pipeline.db.gap_finding.candidates", noted)
    monkeypatch.setattr("kyo_pipeline.services.gap_finding._BATCH", 1)
    for question in DOGS:
        not_found(kyo, employee, question)
    assert look().embedded == 3
    assert len(read) == 2


def test_two_at_once_are_like_one(committed: Kyo, own_database: str) -> None:
    """On connections of their own: one waits for the other, and finds its gaps."""
    pipelines = [replace(committed, db=Database(own_database, DatabaseRole.PIPELINE)) for _ in range(2)]
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        asker = users.add(tx, "asker", "Asker", Role.EMPLOYEE, committed.now(), password_hash="none")
        boss = users.add(tx, "boss", "Boss", Role.ADMIN, committed.now(), password_hash="none")
    with pipelines[0].db.transaction(OPERATOR) as tx:
        first_set(tx, committed.embedder.spec, committed.now())
    for question in (*DOGS, *ROOMS):
        not_found(committed, asker, question)
    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(find_gaps, pipelines))
    assert sorted(report.new for report in reports if report) == [0, 2]
    assert [gap.questions for gap in gaps.list_gaps(committed, boss).gaps] == [3, 2]
    for one in (*pipelines, replace(committed, db=owner)):
        one.db.close()
