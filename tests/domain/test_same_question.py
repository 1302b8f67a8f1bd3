"""When two questions are the same in other words, and above all when they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.same_question import FORMAT, folded, key_of, same_question

LEAVE = "How many days of annual leave do I get?"

SAME = [
    (LEAVE, "how many days of annual leave do i get"),
    (LEAVE, "How many vacation days am I entitled to?"),
    (LEAVE, "How much annual leave do employees get?"),
    (LEAVE, "What is the number of annual leave days?"),
    ("How do I submit an expense report?", "What is the process for submitting expenses?"),
    ("How do I reset my password?", "What are the steps to reset a password?"),
    ("Can I work from home on Fridays?", "Am I allowed to work from home on Friday?"),
    ("Can I work from home on Fridays?", "Is working from home on Fridays allowed?"),
    ("What is the dress code?", "Is there a dress code?"),
    ("Does the health plan cover dental treatment?", "Is dental treatment covered by the health plan?"),
    ("Which holidays does the company observe?", "What company holidays are observed?"),
    ("What should I do if I lose my laptop?", "What do I do when my laptop is lost?"),
    ("How often are performance reviews held?", "How frequently do we have performance reviews?"),
    ("How many weeks of parental leave are paid?", "For how many weeks is parental leave paid?"),
    ("What is the maximum hotel rate?", "What is the highest hotel rate?"),
    ("How long is the probation period?", "What is the length of the probation period?"),
    ("Wie viele Tage Urlaub habe ich?", "wie viele tage urlaub habe ich"),
    ("Why?", "why"),
    ("Do I have to lock my screen?", "Am I required to lock the screen?"),
    ("Where can I find the brand guidelines?", "Where are the brand guidelines?"),
    ("When's the office closed?", "When is the office closed?"),
    ("How long are records kept?", "For how long are records retained?"),
    ("Is there a gym?", "Do we have a gym?"),
]

DIFFERENT = [
    (LEAVE, "How many days of sick leave do I get?"),
    (LEAVE, "How many days of annual leave do interns get?"),
    (LEAVE, "How many days of annual leave do managers get?"),
    (LEAVE, "How many days of annual leave do I not get?"),
    (LEAVE, "When do I get my days of annual leave?"),
    (LEAVE, "Who approves days of annual leave?"),
    ("How many days in the first year?", "How many days in the second year?"),
    ("Can I work from home on Fridays?", "Can I work from home on Mondays?"),
    ("Can I work from home on Fridays?", "Can I not work from home on Fridays?"),
    ("Do I work on Fridays?", "Can I work on Fridays?"),
    ("Must I wear a badge?", "May I wear a badge?"),
    ("Which expenses are reimbursed?", "Which expenses are not reimbursed?"),
    ("What is the limit with a receipt?", "What is the limit without a receipt?"),
    ("What do I do before a trip?", "What do I do after a trip?"),
    ("How do I enable two-factor authentication?", "How do I disable two-factor authentication?"),
    ("What is the maximum hotel rate?", "What is the minimum hotel rate?"),
    ("What is the per diem in Berlin?", "What is the per diem in Munich?"),
    ("What is the deadline for the 2023 form?", "What is the deadline for the 2024 form?"),
    ("What is the limit for thirty days?", "What is the limit for forty days?"),
    ("What is the warranty on Model X200?", "What is the warranty on Model X300?"),
    ("Can employees hire contractors?", "Can contractors hire employees?"),
    ("How do I upgrade from version 2 to version 3?", "How do I upgrade from version 3 to version 2?"),
    ("Which data of employees do we store?", "Which data do we store?"),
    ("Who gets the bonus?", "Who gives the bonus?"),
    ("Which documents do I need?", "Which documents do I get?"),
    ("Will you keep my data? If yes, why?", "Will you keep my data? If yes, how?"),
    ("What was the revenue last year?", "What is the revenue this year?"),
    ("How do I submit an expense report?", "How do I correct an expense report?"),
    ("How many weeks of maternity leave are paid?", "How many weeks of paternity leave are paid?"),
    ("Is overtime paid?", "Is overtime allowed?"),
    ("Wie viele Tage Urlaub habe ich?", "Wie viele Tage Urlaub habe ich nicht?"),
    ("Wie viele Tage Urlaub habe ich?", "Wie viele Tage Sonderurlaub habe ich?"),
    ("When was the form due?", "When is the form due?"),
    ("Who decided about promotions?", "Who decides about promotions?"),
    ("Who may sign a lease?", "Who must sign a lease?"),
    ("How much can I spend on lunch?", "How much did we spend on lunch?"),
    ("Which countries do we ship to?", "Which countries do we ship from?"),
    ("Can you see my files?", "Can I see your files?"),
    ("Who can see my salary?", "Who can see their salary?"),
    ("Is travel time paid?", "Is travel paid in time?"),
    ("", ""),
    ("?", "!"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question_in_other_words(one: str, other: str) -> None:
    assert same_question(one, other)
    assert same_question(other, one)
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_one_word_makes_another_question(one: str, other: str) -> None:
    assert not same_question(one, other)
    assert not same_question(other, one)


WORDS = st.sampled_from(
    """
    how many days of annual leave do i get who approves expenses not before after 3 berlin the can must employees hire
    contractors first when is paid maximum it's from to why
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)
QUESTIONS = st.lists(WORDS, max_size=7).map(" ".join) | st.text(max_size=30)


@given(QUESTIONS, QUESTIONS)
def test_what_is_the_same_has_the_same_key_both_ways_round(one: str, other: str) -> None:
    is_same = same_question(one, other)
    assert is_same == same_question(other, one)
    assert not is_same or key_of(one) == key_of(other)


@given(QUESTIONS)
def test_a_question_is_the_same_as_itself_in_capitals_and_without_its_mark(question: str) -> None:
    assert same_question(question, f"  {question} ?") == bool(folded(question))


@given(st.text(max_size=3000))
def test_a_key_says_its_format_and_is_never_long(question: str) -> None:
    key = key_of(question)
    assert key.startswith(f"{FORMAT}|")
    assert len(key) <= 500


def test_the_keys_of_this_format_are_these() -> None:
    """They are stored: with other lists the format needs another number, so that `kyo migrate` makes them anew."""
    assert (FORMAT, key_of(LEAVE)) == ("1", "1|count|vacat||")
    assert key_of("Who approves the form after 3 days, by email?") == "1|person|3 approv day email form|after|3"
