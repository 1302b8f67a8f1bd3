"""What the forms for files say and do: drafts, next versions, twins, locked files."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Review
from kyo_pipeline.domain.likeness import SimilarDocument
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.unlocking import Lock, Unlocked
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, library, likenesses, reprocessing, reviewing
from tests.app.pages import HOSTILE, ODD, Visit, buttons, click, field, words
from tests.fakes import PlainTextParser

LEAVE = b"Employees of the bakery get thirty days of annual leave in each calendar year."
LOCKED = b"%PDF-1.7 /Encrypt nothing can be read here"
PASSWORD = "open sesame"


class LockingParser(PlainTextParser):
    """Opens what is locked with one password."""

    def unlock(self, content: bytes, password: str | None) -> Unlocked:
        if b"/Encrypt" not in content:
            return Unlocked(Lock.NOT_LOCKED, content)
        if password is None:
            return Unlocked(Lock.NEEDS_PASSWORD)
        return Unlocked(Lock.UNLOCKED, b"%PDF-1.7 opened") if password == PASSWORD else Unlocked(Lock.WRONG_PASSWORD)


@pytest.fixture
def locking(kyo: Kyo, pipeline: Kyo) -> None:
    for bundle in (kyo, pipeline):
        object.__setattr__(bundle, "parser", LockingParser())


def send(page: AppTest, *files: tuple[str, bytes], how: str = "Send for approval") -> AppTest:
    page.file_uploader[0].set_value([(name, content, "application/octet-stream") for name, content in files])
    return click(page, how)


def waiting_bytes(page: AppTest) -> list[bytes]:
    """What is held in the session for want of a password."""
    lists = page.session_state["received-files"]
    return [file.locked.content for files in lists.values() for file in files if file.locked]


# What is refused, and what becomes of the rest ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.md", b"# Notes", "is Markdown, which cannot be used here"),
        ("page.html", b"<!doctype html><p>Hello", "is a web page (HTML), which cannot be used here"),
        ("table.csv", b"a,b", "are not accepted, only PDF, DOCX, TXT"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "Open it in Word"),
        ("logo.png", b"\x89PNG\r\n\x1a\n", "is a picture (PNG), which cannot be used here"),
    ],
)
def test_a_type_that_is_not_accepted_is_refused_in_words(
    visit: Visit, kyo: Kyo, employee: Actor, name: str, content: bytes, said: str
) -> None:
    page = visit("documents", employee)
    assert not page.file_uploader[0].proto.type, "else the browser would refuse it without a word"
    send(page, (name, content))
    assert inert(said) in words(page)
    assert not library.list_documents(kyo, employee).documents


def test_the_panel_says_what_has_become_of_an_upload(
    visit: Visit, kyo: Kyo, employee: Actor, admin: Actor, run_pipeline: Callable[[], None]
) -> None:
    page = send(visit("documents", admin), ("leave.txt", LEAVE))
    [document] = library.list_documents(kyo, admin).documents
    run_pipeline()
    reviewing.approve(kyo, admin, document.latest.id)
    assert "1 passage · approved" in words(page.run())
    second = library.upload(kyo, employee, "leave.txt", LEAVE + b" From now on.").document.latest
    assert "Version 1, answers questions" in words(page.run())
    run_pipeline()
    reviewing.approve(kyo, admin, second.id)
    assert "Replaced by version 2" in words(page.run())
    reviewing.roll_back(kyo, admin, document.latest.id)
    assert "Version 1, answers questions" in words(page.run())
    reprocessing.reprocess(kyo, admin, document_id=document.id)
    run_pipeline()
    assert "Read again as version 3" in words(page.run())
    assert ":red[" not in words(page)
    curating.delete(kyo, admin, document.id)
    assert ":small[:gray[Deleted]]" in words(page.run())


def test_the_panel_says_when_another_version_answers(
    visit: Visit, kyo: Kyo, employee: Actor, admin: Actor, run_pipeline: Callable[[], None]
) -> None:
    first = library.upload(kyo, employee, "leave.txt", LEAVE).document.latest
    reviewing.approve(kyo, admin, first.id)
    run_pipeline()
    page = send(visit("documents", employee), ("leave.txt", LEAVE + b" From now on."))
    [document] = library.list_documents(kyo, employee).documents
    run_pipeline()
    reviewing.approve(kyo, admin, document.latest.id)
    reviewing.roll_back(kyo, admin, first.id)
    assert "approved, but version 1 answers questions" in words(page.run())
    curating.delete(kyo, admin, document.id)
    assert "Deleted, or no longer yours to see" in words(page.run())


# Drafts and next versions ---------------------------------------------------------------------------------------------


def test_a_draft_asks_for_no_decision(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Callable[[], None]
) -> None:
    page = send(visit("documents", employee), ("leave.txt", LEAVE), how="Keep as a draft")
    assert not page.exception
    run_pipeline()
    assert "1 passage · draft" in words(page.run())
    assert reviewing.waiting(kyo, manager).total == 0
    [document] = library.list_documents(kyo, employee).documents
    assert document.latest.review is Review.DRAFT


def test_without_a_file_the_form_asks_for_one(visit: Visit, employee: Actor) -> None:
    page = visit("documents", employee)
    for label in ("Send for approval", "Keep as a draft"):
        assert "Choose a file first" in words(click(page, label))
        assert {"Send for approval", "Keep as a draft"} <= set(buttons(page)), "both are still there"


def test_a_file_of_another_name_becomes_the_next_version(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("leave.txt", LEAVE.decode())
    [document] = library.list_documents(kyo, employee).documents
    page = visit("documents", employee, document=str(document.id))
    page.session_state[f"new-version-{document.id}"] = True
    page.run()
    uploader = page.file_uploader[-1]
    uploader.set_value([("leave 2027 final.txt", LEAVE.replace(b"thirty", b"forty"), "text/plain")])
    [found for found in page.button if found.label == "Send for approval"][-1].click().run()
    assert not page.exception
    [same] = library.list_documents(kyo, employee).documents
    assert (same.id, same.latest.number, same.latest.file_name) == (document.id, 2, "leave 2027 final.txt")
    assert same.current_number == 1


def test_who_may_only_read_is_offered_no_new_version(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None], sql: Callable[..., list[Any]]
) -> None:
    publish("leave.txt", LEAVE.decode())
    [document] = library.list_documents(kyo, employee).documents
    panel = "Upload a new version"
    assert panel in [found.label for found in visit("documents", employee, document=str(document.id)).expander]
    sql("update collections set everyone_access = 'read'")
    assert panel not in [found.label for found in visit("documents", employee, document=str(document.id)).expander]


# Twins ----------------------------------------------------------------------------------------------------------------


def test_the_same_file_elsewhere_is_pointed_out(
    visit: Visit, employee: Actor, publish: Callable[[str, str], None], run_pipeline: Callable[[], None]
) -> None:
    publish("leave.txt", LEAVE.decode())
    page = send(visit("documents", employee), ("holidays.txt", LEAVE))
    run_pipeline()
    page.run()
    assert any(label.startswith("The same file is here as **leave**") for label in buttons(page))


def test_much_the_same_text_is_pointed_out_once_it_is_read(
    visit: Visit, employee: Actor, run_pipeline: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[UUID] = []

    def similar(_: Kyo, __: Actor, version_id: UUID) -> tuple[SimilarDocument, ...]:
        asked.append(version_id)
        return (SimilarDocument(UUID(int=7), ODD, "Rules", 3, 0.934),)

    monkeypatch.setattr(likenesses, "similar", similar)
    page = send(visit("documents", employee), ("holidays.txt", LEAVE))
    assert asked == []
    run_pipeline()
    page.run()
    [found] = [label for label in buttons(page) if "The text is" in label]
    assert "about 93 % the same" in found
    assert inert_line(ODD) in found
    page.run()
    assert len(asked) == 1, "it is not asked for again with each look"


def test_pages_without_text_are_pointed_out(
    visit: Visit, pipeline: Kyo, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    class Scan(PlainTextParser):
        def parse_many(self, files: Any) -> Any:
            for index, _ in enumerate(files):
                yield index, ParsedDocument(LEAVE.decode(), (0, 10, 20), empty_pages=(2, 3), ocr_pages=(1,)), 0.001

    object.__setattr__(pipeline, "parser", Scan())
    page = send(visit("documents", employee), ("scan.pdf", b"%PDF-1.7 a scan"))
    run_pipeline()
    page.run()
    assert "2 of 3 pages have no text" in words(page)
    assert "1 page read by OCR" in words(page)


# Locked files ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("locking")
def test_a_locked_file_waits_for_its_password(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    page = send(visit("documents", employee), ("secret.pdf", LOCKED), ("leave.txt", LEAVE))
    assert not page.exception
    assert "This file is protected with a password." in words(page)
    assert [d.latest.file_name for d in library.list_documents(kyo, employee).documents] == ["leave.txt"]
    assert waiting_bytes(page) == [LOCKED]
    assert "Type the password" in words(click(page, "Unlock"))
    field(page, "Password of this file").set_value("wrong")
    assert "That password does not open this file" in words(click(page, "Unlock"))
    field(page, "Password of this file").set_value(PASSWORD)
    click(page, "Unlock")
    assert not page.exception
    assert waiting_bytes(page) == [], "it is not kept once it was used"
    assert PASSWORD not in repr(page.session_state._state.filtered_state), "nor is the password"
    [document] = library.list_documents(kyo, employee, text="secret").documents
    assert kyo.files.path(document.latest.sha256).read_bytes() == b"%PDF-1.7 opened"


@pytest.mark.usefixtures("locking")
@pytest.mark.parametrize("way", ["Hide", "another page", "another upload"])
def test_the_bytes_of_a_locked_file_are_dropped(visit: Visit, employee: Actor, way: str) -> None:
    page = send(visit("documents", employee), ("secret.pdf", LOCKED))
    assert waiting_bytes(page) == [LOCKED]
    if way == "Hide":
        click(page, "Hide")
    elif way == "another upload":
        send(page, ("leave.txt", LEAVE))
    else:
        there = page._page_hash
        page._page_hash = visit("history", employee)._page_hash
        page.run()
        page._page_hash = there
        assert "Upload it once more" in words(page.run())
    assert waiting_bytes(page) == []


@pytest.mark.usefixtures("locking")
@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_that_is_typed_breaks_the_unlocking(visit: Visit, employee: Actor, kyo: Kyo, kind: str) -> None:
    page = send(visit("documents", employee), ("secret.pdf", LOCKED))
    field(page, "Password of this file").set_value(HOSTILE[kind])
    click(page, "Unlock")
    assert not page.exception
    assert len(page.error) + len(page.warning) == 1
    assert not library.list_documents(kyo, employee).documents


@pytest.mark.usefixtures("locking")
def test_a_locked_draft_stays_a_draft(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    page = send(visit("documents", employee), ("secret.pdf", LOCKED), how="Keep as a draft")
    field(page, "Password of this file").set_value(PASSWORD)
    click(page, "Unlock")
    [document] = library.list_documents(kyo, employee).documents
    assert document.latest.review is Review.DRAFT
