"""`kyo alerts` and `kyo quality`, in this process, on an installation of its own."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from kyo_pipeline.domain.alerts import Condition, Kind
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import alerting
from kyo_pipeline.settings import load_settings
from tests.adapters.model_server import Reply, running
from tests.nights import add_night
from tests.office import OFFICE, open_office, write_set
from tests.shell import Shell

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def alerts(shell: Shell) -> Shell:
    return replace(shell, before=("alerts",))


@pytest.fixture
def quality(shell: Shell) -> Shell:
    return replace(shell, before=("quality",))


@pytest.fixture
def pipeline(database: str) -> Iterator[Kyo]:
    assert database
    kyo = open_kyo(load_settings(), DatabaseRole.PIPELINE)
    yield kyo
    kyo.close()


@pytest.fixture
def sql(database: str) -> Iterator[Callable[..., list[Any]]]:
    engine = create_engine(database, connect_args={"options": "-csearch_path=kyo,public"})

    def execute(statement: str, **values: object) -> list[Any]:
        with engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return list(done.all()) if done.returns_rows else []

    yield execute
    engine.dispose()


# Alerts ---------------------------------------------------------------------------------------------------------------


def test_before_anything_happened(alerts: Shell) -> None:
    done = alerts("list")
    assert done.code == 0
    assert "There has been no alert." in done.out
    assert "Alerts go to the log alone: set KYO_ALERT_WEBHOOK" in done.out
    assert alerts("list", "--json").data == {"alerts": [], "channels": [], "problems": {}}


def test_what_is_open_and_who_does_not_hear_of_it(
    alerts: Shell, pipeline: Kyo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KYO_ALERT_WEBHOOK", "http://127.0.0.1:1/secret")
    kyo = open_kyo(load_settings(), DatabaseRole.PIPELINE)
    alerting.begin(kyo, Condition(Kind.FAILED_RUN, "ingest", "The job ingest failed."))
    alerting.deliver(kyo)
    kyo.close()
    done = alerts("list")
    assert "failed_run  ingest" in done.out
    assert "webhook does not take alerts: The webhook does not answer (ConnectError)." in done.out
    [one] = alerts("list", "--json").data["alerts"]
    assert (one["kind"], one["subject"], one["closed_at"]) == ("failed_run", "ingest", None)
    status = Shell(monkeypatch, capsys, ("status",))
    assert "1 open: `kyo alerts list`" in status().out
    assert [alert["subject"] for alert in status("--json").data["alerts"]] == ["ingest"]
    assert pipeline


def test_a_trial_that_arrives_and_one_that_does_not(alerts: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(lambda _: Reply("ok")) as server:
        monkeypatch.setenv("KYO_ALERT_WEBHOOK", server.url)
        done = alerts("test")
    assert (done.code, done.out) == (0, "webhook: it was taken.\n")
    assert server.requests[0].body["source"] == "kyo"
    done = alerts("test", "--json")  # nobody listens there any more
    assert done.code == 1
    assert done.data[0]["problem"] == "The webhook does not answer (ConnectError)."


def test_without_a_channel_a_trial_says_what_to_set(alerts: Shell) -> None:
    done = alerts("test")
    assert (done.code, done.out) == (1, "")
    assert "set KYO_ALERT_WEBHOOK, or KYO_ALERT_EMAILS" in done.err


# Quality --------------------------------------------------------------------------------------------------------------


def test_before_the_first_night(quality: Shell) -> None:
    assert "Nothing has been measured yet" in quality().out
    assert quality("--json").data == []
    refused = quality("accept")
    assert refused.code == 1
    assert "Nothing has been measured yet." in refused.err


def test_the_nights_and_what_fell(quality: Shell, sql: Callable[..., list[Any]]) -> None:
    add_night(sql, 0.9, days_ago=1)
    add_night(sql, 0.5, worse=True)
    done = quality()
    header, newest, before = done.out.splitlines()[:3]
    assert header.split()[:3] == ["NIGHT", "QUESTIONS", "nDCG@10"]
    assert "40 + 2" in newest
    assert newest.endswith("worse")
    assert "0.900" in before
    assert "nDCG@10 fell from 0.900 to 0.500." in done.out
    assert [one["figures"]["ndcg_at_10"] for one in quality("--json").data] == [0.5, 0.9]
    assert len(quality("-n", "1", "--json").data) == 1


def test_what_is_meant_to_be_so_is_accepted_once(quality: Shell, sql: Callable[..., list[Any]]) -> None:
    add_night(sql, 0.5, worse=True)
    assert quality("accept").code == 0
    assert quality().out.splitlines()[1].endswith("accepted")
    assert quality("accept").code == 1


def test_a_night_by_hand(quality: Shell, pipeline: Kyo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    open_office(pipeline)
    refused = quality("run")
    assert refused.code == 1
    assert "Not measured: 0 of at least 20 questions are known." in refused.err
    monkeypatch.setenv("KYO_EVAL_DIR", str(write_set(tmp_path, len(OFFICE))))
    assert quality("run", "--json").data["figures"]["questions"] == len(OFFICE)
    assert "22 + 2" in quality("run").out
    assert len(quality("--json").data) == 2
