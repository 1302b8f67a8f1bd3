"""The next version of a document: only what has changed is embedded, the rest takes over the vectors that are there."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.parsed import Heading, ParsedDocument
from kyo_pipeline.domain.ports import Vectors
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import indexing, library
from tests.domain.test_rechunking import prose
from tests.fakes import OtherEmbedder, PlainTextParser
from tests.soundness import unsound

Sql = Callable[..., list[Any]]
STEPS = (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready)


class CountingEmbedder(OtherEmbedder):
    """The real one; it remembers what it was asked for."""

    def __init__(self, kyo: Kyo) -> None:
        super().__init__(kyo.embedder, kyo.embedder.spec)
        self.passages: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = super().embed_passages(texts)
        self.passages += texts
        return vectors


class SectionedParser(PlainTextParser):
    """Takes each line that begins with `Part` for a heading."""

    def parse_many(self, files: Any) -> Any:
        for index, found, seconds in super().parse_many(files):
            assert isinstance(found, ParsedDocument)
            starts = [start for start in range(len(found.text)) if found.text.startswith("\nPart ", start - 1)]
            lines = [(start, found.text[start:].partition("\n")[0]) for start in [0, *starts]]
            yield index, replace(found, headings=tuple(Heading(start, 1, line) for start, line in lines)), seconds


@pytest.fixture
def counted(pipeline: Kyo) -> Kyo:
    return replace(pipeline, embedder=CountingEmbedder(pipeline))


@pytest.fixture
def put(kyo: Kyo, counted: Kyo) -> Callable[..., list[str]]:
    """Uploads the text as the next version and processes it; returns what the model was asked for."""

    def upload(text: str, pipeline: Kyo = counted, name: str = "handbook.txt") -> list[str]:
        library.upload(kyo, OPERATOR, name, text.encode())
        return processed(pipeline)

    return upload


def processed(kyo: Kyo) -> list[str]:
    assert isinstance(kyo.embedder, CountingEmbedder)
    kyo.embedder.passages.clear()
    for step in STEPS:
        step(kyo, "run:1")
    return list(kyo.embedder.passages)


def counts(sql: Sql) -> list[tuple[int, int]]:
    """Chunks and kept vectors of each version."""
    rows = sql("select chunk_count, kept_vectors from document_versions order by number")
    return [(row.chunk_count, row.kept_vectors) for row in rows]


def assert_each_vector_is_that_of_its_text(kyo: Kyo, sql: Sql) -> None:
    """What was copied is what the model would have said."""
    table = f"chunk_embeddings_{indexing.serving_set(kyo).id}"
    rows = sql(
        "select d.title, c.heading_path, c.text, c.digest, cast(e.embedding as text) as vector from chunks c "  # noqa: S608 — the name is made from an integer
        "join document_versions v on v.id = c.version_id join documents d on d.id = v.document_id "
        f"left join {table} e on e.chunk_id = c.id"
    )
    by_text = {}
    for row in rows:
        key = (row.title, tuple(row.heading_path), row.text)
        assert row.vector
        assert by_text.setdefault(key, (bytes(row.digest), row.vector)) == (bytes(row.digest), row.vector)
    assert unsound(kyo) == {}


def pages(count: int, *, with_headings: bool) -> list[str]:
    """Text of about so many pages of 500 words, in paragraphs."""
    paragraphs = prose(count * 500 // 60)
    if not with_headings:
        return paragraphs
    return [f"Part {number // 6}\n\n{one}" if number % 6 == 0 else one for number, one in enumerate(paragraphs)]


EDITS: dict[str, Callable[[list[str]], object]] = {
    "a line in the middle": lambda p: p.__setitem__(400, p[400] + " This line is new, and so is what it says."),
    "a word at the start": lambda p: p.__setitem__(1, f"Newly {p[1]}"),
    "a paragraph more": lambda p: p.insert(400, "This paragraph is new. It has two sentences."),
    "a paragraph less": lambda p: p.pop(401),
}


@pytest.mark.parametrize("with_headings", [False, True], ids=["plain", "with headings"])
def test_one_edit_of_a_hundred_pages_embeds_a_few_chunks(
    put: Callable[..., list[str]], counted: Kyo, sql: Sql, with_headings: bool
) -> None:
    parser = SectionedParser() if with_headings else PlainTextParser()
    kyo = replace(counted, parser=parser)
    paragraphs = pages(100, with_headings=with_headings)
    first = put("\n\n".join(paragraphs), kyo)
    assert len(first) > 100
    for number, edit in enumerate(EDITS.values(), 2):
        edit(paragraphs)
        asked = put("\n\n".join(paragraphs), kyo)
        assert 1 <= len(asked) <= 3
        chunks, kept = counts(sql)[-1]
        assert kept == chunks - len(asked)
        assert len(counts(sql)) == number
    assert counts(sql)[0] == (len(first), 0)
    assert_each_vector_is_that_of_its_text(kyo, sql)


def test_the_step_says_how_many_were_kept(kyo: Kyo, counted: Kyo, put: Callable[..., list[str]]) -> None:
    paragraphs = prose(40)
    put("\n\n".join(paragraphs))
    library.upload(kyo, OPERATOR, "handbook.txt", "\n\n".join([*paragraphs, "One more."]).encode())
    indexing.parse(counted, "run:2")
    cut = indexing.cut(counted, "run:2")
    report = indexing.embed(counted, "run:2")
    assert (report.done, report.items) == (1, cut.items)
    assert 0 < report.kept < report.items


def test_nothing_is_embedded_where_nothing_has_changed(
    kyo: Kyo, counted: Kyo, put: Callable[..., list[str]], sql: Sql
) -> None:
    """Not even the model need be there."""
    text = "\n\n".join(prose(20))
    put(text)
    away = CountingEmbedder(counted)
    library.upload(kyo, OPERATOR, "handbook.txt", f"{text}\n\n\n".encode())
    assert processed(replace(counted, embedder=away)) == []
    assert counts(sql)[1][0] == counts(sql)[1][1]


def test_another_document_gives_nothing(put: Callable[..., list[str]], sql: Sql) -> None:
    """What somebody else wrote is no reason to know it: vectors stay within their document."""
    text = "\n\n".join(prose(20))
    asked = put(text)
    assert len(put(text, name="copy.txt")) == len(asked)
    assert sql("select sum(kept_vectors) from document_versions") == [(0,)]


def test_a_title_that_was_changed_before_it_was_embedded(
    kyo: Kyo, counted: Kyo, put: Callable[..., list[str]], sql: Sql
) -> None:
    """The vectors are of the new title; a later version with that title takes them over."""
    paragraphs = prose(20)
    library.upload(kyo, OPERATOR, "handbook.txt", "\n\n".join(paragraphs).encode())
    indexing.parse(counted, "run:1")
    indexing.cut(counted, "run:1")
    sql("update documents set title = 'Another title'")
    assert all(asked.startswith("Another title") for asked in processed(counted))
    assert len(put("\n\n".join([*paragraphs, "More."]))) == 1
    assert_each_vector_is_that_of_its_text(counted, sql)


def test_a_version_that_is_read_again_is_cut_afresh(
    kyo: Kyo, counted: Kyo, put: Callable[..., list[str]], sql: Sql
) -> None:
    paragraphs = prose(60)
    put("\n\n".join(paragraphs))
    paragraphs[2] += " This line is new, and so is what it says. It is long enough to move what follows."
    put("\n\n".join(paragraphs))
    library.upload(kyo, OPERATOR, "other.txt", "\n\n".join(paragraphs).encode())
    processed(counted)
    sql(
        "insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, "
        "uploaded_at, reprocess_of) select document_id, 3, file_name, sha256, size_bytes, media_type, uploaded_by, "
        "uploaded_at, id from document_versions where number = 2"
    )
    processed(counted)
    texts = "select array_agg(c.text order by c.ordinal) from chunks c join document_versions v on v.id = c.version_id "
    assert sql(f"{texts} where v.number = 3") == sql(f"{texts} where v.file_name = 'other.txt'")
    assert sql(f"{texts} where v.number = 3") != sql(f"{texts} where v.number = 2")
    assert counts(sql)[-1][1] > 0


@pytest.mark.parametrize("at", ["killed while the model works", "the model is away"])
def test_a_replacement_that_was_interrupted_is_finished_by_another_run(
    kyo: Kyo, counted: Kyo, put: Callable[..., list[str]], sql: Sql, at: str
) -> None:
    paragraphs = prose(60)
    put("\n\n".join(paragraphs))
    paragraphs[30] += " This line is new, and so is what it says."
    library.upload(kyo, OPERATOR, "handbook.txt", "\n\n".join(paragraphs).encode())
    broken = CountingEmbedder(counted)
    broken.broken = KeyboardInterrupt() if at.startswith("killed") else Unavailable("Away.")  # type: ignore[assignment]
    dying = replace(counted, embedder=broken)
    with suppress(KeyboardInterrupt, Unavailable):
        processed(dying)
    assert [status for (status,) in sql("select status from document_versions order by number")] == ["ready", "chunked"]
    sql("update document_versions set claimed_by = null, claimed_until = null, retry_at = null")
    asked = processed(counted)
    chunks, kept = counts(sql)[1]
    assert 1 <= len(asked) <= 3
    assert kept == chunks - len(asked)
    assert_each_vector_is_that_of_its_text(counted, sql)
    assert processed(counted) == []
