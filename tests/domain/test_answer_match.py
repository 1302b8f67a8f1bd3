"""Whether a quoted text holds an answer, in scripts with spaces and without."""

import pytest

from kyo_pipeline.domain.answer_match import contains_answer, is_short, token_f1


@pytest.mark.parametrize(
    ("quoted", "answers", "is_there"),
    [
        ("The defence gave up just 308 points.", ["308"], True),
        ("The defence gave up 1308 points.", ["308"], False),  # a part of a number is another number
        ("Jared ALLEN, the end", ["jared allen"], True),
        ("Allen, said Jared", ["jared allen"], False),  # in a row
        ("twenty-one days", ["Twenty One"], True),
        ("曾以 136 次擒杀的成绩", ["136 次"], True),
        ("黑豹队的防守", ["豹队"], True),  # letters are tokens where there are no spaces
        ("ﬁve ＤＡＹＳ", ["five days"], True),  # as NFKC folds them
        ("anything", ["?!", ""], False),  # an answer without a word in it says nothing
        ("one", ["two", "one"], True),  # one of them is enough
        ("", ["one"], False),
    ],
)
def test_contains_answer(quoted: str, answers: list[str], is_there: bool) -> None:
    assert contains_answer(quoted, answers) is is_there


@pytest.mark.parametrize(
    ("quoted", "answers", "f1"),
    [
        ("a b c d", ["a b c d"], 1.0),
        ("a b", ["a b c d"], 2 / 3),  # precision 1, recall 1/2
        ("a a b", ["a b b"], 2 / 3),  # each token as often as both have it
        ("a", ["b", "a b"], 2 / 3),  # the nearest answer counts
        ("a", ["b"], 0.0),
        ("", ["a"], 0.0),
    ],
)
def test_token_f1(quoted: str, answers: list[str], f1: float) -> None:
    assert token_f1(quoted, answers) == pytest.approx(f1)


def test_ten_words_are_short_and_eleven_are_not() -> None:
    assert is_short(["a " * 10])
    assert not is_short(["one", "a " * 11])
