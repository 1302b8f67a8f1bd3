"""Texts and questions before PostgreSQL takes them to lexemes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.lexical import Analysis, Term, any_of, identifiers, narrowing, phrases, segmented, sparse


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("Thirty days of LEAVE.", ["thirty", "days", "of", "leave."]),
        ("der ﬁnale Übergang", ["der", "finale", "übergang"]),  # one letter for two, as PDFs have it
        ("年假有三十天", ["年假", "假有", "有三", "三十", "十天"]),
        ("员工ABC有假", ["员工", "abc", "有假"]),
        ("休", ["休"]),
        ("カタカナ と ﾊﾝｶｸ", ["カタ", "タカ", "カナ", "と", "ハン", "ンカ", "カク"]),
        ("ลาพักร้อน", ["ลา", "าพ", "พั", "ัก", "กร", "ร้", "้อ", "อน"]),
        ("إجازة سنوية", ["إجازة", "سنوية"]),
        ("هل الإجازة، مدفوعة؟", ["هل", "الإجازة", "مدفوعة"]),
        ("“paid” leave—always… „Urlaub“ «congé»", ["paid", "leave", "always...", "urlaub", "congé"]),
        ("the manager’s", ["the", "manager's"]),
        ("", []),
    ],
)
def test_words_are_parted_where_the_script_does_not_part_them(text: str, segments: list[str]) -> None:
    assert segmented(text).split() == segments


@given(st.text("年假有三十天休員工カタナ", min_size=2), st.data())
def test_what_stands_in_a_text_is_found_wherever_it_is_cut_out(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 2))
    end = data.draw(st.integers(start + 2, len(text)))
    assert set(segmented(text[start:end]).split()) <= set(segmented(text).split())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Order part AB-1234 today", ["#ab1234"]),
        ("ab1234, AB-1234 and AB/1234 are one part", ["#ab1234"]),
        ("XR-7700-B.", ["#xr7700b"]),
        ("see ISO27001 and RFC 9110", ["#iso27001"]),
        ("KYO_HOME and max_file_size", ["#kyohome", "#maxfilesize"]),
        ("release 2.13.0 of 2026-11-29", ["#2.13.0", "#2026-11-29"]),
        ("1.23 is not 12.3, nor 30 days, nor 1,000", []),
        ("a well-known follow-up and/or e.g. this", []),
        ("form W-4 (401k)", ["#w4", "#401k"]),
        ("年假2024年", []),
        ("_ __ a_ _b", []),
        ("x" * 61 + "1", []),
    ],
)
def test_part_numbers_are_lexemes_of_their_own(text: str, found: list[str]) -> None:
    assert list(identifiers(text)) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ('Who signs the "statement of work"?', ["statement of work"]),
        ("„bezahlter Urlaub“ und «congé payé» and “paid leave”", ["bezahlter Urlaub", "congé payé", "paid leave"]),
        ('an open " mark', []),
        ('"" and " " say nothing', []),
        ('"a b" "a b"', ["a b"]),
        (" ".join(f'"phrase {number}"' for number in range(9)), [f"phrase {number}" for number in range(5)]),
        ("what's the 'policy'", []),
    ],
)
def test_what_stands_between_quotation_marks_is_a_phrase(question: str, found: list[str]) -> None:
    assert list(phrases(question)) == found


def term(lexeme: str, chunks: int) -> Term:
    return Term(lexeme, len(lexeme), chunks, 1.0)


@pytest.mark.parametrize(
    ("counts", "chosen"),
    [
        ([10, 20, 30], [10, 20, 30]),
        ([50, 60, 10], [10, 50]),
        ([5000], [5000]),  # it has no other word
        ([5000, 6000], [5000]),
        ([], []),
    ],
)
def test_the_rarest_words_narrow_the_search_down(counts: list[int], chosen: list[int]) -> None:
    terms = [term("x" * place, count) for place, count in enumerate(counts, start=1)]
    assert [one.chunk_count for one in narrowing(terms, budget=100)] == chosen


def test_quotes_in_lexemes_do_not_end_them() -> None:
    assert any_of(["o'brien", "a\\b"]) == "'o''brien' | 'a\\\\b'"
    assert any_of([]) == ""


def test_weights_go_by_the_number_of_the_lexeme() -> None:
    terms = (Term("b", 7, 1, 2.5), Term("a", 3, 1, 1.25))
    assert sparse(terms) == "{3:1.25,7:2.5}/1000000000"
    assert sparse(()) == "{}/1000000000"


def test_unknown_words_weigh_as_much_as_the_rarest_could() -> None:
    analysis = Analysis((Term("leav", 1, 9, 0.5),), ("zebra",), 3.0)
    assert analysis.weights == {"leav": 0.5, "zebra": 3.0}
