"""Proving the audit log, keeping its end elsewhere, and letting go of what is old."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kyo_pipeline.domain import request
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_check import Anchor, Kind
from kyo_pipeline.domain.audit_export import Format
from kyo_pipeline.errors import Invalid, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import auditing, groups
from tests.conftest import Clock
from tests.hooks import Hook

Details = Callable[[str], list[tuple[Any, str, Any]]]


@pytest.fixture
def deeds(kyo: Kyo, admin: Actor, clock: Clock) -> Callable[[int], None]:
    """Does so many things, a day after each other."""

    def do(count: int) -> None:
        for _ in range(count):
            groups.create(kyo, admin, f"Group of {clock()}")
            clock.advance(days=1)

    return do


@pytest.fixture
def tampered(sql: Callable[..., list[Any]]) -> Callable[..., None]:
    """Changes the log as the owner of the database can."""

    def change(statement: str) -> None:
        sql("alter table audit_log disable trigger audit_log_is_append_only")
        sql(statement)
        sql("alter table audit_log enable trigger audit_log_is_append_only")

    return change


@pytest.fixture
def at_home(with_settings: Callable[..., Kyo], tmp_path: Path) -> Callable[..., Kyo]:
    """Kyo that keeps anchors in a folder of this test."""
    return lambda **values: with_settings(KYO_AUDIT_ANCHORS=tmp_path / "kept" / "anchors.jsonl", **values)


def test_what_nobody_has_touched_holds_and_that_it_was_looked_at_is_on_record(
    kyo: Kyo, admin: Actor, deeds: Callable[[int], None], details: Details
) -> None:
    deeds(3)
    heard: list[int] = []
    verified = auditing.verify(kyo, admin, on_rows=heard.append)
    assert (verified.holds, verified.rows, verified.first, verified.anchors) == (True, 3, 1, 0)
    assert heard == [3]
    assert details("audit:verify") == [(admin.id, "log", {"rows": 3, "through": 3, "found": None})]
    assert auditing.verify(kyo, admin).rows == 4


def test_what_was_done_to_the_log_is_named_and_on_record(
    kyo: Kyo, admin: Actor, deeds: Callable[[int], None], tampered: Callable[..., None], details: Details
) -> None:
    deeds(3)
    tampered("update audit_log set actor_name = 'nobody' where id = 2")
    tampering = auditing.verify(kyo, admin).tampering
    assert tampering is not None
    assert (tampering.kind, tampering.row) == (Kind.CHANGED, 2)
    assert details("audit:verify")[0][2]["found"] == "Row 2 is not as it was written."


def test_another_key_does_not_fit(
    admin: Actor, deeds: Callable[[int], None], with_settings: Callable[..., Kyo], tmp_path: Path
) -> None:
    deeds(1)
    other = with_settings(KYO_HOME=tmp_path)
    tampering = auditing.verify(other, admin).tampering
    assert tampering is not None
    assert tampering.sentence == "Row 1 was not written by KYO, or with another key."


def test_an_anchor_is_written_beside_the_others_and_read_again(
    at_home: Callable[..., Kyo], admin: Actor, deeds: Callable[[int], None]
) -> None:
    kyo = at_home()
    assert auditing.kept_anchors(kyo, admin) == ()
    deeds(1)
    first = auditing.keep_anchor(kyo)
    deeds(1)
    second = auditing.keep_anchor(kyo)
    assert [kept.end for kept in auditing.kept_anchors(kyo, admin)] == [first.end, second.end]
    assert (first.end.id, second.end.id) == (1, 2)
    verified = auditing.verify(kyo, admin, auditing.kept_anchors(kyo, admin))
    assert (verified.holds, verified.anchors) == (True, 2)


def test_with_an_anchor_it_is_seen_that_the_end_was_cut_off(
    at_home: Callable[..., Kyo], admin: Actor, deeds: Callable[[int], None], tampered: Callable[..., None]
) -> None:
    kyo = at_home()
    deeds(3)
    auditing.keep_anchor(kyo)
    tampered("delete from audit_log where id > 1")
    assert auditing.verify(kyo, admin).holds
    tampered("delete from audit_log where id > 1")
    tampering = auditing.verify(kyo, admin, auditing.kept_anchors(kyo, admin)).tampering
    assert tampering is not None
    assert (tampering.kind, tampering.row) == (Kind.CUT_OFF, 2)


def test_the_anchor_goes_to_the_webhook_too(
    at_home: Callable[..., Kyo], deeds: Callable[[int], None], hook: Hook
) -> None:
    deeds(1)
    kyo = at_home(KYO_AUDIT_ANCHOR_URL=hook.secret_url)
    anchor = auditing.keep_anchor(kyo)
    auditing.send_anchor(kyo, anchor)
    [(_, body)] = hook.received
    assert body == {"at": anchor.at.isoformat(timespec="seconds"), "row": 1, "hash": anchor.end.hash.hex()}


def anchor_read_again(anchor: Anchor) -> Anchor:
    """Its moment without what is less than a second."""
    return replace(anchor, at=anchor.at.replace(microsecond=0))


def test_a_webhook_that_does_not_take_it_is_a_sentence_without_its_address_and_the_file_has_it(
    at_home: Callable[..., Kyo], admin: Actor, deeds: Callable[[int], None], hook: Hook
) -> None:
    deeds(1)
    hook.status = 500
    kyo = at_home(KYO_AUDIT_ANCHOR_URL=hook.secret_url)
    anchor = auditing.keep_anchor(kyo)
    with pytest.raises(Unavailable, match="did not take the message: status 500") as caught:
        auditing.send_anchor(kyo, anchor)
    assert hook.secret_url.get_secret_value() not in caught.value.message
    assert auditing.kept_anchors(kyo, admin) == (anchor_read_again(anchor),)


def test_a_file_that_holds_something_else_is_named_by_its_line(at_home: Callable[..., Kyo], admin: Actor) -> None:
    kyo = at_home()
    path = kyo.settings.KYO_AUDIT_ANCHORS
    assert path is not None
    path.parent.mkdir()
    path.write_text("\nnonsense\n", encoding="utf-8")
    with pytest.raises(Invalid, match="Line 2 is no anchor"):
        auditing.kept_anchors(kyo, admin)


def test_what_a_crash_has_left_half_written_does_not_spoil_the_next_line(
    at_home: Callable[..., Kyo], admin: Actor, deeds: Callable[[int], None]
) -> None:
    kyo = at_home()
    deeds(1)
    auditing.keep_anchor(kyo)
    path = kyo.settings.KYO_AUDIT_ANCHORS
    assert path is not None
    path.write_text(path.read_text(encoding="utf-8") + '{"at": "2026-', encoding="utf-8")
    auditing.keep_anchor(kyo)
    with pytest.raises(Invalid, match="Line 2 is no anchor"):
        auditing.kept_anchors(kyo, admin)
    first, _, third = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"{first}\n{third}\n", encoding="utf-8")
    assert len(auditing.kept_anchors(kyo, admin)) == 2


def test_nothing_is_pruned_unless_the_settings_say_so(
    pipeline: Kyo, deeds: Callable[[int], None], clock: Clock
) -> None:
    deeds(2)
    clock.advance(days=4000)
    assert auditing.prune(pipeline) == 0


def test_what_is_older_than_the_settings_say_goes_and_the_chain_holds(
    pipeline: Kyo, deeds: Callable[[int], None], clock: Clock, details: Details
) -> None:
    kyo = replace(pipeline, settings=pipeline.settings.model_copy(update={"KYO_RETAIN_AUDIT_DAYS": 30}))
    deeds(4)
    before = auditing.end(kyo, OPERATOR)
    clock.advance(days=28)  # the oldest is 32 days old, the next one 31
    assert auditing.prune(kyo) == 2
    verified = auditing.verify(kyo, OPERATOR, [before])
    assert (verified.holds, verified.first, verified.rows) == (True, 3, 3)
    [(actor_id, _, said)] = details("audit:prune")
    assert (actor_id, said["rows"], said["through"]) == (OPERATOR.id, 2, 2)
    assert auditing.prune(kyo) == 0


def test_a_log_of_which_everything_is_old_keeps_its_last_row(
    pipeline: Kyo, deeds: Callable[[int], None], clock: Clock
) -> None:
    kyo = replace(pipeline, settings=pipeline.settings.model_copy(update={"KYO_RETAIN_AUDIT_DAYS": 30}))
    deeds(3)
    clock.advance(days=100)
    assert auditing.prune(kyo) == 2
    assert auditing.verify(kyo, OPERATOR).holds
    assert auditing.prune(kyo) == 1
    assert auditing.verify(kyo, OPERATOR).holds


def test_where_deeds_came_from_is_forgotten_after_a_while(
    kyo: Kyo, pipeline: Kyo, deeds: Callable[[int], None], clock: Clock, sql: Callable[..., list[Any]]
) -> None:
    request.begin("192.0.2.1")
    deeds(2)
    clock.advance(days=kyo.settings.KYO_RETAIN_AUDIT_ADDRESSES_DAYS - 1.5)
    assert auditing.forget_addresses(pipeline) == 1
    assert sql("select address from audit_log order by id") == [(None,), ("192.0.2.1",)]
    assert auditing.verify(pipeline, OPERATOR).holds
    assert auditing.forget_addresses(pipeline) == 0


def test_an_export_has_every_row_and_is_on_record_before_the_first(
    kyo: Kyo, admin: Actor, deeds: Callable[[int], None], audited: Callable[[], list[str]], monkeypatch: Any
) -> None:
    monkeypatch.setattr(auditing, "_BATCH", 2)
    deeds(5)
    lines = auditing.export(kyo, admin, Format.JSONL)
    assert audited()[-1] == Event.AUDIT_EXPORT.value
    assert [json.loads(line)["row"] for line in lines] == [1, 2, 3, 4, 5]
    assert next(iter(auditing.export(kyo, admin, Format.CSV))).startswith("row,at,actor")


def test_an_anchor_says_which_row_is_the_last(kyo: Kyo, admin: Actor, deeds: Callable[[int], None]) -> None:
    deeds(2)
    assert auditing.end(kyo, admin) == Anchor(kyo.now(), auditing.verify(kyo, admin).end)
    assert auditing.end(kyo, admin).at - kyo.now() == timedelta(0)
