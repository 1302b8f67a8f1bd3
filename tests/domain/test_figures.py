import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.figures import figures_of, values_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("thirty days, or 30", {"30"}),
        ("twenty-one of 21", {"21"}),
        ("1,000 and 1000 and 1'000 and 1\u00a0000", {"1000"}),
        ("2.50 and 2.5 and 2,5", {"2.5"}),
        ("$18,500.00", {"18500"}),
        ("٣٠ يوما", {"30"}),
        ("30 天", {"30"}),
        ("3 March 2026", {"3", "march", "2026"}),
        ("You may march on Monday in May.", {"monday", "may"}),
        ("May I ask? March on.", set()),
        ("by March", {"march"}),
        ("one business day", {"1"}),
        ("No one of them, one by one", set()),
        ("version v2", set()),
    ],
)
def test_numbers_and_dates_in_one_form(text: str, values: set[str]) -> None:
    assert values_of(text) == values


@pytest.mark.parametrize(
    ("text", "denies"),
    [
        ("You may not park here.", True),
        ("Nobody can't.", True),
        ("Hunde sind nicht erlaubt.", True),
        ("Do it no later than Monday.", False),
        ("Not only we, others too.", False),
        ("Notes are kept.", False),
    ],
)
def test_what_is_denied(text: str, denies: bool) -> None:
    assert figures_of(text).denies is denies


@given(st.text())
def test_any_text_has_some_figures_or_none(text: str) -> None:
    assert all(values_of(text))


@given(st.integers(0, 10**9))
def test_a_number_is_the_same_with_and_without_separators(number: int) -> None:
    assert values_of(f"{number:,}") == values_of(str(number)) == {str(number)}
