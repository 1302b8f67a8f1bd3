"""The MCP server's tools, asked by the official client in this process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp import Client

from kyo_app import runtime
from kyo_app.agents.tools import AnyContext, Caller, create_server
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.scopes import Scope, granted
from kyo_pipeline.errors import NotSignedIn
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking

LEAVE = "Everybody has 27 days of paid leave in a year. Leave is agreed with the manager."

Call = Callable[..., Any]


@pytest.fixture
def call(kyo: Kyo) -> Iterator[Call]:
    """Calls a tool as somebody; returns what it gives, or the text of its error."""

    def ask(actor: Actor | Exception, tool: str, **arguments: Any) -> Any:
        async def identify(_: AnyContext) -> Caller:
            if isinstance(actor, Exception):
                raise actor
            return Caller(actor, "192.0.2.7")

        async def talk() -> Any:
            async with Client(create_server(identify)) as client:
                return await client.call_tool(tool, arguments)

        result = anyio.run(talk)
        return result.content[0].text if result.is_error else result.structured_content

    with runtime.using(kyo):
        yield ask


@pytest.fixture
def leave(publish: Callable[[str, str], None]) -> None:
    publish("leave.txt", LEAVE)


def test_each_tool_says_what_it_takes_and_gives() -> None:
    async def identify(_: AnyContext) -> Caller:
        raise AssertionError("nobody asks")

    async def talk() -> Any:
        async with Client(create_server(identify)) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in anyio.run(talk)}
    assert set(tools) == {"search", "ask", "read_passage", "list_documents"}
    for tool in tools.values():
        assert tool.description
        assert tool.output_schema
        assert "context" not in tool.input_schema["properties"]
    assert tools["search"].annotations.read_only_hint
    assert not tools["ask"].annotations.read_only_hint


@pytest.mark.usefixtures("leave")
def test_a_question_is_answered_with_citations_that_can_be_read(call: Call, employee: Actor) -> None:
    answer = call(employee, "ask", question="How many days of leave are there?")
    assert answer["outcome"] == "answered"
    assert "27 days" in answer["text"]
    [citation] = answer["citations"]
    places = {name: citation[name] for name in ("version_id", "start", "end")}
    passage = call(employee, "read_passage", **places)
    assert passage["quote"] == citation["quote"]
    assert passage["title"] == "leave"


@pytest.mark.usefixtures("leave")
def test_passages_and_documents_are_found(call: Call, employee: Actor) -> None:
    [passage] = call(employee, "search", query="days of leave")["passages"]
    assert passage["text"] == LEAVE
    documents = call(employee, "list_documents", query="leave")
    assert [one["title"] for one in documents["documents"]] == ["leave"]
    assert call(employee, "list_documents", query="nothing like it") == {"documents": [], "total": 0}


@pytest.mark.usefixtures("leave")
def test_what_nothing_is_about_is_not_found(call: Call, employee: Actor) -> None:
    answer = call(employee, "ask", question="Who won the chess tournament in Reykjavik?")
    assert (answer["outcome"], answer["citations"]) == ("not_found", [])


def test_nobody_learns_of_what_they_may_not_read(
    kyo: Kyo,
    call: Call,
    person: Callable[[Role], Actor],
    employee: Actor,
    publish: Callable[[str, str], None],
    sql: Callable[..., list[Any]],
) -> None:
    publish("leave.txt", LEAVE)
    found = asking.search(kyo, employee, "days of leave").passages[0]
    sql("update collections set everyone_access = null")
    stranger = person(Role.EMPLOYEE)
    assert call(stranger, "search", query="days of leave") == {"passages": []}
    assert call(stranger, "list_documents") == {"documents": [], "total": 0}
    assert call(stranger, "ask", question="How many days of leave?")["outcome"] == "not_found"
    place = {"version_id": str(found.version_id), "start": found.start, "end": found.end}
    assert "There is no such document" in call(stranger, "read_passage", **place)


def test_a_key_does_only_what_it_was_made_for(call: Call, employee: Actor, sql: Callable[..., list[Any]]) -> None:
    reader = replace(employee, key="reader", only=granted(frozenset({Scope.DOCUMENTS_READ})))
    assert call(reader, "list_documents") == {"documents": [], "total": 0}
    assert "This API key was not made for that: answer:ask" in call(reader, "ask", question="Why?")
    [(event, details, address)] = sql("select event, details, address from audit_log")
    assert (event, details["api_key"], address) == ("access:refuse", "reader", "192.0.2.7")


def test_refusals_are_sentences(kyo: Kyo, call: Call, employee: Actor, manager: Actor) -> None:
    assert "is over" in call(NotSignedIn("This sign-in is over."), "search", query="leave")
    other = asking.ask(kyo, manager, "How many days?").conversation_id
    assert "no such conversation" in call(employee, "ask", question="And then?", conversation_id=str(other))


def test_a_limit_says_until_when(call: Call, employee: Actor, with_settings: Callable[..., Kyo]) -> None:
    with runtime.using(with_settings(MAX_QUERIES_PER_DAY=1)):
        call(employee, "ask", question="How many days?")
        assert "It works again from" in call(employee, "ask", question="How many days, then?")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("ask", {"question": ""}),
        ("ask", {"question": "x" * 2001}),
        ("ask", {"question": "x", "conversation_id": "me"}),
        ("ask", {}),
        ("search", {"query": "x", "limit": 21}),
        ("search", {"query": " "}),
        ("search", {"query": "\x00"}),
        ("read_passage", {"version_id": "00000000-0000-0000-0000-000000000000", "start": 5, "end": 5}),
        ("read_passage", {"version_id": "00000000-0000-0000-0000-000000000000", "start": -1, "end": 5}),
        ("read_passage", {"version_id": "00000000-0000-0000-0000-000000000000", "start": 0, "end": 2**40}),
        ("list_documents", {"limit": 0}),
        ("list_documents", {"offset": -1}),
    ],
)
def test_odd_arguments_are_refused(call: Call, employee: Actor, tool: str, arguments: dict[str, Any]) -> None:
    said = call(employee, tool, **arguments)
    assert isinstance(said, str)
    assert "unexpected" not in said


def test_what_nobody_has_foreseen_tells_nothing_of_itself(
    call: Call, employee: Actor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(asking, "search", fail)
    said = call(employee, "search", query="leave")
    assert "Something unexpected went wrong" in said
    assert "secret" not in said
    assert "secret of the house" in caplog.text
