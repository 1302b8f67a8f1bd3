"""From a question to a stored answer."""

import unicodedata
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

import pytest

from kyo_pipeline import checking, finding
from kyo_pipeline.db import questions
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.errors import Conflict, Invalid, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history, library, reviewing
from tests.fakes import DownCache, MemoryCache, OtherEmbedder, ScriptedGenerator

Publish = Callable[[str, str], None]
Sql = Callable[..., list[Any]]
Form = Literal["NFC", "NFD"]

LEAVE = "Everybody has thirty days of paid leave a year. Unused leave ends in March."
ANSWER = Draft("Thirty days [1].", Outcome.ANSWERED, (DraftCitation(1, 0, 0, 46),), 120, 5)


@pytest.fixture
def scripted(kyo: Kyo, publish: Publish) -> Callable[..., Kyo]:
    """Kyo with a searchable document, whose generator writes what it is told."""
    publish("leave.txt", LEAVE)
    return lambda *pieces, end=ANSWER: replace(kyo, generator=ScriptedGenerator(pieces, end))


def test_an_answer_quotes_and_cites_and_is_stored(kyo: Kyo, employee: Actor, publish: Publish, sql: Sql) -> None:
    publish("leave.txt", LEAVE)
    answer = asking.ask(kyo, employee, "  How many days\nof paid leave are there? ")
    assert answer.outcome is Outcome.ANSWERED
    assert answer.question == "How many days of paid leave are there?"
    assert "thirty days" in answer.text
    assert "thirty days" in answer.citations[0].quote
    assert set(answer.timings) == {"embed", "search", "generate"}
    assert history.read_answer(kyo, employee, answer.id) == answer
    [row] = sql("select * from audit_log where event = 'answer:ask'")
    assert (row.object_id, row.actor_id, row.details["outcome"]) == (str(answer.id), employee.id, "answered")
    assert "leave" not in str(row.details)


@pytest.mark.parametrize("question", ["How many days of leave?", "Who won the world cup of 1966?"])
def test_without_evidence_the_answer_is_that_it_was_not_found(
    kyo: Kyo, employee: Actor, publish: Publish, question: str
) -> None:
    if "cup" in question:
        publish("leave.txt", LEAVE)
    answer = asking.ask(kyo, employee, question)
    assert (answer.outcome, answer.text, answer.citations) == (Outcome.NOT_FOUND, NOT_FOUND_TEXT, ())


def test_the_stream_is_what_the_generator_writes_and_the_answer_what_it_checked(
    scripted: Callable[..., Kyo], employee: Actor
) -> None:
    stream = asking.stream_answer(scripted("Thirty ", "days [7]."), employee, "How many?")
    assert next(stream) == "Thirty "
    assert next(stream) == "days [7]."
    with pytest.raises(StopIteration) as stopped:
        next(stream)
    answer: Answer = stopped.value.value
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("Thirty days [1].", 120, 5)
    assert [(one.marker, one.quote) for one in answer.citations] == [(1, LEAVE[:46])]


def only(kyo: Kyo, actor: Actor) -> Answer:
    [summary] = history.list_answers(kyo, actor).answers
    return history.read_answer(kyo, actor, summary.id)


def test_stopping_in_the_middle_keeps_what_there_is(scripted: Callable[..., Kyo], employee: Actor) -> None:
    kyo = scripted("Thirty ", "days ", "of leave.")
    stream = asking.stream_answer(kyo, employee, "How many?")
    assert next(stream) + next(stream) == "Thirty days "
    stream.close()
    assert (only(kyo, employee).text, only(kyo, employee).outcome) == ("Thirty days", Outcome.STOPPED)
    assert isinstance(kyo.generator, ScriptedGenerator)
    assert kyo.generator.closed


@pytest.mark.parametrize("marker", ["[4]", "[1, 2]", "[[4]1]", "【1†source】", "[\x004]", "[\ud8004]", "[4"])
def test_a_stopped_answer_shows_no_source_that_nobody_checked(
    scripted: Callable[..., Kyo], employee: Actor, marker: str
) -> None:
    kyo = scripted("Invented ", marker, ".")
    stream = asking.stream_answer(kyo, employee, "How many?")
    assert next(stream) + next(stream)
    stream.close()
    assert (only(kyo, employee).text, only(kyo, employee).outcome) == ("Invented", Outcome.STOPPED)


def test_an_answer_that_broke_shows_no_source_that_nobody_checked(
    scripted: Callable[..., Kyo], employee: Actor
) -> None:
    kyo = scripted("Invented [4].", end=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        asking.ask(kyo, employee, "How many?")
    assert only(kyo, employee).text == "Invented."


@pytest.mark.parametrize(
    "end", [replace(ANSWER, text="Thirty\x00 \ud83ddays [1]."), Unavailable("Thirty\x00 \ud83ddays [1].")]
)
def test_what_postgresql_cannot_hold_is_left_out(
    scripted: Callable[..., Kyo], employee: Actor, end: Draft | Unavailable
) -> None:
    kyo = scripted("Thirty\x00 ", "\ud83ddays", end=end)
    with suppress(Unavailable):
        assert "".join(asking.stream_answer(kyo, employee, "How many?")) == "Thirty days"
    assert only(kyo, employee).text == "Thirty days [1]."


def test_a_stream_that_nobody_began_asked_nothing(scripted: Callable[..., Kyo], employee: Actor, sql: Sql) -> None:
    stream: Generator[str, None, Answer] = asking.stream_answer(scripted("Thirty."), employee, "How many?")
    stream.close()
    assert sql("select from questions") == []


@pytest.mark.parametrize("pieces", [(), ("Thirty ",)])
def test_a_model_that_goes_away_leaves_a_failed_answer(
    scripted: Callable[..., Kyo], employee: Actor, pieces: tuple[str, ...]
) -> None:
    kyo = scripted(*pieces, end=Unavailable("The model does not answer."))
    with pytest.raises(Unavailable, match="The model does not answer"):
        asking.ask(kyo, employee, "How many?")
    assert (only(kyo, employee).text, only(kyo, employee).outcome) == ("The model does not answer.", Outcome.FAILED)


def test_a_bug_in_a_generator_is_a_failure_and_not_a_stop(scripted: Callable[..., Kyo], employee: Actor) -> None:
    kyo = scripted("Thirty ", end=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        asking.ask(kyo, employee, "How many?")
    assert only(kyo, employee).outcome is Outcome.FAILED


def test_an_embedder_that_does_not_answer_leaves_the_question_in_the_history(
    kyo: Kyo, employee: Actor, publish: Publish
) -> None:
    publish("leave.txt", LEAVE)
    away = replace(kyo, embedder=OtherEmbedder(kyo.embedder, kyo.embedder.spec, broken=Unavailable("No model.")))
    with pytest.raises(Unavailable):
        asking.ask(away, employee, "How many?")
    assert (only(kyo, employee).question, only(kyo, employee).outcome) == ("How many?", Outcome.FAILED)
    with pytest.raises(Unavailable):
        asking.search(away, employee, "Something else?")


def test_a_model_of_another_space_is_a_conflict_and_never_a_wrong_answer(
    kyo: Kyo, employee: Actor, publish: Publish
) -> None:
    publish("leave.txt", LEAVE)
    other = replace(kyo, embedder=OtherEmbedder(kyo.embedder))
    with pytest.raises(Conflict, match="another model"):
        asking.ask(other, employee, "How many?")
    assert only(kyo, employee).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" a \n\t b ", "a b"),
        ("a\x00b\x07c", "abc"),
        ("a\u202eb\ud800c\u200b", "abc"),
        ("ﬁ ½ 休暇 🙂", "ﬁ ½ 休暇 🙂"),
        ("u\u0308 u\u200b\u0308", "ü ü"),
        ("x" * 2000, "x" * 2000),
        ("u\u0308" * 2000, "ü" * 2000),
        (" " * 5000 + "x", "x"),
    ],
)
def test_questions_are_cleaned_of_what_cannot_be_stored(typed: str, stored: str) -> None:
    assert asking.clean_question(typed) == stored


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_are_found_however_they_are_typed(kyo: Kyo, employee: Actor, publish: Publish, form: Form) -> None:
    publish("urlaub.txt", "Die Übergangsjäger erhalten dreißig Prämienhäute.")  # as every parser gives it
    question = unicodedata.normalize(form, "Prämienhäute der Übergangsjäger?")
    [passage] = asking.search(kyo, employee, question).passages
    assert passage.lexical > 0
    assert asking.ask(kyo, employee, question).outcome is Outcome.ANSWERED


@pytest.mark.parametrize("typed", ["", "  \n ", "\x00", "\u200b\u200b", "x" * 2001])
def test_questions_that_are_none_are_refused_and_not_stored(kyo: Kyo, employee: Actor, sql: Sql, typed: str) -> None:
    with pytest.raises(Invalid):
        asking.ask(kyo, employee, typed)
    assert sql("select from questions") == []


def test_a_question_is_embedded_once(kyo: Kyo, employee: Actor, publish: Publish) -> None:
    publish("leave.txt", LEAVE)
    counting = OtherEmbedder(kyo.embedder, kyo.embedder.spec)
    counted = replace(kyo, embedder=counting)
    first = asking.search(counted, employee, "How many?")
    assert asking.search(counted, employee, "How  many?") == first
    assert counting.queries == ["How many?"]


@pytest.mark.parametrize("change", ["model", "revision", "pooling", "query_prefix"])
def test_the_vector_cache_never_serves_another_model(kyo: Kyo, change: str) -> None:
    finding.vector_of(kyo, "How many?")
    changed: dict[str, Any] = {change: "another"}
    other = OtherEmbedder(kyo.embedder, replace(kyo.embedder.spec, **changed))
    finding.vector_of(replace(kyo, embedder=other), "How many?")
    assert other.queries == ["How many?"]


def test_a_spoilt_cache_entry_is_a_miss(kyo: Kyo, employee: Actor, publish: Publish) -> None:
    publish("leave.txt", LEAVE)
    expected = asking.search(kyo, employee, "How many?")
    assert isinstance(kyo.cache, MemoryCache)
    for key in kyo.cache.values:
        kyo.cache.values[key] = b"half"
    assert asking.search(kyo, employee, "How many?") == expected


def test_without_a_cache_everything_works(kyo: Kyo, employee: Actor, publish: Publish) -> None:
    publish("leave.txt", LEAVE)
    down = replace(kyo, cache=DownCache())
    assert asking.ask(down, employee, "How many days of paid leave?").outcome is Outcome.ANSWERED


def test_the_cache_never_widens_what_somebody_may_read(
    kyo: Kyo, employee: Actor, person: Callable[[Role], Actor], collection: Callable[..., str], run_pipeline: Any
) -> None:
    member = person(Role.EMPLOYEE)
    name = collection("Board", None, {member: "write"})
    document = library.upload(kyo, member, "merger.txt", b"The merger comes in May.", name).document
    run_pipeline()
    reviewing.approve(kyo, person(Role.ADMIN), document.latest.id)
    assert asking.ask(kyo, member, "When does the merger come?").outcome is Outcome.ANSWERED
    assert asking.ask(kyo, employee, "When does the merger come?").outcome is Outcome.NOT_FOUND


def test_the_limit_of_passages(kyo: Kyo, employee: Actor, publish: Publish, with_settings: Callable[..., Kyo]) -> None:
    for number in range(3):
        publish(f"{number}.txt", f"{LEAVE} {number}")
    assert len(asking.search(kyo, employee, "leave", 1).passages) == 1
    assert len(asking.search(with_settings(TOP_K_RESULTS=2), employee, "leave").passages) == 2


def test_leaving_while_the_database_is_away_is_no_error(
    scripted: Callable[..., Kyo], employee: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever were raised here would take the place of the stop that Streamlit waits for."""
    stream = asking.stream_answer(scripted("Thirty ", "days."), employee, "How many?")
    next(stream)
    monkeypatch.setattr(questions, "add_answer", _unavailable)
    stream.close()


def test_an_answer_that_cannot_be_checked_is_kept_and_its_reader_told(
    scripted: Callable[..., Kyo], employee: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "checked", _unavailable)
    answer = asking.ask(scripted("Thirty days [7]."), employee, "How many?")
    assert answer.text == "Thirty days [1]."
    assert "could not be compared" in answer.findings.notice


def _unavailable(*_: object) -> None:
    raise Unavailable("The database is away.")
