"""The nightly look at the audit log, as its schedule starts it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.definitions import defs
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import groups
from kyo_pipeline.settings import load_settings


@pytest.fixture
def home(stack: Kyo, tmp_path: Path) -> Iterator[Path]:
    """Of an organisation that has done something: rows sealed with the key that Dagster's runs find there."""
    assert stack.settings
    kyo = open_kyo(load_settings())
    for name in ("Finance", "Legal"):
        groups.create(kyo, OPERATOR, name)
    yield tmp_path
    for group in groups.list_groups(kyo, OPERATOR):
        groups.delete(kyo, OPERATOR, group.id)
    kyo.close()


def launch(instance: dg.DagsterInstance) -> tuple[dict[str, Any], dict[str, dg.AssetCheckEvaluation]]:
    """The metadata of the asset, and what its checks say."""
    result = defs.resolve_job_def("prove_audit_log").execute_in_process(instance=instance)
    [made] = result.asset_materializations_for_node("audit_anchor")
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    return {name: value.value for name, value in made.metadata.items()}, checks


def anchors(home: Path) -> list[dict[str, Any]]:
    path = home / "audit-anchors.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_log_as_it_was_written_gets_an_anchor_a_night(home: Path, instance: dg.DagsterInstance) -> None:
    said, checks = launch(instance)
    assert all(check.passed for check in checks.values())
    assert (said["rows"], said["rows_deleted"], said["addresses_forgotten"]) == (2, 0, 0)
    [anchor] = anchors(home)
    assert (anchor["row"], anchor["hash"]) == (said["anchored_row"], said["anchored_hash"])
    said, checks = launch(instance)
    assert all(check.passed for check in checks.values())
    assert (said["anchors"], said["rows"]) == (1, 3)  # that it was looked at is a deed as well
    assert len(anchors(home)) == 2


def test_a_log_that_was_changed_fails_the_check_with_the_row_and_gets_no_anchor(
    home: Path, instance: dg.DagsterInstance, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KYO_RETAIN_AUDIT_DAYS", "30")
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text("alter table audit_log disable trigger audit_log_is_append_only"))
        tx.execute(text("update audit_log set actor_name = 'nobody', at = at - interval '90 days' where id = 1"))
        tx.execute(text("alter table audit_log enable trigger audit_log_is_append_only"))
    owner.close()
    said, checks = launch(instance)
    check = checks["audit_log_holds"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.description == "Row 1 is not as it was written."
    assert "rows_deleted" not in said
    assert anchors(home) == []


def test_a_webhook_that_is_away_hides_nothing(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KYO_AUDIT_ANCHOR_URL", "http://127.0.0.1:1/secret")
    said, checks = launch(instance)
    assert checks["audit_log_holds"].passed
    assert not checks["anchors_are_kept"].passed
    assert checks["anchors_are_kept"].description == "The webhook does not answer (ConnectError)."
    assert (said["rows"], len(anchors(home))) == (2, 1)


def test_anchors_that_cannot_be_read_are_told_and_nothing_is_deleted(home: Path, instance: dg.DagsterInstance) -> None:
    (home / "audit-anchors.jsonl").write_text("nonsense")
    said, checks = launch(instance)
    assert checks["audit_log_holds"].passed
    assert "Line 1 is no anchor" in (checks["anchors_are_kept"].description or "")
    assert "rows_deleted" not in said
    assert said["anchored_row"] == 3


def test_the_rows_of_a_run_carry_its_id(home: Path, instance: dg.DagsterInstance, own_database: str) -> None:
    assert home
    result = defs.resolve_job_def("prove_audit_log").execute_in_process(instance=instance)
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        ids = tx.scalars(text("select request_id from audit_log where event = 'audit:verify'")).all()
    owner.close()
    assert ids == [result.run_id]
