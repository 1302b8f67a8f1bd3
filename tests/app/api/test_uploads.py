"""`POST /api/documents/upload/`: what is taken in, and what is refused with which status."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo

ClientOf = Callable[[Actor | None], TestClient]
ADDRESS = "/api/documents/upload/"
TEXT = b"Everybody has 27 days of leave."
MEGABYTE = 1024 * 1024


def send(client: TestClient, name: str, content: bytes, **fields: str) -> Any:
    return client.post(ADDRESS, files={"file": (name, content)}, data=fields)


def test_a_new_file_is_created_and_the_same_again_is_not(client_of: ClientOf, employee: Actor) -> None:
    client = client_of(employee)
    first, again = send(client, "leave.txt", TEXT), send(client, "leave.txt", TEXT)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["created"], again.json()["created"]) == (True, False)
    document = first.json()["document"]
    assert first.headers["location"] == f"/api/documents/{document['id']}/"
    read = client.get(first.headers["location"]).json()
    assert (read["title"], read["latest"]["status"], [one["number"] for one in read["versions"]]) == (
        "leave", "uploaded", [1],
    )  # fmt: skip


def test_another_file_of_a_document_is_its_next_version(client_of: ClientOf, employee: Actor) -> None:
    client = client_of(employee)
    document = send(client, "leave.txt", TEXT).json()["document"]
    reply = send(client, "other name.txt", b"29 days.", document_id=document["id"])
    assert reply.status_code == 201
    assert (reply.json()["document"]["id"], reply.json()["document"]["latest"]["number"]) == (document["id"], 2)


def test_a_draft_and_a_collection_are_named_in_the_form(
    client_of: ClientOf, employee: Actor, collection: Callable[..., str]
) -> None:
    collection("Board", members={employee: "write"})
    document = send(client_of(employee), "leave.txt", TEXT, collection="Board", draft="true").json()["document"]
    assert (document["collection"], document["latest"]["review"]) == ("Board", "draft")


def test_ten_megabytes_are_taken_and_a_byte_more_is_not(client_of: ClientOf, employee: Actor) -> None:
    client, most = client_of(employee), b"Leave.\n" * (10 * MEGABYTE // 7 + 1)
    assert send(client, "most.txt", most[: 10 * MEGABYTE]).status_code == 201
    reply = send(client, "more.txt", most[: 10 * MEGABYTE + 1])
    assert reply.status_code == 413
    assert "larger than 10 MB" in reply.json()["detail"]


def test_much_more_is_refused_before_it_is_read(client_of: ClientOf, employee: Actor) -> None:
    reply = client_of(employee).post(ADDRESS, content=b"", headers={"content-length": str(11 * MEGABYTE)})
    assert reply.status_code == 413


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(100), 415),
        ("program.exe", b"MZ" + bytes(200), 415),
        ("page.html", b"<html><script>alert(1)</script></html>", 415),
        ("leave.pdf", TEXT, 415),
        ("leave.docx", TEXT, 415),
        ("leave.txt", b"", 422),
        ("", TEXT, 422),
    ],
)
def test_what_is_not_taken_in_says_why(
    client_of: ClientOf, employee: Actor, audited: Callable[[], list[str]], name: str, content: bytes, status: int
) -> None:
    reply = send(client_of(employee), name, content)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert len(reply.json()["detail"]) > 20
    assert "document:upload" not in audited()


@pytest.mark.parametrize("name", ["../../etc/passwd.txt", "a\x00b.txt", "Üben – 日本.txt", "x" * 500 + ".txt", "..txt"])
def test_odd_names_do_no_harm(client_of: ClientOf, employee: Actor, name: str) -> None:
    reply = send(client_of(employee), name, TEXT)
    assert reply.status_code == 201
    kept = reply.json()["document"]["latest"]["file_name"]
    assert "/" not in kept
    assert "\x00" not in kept
    assert 0 < len(kept) <= 255


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [({"colour": "red"}, "/colour"), ({"document_id": "me"}, "/document_id"), ({"draft": "perhaps"}, "/draft")],
)
def test_odd_fields_are_named(client_of: ClientOf, employee: Actor, fields: dict[str, str], pointer: str) -> None:
    reply = send(client_of(employee), "leave.txt", TEXT, **fields)
    assert reply.status_code == 422
    assert [one["pointer"] for one in reply.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "request_of",
    [
        {"data": {"file": "text and no file"}, "files": {"other": ("a.txt", TEXT)}},
        {"files": [("file", ("a.txt", TEXT)), ("file", ("b.txt", TEXT))]},
        {"files": {"file": ("a.txt", TEXT)}, "data": {f"f{number}": "x" for number in range(20)}},
        {"files": {"file": ("a.txt", TEXT)}, "data": {"collection": ["General", "Board"]}},
        {"files": {"file": ("a.txt", TEXT)}, "data": {"collection": "x" * 10_000}},
        {"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"", "headers": {"content-type": "multipart/form-data"}},
    ],
    ids=["no file", "two files", "many fields", "a field twice", "a long field", "broken", "no boundary"],
)
def test_odd_forms_are_refused(
    client_of: ClientOf, employee: Actor, audited: Callable[[], list[str]], request_of: dict[str, Any]
) -> None:
    reply = client_of(employee).post(ADDRESS, **request_of)
    assert reply.status_code == 422
    assert "document:upload" not in audited()


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-dataX"])
def test_only_a_form_with_a_file_is_read(client_of: ClientOf, employee: Actor, kind: str) -> None:
    assert client_of(employee).post(ADDRESS, content=b"{}", headers={"content-type": kind}).status_code == 415


def test_who_has_uploaded_enough_is_told_until_when(
    client_of: ClientOf, employee: Actor, with_settings: Callable[..., Kyo]
) -> None:
    client = client_of(employee)
    with runtime.using(with_settings(KYO_UPLOADS_PER_HOUR=1)):
        assert send(client, "one.txt", TEXT).status_code == 201
        reply = send(client, "two.txt", TEXT)
    assert reply.status_code == 429
    assert 0 < int(reply.headers["retry-after"]) <= 3600


def test_a_collection_that_is_not_theirs_is_not_there(
    client_of: ClientOf, employee: Actor, collection: Callable[..., str]
) -> None:
    collection("Board")
    assert send(client_of(employee), "leave.txt", TEXT, collection="Board").status_code == 404
