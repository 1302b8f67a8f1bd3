"""Languages by their ISO 639-1 codes, and what PostgreSQL calls its stemmers and stop words for them."""

from collections.abc import Collection, Mapping

#: For what has no stemmer: words are compared as they are written.
SIMPLE = "simple"
ENGLISH = "english"

_CERTAIN = 0.8
_LIKELY = 0.4

#: Those that PostgreSQL 14 has.
_CONFIGURATIONS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": ENGLISH,
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pcm": ENGLISH,  # Nigerian Pidgin, which short English texts are sometimes taken for
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}


def configuration_of(code: str | None) -> str:
    """The text search configuration of a language, `simple` for those that have none."""
    return _CONFIGURATIONS.get(code or "", SIMPLE)


def language_of_document(likelihoods: Mapping[str, float]) -> str:
    """The configuration for a text by what a detector says of it (language code to likelihood, 0 to 1).

    A text of a few words or of numbers is in no language that one could tell: then English.
    """
    best = max(likelihoods, key=lambda code: likelihoods[code], default="en")
    return configuration_of(best) if likelihoods.get(best, 0.0) >= _LIKELY else ENGLISH


def language_of_question(likelihoods: Mapping[str, float], spoken: Collection[str]) -> str | None:
    """The configuration for a question, out of those that documents are in; None when it may be in several of them.

    A question is short: what no document is in, it is most likely not in either.
    """
    by_configuration: dict[str, float] = dict.fromkeys(spoken, 0.0)
    for code, likelihood in likelihoods.items():
        if (name := configuration_of(code)) in by_configuration:
            by_configuration[name] += likelihood
    total = sum(by_configuration.values())
    best = max(by_configuration, key=lambda name: by_configuration[name], default=None)
    return best if best is not None and total > 0 and by_configuration[best] >= _CERTAIN * total else None
