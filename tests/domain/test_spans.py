import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.spans import Kind, answering_span, kind_of


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When does the office close?", Kind.WHEN),
        ("In what year was it founded?", Kind.WHEN),
        ("How many days of leave do I have when I am ill?", Kind.HOW_MANY),
        ("What is the maximum amount for a hotel?", Kind.HOW_MANY),
        ("Wie viele Tage Urlaub habe ich?", Kind.HOW_MANY),
        ("每年有多少天假期", Kind.HOW_MANY),
        ("Who approves my leave?", Kind.WHO),
        ("Where is the printer?", Kind.WHERE),
        ("How do I apply for leave?", None),
        ("What is a per diem?", None),
        ("", None),
    ],
)
def test_what_a_question_asks_for(question: str, kind: Kind | None) -> None:
    assert kind_of(question) is kind


@pytest.mark.parametrize(
    ("question", "statement", "bold"),
    [
        ("How many days of leave do I get?", "In 2024 you get 30 days of leave.", "30 days"),
        ("How many days of leave do I get?", "You get thirty days of leave, and 2 tickets.", "thirty days"),
        ("How much may a hotel cost?", "A hotel may cost $1,250.50 at most.", "$1,250.50"),
        ("What percentage of the fee is paid?", "We pay 80% of the fee.", "80%"),
        ("How long is the probation period?", "The probation period is six months.", "six months"),
        ("Wie viele Tage Urlaub habe ich?", "Jeder hat 28 Tage Urlaub.", "28 Tage"),
        ("每年有多少天假期", "每年有30天假期", "30天"),
        ("When is the deadline?", "The deadline is 3 March 2026.", "3 March 2026"),
        ("When does the office close?", "The office closes at 5:30 p.m. on all days.", "5:30 p.m."),
        ("When was the company founded?", "The company was founded in 1994 by two people.", "1994"),
        ("Who approves leave?", "Leave is approved by Maria Silva.", "Maria Silva"),
        ("Where is the archive?", "The archive is in Porto.", "Porto"),
        ("How many days of leave?", "Leave has 5 days here and leave has 6 days there.", None),
        ("How many days of leave do I get?", "Leave is agreed with your team.", None),
        ("When does the office close?", "The office closes early.", None),
        ("How do I apply for leave?", "Apply 30 days before.", None),
        ("How many days of sick pay does the Porto office grant?", "There are 30 days in a month.", None),
    ],
)
def test_the_words_that_answer(question: str, statement: str, bold: str | None) -> None:
    span = answering_span(question, statement)
    assert (None if span is None else statement[slice(*span)]) == bold


@given(
    st.sampled_from(["When?", "How many days?", "Who is it?", "Where is the office?"]),
    st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["30 days ", "May 3 ", "Ann Lee ", "in Rome ", "1994"]))),
)
def test_a_span_is_inside_the_statement_and_no_blank(question: str, parts: list[str]) -> None:
    statement = "".join(parts)
    span = answering_span(question, statement)
    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(statement)
        assert statement[start:end].strip() == statement[start:end]
