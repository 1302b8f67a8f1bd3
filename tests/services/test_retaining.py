"""Old versions: which are deleted, what goes with them, and what stays true all the same."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.retention import ExpiredVersions, Forgotten
from kyo_pipeline.errors import KyoError, NotAllowed, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    curating,
    doctor,
    history,
    library,
    reprocessing,
    retaining,
    reviewing,
    signing_in,
)
from tests.conftest import Clock
from tests.typed import PASSWORD

Sql = Callable[..., list[Any]]
Details = Callable[[str], list[tuple[Any, str, Any]]]
DAYS = 30


@pytest.fixture
def keeping(pipeline: Kyo) -> Kyo:
    """The pipeline, which keeps old versions for thirty days."""
    return replace(pipeline, settings=pipeline.settings.model_copy(update={"KYO_RETAIN_VERSIONS_DAYS": DAYS}))


@pytest.fixture
def put(kyo: Kyo, run_pipeline: Callable[[], None]) -> Callable[[str], Document]:
    """Publishes a version of the one document."""

    def upload(text: str) -> Document:
        document = library.upload(kyo, OPERATOR, "leave.txt", text.encode()).document
        run_pipeline()
        return reviewing.approve(kyo, OPERATOR, document.latest.id)

    return upload


@pytest.fixture
def read_again(kyo: Kyo, run_pipeline: Callable[[], None]) -> Callable[[Document], Document]:
    def reprocess(document: Document) -> Document:
        reprocessing.reprocess(kyo, OPERATOR, document_id=document.id)
        run_pipeline()
        return library.read_document(kyo, OPERATOR, document.id)

    return reprocess


def numbers(sql: Sql) -> list[int]:
    return [row.number for row in sql("select number from document_versions order by number")]


def test_all_are_kept_unless_somebody_says_for_how_long(
    pipeline: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql
) -> None:
    put("Thirty days."), put("Forty days.")
    clock.advance(days=10_000)
    assert retaining.expire_versions(pipeline) == ExpiredVersions()
    assert numbers(sql) == [1, 2]


def test_a_version_goes_with_all_that_was_made_of_it_so_long_after_it_was_replaced(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql, details: Details
) -> None:
    old = put("Thirty days.").latest
    clock.advance(days=1000)
    document = put("Forty days.")
    clock.advance(days=DAYS)  # when it was uploaded does not matter
    assert retaining.expire_versions(keeping) == ExpiredVersions()
    clock.advance(seconds=1)
    assert retaining.expire_versions(keeping) == ExpiredVersions(versions=1, chunks=1, files=1)

    assert numbers(sql) == [2]
    for table in ("version_texts", "chunks"):
        assert sql(f"select version_id from {table}") == [(document.latest.id,)]  # noqa: S608 — a constant
    [(vectors,)] = sql("select id from embedding_sets where state = 'active'")
    assert len(sql(f"select from chunk_embeddings_{vectors}")) == 1
    with pytest.raises(NotFound):
        kyo.files.path(old.sha256)
    assert [passage.text for passage in asking.search(kyo, OPERATOR, "days").passages] == ["Forty days."]
    assert details("version:expire") == [
        (
            OPERATOR.id,
            str(old.id),
            {
                "document": str(document.id),
                "title": "leave",
                "number": 1,
                "file_name": "leave.txt",
                "sha256": old.sha256,
                "uploaded_at": old.uploaded_at.isoformat(),
            },
        )
    ]
    assert [finding for finding in doctor.check_index(keeping, OPERATOR) if not finding.ok] == []


def test_twice_is_once(keeping: Kyo, put: Callable[[str], Document], clock: Clock, details: Details) -> None:
    put("Thirty days."), put("Forty days.")
    clock.advance(days=DAYS + 1)
    assert [retaining.expire_versions(keeping).versions for _ in range(2)] == [1, 0]
    assert len(details("version:expire")) == 1


def test_what_an_answer_cites_stays_and_the_answer_stays_true(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql, employee: Actor
) -> None:
    put("Everybody has thirty days of leave.")
    answer = asking.ask(kyo, employee, "How many days of leave?")
    put("Everybody has forty days of leave.")
    clock.advance(days=10_000)
    assert retaining.expire_versions(keeping) == ExpiredVersions()
    assert numbers(sql) == [1, 2]
    assert history.read_answer(kyo, employee, answer.id).citations[0].quote == answer.citations[0].quote


@pytest.mark.parametrize(
    "change",
    [
        "update document_versions set review = 'pending' where number = 1",
        "update document_versions set review = 'draft' where number = 1",
        "update document_versions set status = 'chunked' where number = 1",
        "update document_versions set published_at = null where number = 2",
        "update document_versions set reprocess_of = (select id from document_versions where number = 1), "
        "status = 'uploaded' where number = 2",
        "update documents set current_version_id = (select id from document_versions where number = 1)",
        "update documents set state = 'deleted', deleted_at = now(), deleted_by = owner_id",
    ],
)
def test_what_somebody_waits_for_answers_or_stands_for_a_deleted_document_stays(
    keeping: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql, change: str
) -> None:
    put("Thirty days."), put("Forty days.")
    sql(change)
    clock.advance(days=DAYS + 1)
    assert retaining.expire_versions(keeping) == ExpiredVersions()
    assert numbers(sql) == [1, 2]


def test_a_version_that_was_turned_down_goes_as_well(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql
) -> None:
    put("Thirty days.")
    uploaded = library.upload(kyo, OPERATOR, "leave.txt", b"Nonsense.").document
    reviewing.reject(kyo, OPERATOR, uploaded.latest.id, "No.")
    put("Forty days.")
    clock.advance(days=DAYS + 1)
    assert retaining.expire_versions(keeping).versions == 2
    assert numbers(sql) == [3]


def test_a_document_that_was_rolled_back_keeps_what_it_came_from(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql
) -> None:
    first = put("Thirty days.").latest
    put("Forty days.")
    clock.advance(days=DAYS - 1)
    reviewing.roll_back(kyo, OPERATOR, first.id)
    clock.advance(days=DAYS + 1)
    put("Fifty days.")  # the first has answered until now
    assert (retaining.expire_versions(keeping).versions, numbers(sql)) == (0, [1, 2, 3])
    clock.advance(days=DAYS, seconds=1)
    assert (retaining.expire_versions(keeping).versions, numbers(sql)) == (2, [3])


def test_what_the_audit_log_has_let_go_of_is_not_taken_for_what_never_was(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql
) -> None:
    first = put("Thirty days.").latest
    put("Forty days.")
    reviewing.roll_back(kyo, OPERATOR, first.id)
    clock.advance(days=DAYS + 1)
    sql("alter table audit_log disable trigger audit_log_is_append_only")
    sql("delete from audit_log")
    sql("alter table audit_log enable trigger audit_log_is_append_only")
    put("Fifty days.")  # the first has answered until now, and nobody can know
    assert (retaining.expire_versions(keeping).versions, numbers(sql)) == (0, [1, 2, 3])
    clock.advance(days=DAYS, seconds=1)
    assert (retaining.expire_versions(keeping).versions, numbers(sql)) == (2, [3])


def test_of_an_archived_document_the_current_version_stays(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock, sql: Sql
) -> None:
    put("Thirty days.")
    curating.archive(kyo, OPERATOR, put("Forty days.").id)
    clock.advance(days=DAYS + 1)
    assert (retaining.expire_versions(keeping).versions, numbers(sql)) == (1, [2])


def test_a_reading_takes_the_place_of_the_upload_that_it_has_read_again(
    kyo: Kyo,
    keeping: Kyo,
    put: Callable[[str], Document],
    read_again: Callable[[Document], Document],
    clock: Clock,
    sql: Sql,
) -> None:
    upload = put("Thirty days.")
    clock.advance(days=100)
    for _ in range(2):
        reading = read_again(upload)
    [(revision,)] = sql("select revision from corpus")
    clock.advance(days=DAYS + 1)
    assert retaining.expire_versions(keeping) == ExpiredVersions(versions=2, chunks=2)  # the file is still read from
    [version] = library.list_history(kyo, OPERATOR, upload.id)
    assert (version.id, version.number, version.reprocess_of) == (reading.latest.id, 3, None)
    assert version.uploaded_at == upload.latest.uploaded_at
    [passage] = asking.search(kyo, OPERATOR, "days").passages
    assert passage.dated == upload.latest.uploaded_at
    assert sql("select revision from corpus")[0].revision > revision  # of kept answers the date would be another
    assert kyo.files.path(upload.latest.sha256).read_bytes() == b"Thirty days."


def test_bytes_that_another_document_has_stay(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock
) -> None:
    old = put("Thirty days.").latest
    library.upload(kyo, OPERATOR, "other.txt", b"Thirty days.")
    put("Forty days.")
    clock.advance(days=DAYS + 1)
    assert retaining.expire_versions(keeping) == ExpiredVersions(versions=1, chunks=1)
    assert kyo.files.path(old.sha256).read_bytes() == b"Thirty days."


def test_a_file_that_cannot_be_removed_is_counted_and_found_by_the_doctor(
    kyo: Kyo, keeping: Kyo, put: Callable[[str], Document], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object, sha256: str) -> None:
        raise Unavailable(sha256)

    put("Thirty days."), put("Forty days.")
    clock.advance(days=DAYS + 1)
    with monkeypatch.context() as broken:
        broken.setattr(type(kyo.files), "remove", refuse)
        assert retaining.expire_versions(keeping) == ExpiredVersions(versions=1, chunks=1, files_left=1)
    [orphans, _] = doctor.check_store(keeping, OPERATOR)
    assert orphans.problems == 1


def test_what_there_is_no_time_for_is_left_for_the_next_night(
    keeping: Kyo, put: Callable[[str], Document], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("Thirty days."), put("Forty days.")
    clock.advance(days=DAYS + 1)
    monkeypatch.setattr(retaining, "SECONDS", 0.0)
    assert retaining.expire_versions(keeping) == ExpiredVersions(left=1)


def test_signing_in_leaves_nothing_behind_for_ever(kyo: Kyo, pipeline: Kyo, clock: Clock, anna: Actor) -> None:
    clock.advance(days=-100)
    with pytest.raises(NotAllowed):
        signing_in.sign_in(kyo, anna.username, "wrong", "browser", "192.0.2.1")
    for _ in range(2):
        ticket = signing_in.sign_in(kyo, anna.username, PASSWORD, "browser", "192.0.2.1")
    assert signing_in.redeem_ticket(kyo, ticket, "browser") is not None
    clock.advance(days=100)
    assert [retaining.delete_expired(pipeline) for _ in range(2)] == [Forgotten(1, 1, 1), Forgotten(0, 0, 0)]


# Whatever has happened --------------------------------------------------------------------------------------------


class Undo(Exception):
    """Ends an example's transaction, so that the next one starts from nothing."""


#: (what, which version, how many days pass after it)
DEEDS = st.tuples(
    st.sampled_from(["new", "new", "turned down", "again", "back", "back", "ask", "archive", "restore"]),
    st.integers(0, 5),
    st.sampled_from([1, 10, 25, 60]),
)


@given(st.lists(DEEDS, min_size=2, max_size=8))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_goes_that_has_answered_lately_is_cited_or_is_the_newest(
    kyo: Kyo,
    keeping: Kyo,
    put: Callable[[str], Document],
    read_again: Callable[[Document], Document],
    clock: Clock,
    sql: Sql,
    deeds: list[tuple[str, int, int]],
) -> None:
    with suppress(Undo), kyo.db.transaction(OPERATOR):
        document = put("First words of leave.")
        seen = [(clock(), document.latest.id)]
        for what, which, days in deeds:
            clock.advance(seconds=1)
            with suppress(KyoError):
                happen(kyo, put, read_again, sql, document, what, which)
            [(current,)] = sql("select current_version_id from documents where id = :id", id=document.id)
            seen.append((clock(), current))
            clock.advance(days=days)
        assert_retained(kyo, keeping, sql, document, seen, clock() - timedelta(days=DAYS))
        raise Undo


def happen(
    kyo: Kyo,
    put: Callable[[str], Document],
    read_again: Callable[[Document], Document],
    sql: Sql,
    document: Document,
    what: str,
    which: int,
) -> None:
    ids = [
        row.id
        for row in sql("select id from document_versions where document_id = :id order by number", id=document.id)
    ]
    if what == "new":
        put(f"Words of leave {which} and {len(ids)}.")  # of another document, while this one is archived
    elif what == "turned down":
        content = f"No {len(ids)}.".encode()
        uploaded = library.upload(kyo, OPERATOR, "leave.txt", content, document_id=document.id).document
        reviewing.reject(kyo, OPERATOR, uploaded.latest.id, "No.")
    elif what == "again":
        read_again(document)
    elif what == "back":
        reviewing.roll_back(kyo, OPERATOR, ids[which % len(ids)])
    elif what == "ask":
        asking.ask(kyo, OPERATOR, "Which words of leave?")
    else:
        {"archive": curating.archive, "restore": curating.restore}[what](kyo, OPERATOR, document.id)


def assert_retained(
    kyo: Kyo, keeping: Kyo, sql: Sql, document: Document, seen: list[tuple[datetime, UUID]], before: datetime
) -> None:
    of_document = "from document_versions where document_id = :id order by number"
    rows = sql(f"select id, number, review, status, published_at {of_document}", id=document.id)
    cited = {row.version_id for row in sql("select version_id from citations")}
    # Who answered at that moment, and who has come since.
    answered = set([one for at, one in seen if at < before][-1:])
    answered |= {one for at, one in seen if at >= before}
    replaced = [row.number for row in rows if row.published_at is not None and row.published_at < before]
    expected = {
        row.id
        for row in rows
        if row.id not in cited | answered
        and row.number < max(replaced, default=0)
        and row.review in ("approved", "rejected")
        and row.status in ("ready", "failed")
    }
    found, origins = asking.search(kyo, OPERATOR, "words leave").passages, origins_of(sql)

    assert retaining.expire_versions(keeping).left == 0
    assert {row.id for row in rows} - {row.id for row in sql(f"select id {of_document}", id=document.id)} == expected
    assert [(one.version_id, one.text) for one in asking.search(kyo, OPERATOR, "words leave").passages] == [
        (one.version_id, one.text) for one in found
    ]
    left = origins_of(sql)
    assert left == {version: origin for version, origin in origins.items() if version in left}
    assert {row.version_id for row in sql("select version_id from citations")} == cited
    assert [finding for finding in doctor.check_index(keeping, OPERATOR) if not finding.ok] == []
    assert retaining.expire_versions(keeping) == ExpiredVersions()


def origins_of(sql: Sql) -> dict[UUID, datetime]:
    """When the bytes of each version were uploaded, which a reading of them does not change."""
    statement = """
        with recursive origins as (
          select id, id as origin, reprocess_of, uploaded_at from document_versions
          union all
          select o.id, v.id, v.reprocess_of, v.uploaded_at
          from origins o
          join document_versions v on v.id = o.reprocess_of
        )
        select id, uploaded_at from origins where reprocess_of is null
    """
    return {row.id: row.uploaded_at for row in sql(statement)}
