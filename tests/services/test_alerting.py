"""Alerts as they live: they begin, are told, are told again, and end; and channels that do not take them."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from kyo_pipeline.db import audit, index_health
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.alerts import GIVE_UP_AFTER, KEPT_FOR, Channel, Condition, Kind
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.errors import Forbidden
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import alerting, library
from tests.adapters.model_server import ModelServer, Reply, Request
from tests.adapters.model_server import running as http_server
from tests.conftest import Clock
from tests.nights import add_night
from tests.smtp_server import SmtpServer
from tests.smtp_server import running as smtp_server

Sql = Callable[..., list[Any]]

FAILED = Condition(Kind.FAILED_RUN, "ingest", "In Dagster the job ingest failed: run 1a2b.")
DEAD = "http://127.0.0.1:1/secret-token"
REFUSES = 500


def take(request: Request) -> Reply:  # noqa: ARG001 — a server's answer
    return Reply("ok")


def with_webhook(kyo: Kyo, url: str) -> Kyo:
    return replace(kyo, settings=kyo.settings.model_copy(update={"KYO_ALERT_WEBHOOK": SecretStr(url)}))


def with_mail(kyo: Kyo, server: SmtpServer) -> Kyo:
    values = {
        "KYO_ALERT_EMAILS": ("ops@example.org",),
        "KYO_SMTP_HOST": "127.0.0.1",
        "KYO_SMTP_PORT": server.port,
        "KYO_SMTP_FROM": "kyo@example.org",
        "KYO_SMTP_TLS": "off",
    }
    return replace(kyo, settings=kyo.settings.model_copy(update=values))


def look(kyo: Kyo, *failing: Condition) -> list[str]:
    """What one evaluation of the sensor tells, as the first words of each sentence."""
    said = [sentence.split(":")[0] for sentence in alerting.watch(kyo, failing)]
    alerting.deliver(kyo)
    return said


def taken(server: ModelServer) -> list[list[tuple[str, str]]]:
    """For each message that arrived: kinds, and what was told of them."""
    return [[(one["kind"], one["news"]) for one in request.body["alerts"]] for request in server.requests]


# What is looked for ---------------------------------------------------------------------------------------------------


def open_kinds(kyo: Kyo) -> list[tuple[Kind, str]]:
    return [(one.kind, one.sentence) for one in alerting.overview(kyo, OPERATOR).open_ones]


def test_where_all_is_well_nothing_is_told(pipeline: Kyo) -> None:
    assert look(pipeline) == []
    assert alerting.overview(pipeline, OPERATOR).alerts == ()


def test_files_that_wait_for_too_long_are_told_when_that_lasts(pipeline: Kyo, kyo: Kyo, clock: Clock) -> None:
    library.upload(kyo, OPERATOR, "a.txt", b"text")
    library.upload(kyo, OPERATOR, "b.txt", b"other text")
    clock.advance(minutes=60)
    assert look(pipeline) == []
    clock.advance(minutes=1)
    assert look(pipeline) == []  # one that is tried again has waited since it was uploaded
    clock.advance(minutes=5)
    assert look(pipeline) == ["opened"]
    sentence = "2 files wait to be processed, the oldest was uploaded 66 minutes ago (allowed: 60)."
    assert open_kinds(pipeline) == [(Kind.QUEUE, sentence)]


def test_a_queue_that_is_worked_off_at_once_is_told_to_nobody(
    pipeline: Kyo, kyo: Kyo, clock: Clock, run_pipeline: Callable[[], None]
) -> None:
    library.upload(kyo, OPERATOR, "a.txt", b"text")
    clock.advance(hours=3)
    assert look(pipeline) == []
    run_pipeline()
    clock.advance(minutes=5)
    assert look(pipeline) == []
    assert alerting.overview(pipeline, OPERATOR).alerts == ()


def test_what_is_made_anew_long_after_its_upload_is_no_file_that_waits(
    pipeline: Kyo, kyo: Kyo, clock: Clock, run_pipeline: Callable[[], None]
) -> None:
    version = library.upload(kyo, OPERATOR, "a.txt", b"text").document.latest.id
    run_pipeline()
    clock.advance(days=180)
    with pipeline.db.transaction(OPERATOR) as tx:
        index_health.cut_again(tx, [version])
    assert look(pipeline) == []
    clock.advance(minutes=10)
    assert look(pipeline) == []
    assert alerting.overview(pipeline, OPERATOR).alerts == ()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([None], False),
        (["Row 7 was changed."], True),
        (["Row 7 was changed.", None], False),
        ([None, "Row 7 was changed."], True),
    ],
)
def test_the_last_verification_of_the_audit_log_counts(
    pipeline: Kyo, clock: Clock, rows: list[str | None], told: bool
) -> None:
    for found in rows:
        clock.advance(minutes=1)
        with pipeline.db.transaction(OPERATOR) as tx:
            details = {"rows": 12, "through": 12, "found": found}
            audit.record(tx, OPERATOR, Event.AUDIT_VERIFY, "log", clock(), details)
    assert look(pipeline) == (["opened"] if told else [])
    assert open_kinds(pipeline) == ([(Kind.AUDIT_CHAIN, "Row 7 was changed.")] if told else [])


def test_nobody_but_the_operator_says_that_the_audit_log_holds(
    kyo: Kyo, pipeline: Kyo, admin: Actor, clock: Clock
) -> None:
    def verified(kyo: Kyo, actor: Actor, found: str | None) -> None:
        clock.advance(minutes=5)
        with kyo.db.transaction(actor) as tx:
            audit.record(tx, actor, Event.AUDIT_VERIFY, "log", clock(), {"rows": 1, "through": 1, "found": found})

    verified(kyo, admin, "Row 7 was changed.")
    assert look(pipeline) == ["opened"]
    verified(kyo, admin, None)
    assert look(pipeline) == []
    verified(pipeline, OPERATOR, None)
    assert look(pipeline) == []
    clock.advance(minutes=5)
    assert look(pipeline) == ["resolved"]


def test_a_night_that_was_worse_is_told_until_somebody_accepts_it(pipeline: Kyo, admin: Actor, sql: Sql) -> None:
    add_night(sql, 0.5, worse=True)
    assert look(pipeline) == ["opened"]
    assert open_kinds(pipeline) == [(Kind.QUALITY, "nDCG@10 fell from 0.900 to 0.500.")]
    sql("update quality_runs set accepted_at = now(), accepted_by = :id", id=admin.id)
    look(pipeline)
    clock = pipeline.now
    assert isinstance(clock, Clock)
    clock.advance(minutes=5)
    assert look(pipeline) == ["resolved"]


# Once, and once more -------------------------------------------------------------------------------------------------


def test_each_is_told_as_it_begins_once_a_day_and_as_it_ends(pipeline: Kyo, clock: Clock) -> None:
    with http_server(take) as server:
        kyo = with_webhook(pipeline, server.url)
        for _ in range(3 * 24):
            look(kyo, FAILED)
            clock.advance(hours=1)
        for _ in range(3):
            look(kyo)
            clock.advance(minutes=5)
    assert taken(server) == [
        [("failed_run", "opened")],
        [("failed_run", "reminder")],
        [("failed_run", "reminder")],
        [("failed_run", "resolved")],
    ]
    assert server.requests[-1].body["alerts"][0]["closed_at"]
    assert server.requests[0].body["text"].startswith("KYO: a run failed\n• ")


def test_what_dagster_has_told_already_is_not_told_by_the_next_look(pipeline: Kyo, clock: Clock) -> None:
    with http_server(take) as server:
        kyo = with_webhook(pipeline, server.url)
        assert alerting.begin(kyo, FAILED)
        assert not alerting.begin(kyo, FAILED)
        look(kyo, FAILED)
        clock.advance(minutes=1)
        look(kyo, FAILED)
    assert taken(server) == [[("failed_run", "opened")]]


def test_what_begins_again_after_it_ended_is_told_again(pipeline: Kyo, clock: Clock) -> None:
    with http_server(take) as server:
        kyo = with_webhook(pipeline, server.url)
        for failing in ([FAILED], [], [], [FAILED]):
            look(kyo, *failing)
            clock.advance(minutes=5)
    assert [news for message in taken(server) for _, news in message] == ["opened", "resolved", "opened"]


def test_all_that_is_new_is_one_message(pipeline: Kyo) -> None:
    many = [Condition(Kind.FAILED_RUN, f"job-{number}", f"Job {number} failed.") for number in range(30)]
    with http_server(take) as server:
        look(with_webhook(pipeline, server.url), *many)
    [message] = server.requests
    assert len(message.body["alerts"]) == 30
    assert message.body["text"].splitlines()[0] == "KYO: 30 alerts"
    assert message.body["text"].endswith("… and 10 more: `kyo alerts list`.")


def test_closed_alerts_are_forgotten_after_a_while(pipeline: Kyo, clock: Clock) -> None:
    for failing in ([FAILED], [], []):
        look(pipeline, *failing)
        clock.advance(minutes=5)
    assert len(alerting.overview(pipeline, OPERATOR).alerts) == 1
    clock.time += KEPT_FOR
    look(pipeline)
    assert alerting.overview(pipeline, OPERATOR).alerts == ()


# Channels that do not take it ----------------------------------------------------------------------------------------


def test_a_dead_webhook_is_tried_again_later_and_later_and_gets_it_once(pipeline: Kyo, clock: Clock) -> None:
    replies = [Reply("no", REFUSES), Reply("no", REFUSES), Reply("ok")]
    with http_server(lambda _: replies[min(len(server.requests), len(replies)) - 1]) as server:
        kyo = with_webhook(pipeline, server.url)
        times = []
        for minute in range(12):
            before = len(server.requests)
            look(kyo, FAILED)
            times += [minute] if len(server.requests) > before else []
            clock.advance(minutes=1)
    assert times == [0, 1, 3]
    assert alerting.overview(kyo, OPERATOR).problems == {}


def test_what_happens_meanwhile_waits_with_it(pipeline: Kyo, clock: Clock) -> None:
    other = replace(FAILED, subject="upkeep")
    kyo = with_webhook(pipeline, DEAD)
    look(kyo, FAILED)
    [delivered] = alerting.deliver(replace(kyo, now=lambda: clock() + timedelta(minutes=1)))
    assert (delivered.alerts, delivered.problem is not None) == (1, True)
    with http_server(take) as server:
        kyo = with_webhook(pipeline, server.url)
        look(kyo, FAILED, other)
        assert taken(server) == []  # it is left alone for two minutes, whatever else there is
        clock.advance(minutes=4)
        look(kyo, FAILED, other)
    assert taken(server) == [[("failed_run", "opened"), ("failed_run", "opened")]]


def test_a_dead_channel_holds_no_other_up_and_nothing_is_told_twice(
    pipeline: Kyo, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with smtp_server(SmtpServer()) as mails:
        kyo = with_mail(with_webhook(pipeline, DEAD), mails)
        for _ in range(10):
            look(kyo, FAILED)
            clock.advance(minutes=1)
    [message] = mails.messages
    assert message["subject"] == "KYO: a run failed"
    assert "the job ingest failed" in message.get_content()
    problems = alerting.overview(kyo, OPERATOR).problems
    assert problems == {Channel.WEBHOOK: "The webhook does not answer (ConnectError)."}
    assert "secret-token" not in caplog.text + str(problems)


def test_a_channel_that_never_ends_is_left_after_a_while(pipeline: Kyo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time for a client that waits for the next one only."""
    monkeypatch.setattr(alerting, "SEND_SECONDS", 0.3)
    with smtp_server(SmtpServer(drips=0.2)) as mails:
        kyo = with_mail(pipeline, mails)
        alerting.begin(kyo, FAILED)
        began = time.monotonic()
        [delivered] = alerting.deliver(kyo)
        assert time.monotonic() - began < 3
    assert "did not take the message within" in str(delivered.problem)


def test_what_nobody_takes_for_a_day_is_given_up(pipeline: Kyo, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    kyo = with_webhook(pipeline, DEAD)
    alerting.begin(kyo, FAILED)
    alerting.deliver(kyo)
    clock.time += GIVE_UP_AFTER + timedelta(seconds=1)
    assert alerting.deliver(kyo) == ()
    assert "1 notices of alerts were taken by nobody" in caplog.text
    assert alerting.overview(kyo, OPERATOR).problems == {}


def test_a_restart_in_the_middle_of_sending_tells_it_once_more_and_not_for_ever(pipeline: Kyo, clock: Clock) -> None:
    """The process dies between the message and the note of it."""
    with http_server(take) as server:
        kyo = with_webhook(pipeline, server.url)
        alerting.begin(kyo, FAILED)

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kyo_pipeline.db.alerts.sent", die)
            with pytest.raises(KeyboardInterrupt):
                alerting.deliver(kyo)
        assert alerting.deliver(kyo) == ()  # somebody may be about to send it
        clock.advance(minutes=2)
        assert [one.problem for one in alerting.deliver(kyo)] == [None]
        clock.advance(minutes=2)
        assert alerting.deliver(kyo) == ()
    assert len(server.requests) == 2


def test_everything_is_in_the_log(pipeline: Kyo, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for failing in ([FAILED], [], []):
        look(pipeline, *failing)
        clock.advance(minutes=5)
    lines = [record.message for record in caplog.records if record.name == "kyo_pipeline.services.alerting"]
    assert lines == [f"Alert opened: {FAILED.sentence}", f"Alert resolved: {FAILED.sentence}"]


# A trial --------------------------------------------------------------------------------------------------------------


def test_a_trial_says_of_each_channel_what_became_of_it(
    kyo: Kyo, admin: Actor, audited: Callable[[], list[str]], sql: Sql
) -> None:
    with smtp_server(SmtpServer(refuses_sender=True)) as mails, http_server(take) as server:
        done = alerting.send_trial(with_mail(with_webhook(kyo, server.url), mails), admin)
    assert [(one.channel, one.problem is None) for one in done] == [(Channel.WEBHOOK, True), (Channel.EMAIL, False)]
    assert "takes no mail from KYO_SMTP_FROM" in str(done[1].problem)
    assert server.requests[0].body["alerts"] == []
    assert audited() == ["alert:test"]
    [(details,)] = sql("select details from audit_log")
    assert details["webhook"] == "taken"


def test_without_channels_a_trial_does_nothing(kyo: Kyo, admin: Actor) -> None:
    assert alerting.send_trial(kyo, admin) == ()


def test_alerts_are_for_admins(kyo: Kyo, pipeline: Kyo, manager: Actor, admin: Actor) -> None:
    look(pipeline, FAILED)
    assert [one.subject for one in alerting.overview(kyo, admin).alerts] == ["ingest"]
    with pytest.raises(Forbidden):
        alerting.overview(kyo, manager)
    with pytest.raises(Forbidden):
        alerting.watch(kyo)  # without the role of the pipeline
