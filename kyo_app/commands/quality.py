"""`kyo quality`."""

import click

from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.quality import QualityRun
from kyo_pipeline.errors import Conflict
from kyo_pipeline.services import quality

_HEADER = (
    "NIGHT",
    "QUESTIONS",
    "nDCG@10",
    "RECALL@10",
    "MRR@10",
    "REFUSED",
    "ANSWERED",
    "P50 MS",
    "P95 MS",
    "SET",
    "CORPUS",
    "",
)
_LEGEND = (
    "QUESTIONS: with a known answer + without one. REFUSED: share of the first that are refused. ANSWERED: of the "
    "others that are answered."
)


@click.group(invoke_without_command=True)
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="Nights at most.")
@json_option
@click.pass_context
def command(context: click.Context, limit: int, as_json: bool) -> None:
    """How well questions with known answers were answered, night after night.

    The running pipeline asks them when KYO_QUALITY_CRON says so: cases of the own evaluation set, those of
    KYO_EVAL_DIR, and those whose answers people found helpful.
    """
    if context.invoked_subcommand is not None:
        return
    with opened_kyo() as kyo:
        found = quality.history(kyo, OPERATOR, limit)
    if as_json:
        print_json(found)
    else:
        click.echo(_shown(found))


@command.command()
@json_option
def run(as_json: bool) -> None:
    """Ask the questions now, and compare with the nights before. Exit code 1 where too few are known."""
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        night = quality.run(kyo, OPERATOR)
    if night.run is None:
        raise Conflict(night.reason)
    if as_json:
        print_json(night.run)
    else:
        click.echo(_shown((night.run,)))


@command.command()
def accept() -> None:
    """Say of the last night, which was worse than those before it, that it is what is normal from now on."""
    with opened_kyo() as kyo:
        accepted = quality.accept(kyo, OPERATOR)
    click.echo(f"The night of {accepted.at:%Y-%m-%d %H:%M} UTC is the norm from now on.", err=True)


def _shown(runs: tuple[QualityRun, ...]) -> str:
    if not runs:
        return "Nothing has been measured yet: `kyo quality run` does it now, the pipeline every night."
    parts = [table(_HEADER, [_row(one) for one in runs]), _LEGEND]
    if runs[0].has_dropped:
        parts += [printable(drop.sentence) for drop in runs[0].drops]
        parts.append("Where this is meant to be so: `kyo quality accept`.")
    return "\n\n".join(parts)


def _row(one: QualityRun) -> tuple[str, ...]:
    figures = one.figures
    shares = (
        figures.ndcg_at_10,
        figures.recall_at_10,
        figures.mrr_at_10,
        figures.refused_wrongly,
        figures.answered_wrongly,
    )
    return (
        f"{one.at:%Y-%m-%d %H:%M}",
        f"{figures.questions} + {figures.unanswerable}",
        *(_figure(share, ".3f") for share in shares),
        *(_figure(milliseconds, ".1f") for milliseconds in (figures.p50_ms, figures.p95_ms)),
        str(one.conditions.embedding_set),
        str(one.conditions.corpus_revision),
        "worse" if one.has_dropped else "accepted" if one.accepted_at else "",
    )


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"
