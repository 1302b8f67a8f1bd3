"""What a question means in its conversation: the words that are searched for, and how much each of them counts."""

from dataclasses import replace
from uuid import UUID

from kyo_pipeline.db import conversations
from kyo_pipeline.db import search as searching
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.follow_up import checked_rewrite, standing_alone, topic_of
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.stemming import weigh
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.finding import Stages
from kyo_pipeline.kyo import Kyo

#: Topics do not reach back further.
TURNS = 4

#: What a word of the topic counts, where a sentence is looked for: what was asked now is to decide among its passages.
_TOPIC_SHARE = 0.3


def resolved(kyo: Kyo, actor: Actor, question_id: UUID, question: str, stages: Stages) -> str:
    """The question so that it stands alone, noted beside it where that differs from what was asked.

    The language model rewrites it where there is one that does; else, or where what it writes is of no use, rules do.
    Nothing of what was answered goes into it. No connection is held while the model is asked.
    """
    with kyo.db.transaction(actor) as tx:
        turns = conversations.turns_before(tx, actor, question_id, TURNS)
        topic = topic_of(turns)
        if topic is None:
            return question
        weights = searching.analyse(tx, topic).weights
    written = kyo.generator.rewrite(question, turns)
    checked = None if written is None else checked_rewrite(written, question, turns)
    # A model that gives the question back has said that it stands alone.
    is_untouched = written is not None and written.strip() == question
    standalone = None if is_untouched else checked or standing_alone(question, turns, weights)
    standalone = storable(standalone or "")
    if standalone:
        with kyo.db.transaction(actor) as tx:
            conversations.note_standalone(tx, question_id, standalone)
    stages.done("rewrite")
    return standalone or question


def weighed(retrieval: Retrieval, question: str, searched: str) -> Retrieval:
    """What was found for a question that rules made to stand alone, with the words of its topic weighing less."""
    if not searched.startswith(f"{question} ("):
        return retrieval
    weights = {
        stem: weight
        * (1.0 if weigh(question, {stem: 1.0}, retrieval.language, retrieval.corrections) else _TOPIC_SHARE)
        for stem, weight in retrieval.term_weights.items()
    }
    return replace(retrieval, term_weights=weights)
