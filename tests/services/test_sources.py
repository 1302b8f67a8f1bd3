"""Looking at a document itself: page by page, as a picture, as a file, and beside another version."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Citation
from kyo_pipeline.domain.diffs import Change
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.sources import PageImage
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, reprocessing, reviewing, sources
from tests.fakes import PlainTextParser

Sql = Callable[..., list[Any]]
NOBODY = UUID(int=0)
PAGES = ["Leave is granted for thirty days in a year. ", "", "The canteen closes at two. ", "Parking is free."]
STARTS = [0, 44, 44, 71]


class DrawingParser(PlainTextParser):
    """Draws a page by saying what it was asked for."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.asked: list[tuple[Path, int, str]] = []

    def render_page(self, path: Path, page: int, quote: str, width: int = 1000) -> PageImage | str:
        self.asked.append((path, page, quote))
        return self.refusal or PageImage(b"\x89PNG", width, 10, 1)


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    publish("a.txt", "".join(PAGES))
    return library.list_documents(kyo, employee).documents[0]


@pytest.fixture
def paged(document: Document, sql: Sql) -> UUID:
    """The document as if it had been a PDF of four pages, the second empty, the third read from a picture."""
    version = document.latest.id
    sql("update document_versions set media_type = 'application/pdf', pages = 4 where id = :id", id=version)
    sql(
        """
        update version_texts
        set page_starts = :starts, ocr_pages = '{3}', headings = '[[0, 1, "Leave"], [44, 1, "The canteen"]]'
        where version_id = :id
        """,
        id=version,
        starts=STARTS,
    )
    return version


@pytest.fixture
def asker(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


@pytest.fixture
def cited(kyo: Kyo, asker: Actor, paged: UUID, publish: Callable[[str, str], None]) -> Citation:
    """What an answer has quoted from the first page of a version that another one has replaced since."""
    [citation] = asking.ask(kyo, asker, "Leave is granted for how many days in a year?").citations
    assert citation.version_id == paged
    publish("a.txt", "Leave is granted for twenty days in a year.")
    return citation


class TestReading:
    @pytest.mark.parametrize("page", [1, 2, 3, 4])
    def test_a_page_is_all_that_stands_on_it(self, kyo: Kyo, employee: Actor, paged: UUID, page: int) -> None:
        found = sources.read_source(kyo, employee, paged, page=page)
        assert (found.page, found.pages, found.text) == (page, 4, PAGES[page - 1])
        assert (found.start, found.characters) == (STARTS[page - 1], 87)
        assert found.from_ocr == (page == 3)
        assert [heading.text for heading in found.headings] == {1: ["Leave"], 3: ["The canteen"]}.get(page, [])
        assert (found.is_current, found.current_number, found.version_number) == (True, 1, 1)

    def test_another_reading_of_the_same_file_is_no_newer_version(
        self, kyo: Kyo, employee: Actor, admin: Actor, paged: UUID, run_pipeline: Callable[[], None]
    ) -> None:
        assert reprocessing.reprocess(kyo, admin, everything=True).again == 1
        run_pipeline()
        found = sources.read_source(kyo, employee, paged)
        assert (found.is_current, found.version_number, found.current_number) == (False, 1, 1)

    @pytest.mark.parametrize(("offset", "page"), [(None, 1), (0, 1), (43, 1), (44, 3), (70, 3), (71, 4), (10**9, 4)])
    def test_a_character_is_shown_with_its_page(
        self, kyo: Kyo, employee: Actor, paged: UUID, offset: int | None, page: int
    ) -> None:
        assert sources.read_source(kyo, employee, paged, offset=offset).page == page

    @pytest.mark.parametrize("page", [0, -1, 5, 10**12])
    def test_a_page_that_is_not_there(self, kyo: Kyo, employee: Actor, paged: UUID, page: int) -> None:
        with pytest.raises(NotFound, match=f"There is no page {page}: this document has 4"):
            sources.read_source(kyo, employee, paged, page=page)

    def test_a_text_without_pages_is_shown_in_stretches(
        self, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]
    ) -> None:
        paragraphs = [f"Paragraph {number}. " + "word " * 100 for number in range(60)]
        text = "\n\n".join(paragraphs)
        publish("long.txt", text)
        version = library.list_documents(kyo, employee).documents[0].latest.id
        start, pieces = 0, []
        while start < len(text):
            found = sources.read_source(kyo, employee, version, offset=start, page=7)
            assert (found.start, found.page, found.pages) == (start, None, None)
            assert found.text.startswith("Paragraph ")
            assert 7000 < len(found.text) <= 8000 or start + len(found.text) == len(text)
            # Wherever one comes from, it is the same stretch.
            assert sources.read_source(kyo, employee, version, offset=start + len(found.text) - 1) == found
            pieces.append(found.text)
            start += len(found.text)
        assert "".join(pieces) == text

    def test_what_has_no_text_yet_says_so(self, kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]) -> None:
        version = library.upload(kyo, employee, "bad.txt", b"broken").document.latest.id
        with pytest.raises(Conflict, match="has not been read yet"):
            sources.read_source(kyo, employee, version)
        run_pipeline()
        with pytest.raises(Conflict, match=r"could not be read.*This file is damaged"):
            sources.read_source(kyo, employee, version)


class TestWhoSeesWhat:
    def test_of_an_old_version_an_asker_sees_the_page_that_was_cited_and_no_other(
        self, kyo: Kyo, asker: Actor, cited: Citation
    ) -> None:
        for found in (
            sources.read_source(kyo, asker, cited.version_id, page=1),
            sources.read_source(kyo, asker, cited.version_id, offset=cited.start),
            sources.read_source(kyo, asker, cited.version_id),  # the first that there is for them
        ):
            assert (found.text, found.is_current, found.current_number) == (PAGES[0], False, 2)
            assert not found.may_download
        for page in (2, 3, 4):
            with pytest.raises(NotFound, match="only the pages that an answer of yours has quoted"):
                sources.read_source(kyo, asker, cited.version_id, page=page)

    def test_the_same_holds_for_its_picture(self, kyo: Kyo, asker: Actor, cited: Citation) -> None:
        drawing = replace(kyo, parser=DrawingParser())
        assert sources.page_image(drawing, asker, cited.version_id, 1, cited.start, cited.end).marked == 1
        with pytest.raises(NotFound):
            sources.page_image(drawing, asker, cited.version_id, 3, cited.start, cited.end)

    def test_its_file_and_its_changes_are_not_for_them(self, kyo: Kyo, asker: Actor, cited: Citation) -> None:
        current = library.list_documents(kyo, asker).documents[0].latest.id
        for read in (
            lambda: sources.download(kyo, asker, cited.version_id),
            lambda: sources.compare(kyo, asker, cited.version_id, current),
            lambda: sources.compare(kyo, asker, current, cited.version_id),
        ):
            with pytest.raises(NotFound):
                read()

    @pytest.mark.parametrize("who", ["employee", "manager", "admin"])
    def test_who_uploaded_it_and_who_may_approve_it_see_all_of_it(
        self, kyo: Kyo, cited: Citation, request: pytest.FixtureRequest, who: str
    ) -> None:
        actor = request.getfixturevalue(who)
        assert sources.read_source(kyo, actor, cited.version_id, page=4).text == PAGES[3]
        assert sources.download(kyo, actor, cited.version_id).file_name == "a.txt"

    def test_its_owner_sees_all_of_it_whoever_uploaded_it(
        self, kyo: Kyo, cited: Citation, person: Callable[[Role], Actor], sql: Sql
    ) -> None:
        owner = person(Role.EMPLOYEE)
        current = library.list_documents(kyo, owner).documents[0].latest.id
        with pytest.raises(NotFound):
            sources.compare(kyo, owner, cited.version_id, current)
        sql("update documents set owner_id = :id where id = :document", id=owner.id, document=cited.document_id)
        assert sources.read_source(kyo, owner, cited.version_id, page=4).text == PAGES[3]
        assert sources.download(kyo, owner, cited.version_id).file_name == "a.txt"
        assert sources.compare(kyo, owner, cited.version_id, current).hunks
        waiting = library.upload(kyo, OPERATOR, "b.txt", b"Not decided.", document_id=cited.document_id)
        with pytest.raises(Conflict, match="has not been read yet"):  # and not NotFound
            sources.read_source(kyo, owner, waiting.document.latest.id)
        sql("update documents set restricted = true where id = :document", document=cited.document_id)
        assert sources.read_source(kyo, owner, cited.version_id, page=4).text == PAGES[3]
        sql("update collections set everyone_access = null")
        with pytest.raises(NotFound):
            sources.read_source(kyo, owner, cited.version_id, page=4)

    def test_somebody_else_sees_nothing_of_it(self, kyo: Kyo, cited: Citation, person: Callable[[Role], Actor]) -> None:
        other = person(Role.EMPLOYEE)
        for read in (
            lambda: sources.read_source(kyo, other, cited.version_id, page=1),
            lambda: sources.page_image(kyo, other, cited.version_id, 1, 0, 1),
            lambda: sources.download(kyo, other, cited.version_id),
        ):
            with pytest.raises(NotFound):
                read()

    def test_what_was_cited_is_no_way_around_losing_access(
        self, kyo: Kyo, asker: Actor, cited: Citation, sql: Sql
    ) -> None:
        sql("update collections set everyone_access = null")
        with pytest.raises(NotFound):
            sources.read_source(kyo, asker, cited.version_id, page=1)


class TestPicture:
    @pytest.mark.parametrize(
        ("page", "start", "end", "quote"),
        [
            (1, 0, 5, "Leave"),
            (3, 48, 55, "canteen"),
            (3, 0, 87, PAGES[2]),  # of a passage that goes on to other pages, what is on this one
            (1, 71, 78, ""),
            (1, -10, 2**40, PAGES[0]),
            (1, 5, 0, ""),
        ],
    )
    def test_what_is_highlighted_is_what_of_the_quote_is_on_the_page(
        self, kyo: Kyo, employee: Actor, paged: UUID, page: int, start: int, end: int, quote: str
    ) -> None:
        parser = DrawingParser()
        picture = sources.page_image(replace(kyo, parser=parser), employee, paged, page, start, end)
        assert picture.png == b"\x89PNG"
        [(path, asked_page, asked_quote)] = parser.asked
        assert (path.read_text(), asked_page, asked_quote) == ("".join(PAGES), page, quote)

    def test_only_a_pdf_has_pages_to_show(self, kyo: Kyo, employee: Actor, document: Document) -> None:
        with pytest.raises(Invalid, match="Only the pages of PDF files"):
            sources.page_image(kyo, employee, document.latest.id, 1, 0, 1)

    def test_what_cannot_be_drawn_says_why(self, kyo: Kyo, employee: Actor, paged: UUID) -> None:
        drawing = replace(kyo, parser=DrawingParser("This page takes too long."))
        with pytest.raises(Invalid, match="This page takes too long"):
            sources.page_image(drawing, employee, paged, 1, 0, 1)


class TestDownload:
    def test_the_file_is_as_it_came_and_that_is_on_record(
        self, kyo: Kyo, asker: Actor, document: Document, sql: Sql
    ) -> None:
        file = sources.download(kyo, asker, document.latest.id)
        assert file.path.read_text() == "".join(PAGES)
        assert (file.file_name, file.media_type, file.size_bytes) == ("a.txt", "text/plain", 87)
        [row] = sql("select * from audit_log where event = 'document:download'")
        assert (row.actor_id, row.object_id) == (asker.id, str(document.latest.id))
        assert row.details == {"file_name": "a.txt", "sha256": document.latest.sha256}

    @pytest.mark.parametrize(
        ("who", "allowed"), [("asker", False), ("employee", True), ("manager", True), ("admin", True)]
    )
    def test_a_collection_may_keep_its_files(
        self,
        kyo: Kyo,
        document: Document,
        sql: Sql,
        audited: Callable[[], list[str]],
        request: pytest.FixtureRequest,
        who: str,
        allowed: bool,
    ) -> None:
        sql("update collections set downloadable = false")
        actor = request.getfixturevalue(who)
        assert sources.read_source(kyo, actor, document.latest.id).may_download == allowed
        if allowed:
            sources.download(kyo, actor, document.latest.id)
        else:
            with pytest.raises(NotAllowed, match="can be read here, but not downloaded"):
                sources.download(kyo, actor, document.latest.id)
        assert ("document:download" in audited()) == allowed

    def test_its_owner_may_always(self, kyo: Kyo, document: Document, sql: Sql, asker: Actor) -> None:
        sql("update collections set downloadable = false")
        sql("update documents set owner_id = :id", id=asker.id)
        assert sources.download(kyo, asker, document.latest.id).file_name == "a.txt"

    @pytest.mark.parametrize("downloadable", [True, False])
    def test_somebody_who_was_given_one_document_follows_its_collection(
        self, kyo: Kyo, document: Document, sql: Sql, asker: Actor, downloadable: bool
    ) -> None:
        """They cannot see the collection, and so not what it says."""
        sql("update collections set everyone_access = null, downloadable = :it", it=downloadable)
        sql("insert into document_readers (document_id, user_id) values (:id, :user)", id=document.id, user=asker.id)
        assert sources.read_source(kyo, asker, document.latest.id).may_download == downloadable

    def test_bytes_that_are_gone_are_no_download(
        self, kyo: Kyo, employee: Actor, document: Document, audited: Callable[[], list[str]]
    ) -> None:
        kyo.files.path(document.latest.sha256).unlink()
        with pytest.raises(NotFound, match="not in the file store"):
            sources.download(kyo, employee, document.latest.id)
        assert "document:download" not in audited()

    def test_what_failed_can_be_taken_away_by_whoever_uploaded_it(
        self, kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]
    ) -> None:
        version = library.upload(kyo, employee, "bad.txt", b"broken").document.latest.id
        run_pipeline()
        assert sources.download(kyo, employee, version).path.read_bytes() == b"broken"


class TestComparing:
    def test_two_versions_of_a_document(
        self, kyo: Kyo, employee: Actor, document: Document, run_pipeline: Callable[[], None]
    ) -> None:
        newer = "".join(PAGES).replace("thirty", "twenty").encode()
        second = library.upload(kyo, employee, "a.txt", newer).document.latest.id
        run_pipeline()
        found = sources.compare(kyo, employee, document.latest.id, second)
        changed = [
            (span.change, span.text)
            for hunk in found.hunks
            for line in hunk.lines
            for span in line.spans
            if span.change is not Change.SAME
        ]
        assert changed == [(Change.REMOVED, "thirty"), (Change.ADDED, "twenty")]

    def test_a_version_that_others_wait_to_decide_about_is_not_compared(
        self, kyo: Kyo, employee: Actor, asker: Actor, document: Document, run_pipeline: Callable[[], None]
    ) -> None:
        second = library.upload(kyo, employee, "a.txt", b"Something else.").document.latest.id
        run_pipeline()
        with pytest.raises(NotFound):
            sources.compare(kyo, asker, document.latest.id, second)

    def test_not_before_both_have_a_text(self, kyo: Kyo, employee: Actor, document: Document) -> None:
        second = library.upload(kyo, employee, "a.txt", b"Something else.").document.latest.id
        with pytest.raises(Conflict, match="has not been read yet"):
            sources.compare(kyo, employee, document.latest.id, second)


def test_there_is_nothing_to_see_of_what_is_not_there(kyo: Kyo) -> None:
    for read in (
        lambda: sources.read_source(kyo, OPERATOR, NOBODY),
        lambda: sources.page_image(kyo, OPERATOR, NOBODY, 1, 0, 1),
        lambda: sources.download(kyo, OPERATOR, NOBODY),
        lambda: sources.compare(kyo, OPERATOR, NOBODY, NOBODY),
    ):
        with pytest.raises(NotFound):
            read()


def test_a_draft_is_for_its_uploader_and_those_who_may_approve(
    kyo: Kyo, employee: Actor, manager: Actor, asker: Actor, run_pipeline: Callable[[], None]
) -> None:
    version = library.upload(kyo, employee, "draft.txt", b"Not for everybody.", draft=True).document.latest.id
    run_pipeline()
    for actor in (employee, manager):
        assert sources.read_source(kyo, actor, version).text == "Not for everybody."
    with pytest.raises(NotFound):
        sources.read_source(kyo, asker, version)
    reviewing.waiting(kyo, manager)
