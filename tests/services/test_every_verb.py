"""What holds for every verb: the permission is asked for first, and no deed stands without its audit row."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from kyo_pipeline.domain.actor import PERMISSIONS, Actor, Permission, Role
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts, asking, health, history, library, reviewing

NOBODY = UUID(int=0)
Verb = Callable[[Kyo, Actor], object]

VERBS: dict[str, tuple[Permission, Verb]] = {
    "accounts.add_user": (Permission.USER_ADD, lambda k, a: accounts.add_user(k, a, "new", "New", Role.EMPLOYEE)),
    "accounts.list_users": (Permission.USER_LIST, accounts.list_users),
    "accounts.reset_password": (Permission.USER_ADD, lambda k, a: accounts.reset_password(k, a, a.username)),
    "asking.ask": (Permission.ANSWER_ASK, lambda k, a: asking.ask(k, a, "Why?")),
    "asking.search": (Permission.ANSWER_ASK, lambda k, a: asking.search(k, a, "Why?")),
    "health.read_overview": (Permission.STATUS_READ, health.read_overview),
    "history.list_answers": (Permission.ANSWER_READ_OWN, lambda k, a: history.list_answers(k, a)),
    "history.rate": (Permission.ANSWER_RATE, lambda k, a: history.rate(k, a, NOBODY, 1)),
    "history.read_answer": (Permission.ANSWER_READ_OWN, lambda k, a: history.read_answer(k, a, NOBODY)),
    "library.list_collections": (Permission.DOCUMENT_READ, lambda k, a: library.list_collections(k, a, "read")),
    "library.list_documents": (Permission.DOCUMENT_READ, lambda k, a: library.list_documents(k, a)),
    "library.list_versions": (Permission.DOCUMENT_READ, lambda k, a: library.list_versions(k, a, [])),
    "library.preview": (Permission.DOCUMENT_READ, lambda k, a: library.preview(k, a, NOBODY)),
    "library.read_document": (Permission.DOCUMENT_READ, lambda k, a: library.read_document(k, a, NOBODY)),
    "library.read_passage": (Permission.DOCUMENT_READ, lambda k, a: library.read_passage(k, a, NOBODY, 0, 1)),
    "library.retry": (Permission.DOCUMENT_RETRY, lambda k, a: library.retry(k, a, NOBODY)),
    "library.upload": (Permission.DOCUMENT_UPLOAD, lambda k, a: library.upload(k, a, "a.txt", b"text")),
    "reviewing.approve": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.approve(k, a, NOBODY)),
    "reviewing.archive": (Permission.DOCUMENT_ARCHIVE, lambda k, a: reviewing.archive(k, a, NOBODY)),
    "reviewing.reject": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.reject(k, a, NOBODY, "No.")),
    "reviewing.waiting": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.waiting(k, a)),
}

DENIED = [
    pytest.param(role, verb, id=f"{role.value} {name}")
    for name, (permission, verb) in VERBS.items()
    for role in Role
    if permission not in PERMISSIONS[role]
]


@pytest.mark.parametrize(("role", "verb"), DENIED)
def test_who_lacks_the_permission_is_refused_and_nothing_is_written(
    kyo: Kyo, person: Callable[[Role], Actor], audited: Callable[[], list[str]], role: Role, verb: Verb
) -> None:
    with pytest.raises(NotAllowed, match=f"Your role \\({role.value}\\)"):
        verb(kyo, person(role))
    assert audited() == []


@pytest.mark.parametrize("name", VERBS)
def test_a_one_time_password_allows_nothing_but_changing_it(kyo: Kyo, admin: Actor, name: str) -> None:
    _, verb = VERBS[name]
    with pytest.raises(NotAllowed, match="Choose a password of your own first"):
        verb(kyo, replace(admin, must_change_password=True))


# The deed and its audit row ---------------------------------------------------------------------------------------


@pytest.fixture
def deeds(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, publish: Callable[[str, str], None]
) -> dict[str, Callable[[], object]]:
    """Every verb that changes something, ready to be done."""
    publish("leave.txt", "Everybody has thirty days of leave.")
    [published] = library.list_documents(kyo, employee).documents
    answer = asking.ask(kyo, employee, "How many days of leave?")
    waiting = library.upload(kyo, employee, "new.txt", b"New text.").document
    accounts.add_user(kyo, admin, "anna", "Anna", Role.EMPLOYEE, "a long password")
    anna = accounts.actor_named(kyo, "anna")
    ticket = accounts.sign_in(kyo, "anna", "a long password", "browser")
    token, _ = accounts.redeem_ticket(kyo, accounts.sign_in(kyo, "anna", "a long password", "browser"), "browser")
    return {
        "answer:ask": lambda: asking.ask(kyo, employee, "Another?"),
        "answer:rate": lambda: history.rate(kyo, employee, answer.id, 1),
        "document:approve": lambda: reviewing.approve(kyo, manager, waiting.latest.id),
        "document:archive": lambda: reviewing.archive(kyo, manager, published.id),
        "document:reject": lambda: reviewing.reject(kyo, manager, waiting.latest.id, "No."),
        "document:upload": lambda: library.upload(kyo, employee, "other.txt", b"Other text."),
        "session:end": lambda: accounts.sign_out(kyo, token),
        "session:start": lambda: accounts.redeem_ticket(kyo, ticket, "browser"),
        "user:add": lambda: accounts.add_user(kyo, admin, "bert", "Bert", Role.MANAGER),
        "user:change_password": lambda: accounts.change_password(kyo, anna, "a long password", "another password"),
        "user:reset_password": lambda: accounts.reset_password(kyo, admin, "anna"),
    }


TABLES = ["users", "sessions", "sign_in_tickets", "documents", "document_versions", "answers", "citations", "feedback"]


@pytest.fixture
def everything(sql: Callable[..., list[Any]]) -> Callable[[], list[Any]]:
    """A fingerprint of each table."""
    return lambda: [
        sql(f"select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {table} t")  # noqa: S608 — constants
        for table in TABLES
    ]


EVENTS = [
    "answer:ask",
    "answer:rate",
    "document:approve",
    "document:archive",
    "document:reject",
    "document:upload",
    "session:end",
    "session:start",
    "user:add",
    "user:change_password",
    "user:reset_password",
]


@pytest.mark.parametrize("event", EVENTS)
def test_a_deed_is_audited_and_undone_when_it_cannot_be(
    deeds: dict[str, Callable[[], object]],
    sql: Callable[..., list[Any]],
    everything: Callable[[], list[Any]],
    audited: Callable[[], list[str]],
    event: str,
) -> None:
    sql(
        "create function refuse_row() returns trigger language plpgsql as "
        "$$ begin raise exception 'no row today'; end $$"
    )
    sql("create trigger no_row before insert on audit_log for each row execute function refuse_row()")
    before = everything()
    with pytest.raises(DBAPIError, match="no row today"):
        deeds[event]()
    assert everything() == before

    sql("drop trigger no_row on audit_log")
    known = len(audited())
    deeds[event]()
    assert event in audited()[known:]
    assert everything() != before
