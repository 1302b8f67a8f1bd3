"""Whether the cited passages bear out the sentences of an answer that a language model wrote."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kyo_pipeline.domain.answer_findings import TextSpan
from kyo_pipeline.domain.evidence import Similarity
from kyo_pipeline.domain.figures import values_of, words_beside_figures
from kyo_pipeline.domain.likeness import words_of
from kyo_pipeline.domain.sentences import sentence_spans
from kyo_pipeline.domain.stemming import STOP_WORDS

#: What a sentence must reach, and what speaks for it however it is worded. Chosen by `benchmarks/support.py`.
_ENOUGH, _ENOUGH_WITH_SIMILARITY = 0.5, 0.7
_SIMILARITY = 0.35  # how much a cosine of 1 adds to the share of the words
_STATES_LITTLE = 2  # stems; with fewer, and without a number, there is nothing to bear out
_MARKERS = re.compile(r"(?:\[\d{1,3}\]\s*)+")
_MARKER = re.compile(r"\[(\d{1,3})\]")
_TELLING = 8  # words
_FEW, _MANY = 0.1, 0.2  # shares of English function words
_RARE = 3.0  # the weight of a stem that nothing is known of, in units of idf


@dataclass(frozen=True)
class Sentence:
    """Characters start..end of an answer, their words without markers, and the markers that stand in or behind them."""

    start: int
    end: int
    words: str
    markers: tuple[int, ...]


def sentences_of(text: str) -> list[Sentence]:
    """The sentences of an answer. A marker after a full stop belongs to the sentence that has ended there."""
    spans: list[tuple[int, int]] = []
    for start, end in sentence_spans(text):
        leading = _MARKERS.match(text, start, end)
        if leading and spans:
            spans[-1] = (spans[-1][0], start + len(leading.group().rstrip()))
            start = leading.end()
        if start < end:
            spans.append((start, end))
    return [_sentence(text, *span) for span in spans]


def unsupported(
    text: str, cited: Mapping[int, str], weights: Mapping[str, float], similarity: Similarity | None = None
) -> tuple[TextSpan, ...]:
    """The sentences of the answer that the passages they cite do not bear out.

    `cited` maps each marker to the text that it cites; a sentence without a marker may rest on all of them. `weights`
    are the inverse document frequencies of the answer's stems. `similarity` gives cosines, where a model is at hand
    that sends nothing away.
    """
    found = []
    for sentence in sentences_of(text):
        passages = [cited[marker] for marker in sentence.markers if marker in cited] or list(cited.values())
        if _states(sentence.words) and not is_supported(sentence.words, passages, weights, similarity):
            found.append(TextSpan(sentence.start, sentence.end))
    return tuple(found)


def is_supported(
    sentence: str, passages: Sequence[str], weights: Mapping[str, float], similarity: Similarity | None = None
) -> bool:
    """Whether the passages have all numbers and dates of the sentence, and say what it says."""
    together = "\n\n".join(passages)
    if not values_of(sentence) <= values_of(together):
        return False
    if _in_two_languages(sentence, together):
        return True  # words of two languages cannot be compared
    share = support(sentence, together, weights)
    if similarity is None:
        return share >= _ENOUGH
    if not _ENOUGH_WITH_SIMILARITY - _SIMILARITY <= share < _ENOUGH_WITH_SIMILARITY:
        return share >= _ENOUGH_WITH_SIMILARITY  # no cosine changes that: don't compute it
    return support(sentence, together, weights, similarity) >= _ENOUGH_WITH_SIMILARITY


def support(sentence: str, passage: str, weights: Mapping[str, float], similarity: Similarity | None = None) -> float:
    """The share of the sentence's words, by weight, that stand in the passage, and what the likest sentence adds."""
    there = words_beside_figures(passage)
    weighed = {stem: weights.get(stem, _RARE) for stem in words_beside_figures(sentence)}
    total = sum(weighed.values())
    share = sum(weight for stem, weight in weighed.items() if stem in there) / total if total else 1.0
    if similarity is None:
        return share
    others = [passage[start:end] for start, end in sentence_spans(passage)]
    return share + _SIMILARITY * max(0.0, max(map(float, similarity(sentence, others)), default=0.0))


def _in_two_languages(one: str, other: str) -> bool:
    """Whether only one of the two is English, by its function words; short texts have too few of them to tell."""
    low, high = sorted(map(_function_words, (one, other)))
    return low < _FEW and high >= _MANY and min(len(words_of(one)), len(words_of(other))) >= _TELLING


def _function_words(text: str) -> float:
    """The share of English function words among all words."""
    words = words_of(text)
    return sum(word in STOP_WORDS for word in words) / max(len(words), 1)


def _sentence(text: str, start: int, end: int) -> Sentence:
    words = _MARKER.sub(" ", text[start:end])
    return Sentence(start, end, words, tuple(int(number) for number in _MARKER.findall(text[start:end])))


def _states(sentence: str) -> bool:
    """Whether it says something of its own; what only leads to a list that follows does not."""
    if sentence.rstrip(" *_").endswith(":"):
        return False
    return len(words_beside_figures(sentence)) >= _STATES_LITTLE or bool(values_of(sentence))
