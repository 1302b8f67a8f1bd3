"""What is on record, in words."""

import pytest

from kyo_app.deeds import Change, changes, deed, label, name_of, others, said, things


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("document:approve", "approved a document"),
        ("embedding_set:roll_back", "went back to an earlier embedding set"),
        ("brand_new:deed_of_ours", "brand new: deed of ours"),  # another part may add events before there are words
        ("odd", "odd"),
        ("", ""),
    ],
)
def test_a_deed_has_words_or_is_said_as_it_is_written(event: str, words: str) -> None:
    assert deed(event) == words


def test_things_have_a_plural_or_are_said_as_they_are_written() -> None:
    assert (things("document"), things("brand_new")) == ("documents", "brand new")
    assert (label("embedding_set"), label("")) == ("Embedding set", "")


@pytest.mark.parametrize(
    ("details", "found"),
    [
        ({}, []),
        ({"title": "x"}, []),
        ({"from": "employee", "to": "manager"}, [Change("", "employee", "manager")]),
        ({"before": None, "after": "read"}, [Change("", "–", "read")]),
        ({"before": "read"}, []),  # there is no other side
        ({"before": {"a": 1, "b": 2}, "after": {"a": 1, "b": 3}}, [Change("B", "2", "3")]),
        ({"before": {"old_one": 1}, "after": {"new": True}}, [Change("Old one", "1", "–"), Change("New", "–", "yes")]),
        ({"before": {"a": 1}, "after": "gone"}, [Change("", "a: 1", "gone")]),
        ({"before": {"a": 1}, "after": {"a": 1}}, []),
    ],
)
def test_what_was_otherwise_before(details: dict[str, object], found: list[Change]) -> None:
    assert changes(details) == found


def test_the_other_details_are_all_the_others() -> None:
    assert others({"title": "x", "before": 1, "after": 2}) == {"title": "x"}
    assert others({"title": "x", "from": 1}) == {"title": "x", "from": "1"}


@pytest.mark.parametrize(
    ("details", "name"),
    [
        ({"file_name": "a.txt", "title": "Leave"}, "Leave"),
        ({"file_name": "a.txt"}, "a.txt"),
        ({"title": 7, "person": "anna"}, "anna"),
        ({"reason": "wrong"}, ""),
    ],
)
def test_what_a_thing_was_called(details: dict[str, object], name: str) -> None:
    assert name_of(details) == name


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        ("", "–"),
        ([], "–"),
        ({}, "–"),
        (0, "0"),
        (False, "no"),
        (1.5, "1.5"),
        (["a", None, ["b"]], "a, –, b"),
        ({"some_key": {"b": 1}}, "some key: b: 1"),
    ],
)
def test_values_of_json_are_said_as_people_write_them(value: object, words: str) -> None:
    assert said(value) == words
