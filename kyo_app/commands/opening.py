"""What commands other than `up` begin with: the database, and the person they act as."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from kyo_pipeline.domain import request
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import health, operations, people
from kyo_pipeline.settings import Settings, load_settings

as_option = click.option("--as", "username", metavar="USER", help="Act as this person, with their rights.")


def absolute_settings() -> Settings:
    """The settings with a KYO_HOME that means the same in every process, wherever that works."""
    settings = load_settings()
    return settings.model_copy(update={"KYO_HOME": settings.KYO_HOME.absolute()})


@contextmanager
def opened_kyo(role: DatabaseRole = DatabaseRole.APP) -> Iterator[Kyo]:
    """A Kyo on the running database, or on the embedded one, started for this command."""
    request.begin()
    settings = absolute_settings()
    at_rest = settings.uses_embedded_database and not operations.is_embedded_database_running(settings)
    with operations.running_servers(settings) as servers:
        if at_rest:  # nobody else uses it, so nobody is disturbed by bringing it up to date
            operations.migrate(servers.settings)
        kyo = open_kyo(servers.settings, role)
        try:
            if not at_rest and (reason := _failing(kyo, "database", "database role", "migrations")):
                raise Unavailable(reason)
            yield kyo
        finally:
            kyo.close()


def require_daemon(kyo: Kyo, otherwise: str = ", or use --no-daemon") -> None:
    """Raise `Unavailable` when nothing processes files now; `otherwise` is what else can be done."""
    if reason := daemon_problem(kyo):
        raise Unavailable(f"{reason} Start KYO with `kyo up`{otherwise}.")


def daemon_problem(kyo: Kyo) -> str | None:
    """Why nothing processes files now; None when the daemon does."""
    return _failing(kyo, "daemon")


def actor_called(kyo: Kyo, username: str | None) -> Actor:
    """The person with this name; the operator when none is given."""
    return OPERATOR if username is None else people.actor_named(kyo, username)


def _failing(kyo: Kyo, *names: str) -> str | None:
    """The first of these checks of health that fails, as a sentence about it."""
    failing = (check for check in health.check_health(kyo).checks if check.name in names and not check.ok)
    return next((check.message for check in failing), None)
