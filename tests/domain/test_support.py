import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.support import is_supported, sentences_of, unsupported
from kyo_pipeline.settings import PROJECT_ROOT

CLAPNQ = PROJECT_ROOT.parent / "shared/data/clapnq"

LEAVE = "Full-time employees receive thirty days of annual leave in each calendar year. Unused leave ends in March."
PARKING = "Bicycles may be parked in the cellar of the north building by everybody."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One day [1]. Two days [2].", [("One day [1].", (1,)), ("Two days [2].", (2,))]),
        ("One day. [1] Two days. [2][3]", [("One day. [1]", (1,)), ("Two days. [2][3]", (2, 3))]),
        ("One day.", [("One day.", ())]),
        ("[1] One day.", [("[1] One day.", (1,))]),
        ("", []),
    ],
)
def test_a_marker_belongs_to_the_sentence_that_it_ends(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    found = sentences_of(text)
    assert [(text[one.start : one.end], one.markers) for one in found] == expected


def marked(text: str, cited: dict[int, str]) -> list[str]:
    return [text[span.start : span.end] for span in unsupported(text, cited, {})]


def test_what_the_cited_passage_says_is_not_marked() -> None:
    assert marked("Employees receive 30 days of annual leave each year [1].", {1: LEAVE}) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Employees receive 31 days of annual leave each year [1].",
        "Unused annual leave of employees ends in April [1].",
        "Managers distribute expensive laptops and telephones [1].",
        "Bicycles may be parked in the cellar [1].",
    ],
)
def test_what_it_does_not_say_is_marked(sentence: str) -> None:
    text = f"Unused leave ends in March [1]. {sentence}"
    assert marked(text, {1: LEAVE, 2: PARKING}) == [sentence]


def test_a_sentence_without_a_marker_may_rest_on_all_that_is_cited() -> None:
    assert marked("Bicycles may be parked in the cellar.", {1: LEAVE, 2: PARKING}) == []


@pytest.mark.parametrize("sentence", ["Yes.", "The passages say this:", "So [1]."])
def test_what_states_nothing_is_not_marked(sentence: str) -> None:
    assert marked(sentence, {1: LEAVE}) == []


def test_an_answer_in_another_language_is_checked_by_its_numbers_alone() -> None:
    german = "Vollzeitkräfte erhalten in jedem Kalenderjahr einen bezahlten Erholungsurlaub von {} Tagen [1]."
    assert marked(german.format(30), {1: LEAVE}) == []
    assert marked(german.format(31), {1: LEAVE}) == [german.format(31)]


def test_chinese_is_compared_by_its_letters() -> None:
    passage = "员工每年享有三十天带薪年假。"
    assert marked("员工每年有三十天年假。", {1: passage}) == []
    assert marked("公司食堂周末关闭。", {1: passage}) == ["公司食堂周末关闭。"]


def test_a_paraphrase_is_borne_out_by_its_likeness() -> None:
    asked: list[str] = []

    def close(sentence: str, others: Sequence[str]) -> list[float]:
        asked.append(sentence)
        return [0.95 for _ in others]

    paraphrase = "Each year staff get days of annual holiday."
    assert not is_supported(paraphrase, [LEAVE], {"holiday": 9.0, "staff": 5.0})
    assert is_supported(paraphrase, [LEAVE], {"holiday": 3.0, "staff": 3.0}, close)
    assert asked == [paraphrase]
    assert not is_supported("Bicycles may be parked here.", [LEAVE], {}, close)
    assert asked == [paraphrase], "no cosine could change that"


@given(st.text(max_size=200), st.dictionaries(st.integers(1, 5), st.text(max_size=100), max_size=4))
def test_marked_sentences_lie_inside_the_text_in_order(text: str, cited: dict[int, str]) -> None:
    edges = [edge for span in unsupported(text, cited, {}) for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)


@pytest.mark.skipif(not CLAPNQ.is_dir(), reason="there is no shared data beside this project")
def test_gold_answers_are_borne_out_by_their_passage_and_not_by_the_next_one() -> None:
    rows = [json.loads(line) for line in (CLAPNQ / "corpus.jsonl").read_text(encoding="utf-8").split("\n") if line]
    texts = {row["id"]: row["text"] for row in rows}
    own = dict(line.split("\t")[:2] for line in (CLAPNQ / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:])
    queries = [json.loads(line) for line in (CLAPNQ / "queries.jsonl").read_text(encoding="utf-8").split("\n") if line]
    answers = [(texts[own[row["id"]]], row["answers"][0]) for row in queries if row["id"] in own and row.get("answers")]
    others = [passage for passage, _ in answers[1:] + answers[:1]]
    wrong = sum(bool(unsupported(answer, {1: passage}, {})) for passage, answer in answers)
    missed = sum(not unsupported(answer, {1: other}, {}) for other, (_, answer) in zip(others, answers, strict=True))
    assert len(answers) > 100
    assert wrong < 0.06 * len(answers)
    assert missed < 0.06 * len(answers)
