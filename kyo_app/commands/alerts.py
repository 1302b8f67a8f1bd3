"""`kyo alerts`."""

import click

from kyo_app.commands.exits import FAILED
from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.alerts import Alert
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import alerting
from kyo_pipeline.services.alerting import Overview

_HEADER = ("ID", "KIND", "SUBJECT", "SINCE", "ENDED", "WHAT")
_NOWHERE = (
    "Alerts go to the log alone: set KYO_ALERT_WEBHOOK, or KYO_ALERT_EMAILS with KYO_SMTP_HOST and KYO_SMTP_FROM."
)


@click.group()
def command() -> None:
    """What needs whoever runs KYO: runs that failed, files that wait, worse answers, a changed audit log.

    The running pipeline looks for them every minute, and tells of each when it begins, when it ends, and once a day.
    """


@command.command("list")
@click.option("-n", "limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Alerts at most.")
@json_option
def list_alerts(limit: int, as_json: bool) -> None:
    """List alerts: those that are open, then those that ended last."""
    with opened_kyo() as kyo:
        found = alerting.overview(kyo, OPERATOR, limit)
    if as_json:
        print_json({"alerts": found.alerts, "channels": found.channels, "problems": found.problems})
    else:
        click.echo(_shown(found))


@command.command("test")
@json_option
def send_trial(as_json: bool) -> None:
    """Send a test message to the webhook and the e-mail addresses, and say what became of it.

    Exit code 1 where one was not taken, or nothing is configured.
    """
    with opened_kyo() as kyo:
        done = alerting.send_trial(kyo, OPERATOR)
    if as_json:
        print_json(done)
    for one in () if as_json else done:
        click.echo(f"{one.channel.value}: {printable(one.problem or 'it was taken.')}")
    if not done:
        raise Invalid(_NOWHERE)
    if any(one.problem for one in done):
        raise click.exceptions.Exit(FAILED)


def _shown(found: Overview) -> str:
    parts = [table(_HEADER, [_row(one) for one in found.alerts]) if found.alerts else "There has been no alert."]
    parts += [f"{channel.value} does not take alerts: {printable(why)}" for channel, why in found.problems.items()]
    if not found.channels:
        parts.append(_NOWHERE)
    return "\n\n".join(parts)


def _row(one: Alert) -> tuple[str, ...]:
    ended = f"{one.closed_at:%Y-%m-%d %H:%M}" if one.closed_at else ""
    return (str(one.id), one.kind.value, one.subject, f"{one.opened_at:%Y-%m-%d %H:%M}", ended, one.sentence)
