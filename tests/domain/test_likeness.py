"""How alike texts are: the estimate is near the truth, the same everywhere, and what is alike shares a band."""

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.likeness import ALIKE, LEAST_WORDS, Signature, likeness

WORDS = [f"{first}{second}" for first in "bcdfghklmnprstvw" for second in ("a", "el", "im", "on", "ur", "ask")]


def words(count: int, seed: int) -> list[str]:
    pick = random.Random(seed)  # noqa: S311 — a text, not a secret
    return [pick.choice(WORDS) for _ in range(count)]


def changed(text: list[str], share: float, seed: int) -> list[str]:
    """So many of the words replaced by others."""
    pick = random.Random(seed)  # noqa: S311 — as above
    places = set(pick.sample(range(len(text)), int(len(text) * share)))
    return [f"other{pick.randrange(10_000)}" if place in places else word for place, word in enumerate(text)]


def truth(one: list[str], other: list[str]) -> float:
    groups = [{tuple(text[start : start + 5]) for start in range(len(text) - 4)} for text in (one, other)]
    return len(groups[0] & groups[1]) / len(groups[0] | groups[1])


def signature(text: list[str]) -> Signature:
    return Signature.of(" ".join(text))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 1.0])
@pytest.mark.parametrize("length", [60, 1000])
def test_the_estimate_is_near_the_truth(length: int, share: float) -> None:
    errors = []
    for seed in range(20):
        one = words(length, seed)
        other = changed(one, share, seed)
        errors.append(likeness(signature(one), signature(other)) - truth(one, other))
    assert max(abs(error) for error in errors) < 0.18  # four standard deviations
    assert abs(sum(errors)) / len(errors) < 0.05


def test_what_is_alike_by_half_shares_a_band_and_what_is_not_does_not() -> None:
    """A like pair has a band in common 996 times in 1000; one that is alike by a hundredth, hardly ever."""
    found = unlike = 0
    for seed in range(200):
        one = words(400, seed)
        other = changed(one, 0.066, seed)
        assert 0.4 < truth(one, other) < 0.65
        found += bool(set(signature(one).bands) & set(signature(other).bands))
        unlike += bool(set(signature(one).bands) & set(signature(words(400, seed + 1000)).bands))
    assert found >= 195
    assert unlike == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The ANNUAL leave; is: thirty days! ", "the annual leave is thirty days "),
        ("ﬁle the ofﬁce form at once ", "file the office form at once "),
        ("Straße und Gasse, immer weiter ", "STRASSE UND GASSE immer weiter "),
        ("line one\nline\ttwo  three\r\n\r\n", "line one line two three "),
    ],
)
def test_what_does_not_change_the_words_does_not_count(one: str, other: str) -> None:
    assert Signature.of(one * 8) == Signature.of(other * 8) != Signature()


@pytest.mark.parametrize(
    "letters",
    [
        "休暇は三十日です。申請は上司に提出してください。",
        "พนักงานทุกคนมีสิทธิลาพักร้อนสามสิบวัน",
        "员工每年享有三十天的带薪假期。",
    ],
)
def test_scripts_without_spaces_are_compared_by_letters(letters: str) -> None:
    pick = random.Random(1)  # noqa: S311 — as above
    text = "".join(pick.choice(letters) for _ in range(2000))
    other = text[:1000] + letters[0] + text[1000:]
    assert likeness(Signature.of(text), Signature.of(other)) > 0.95
    assert likeness(Signature.of(text), Signature.of("".join(pick.choice(letters) for _ in range(2000)))) < 0.1


def test_short_texts_are_not_compared() -> None:
    short = Signature.of("Thirty days of leave. " * 2)
    assert short == Signature() == Signature.of("") == signature(words(LEAST_WORDS - 1, 1))
    long = signature(words(LEAST_WORDS, 1))
    assert (len(long.values), len(long.bands)) == (128, 42)
    assert likeness(short, short) == likeness(short, long) == likeness(long, short) == 0.0


def test_it_is_the_same_in_every_process() -> None:
    """Nor may it ever become another: it is stored."""
    text = "Everybody has thirty days of leave in each year of service here. " * 4
    code = f"from kyo_pipeline.domain.likeness import Signature; print(Signature.of({text!r}))"
    outs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert outs == {f"{Signature.of(text)}\n".encode()}
    assert Signature.of(text).values[:3] == (782522699, 514756485, 12069487)
    assert Signature.of(text).bands[:3] == (1381075663, 234663202, 493637497)


def test_long_texts_are_read_in_parts() -> None:
    one = words(400_000, 1)
    other = [*one[:200_000], "new", *one[200_000:]]
    assert len(" ".join(one)) > 1_000_000
    assert likeness(signature(one), signature(other)) > 0.99


@given(st.text(), st.text())
def test_any_texts(one: str, other: str) -> None:
    first, second = Signature.of(one), Signature.of(other)
    assert all(-(2**31) <= value < 2**31 for value in (*first.values, *first.bands))
    assert likeness(first, second) == likeness(second, first) <= 1
    assert likeness(first, first) in (0.0, 1.0)
    assert ALIKE < 1
