"""Languages of documents and of questions."""

import pytest

from kyo_pipeline.domain.languages import configuration_of, language_of_document, language_of_question


@pytest.mark.parametrize(
    ("code", "name"), [("en", "english"), ("nb", "norwegian"), ("zh", "simple"), ("ja", "simple"), (None, "simple")]
)
def test_what_has_no_stemmer_is_compared_as_it_is_written(code: str | None, name: str) -> None:
    assert configuration_of(code) == name


def test_a_document_is_in_its_likeliest_language() -> None:
    assert language_of_document({"nl": 0.2, "de": 0.7, "en": 0.1}) == "german"
    assert language_of_document({"zh": 1.0}) == "simple"


def test_what_is_in_no_language_that_one_could_tell_counts_as_english() -> None:
    assert language_of_document({"sr": 0.014, "uz": 0.013}) == "english"
    assert language_of_document({}) == "english"
    assert language_of_document({"pcm": 0.6, "en": 0.4}) == "english"


@pytest.mark.parametrize(
    ("likelihoods", "spoken", "language"),
    [
        ({"de": 0.9, "nl": 0.1}, ["english", "german"], "german"),
        ({"pcm": 0.5, "en": 0.3, "de": 0.01}, ["english", "german"], "english"),  # no document is in the first
        ({"de": 0.4, "en": 0.4}, ["english", "german"], None),
        ({"zh": 0.6, "ja": 0.3, "en": 0.01}, ["english", "simple"], "simple"),
        ({"nb": 0.5, "no": 0.4, "da": 0.1}, ["danish", "norwegian"], "norwegian"),
        ({"fi": 1.0}, ["english", "german"], None),
        ({"fi": 1.0}, [], None),
    ],
)
def test_a_question_is_in_a_language_that_documents_are_in(
    likelihoods: dict[str, float], spoken: list[str], language: str | None
) -> None:
    assert language_of_question(likelihoods, spoken) == language
