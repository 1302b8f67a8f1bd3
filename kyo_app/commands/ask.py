"""`kyo ask`."""

import click

from kyo_app.commands.findings import marked_text, remarks
from kyo_app.commands.opening import actor_called, as_option, opened_kyo
from kyo_app.commands.output import json_option, print_json
from kyo_app.commands.sources import source
from kyo_pipeline.services import asking


@click.command()
@click.argument("question")
@as_option
@json_option
def command(question: str, username: str | None, as_json: bool) -> None:
    """Answer QUESTION from the approved documents, with its sources."""
    with opened_kyo() as kyo:
        # Not streamed: only the stored answer has been checked, and a terminal takes nothing back.
        answer = asking.ask(kyo, actor_called(kyo, username), question)
    if as_json:
        print_json(answer)
        return
    click.echo(f"{marked_text(answer)}\n")
    for line in remarks(answer):
        click.echo(line)
    for citation in answer.citations:
        click.echo(f"[{citation.marker}] {source(citation)}")
