"""Who gets what answer at which address: every route of the API has a row here, and a route without one fails.

A row asks for the route as somebody to whom nothing stands in the way but their role and their API key's scope. The
statuses of wrong bearers are the same everywhere; who may read what is somebody else's is asked last.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kyo_app.api.app import PREFIX, create_api, mounted
from kyo_app.identity import SECURE_SESSION_COOKIE, SESSION_COOKIE
from kyo_pipeline.adapters import passwords
from kyo_pipeline.db import users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.errors import NotSignedIn
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, collections, library, people, token_access
from tests.conftest import Clock

ClientOf = Callable[[Actor | None], TestClient]
Operation = tuple[str, str]
PASSWORD = "copper lantern wades north"

#: Nobody has to be signed in for these, whatever bearer they come with.
PUBLIC = {
    ("POST", "/auth/login/"),
    ("POST", "/auth/logout/"),
    ("POST", "/auth/refresh/"),
    ("POST", "/auth/register/"),
}


@dataclass(frozen=True)
class Row:
    """`roles`: what employee, manager and admin are answered; `scopes`: the admin with a key of that scope alone.

    `of`: makes what it is about, as theirs; its id takes the place of the parameter in the path, and of `THING` in the
    body. `hidden`: makes one that only admins may know of, where `of` of somebody else would not be.
    """

    roles: tuple[int, int, int]
    scopes: Mapping[Scope, int]
    body: dict[str, Any] | None = None
    of: Callable[[Kyo, Actor], UUID] | None = None
    hidden: Callable[[Kyo], UUID] | None = None
    files: dict[str, tuple[str, bytes]] | None = None


THING = "the id of what it is about"


def _any_scope(status: int) -> dict[Scope, int]:
    return dict.fromkeys(Scope, status)


def _only(status: int, *scopes: Scope) -> dict[Scope, int]:
    """These are answered so, and others 403."""
    return {scope: status if scope in scopes else 403 for scope in Scope}


def _answer(kyo: Kyo, actor: Actor) -> UUID:
    return asking.ask(kyo, actor, "How many days of leave?").id


def _document(kyo: Kyo, _: Actor) -> UUID:
    """Somebody else's, where everybody may do what their role allows."""
    return library.upload(kyo, OPERATOR, "leave.txt", b"Everybody has 27 days of leave.").document.id


def _own_document(kyo: Kyo, actor: Actor) -> UUID:
    return library.upload(kyo, actor, "own.txt", b"Everybody has 27 days of leave.").document.id


def _hidden_document(kyo: Kyo) -> UUID:
    board = collections.create(kyo, OPERATOR, "Board").name
    return library.upload(kyo, OPERATOR, "board.txt", b"The board meets on Mondays.", board).document.id


_READ = _only(200, Scope.DOCUMENTS_READ, Scope.DOCUMENTS_UPLOAD, Scope.DOCUMENTS_DECIDE)

TABLE: dict[Operation, Row] = {
    ("GET", "/auth/profile/"): Row((200, 200, 200), _any_scope(200)),
    ("PUT", "/auth/profile/"): Row((200, 200, 200), _any_scope(403), {"name": "Grace Hopper", "email": None}),
    ("POST", "/retrieval/query/"): Row((200, 200, 200), _only(200, Scope.ANSWERS_ASK), {"question": "How much leave?"}),
    ("GET", "/retrieval/history/"): Row((200, 200, 200), _only(200, Scope.ANSWERS_ASK)),
    ("GET", "/retrieval/history/{answer_id}/"): Row((200, 200, 200), _only(200, Scope.ANSWERS_ASK), of=_answer),
    ("POST", "/retrieval/feedback/"): Row(
        (204, 204, 204), _only(204, Scope.ANSWERS_ASK), {"answer_id": THING, "rating": 1}, of=_answer
    ),
    ("GET", "/documents/"): Row((200, 200, 200), _READ),
    ("POST", "/documents/upload/"): Row(
        (201, 201, 201), _only(201, Scope.DOCUMENTS_UPLOAD), files={"file": ("travel.txt", b"Trains are booked early.")}
    ),
    ("GET", "/documents/{document_id}/"): Row((200, 200, 200), _READ, of=_own_document, hidden=_hidden_document),
    ("POST", "/documents/{document_id}/approve/"): Row(
        (403, 200, 200), _only(200, Scope.DOCUMENTS_DECIDE), of=_document, hidden=_hidden_document
    ),
    ("POST", "/documents/{document_id}/archive/"): Row(
        (403, 200, 200), _only(200, Scope.DOCUMENTS_DECIDE), of=_document, hidden=_hidden_document
    ),
    ("DELETE", "/documents/{document_id}/"): Row(
        (403, 403, 204), _only(204, Scope.DOCUMENTS_DECIDE), of=_document, hidden=_hidden_document
    ),
    ("GET", "/analytics/overview/"): Row((403, 200, 200), _only(200, Scope.ANALYTICS_READ)),
    ("GET", "/analytics/me/"): Row((200, 200, 200), _only(200, Scope.ANALYTICS_READ, Scope.ANSWERS_ASK)),
    ("GET", "/analytics/feedback/"): Row((403, 200, 200), _only(200, Scope.ANALYTICS_READ)),
    ("GET", "/audit/logs/"): Row((403, 403, 200), _only(200, Scope.AUDIT_READ)),
}


def _operations() -> dict[Operation, dict[str, Any]]:
    paths = create_api().openapi()["paths"]
    return {(method.upper(), path): told for path, methods in paths.items() for method, told in methods.items()}


OPERATIONS = _operations()
SIGNED_IN = sorted(OPERATIONS.keys() - PUBLIC)


def test_every_route_is_in_the_table() -> None:
    assert OPERATIONS.keys() == TABLE.keys() | PUBLIC


def test_the_document_says_where_somebody_signs_in() -> None:
    assert {operation for operation, told in OPERATIONS.items() if "security" not in told} == PUBLIC


def test_every_operation_has_an_id_of_its_own() -> None:
    assert len({told["operationId"] for told in OPERATIONS.values()}) == len(OPERATIONS)


def test_every_row_tells_all_scopes() -> None:
    assert {operation for operation, row in TABLE.items() if row.scopes.keys() != set(Scope)} == set()


# Roles and scopes ----------------------------------------------------------------------------------------------------


def _request(client: TestClient, operation: Operation, thing: UUID | None) -> int:
    method, path = operation
    row = TABLE.get(operation)
    body = (
        {name: str(thing) if value is THING else value for name, value in row.body.items()}
        if row and row.body
        else None
    )
    files = row.files if row else None
    return client.request(method, PREFIX + re.sub(r"\{\w+\}", str(thing), path), json=body, files=files).status_code


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
@pytest.mark.parametrize("operation", TABLE, ids=" ".join)
def test_each_role_is_answered_so(
    kyo: Kyo, client_of: ClientOf, person: Callable[[Role], Actor], operation: Operation, role: Role
) -> None:
    row, actor = TABLE[operation], person(role)
    thing = row.of(kyo, actor) if row.of else None
    assert _request(client_of(actor), operation, thing) == row.roles[list(Role).index(role)]


@pytest.mark.parametrize("scope", list(Scope), ids=lambda scope: scope.value)
@pytest.mark.parametrize("operation", TABLE, ids=" ".join)
def test_each_scope_is_answered_so(
    kyo: Kyo,
    client_with: Callable[[str], TestClient],
    key_of: Callable[..., str],
    admin: Actor,
    operation: Operation,
    scope: Scope,
) -> None:
    row = TABLE[operation]
    thing = row.of(kyo, admin) if row.of else None
    assert _request(client_with(key_of(admin, scope)), operation, thing) == row.scopes[scope]


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
@pytest.mark.parametrize("operation", [operation for operation, row in TABLE.items() if row.of], ids=" ".join)
def test_what_is_somebody_elses_is_not_there(
    kyo: Kyo, client_of: ClientOf, person: Callable[[Role], Actor], operation: Operation, role: Role
) -> None:
    row = TABLE[operation]
    assert row.of is not None
    theirs = row.hidden(kyo) if row.hidden else row.of(kyo, person(Role.EMPLOYEE))
    allowed = row.roles[list(Role).index(role)]
    sees_all = row.hidden is not None and role is Role.ADMIN
    assert _request(client_of(person(role)), operation, theirs) == (allowed if sees_all or allowed == 403 else 404)


# Bearers -------------------------------------------------------------------------------------------------------------


@dataclass
class Bearers:
    """Somebody who can log in, and what becomes of their tokens."""

    kyo: Kyo
    actor: Actor
    admin: Actor
    clock: Clock
    pair: Any = field(init=False)

    def __post_init__(self) -> None:
        self.pair = token_access.log_in(self.kyo, self.actor.username, PASSWORD)

    def good(self) -> str:
        return str(self.pair.access_token)

    def garbage(self) -> str:
        return "not-a-token"

    def forged(self) -> str:
        """With a signature of somebody else."""
        head, claims, signature = self.pair.access_token.split(".")
        return f"{head}.{claims}.{signature[::-1]}"

    def unsigned(self) -> str:
        """`{"alg":"none","typ":"JWT"}`"""
        return f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{self.pair.access_token.split('.')[1]}."

    def expired(self) -> str:
        self.clock.advance(seconds=self.pair.expires_in + 120)
        return self.good()

    def logged_out(self) -> str:
        token_access.log_out(self.kyo, self.pair.refresh_token)
        return self.good()

    def of_a_family_that_was_stolen(self) -> str:
        newest = token_access.refresh(self.kyo, self.pair.refresh_token)
        with pytest.raises(NotSignedIn, match="used before"):
            token_access.refresh(self.kyo, self.pair.refresh_token)
        return newest.access_token

    def refresh_token(self) -> str:
        return str(self.pair.refresh_token)

    def unknown_key(self) -> str:
        return "kyo_" + "a" * 43

    def of_somebody_deactivated(self) -> str:
        people.deactivate(self.kyo, self.admin, self.actor.id)
        return self.good()

    def of_somebody_with_a_new_password(self) -> str:
        people.reset_password(self.kyo, self.admin, self.actor.id)
        return self.good()


REFUSED = [
    Bearers.garbage,
    Bearers.forged,
    Bearers.unsigned,
    Bearers.expired,
    Bearers.logged_out,
    Bearers.of_a_family_that_was_stolen,
    Bearers.refresh_token,
    Bearers.unknown_key,
    Bearers.of_somebody_deactivated,
    Bearers.of_somebody_with_a_new_password,
]


@pytest.fixture
def site(api: FastAPI) -> TestClient:
    """The API as it is deployed: who comes is found out from the bearer."""
    return TestClient(Starlette(routes=[mounted(api)]), raise_server_exceptions=False)


@pytest.fixture
def bearers(kyo: Kyo, owner: Kyo, admin: Actor, person: Callable[[Role], Actor], clock: Clock) -> Bearers:
    somebody = person(Role.ADMIN)
    with owner.db.transaction(OPERATOR) as tx:
        users.set_password(tx, somebody.id, passwords.hash_password(PASSWORD), clock())
    return Bearers(kyo, somebody, admin, clock)


def _ask(site: TestClient, operation: Operation, headers: dict[str, str]) -> int:
    """About something that there is not."""
    return _request(TestClient(site.app, headers=headers, raise_server_exceptions=False), operation, uuid4())


@pytest.mark.parametrize("operation", SIGNED_IN, ids=" ".join)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"authorization": "Bearer"},
        {"x-kyo-session": "a" * 64},
    ],
    ids=["none", "Basic", "empty", "our own header"],
)
def test_without_a_bearer_nobody_gets_anywhere(site: TestClient, operation: Operation, headers: dict[str, str]) -> None:
    assert _ask(site, operation, headers) == 401


@pytest.mark.parametrize("operation", SIGNED_IN, ids=" ".join)
def test_the_cookie_of_the_app_is_worth_nothing(
    site: TestClient, session_of: Callable[[Actor], str], admin: Actor, operation: Operation
) -> None:
    token = session_of(admin)
    assert _ask(site, operation, {"cookie": f"{SESSION_COOKIE}={token}; {SECURE_SESSION_COOKIE}={token}"}) == 401


@pytest.mark.parametrize("operation", SIGNED_IN, ids=" ".join)
@pytest.mark.parametrize("bearer", REFUSED, ids=lambda bearer: bearer.__name__)
def test_a_wrong_bearer_gets_nowhere(
    site: TestClient, bearers: Bearers, operation: Operation, bearer: Callable[[Bearers], str]
) -> None:
    assert _ask(site, operation, {"authorization": f"Bearer {bearer(bearers)}"}) == 401


@pytest.mark.parametrize("operation", SIGNED_IN, ids=" ".join)
def test_who_must_choose_a_password_gets_nowhere(
    site: TestClient, bearers: Bearers, sql: Callable[..., list[Any]], operation: Operation
) -> None:
    sql("update users set must_change_password = true where id = :id", id=bearers.actor.id)
    assert _ask(site, operation, {"authorization": f"Bearer {bearers.good()}"}) == 403


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_bearer_gets_in(site: TestClient, bearers: Bearers, scheme: str) -> None:
    assert _ask(site, ("GET", "/auth/profile/"), {"authorization": f"{scheme} {bearers.good()}"}) == 200
