"""The next version of a text is cut where the last one was: the laws of chunks hold, and little is left to embed."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyo_pipeline.domain import rechunking
from kyo_pipeline.domain.chunking import chunk
from kyo_pipeline.domain.chunks import Chunk
from kyo_pipeline.domain.parsed import Heading, ParsedDocument, heading_path_at, page_at
from kyo_pipeline.domain.rechunking import rechunk
from tests.domain.test_chunking import TEXTS, Pieces, Words, check_laws

SIZE, OVERLAP = 100, 12


def prose(paragraphs: int, seed: int = 1) -> list[str]:
    """Paragraphs of about 60 words, no two alike."""
    pick = random.Random(seed)  # noqa: S311 — a text, not a secret

    def sentence() -> str:
        words = " ".join(
            f"{pick.choice('bcdfgklmnprst')}{pick.choice('aeiou')}{pick.randrange(500)}" for _ in range(11)
        )
        return f"{words.capitalize()}."

    return [" ".join(sentence() for _ in range(pick.randrange(3, 8))) for _ in range(paragraphs)]


def plain(paragraphs: Sequence[str]) -> ParsedDocument:
    return ParsedDocument("\n\n".join(paragraphs))


def sectioned(paragraphs: Sequence[str]) -> ParsedDocument:
    """The paragraphs, with a heading of its own above every third."""
    text, headings = "", []
    for number, paragraph in enumerate(paragraphs):
        if number % 3 == 0:
            title = f"Part {' '.join(paragraph.split()[:2])}"
            headings.append(Heading(len(text), 1, title))
            text += f"{title}\n\n"
        text += f"{paragraph}\n\n"
    return ParsedDocument(text, headings=tuple(headings))


def cut(document: ParsedDocument) -> list[Chunk]:
    return chunk(document, Words(), SIZE, OVERLAP)


def recut(document: ParsedDocument, previous: Sequence[Chunk]) -> list[Chunk]:
    chunks = rechunk(document, previous, Words(), SIZE, OVERLAP)
    check_laws(chunks, document.text, Words(), SIZE)
    return chunks


def new(chunks: Sequence[Chunk], previous: Sequence[Chunk]) -> int:
    known = {(piece.heading_path, piece.text) for piece in previous}
    return sum((piece.heading_path, piece.text) not in known for piece in chunks)


def with_headings(text: str, data: st.DataObject) -> ParsedDocument:
    lines = [match.start() for match in re.finditer(r"\S[^\n]*", text)]
    starts = sorted(data.draw(st.sets(st.sampled_from(lines), max_size=4))) if lines else []
    pages = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=3)) | {0})
    return ParsedDocument(
        text, tuple(pages), tuple(Heading(start, data.draw(st.integers(1, 3)), "H") for start in starts)
    )


@contextmanager
def stubborn() -> Iterator[None]:
    """What stands as it stood stays, however short it is and whether it is worth it or not."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"_KEY": 1, "_LITTLE": -1, "_WORTH_IT": 1000, "_FRAGMENTED": 1000}.items():
            patch.setattr(rechunking, name, value)
        yield


@settings(max_examples=400)
@given(st.one_of(TEXTS, st.text(max_size=200)), st.integers(2, 40), st.data())
def test_laws(text: str, size: int, data: st.DataObject) -> None:
    """Whatever was cut out, put in or moved since, and however often."""
    overlap = data.draw(st.integers(0, size - 1))
    document = with_headings(text, data)
    for tokenizer in (Words(), Pieces()):
        chunks = chunk(document, tokenizer, size, overlap)
        for _ in range(2):
            start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
            changed = (
                f"{text[:start]} new. {text[start:]}",
                text[:start] + text[end:],
                text[end:] + text[start:end] + text[:start],
            )
            text = data.draw(st.sampled_from(changed))
            document = with_headings(text, data)
            with stubborn():
                chunks = rechunk(document, chunks, tokenizer, size, overlap)
            check_laws(chunks, text, tokenizer, size)
            for piece in chunks:
                assert piece.heading_path == heading_path_at(document.headings, piece.start)
                assert piece.page_from == page_at(document.page_starts, piece.start)
                assert piece.page_to == page_at(document.page_starts, piece.end - 1)


EDITS: dict[str, Callable[[list[str]], None]] = {
    "a word in the middle": lambda p: p.__setitem__(100, p[100].replace(" ", " newly ", 1)),
    "a word at the start": lambda p: p.__setitem__(0, f"Newly {p[0]}"),
    "a word at the end": lambda p: p.__setitem__(-1, f"{p[-1][:-1]} newly."),
    "a paragraph in the middle": lambda p: p.insert(100, "A new paragraph stands here. It has two sentences."),
    "a paragraph at the start": lambda p: p.insert(0, "A new paragraph stands here. It has two sentences."),
    "a paragraph at the end": lambda p: p.append("A new paragraph stands here. It has two sentences."),
    "a paragraph less": lambda p: p.pop(100),  # type: ignore[dict-item]  # what it returns is not used
    "a long paragraph": lambda p: p.insert(100, " ".join(prose(5, 2))),
}


@pytest.mark.parametrize("document", [plain, sectioned])
@pytest.mark.parametrize("edit", EDITS)
def test_one_edit_leaves_all_but_a_few_chunks_as_they_are(
    document: Callable[[Sequence[str]], ParsedDocument], edit: str
) -> None:
    paragraphs = prose(200)
    before = cut(document(paragraphs))
    EDITS[edit](paragraphs)
    after = recut(document(paragraphs), before)
    assert len(before) > 100
    # A word may stand in what two neighbours share; a paragraph moves the parts of two neighbours and the headings of
    # sections: in `sectioned` those of all that follow.
    most = 6 if "long" in edit else 3
    if document is plain or "word" in edit:
        assert new(after, before) <= most
    assert len(after) <= len(before) + most


def test_the_same_text_is_cut_as_it_was() -> None:
    for document in (plain(prose(50)), sectioned(prose(50))):
        before = cut(document)
        assert recut(document, before) == before


@pytest.mark.parametrize("document", [plain, sectioned])
@pytest.mark.parametrize("many", [12, 120])
def test_after_many_edits_there_are_no_more_chunks_than_there_need_be(
    document: Callable[[Sequence[str]], ParsedDocument], many: int
) -> None:
    pick = random.Random(7)  # noqa: S311 — edits, not secrets
    paragraphs = prose(many)
    chunks = cut(document(paragraphs))
    embedded = 0
    for edit in range(50):
        place = pick.randrange(many)
        words = paragraphs[place].split()
        words.insert(pick.randrange(1, len(words)), "New words. And more words follow here.")
        paragraphs[place] = " ".join(words)
        before, chunks = chunks, recut(document(paragraphs), chunks)
        embedded += new(chunks, before)
        if edit % 10 == 9:
            assert len(chunks) <= 1.3 * len(cut(document(paragraphs)))
    assert embedded <= 2 * 50  # an edit, a chunk or two, and now and then all


def test_what_is_put_between_two_chunks_is_no_scrap_of_its_own() -> None:
    paragraphs = prose(100)
    before = chunk(plain(paragraphs), Words(), SIZE, 0)
    text = plain(paragraphs).text
    for place in (0, 7, 30, 60, len(before)):
        start = before[place].start if place < len(before) else len(text)
        changed = f"{text[:start]}\n\nA few new words.\n\n{text[start:]}"
        after = rechunk(ParsedDocument(changed), before, Words(), SIZE, 0)
        check_laws(after, changed, Words(), SIZE)
        assert new(after, before) <= 2
        assert min(piece.tokens for piece in after) > SIZE // 5


def test_a_text_that_is_another_is_cut_afresh() -> None:
    document = plain(prose(50, 2))
    assert recut(document, cut(plain(prose(50)))) == cut(document)
    assert recut(document, []) == cut(document)


def test_what_stands_under_another_heading_is_cut_anew() -> None:
    paragraphs = prose(60)
    before = sectioned(paragraphs)
    chunks = cut(before)
    renamed = ParsedDocument(
        before.text, headings=tuple(Heading(one.start, one.level, one.text.upper()) for one in before.headings)
    )
    assert new(recut(renamed, chunks), chunks) == len(chunks)


@pytest.mark.parametrize("place", range(50, 59))
def test_a_line_that_has_become_a_heading_is_not_deep_inside_a_chunk(place: int) -> None:
    paragraphs = prose(60)
    paragraphs[place] = "Rules"
    before = cut(plain(paragraphs))
    text = plain(paragraphs).text
    after = recut(ParsedDocument(text, headings=(Heading(text.index("Rules"), 1, "Rules"),)), before)
    [piece] = [piece for piece in after if "Rules" in piece.text]
    assert len(piece.text.partition("Rules")[0].split()) <= SIZE // 5


def test_paragraphs_that_changed_places() -> None:
    paragraphs = prose(120)
    before = cut(plain(paragraphs))
    after = recut(plain(paragraphs[60:] + paragraphs[:60]), before)
    assert new(after, before) < len(before) * 0.7


def test_the_same_lines_on_every_page_do_not_lead_astray() -> None:
    line = "Handbook of the company, for use inside the company only, all rights are reserved."
    paragraphs = [f"{line}\n\n{paragraph}" for paragraph in prose(100)]
    before = cut(plain(paragraphs))
    paragraphs[50] = f"{line}\n\nThis is new."
    assert new(recut(plain(paragraphs), before), before) <= 3


@pytest.mark.parametrize("letter", ["a", "a ", "漢"])
def test_a_text_that_repeats_itself(letter: str) -> None:
    before = cut(ParsedDocument(letter * 3000))
    recut(ParsedDocument(letter * 2000 + "b" + letter * 1500), before)


def test_neighbours_still_share_sentences_where_the_text_was_changed() -> None:
    paragraphs = prose(200)
    before = cut(plain(paragraphs))
    paragraphs[100] += " This is a new sentence, one of two. And this is the other one of the two."
    after = recut(plain(paragraphs), before)
    assert new(after, before) <= 3
    shared = [one.end - other.start for one, other in pairwise(after)]
    assert all(length > 0 for length in shared)


@pytest.mark.parametrize(("size", "overlap"), [(10, 10), (10, -1)])
def test_wrong_sizes_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        rechunk(ParsedDocument("x"), [], Words(), size, overlap)
