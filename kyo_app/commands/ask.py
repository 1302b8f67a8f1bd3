"""`kyo ask`."""

from collections.abc import Generator

import click

from kyo_app.commands.opening import actor_called, as_option, opened_kyo
from kyo_app.commands.output import json_option, print_json, printable
from kyo_app.commands.sources import source
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.services import asking


@click.command()
@click.argument("question")
@as_option
@json_option
def command(question: str, username: str | None, as_json: bool) -> None:
    """Answer QUESTION from the approved documents, with its sources."""
    with opened_kyo() as kyo:
        actor = actor_called(kyo, username)
        if as_json:
            print_json(asking.ask(kyo, actor, question))
            return
        answer = _print_while_it_comes(asking.stream_answer(kyo, actor, question))
    for citation in answer.citations:
        click.echo(f"[{citation.marker}] {source(citation)}")


def _print_while_it_comes(pieces: Generator[str, None, Answer]) -> Answer:
    while True:
        try:
            click.echo(printable(next(pieces)), nl=False)
        except StopIteration as end:
            click.echo("\n")
            answer: Answer = end.value
            return answer
