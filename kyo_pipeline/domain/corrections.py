"""Words of a question that were taken for others, as people write them."""

import re
from collections import Counter

from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.stemming import stems

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def corrections_shown(question: str, retrieval: Retrieval) -> tuple[tuple[str, str], ...]:
    """Pairs of what was typed and what was searched for. A lexeme is no word: it is shown in a form that was found.

    What was searched for and is in none of the passages has changed nothing, and is not mentioned.
    """
    if not retrieval.corrections:
        return ()
    found = Counter(
        word
        for passage in retrieval.passages
        for word in _WORD.findall(" ".join((passage.title, *passage.heading_path, passage.text)))
    )
    typed = {stem: word for word in _WORD.findall(question) for stem in stems(word, retrieval.language)}
    forms = {stem: word for word, _ in reversed(found.most_common()) for stem in stems(word, retrieval.language)}
    return tuple(
        (typed[one], forms[meant])
        for one, meant in retrieval.corrections.items()
        if one in typed and meant in forms and typed[one].casefold() != forms[meant].casefold()
    )
