"""The statistics of the searchable corpus: whatever happens to documents, they equal a recount."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from kyo_pipeline.db import corpus
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.errors import KyoError
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, library, reviewing, upkeep

Sql = Callable[..., list[Any]]

SEARCHABLE = "documents d join chunks c on c.version_id = d.current_version_id where d.state = 'approved'"
RECOUNT = f"""
select t.lexeme, count(*) as chunks
from (select c.* from {SEARCHABLE}) c, unnest(c.lexical) as t(lexeme, positions, weights)
group by t.lexeme
"""  # noqa: S608 — no value comes from outside

#: (what, which document, which text)
STEPS = st.tuples(
    st.sampled_from(
        [
            "upload",
            "process",
            "approve",
            "reject",
            "archive",
            "upload and publish",
            "upload and publish",
            "restore",
            "go back",
            "rename",
            "delete",
        ]
    ),
    st.integers(0, 2),
    st.integers(0, 4),
)
TEXTS = [
    "Holidays are thirty days. Holidays are paid.",
    "Sick leave needs a note.",
    "The office is open. " * 40,
    "of the and",
    "Parking costs nothing; the garage is under the office.",
]


class Undo(Exception):
    """Ends an example's transaction, so that the next one starts from nothing."""


@given(st.lists(STEPS, min_size=1, max_size=9))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_statistics_equal_a_recount_after_any_history(
    kyo: Kyo, run_pipeline: Callable[[], None], sql: Sql, history: list[tuple[str, int, int]]
) -> None:
    with suppress(Undo), kyo.db.transaction(OPERATOR):
        for what, document, text in history:
            with suppress(KyoError):
                happen(kyo, run_pipeline, sql, what, f"{document}.txt", TEXTS[text])
            assert_counted(sql)
        raise Undo


def happen(kyo: Kyo, run_pipeline: Callable[[], None], sql: Sql, what: str, name: str, text: str) -> None:
    if what.startswith("upload"):
        library.upload(kyo, OPERATOR, name, text.encode())
    if what in ("process", "upload and publish"):
        run_pipeline()
    found = [one for one in library.list_documents(kyo, OPERATOR).documents if one.latest.file_name == name]
    for document in found[:1]:
        if what in ("approve", "upload and publish"):
            reviewing.approve(kyo, OPERATOR, document.latest.id)
        elif what == "reject":
            reviewing.reject(kyo, OPERATOR, document.latest.id, "No.")
        elif what == "archive":
            curating.archive(kyo, OPERATOR, document.id)
        elif what == "restore":
            curating.restore(kyo, OPERATOR, document.id)
        elif what == "delete":
            curating.delete(kyo, OPERATOR, document.id)
        elif what == "rename":
            owner = document.owner_id
            curating.change(kyo, OPERATOR, document.id, title=text[:20], owner=owner, tags=(), review_by=None)
        elif what == "go back":
            [first, *_] = sql(
                "select id from document_versions where document_id = :id order by number", id=document.id
            )
            reviewing.roll_back(kyo, OPERATOR, first.id)


def assert_counted(sql: Sql) -> None:
    rows = sql("select l.lexeme, n.chunk_count from lexeme_counts n join lexemes l on l.id = n.lexeme_id")
    counted = {row.lexeme: row.chunk_count for row in rows if row.chunk_count}
    assert counted == {row.lexeme: row.chunks for row in sql(RECOUNT)}
    totals = sql("select coalesce(sum(chunk_count), 0), coalesce(sum(lexeme_count), 0) from cuttings")
    assert totals == sql(f"select count(*), coalesce(sum(c.lexeme_count), 0) from {SEARCHABLE}")  # noqa: S608 — as above


def test_stored_weights_are_those_of_bm25(publish: Callable[[str, str], None], pipeline: Kyo, sql: Sql) -> None:
    for number, content in enumerate(TEXTS):
        publish(f"{number}.txt", content)
    upkeep.refresh_weights(pipeline)
    [(average,)] = sql("select weighed_length from cuttings")
    ids = {row.lexeme: row.id for row in sql("select id, lexeme from lexemes")}
    for row in sql("select id, lexeme_count, bm25::text as stored from chunks"):
        found = sql("select lexeme, positions from chunks c, unnest(c.lexical) where c.id = :id", id=row.id)
        counts = {term.lexeme: len(term.positions) for term in found}
        assert row.lexeme_count == sum(counts.values())
        expected = {
            ids[term]: tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * row.lexeme_count / average)) for term, tf in counts.items()
        }
        assert sparse(row.stored) == pytest.approx(expected, rel=1e-5)


def sparse(stored: str) -> dict[int, float]:
    pairs = (pair.split(":") for pair in stored[1 : stored.index("}")].split(","))
    return {int(place): float(value) for place, value in pairs}


class TestDrift:
    @pytest.fixture
    def length(self, kyo: Kyo, sql: Sql) -> Callable[[float | None, int, int], float | None]:
        def drifted(weighed: float | None, lexemes: int, chunks: int) -> float | None:
            sql("insert into cuttings (name, size, overlap, is_counted) values ('one', 500, 50, true)")
            sql(
                "update cuttings set weighed_length = :weighed, lexeme_count = :lexemes, chunk_count = :chunks",
                weighed=weighed,
                lexemes=lexemes,
                chunks=chunks,
            )
            with kyo.db.transaction(OPERATOR) as tx:
                return next(iter(corpus.drifted_lengths(tx).values()), None)

        return drifted

    @pytest.mark.parametrize(
        ("weighed", "lexemes", "chunks", "expected"),
        [
            (None, 0, 0, None),
            (None, 500, 10, 50),
            (50, 0, 0, None),
            (50, 550, 10, None),
            (50, 560, 10, 56),
            (50, 440, 10, 44),
            (50, 450, 10, None),
        ],
        ids=["empty", "never weighed", "emptied", "a tenth more", "over a tenth", "under a tenth", "a tenth less"],
    )
    def test_more_than_a_tenth_counts(
        self,
        length: Callable[[float | None, int, int], float | None],
        weighed: float | None,
        lexemes: int,
        chunks: int,
        expected: float | None,
    ) -> None:
        assert length(weighed, lexemes, chunks) == expected


def test_refreshing_twice_weighs_once(publish: Callable[[str, str], None], pipeline: Kyo) -> None:
    publish("office.txt", TEXTS[2])
    assert upkeep.refresh_weights(pipeline) > 0
    assert upkeep.refresh_weights(pipeline) == 0


def test_whatever_changes_what_can_be_found_changes_the_revision(
    publish: Callable[[str, str], None], kyo: Kyo, manager: Actor
) -> None:
    def revision() -> int:
        with kyo.db.transaction(OPERATOR) as tx:
            return int(tx.scalar(text("select revision from corpus")))

    seen = [revision()]
    publish("a.txt", "The first version.")
    seen.append(revision())
    publish("a.txt", "The second version.")
    seen.append(revision())
    [document] = library.list_documents(kyo, manager).documents
    curating.archive(kyo, manager, document.id)
    seen.append(revision())
    assert seen == sorted(set(seen))


def test_publishing_the_same_version_twice_is_once(publish: Callable[[str, str], None], kyo: Kyo, sql: Sql) -> None:
    publish("a.txt", "Only once.")
    [(version_id,)] = sql("select current_version_id from documents")
    with kyo.db.transaction(OPERATOR) as tx:
        assert corpus.publishable(tx, [version_id]) == ()
    assert_counted(sql)
