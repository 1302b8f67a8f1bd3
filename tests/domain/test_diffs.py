"""What is said about two texts that differ: it is all true, it is readable, and white space is no change."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.alignment import Matcher, blocks, readable
from kyo_pipeline.domain.diffs import Change, Diff, diff
from kyo_pipeline.domain.parsed import Heading, ParsedDocument

MARKS = {Change.SAME: "{}", Change.REMOVED: "[-{}-]", Change.ADDED: "[+{}+]"}
EVERYTHING = 10**9


def shown(found: Diff) -> list[str]:
    """One string for each line, as a terminal would show it."""
    return [
        " ".join(MARKS[span.change].format(span.text) for span in line.spans)
        for hunk in found.hunks
        for line in hunk.lines
    ]


def between(old: str, new: str, context: int = 0) -> list[str]:
    return shown(diff(ParsedDocument(old), ParsedDocument(new), context))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("Same.", "Same.", []),
        ("It  opens at\nnoon.", " It opens\n\nat noon. ", []),  # only broken into other lines
        ("Thirty days.", "Twenty days.", ["[-Thirty-] [+Twenty+] days."]),
        ("One.", "One.\nTwo.", ["[+Two.+]"]),
        ("One.\nTwo.", "Two.", ["[-One.-]"]),
        ("", "New text.", ["[+New text.+]"]),
        ("Old text.", "", ["[-Old text.-]"]),
        ("A\nB\nC", "A\nX\nC", ["[-B-]", "[+X+]"]),
        ("One two three four.", "One two, three four.", ["One [-two-] [+two,+] three four."]),
        # A word more in the first line moves all that follows.
        (
            "Everybody has leave of\nthirty days in a year\nand more when ill.",
            "Everybody always has\nleave of thirty days in\na year and more when ill.",
            ["Everybody [+always+] has"],
        ),
        # Sentences that share a word or two are not the same sentence.
        (
            "The garage is free of charge for all.",
            "Bicycles stand in the yard of building three.",
            ["[-The garage is free of charge for all.-]", "[+Bicycles stand in the yard of building three.+]"],
        ),
        # Rows of a table are compared one by one.
        (
            "| 1 | 30 | a |\n| 2 | 20 | b |\n| 3 | 10 | c |",
            "| 1 | 31 | a |\n| 2 | 21 | b |\n| 3 | 11 | c |",
            ["| 1 | [-30-] [+31+] | a |", "| 2 | [-20-] [+21+] | b |", "| 3 | [-10-] [+11+] | c |"],
        ),
        # What went in the middle of a line is shown there.
        (
            "Whoever is ill\nand says so\nmay stay at home.",
            "Whoever is ill may stay at home.",
            ["Whoever is ill [-and says so-] may stay at home."],
        ),
    ],
)
def test_what_changed_is_marked_and_nothing_else(old: str, new: str, expected: list[str]) -> None:
    assert between(old, new) == expected


def test_lines_around_a_change_are_shown_and_what_is_far_away_is_not() -> None:
    lines = [f"Line number {number}." for number in range(20)]
    old, new = list(lines), list(lines)
    new[5], new[7], new[15] = "First change.", "Second change.", "Third change."
    found = diff(ParsedDocument("\n".join(old)), ParsedDocument("\n".join(new)), 1)
    assert [len(hunk.lines) for hunk in found.hunks] == [7, 4]  # what meets is one
    assert shown(found)[:3] == ["Line number 4.", "[-Line number 5.-]", "[+First change.+]"]
    assert (found.removed_words, found.added_words, found.left_out) == (9, 6, 0)


def test_each_hunk_says_which_heading_it_stands_under() -> None:
    old = "Before.\n1 Leave\nThirty days.\nMore.\nMore.\n2 Canteen\nNoon.\nGone."
    new = "Since.\n1 Leave\nTwenty days.\nMore.\nMore.\n2 Canteens\nNoon."
    headings = tuple(Heading(new.index(title), 1, title) for title in ("1 Leave", "2 Canteens"))
    found = diff(ParsedDocument(old), ParsedDocument(new, headings=headings), 0)
    assert [hunk.heading for hunk in found.hunks] == ["", "1 Leave", "1 Leave", "2 Canteens"]
    assert shown(found)[-2:] == ["2 [-Canteen-] [+Canteens+]", "[-Gone.-]"]


def test_what_is_too_much_is_counted() -> None:
    lines = [f"Line number {number}." for number in range(40)]
    changed = [f"{line} Changed." if number % 4 == 0 else line for number, line in enumerate(lines)]
    found = diff(ParsedDocument("\n".join(lines)), ParsedDocument("\n".join(changed)), 0, limit=3)
    assert (len(found.hunks), found.left_out, found.added_words) == (3, 7, 10)


def test_a_change_without_end_is_several() -> None:
    found = diff(ParsedDocument(""), ParsedDocument("\n".join(f"word{number}" for number in range(1000))))
    assert len(found.hunks) == 25
    assert all(len(hunk.lines) == 40 for hunk in found.hunks)


def test_nobody_looks_for_one_word_in_a_page() -> None:
    sentences = [f"This is sentence number {number} of a long paragraph." for number in range(50)]
    old = " ".join(sentences)
    assert between(old, old.replace("number 30 of", "number 31 of")) == [
        "This is sentence number [-30-] [+31+] of a long paragraph."
    ]
    assert all(len(line.split()) < 130 for line in between("", "word " * 500))


# Whatever the texts are ----------------------------------------------------------------------------------------------

#: Few words and many breaks, so that most texts have something in common.
TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d.", "\n", "\n", "  "]), max_size=60).map(" ".join)


def words(found: Diff, left_out: Change) -> list[str]:
    spans = (span for hunk in found.hunks for line in hunk.lines for span in line.spans)
    return [word for span in spans if span.change is not left_out for word in span.text.split(" ")]


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_out_of_a_comparison(old: str, new: str) -> None:
    if old.split() == new.split():
        assert diff(ParsedDocument(old), ParsedDocument(new)) == Diff((), 0, 0, 0)
        return
    found = diff(ParsedDocument(old), ParsedDocument(new), EVERYTHING, EVERYTHING)
    assert words(found, Change.REMOVED) == new.split()
    assert words(found, Change.ADDED) == old.split()
    changed = [span for hunk in found.hunks for line in hunk.lines for span in line.spans]
    counted = {change: sum(len(span.text.split()) for span in changed if span.change is change) for change in Change}
    assert (counted[Change.REMOVED], counted[Change.ADDED]) == (found.removed_words, found.added_words)


@given(st.text(), st.text())
def test_any_text_can_be_compared(old: str, new: str) -> None:
    found = diff(ParsedDocument(old), ParsedDocument(new), EVERYTHING, EVERYTHING)
    if found.hunks:
        assert words(found, Change.REMOVED) == new.split()
        assert words(found, Change.ADDED) == old.split()


ITEMS = st.lists(st.integers(0, 4), max_size=40)


@given(ITEMS, ITEMS, st.integers(0, 60), st.integers(0, 200))
def test_what_is_matched_is_equal_and_in_order_however_little_may_be_done(
    a: list[int], b: list[int], most_pairs: int, all_pairs: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kyo_pipeline.domain.alignment._MOST_PAIRS", most_pairs)
        patch.setattr("kyo_pipeline.domain.alignment._ALL_PAIRS", all_pairs)
        found = Matcher().matches(a, b)
    assert all(a[i] == b[j] for i, j in found)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(found))
    runs = blocks(found)
    assert [(i + n, j + n) for i, j, size in runs for n in range(size)] == found
    assert set(readable(runs, len(a), len(b))) <= set(runs)


def test_a_long_text_is_divided_at_what_stands_in_it_once() -> None:
    """More than may be compared at once: without the single words, nothing between them would be found."""
    old = [word for chapter in range(50) for word in (f"chapter{chapter}", *["common", "words"] * 10)]
    new = [word for word in old if word not in ("chapter7", "chapter44")]
    new[100:100] = ["added"]
    assert len(Matcher().matches(old, new)) == len(old) - 2


def test_two_texts_of_the_same_few_words_do_not_take_for_ever() -> None:
    """Unbounded, this would take hours: each word of one stands in ten thousand places of the other."""
    found = diff(ParsedDocument("a " * 20_000), ParsedDocument("b a " * 20_000))
    assert found.added_words >= 20_000
