"""The real classifier on texts of some languages."""

import pytest

from kyo_pipeline.adapters.languages import LanguageDetector
from kyo_pipeline.domain.languages import language_of_document, language_of_question

TEXTS = {
    "english": "Everybody has thirty days of leave. Unused leave ends in March of the following year.",
    "german": "Alle haben dreißig Tage Urlaub. Nicht genommener Urlaub verfällt im März des folgenden Jahres.",
    "french": "Tout le monde a droit à trente jours de congé. Les congés non pris expirent en mars.",
    "arabic": "يحق لكل موظف ثلاثون يوما من الإجازة السنوية المدفوعة الأجر.",
    "russian": "Каждый сотрудник имеет право на тридцать дней оплачиваемого отпуска.",
    "simple": "每位员工每年有三十天带薪年假，未使用的假期于次年三月到期。",
}


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_of_a_text_is_known(language: str) -> None:
    assert language_of_document(LanguageDetector().likelihoods(TEXTS[language])) == language


def test_of_a_long_text_a_sample_is_enough() -> None:
    likelihoods = LanguageDetector().likelihoods(TEXTS["german"] * 10_000)
    assert language_of_document(likelihoods) == "german"


@pytest.mark.parametrize(
    ("question", "language"),
    [("Wie viele Tage Urlaub habe ich?", "german"), ("How do I get help?", "english"), ("AB-1234", None)],
)
def test_the_language_of_a_question_is_one_of_the_documents_or_not_certain(question: str, language: str | None) -> None:
    likelihoods = LanguageDetector().likelihoods(question)
    assert language_of_question(likelihoods, ["english", "german"]) == language


def test_nothing_is_no_language() -> None:
    assert language_of_document(LanguageDetector().likelihoods("")) == "english"
    assert language_of_document(LanguageDetector().likelihoods("17 | 4 | 2.5\n18 | 5 | 2.75")) == "english"
