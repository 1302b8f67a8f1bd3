from dataclasses import replace
from datetime import datetime, timezone
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.answer_findings import Conflict
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, Outcome
from kyo_pipeline.domain.extraction import extract
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.domain.stemming import stems

LEAVE = """Annual leave

Full-time employees receive 30 days of annual leave each year. Part-time employees receive a share of that.
Page 3 of 12
The office is closed on public holidays."""
PASSAGE = Passage(1, UUID(int=1), UUID(int=2), 1, "Handbook", "HR", LEAVE, 50, 50 + len(LEAVE), 3, 3, (), 1.0, 0.6, 5.0)


QUESTION = "How many days of annual leave do employees receive?"


def ask(question: str, *texts: str, similarity: float = 0.6) -> tuple[Draft, Retrieval]:
    passages = tuple(
        replace(PASSAGE, text=text, end=50 + len(text), score=1 - n / 10, similarity=similarity)
        for n, text in enumerate(texts)
    )
    retrieval = Retrieval(passages, dict.fromkeys(stems(question), 1.0), 0.35, 1)
    return extract(question, retrieval), retrieval


def quoted(draft: Draft, retrieval: Retrieval) -> list[str]:
    passages = retrieval.passages
    return [passages[c.index].text[c.start - 50 : c.end - 50] for c in draft.citations]


def test_the_sentence_that_answers_is_quoted_with_exact_offsets() -> None:
    draft, retrieval = ask("How many days of annual leave do employees receive?", LEAVE)
    assert draft.outcome is Outcome.ANSWERED
    assert quoted(draft, retrieval)[0].startswith("Full-time employees receive 30 days")
    assert draft.text.splitlines()[0].endswith("” [1]")
    assert "Page 3" not in draft.text


def test_a_heading_is_never_quoted_but_counts_for_what_follows() -> None:
    text = "Parental leave\n\nYou receive twelve weeks at full pay.\n\nTravel\n\nYou receive a train ticket."
    draft, retrieval = ask("How much parental leave do I receive?", text)
    assert quoted(draft, retrieval)[0] == "You receive twelve weeks at full pay."


def test_an_unrelated_passage_is_no_answer() -> None:
    draft, _ = ask("Who plays the killer in Scream?", LEAVE, similarity=0.1)
    assert draft == Draft(NOT_FOUND_TEXT, Outcome.NOT_FOUND)


def test_no_passages_no_answer() -> None:
    assert ask("Anything?")[0].outcome is Outcome.NOT_FOUND


OLD = "Full-time employees receive 28 days of annual leave each calendar year in our company."
NEW = "Full-time employees receive 30 days of annual leave each calendar year in our company."


def bold(draft: Draft) -> list[str]:
    return [draft.text[span.start : span.end] for span in draft.findings.emphasis]


def test_what_is_said_twice_is_quoted_once() -> None:
    draft, _ = ask("How many days of annual leave do employees receive?", NEW, NEW.replace("in our company", "here"))
    assert draft.text.count("30 days") == 1
    assert bold(draft) == ["30 days"]


def test_sources_that_differ_are_both_quoted_the_newer_first() -> None:
    _, retrieval = ask(QUESTION, OLD, NEW)
    old, new = retrieval.passages
    other = replace(
        retrieval,
        passages=(
            replace(old, dated=datetime(2024, 5, 1, tzinfo=timezone.utc)),
            replace(new, document_id=UUID(int=7), dated=datetime(2026, 5, 1, tzinfo=timezone.utc)),
        ),
    )
    draft = extract(QUESTION, other)
    assert quoted(draft, other) == [NEW, OLD]
    assert draft.findings.conflicts == (Conflict(1, 2, is_dated=True),)
    assert bold(draft) == ["30 days", "28 days"]


def test_what_contradicts_the_answer_is_quoted_though_better_sentences_crowd_it_out() -> None:
    crowd = [f"Employees receive days of annual leave of type {letter}." for letter in "abcd"]
    _, retrieval = ask(QUESTION, "\n\n".join([NEW, *crowd]), OLD)
    passages = (retrieval.passages[0], replace(retrieval.passages[1], document_id=UUID(int=7), score=0.1))
    draft = extract(QUESTION, replace(retrieval, passages=passages))
    assert "28 days" in draft.text
    assert len(draft.findings.conflicts) == 1
    assert not draft.findings.conflicts[0].is_dated


def test_rows_of_one_section_differ_and_contradict_nothing() -> None:
    draft, _ = ask(QUESTION, f"{NEW} {OLD}")
    assert "28 days" in draft.text
    assert draft.findings.conflicts == ()


def test_a_list_comes_with_the_sentence_that_opens_it() -> None:
    text = "To claim travel costs, attach these documents:\n- the receipt\n- the approved travel request\n\nThanks."
    draft, retrieval = ask("Which documents do I attach to claim travel costs?", text)
    assert quoted(draft, retrieval)[0].endswith("- the approved travel request")


def test_an_endless_sentence_is_cut_at_a_clause() -> None:
    text = "Employees receive annual leave of 30 days, " + "which is more than elsewhere, " * 60 + "and good."
    draft, retrieval = ask("How many days of annual leave do employees receive?", text)
    (only,) = quoted(draft, retrieval)
    assert len(only) <= 700
    assert only.endswith("elsewhere")


def test_similarity_decides_between_sentences_with_the_same_words() -> None:
    text = "Leave requests annoy the printer. Leave requests go to the manager."
    retrieval = Retrieval((replace(PASSAGE, text=text),), {"leav": 1.0, "request": 1.0}, 0.35, 1)
    draft = extract("leave requests", retrieval, lambda _, texts: [float("manager" in t) for t in texts])
    assert "manager" in draft.text


def test_a_marker_in_a_document_is_not_one_of_ours() -> None:
    draft, retrieval = ask("How many days of annual leave?", "Employees receive 30 days of annual leave [4][1, 2].")
    assert draft.text == "“Employees receive 30 days of annual leave (4)(1, 2).” [1]"
    assert quoted(draft, retrieval) == [retrieval.passages[0].text]


@given(st.lists(st.text(max_size=200), max_size=4), st.text(max_size=60))
def test_whatever_the_texts_citations_lie_inside_them(texts: list[str], question: str) -> None:
    draft, retrieval = ask(question, *texts)
    for citation in draft.citations:
        passage = retrieval.passages[citation.index]
        assert passage.start <= citation.start < citation.end <= passage.end
    assert (draft.outcome is Outcome.ANSWERED) == bool(draft.citations)
    for span in draft.findings.emphasis:
        assert 0 <= span.start < span.end <= len(draft.text)


def test_of_a_follow_up_the_words_of_its_topic_make_nothing_bold() -> None:
    text = "The canteen opens at 11:45 and closes at 14:15 on working days."
    passage = Passage(1, UUID(int=1), UUID(int=2), 1, "canteen", "HR", text, 0, len(text), 1, 1, (), 1.0, 0.8, 5.0)
    retrieval = Retrieval((passage,), {"close": 2.0, "canteen": 2.0, "open": 2.0}, 0.3, 1)
    draft = extract("And when does it close? (canteen open)", retrieval)
    assert draft.outcome is Outcome.ANSWERED
    assert "11:45" not in [draft.text[span.start : span.end] for span in draft.findings.emphasis]
