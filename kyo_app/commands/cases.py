"""`kyo cases`."""

from pathlib import Path

import click

from kyo_app import wording
from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.evaluation_cases import EvaluationCase
from kyo_pipeline.services import evaluation_cases

_NONE = "No case is in the set yet: those who review feedback confirm answers, and name the right source of wrong ones."
_NO_RETIRED = "No case was left out of the set."
_HEADER = ("QUESTION", "DOCUMENTS", "FROM", "ADDED")


@click.group()
def command() -> None:
    """The organisation's own evaluation set: questions of which somebody has said where their answer is."""


@command.command("list")
@click.option("--retired", is_flag=True, help="Those that were left out.")
@click.option("-n", "limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Cases at most.")
@json_option
def list_cases(retired: bool, limit: int, as_json: bool) -> None:
    """List cases, the newest first."""
    with opened_kyo() as kyo:
        found = evaluation_cases.list_cases(kyo, OPERATOR, retired=retired, limit=limit)
    if as_json:
        print_json(found.cases)
    else:
        click.echo(table(_HEADER, [_cells(case) for case in found.cases]))
        if not found.cases:
            click.echo(_NO_RETIRED if retired else _NONE, err=True)


@command.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--files", is_flag=True, help="The original files as well, for `kyo eval --docs`.")
@json_option
def export(folder: Path, files: bool, as_json: bool) -> None:
    """Write the set into an empty folder, for `kyo eval DIR`.

    With the texts of all documents that answer questions: keep the folder as you keep those.
    """
    with opened_kyo() as kyo:
        written = evaluation_cases.export(kyo, OPERATOR, folder, files=files)
    if as_json:
        print_json(written)
    else:
        cases, documents = wording.counted(written.cases, "case"), wording.counted(written.documents, "document")
        click.echo(
            printable(f"{cases} and {documents} are in {folder}. Evaluate them with: kyo eval {folder}"), err=True
        )


def _cells(case: EvaluationCase) -> tuple[str, ...]:
    titles = "; ".join(document.title for document in case.documents)
    return (" ".join(case.question.split()), titles, case.origin.value, f"{case.created_at:%Y-%m-%d}")
