"""`kyo ask`."""

from uuid import UUID

import click

from kyo_app.commands.findings import marked_text, remarks
from kyo_app.commands.opening import actor_called, as_option, opened_kyo
from kyo_app.commands.output import json_option, print_json, printable
from kyo_app.commands.sources import source
from kyo_pipeline.services import asking


@click.command()
@click.argument("question")
@click.option("--conversation", type=click.UUID, help="Its id, which --json prints: QUESTION follows up on it.")
@click.option("--anew", is_flag=True, help="Not with an answer that was verified for the same question.")
@as_option
@json_option
def command(question: str, conversation: UUID | None, anew: bool, username: str | None, as_json: bool) -> None:
    """Answer QUESTION from the approved documents, with its sources."""
    with opened_kyo() as kyo:
        # Not streamed: only the stored answer has been checked, and a terminal takes nothing back.
        answer = asking.ask(kyo, actor_called(kyo, username), question, conversation, anew=anew)
    if as_json:
        print_json(answer)
        return
    if (found := answer.verification) is not None:
        click.echo(f"Verified by {printable(found.by)} on {found.at:%d %b %Y} for: {printable(found.question)}\n")
    if answer.standalone:
        click.echo(f"Searched for: {printable(answer.standalone)}\n")
    click.echo(f"{marked_text(answer)}\n")
    for line in remarks(answer):
        click.echo(line)
    for citation in answer.citations:
        click.echo(f"[{citation.marker}] {source(citation)}")
