"""Questions, history and feedback over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.answers import WITHHELD_TEXT
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history, library, reviewing
from tests.conftest import Clock

LEAVE = "Everybody has thirty days of paid leave a year."
QUESTION = "How many days of paid leave?"

Publish = Callable[[str, str], None]
ClientOf = Callable[[Actor | None], TestClient]


@pytest.fixture
def client(client_of: ClientOf, employee: Actor, publish: Publish) -> TestClient:
    publish("leave.txt", LEAVE)
    return client_of(employee)


def ask(client: TestClient, **body: object) -> Any:
    response = client.post("/api/retrieval/query/", json={"question": QUESTION, **body})
    assert response.status_code == 200, response.text
    return response.json()


def test_an_answer_names_what_it_cites_and_is_the_stored_one(client: TestClient, kyo: Kyo, employee: Actor) -> None:
    answer = ask(client)
    assert answer["outcome"] == "answered"
    assert "thirty days" in answer["text"]
    [document] = library.list_documents(kyo, employee).documents
    cited = answer["citations"][0]
    assert (cited["document_id"], cited["title"]) == (str(document.id), document.title)
    assert LEAVE[cited["start"] : cited["end"]] == cited["quote"]
    assert f"[{cited['marker']}]" in answer["text"]
    assert history.read_answer(kyo, employee, UUID(answer["id"])).text == answer["text"]
    assert client.get(f"/api/retrieval/history/{answer['id']}/").json() == answer


def test_what_is_in_no_document_is_not_found(client: TestClient) -> None:
    answer = ask(client, question="Who won the world cup of 1966?")
    assert (answer["outcome"], answer["citations"]) == ("not_found", [])


def test_a_question_follows_up_in_its_conversation(client: TestClient) -> None:
    first = ask(client)
    assert ask(client, conversation_id=first["conversation_id"])["conversation_id"] == first["conversation_id"]
    assert ask(client)["conversation_id"] != first["conversation_id"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": " \n"},
        {"question": "a" * (asking.MAX_QUESTION_LENGTH + 1)},
        {"question": QUESTION, "conversation": "1"},
        {"question": QUESTION, "conversation_id": "1"},
        {"question": QUESTION, "anew": "yes"},
    ],
)
def test_what_is_no_question_is_refused(client: TestClient, body: dict[str, object]) -> None:
    response = client.post("/api/retrieval/query/", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_a_foreign_conversation_is_not_there(client_of: ClientOf, client: TestClient, manager: Actor) -> None:
    own = ask(client)["conversation_id"]
    body = {"question": QUESTION, "conversation_id": own}
    assert client_of(manager).post("/api/retrieval/query/", json=body).status_code == 404
    body["conversation_id"] = str(uuid4())
    assert client_of(manager).post("/api/retrieval/query/", json=body).status_code == 404


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_who_asks_too_often_is_told_when_to_come_again(
    client: TestClient, with_settings: Callable[..., Kyo], audited: Callable[[], list[str]], accept: str
) -> None:
    with runtime.using(with_settings(KYO_QUERIES_PER_MINUTE=1)):
        ask(client)
        response = client.post("/api/retrieval/query/", json={"question": QUESTION}, headers={"Accept": accept})
    assert response.status_code == 429
    assert response.headers["content-type"] == "application/problem+json"
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert "answer:refuse" in audited()


def test_the_history_has_pages_and_is_searched(client: TestClient, clock: Clock) -> None:
    ask(client)
    clock.advance(seconds=1)
    last = ask(client, question="Who won the world cup of 1966?")
    page = client.get("/api/retrieval/history/", params={"limit": 1}).json()
    assert (page["total"], [one["id"] for one in page["items"]]) == (2, [last["id"]])
    following = client.get(page["next"]).json()
    assert [one["question"] for one in following["items"]] == [QUESTION]
    assert following["next"] is None
    assert client.get("/api/retrieval/history/", params={"q": "cup"}).json()["total"] == 1


def test_nobody_sees_the_answers_of_somebody_else(client_of: ClientOf, client: TestClient, admin: Actor) -> None:
    answer = ask(client)
    other = client_of(admin)
    assert other.get("/api/retrieval/history/").json()["items"] == []
    assert other.get(f"/api/retrieval/history/{answer['id']}/").status_code == 404
    rated = other.post("/api/retrieval/feedback/", json={"answer_id": answer["id"], "rating": 1})
    assert rated.status_code == 404


def test_an_answer_from_a_document_out_of_reach_is_withheld(
    client_of: ClientOf,
    kyo: Kyo,
    employee: Actor,
    collection: Callable[..., str],
    run_pipeline: Callable[[], None],
    sql: Callable[..., list[Any]],
) -> None:
    name = collection("Board", None, {employee: "read"})
    uploaded = library.upload(kyo, OPERATOR, "pay.txt", b"The board is paid ninety thousand a year.", name)
    run_pipeline()
    reviewing.approve(kyo, OPERATOR, uploaded.document.latest.id)
    client = client_of(employee)
    answer = ask(client, question="How much is the board paid a year?")
    assert answer["outcome"] == "answered"
    sql("delete from collection_members")
    again = client.get(f"/api/retrieval/history/{answer['id']}/").json()
    assert (again["outcome"], again["text"], again["citations"]) == ("withheld", WITHHELD_TEXT, [])


def test_a_rating_is_kept_and_taken_back(client: TestClient) -> None:
    answer = ask(client)
    said = {"answer_id": answer["id"], "rating": -1, "comment": "It is forty.", "reason": "outdated"}
    assert client.post("/api/retrieval/feedback/", json=said).status_code == 204
    again = client.get(f"/api/retrieval/history/{answer['id']}/").json()
    assert (again["rating"], again["comment"], again["reason"]) == (-1, "It is forty.", "outdated")
    taken_back = {"answer_id": answer["id"], "rating": None}
    assert client.post("/api/retrieval/feedback/", json=taken_back).status_code == 204
    assert client.get(f"/api/retrieval/history/{answer['id']}/").json()["rating"] is None
    assert client.post("/api/retrieval/feedback/", json=taken_back).status_code == 404


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"rating": 0},
        {"rating": True},
        {"rating": "helpful"},
        {"rating": 1, "reason": "wrong"},
        {"rating": -1, "correct_document_id": str(uuid4())},
        {"rating": None, "comment": "Never mind."},
    ],
)
def test_what_is_no_rating_is_refused(client: TestClient, said: dict[str, object]) -> None:
    answer = ask(client)
    response = client.post("/api/retrieval/feedback/", json={"answer_id": answer["id"], **said})
    assert response.status_code == 422


def test_both_forms_of_an_answer_are_described(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()["paths"]["/retrieval/query/"]["post"]
    assert set(described["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert "404" in described["responses"]
