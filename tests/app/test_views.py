"""What each role finds, and what the views do, on a real database."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_app import auth, main
from kyo_app.markup import inert
from kyo_pipeline.db import users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, WITHHELD_TEXT
from kyo_pipeline.domain.documents import DocumentState, VersionStatus
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history, library, people, reviewing, signing_in
from tests.app.pages import HOSTILE, Visit, click, field, fill, titles, words
from tests.conftest import Clock

PASSWORD = "plum tree river"
LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."


# Roles × views ------------------------------------------------------------------------------------------------------

TITLES = {
    "": "Ask your organisation",
    "history": "History",
    "documents": "Documents",
    "approvals": "Approvals",
    "feedback": "Feedback",
    "gaps": "Knowledge gaps",
    "verified": "Verified answers",
    "collections": "Collections",
    "people": "People",
    "analytics": "Analytics",
    "embeddings": "Embeddings",
    "quality": "Quality",
    "audit": "Audit log",
    "profile": "Profile",
    "source": "Source",
    "answer": "Shared answer",
}
_FOR_ALL = {"", "history", "documents", "feedback", "analytics", "profile", "source", "answer"}
_FOR_MANAGERS = {"approvals", "gaps", "quality", "verified"}
FOR_ROLE = {Role.EMPLOYEE: _FOR_ALL, Role.MANAGER: _FOR_ALL | _FOR_MANAGERS, Role.ADMIN: set(TITLES)}


def test_the_matrix_knows_every_view() -> None:
    assert {view.url_path for view in main.VIEWS} == set(TITLES)


def test_a_page_of_another_role_goes_on_record(visit: Visit, employee: Actor, audited: Callable[[], list[str]]) -> None:
    visit("people", employee)
    assert audited() == ["access:refuse"]


@pytest.mark.parametrize("path", TITLES)
@pytest.mark.parametrize("role", Role)
def test_a_role_finds_its_views_and_no_others(
    visit: Visit, person: Callable[[Role], Actor], role: Role, path: str
) -> None:
    page = visit(path, person(role))
    assert not page.exception
    expected = TITLES[path] if path in FOR_ROLE[role] else "Not for your role"
    assert titles(page) == [expected]


@pytest.mark.parametrize("path", TITLES)
@pytest.mark.parametrize("token", [None, "forged"])
def test_without_a_session_there_is_a_form_and_nothing_else(visit: Visit, path: str, token: str | None) -> None:
    page = visit(path, token=token)
    assert not page.exception
    assert [field.label for field in page.text_input] == ["User name", "Password"]
    assert not page.sidebar.button


def test_the_sidebar_says_who_is_signed_in(visit: Visit, kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        mallory = users.add(tx, "mallory", "<b>M</b> [x](http://e.x)", Role.MANAGER, kyo.now(), password_hash="no")
    said = visit("", mallory).sidebar.markdown[0].value
    assert said == f"**{inert('<b>M</b> [x](http://e.x)')}**  \n:small[Manager]"


def test_the_sidebar_does_not_say_the_same_twice(visit: Visit, kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        first = users.add(tx, "first", "Administrator", Role.ADMIN, kyo.now(), password_hash="no")
    assert visit("", first).sidebar.markdown[0].value == "**Administrator**"


# Signing in and out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("", "", "Enter your user name"),
        ("erin", "", "Enter your user name"),
        ("erin", "wrong", "is wrong"),
        ("nobody", PASSWORD, "is wrong"),
        ("x'; drop table users; --", "' or 1=1", "is wrong"),
        ("<img src=x>\x00😀" * 500, "\x00" * 5000, "is wrong"),
    ],
)
def test_a_wrong_sign_in_says_so_and_opens_nothing(visit: Visit, kyo: Kyo, name: str, password: str, says: str) -> None:
    people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, password=PASSWORD)
    page = visit()
    page.text_input[0].set_value(name)
    page.text_input[1].set_value(password)
    click(page, "Sign in")
    assert not page.exception
    assert says in words(page)


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("label", ["User name", "Password"])
def test_nothing_that_is_typed_breaks_the_sign_in(visit: Visit, kyo: Kyo, label: str, kind: str) -> None:
    people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, password=PASSWORD)
    page = visit()
    fill(page, User_name="erin", Password=PASSWORD)
    field(page, label).set_value(HOSTILE[kind])
    click(page, "Sign in")
    assert not page.exception
    assert len(page.error) == 1


def test_after_too_many_tries_it_says_when_it_works_again(visit: Visit, kyo: Kyo) -> None:
    people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, password=PASSWORD)
    page = visit()
    for _ in range(6):
        fill(page, User_name="erin", Password="wrong")
        click(page, "Sign in")
    fill(page, User_name="erin", Password=PASSWORD)
    said = words(click(page, "Sign in"))
    assert "Too many tries have failed" in said
    assert "It works again from" in said


def test_a_right_sign_in_sends_the_browser_for_its_cookie(
    visit: Visit, kyo: Kyo, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(auth, "_redirect", sent.append)  # AppTest has no browser that could be sent
    people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, password=" spaces at both ends ")
    page = visit("documents", x="1")
    page.text_input[0].set_value("Erin")
    page.text_input[1].set_value(" spaces at both ends ")
    click(page, "Sign in")
    assert not page.error
    assert len(sent) == 1
    assert sent[0].startswith("/auth/redeem?ticket=")


def test_sign_out_ends_the_session_at_once(
    visit: Visit, kyo: Kyo, employee: Actor, session_of: Callable[[Actor], str]
) -> None:
    token = session_of(employee)
    click(visit("", token=token), "Sign out")
    assert signing_in.actor_of_session(kyo, token) is None


def test_a_page_that_is_open_falls_back_to_the_form_when_the_session_ends(
    visit: Visit,
    kyo: Kyo,
    manager: Actor,
    employee: Actor,
    session_of: Callable[[Actor], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(auth, "_redirect", sent.append)  # AppTest has no browser that could be sent
    uploaded = library.upload(kyo, employee, "a.txt", LEAVE.encode())
    token = session_of(manager)
    page = visit("approvals", token=token)
    signing_in.sign_out(kyo, token)
    click(page, "Approve")
    assert sent == ["/?why=ended"], "the browser loads the page anew, once"
    assert [field.label for field in page.text_input] == ["User name", "Password"]
    assert library.read_document(kyo, OPERATOR, uploaded.document.id).state is DocumentState.IN_REVIEW


def test_a_one_time_password_must_be_replaced_first(visit: Visit, kyo: Kyo, session_of: Callable[[Actor], str]) -> None:
    new = people.add_person(kyo, OPERATOR, "erin", "Erin", Role.ADMIN)
    token = session_of(new.person)
    for path in TITLES:
        assert titles(visit(path, token=token)) == ["Choose a password"]
    page = visit(token=token)
    for typed, text in zip(page.text_input, [new.one_time_password, PASSWORD, "another one 12"], strict=True):
        typed.set_value(text)
    assert "not the same" in words(click(page, "Save password"))
    page.text_input[2].set_value(PASSWORD)
    assert "saved" in words(click(page, "Save password"))
    assert signing_in.actor_of_session(kyo, token) is None
    assert signing_in.sign_in(kyo, "erin", PASSWORD, "b")


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("label", ["One-time password", "New password", "New password again"])
def test_nothing_that_is_typed_breaks_the_choice_of_a_password(
    visit: Visit, kyo: Kyo, session_of: Callable[[Actor], str], label: str, kind: str
) -> None:
    new = people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE)
    page = visit(token=session_of(new.person))
    field(page, "One-time password").set_value(new.one_time_password)
    fill(page, New_password=PASSWORD, New_password_again=PASSWORD)
    field(page, label).set_value(HOSTILE[kind])
    click(page, "Save password")
    assert not page.exception
    assert len(page.error) == 1
    assert signing_in.sign_in(kyo, "erin", new.one_time_password or "", "browser")


# Ask ------------------------------------------------------------------------------------------------------------------


def test_an_empty_library_says_what_to_do(visit: Visit, employee: Actor) -> None:
    assert "No document is approved yet" in words(visit("", employee))


def test_an_answer_cites_a_passage_that_opens(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("leave.txt", LEAVE)
    page = visit("", employee)
    page.chat_input[0].set_value("How many days of annual leave do employees of the bakery get?").run()
    assert not page.exception
    assert ":green-badge[1]" in words(page)
    answer = history.list_answers(kyo, employee).answers[0]
    page.session_state[f"source-{answer.id}-1"] = True
    page.run()
    assert ":yellow-background[" in words(page)
    assert ":green-badge[current version]" in words(page)


def test_an_answer_on_the_page_is_withheld_once_its_document_may_no_longer_be_read(
    visit: Visit, employee: Actor, publish: Callable[[str, str], None], sql: Callable[..., list[Any]]
) -> None:
    publish("leave.txt", LEAVE)
    page = visit("", employee)
    page.chat_input[0].set_value("How many days of annual leave?").run()
    assert "thirty days" in words(page)
    sql("update collections set everyone_access = null")
    page.run()
    assert "thirty days" not in words(page)
    assert WITHHELD_TEXT in [info.value for info in page.info]
    assert not page.feedback


def test_what_is_not_there_is_not_made_up(visit: Visit, employee: Actor, publish: Callable[[str, str], None]) -> None:
    publish("leave.txt", LEAVE)
    page = visit("", employee)
    page.chat_input[0].set_value("Who is the emperor of Mars?").run()
    assert "**Not found.**" in words(page)
    assert "source" not in words(page)


class _BrokenModel:
    name = "huggingface"
    model = "broken"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def generate(self, *_: object) -> None:
        raise self._error


def test_a_model_that_does_not_answer_is_said_in_a_sentence(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    object.__setattr__(kyo, "generator", _BrokenModel(Unavailable("The <model> is down.")))
    page = visit("", employee)
    page.chat_input[0].set_value("How many days?").run()
    assert [error.value for error in page.error] == [inert("The <model> is down.")]


def test_feedback_is_kept_with_its_comment(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("leave.txt", LEAVE)
    answer = asking.ask(kyo, employee, "How many days of annual leave?")
    page = visit("history", employee, answer=str(answer.id))
    page.feedback[0].set_value(1).run()
    page.text_area[0].set_value("Which year?")
    click(page, "Save comment")
    stored = history.read_answer(kyo, employee, answer.id)
    assert (stored.rating, stored.comment) == (1, "Which year?")
    page.feedback[0].set_value(None).run()  # clicked again
    assert not page.exception
    assert history.read_answer(kyo, employee, answer.id).rating is None


# History --------------------------------------------------------------------------------------------------------------


def test_history_lists_searches_and_opens_own_questions(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor
) -> None:
    asking.ask(kyo, employee, "What about <b>cats</b>?")
    asking.ask(kyo, employee, "What about dogs?")
    asking.ask(kyo, manager, "What about secrets?")
    page = visit("history", employee)
    assert "2 questions" in words(page)
    assert inert("What about <b>cats</b>?") in words(page)
    assert "secrets" not in words(page)
    page.text_input[0].set_value("dogs").run()
    assert "cats" not in words(page)
    assert "What about dogs" in words(click(page, "Open"))
    assert "**Not found.**" in words(page)
    assert NOT_FOUND_TEXT.split()[0] not in titles(page)
    assert "History" in words(click(page, "All questions"))


@pytest.mark.parametrize("address", ["not-a-uuid", "00000000-0000-0000-0000-000000000009"])
def test_an_unknown_answer_is_said_in_a_sentence(visit: Visit, employee: Actor, address: str) -> None:
    page = visit("history", employee, answer=address)
    assert "There is no such answer" in words(page)


def test_the_answers_of_others_stay_closed(visit: Visit, kyo: Kyo, employee: Actor, manager: Actor) -> None:
    secret = asking.ask(kyo, manager, "What about secrets?")
    page = visit("history", employee, answer=str(secret.id))
    assert "There is no such answer" in words(page)
    assert "secrets" not in words(page)


def test_history_has_pages(visit: Visit, kyo: Kyo, clock: Clock, employee: Actor) -> None:
    for number in range(11):
        clock.advance(minutes=1)
        asking.ask(kyo, employee, f"Question number {number}?")
    page = visit("history", employee)
    assert "number 10" in words(page)
    assert "number 0" not in words(page)
    page.pagination[0].set_value(2).run()
    assert "number 0" in words(page)
    assert "number 10" not in words(page)


# Documents ----------------------------------------------------------------------------------------------------------


def test_uploads_are_followed_until_they_are_ready(
    visit: Visit, kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    page = visit("documents", employee)
    page.file_uploader[0].set_value(
        [
            ("good.txt", LEAVE.encode(), "text/plain"),
            ("damaged.txt", b"broken", "text/plain"),
            ("no.pdf", b"MZ\x90", "application/pdf"),
            ("../../<b>evil</b>.txt", b"Cafeteria.", "text/plain"),
        ]
    )
    click(page, "Send for approval")
    assert not page.exception
    assert "no\\.pdf" in words(page)
    assert {d.latest.file_name for d in library.list_documents(kyo, employee).documents} >= {"good.txt", "damaged.txt"}
    assert page.session_state["live-uploads"]
    run_pipeline()
    page.run()
    assert "1 passage · waiting for approval" in words(page)
    assert "This file is damaged" in words(page)
    assert not page.session_state["live-uploads"]
    assert "<b>" not in words(page)


def test_a_failed_file_can_be_tried_again(
    visit: Visit, kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    document = library.upload(kyo, employee, "damaged.txt", b"broken").document
    run_pipeline()
    page = visit("documents", employee)
    page.session_state[f"document-{document.id}"] = True
    page.run()
    assert "This file is damaged" in words(page)
    click(page, "Try again")
    assert library.read_document(kyo, employee, document.id).latest.status is VersionStatus.UPLOADED


def test_documents_are_searched_and_filtered(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("leave.txt", LEAVE)
    library.upload(kyo, employee, "cats.txt", b"Cats.")
    page = visit("documents", employee)
    assert "2 documents" in words(page)
    page.selectbox[0].set_value("Approved").run()
    assert "1 document" in words(page)
    page.text_input[0].set_value("cats").run()
    assert "No document matches" in words(page)
    page.text_input[0].set_value("%_'\"\x00<b>😀").run()
    assert not page.exception
    assert "No document matches" in words(page)


# Approvals ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]) -> UUID:
    document = library.upload(kyo, employee, "leave.txt", LEAVE.encode()).document
    run_pipeline()
    return document.id


def test_a_manager_reads_and_approves(visit: Visit, kyo: Kyo, manager: Actor, waiting: UUID) -> None:
    page = visit("approvals", manager)
    page.session_state[f"preview-{library.read_document(kyo, manager, waiting).latest.id}"] = True
    assert LEAVE in words(page.run())
    click(page, "Approve")
    assert "Nothing waits for you" in words(page)
    assert library.read_document(kyo, manager, waiting).searchable


def test_an_approver_can_read_on_to_the_end(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    paragraphs = [f"Rule {number} of the bakery says that bread number {number} is round." for number in range(300)]
    version = library.upload(kyo, employee, "long.txt", "\n\n".join(paragraphs).encode()).document.latest
    run_pipeline()
    page = visit("approvals", manager)
    page.session_state[f"preview-{version.id}"] = True
    page.run()
    assert paragraphs[0] in words(page)
    assert paragraphs[-1] not in words(page)
    assert "End of the text." not in words(page)
    while any(found.label == "Show more" for found in page.button):
        click(page, "Show more")
    assert all(paragraph in words(page) for paragraph in paragraphs)
    assert "End of the text." in words(page)


def test_a_rejection_needs_a_reason(visit: Visit, kyo: Kyo, manager: Actor, waiting: UUID) -> None:
    page = visit("approvals", manager)
    assert "Say why" in words(click(page, "Reject"))
    page.text_area[0].set_value("Out of date.")
    click(page, "Reject")
    assert library.read_document(kyo, manager, waiting).state is DocumentState.REJECTED


def test_nobody_approves_their_own_upload(visit: Visit, kyo: Kyo, manager: Actor, admin: Actor) -> None:
    library.upload(kyo, manager, "own.txt", LEAVE.encode())
    page = visit("approvals", manager)
    assert "You uploaded this yourself" in words(page)
    assert "Approve" not in [found.label for found in page.button]
    assert reviewing.waiting(kyo, admin).total == 1


def test_somebody_else_was_faster(visit: Visit, kyo: Kyo, manager: Actor, admin: Actor, waiting: UUID) -> None:
    page = visit("approvals", manager)
    reviewing.approve(kyo, admin, library.read_document(kyo, admin, waiting).latest.id)
    click(page, "Approve")
    assert not page.exception
    assert "Nothing waits for you" in words(page) or "decided" in words(page)
