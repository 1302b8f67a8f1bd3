"""Answers that a client need not fetch again."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from kyo_app.api.conditional import is_known
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library, reviewing


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("", False),
        ("*", True),
        ('"abc"', True),
        ('W/"abc"', True),
        ('"xyz", "abc"', True),
        ('"abcd"', False),
        ("abc", False),
        ('"xyz",', False),
    ],
)
def test_which_tags_are_known(header: str, known: bool) -> None:
    assert is_known('"abc"', header) is known


def test_what_a_client_has_is_not_sent_again_until_it_changes(
    kyo: Kyo, client_of: Callable[[Actor], TestClient], employee: Actor, manager: Actor
) -> None:
    client = client_of(employee)
    document = library.upload(kyo, employee, "leave.txt", b"Everybody has 27 days of leave.").document
    for address in ("/api/documents/", f"/api/documents/{document.id}/"):
        tag = client.get(address).headers["etag"]
        again = client.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "private, no-cache"
        assert again.headers["x-request-id"]
    reviewing.approve(kyo, manager, document.latest.id)
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_errors_have_no_tag(client_of: Callable[[Actor], TestClient], employee: Actor) -> None:
    reply = client_of(employee).get("/api/documents/00000000-0000-0000-0000-000000000000/")
    assert reply.status_code == 404
    assert "etag" not in reply.headers
    assert reply.headers["cache-control"] == "no-store"
