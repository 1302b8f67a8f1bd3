"""Listings: who sees which documents, and what the filters leave."""

from collections.abc import Callable
from typing import Any

import pytest

from kyo_pipeline.db import collections, documents
from kyo_pipeline.db.documents import Filter
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import DocumentState, Review, VersionStatus
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, library, reviewing
from tests.conftest import Clock


@pytest.fixture
def names(kyo: Kyo) -> Callable[..., list[str]]:
    """File names of what somebody sees."""

    def run(actor: Actor, **wanted: Any) -> list[str]:
        with kyo.db.transaction(actor) as tx:
            page = documents.find(tx, actor, Filter(**wanted), kyo.now())
        return [document.latest.file_name for document in page.documents]

    return run


@pytest.fixture
def shelf(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    clock: Clock,
    run_pipeline: Callable[[], None],
    sql: Callable[..., list[Any]],
) -> None:
    """One document of each kind, uploaded by the employee a minute after the other."""
    for name in ("approved.txt", "rejected.txt", "archived.txt", "waiting.txt", "100%_sure.txt"):
        clock.advance(minutes=1)
        library.upload(kyo, employee, name, name.encode())
    clock.advance(minutes=1)
    library.upload(kyo, employee, "damaged.txt", b"broken")
    run_pipeline()
    found = {one.latest.file_name: one for one in library.list_documents(kyo, manager).documents}
    for name in ("approved.txt", "archived.txt"):
        reviewing.approve(kyo, manager, found[name].latest.id)
    curating.archive(kyo, manager, found["archived.txt"].id)
    reviewing.reject(kyo, manager, found["rejected.txt"].latest.id, "Out of date.")
    for name in ("approved.txt", "archived.txt", "waiting.txt"):
        curating.add_tags(kyo, manager, found[name].id, [name.removesuffix(".txt"), "office"])
    sql("update documents set stale_since = now() where title in ('approved', 'archived')")


EVERYTHING = ["damaged.txt", "100%_sure.txt", "waiting.txt", "archived.txt", "rejected.txt", "approved.txt"]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, EVERYTHING),
        ({"state": DocumentState.APPROVED}, ["approved.txt"]),
        ({"state": DocumentState.REJECTED}, ["rejected.txt"]),
        ({"status": VersionStatus.FAILED}, ["damaged.txt"]),
        ({"review": Review.PENDING}, ["damaged.txt", "100%_sure.txt", "waiting.txt"]),
        ({"collection": "General", "limit": 2, "offset": 1}, ["100%_sure.txt", "waiting.txt"]),
        ({"collection": "Nowhere"}, []),
        ({"text": "ARCH"}, ["archived.txt"]),
        ({"text": "100%_"}, ["100%_sure.txt"]),
        ({"text": "%"}, ["100%_sure.txt"]),
        ({"text": "\\"}, []),
        ({"to_decide": True}, [name for name in EVERYTHING if name != "archived.txt"]),
        ({"of_versions": ()}, []),
        ({"tag": "office"}, ["waiting.txt", "archived.txt", "approved.txt"]),
        ({"tag": "waiting"}, ["waiting.txt"]),
        ({"tag": "offic"}, []),
        ({"tag": "OFFICE"}, []),
        ({"stale": True}, ["approved.txt"]),
        ({"stale": True, "theirs": True}, ["approved.txt"]),
        ({"state": DocumentState.DELETED}, []),
        ({"owner_id": OPERATOR.id}, []),
    ],
)
def test_filters(manager: Actor, names: Callable[..., list[str]], wanted: dict[str, Any], expected: list[str]) -> None:
    assert names(manager, **wanted) == expected


@pytest.mark.usefixtures("shelf")
def test_by_owner(manager: Actor, employee: Actor, names: Callable[..., list[str]]) -> None:
    assert names(manager, owner_id=employee.id) == EVERYTHING
    assert names(employee, theirs=True) == EVERYTHING
    assert names(manager, owner_id=manager.id) == []


@pytest.mark.usefixtures("shelf")
def test_others_see_what_was_approved_once_and_nothing_else(
    person: Callable[[Role], Actor], employee: Actor, names: Callable[..., list[str]]
) -> None:
    assert names(person(Role.EMPLOYEE)) == ["archived.txt", "approved.txt"]
    assert names(employee) == EVERYTHING


@pytest.mark.usefixtures("shelf")
def test_the_total_counts_beyond_the_page(kyo: Kyo, manager: Actor) -> None:
    with kyo.db.transaction(manager) as tx:
        page = documents.find(tx, manager, Filter(limit=2), kyo.now())
    assert (len(page.documents), page.total) == (2, 6)


@pytest.mark.parametrize(
    ("everyone", "access", "role", "readable", "writable", "approvable"),
    [
        (None, None, Role.EMPLOYEE, False, False, False),
        ("read", None, Role.EMPLOYEE, True, False, False),
        ("read", "write", Role.EMPLOYEE, True, True, False),
        ("write", "read", Role.EMPLOYEE, True, True, False),
        (None, "approve", Role.MANAGER, True, True, True),
        (None, None, Role.ADMIN, True, True, True),
    ],
)
def test_the_greater_of_what_everyone_and_what_members_may_counts(
    kyo: Kyo,
    person: Callable[[Role], Actor],
    collection: Callable[..., str],
    everyone: str | None,
    access: str | None,
    role: Role,
    readable: bool,
    writable: bool,
    approvable: bool,
) -> None:
    actor = person(role)
    name = collection("Board", everyone, {actor: access} if access else None)
    with kyo.db.transaction(actor) as tx:
        found = [name in [one.name for one in collections.accessible(tx, actor, wanted)] for wanted in Access]
    assert found == [readable, writable, approvable]


def test_the_file_name_of_a_deleted_document_is_free_again(kyo: Kyo, employee: Actor, admin: Actor) -> None:
    uploaded = library.upload(kyo, employee, "plan.txt", b"one").document
    curating.delete(kyo, admin, uploaded.id)
    with kyo.db.transaction(OPERATOR) as tx:
        [general] = collections.accessible(tx, OPERATOR, Access.WRITE)
        assert documents.lock_by_file_name(tx, employee, general.id, "plan.txt") is None


def test_a_file_name_finds_the_document_whose_newest_version_has_it(kyo: Kyo, employee: Actor) -> None:
    uploaded = library.upload(kyo, employee, "plan.txt", b"one")
    with kyo.db.transaction(OPERATOR) as tx:
        [general] = collections.accessible(tx, OPERATOR, Access.WRITE)
        assert documents.lock_by_file_name(tx, employee, general.id, "plan.txt") == uploaded.document.id
        assert documents.lock_by_file_name(tx, employee, general.id, "PLAN.txt") is None
