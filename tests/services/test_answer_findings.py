"""What is found about an answer, from the question to what is stored and read again."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kyo_pipeline import checking
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answer_findings import NOTHING, Conflict
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, history, library, reviewing
from kyo_pipeline.settings import PROJECT_ROOT
from tests.conftest import Clock
from tests.fakes import OtherEmbedder, ScriptedGenerator

Publish = Callable[[str, str], None]
Sql = Callable[..., list[Any]]

VERSIONS = PROJECT_ROOT.parent / "shared/data/versions"
LEAVE = "Everybody has thirty days of paid leave a year. Unused leave ends in March."
HOTEL = "A night in a hotel may cost 150 euros at most on business trips."
TRIPS = "What may a night in a hotel cost on business trips?"


def written(kyo: Kyo, text: str, *citations: DraftCitation, **values: Any) -> Kyo:
    """Kyo with a language model that writes this and cites so."""
    draft = Draft(text, Outcome.ANSWERED, citations, 10, 5, **values)
    return replace(kyo, generator=ScriptedGenerator([text], draft))


def marked(answer: Answer) -> list[str]:
    return [answer.text[span.start : span.end] for span in answer.findings.unsupported]


@pytest.fixture
def published(publish: Publish, clock: Clock) -> None:
    publish("leave.txt", LEAVE)
    clock.advance(days=30)


@pytest.mark.usefixtures("published")
def test_sentences_of_a_model_without_support_are_marked_and_stay(kyo: Kyo, employee: Actor) -> None:
    text = "Everybody has 30 days of paid leave [1]. Managers get a company car and 5 phones [1]."
    answer = asking.ask(written(kyo, text, DraftCitation(1, 0, 0, len(LEAVE))), employee, "How many days of leave?")
    assert answer.text == text
    assert marked(answer) == ["Managers get a company car and 5 phones [1]."]
    assert history.read_answer(kyo, employee, answer.id).findings == answer.findings


@pytest.mark.usefixtures("published")
def test_offsets_are_those_of_the_text_that_is_stored(kyo: Kyo, employee: Actor) -> None:
    text = " \x00Paid leave\x00 is thirty days [1]. \ud83dManagers get a company car [1]."
    answer = asking.ask(written(kyo, text, DraftCitation(1, 0, 0, len(LEAVE))), employee, "How many days of leave?")
    assert marked(answer) == ["Managers get a company car [1]."]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("backend", "sent"), [("builtin", ["Paid leave a year is 30 days for staff."]), ("huggingface", [])]
)
def test_sentences_are_not_sent_to_a_remote_model(kyo: Kyo, employee: Actor, backend: str, sent: list[str]) -> None:
    draft = Draft("Paid leave a year is 30 days for staff.", Outcome.ANSWERED, (DraftCitation(1, 0, 0, len(LEAVE)),))
    retrieval = asking.search(kyo, employee, "How many days of leave?")
    embedder = OtherEmbedder(kyo.embedder, replace(kyo.embedder.spec, backend=backend))
    other = replace(kyo, embedder=embedder, generator=ScriptedGenerator([], draft))
    checking.checked(other, employee, "How many days of leave?", draft, retrieval)
    assert embedder.queries == sent


@pytest.mark.usefixtures("published")
def test_quotes_are_supported_and_the_words_that_answer_stand_out(kyo: Kyo, employee: Actor) -> None:
    answer = asking.ask(kyo, employee, "How many days of paid leave does everybody have?")
    assert answer.findings.unsupported == ()
    [bold] = answer.findings.emphasis
    assert answer.text[bold.start : bold.end] == "thirty days"


@pytest.mark.usefixtures("published")
def test_who_wrote_it_and_a_notice_are_stored(kyo: Kyo, employee: Actor) -> None:
    fallback = written(
        kyo,
        "Leave is thirty days [1].",
        DraftCitation(1, 0, 0, 46),
        generator="extractive",
        model="quotes",
        notice="The language model does not answer; these are quotes.\x00",
    )
    answer = asking.ask(fallback, employee, "How many days of leave?")
    assert (answer.generator, answer.model) == ("extractive", "quotes")
    assert answer.findings.notice == "The language model does not answer; these are quotes."


def test_sources_that_differ_are_told_newer_first(kyo: Kyo, employee: Actor, publish: Publish, clock: Clock) -> None:
    publish("old.txt", HOTEL)
    clock.advance(days=400)
    publish("new.txt", HOTEL.replace("150", "180"))
    answer = asking.ask(kyo, employee, TRIPS)
    assert [citation.title for citation in answer.citations] == ["new", "old"]
    assert answer.findings.conflicts == (Conflict(1, 2, is_dated=True),)
    newer, older = (citation.dated for citation in answer.citations)
    assert newer is not None
    assert older is not None
    assert (newer - older).days == 400


def test_sources_that_a_model_cites_are_compared_too(kyo: Kyo, employee: Actor, publish: Publish, clock: Clock) -> None:
    publish("old.txt", HOTEL)
    clock.advance(days=1)
    publish("new.txt", HOTEL.replace("150", "180"))
    titles = [passage.title for passage in asking.search(kyo, employee, TRIPS).passages]
    cited = [DraftCitation(n, titles.index(title), 0, len(HOTEL)) for n, title in ((1, "old"), (2, "new"))]
    answer = asking.ask(written(kyo, "It may cost 150 euros [1] or 180 euros [2].", *cited), employee, TRIPS)
    assert answer.findings.conflicts == (Conflict(2, 1, is_dated=True),)


def nearest(answer: Answer) -> list[tuple[str, str]]:
    return [(one.title, one.owner) for one in answer.nearest]


QUESTION = "How many days of paid leave may be carried over to another employer in Portugal or Spain?"


@pytest.mark.usefixtures("published")
def test_what_was_not_found_names_the_nearest_documents_and_their_owners(
    kyo: Kyo, employee: Actor, publish: Publish
) -> None:
    publish("printers.txt", "The printer on the second floor is out of order.")
    answer = asking.ask(kyo, employee, QUESTION)
    assert answer.outcome is Outcome.NOT_FOUND
    assert nearest(answer) == [("leave", employee.name)]
    assert history.read_answer(kyo, employee, answer.id) == answer


@pytest.mark.usefixtures("published")
def test_far_documents_are_not_named(kyo: Kyo, employee: Actor) -> None:
    assert nearest(asking.ask(kyo, employee, "Who won the world cup of 1966?")) == []


def test_only_those_are_named_that_may_still_be_read(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    person: Callable[[Role], Actor],
    collection: Callable[..., str],
    run_pipeline: Callable[[], None],
    sql: Sql,
) -> None:
    name = collection("Board", None, {employee: "write", manager: "approve"})
    document = library.upload(kyo, employee, "leave.txt", LEAVE.encode(), name).document
    run_pipeline()
    reviewing.approve(kyo, manager, document.latest.id)
    answer = asking.ask(kyo, employee, QUESTION)
    assert nearest(answer) == [("leave", employee.name)]
    assert nearest(asking.ask(kyo, person(Role.EMPLOYEE), QUESTION)) == []
    sql("delete from collection_members where user_id = :user", user=employee.id)
    assert nearest(history.read_answer(kyo, employee, answer.id)) == []


@pytest.mark.usefixtures("published")
def test_what_is_archived_is_not_named_and_what_is_deleted_is_forgotten(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, sql: Sql
) -> None:
    answer = asking.ask(kyo, employee, QUESTION)
    [document] = answer.nearest
    curating.archive(kyo, manager, document.document_id)
    assert history.read_answer(kyo, employee, answer.id).nearest == ()
    assert len(sql("select from near_documents")) == 1
    curating.delete(kyo, admin, document.document_id)
    assert sql("select from near_documents") == []


@pytest.mark.usefixtures("published")
def test_findings_go_with_the_text_when_a_document_is_deleted(
    kyo: Kyo, employee: Actor, admin: Actor, sql: Sql
) -> None:
    answer = asking.ask(kyo, employee, "How many days of paid leave does everybody have?")
    assert answer.findings.emphasis
    curating.delete(kyo, admin, answer.citations[0].document_id)
    assert history.read_answer(kyo, employee, answer.id).findings == NOTHING
    assert sql("select findings from answers") == [({},)]


@pytest.mark.usefixtures("published")
def test_of_an_answer_that_may_no_longer_be_read_nothing_found_is_told(
    kyo: Kyo, person: Callable[[Role], Actor], sql: Sql
) -> None:
    reader = person(Role.EMPLOYEE)
    answer = asking.ask(kyo, reader, "How many days of paid leave does everybody have?")
    assert answer.findings.emphasis
    sql("update collections set everyone_access = null")
    withheld = history.read_answer(kyo, reader, answer.id)
    assert (withheld.outcome, withheld.findings) == (Outcome.WITHHELD, NOTHING)


@pytest.mark.skipif(not VERSIONS.is_dir(), reason="there is no shared data beside this project")
@pytest.mark.parametrize("edit_id", ["18f-011", "18f-023", "18f-085"])
def test_a_real_page_and_its_successor_as_two_documents_are_said_to_differ(
    kyo: Kyo, employee: Actor, publish: Publish, clock: Clock, edit_id: str
) -> None:
    lines = (VERSIONS / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    [edit] = [one for one in map(json.loads, lines) if one["id"] == edit_id]
    for title, side in (("before", "before_file"), ("after", "after_file")):
        publish(f"{title}.txt", (VERSIONS / edit[side]).read_text(encoding="utf-8"))
        clock.advance(days=100)
    answer = asking.ask(kyo, employee, edit["text"])
    titles = {citation.marker: citation.title for citation in answer.citations}
    assert ("after", "before") in {(titles[one.newer], titles[one.older]) for one in answer.findings.conflicts}
    assert answer.text.index(edit["after_answer"]) < answer.text.index(edit["before_answer"])
