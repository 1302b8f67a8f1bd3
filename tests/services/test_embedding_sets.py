"""Embedding sets in the hands of admins: asked for, activated, taken back, given up, dropped."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline import progress
from kyo_pipeline.db import embedding_sets as stored
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, embedding_sets, following, library
from tests import embedding_sets as made
from tests.fakes import RollbackDatabase

LEAVE = "\n\n".join(
    f"Chapter {number}. Everybody in department {number} has {number + 20} days of leave in a year, and unused "
    f"days expire at the end of March, unless a manager of department {number} has agreed to something else."
    for number in range(8)
)
Small = Callable[..., Kyo]


@pytest.fixture
def small(pipeline: Kyo) -> Small:
    """The pipeline's Kyo with settings that ask for smaller chunks."""

    def change(**values: object) -> Kyo:
        settings = pipeline.settings.model_copy(update={"CHUNK_SIZE": 64, "CHUNK_OVERLAP": 8, **values})
        return replace(pipeline, settings=settings)

    return change


@pytest.fixture
def indexed(publish: Callable[[str, str], None]) -> None:
    """A document that answers, found with the first set."""
    publish("leave.txt", LEAVE)


def facts(kyo: Kyo, set_id: int) -> SetFacts:
    return next(one for one in embedding_sets.overview(kyo, OPERATOR).sets if one.id == set_id)


def active(kyo: Kyo) -> SetFacts:
    return next(one for one in embedding_sets.overview(kyo, OPERATOR).sets if one.state is SetState.ACTIVE)


def chunk_counts(sql: Callable[..., list[Any]]) -> list[tuple[int, str]]:
    return [tuple(row) for row in sql("select chunk_count, cut_as from document_versions order by uploaded_at")]


# Looking --------------------------------------------------------------------------------------------------------------


def test_before_anything_is_indexed_there_is_none(kyo: Kyo, admin: Actor) -> None:
    found = embedding_sets.overview(kyo, admin)
    assert (found.sets, found.is_requested, found.price) == ((), False, None)


@pytest.mark.usefixtures("indexed")
def test_an_admin_sees_what_answers_and_how_far_another_one_is(
    kyo: Kyo, small: Small, admin: Actor, with_settings: Callable[..., Kyo]
) -> None:
    begun = following.begin_anew(small(), "Smaller chunks.")
    priced = with_settings(KYO_EMBEDDING_TOKEN_PRICE=2.0)
    building, answering = embedding_sets.overview(priced, admin).sets
    assert (answering.state, answering.done, answering.versions, answering.share_done) == (SetState.ACTIVE, 1, 1, 1.0)
    assert answering.chunks > 0
    assert (building.id, building.state, building.created_by) == (begun.id, SetState.BUILDING, OPERATOR.name)
    assert (building.waiting, building.done, building.share_done, building.chunks) == (1, 0, 0.0, 0)
    assert (building.seconds_left, building.since) == (None, building.created_at)
    made.finish(small())
    ready = facts(kyo, begun.id)
    assert (ready.state, ready.done, ready.chunks_left, ready.seconds_left) == (SetState.READY, 1, 0, 0.0)
    assert ready.chunks > answering.chunks
    assert ready.tokens > 0
    assert ready.cost(2.0) == ready.tokens * 2.0 / 1_000_000
    assert embedding_sets.overview(priced, admin).price == 2.0


@pytest.mark.usefixtures("indexed")
def test_the_first_files_that_failed_are_named_to_an_admin(
    kyo: Kyo, small: Small, admin: Actor, sql: Callable[..., list[Any]]
) -> None:
    set_id = made.build(small())
    sql("update embedding_work set state = 'failed', error = 'Too long.' where embedding_set_id = :id", id=set_id)
    found = embedding_sets.overview(kyo, admin)
    assert {key: [(one.file_name, one.reason) for one in files] for key, files in found.failures.items()} == {
        set_id: [("leave.txt", "Too long.")]
    }
    assert facts(kyo, set_id).failed == 1


@pytest.mark.usefixtures("indexed")
def test_files_that_others_wait_with_count_for_every_admin(
    kyo: Kyo, small: Small, admin: Actor, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    """Row-level security hides nothing of what is ready from an admin: a set that lacks a file must not look whole."""
    library.upload(kyo, employee, "draft.txt", b"A draft that nobody else sees.", draft=True)
    run_pipeline()
    made.build(small())
    assert {one.done for one in embedding_sets.overview(kyo, admin).sets} == {2}


# Asking for one -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("indexed")
def test_an_admin_asks_for_a_set_and_the_pipeline_begins_it(
    kyo: Kyo, small: Small, admin: Actor, details: Callable[[str], list[tuple[Any, str, Any]]]
) -> None:
    embedding_sets.request(kyo, admin)
    assert embedding_sets.overview(kyo, admin).is_requested
    assert details("embedding_set:request") == [(admin.id, "settings", {})]
    with pytest.raises(Conflict, match="asked for already"):
        embedding_sets.request(kyo, admin)
    begun = following.take_request(small())
    assert begun is not None
    assert facts(kyo, begun.id).created_by == admin.name
    assert [who for who, _, _ in details("embedding_set:build")] == [admin.id]
    assert not embedding_sets.overview(kyo, admin).is_requested
    with pytest.raises(Conflict, match="under way already"):
        embedding_sets.request(kyo, admin)
    assert len(details("embedding_set:request")) == 1


def test_nothing_is_asked_for_before_anything_is_indexed(
    kyo: Kyo, pipeline: Kyo, admin: Actor, audited: Callable[[], list[str]]
) -> None:
    with pytest.raises(NotFound, match="Nothing is indexed here yet"):
        embedding_sets.request(kyo, admin)
    with pytest.raises(NotFound, match="Nothing is indexed here yet"):
        embedding_sets.build(pipeline, OPERATOR)
    assert audited() == []


@pytest.mark.usefixtures("indexed")
def test_the_operator_begins_a_set_at_once(small: Small, details: Callable[[str], list[tuple[Any, str, Any]]]) -> None:
    begun = embedding_sets.build(small(), OPERATOR, " For  a\ttest ")
    assert (begun.state, begun.chunk_size, begun.chunk_overlap, begun.reason) == (
        SetState.BUILDING,
        64,
        8,
        "For a test",
    )
    [(who, set_id, noted)] = details("embedding_set:build")
    assert (who, set_id, noted["chunk_size"], noted["versions"]) == (OPERATOR.id, str(begun.id), 64, 1)
    with pytest.raises(Conflict, match=f"Embedding set {begun.id} .* is building already"):
        embedding_sets.build(small(), OPERATOR)


# Activating -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("indexed")
def test_a_set_that_is_not_worse_answers_at_once_and_chunk_counts_follow(
    kyo: Kyo,
    small: Small,
    admin: Actor,
    employee: Actor,
    sql: Callable[..., list[Any]],
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    before = active(kyo)
    [(count, cut_as)] = chunk_counts(sql)
    set_id = made.build(small(), Verdict.NOT_WORSE)
    done = embedding_sets.activate(kyo, admin, set_id)
    assert (done.id, done.state, done.since) == (set_id, SetState.ACTIVE, kyo.now())
    [(smaller, cut_now)] = chunk_counts(sql)
    assert smaller > count
    assert cut_now != cut_as
    assert done.chunks == smaller
    earlier = facts(kyo, before.id)
    assert (earlier.state, earlier.is_kept, earlier.chunks, earlier.done) == (SetState.RETIRED, True, count, 1)
    assert details("embedding_set:activate") == [
        (
            admin.id,
            str(set_id),
            {"from": before.id, "model": done.spec.model, "verdict": "not_worse", "reason": ""},
        )
    ]
    assert asking.search(kyo, employee, "How many days of leave has department 3?").passages


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("verdict", "says"),
    [(Verdict.WORSE, "was found worse .* nDCG fell"), (Verdict.UNJUDGED, "Nobody could judge"), (None, "Nobody could")],
)
def test_one_that_is_worse_or_was_not_judged_needs_a_reason(
    kyo: Kyo,
    small: Small,
    admin: Actor,
    verdict: Verdict | None,
    says: str,
    audited: Callable[[], list[str]],
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    set_id, known = made.build(small(), verdict, {"reasons": ["nDCG fell."]}), len(audited())
    for reason in (None, "", " \t\n"):
        with pytest.raises(Invalid, match=says):
            embedding_sets.activate(kyo, admin, set_id, reason)
    with pytest.raises(Invalid, match="500 characters at most; this one has 501"):
        embedding_sets.activate(kyo, admin, set_id, "x" * 501)
    assert facts(kyo, set_id).state is SetState.READY
    assert len(audited()) == known
    embedding_sets.activate(kyo, admin, set_id, " The new\x00 model\nreads German. ")
    assert active(kyo).id == set_id
    assert details("embedding_set:activate")[0][2]["reason"] == "The new model reads German."


@pytest.mark.usefixtures("indexed")
def test_what_answers_already_and_what_is_not_ready_cannot_be_activated(kyo: Kyo, small: Small, admin: Actor) -> None:
    with pytest.raises(Conflict, match="answers questions already"):
        embedding_sets.activate(kyo, admin, active(kyo).id, "Why not?")
    begun = following.begin_anew(small(), "")
    with pytest.raises(Conflict, match="is building: it cannot answer"):
        embedding_sets.activate(kyo, admin, begun.id, "Why not?")
    for unknown in (0, -1, 4711):
        with pytest.raises(NotFound, match=f"no embedding set {unknown}"):
            embedding_sets.activate(kyo, admin, unknown, "Why not?")


def activate_by_sql(kyo: Kyo, actor: Actor, set_id: int) -> None:
    with kyo.db.transaction(actor) as tx:
        stored.activate(tx, set_id, kyo.now())


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("update embedding_work set state = 'failed', error = 'No.'", "1 file could not be embedded"),
        ("update embedding_work set state = 'waiting'", "1 file is still to be embedded"),
        ("delete from embedding_work", "1 file is still to be embedded"),
    ],
)
def test_a_set_in_which_a_file_is_missing_never_answers(
    kyo: Kyo, small: Small, admin: Actor, sql: Callable[..., list[Any]], statement: str, says: str
) -> None:
    before, set_id = active(kyo), made.build(small(), Verdict.NOT_WORSE)
    sql(statement)
    with pytest.raises(Conflict, match=says):
        embedding_sets.activate(kyo, admin, set_id)
    for database in (kyo, small()):
        with pytest.raises(Conflict, match="documents are missing in it"):
            activate_by_sql(database, OPERATOR, set_id)
    assert active(kyo).id == before.id


@pytest.mark.usefixtures("indexed")
def test_a_file_that_became_ready_meanwhile_is_waited_for(
    kyo: Kyo, small: Small, admin: Actor, publish: Callable[[str, str], None]
) -> None:
    set_id = made.build(small(), Verdict.NOT_WORSE)
    publish("late.txt", "Bicycles are parked in the cellar.")
    with pytest.raises(Conflict, match="Try again when it has caught up"):
        embedding_sets.activate(kyo, admin, set_id)
    made.finish(small())
    assert embedding_sets.activate(kyo, admin, set_id).done == 2


# Going back -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("indexed")
def test_back_and_forth(
    kyo: Kyo,
    small: Small,
    admin: Actor,
    publish: Callable[[str, str], None],
    sql: Callable[..., list[Any]],
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    first, counts = active(kyo).id, chunk_counts(sql)
    second = made.build(small(), Verdict.NOT_WORSE)
    embedding_sets.activate(kyo, admin, second)
    smaller = chunk_counts(sql)
    for expected, found in ((first, counts), (second, smaller), (first, counts)):
        assert embedding_sets.roll_back(kyo, admin, "Complaints.").id == expected
        assert active(kyo).id == expected
        assert chunk_counts(sql) == found
    assert [(set_id, noted["from"], noted["reason"]) for _, set_id, noted in details("embedding_set:roll_back")] == [
        (str(first), second, "Complaints."),
        (str(second), first, "Complaints."),
        (str(first), second, "Complaints."),
    ]
    publish("late.txt", "Bicycles are parked in the cellar.")
    with pytest.raises(Conflict, match="has caught up"):  # the other one lacks it for a moment
        embedding_sets.roll_back(kyo, admin)
    made.finish(small())
    assert embedding_sets.roll_back(kyo, admin).done == 2


@pytest.mark.usefixtures("indexed")
def test_where_nothing_was_replaced_there_is_no_way_back(kyo: Kyo, small: Small, admin: Actor) -> None:
    given_up = made.build(small())
    embedding_sets.retire(kyo, admin, given_up)
    with pytest.raises(NotFound, match="no embedding set to go back to"):
        embedding_sets.roll_back(kyo, admin)


@pytest.mark.usefixtures("indexed")
def test_what_is_kept_up_to_date_is_gone_back_to_first(kyo: Kyo, small: Small, admin: Actor) -> None:
    first, second = active(kyo).id, made.build(small(), Verdict.NOT_WORSE)
    embedding_sets.activate(kyo, admin, second)
    third = made.build(small(CHUNK_SIZE=48), Verdict.NOT_WORSE)
    embedding_sets.activate(kyo, admin, third)
    embedding_sets.retire(kyo, admin, second)
    assert embedding_sets.roll_back(kyo, admin).id == first


# Giving up and dropping -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("indexed")
def test_a_set_is_given_up_once(
    kyo: Kyo, small: Small, admin: Actor, details: Callable[[str], list[tuple[Any, str, Any]]]
) -> None:
    begun = following.follow_settings(small())
    assert begun is not None
    set_id = begun.id
    for _ in range(2):
        retired = embedding_sets.retire(kyo, admin, set_id)
        assert (retired.state, retired.is_kept, retired.retired_at) == (SetState.RETIRED, False, kyo.now())
    assert details("embedding_set:retire") == [(admin.id, str(set_id), {"from": "building"})]
    assert following.follow_settings(small()) is None  # what was given up is not begun again by itself
    assert progress.next_step(small()) is None
    with pytest.raises(Conflict, match="is active: it cannot be retired"):
        embedding_sets.retire(kyo, admin, active(kyo).id)


@pytest.mark.usefixtures("indexed")
def test_a_set_is_dropped_once_and_its_vectors_are_gone(
    kyo: Kyo,
    small: Small,
    admin: Actor,
    sql: Callable[..., list[Any]],
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    set_id = made.build(small(), Verdict.NOT_WORSE)
    for _ in range(2):
        dropped = embedding_sets.drop(kyo, admin, set_id)
        assert (dropped.state, dropped.dropped_at, dropped.verdict) == (SetState.DROPPED, kyo.now(), Verdict.NOT_WORSE)
    assert details("embedding_set:drop") == [(admin.id, str(set_id), {"from": "ready"})]
    assert sql("select to_regclass(:name)", name=f"kyo.chunk_embeddings_{set_id}") == [(None,)]
    for deed in (embedding_sets.activate, embedding_sets.retire):
        with pytest.raises(Conflict, match="is dropped: it cannot"):
            deed(kyo, admin, set_id)
    with pytest.raises(Conflict, match="answers questions: have another one answer first"):
        embedding_sets.drop(kyo, admin, active(kyo).id)


@pytest.mark.usefixtures("indexed")
def test_a_set_that_is_resumed_is_judged_anew(
    kyo: Kyo,
    small: Small,
    admin: Actor,
    publish: Callable[[str, str], None],
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    set_id = made.build(small(), Verdict.WORSE, {"reasons": ["nDCG fell."]})
    embedding_sets.retire(kyo, admin, set_id)
    publish("late.txt", "Bicycles are parked in the cellar.")
    assert facts(kyo, set_id).versions == 1
    with pytest.raises(Conflict, match=f"`kyo embeddings build {set_id}` goes on with it"):
        embedding_sets.activate(kyo, admin, set_id, "Now.")
    resumed = embedding_sets.resume(small(), OPERATOR, set_id)
    assert (resumed.state, resumed.waiting, resumed.is_kept) == (SetState.BUILDING, 2, True)
    assert (resumed.verdict, resumed.judgement, resumed.judged_at) == (None, None, None)
    assert details("embedding_set:build")[-1] == (OPERATOR.id, str(set_id), {"resumed": True, "versions": 2})
    with pytest.raises(Conflict, match="is building: only one that is retired"):
        embedding_sets.resume(small(), OPERATOR, set_id)
    made.finish(small())
    assert [one.id for one in progress.unjudged(small())] == [set_id]
    made.judge(small(), set_id, Verdict.NOT_WORSE)
    assert embedding_sets.activate(kyo, admin, set_id).done == 2


@pytest.mark.usefixtures("indexed")
def test_only_one_is_under_way(kyo: Kyo, small: Small, admin: Actor) -> None:
    given_up = made.build(small())
    embedding_sets.retire(kyo, admin, given_up)
    made.build(small(CHUNK_SIZE=48))
    with pytest.raises(Conflict, match="is ready already"):
        embedding_sets.resume(small(), OPERATOR, given_up)


# Who may --------------------------------------------------------------------------------------------------------------

_FUNCTIONS = ("activate_embedding_set", "retire_embedding_set", "drop_embedding_set")


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
@pytest.mark.parametrize("function", _FUNCTIONS)
def test_the_database_refuses_others_too(
    kyo: Kyo, small: Small, person: Callable[[Role], Actor], sql: Callable[..., list[Any]], role: Role, function: str
) -> None:
    set_id, actor = made.build(small(), Verdict.NOT_WORSE), person(role)
    deed = {"activate": stored.activate, "retire": stored.retire, "drop": stored.drop}[function.partition("_")[0]]
    before = sql("select id, state, is_kept from embedding_sets order by id")
    for database in (kyo, small()):
        with pytest.raises(Forbidden), database.db.transaction(actor) as tx:
            deed(tx, set_id, kyo.now())
    assert sql("select id, state, is_kept from embedding_sets order by id") == before
    assert sql("select to_regclass(:name)", name=f"kyo.chunk_embeddings_{set_id}") != [(None,)]


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("function", _FUNCTIONS)
def test_nobody_at_all_is_refused_too(small: Small, db: RollbackDatabase, kyo: Kyo, function: str) -> None:
    nobody = Actor(UUID(int=7), "nobody", "Nobody", Role.ADMIN)
    set_id = made.build(small(), Verdict.NOT_WORSE)
    deed = {"activate": stored.activate, "retire": stored.retire, "drop": stored.drop}[function.partition("_")[0]]
    with pytest.raises(Forbidden), db.transaction(nobody) as tx:
        deed(tx, set_id, kyo.now())


@pytest.mark.usefixtures("indexed")
def test_rows_of_the_work_and_of_requests_are_for_admins_alone(
    kyo: Kyo, small: Small, person: Callable[[Role], Actor], admin: Actor
) -> None:
    embedding_sets.request(kyo, admin)
    made.build(small())
    for role in Role:
        with kyo.db.transaction(person(role)) as tx:
            seen = [
                tx.exec_driver_sql(f"select count(*) from {table}").scalar_one()  # noqa: S608 — two names above
                for table in ("embedding_work", "embedding_requests")
            ]
        assert seen == ([1, 1] if role is Role.ADMIN else [0, 0])


@pytest.mark.usefixtures("indexed")
def test_a_demoted_admin_may_nothing_any_more(
    kyo: Kyo, small: Small, admin: Actor, person: Callable[[Role], Actor], sql: Callable[..., list[Any]]
) -> None:
    """The actor says admin still; the database looks for itself."""
    person(Role.ADMIN)  # the last one cannot be demoted
    sql("update users set role = 'employee' where id = :id", id=admin.id)
    with pytest.raises(NotAllowed):
        embedding_sets.request(kyo, admin)
    set_id = made.build(small(), Verdict.NOT_WORSE)
    with pytest.raises(Conflict):  # rows of the work are hidden from them, so all seems to be missing
        embedding_sets.activate(kyo, admin, set_id)
    for deed in (embedding_sets.retire, embedding_sets.drop):
        with pytest.raises(NotAllowed):
            deed(kyo, admin, set_id)
    assert facts(kyo, set_id).state is SetState.READY
