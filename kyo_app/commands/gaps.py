"""`kyo gaps`."""

import click

from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.gaps import Gap, GapFilter, GapKind, GapOrder, GapPage, GapState
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.services import gaps

_HEADER = ("ID", "STATE", "QUESTIONS", "PEOPLE", "LAST 30 DAYS", "OWNER", "ABOUT")
_ABOUT = 80


@click.group()
def command() -> None:
    """What people asked and found no good answer to, put together by what it means."""


@command.command("list")
@click.option("--state", type=click.Choice([one.value for one in GapState]), help="Those in this state only.")
@click.option("--kind", type=click.Choice([one.value for one in GapKind]), help="Those with such questions only.")
@click.option(
    "--order",
    type=click.Choice([one.value for one in GapOrder]),
    default=GapOrder.COUNT.value,
    show_default=True,
    help="What comes first: most questions, the newest one, or what grows.",
)
@json_option
def list_gaps(state: str | None, kind: str | None, order: str, as_json: bool) -> None:
    """List knowledge gaps. They are looked for every night, or when the job `find_knowledge_gaps` is run in Dagster."""
    wanted = GapFilter(frozenset({GapState(state)} if state else ()), GapKind(kind) if kind else None)
    with opened_kyo() as kyo:
        page = gaps.list_gaps(kyo, OPERATOR, wanted, GapOrder(order), limit=MAX_PAGE)
    if as_json:
        print_json(page)
    else:
        click.echo(table(_HEADER, [_row(gap) for gap in page.gaps]))
        click.echo(_said(page), err=True)


def _row(gap: Gap) -> tuple[str, ...]:
    label = gap.label if len(gap.label) <= _ABOUT else f"{gap.label[: _ABOUT - 1]}…"
    month = f"{gap.trend.last_month} ({gap.trend.growth:+d})"
    return (str(gap.id), gap.state.value, str(gap.questions), str(gap.people), month, gap.owner or "-", label)


def _said(page: GapPage) -> str:
    if page.last_run is None:
        return "Nobody has looked for gaps yet: it is done every night while KYO runs."
    shown = f"{len(page.gaps)} of {page.total}" if len(page.gaps) < page.total else f"{page.total}"
    return f"{shown} gaps; last looked for at {page.last_run.at:%Y-%m-%d %H:%M} UTC."
