"""Uploading, listing, reading, trying again."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import DocumentState, Review, VersionStatus
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, library, reprocessing, reviewing

Sql = Callable[..., list[Any]]
Publish = Callable[[str, str], None]

NOBODY = UUID(int=0)


def test_an_upload_waits_for_the_pipeline_and_for_review(
    kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]]
) -> None:
    uploaded = library.upload(kyo, employee, "Leave_policy.txt", b"Thirty days.")
    document, latest = uploaded.document, uploaded.document.latest
    assert uploaded.created
    assert (document.title, document.state, document.searchable) == ("Leave policy", DocumentState.IN_REVIEW, False)
    assert (latest.number, latest.status, latest.review) == (1, VersionStatus.UPLOADED, Review.PENDING)
    assert (latest.media_type, latest.size_bytes, latest.uploaded_by) == ("text/plain", 12, employee.id)
    assert kyo.files.path(latest.sha256).read_bytes() == b"Thirty days."
    [row] = sql("select * from audit_log where event = 'document:upload'")
    assert (row.object_id, row.details["sha256"]) == (str(latest.id), latest.sha256)


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "The file is empty"),
        ("zeros.txt", b"\x00" * 10, "The file is empty"),
        ("big.txt", b"x" * (MEGABYTE + 1), r"^big\.txt is larger than 1 MB"),
        ("fake.pdf", b"just text", "is not a PDF"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "a picture"),
        ("program", b"\x7fELF" + b"\x00" * 50, "a program"),
    ],
)
def test_files_that_are_refused_leave_nothing(
    with_settings: Callable[..., Kyo],
    employee: Actor,
    sql: Callable[..., list[Any]],
    name: str,
    content: bytes,
    message: str,
) -> None:
    with pytest.raises(Invalid, match=message):
        library.upload(with_settings(MAX_FILE_SIZE_MB=1), employee, name, content)
    assert sql("select from documents") == sql("select from audit_log") == []


def test_a_file_of_exactly_the_limit_is_taken(with_settings: Callable[..., Kyo], employee: Actor) -> None:
    assert library.upload(with_settings(MAX_FILE_SIZE_MB=1), employee, "big.txt", b"x" * MEGABYTE).created


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\plan.txt", "plan.txt"),
        ("a\x00b.txt", "ab.txt"),
        ("a\u202etxt.exe.txt", "atxt.exe.txt"),
        ("\ud800x.txt", "x.txt"),
        ("<img src=x>.txt", "<img src=x>.txt"),
        ("", "unnamed"),
        ("x" * 500 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_names_are_only_ever_names(kyo: Kyo, employee: Actor, typed: str, stored: str) -> None:
    assert library.upload(kyo, employee, typed, b"text").document.latest.file_name == stored


def test_the_same_bytes_under_the_same_name_change_nothing(
    kyo: Kyo, employee: Actor, audited: Callable[[], list[str]]
) -> None:
    first = library.upload(kyo, employee, "plan.txt", b"text")
    second = library.upload(kyo, employee, "plan.txt", b"text")
    assert not second.created
    assert second.document == first.document
    assert audited() == ["document:upload"]


def test_a_name_that_somebody_else_uses_unseen_is_a_document_of_its_own(
    kyo: Kyo, employee: Actor, person: Callable[[Role], Actor]
) -> None:
    other = person(Role.EMPLOYEE)
    first = library.upload(kyo, employee, "plan.txt", b"text").document
    second = library.upload(kyo, other, "plan.txt", b"text").document
    assert first.id != second.id
    assert library.upload(kyo, other, "plan.txt", b"more").document.id == second.id
    assert [document.id for document in library.list_documents(kyo, other).documents] == [second.id]


def test_the_same_bytes_under_another_name_are_another_document(kyo: Kyo, employee: Actor) -> None:
    first = library.upload(kyo, employee, "a.txt", b"text").document
    second = library.upload(kyo, employee, "b.txt", b"text").document
    assert first.id != second.id
    assert first.latest.sha256 == second.latest.sha256


def test_a_known_name_becomes_the_next_version(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> None:
    publish("plan.txt", "one")
    again = library.upload(kyo, employee, "plan.txt", b"two").document
    assert (again.latest.number, again.state, again.current_number) == (2, DocumentState.APPROVED, 1)
    back = library.upload(kyo, employee, "plan.txt", b"one").document
    assert (back.id, back.latest.number) == (again.id, 3)


def test_a_new_version_of_what_was_turned_down_is_in_review_again(kyo: Kyo, employee: Actor, manager: Actor) -> None:
    first = library.upload(kyo, employee, "plan.txt", b"one").document
    reviewing.reject(kyo, manager, first.latest.id, "No.")
    assert library.upload(kyo, employee, "plan.txt", b"two").document.state is DocumentState.IN_REVIEW


def test_the_name_of_an_archived_document_is_free(
    kyo: Kyo, employee: Actor, manager: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("plan.txt", "one")
    [old] = library.list_documents(kyo, employee).documents
    curating.archive(kyo, manager, old.id)
    new = library.upload(kyo, employee, "plan.txt", b"one").document
    assert new.id != old.id
    assert new.latest.number == 1


@pytest.mark.parametrize(("everyone", "allowed"), [(None, False), ("read", False), ("write", True), ("approve", True)])
def test_a_collection_takes_files_of_those_who_may_write(
    kyo: Kyo, employee: Actor, collection: Callable[..., str], everyone: str | None, allowed: bool
) -> None:
    name = collection("Board", everyone)
    if allowed:
        assert library.upload(kyo, employee, "a.txt", b"text", name).document.collection == "Board"
    else:
        with pytest.raises(NotFound, match="no collection called Board"):
            library.upload(kyo, employee, "a.txt", b"text", name)


@pytest.mark.parametrize("name", ["Nowhere", "", "general", "\x00", "' or true --"])
def test_an_unknown_collection_takes_nothing(kyo: Kyo, employee: Actor, name: str) -> None:
    with pytest.raises(NotFound):
        library.upload(kyo, employee, "a.txt", b"text", name)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "%", "'", "\\"])
def test_any_filter_may_be_typed(kyo: Kyo, employee: Actor, text: str) -> None:
    library.upload(kyo, employee, "a.txt", b"text")
    library.list_documents(kyo, employee, text=text, collection=text, limit=-5, offset=-5)
    assert len(library.list_documents(kyo, employee, limit=10**9).documents) == 1


def test_what_has_become_of_some_uploads(kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]) -> None:
    good = library.upload(kyo, employee, "good.txt", b"text").document.latest.id
    bad = library.upload(kyo, employee, "bad.txt", b"broken").document.latest.id
    run_pipeline()
    found = {one.version.id: one.version for one in library.list_versions(kyo, employee, [good, bad, NOBODY])}
    assert {one: version.status for one, version in found.items()} == {
        good: VersionStatus.READY,
        bad: VersionStatus.FAILED,
    }
    assert found[bad].error == "This file is damaged."


def test_what_has_become_of_uploads_that_are_not_the_newest(
    kyo: Kyo, employee: Actor, admin: Actor, run_pipeline: Callable[[], None]
) -> None:
    document = library.upload(kyo, employee, "a.txt", b"one").document
    first = document.latest.id
    others = [library.upload(kyo, employee, name, b"text").document.latest.id for name in ("b.txt", "c.txt")]
    reviewing.approve(kyo, admin, first)

    def follow() -> list[tuple[bool, int | None, bool]]:
        found = library.list_versions(kyo, employee, [first])
        return [(one.answers, one.replaced_by, one.was_read_again) for one in found]

    run_pipeline()
    assert follow() == [(True, None, False)]
    reprocessing.reprocess(kyo, admin, document_id=document.id)
    assert follow() == [(True, None, False)], "until that is ready"
    run_pipeline()
    assert follow() == [(False, 2, True)]
    third = library.upload(kyo, employee, "a.txt", b"two").document.latest.id
    assert follow() == [(False, 2, False)], "that one answers until the third is approved"
    run_pipeline()
    reviewing.approve(kyo, admin, third)
    assert follow() == [(False, 3, False)]
    reviewing.roll_back(kyo, admin, first)
    assert follow() == [(True, None, False)]
    found = library.list_versions(kyo, employee, [first, third, *others])
    assert {one.version.id for one in found} == {first, third, *others}
    assert {one.document.latest.id for one in found} == {third, *others}


def test_what_has_become_of_an_upload_that_was_deleted(
    kyo: Kyo, employee: Actor, admin: Actor, run_pipeline: Callable[[], None]
) -> None:
    document = library.upload(kyo, employee, "a.txt", b"one").document
    run_pipeline()
    curating.delete(kyo, admin, document.id)
    version = document.latest.id
    assert library.list_versions(kyo, employee, [version]) == ()
    [gone] = library.list_versions(kyo, admin, [version])
    assert (gone.document.state, gone.document.deleted_by_name) == (DocumentState.DELETED, admin.name)
    with pytest.raises(NotFound):
        library.retry(kyo, admin, version)


def test_others_do_not_see_what_was_never_approved(
    kyo: Kyo, employee: Actor, person: Callable[[Role], Actor], run_pipeline: Callable[[], None]
) -> None:
    document = library.upload(kyo, employee, "a.txt", b"secret text").document
    run_pipeline()
    other, version = person(Role.EMPLOYEE), document.latest.id
    for read in (
        lambda: library.read_document(kyo, other, document.id),
        lambda: library.read_passage(kyo, other, version, 0, 6),
        lambda: library.retry(kyo, other, version),
    ):
        with pytest.raises(NotFound):
            read()
    assert library.preview(kyo, other, version) == ""
    assert library.list_versions(kyo, other, [version]) == ()
    assert library.preview(kyo, employee, version) == "secret text"
    newer = library.upload(kyo, employee, "a.txt", b"public text").document.latest.id
    run_pipeline()
    reviewing.approve(kyo, OPERATOR, newer)
    assert [one.version.id for one in library.list_versions(kyo, other, [version, newer])] == [newer]


TEXT = "Before 🙂.\nThe quoted part.\nAfter."
START, END = TEXT.index("The"), TEXT.index("\nAfter")


@pytest.mark.parametrize(
    ("start", "end", "context", "expected"),
    [
        (START, END, 700, (TEXT[:START], "The quoted part.", "\nAfter.")),
        (START, END, 3, ("🙂.\n"[-3:], "The quoted part.", "\nAf")),
        (START, END, 0, ("", "The quoted part.", "")),
        (0, 6, 2, ("", "Before", " 🙂")),
        (START, 10_000, 0, ("", TEXT[START:], "")),
        (9000, 9001, 5, ("", "", "")),
    ],
)
def test_a_passage_is_cut_by_characters_out_of_the_text(
    kyo: Kyo,
    employee: Actor,
    publish: Callable[[str, str], None],
    start: int,
    end: int,
    context: int,
    expected: tuple[str, str, str],
) -> None:
    publish("a.txt", TEXT)
    [document] = library.list_documents(kyo, employee).documents
    found = library.read_passage(kyo, employee, document.latest.id, start, end, context)
    assert (found.before, found.quote, found.after) == expected
    assert found.is_current


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 2**31), (2**40, 2**40 + 1)])
def test_a_passage_that_cannot_be_is_refused(kyo: Kyo, employee: Actor, start: int, end: int) -> None:
    with pytest.raises(Invalid):
        library.read_passage(kyo, employee, NOBODY, start, end)


def test_what_was_cited_stays_readable_for_whoever_asked_and_says_that_it_is_old(
    kyo: Kyo, person: Callable[[Role], Actor], publish: Callable[[str, str], None]
) -> None:
    publish("a.txt", "Leave is granted for thirty days in a year. The canteen closes at two.")
    asker = person(Role.EMPLOYEE)
    [citation] = asking.ask(kyo, asker, "For how many days is leave granted?").citations
    publish("a.txt", "Leave is granted for twenty days in a year.")
    found = library.read_passage(kyo, asker, citation.version_id, citation.start, citation.end)
    assert (found.quote, found.version_number, found.is_current) == (citation.quote, 1, False)
    with pytest.raises(NotFound):
        library.read_passage(kyo, person(Role.EMPLOYEE), citation.version_id, citation.start, citation.end)


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        ("Leave is granted for twenty days in a year.", False),
        ("First of all. Leave is granted\n  for thirty\tdays in a year.", True),  # however it is broken into lines
    ],
)
def test_a_quote_is_looked_for_in_the_current_version(
    kyo: Kyo, employee: Actor, publish: Publish, newer: str, expected: bool
) -> None:
    text = "Leave is granted for thirty days in a year."
    publish("a.txt", text)
    old = library.list_documents(kyo, employee).documents[0].latest.id
    assert library.read_passage(kyo, employee, old, 0, len(text)).is_in_current is True
    publish("a.txt", newer)
    found = library.read_passage(kyo, employee, old, 0, len(text))
    assert (found.is_current, found.current_number, found.is_in_current) == (False, 2, expected)
    assert library.read_passage(kyo, employee, old, 900, 901).is_in_current is None  # nothing was quoted


def test_a_quote_out_of_the_same_file_is_current_whichever_reading_answers(
    kyo: Kyo, employee: Actor, admin: Actor, publish: Publish, run_pipeline: Callable[[], None]
) -> None:
    publish("a.txt", "Leave is granted.")
    old = library.list_documents(kyo, employee).documents[0].latest.id
    assert reprocessing.reprocess(kyo, admin, everything=True).again == 1
    run_pipeline()
    found = library.read_passage(kyo, employee, old, 0, 5)
    assert (found.is_current, found.version_number, found.current_number, found.is_in_current) == (False, 1, 1, True)


def test_of_what_is_archived_nobody_can_say_whether_it_still_holds(
    kyo: Kyo, employee: Actor, manager: Actor, publish: Publish
) -> None:
    publish("a.txt", "Leave is granted.")
    [document] = library.list_documents(kyo, employee).documents
    curating.archive(kyo, manager, document.id)
    found = library.read_passage(kyo, employee, document.latest.id, 0, 5)
    assert (found.current_number, found.is_in_current) == (None, None)


def test_a_quote_opens_no_more_of_an_old_version_than_itself(
    kyo: Kyo, person: Callable[[Role], Actor], publish: Publish
) -> None:
    publish("a.txt", "Leave is granted for thirty days in a year. The canteen closes at two.")
    asker = person(Role.EMPLOYEE)
    [citation] = asking.ask(kyo, asker, "For how many days is leave granted?").citations
    publish("a.txt", "Leave is granted for twenty days in a year.")
    for end in (citation.end + 1, 10**6):
        with pytest.raises(NotFound):
            library.read_passage(kyo, asker, citation.version_id, citation.start, end)
    assert library.preview(kyo, asker, citation.version_id) == ""


def test_around_a_quote_stands_no_more_than_a_few_pages(kyo: Kyo, employee: Actor, publish: Publish) -> None:
    publish("a.txt", "word " * 5000)
    version = library.list_documents(kyo, employee).documents[0].latest.id
    assert len(library.read_passage(kyo, employee, version, 0, 4, 10**6).after) == 5000


def test_what_was_rejected_may_be_sent_once_more(kyo: Kyo, employee: Actor, manager: Actor) -> None:
    first = library.upload(kyo, employee, "plan.txt", b"text").document
    reviewing.reject(kyo, manager, first.latest.id, "Not yet.")
    again = library.upload(kyo, employee, "plan.txt", b"text")
    assert (again.created, again.document.latest.number, again.document.latest.review) == (True, 2, Review.PENDING)


def test_a_filter_finds_what_waits_beside_what_is_approved(
    kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("plan.txt", "one")
    library.upload(kyo, employee, "plan.txt", b"two")
    [waiting] = library.list_documents(kyo, employee, review=Review.PENDING).documents
    assert (waiting.current_number, waiting.latest.number, waiting.searchable) == (1, 2, True)


class TestRetry:
    @pytest.fixture
    def failed(self, kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]) -> UUID:
        version = library.upload(kyo, employee, "bad.txt", b"broken").document.latest.id
        run_pipeline()
        return version

    @pytest.mark.parametrize("who", ["employee", "manager", "admin"])
    def test_own_files_or_as_one_who_may_approve(
        self, kyo: Kyo, failed: UUID, request: pytest.FixtureRequest, who: str, audited: Callable[[], list[str]]
    ) -> None:
        actor = request.getfixturevalue(who)
        library.retry(kyo, actor, failed)
        [found] = library.list_versions(kyo, actor, [failed])
        assert (found.version.status, found.version.error) == (VersionStatus.UPLOADED, None)
        assert audited()[-1] == "document:retry"

    def test_goes_all_the_way(
        self, kyo: Kyo, employee: Actor, failed: UUID, run_pipeline: Callable[[], None], sql: Callable[..., list[Any]]
    ) -> None:
        sha256 = kyo.files.put(b"mended")
        sql("update document_versions set sha256 = :sha256", sha256=sha256)
        library.retry(kyo, employee, failed)
        run_pipeline()
        [found] = library.list_versions(kyo, employee, [failed])
        assert found.version.status is VersionStatus.READY

    def test_not_of_what_has_not_failed(self, kyo: Kyo, employee: Actor) -> None:
        version = library.upload(kyo, employee, "a.txt", b"text").document.latest.id
        with pytest.raises(Conflict, match="has not failed"):
            library.retry(kyo, employee, version)

    @pytest.mark.parametrize(("access", "allowed"), [("read", False), ("approve", True)])
    def test_not_by_a_manager_who_may_not_approve_there(
        self,
        kyo: Kyo,
        manager: Actor,
        collection: Callable[..., str],
        run_pipeline: Callable[[], None],
        access: str,
        allowed: bool,
    ) -> None:
        name = collection("Board", None, {manager: access})
        first = library.upload(kyo, OPERATOR, "a.txt", b"text", name).document.latest.id
        run_pipeline()
        reviewing.approve(kyo, OPERATOR, first)
        failed = library.upload(kyo, OPERATOR, "a.txt", b"broken", name).document.latest.id
        run_pipeline()
        if allowed:
            library.retry(kyo, manager, failed)
        else:
            with pytest.raises(NotFound):
                library.retry(kyo, manager, failed)


@pytest.mark.parametrize(
    ("wanted", "found"), [({"tag": "leave"}, 1), ({"tag": "other"}, 0), ({"tag": "\x00"}, 0), ({"stale": True}, 1)]
)
def test_documents_are_found_by_tag_and_by_an_overdue_review(
    kyo: Kyo, employee: Actor, publish: Publish, sql: Sql, wanted: dict[str, Any], found: int
) -> None:
    publish("a.txt", "one")
    publish("b.txt", "two")
    sql("update documents set tags = '{leave}', stale_since = now() where title = 'a'")
    assert library.list_documents(kyo, employee, **wanted).total == found


def test_documents_are_found_by_owner(kyo: Kyo, employee: Actor, manager: Actor, publish: Publish) -> None:
    publish("a.txt", "one")
    assert library.list_documents(kyo, manager, owner_id=employee.id).total == 1
    assert library.list_documents(kyo, manager, owner_id=manager.id).total == 0
