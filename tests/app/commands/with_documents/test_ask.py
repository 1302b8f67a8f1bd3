"""`kyo search` and `kyo ask`, as the operator and as somebody."""

from collections.abc import Generator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from uuid import UUID

import psycopg2
import pytest

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, Outcome
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import verifying
from kyo_pipeline.settings import load_settings
from tests.shell import Shell


def test_search(ingested: Shell) -> None:
    shown = ingested("search", "how many days of holiday", "-k", "1")
    assert shown.code == 0
    assert shown.out.startswith("1. ")
    assert "thirty days" in shown.out
    found = ingested("search", "how many days of holiday", "--json").data
    assert isinstance(found, dict)
    assert "thirty days" in found["passages"][0]["text"]


def test_ask(ingested: Shell) -> None:
    shown = ingested("ask", "How many days of paid holiday has every employee?")
    assert shown.code == 0
    assert "*thirty days* of paid holiday" in shown.out
    assert "[1] " in shown.out
    answer = ingested("ask", "How many days of paid holiday has every employee?", "--json").data
    assert isinstance(answer, dict)
    assert answer["outcome"] == "answered"
    assert answer["citations"][0]["file_name"] == "handbook.txt"
    [bold] = answer["findings"]["emphasis"]
    assert answer["text"][bold["start"] : bold["end"]] == "thirty days"


def test_a_question_follows_up_on_a_conversation(ingested: Shell) -> None:
    first = ingested("ask", "How many days of paid holiday has every employee?", "--json").data
    assert isinstance(first, dict)
    assert first["standalone"] is None
    shown = ingested("ask", "When do they expire?", "--conversation", first["conversation_id"])
    assert shown.code == 0
    assert shown.out.startswith("Searched for: When do they expire? (")
    assert "end of March" in shown.out
    unknown = ingested("ask", "And then?", "--conversation", "00000000-0000-0000-0000-000000000009")
    assert (unknown.code, "no such conversation" in unknown.err) == (1, True)
    assert ingested("ask", "And then?", "--conversation", "7").code == 2


def test_a_verified_answer_says_by_whom_and_can_be_passed_by(ingested: Shell) -> None:
    question = "Where may bicycles be parked in the cellar?"
    answer = ingested("ask", question, "--json").data
    with closing(open_kyo(load_settings())) as bundle:
        verifying.verify(bundle, OPERATOR, UUID(answer["id"]), question, text="Down there [1].")
    shown = ingested("ask", question).out
    assert shown.startswith("Verified by KYO operator on ")
    assert f" for: {question}" in shown.splitlines()[0]
    assert ingested("ask", question, "--json").data["text"] == "Down there [1]."
    anew = ingested("ask", question, "--anew").out
    assert "Down there" not in anew
    assert "in the cellar" in anew


class _Rambling:
    """A model that writes something and has nothing to support it."""

    name, model = "huggingface", "rambling"

    def generate(self, question: str, retrieval: Retrieval) -> Generator[str, None, Draft]:
        yield f"Of course the answer to {question} [1]"
        yield f" is in one of {len(retrieval.passages)} passages [7]."
        return Draft(NOT_FOUND_TEXT, Outcome.NOT_FOUND)


def test_only_what_was_checked_and_stored_is_printed(ingested: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kyo_pipeline.kyo.open_generator", lambda *_: _Rambling())
    done = ingested("ask", "How many days of paid holiday has every employee?")
    [said, nearest] = [line for line in done.out.splitlines() if line]
    assert (done.code, said) == (0, NOT_FOUND_TEXT)
    assert nearest.startswith("Nearest document: handbook (owner: ")


def test_acting_as_somebody(ingested: Shell) -> None:
    assert ingested("ask", "How many days?", "--as", "nobody").code == 1
    ingested("users", "add", "eve")
    done = ingested("search", "holiday", "--as", "eve")
    assert done.code == 1, "she must choose a password first, so she may do nothing yet"
    assert done.err.count("\n") == 1


def test_acting_as_somebody_uses_up_their_limits_and_says_when_they_begin_anew(
    ingested: Shell, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingested("users", "add", "lena")
    with closing(psycopg2.connect(database.replace("+psycopg2", ""))) as owner, owner, owner.cursor() as cursor:
        cursor.execute("update kyo.users set must_change_password = false where username = 'lena'")
    now = datetime.now(timezone.utc)
    monkeypatch.setattr("kyo_pipeline.kyo.utc_now", lambda: now)
    monkeypatch.setenv("MAX_QUERIES_PER_DAY", "1")
    assert ingested("ask", "How many days?", "--as", "lena").code == 0
    refused = ingested("ask", "How many days?", "--as", "lena")
    assert refused.code == 1
    tomorrow = f"{now + timedelta(days=1):%Y-%m-%d} 00:00 UTC"
    assert refused.err.endswith(f"It works again from {tomorrow} on.\n")
    assert [ingested("ask", "How many days?").code for _ in range(2)] == [0, 0], "the operator is not limited"
