"""The estimate against a real vocabulary: that of Llama 2, whose 32,000 tokens are much like Mistral's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.ports import Embedder
from kyo_pipeline.domain.prompting import build_prompt
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.stemming import stems
from kyo_pipeline.domain.token_estimate import estimated_tokens
from tests.domain.test_prompting import FENCE, PASSAGE

TEXTS = {
    "English": "The cafeteria serves soup at noon. Employees receive thirty days of annual leave in each year. ",
    "German": "Beschäftigte erhalten dreißig Tage Erholungsurlaub; Überstundenvergütungsansprüche verjähren. ",
    "French": "Les salariés bénéficient de trente jours de congés payés, sauf disposition contraire de l'accord. ",
    "Polish": "Pracownikom przysługuje trzydzieści dni urlopu wypoczynkowego w każdym roku kalendarzowym. ",
    "Turkish": "Çalışanlara her takvim yılında otuz gün yıllık ücretli izin verilir. ",
    "Vietnamese": "Nhân viên được nghỉ phép ba mươi ngày mỗi năm dương lịch. ",
    "Russian": "Сотрудникам предоставляется тридцать дней ежегодного оплачиваемого отпуска. ",
    "Greek": "Οι εργαζόμενοι δικαιούνται τριάντα ημέρες ετήσιας άδειας ανά ημερολογιακό έτος. ",
    "Arabic": "يحصل الموظفون على ثلاثين يوما من الإجازة السنوية في كل سنة تقويمية. ",
    "Hebrew": "העובדים מקבלים שלושים ימי חופשה שנתית בכל שנה קלנדרית. ",
    "Hindi": "कर्मचारियों को प्रत्येक कैलेंडर वर्ष में तीस दिन की वार्षिक छुट्टी मिलती है। ",
    "Chinese": "员工每个日历年享有三十天带薪年假，除非合同另有规定。",
    "Japanese": "従業員は各暦年に三十日の年次有給休暇を取得できます。",
    "Korean": "직원은 매년 삼십일의 연차 휴가를 받습니다. ",
    "emoji": "🙂🎉🚀👩‍💻",
    "figures": "12345 67890 2024-01-31 1,234.56 ",
    "a table": "| 2024 | 1,200.00 | 3.5 % | A-17/b |\n",
    "code": "def f(x):\n    return {'a': x[0] != 1, \"b\": (x or [])}\n",
    "capitals": "ALL EMPLOYEES MUST WEAR PROTECTIVE EQUIPMENT IN THE WAREHOUSE. ",
    "a key": "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw",
    "single letters": "a b c d e f g h i j ",
    "blanks": " " * 50,
    "lines": "\n" * 50,
    "signs": "!?.,;:-—…§%&/()=",
    "signs that are rare": "ༀሀ☃⨀𠀀𝐀\ufeff\u200b",
}


def counted(embedder: Embedder, text: str) -> int:
    return len(embedder.tokenizer.token_spans(text))


@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_has_more_tokens_than_estimated(embedder: Embedder, kind: str) -> None:
    for text in (TEXTS[kind], TEXTS[kind] * 20, TEXTS[kind].strip()):
        assert counted(embedder, text) <= estimated_tokens(text)


@pytest.mark.parametrize("kind", ["English", "French", "Polish", "Turkish", "Greek", "figures"])
def test_the_estimate_of_text_in_words_is_not_wasteful(embedder: Embedder, kind: str) -> None:
    text = TEXTS[kind] * 20
    assert estimated_tokens(text) < 1.6 * counted(embedder, text)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=200), st.text(max_size=50))
def test_a_longer_text_has_no_fewer_tokens(first: str, second: str) -> None:
    assert estimated_tokens(f"{first}\n{second}") >= max(estimated_tokens(first), estimated_tokens(second))


@pytest.mark.parametrize("question", ["How many days?", "休暇は何日ですか。" * 20, "Why so? " * 60])
@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("limit", [512, 2000])
def test_prompt_and_answer_together_keep_to_the_limit(embedder: Embedder, kind: str, question: str, limit: int) -> None:
    """By a real vocabulary, for long passages and questions; where a question leaves no room, there is no prompt."""
    text = TEXTS[kind] * 60
    passages = [replace(PASSAGE, text=text, end=len(text), title=TEXTS[kind])] * 5
    found = Retrieval(tuple(passages), dict.fromkeys(stems(question), 1.0), 0.5, 1)
    prompt = build_prompt(question, found, range(5), limit, FENCE)
    if prompt is None:
        assert limit < 2000
    else:
        assert counted(embedder, prompt.messages[0]["content"]) + prompt.answer_tokens <= limit
