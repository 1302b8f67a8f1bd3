"""The OpenAPI document, and the page that shows it."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from kyo_app.api.document import document_of, operations_of
from kyo_app.api.reference import page_of, prose
from kyo_app.api.schema_words import Field, Schemas

#: Of the seed, and thus promised.
SEED = """
    POST /auth/register/, POST /auth/login/, POST /auth/refresh/, POST /auth/logout/, GET /auth/profile/,
    PUT /auth/profile/, GET /documents/, POST /documents/upload/, GET /documents/{}/, POST /documents/{}/approve/,
    POST /documents/{}/archive/, DELETE /documents/{}/, POST /retrieval/query/, GET /retrieval/history/,
    GET /retrieval/history/{}/, POST /retrieval/feedback/, GET /analytics/overview/, GET /analytics/me/,
    GET /analytics/feedback/, GET /audit/logs/
"""
OPEN = {"/auth/register/", "/auth/login/", "/auth/refresh/", "/auth/logout/"}

Client = Callable[..., TestClient]


@pytest.fixture
def document(api: FastAPI) -> dict[str, Any]:
    return document_of(api)


@pytest.fixture
def page(client_of: Client) -> str:
    return client_of(None).get("/api/docs").text


class Elements(HTMLParser):
    """All that a page has: names and attributes of its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(attribute)) is not None]


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_whatever_it_refers_to_is_there(document: dict[str, Any]) -> None:
    for place in re.findall(r"'\$ref': '#/([^']+)'", str(document)):
        found = document
        for key in place.split("/"):
            found = found[key]


def test_every_endpoint_of_the_seed_is_there(document: dict[str, Any]) -> None:
    served = {
        f"{method.upper()} {re.sub(r'{[^}]+}', '{}', path)}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert {one.strip() for one in SEED.split(",")} <= served


def test_every_operation_says_what_it_is(document: dict[str, Any]) -> None:
    names = [one["operationId"] for one in operations_of(document)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    for one in operations_of(document):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", one["operationId"])
        assert one["summary"], one["operationId"]
        assert len(one["description"]) > 20, one["operationId"]
        assert set(one["tags"]) <= tags, one["operationId"]


def test_all_need_a_token_but_what_gives_one(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation.get("security", []) == ([] if path in OPEN else [{"bearer": []}]), path


def test_errors_are_problems_and_answers_name_their_request(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document)
    for operation in operations_of(document):
        assert {"400", "429", "503"} <= operation["responses"].keys()
        assert "security" not in operation or {"401", "403"} <= operation["responses"].keys()
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in answer["headers"]
            if status >= "4":
                content = answer["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert content["example"]["status"] == int(status)


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
def test_anybody_may_read_it_and_keep_it(client_of: Client, path: str) -> None:
    first = client_of(None).get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-cache"
    again = client_of(None).get(path, headers={"If-None-Match": f'"other", W/{first.headers["ETag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client_of(None).get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_start_of_the_api_leads_to_the_page(client_of: Client) -> None:
    answer = client_of(None).get("/api/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/api/docs")


def test_the_page_needs_no_script_and_nothing_from_elsewhere(client_of: Client) -> None:
    answer = client_of(None).get("/api/docs")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "script" not in policy
    assert "unsafe" not in policy
    elements = Elements(answer.text)
    assert not {"script", "iframe", "form", "img"} & {name for name, _ in elements.found}
    assert not elements.of("style")
    assert [one for one in elements.of("href") + elements.of("src") if not one.startswith("#")] == [
        "data:,",
        "openapi.json",
        "/",
    ]


def test_the_page_has_a_place_for_each_operation(page: str, document: dict[str, Any]) -> None:
    elements = Elements(page)
    places = elements.of("id")
    assert len(places) == len(set(places))
    assert {one["operationId"] for one in operations_of(document)} <= set(places)
    assert {one[1:] for one in elements.of("href") if one.startswith("#")} <= set(places)
    assert set(elements.of("aria-labelledby")) <= set(places)


def test_the_page_can_be_read_without_seeing_it(page: str) -> None:
    elements = Elements(page)
    names = [name for name, _ in elements.found]
    assert ("html", {"lang": "en"}) in elements.found
    assert [names.count(one) for one in ("h1", "main", "header", "nav")] == [1, 1, 1, 1]
    first = next(attributes for name, attributes in elements.found if name == "a")
    assert first["href"] == "#content"
    levels = [int(name[1]) for name in names if re.fullmatch("h[1-6]", name)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_what_stands_in_the_document_is_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    document = {
        "info": {"title": evil, "summary": evil, "version": evil, "description": evil},
        "servers": [{"url": "/api"}],
        "tags": [{"name": "T", "description": evil}],
        "components": {"schemas": {"S": {"type": "object", "properties": {evil: {"type": "string", "example": evil}}}}},
        "paths": {
            f"/{evil}/": {
                "post": {
                    "operationId": evil,
                    "tags": ["T"],
                    "description": evil,
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}},
                    "responses": {"200": {"description": evil}},
                }
            }
        },
    }
    shown = page_of(document, "")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("One\nline.", "<p>One line.</p>"),
        ("One.\n\nTwo `a < b`.", "<p>One.</p><p>Two <code>a &lt; b</code>.</p>"),
        ("Roles:\n- `a`\n- b", "<p>Roles:</p><ul><li><code>a</code></li><li>b</li></ul>"),
        ("a ` b", "<p>a ` b</p>"),
        ("``a`b``", "<p><code>a`b</code></p>"),
    ],
)
def test_docstrings_become_paragraphs(text: str, html: str) -> None:
    assert prose(text) == html


SCHEMAS = Schemas(
    {
        "Pair": {
            "type": "object",
            "required": ["left"],
            "properties": {
                "left": {"type": "string", "minLength": 1, "maxLength": 9, "description": "One side."},
                "right": {"anyOf": [{"$ref": "#/components/schemas/Pair"}, {"type": "null"}]},
            },
        },
        "Side": {"enum": ["left", "right"], "type": "string"},
    }
)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, "string (binary)"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "integer or string"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Side"}}, "list of one of left, right"),
        ({"const": "Bearer"}, 'always "Bearer"'),
        ({}, "any"),
    ],
)
def test_types_are_named_in_words(schema: dict[str, Any], words: str) -> None:
    assert SCHEMAS.type_of(schema) == words


def test_fields_are_listed_with_those_that_they_hold() -> None:
    left = Field("left", "string", True, ("at least 1 characters", "at most 9 characters"), "One side.")
    found = list(SCHEMAS.fields_of({"$ref": "#/components/schemas/Pair"}))
    assert found[0] == left
    assert [one.name for one in found[:4]] == ["left", "right", "right.left", "right.right"]
    assert len(found) < 20  # a schema that holds itself comes to an end


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "string", "examples": ["a", "b"]}, "a"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "default": 3}, 3),
        ({"$ref": "#/components/schemas/Side"}, "left"),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": "object", "properties": {"at": {"type": "string", "format": "date"}}}, {"at": "2026-03-01"}),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
    ],
)
def test_an_example_is_what_was_given_or_of_the_right_type(schema: dict[str, Any], example: object) -> None:
    assert SCHEMAS.example_of(schema) == example
