"""The first child of `kyo up`: migrations and the first admin. A process of its own, since it loads what the
supervisor would then hold for ever."""

import json
import sys
from dataclasses import asdict, dataclass

from kyo_app.commands.exits import FAILED, UNAVAILABLE
from kyo_pipeline.errors import KyoError, Unavailable
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import operations, people
from kyo_pipeline.settings import Settings, load_settings


@dataclass(frozen=True)
class Prepared:
    """What the supervisor must know. The name and the password are of an admin that was made now."""

    dagster_url: str
    migrations: list[str]
    username: str | None = None
    password: str | None = None


def prepare(settings: Settings) -> Prepared:
    """Bring the database up to date and make the first admin of an empty installation."""
    applied = operations.migrate(settings)
    kyo = open_kyo(settings)
    try:
        admin = people.ensure_first_admin(kyo)
    finally:
        kyo.close()
    url = operations.dagster_url(settings)
    if admin is None:
        return Prepared(url, applied)
    return Prepared(url, applied, admin.person.username, admin.one_time_password)


def main() -> None:
    try:
        sys.stdout.write(json.dumps(asdict(prepare(load_settings()))))
    except KyoError as error:
        sys.stderr.write(error.message)
        sys.exit(UNAVAILABLE if isinstance(error, Unavailable) else FAILED)


if __name__ == "__main__":
    main()
