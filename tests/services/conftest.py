"""People and a document that several services are tried on."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, joining, library, people
from tests.hooks import Hook, listening
from tests.typed import PASSWORD


@pytest.fixture
def anna(kyo: Kyo, admin: Actor) -> Actor:
    """Somebody with a real password."""
    return people.add_person(kyo, admin, "anna", "Anna", Role.EMPLOYEE, "anna@example.org", PASSWORD).person


@pytest.fixture
def eric(kyo: Kyo, with_settings: Callable[..., Kyo], admin: Actor) -> Any:
    """The id of somebody who has registered and waits."""
    joining.register(with_settings(KYO_REGISTRATION="approval"), "eric", "Eric", "eric@example.org", PASSWORD)
    return people.id_of(kyo, admin, "eric")


@pytest.fixture
def details(sql: Callable[..., list[Any]]) -> Callable[[str], list[tuple[Any, str, Any]]]:
    """Who did it, to whom, and how, for each audit row of an event."""
    return lambda event: [
        tuple(row)
        for row in sql(
            "select actor_id, object_id, details from audit_log where event = :event order by id", event=event
        )
    ]


@pytest.fixture
def refusals(sql: Callable[..., list[Any]]) -> Callable[[], list[tuple[str, str]]]:
    """Whom the audit log names, and why they were refused."""
    statement = """
        select object_id, details ->> 'reason' as reason
        from audit_log
        where event = 'session:refuse' and outcome = 'refused'
        order by id
    """
    return lambda: [(row.object_id, row.reason) for row in sql(statement)]


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    """A published one, uploaded by the employee."""
    publish("leave.txt", "Everybody has thirty days of leave.")
    [found] = library.list_documents(kyo, employee).documents
    return found


@pytest.fixture
def found(kyo: Kyo, employee: Actor) -> Callable[[str], list[str]]:
    """The texts that a question finds."""
    return lambda question: [passage.text for passage in asking.search(kyo, employee, question).passages]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook that listens."""
    with listening() as hook:
        yield hook
