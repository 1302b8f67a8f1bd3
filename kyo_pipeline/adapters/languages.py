"""In which language a text is written: py3langid, a naive Bayes classifier over bytes (Lui and Baldwin 2012)."""

import threading
from functools import cache
from typing import Any

_SAMPLE = 500  # characters, from three places of a long text

_LOADING = threading.Lock()


class LanguageDetector:
    """Implements the port `Languages`. The model is loaded at first use, once a process: 75 MB, in about a second."""

    def likelihoods(self, text: str) -> dict[str, float]:
        with _LOADING:
            identifier = load()
        return {str(code): float(likelihood) for code, likelihood in identifier.rank(_sample(text))}


@cache
def load() -> Any:
    """The classifier."""
    # Late: the app needs it only where documents are in more than one language.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]  # it ships no types

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _sample(text: str) -> str:
    """The text, or pieces of its beginning, middle and end."""
    if len(text) <= 3 * _SAMPLE:
        return text
    middle = (len(text) - _SAMPLE) // 2
    return " ".join((text[:_SAMPLE], text[middle : middle + _SAMPLE], text[-_SAMPLE:]))
