"""Where sentences end: each case names what makes it hard."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.sentences import continues, sentence_spans


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith met J. Doe. They left.", ["Dr. Smith met J. Doe.", "They left."]),  # titles and initials
        ("Bring it, e.g. Monday. Or not.", ["Bring it, e.g. Monday.", "Or not."]),
        (
            "It costs $1.50 in 3.2. See Art. 5.",
            ["It costs $1.50 in 3.2.", "See Art. 5."],
        ),  # numbers, references
        ("I said no. We left at 3 p.m. They stayed.", ["I said no.", "We left at 3 p.m.", "They stayed."]),
        ("We met at 3 p.m. and left.", ["We met at 3 p.m. and left."]),  # a small letter follows
        ("“Really?” She left.", ["“Really?”", "She left."]),  # closing quotes belong to the sentence
        ("The U.S. Government pays. So do I. We do not.", ["The U.S. Government pays.", "So do I.", "We do not."]),
        ("Wait... Then go.", ["Wait...", "Then go."]),
        ("1. First. 2. Second.", ["1. First.", "2. Second."]),  # numbers of items
        (f"Done.{' ' * 40}2. Second.", ["Done.", "2. Second."]),  # also far from what is before
        ("Odd...!?.. Then.", ["Odd...!?..", "Then."]),
        ("东京是首都。人口很多！是吗？", ["东京是首都。", "人口很多！", "是吗？"]),  # no spaces between
        ("هل هذا صحيح؟ نعم.", ["هل هذا صحيح؟", "نعم."]),
        ("# Leave\nStaff get leave.", ["# Leave", "Staff get leave."]),  # a heading's line
        ("- apples\n- pears", ["- apples", "- pears"]),  # items
        ("Short\nlines\nstay", ["Short", "lines", "stay"]),  # cells of a table
        ("Para without mark\n\nnext one", ["Para without mark", "next one"]),
        ("Every employee who has worked here for a\nyear gets leave.", None),  # wrapped: one sentence
        ("", []),
        ("  \n ", []),
    ],
)
def test_where_sentences_end(text: str, expected: list[str] | None) -> None:
    assert split(text) == ([text] if expected is None else expected)


@given(st.text(alphabet="ab .!?\n。A1-#\t", max_size=80) | st.text(max_size=60))
def test_every_visible_character_is_in_exactly_one_sentence(text: str) -> None:
    spans = sentence_spans(text)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    covered = {position for start, end in spans for position in range(start, end)}
    assert all(position in covered for position, character in enumerate(text) if not character.isspace())


@pytest.mark.parametrize(
    ("line", "following", "expected"),
    [
        (
            "The committee meets in the main building of",
            "Paris every Monday.",
            False,
        ),  # 43 characters: not full
        ("The committee of the staff meets in the main building of", "Paris every Monday.", True),
        ("The committee of the staff meets in the main building.", "Paris is far.", False),
        ("The committee of the staff meets in the main building of", "- Paris", False),
        ("公司的员工每年可以享受十五天的带薪年假并且可以", "结转到下一年。", True),
        ("", "x", False),
    ],
)
def test_which_line_breaks_are_only_wrapping(line: str, following: str, expected: bool) -> None:
    assert continues(line, following) is expected
