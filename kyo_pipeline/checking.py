"""The draft of an answer, with what is to be said about it; that of a language model is held against its sources."""

from collections.abc import Sequence
from dataclasses import replace

from kyo_pipeline.db import search as searching
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Draft, DraftCitation, Outcome
from kyo_pipeline.domain.conflicts import conflicts_of
from kyo_pipeline.domain.corrections import corrections_shown
from kyo_pipeline.domain.evidence import Similarity, scored_statements
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.support import unsupported
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.kyo import Kyo

QUOTES = "extractive"  # supported by construction, and checked for contradictions when they were chosen


def checked(kyo: Kyo, actor: Actor, question: str, draft: Draft, retrieval: Retrieval) -> Draft:
    """The draft with what was found about it. Its text stays: sentences without support are marked, not removed."""
    corrections = corrections_shown(question, retrieval)
    draft = replace(draft, findings=replace(draft.findings, corrections=corrections))
    if draft.outcome is not Outcome.ANSWERED or (draft.generator or kyo.generator.name) == QUOTES:
        return draft
    text = storable(draft.text)
    with kyo.db.transaction(actor) as tx:
        weights = searching.analyse(tx, text).weights
    cited = {one.marker: _cited(one, retrieval) for one in draft.citations}
    findings = replace(
        draft.findings,
        unsupported=unsupported(text, cited, weights, _similarity(kyo)),
        conflicts=conflicts_of(draft.citations, scored_statements(question, retrieval, None), retrieval),
    )
    return replace(draft, text=text, findings=findings)


def _cited(citation: DraftCitation, retrieval: Retrieval) -> str:
    """What the model was shown of it: title, headings, text."""
    passage = retrieval.passages[citation.index]
    text = passage.text[citation.start - passage.start : citation.end - passage.start]
    return "\n".join((passage.title, *passage.heading_path, "", text))


def _similarity(kyo: Kyo) -> Similarity | None:
    """Cosines by the model on this machine. Sentences are not sent to a remote one."""
    if kyo.embedder.spec.backend == "huggingface":
        return None

    def cosines(sentence: str, others: Sequence[str]) -> Sequence[float]:
        if not others:
            return []
        return [float(one) for one in kyo.embedder.embed_passages(others) @ kyo.embedder.embed_query(sentence)]

    return cosines
