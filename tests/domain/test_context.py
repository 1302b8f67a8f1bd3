"""Laws of the context: offsets stay true, the best stays first, nothing of it is lost, twice is once."""

from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain import context
from kyo_pipeline.domain.context import Room, assemble, rough_tokens
from kyo_pipeline.domain.retrieval import Passage

DOCUMENT = "\n\n".join(f"Section {n} says that employees of hall {n} may park {n} bicycles." for n in range(40))
ROOMY = Room(5, 10_000, 100_000)


def chunk(start: int, end: int, score: float = 0.5, document: int = 1, text: str = DOCUMENT) -> Passage:
    """Characters start..end of the text of a document, pages of 400 characters, a heading each 800."""
    ids = (UUID(int=document), UUID(int=document + 1000))
    places = (start // 400 + 1, (end - 1) // 400 + 1, (f"Part {start // 800}",))
    return Passage(
        start, *ids, 1, f"Document {document}", "HR", text[start:end], start, end, *places, score, score, score
    )


@st.composite
def findings(draw: st.DrawFn) -> tuple[Passage, ...]:
    """Chunks of up to three documents, cut at any place, overlapping or without what stands between, best first."""
    found = []
    for document in range(1, draw(st.integers(1, 3)) + 1):
        text = DOCUMENT if draw(st.booleans()) else DOCUMENT.replace("employees", f"guests {document}")
        edges = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=9)))
        for start, end in pairwise(edges):
            if end - start <= context._LARGEST_GAP:  # no chunk says so little that it fits between two others
                continue
            first, last = max(start - draw(st.sampled_from([0, 0, 30])), 0), end
            if not draw(st.booleans()):
                continue
            stripped = text[first:last].strip()
            if stripped:
                first = text.index(stripped, first)
                score = draw(st.floats(0, 1))
                found.append(chunk(first, first + len(stripped), score, document, text))
    return tuple(sorted(found, key=lambda one: -one.score))


rooms = st.builds(Room, st.integers(1, 6), st.integers(10, 2000), st.integers(10, 8000))


def source(passage: Passage, found: tuple[Passage, ...]) -> str:
    """The text of the passage's document, as far as what was found tells it; the rest is blank."""
    letters = [" "] * (len(DOCUMENT) * 2)
    for one in found:
        if one.version_id == passage.version_id:
            letters[one.start : one.end] = one.text
    return "".join(letters)


@given(findings(), rooms)
def test_offsets_stay_true(found: tuple[Passage, ...], room: Room) -> None:
    for passage in assemble(found, room):
        assert len(passage.text) == passage.end - passage.start
        expected = source(passage, found)[passage.start : passage.end]
        assert len(expected) == len(passage.text)
        for known, said in zip(expected, passage.text, strict=True):
            assert known == said or (known.isspace() and said == "\n")


@given(findings(), rooms)
def test_the_best_stays_first_and_nothing_of_it_is_lost(found: tuple[Passage, ...], room: Room) -> None:
    context = assemble(found, room)
    assert bool(context) == bool(found)
    if found:
        assert context[0].version_id == found[0].version_id
        assert found[0].text in context[0].text
        assert context[0].score == found[0].score
    assert [one.score for one in context] == sorted((one.score for one in context), reverse=True)


@given(findings(), rooms)
def test_there_is_never_more_than_there_is_room_for(found: tuple[Passage, ...], room: Room) -> None:
    context = assemble(found, room)
    assert len(context) <= room.passages
    assert len(context) <= 1 or sum(rough_tokens(one.text) for one in context) <= room.tokens


@given(findings(), rooms)
def test_twice_is_once(found: tuple[Passage, ...], room: Room) -> None:
    context = assemble(found, room)
    assert assemble(context, room) == context


def test_neighbours_become_one_with_the_heading_of_the_better_and_the_pages_of_both() -> None:
    later, before = chunk(390, 700, 0.9), chunk(100, 420, 0.4)
    [both] = assemble((later, before), ROOMY)
    assert (both.text, both.start, both.end) == (DOCUMENT[100:700], 100, 700)
    assert (both.page_from, both.page_to, both.score, both.chunk_id) == (1, 2, 0.9, later.chunk_id)


def test_white_space_between_neighbours_keeps_its_length() -> None:
    first = chunk(0, DOCUMENT.index("\n\n"), 0.4)
    second = chunk(first.end + 2, first.end + 40, 0.9)
    [both] = assemble((second, first), ROOMY)
    assert both.text == DOCUMENT[: second.end]


def test_a_gap_that_may_hide_a_chunk_is_not_closed() -> None:
    assert len(assemble((chunk(0, 100), chunk(104, 200, 0.4)), ROOMY)) == 2


def test_a_chunk_that_overlaps_both_tells_what_stands_in_the_gap() -> None:
    found = (chunk(386, 420, 0.9), chunk(350, 384, 0.5), chunk(355, 415, 0.1))
    [both] = assemble(found, Room(1, 24, 10))
    assert both.text == DOCUMENT[350:420]


def test_a_chunk_between_two_joins_both_in_the_place_of_the_better() -> None:
    other = chunk(0, 300, 0.8, 2, DOCUMENT.replace("employees", "strangers").replace("park", "sell"))
    found = (chunk(0, 100, 0.9), other, chunk(200, 300, 0.7), chunk(100, 200, 0.6))
    context = assemble(found, ROOMY)
    assert [(one.start, one.end) for one in context] == [(0, 300), (0, 300)]
    assert [one.document_id for one in context] == [UUID(int=1), UUID(int=2)]


def test_neighbours_that_are_too_long_together_stay_apart() -> None:
    assert len(assemble((chunk(0, 1000), chunk(1000, 2000, 0.4)), Room(5, 400, 10_000))) == 2


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (("", ""), 1),
        (("employees", "Employees"), 1),
        (("30 bicycles", "31 bicycles"), 2),
        (("may park", "may not park"), 2),
        (("employees", "guests"), 2),
    ],
)
def test_what_another_document_repeats_is_left_out_unless_it_says_something_else(
    change: tuple[str, str], count: int
) -> None:
    text = DOCUMENT[-1000:]
    found = (chunk(0, 1000, 0.9, 1, text), chunk(0, 1000, 0.8, 2, text.replace(*change)))
    assert len(assemble(found, ROOMY)) == count


def test_no_document_takes_all_places_when_another_is_within_reach() -> None:
    own = [chunk(200 * n, 200 * n + 90, 0.9 - n / 100) for n in range(6)]
    other = chunk(
        0, 90, 0.7, 2, "Another document says something else about the bicycles of halls, and at great length.  "
    )
    far = replace(other, score=0.2)
    assert [one.document_id.int for one in assemble((*own, other), ROOMY)] == [1, 1, 1, 1, 2]
    assert [one.document_id.int for one in assemble((*own, far), ROOMY)] == [1, 1, 1, 1, 1]


def test_what_was_left_out_makes_room_for_the_next() -> None:
    own = [chunk(200 * n, 200 * n + 90, 0.9 - n / 100) for n in range(6)]
    neighbour = chunk(90, 200, 0.899)
    assert len(assemble((own[0], neighbour, *own[1:]), ROOMY)) == 4 + 1


@st.composite
def alike(draw: st.DrawFn) -> tuple[str, str]:
    """A text of words, and the same with some of them exchanged."""
    word = st.text("abcdefgh", min_size=3, max_size=5)
    words = draw(st.lists(word, min_size=20, max_size=80, unique=True))
    exchanged = draw(
        st.dictionaries(st.integers(0, len(words) - 1), st.text("uvwxyz", min_size=3, max_size=5), max_size=12)
    )
    return " ".join(words), " ".join(exchanged.get(place, one) for place, one in enumerate(words))


@given(alike())
def test_a_quick_look_at_the_words_never_hides_a_repetition(texts: tuple[str, str]) -> None:
    first, second = (chunk(0, len(text), 1 / n, n, text) for n, text in enumerate(texts, start=1))
    quick = assemble((first, second), ROOMY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "_has_many_words_of_its_own", lambda *_: False)
        assert assemble((first, second), ROOMY) == quick
