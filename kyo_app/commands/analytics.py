"""`kyo analytics`."""

from collections.abc import Sequence

import click

from kyo_app import wording
from kyo_app.analytics import days, figures, tables
from kyo_app.analytics.columns import Column, Row, plain
from kyo_app.analytics.figures import Figure
from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.analytics import Overview, Period
from kyo_pipeline.services import analytics, collections


@click.command()
@click.option(
    "--days",
    "number",
    type=click.IntRange(1, analytics.MAX_DAYS),
    default=30,
    show_default=True,
    help="How many, today included; compared with as many before.",
)
@click.option("--collection", "name", metavar="C", help="Only what is about this one.")
@json_option
def command(number: int, name: str | None, as_json: bool) -> None:
    """Say how KYO is used: questions and what became of them, times, documents, collections, files."""
    with opened_kyo() as kyo:
        chosen = collections.named(kyo, OPERATOR, name).id if name else None
        found = analytics.overview(kyo, OPERATOR, days.last_days(number, analytics.today(kyo)), chosen)
    if as_json:
        print_json(found)
    else:
        click.echo(_shown(found, refusals=chosen is None))


def _shown(found: Overview, *, refusals: bool) -> str:
    now, before = found.totals, found.before
    used = [*figures.of_use(now, before), *figures.of_effort(now, before, refusals=refusals)]
    parts = [
        f"{_said(found.period)}, compared with {_said(found.period.before)}",
        _figures("FIGURE", used),
        _figures("FILES", figures.of_ingestion(found.ingestion)),
        _rows(tables.LATENCIES, found.latencies),
        _rows(tables.COLLECTIONS, found.collections),
        _rows(tables.MOST_USED, found.documents),
        f"{wording.counted(found.never_used_count, 'document')} that nobody needed",
    ]
    return "\n\n".join(part for part in parts if part)


def _said(period: Period) -> str:
    return f"{period.first} to {period.last}"


def _figures(header: str, found: Sequence[Figure]) -> str:
    return table((header, "VALUE", "CHANGE", "NOTE"), [(one.label, one.value, one.change, one.note) for one in found])


def _rows(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
    """Nothing of nothing."""
    header = tuple(column.name.upper() for column in columns)
    return table(header, [tuple(plain(column.value(row)) for column in columns) for row in rows]) if rows else ""
