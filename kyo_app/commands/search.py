"""`kyo search`."""

import click

from kyo_app.commands.opening import actor_called, as_option, opened_kyo
from kyo_app.commands.output import json_option, print_json, printable
from kyo_app.commands.sources import source
from kyo_pipeline.domain.retrieval import Passage
from kyo_pipeline.services import asking

_SHOWN = 300


@click.command()
@click.argument("query")
@click.option("-k", "limit", type=click.IntRange(1, 50), help="How many passages; TOP_K_RESULTS unless given.")
@as_option
@json_option
def command(query: str, limit: int | None, username: str | None, as_json: bool) -> None:
    """Print the passages that an answer to QUERY would be made from, best first."""
    with opened_kyo() as kyo:
        found = asking.search(kyo, actor_called(kyo, username), query, limit)
    if as_json:
        print_json(found)
        return
    for number, passage in enumerate(found.passages, start=1):
        click.echo(_shown(number, passage))
    if not found.passages:
        click.echo("Nothing was found in the approved documents.", err=True)


def _shown(number: int, passage: Passage) -> str:
    text = " ".join(passage.text.split())
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN].rsplit(' ', 1)[0]} …"
    scores = f"score {passage.score:.3f}, similarity {passage.similarity:.3f}, lexical {passage.lexical:.2f}"
    return f"{number}. {source(passage)}  ({scores})\n   {printable(short)}\n"
