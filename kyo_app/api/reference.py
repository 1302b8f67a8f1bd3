"""`/api/openapi.json`, and `/api/docs`: the same document as a page without scripts, which needs no internet.

Both are public, since they tell nothing but the shape of what this open source program answers: no data, no names, no
settings. A client's engineer reads them before having a token.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from kyo_app.api.conditional import conditional
from kyo_app.api.document import METHODS, Document
from kyo_app.api.schema_words import Field, Schemas

_HERE = Path(__file__).parent
_KEPT = "no-cache"  # to be kept, and asked for anew each time: it changes with a release
_EVENTS = "text/event-stream"
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def install(api: FastAPI) -> None:
    """Add the routes. They are not part of the document that they show."""
    pages = _Pages(api)
    api.add_api_route("/", pages.start, include_in_schema=False)
    api.add_api_route("/docs", pages.page, include_in_schema=False)
    api.add_api_route("/openapi.json", pages.document, include_in_schema=False)


class _Pages:
    """Each is made when somebody asks first; all routes are there by then."""

    def __init__(self, api: FastAPI) -> None:
        self._api = api

    # They are `async` since they wait for nothing: a thread of the API's own would be a detour.
    async def start(self, request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs", 303)

    async def page(self, request: Request) -> Response:
        body, policy = self._rendered
        return _unless_known(request, body, "text/html; charset=utf-8", {"Content-Security-Policy": policy})

    async def document(self, request: Request) -> Response:
        return _unless_known(request, self._json, "application/json", {})

    @cached_property
    def _json(self) -> bytes:
        return json.dumps(self._api.openapi(), ensure_ascii=False, indent=1).encode()

    @cached_property
    def _rendered(self) -> tuple[bytes, str]:
        style = (_HERE / "reference.css").read_text(encoding="utf-8")
        return page_of(self._api.openapi(), style).encode(), _policy(style)


def _unless_known(request: Request, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
    return conditional(request, Response(body, headers={"Cache-Control": _KEPT, **headers}, media_type=media_type))


def _policy(style: str) -> str:
    """Nothing but this one style sheet, and an empty icon: no script, nothing from elsewhere, no form, no frame."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src 'sha256-{digest}'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


@dataclass(frozen=True)
class Body:
    """What is sent or answered in one media type."""

    media_type: str
    fields: tuple[Field, ...]
    example: str


@dataclass(frozen=True)
class Answer:
    """One status of an operation."""

    status: str
    description: Markup
    headers: tuple[str, ...]
    bodies: tuple[Body, ...]


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: Markup
    is_open: bool
    parameters: tuple[tuple[str, Field], ...]
    bodies: tuple[Body, ...]
    answers: tuple[Answer, ...]
    refusals: tuple[Answer, ...]
    curl: str


def page_of(document: Document, style: str) -> str:
    """The whole document as HTML."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["prose"] = prose
    operations = list(_operations(document))
    tags = [(tag, [one for name, one in operations if name == tag["name"]]) for tag in document.get("tags", [])]
    return environment.get_template("reference.html").render(
        info=document["info"],
        tags=[(tag, found) for tag, found in tags if found],
        # It stands in a style element, where escapes mean nothing; it is a file of ours.
        style=Markup(style),  # noqa: S704
    )


def prose(text: str) -> Markup:
    """Paragraphs, lists and `code` of a docstring. All else is shown as it is written."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = re.split(r"\n(?=[-*] )", block)
        listed = [line for line in lines if re.match(r"[-*] ", line)]
        before = " ".join(line for line in lines if line not in listed)
        parts += [Markup("<p>{}</p>").format(_with_code(before))] if before else []
        items = Markup("").join(Markup("<li>{}</li>").format(_with_code(line[2:])) for line in listed)
        parts += [Markup("<ul>{}</ul>").format(items)] if listed else []
    return Markup("").join(parts)


def _with_code(text: str) -> Markup:
    pieces = re.split(r"(`+)(.+?)\1", text.replace("\n", " "))
    # The pattern has two groups: text, ticks, code, text, ticks, code, …
    codes = [Markup("<code>{}</code>").format(code) for code in pieces[2::3]] + [Markup("")]
    return Markup("").join(escape(plain) + code for plain, code in zip(pieces[0::3], codes, strict=True))


def _operations(document: Document) -> Iterator[tuple[str, Operation]]:
    schemas = Schemas(document["components"]["schemas"])
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                given = methods[method]
                yield next(iter(given.get("tags", [])), ""), _operation(method, path, given, schemas, document)


def _operation(method: str, path: str, given: Document, schemas: Schemas, document: Document) -> Operation:
    answers = [_answer(status, one, schemas) for status, one in sorted(given["responses"].items())]
    bodies = _bodies(given.get("requestBody", {}), schemas)
    parameters = tuple((one["in"], _parameter(one, schemas)) for one in given.get("parameters", []))
    address = document["servers"][0]["url"] + path
    return Operation(
        id=given["operationId"],
        method=method.upper(),
        path=address,
        summary=given.get("summary") or given["operationId"],
        description=prose(given.get("description", "")),
        is_open=not given.get("security"),
        parameters=parameters,
        bodies=bodies,
        answers=tuple(one for one in answers if one.status < "4"),
        refusals=tuple(one for one in answers if one.status >= "4"),
        curl=_curl(method, address, given, schemas),
    )


def _parameter(one: Document, schemas: Schemas) -> Field:
    schema = one.get("schema", {})
    described = one.get("description") or schemas.resolved(schema).get("description", "")
    return Field(one["name"], schemas.type_of(schema), one.get("required", False), schemas.limits_of(schema), described)


def _answer(status: str, given: Document, schemas: Schemas) -> Answer:
    headers = tuple(name for name in given.get("headers", {}) if name != "X-Request-Id")
    return Answer(status, prose(given.get("description", "")), headers, _bodies(given, schemas))


def _bodies(given: Document, schemas: Schemas) -> tuple[Body, ...]:
    return tuple(_body(media_type, one, schemas) for media_type, one in given.get("content", {}).items())


def _body(media_type: str, given: Document, schemas: Schemas) -> Body:
    schema = given.get("schema", {})
    example = _given_example(given)
    if example is None and schema and media_type not in _FORMS:
        example = schemas.example_of(schema)
    shown = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)
    return Body(media_type, tuple(schemas.fields_of(schema)), "" if example is None else shown)


def _given_example(given: Document) -> Any:
    named = [one.get("value") for one in given.get("examples", {}).values()]
    return given.get("example", named[0] if named else None)


def _curl(method: str, address: str, given: Document, schemas: Schemas) -> str:
    """A line for a shell in which $KYO is where KYO runs, and $TOKEN a token or a key."""
    path = re.sub(r"\{(\w+)\}", lambda found: "$" + found[1].upper(), address)
    parts = [f'"$KYO{path}"'] if method == "get" else [f"-X {method.upper()}", f'"$KYO{path}"']
    if given.get("security"):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    for media_type, one in list(given.get("requestBody", {}).get("content", {}).items())[:1]:
        parts += _data(media_type, one, schemas)
    return "curl --fail-with-body " + " \\\n  ".join(parts)


def _data(media_type: str, given: Document, schemas: Schemas) -> list[str]:
    example = _given_example(given)
    if example is None:
        example = schemas.example_of(given.get("schema", {}))
    if media_type not in _FORMS:
        return [f"--json {quote(json.dumps(example, ensure_ascii=False))}"]
    required = schemas.resolved(given.get("schema", {})).get("required", ())
    fields = example if isinstance(example, dict) else {}
    return [f"-F {quote(f'{name}={value}')}" for name, value in fields.items() if name in required]
