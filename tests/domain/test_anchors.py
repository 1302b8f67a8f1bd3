from datetime import datetime, timedelta, timezone

import pytest

from kyo_pipeline.domain import anchors
from kyo_pipeline.domain.audit_chain import End
from kyo_pipeline.domain.audit_check import Anchor
from kyo_pipeline.errors import Invalid

AT = datetime(2026, 11, 30, 2, 30, tzinfo=timezone.utc)
ANCHOR = Anchor(AT, End(7, bytes(range(32))))


def test_an_anchor_is_one_line_of_json_in_utc() -> None:
    there = Anchor(AT.astimezone(timezone(timedelta(hours=-5))), ANCHOR.end)
    assert anchors.written(there) == anchors.written(ANCHOR)
    assert anchors.written(ANCHOR).startswith('{"at": "2026-11-30T02:30:00+00:00", "row": 7, "hash": "000102')


def test_what_was_written_can_be_read() -> None:
    assert anchors.read([anchors.written(ANCHOR) + "\n", "\n", anchors.written(ANCHOR)]) == (ANCHOR, ANCHOR)
    assert anchors.read([]) == ()


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "7", "null", "{}", '{"at": "x", "row": 1, "hash": "00"}',
             '{"at": 7, "row": 1, "hash": "00"}',
             '{"at": "2026-11-30T02:30:00+00:00", "row": 1, "hash": "xyz"}']
)  # fmt: skip
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(Invalid, match="Line 2 is no anchor"):
        anchors.read([anchors.written(ANCHOR), line])
