"""`kyo migrate`."""

import click

from kyo_app.commands.opening import absolute_settings
from kyo_app.commands.output import json_option, print_json
from kyo_pipeline.services import operations


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Bring the database up to date, and print the migrations that were applied. `kyo up` does it too."""
    with operations.running_servers(absolute_settings()) as servers:
        applied = operations.migrate(servers.settings)
    if as_json:
        print_json({"applied": applied})
        return
    for name in applied:
        click.echo(name)
    click.echo("The database is up to date.", err=True)
