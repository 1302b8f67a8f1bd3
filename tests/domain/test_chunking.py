"""Chunks: the laws that hold for every text, and where a person would cut."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyo_pipeline.domain.chunking import chunk
from kyo_pipeline.domain.chunks import Chunk
from kyo_pipeline.domain.parsed import Heading, ParsedDocument


class Words:
    """Tokens are words and single other characters."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


class Pieces:
    """Tokens of up to three characters, counted from where the text begins: boundaries move with the cut."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S{1,3}", text)]


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def sentences(count: int, length: int = 9) -> str:
    """`count` sentences of `length` words and a full stop."""
    return " ".join(f"Sentence{number} {words(length - 1)}." for number in range(count))


def document(text: str, *headings: tuple[str, int], pages: tuple[int, ...] = ()) -> ParsedDocument:
    found = tuple(Heading(text.index(name), level, name) for name, level in headings)
    return ParsedDocument(text, headings=found, page_starts=pages)


def check_laws(chunks: list[Chunk], text: str, tokenizer: Words | Pieces, size: int) -> None:
    assert [piece.ordinal for piece in chunks] == list(range(len(chunks)))
    for piece in chunks:
        assert piece.text == text[piece.start : piece.end] == piece.text.strip() != ""
        assert len(tokenizer.token_spans(piece.text)) <= size
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(chunks))
    covered = set().union(*(range(piece.start, piece.end) for piece in chunks)) if chunks else set()
    assert all(position in covered for position, letter in enumerate(text) if not letter.isspace())


TEXTS = st.lists(
    st.sampled_from(
        ["word", "Longerword", ".", "! ", " ", "\n", "\n\n", "。", "漢字", "x" * 40, "- item", "\u200b", ":"]
    ),
    max_size=120,
).map("".join)


@settings(max_examples=300)
@given(st.one_of(TEXTS, st.text(max_size=200)), st.integers(2, 40), st.data())
def test_laws(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    lines = [match.start() for match in re.finditer(r"\S[^\n]*", text)]
    starts = sorted(data.draw(st.sets(st.sampled_from(lines), max_size=4))) if lines else []
    headings = tuple(Heading(start, data.draw(st.integers(1, 3)), "H") for start in starts)
    for tokenizer in (Words(), Pieces()):
        chunks = chunk(ParsedDocument(text, headings=headings), tokenizer, size, overlap)
        check_laws(chunks, text, tokenizer, size)


def test_a_short_text_is_one_chunk() -> None:
    assert [piece.text for piece in chunk(document("  Hello there.\n"), Words(), 50, 5)] == ["Hello there."]
    assert chunk(document(" \n"), Words(), 50, 5) == []


def test_a_heading_begins_a_chunk_and_is_in_its_path() -> None:
    text = f"Leave\n\n{sentences(5)}\n\nSick leave\n\n{sentences(5)}\n\nPay\n\n{sentences(5)}"
    chunks = chunk(document(text, ("Leave", 1), ("Sick leave", 2), ("Pay", 1)), Words(), 200, 20)
    assert [piece.text.split("\n")[0] for piece in chunks] == ["Leave", "Sick leave", "Pay"]
    assert [piece.heading_path for piece in chunks] == [("Leave",), ("Leave", "Sick leave"), ("Pay",)]


def test_tiny_sections_stay_together_and_no_heading_stands_alone() -> None:
    text = "".join(f"Part{number}\n\nOnly four words here.\n\n" for number in range(12))
    chunks = chunk(document(text, *((f"Part{number}\n", 1) for number in range(12))), Words(), 100, 10)
    assert 3 <= len(chunks) <= 5
    assert all(piece.text.endswith("here.") for piece in chunks)


def test_a_heading_at_the_limit_goes_with_its_text() -> None:
    text = f"{sentences(9)}\n\nRules\n\n{sentences(9)}"
    for size in range(85, 105):
        chunks = chunk(document(text, ("Rules", 1)), Words(), size, 0)
        assert not any(piece.text.endswith("Rules") for piece in chunks)


def test_what_only_looks_like_a_heading_stays_with_its_text_too() -> None:
    text = "\n\n".join(f"Title {number}\n\n{sentences(3)}" for number in range(12))
    chunks = chunk(document(text), Words(), 100, 0)
    assert not any(re.search(r"Title \d+$", piece.text) for piece in chunks)


def test_cuts_fall_between_paragraphs_then_between_sentences() -> None:
    paragraphs = "\n\n".join(sentences(4) for _ in range(10))
    ends = {piece.text[-1] for piece in chunk(document(paragraphs), Words(), 100, 0)}
    starts = {piece.text.split()[0] for piece in chunk(document(paragraphs), Words(), 100, 0)}
    assert (ends, starts) == ({"."}, {"Sentence0"})
    assert all(piece.text.endswith(".") for piece in chunk(document(sentences(80)), Words(), 100, 0))


def test_the_parts_of_a_section_are_of_like_length() -> None:
    chunks = chunk(document(sentences(21)), Words(), 200, 0)
    assert [piece.tokens for piece in chunks] == [110, 100]


def test_neighbours_share_whole_sentences() -> None:
    chunks = chunk(document(sentences(60)), Words(), 100, 20)
    shared = [before.end - after.start for before, after in pairwise(chunks)]
    assert all(shared)
    assert all(piece.text.startswith("Sentence") and piece.text.endswith(".") for piece in chunks)
    for before, after in pairwise(chunks):
        assert 10 <= len(Words().token_spans(before.text[after.start - before.start :])) <= 30


def test_text_without_sentences_is_cut_between_words_with_overlap() -> None:
    chunks = chunk(document(words(1000)), Words(), 100, 10)
    assert all(set(piece.text.split()) == {"word"} for piece in chunks)
    assert {before.end - after.start for before, after in pairwise(chunks)} == {49}


def test_pages() -> None:
    text = f"{sentences(9)}\n\n{sentences(9)}\n\n{sentences(9)}"
    second = text.index("\n\n") + 2
    third = text.index("\n\n", second) + 2
    chunks = chunk(document(text, pages=(0, second, third)), Words(), 150, 0)
    assert [(piece.page_from, piece.page_to) for piece in chunks] == [(1, 1), (2, 2), (3, 3)]
    whole = chunk(document(text, pages=(0, second, third)), Words(), 500, 0)
    assert [(piece.page_from, piece.page_to) for piece in whole] == [(1, 3)]
    assert chunk(document("No pages here."), Words(), 50, 0)[0].page_from is None


@pytest.mark.parametrize(("size", "overlap"), [(10, 10), (10, -1)])
def test_wrong_sizes_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        chunk(document("x"), Words(), size, overlap)


@pytest.mark.parametrize("text", [sentences(8000), "漢字。" * 150_000, "漢" * 450_000])
def test_long_texts_are_tokenized_in_parts(text: str) -> None:
    lengths: list[int] = []

    class Watched(Words):
        def token_spans(self, text: str) -> list[tuple[int, int]]:
            lengths.append(len(text))
            return super().token_spans(text)

    check_laws(chunk(ParsedDocument(text), Watched(), 400, 40), text, Words(), 400)
    assert max(lengths) <= 200_000


def test_with_the_tokenizer_of_the_built_in_model() -> None:
    from pathlib import Path

    import wordllama

    folder = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
    backend = model.tokenizer

    class Real(Words):
        def token_spans(self, text: str) -> list[tuple[int, int]]:
            return list(backend.encode(text, add_special_tokens=False).offsets)

    text = "\n\n".join(
        f"{sentences(7)} Überstunden — naïve café 漢字 🎉🎉 3.14159265358979 {'q' * 60}" for _ in range(8)
    )
    check_laws(chunk(document(text), Real(), 64, 8), text, Real(), 64)
