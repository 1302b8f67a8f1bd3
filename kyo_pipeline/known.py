"""Questions of which it is known where their answers are, and what an embedding set makes of one.

What judges a set before it serves and what measures every night ask the same questions in the same way.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kyo_pipeline.adapters.labelled_sets import read_set
from kyo_pipeline.db import documents, evaluation_cases, liked_questions, search
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.context import SPARE, Room, assemble
from kyo_pipeline.domain.judging import Response, would_answer
from kyo_pipeline.domain.known_questions import KnownQuestion, KnownQuestions, of_set, without_repeated
from kyo_pipeline.domain.languages import ENGLISH
from kyo_pipeline.domain.lexical import Analysis
from kyo_pipeline.domain.rankings import CUT
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.errors import KyoError
from kyo_pipeline.finding import analysed, reranked
from kyo_pipeline.kyo import Kyo

#: Passages that are asked for in order to rank: a document may have many, and ten documents are wanted.
DEPTH = 200

#: The newest questions that people liked the answers of: more take longer, and tell little that these do not.
MOST_LIKED = 500

#: The newest cases of the organisation's own evaluation set.
MOST_CASES = 2000


def known_questions(kyo: Kyo, actor: Actor) -> KnownQuestions:
    """The cases of the own evaluation set, questions whose answers people liked, and those of KYO_EVAL_DIR.

    Needs the pipeline's database role, and gives those of people to nobody but an admin or the operator. Raises
    `Invalid` where KYO_EVAL_DIR cannot be read.
    """
    folder = kyo.settings.KYO_EVAL_DIR
    labelled = None if folder is None else read_set(folder)
    with kyo.db.transaction(actor) as tx:
        cases = evaluation_cases.active(tx, MOST_CASES)
        liked = liked_questions.newest(tx, MOST_LIKED)
        files = documents.answering_file_names(tx) if labelled else {}
    of_folder = of_set(labelled, files) if labelled else KnownQuestions()
    return KnownQuestions((*cases, *without_repeated(liked, cases), *of_folder.questions), of_folder.left_out)


def ask(
    kyo: Kyo, actor: Actor, embedding_set: EmbeddingSet, question: KnownQuestion, *, rerank: bool = False
) -> Response:
    """What a set makes of a question; `kyo` is the one with its model. Nothing is stored.

    Searched in as the product does, in the fused order or, with `rerank`, in that of the reranker, where there is one.
    Whether there is an answer is decided by the rule for quotes, whichever generator is configured: a language model
    would cost money. Errors tell nothing of the question.
    """
    with without_words():
        return _answered(kyo, actor, embedding_set, question, rerank)


@contextmanager
def without_words() -> Iterator[None]:
    """What fails says so without its cause: that may quote the question, and Dagster shows it to data engineers."""
    try:
        yield
    except KyoError as error:
        raise error from None
    except Exception as error:  # noqa: BLE001 — whatever it is, its own words may be somebody's question
        raise RuntimeError(f"A question could not be asked: {type(error).__name__}.") from None


def _answered(kyo: Kyo, actor: Actor, embedding_set: EmbeddingSet, question: KnownQuestion, rerank: bool) -> Response:
    """Embedded anew: a vector out of the cache would hide what the model takes."""
    words = question.text
    wanted = SPARE * kyo.settings.TOP_K_RESULTS
    reranker = kyo.reranker if rerank else None
    started = time.perf_counter()
    vector = kyo.embedder.embed_query(words)
    with kyo.db.transaction(actor) as tx:
        analysis = analysed(kyo, tx, words, embedding_set)
        found = search.passages(tx, embedding_set, words, vector, wanted, analysis)
        milliseconds = (time.perf_counter() - started) * 1000
        ranked = search.passages(tx, embedding_set, words, vector, DEPTH, analysis)
    if reranker is not None:
        started = time.perf_counter()
        ranked = reranked(reranker, words, ranked)
        milliseconds += (time.perf_counter() - started) * 1000
        found = ranked[:wanted]
    answered = would_answer(words, _retrieval(kyo, embedding_set, found, analysis))
    return Response(question.ranked(ranked)[:CUT], answered, milliseconds)


def _retrieval(kyo: Kyo, embedding_set: EmbeddingSet, found: Sequence[Passage], analysis: Analysis) -> Retrieval:
    """What the product would answer from, if this set were the active one."""
    settings = kyo.settings
    explicit = settings.explicit_similarity_threshold
    return Retrieval(
        passages=assemble(found, Room.of(settings.TOP_K_RESULTS, settings.CHUNK_SIZE)),
        term_weights=analysis.weights,
        similarity_threshold=embedding_set.spec.similarity_threshold if explicit is None else explicit,
        embedding_set_id=embedding_set.id,
        corrections=analysis.corrections,
        language=analysis.spoken or ENGLISH,
    )
