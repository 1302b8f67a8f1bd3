"""`kyo up`."""

import click

from kyo_app.stack import up
from kyo_pipeline.settings import load_settings


@click.command()
def command() -> None:
    """Start everything; Ctrl-C stops everything.

    The database and Redis unless others are set, migrations, Dagster, the app. Prints the addresses when all is
    ready, and at the first start the name and one-time password of the first admin. Logs are in KYO_HOME/logs.
    """
    up(load_settings())
