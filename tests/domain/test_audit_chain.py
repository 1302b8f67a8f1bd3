import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.audit_chain import GENESIS, End, Entry, Row, canonical, follow, hash_of, seal_of

KEY = b"k" * 32
AT = datetime(2026, 11, 30, 12, 0, 0, 123456, tzinfo=timezone.utc)
ENTRY = Entry(AT, UUID(int=7), "anna", "document:approve", "42", "done", {"title": "Leave", "n": 1}, "192.0.2.1", "r1")


def chain(*entries: Entry, key: bytes = KEY) -> list[Row]:
    return list(follow(End(), entries, key))


def test_rows_are_numbered_from_one_and_each_carries_the_hash_of_the_one_before() -> None:
    first, second = chain(ENTRY, ENTRY)
    assert (first.id, first.previous_hash) == (1, GENESIS)
    assert (second.id, second.previous_hash) == (2, first.hash)
    assert first.hash != second.hash  # though they say the same


def test_the_chain_goes_on_from_where_it_ended() -> None:
    [first] = chain(ENTRY)
    assert list(follow(first.end, [ENTRY], KEY)) == chain(ENTRY, ENTRY)[1:]


@pytest.mark.parametrize(
    "changed",
    [
        {"at": AT + timedelta(microseconds=1)},
        {"actor_id": UUID(int=8)},
        {"actor_id": None},
        {"actor_name": "eric"},
        {"event": "document:reject"},
        {"object_id": "43"},
        {"outcome": "refused"},
        {"details": {"title": "Leave", "n": 2}},
        {"details": {}},
        {"request_id": "r2"},
        {"request_id": None},
    ],
)
def test_a_row_is_intact_only_as_it_was_written(changed: dict[str, Any]) -> None:
    [row] = chain(ENTRY)
    assert row.is_intact()
    assert not replace(row, entry=replace(ENTRY, **changed)).is_intact()


def test_the_same_moment_in_another_zone_is_the_same_row() -> None:
    elsewhere = replace(ENTRY, at=AT.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert chain(elsewhere)[0].hash == chain(ENTRY)[0].hash


def test_only_with_the_key_can_a_row_be_sealed() -> None:
    [row] = chain(ENTRY)
    assert row.is_sealed([KEY])
    assert row.is_sealed([b"newer", KEY])
    assert not row.is_sealed([b"another"])
    assert not row.is_sealed([])
    forged = replace(row, seal=seal_of(row.hash, b""))
    assert not forged.is_sealed([KEY])


def test_an_address_may_be_forgotten_and_not_changed() -> None:
    [row] = chain(ENTRY)
    forgotten = replace(row, entry=replace(ENTRY, address=None))
    assert forgotten.is_intact()
    assert forgotten.is_sealed([KEY])
    elsewhere = replace(row, entry=replace(ENTRY, address="192.0.2.2"))
    assert elsewhere.is_intact()  # what is hashed is the digest
    assert not elsewhere.is_sealed([KEY])


def test_the_digest_of_an_address_tells_nothing_without_the_key() -> None:
    first, second = chain(ENTRY, ENTRY)
    assert first.address_digest != second.address_digest  # nor that it is the same
    assert chain(ENTRY, key=b"other")[0].address_digest != first.address_digest
    assert chain(replace(ENTRY, address=None))[0].address_digest is None


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ({"b": 1, "a": "é"}, '{"a":"é","b":1}'),
        ({"at": AT}, '{"at":"2026-11-30 12:00:00.123456+00:00"}'),
        ({"id": UUID(int=1)}, '{"id":"00000000-0000-0000-0000-000000000001"}'),
        ({"a": (1, 2)}, '{"a":[1,2]}'),
        ({"a": -0.0}, '{"a":0.0}'),
        ({"a": True, "b": None}, '{"a":true,"b":null}'),
        ({1: {"x": []}}, '{"1":{"x":[]}}'),
    ],
)
def test_values_are_written_in_one_way(values: Any, written: str) -> None:
    assert canonical(values) == written


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_was_written_and_read_again_is_written_the_same(values: dict[str, object]) -> None:
    assert canonical(json.loads(canonical(values))) == canonical(values)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=6))
def test_a_chain_does_not_depend_on_how_it_was_cut_into_transactions(names: Sequence[str]) -> None:
    entries = [replace(ENTRY, actor_name=name) for name in names]
    end, rows = End(), []
    for entry in entries:
        [row] = follow(end, [entry], KEY)
        rows.append(row)
        end = row.end
    assert rows == chain(*entries)
    assert all(row.hash == hash_of(row.entry, row.address_digest, row.previous_hash) for row in rows)
