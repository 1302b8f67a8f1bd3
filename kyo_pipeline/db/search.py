"""Hybrid search over the chunks that the actor may read."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import query
from kyo_pipeline.domain.fusion import Factors
from kyo_pipeline.domain.lexical import Analysis, Term, any_of, identifiers, narrowing, phrases, segmented, sparse
from kyo_pipeline.domain.ports import Vectors
from kyo_pipeline.domain.retrieval import Passage
from kyo_pipeline.domain.typing_errors import nearest

#: What a word that was probably mistyped weighs, beside the one that it is taken for.
_CORRECTED = 0.8
_MOST_ERRORS = 5


def languages(tx: Connection) -> tuple[str, ...]:
    """The text search configurations of what can be found."""
    return tuple(tx.scalars(text("select language from corpus_languages where version_count > 0 order by language")))


def analyse(tx: Connection, question: str, spoken: str | None = None, cutting_id: int | None = None) -> Analysis:
    """What the words of the question say to the search. `spoken` is the configuration of its language, if known.

    `cutting_id`: whose chunks are counted; None: of what answers questions now.
    """
    rows = tx.execute(
        text(
            "select lexeme, places, id, chunk_count, idf from analyse_question(:words, :spoken, :identifiers, :cutting)"
        ),
        {
            "words": segmented(question),
            "spoken": spoken,
            "identifiers": list(identifiers(question)),
            "cutting": cutting_id,
        },
    ).all()
    known = [Term(row.lexeme, row.id, row.chunk_count, row.idf) for row in rows if row.chunk_count > 0]
    # A word has a lexeme in each language: it is known where one of them is.
    there = {place for row in rows if row.chunk_count > 0 for place in row.places}
    unknown = [row.lexeme for row in rows if row.chunk_count == 0 and row.places and not there & set(row.places)]
    # A question has a typing error or two; one that is all unknown words is in a language that no document is in.
    is_typed_badly = 0 < len(unknown) <= (_MOST_ERRORS if known else 2)
    meant = _meant(tx, unknown, cutting_id) if is_typed_badly else {}
    return Analysis(
        terms=tuple({term.id: term for term in [*meant.values(), *known]}.values()),
        unknown=tuple(lexeme for lexeme in unknown if lexeme not in meant),
        unknown_idf=max((row.idf for row in rows), default=0.0),
        corrections={typed: term.lexeme for typed, term in meant.items()},
        phrase=_phrase(tx, phrases(question)),
        spoken=spoken,
    )


def passages(
    tx: Connection,
    embedding_set: EmbeddingSet,
    question: str,
    vector: Vectors,
    limit: int,
    analysis: Analysis | None = None,
) -> tuple[Passage, ...]:
    """The best `limit` passages that the actor of `tx` may read, best first.

    `vector` is the question's, of shape (dimensions,). `analysis` is that of the question, where somebody has made it
    before.
    """
    analysis = analyse(tx, question, None, embedding_set.cutting_id) if analysis is None else analysis
    factors = Factors.of(embedding_set.spec, analysis)
    rows = tx.execute(
        text(query("search_chunks").replace("{search}", f"search_set_{int(embedding_set.id)}")),
        {
            "vector": "[" + ",".join(f"{value:.7g}" for value in vector.tolist()) + "]",
            "rare": any_of(term.lexeme for term in narrowing(analysis.terms)),
            "weights": sparse(analysis.terms),
            "phrase": analysis.phrase,
            "dense_factor": factors.dense,
            "lexical_factor": factors.lexical,
            "limit": limit,
        },
    )
    return tuple(
        Passage(
            chunk_id=row.chunk_id,
            document_id=row.document_id,
            version_id=row.version_id,
            version_number=row.version_number,
            title=row.title,
            collection=row.collection,
            text=row.text,
            start=row.start_offset,
            end=row.end_offset,
            page_from=row.page_from,
            page_to=row.page_to,
            heading_path=tuple(row.heading_path),
            score=float(row.score),
            similarity=float(row.similarity),
            lexical=float(row.lexical),
            owner=row.owner,
            dated=row.dated,
        )
        for row in rows
    )


def _meant(tx: Connection, unknown: Sequence[str], cutting_id: int | None) -> dict[str, Term]:
    """For lexemes that are nowhere, those that they are mistyped forms of."""
    rows = tx.execute(
        text("select typed, lexeme, id, chunk_count, idf from similar_lexemes(:unknown, :cutting)"),
        {"unknown": list(unknown), "cutting": cutting_id},
    ).all()
    found: dict[str, Term] = {}
    for typed in unknown:
        alike = {row.lexeme: row for row in rows if row.typed == typed}
        if (lexeme := nearest(typed, ((row.lexeme, row.chunk_count) for row in alike.values()))) is not None:
            row = alike[lexeme]
            found[typed] = Term(row.lexeme, row.id, row.chunk_count, row.idf * _CORRECTED)
    return found


def _phrase(tx: Connection, quoted: Sequence[str]) -> str | None:
    if not quoted:
        return None
    found: str | None = tx.scalar(
        text("select cast(phrase_query(:phrases) as text)"), {"phrases": [segmented(one) for one in quoted]}
    )
    return found
