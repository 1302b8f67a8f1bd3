from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.audit_chain import End, Entry, Row, follow, hash_of, seal_of
from kyo_pipeline.domain.audit_check import Anchor, Checker, Kind, Tampering
from tests.domain.test_audit_chain import AT, ENTRY, KEY


@dataclass(frozen=True)
class Whole:
    """The rows as the database holds them."""

    rows: Sequence[Row]

    def count(self, hashed: bytes) -> int:
        return sum(row.hash == hashed for row in self.rows)

    def has_successor(self, hashed: bytes, after: int) -> bool:
        return any(row.previous_hash == hashed and row.id > after for row in self.rows)


def log(length: int) -> list[Row]:
    return list(follow(End(), [replace(ENTRY, object_id=str(number)) for number in range(length)], KEY))


def found(rows: Sequence[Row], anchors: Sequence[Anchor] = (), keys: Sequence[bytes] = (KEY,)) -> Tampering | None:
    checker = Checker(keys, Whole(rows), anchors)
    for row in rows:  # one at a time, as if it were batches
        if not checker.feed([row]):
            break
    return checker.finish()


def what(tampering: Tampering | None) -> tuple[Kind, int] | None:
    return None if tampering is None else (tampering.kind, tampering.row)


def renumbered(rows: Sequence[Row]) -> list[Row]:
    return [replace(row, id=number) for number, row in enumerate(rows, start=1)]


def forged(row: Row, **changed: object) -> Row:
    """As somebody makes it who can do everything but read the key: the hash is right, the seal cannot be."""
    entry = replace(row.entry, **changed)  # type: ignore[arg-type]  # of these fields
    hashed = hash_of(entry, row.address_digest, row.previous_hash)
    return replace(row, entry=entry, hash=hashed, seal=seal_of(hashed, b"guessed"))


@pytest.mark.parametrize("length", [0, 1, 2, 9])
def test_a_log_that_nobody_has_touched_is_as_it_was_written(length: int) -> None:
    assert found(log(length)) is None


lengths = st.integers(min_value=2, max_value=8)


@given(lengths, st.data())
def test_a_changed_row_is_named(length: int, data: st.DataObject) -> None:
    rows, at = log(length), data.draw(st.integers(0, length - 1))
    rows[at] = replace(rows[at], entry=replace(rows[at].entry, actor_name="nobody"))
    assert what(found(rows)) == (Kind.CHANGED, at + 1)


@given(lengths, st.data())
def test_a_changed_row_is_named_where_its_hash_was_made_anew(length: int, data: st.DataObject) -> None:
    rows, at = log(length), data.draw(st.integers(0, length - 1))
    rows[at] = forged(rows[at], actor_name="nobody")
    assert what(found(rows)) == (Kind.CHANGED, at + 1)


@given(lengths, st.data())
def test_a_row_is_named_where_all_hashes_from_it_on_were_made_anew(length: int, data: st.DataObject) -> None:
    rows, at = log(length), data.draw(st.integers(0, length - 1))
    entries = [replace(row.entry, actor_name="nobody") for row in rows[at:]]
    before = rows[at - 1].end if at else End()
    assert what(found([*rows[:at], *follow(before, entries, b"guessed")])) == (Kind.CHANGED, at + 1)


@given(lengths, st.data())
def test_a_removed_row_is_named(length: int, data: st.DataObject) -> None:
    rows, at = log(length), data.draw(st.integers(0, length - 2))
    del rows[at]
    assert what(found(rows)) == (Kind.REMOVED, at + 1)


@given(lengths, st.data())
def test_a_removed_row_is_named_where_the_others_were_renumbered(length: int, data: st.DataObject) -> None:
    rows, at = log(length), data.draw(st.integers(0, length - 2))
    del rows[at]
    assert what(found(renumbered(rows))) == (Kind.REMOVED, at + 1)


@given(lengths, st.data())
def test_an_inserted_row_is_named(length: int, data: st.DataObject) -> None:
    rows, at = log(length), data.draw(st.integers(0, length - 1))
    before = rows[at - 1].end if at else End()
    [new] = follow(before, [replace(ENTRY, object_id="invented")], b"guessed")
    assert what(found(renumbered([*rows[:at], new, *rows[at:]]))) == (Kind.INSERTED, at + 1)


@given(lengths, st.data())
def test_a_copy_of_a_row_is_named(length: int, data: st.DataObject) -> None:
    rows = log(length)
    of, at = data.draw(st.integers(0, length - 1)), data.draw(st.integers(0, length))
    tampering = found(renumbered([*rows[:at], rows[of], *rows[at:]]))
    # Put right before or after the row itself, nobody can say which of both was there first.
    assert what(tampering) == (Kind.INSERTED, max(at, of + 1) + 1 if at in (of, of + 1) else at + 1)


@given(st.permutations(range(6)))
def test_rows_in_another_order_are_named(order: Sequence[int]) -> None:
    rows = log(6)
    first = next((at for at, was in enumerate(order) if at != was), None)
    expected = None if first is None else (Kind.MOVED, first + 1)
    assert what(found(renumbered([rows[was] for was in order]))) == expected


def test_rows_that_were_cut_off_are_seen_by_what_was_kept_elsewhere() -> None:
    rows = log(5)
    anchor = Anchor(AT, rows[4].end)
    assert found(rows, [anchor]) is None
    assert found(rows[:3]) is None  # nobody could know
    tampering = found(rows[:3], [anchor])
    assert what(tampering) == (Kind.CUT_OFF, 4)
    assert tampering is not None
    assert tampering.sentence == "The log ends with row 3, and had 5 rows at 2026-11-30 12:00 UTC."
    assert what(found([], [anchor])) == (Kind.CUT_OFF, 1)


def test_a_log_that_was_cut_off_and_went_on_is_not_the_one_that_was_kept() -> None:
    rows = log(5)
    on = [*rows[:3], *follow(rows[2].end, [ENTRY, ENTRY, ENTRY], KEY)]
    assert found(on) is None
    assert what(found(on, [Anchor(AT, rows[4].end)])) == (Kind.CHANGED, 5)


def prune(row: Row) -> Entry:
    return replace(ENTRY, event="audit:prune", details={"through": row.id, "hash": row.hash.hex(), "rows": row.id})


def test_rows_whose_time_was_over_are_not_missing() -> None:
    rows = log(5)
    rows += follow(rows[4].end, [prune(rows[1])], KEY)
    assert found(rows[2:]) is None
    assert found(rows[2:], [Anchor(AT - timedelta(days=9), rows[0].end)]) is None
    assert what(found(rows[3:])) == (Kind.REMOVED, 1)  # more than was said
    assert what(found([*rows[2:3], *rows[4:]])) == (Kind.REMOVED, 4)


def test_nobody_else_can_say_that_their_time_was_over() -> None:
    rows = log(5)
    rows += follow(rows[4].end, [prune(rows[1])], b"guessed")
    assert what(found(rows[2:])) == (Kind.CHANGED, 6)


def test_a_former_key_counts_as_long_as_it_is_known() -> None:
    old = log(3)
    rows = [*old, *follow(old[2].end, [ENTRY], b"new")]
    assert found(rows, keys=[b"new", KEY]) is None
    assert what(found(rows, keys=[b"new"])) == (Kind.CHANGED, 1)


def test_a_removed_first_row_is_named_whatever_its_number() -> None:
    rows = log(4)
    assert what(found(rows[1:])) == (Kind.REMOVED, 1)
    assert what(found(renumbered(rows[1:]))) == (Kind.REMOVED, 1)


def test_the_checker_counts_what_it_has_read() -> None:
    checker = Checker([KEY], Whole(log(4)))
    assert checker.first_row == 0
    assert checker.feed(log(4)[:3])
    assert (checker.rows, checker.first_row, checker.last) == (3, 1, log(4)[2].end)
