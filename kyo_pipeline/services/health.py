"""Whether KYO is ready, and what it holds."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from kyo_pipeline.db import embedding_sets, migrate, overview
from kyo_pipeline.db.overview import Numbers
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission
from kyo_pipeline.errors import KyoError
from kyo_pipeline.kyo import Kyo

#: The sensor says every 10 s that it looks for files; Dagster pauses between two of its evaluations.
DAEMON_SILENCE = timedelta(seconds=90)


@dataclass(frozen=True)
class Check:
    """One thing that must work: `database`, `database role`, `migrations`, `redis`, `daemon`."""

    name: str
    ok: bool
    message: str


@dataclass(frozen=True)
class Health:
    ready: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Overview:
    """What this installation holds, for operators."""

    numbers: Numbers
    embedding_model: str | None
    generator: str
    waiting_seconds: float | None
    recognition: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def check_health(kyo: Kyo) -> Health:
    """Ask each neighbour. Never raises."""
    checks = (*_database_checks(kyo), _redis_check(kyo))
    return Health(all(check.ok for check in checks), checks)


def beat(kyo: Kyo) -> None:
    """Say, as the daemon, that files are looked for."""
    with kyo.db.transaction(OPERATOR) as tx:
        overview.beat(tx, kyo.now())


def read_overview(kyo: Kyo, actor: Actor) -> Overview:
    """Numbers of documents, versions, questions and people. Raises `NotAllowed`, `Unavailable`."""
    actor.require(Permission.STATUS_READ)
    with kyo.db.transaction(actor) as tx:
        numbers, active = overview.numbers(tx), embedding_sets.active(tx)
    waiting = (kyo.now() - numbers.oldest_waiting_at).total_seconds() if numbers.oldest_waiting_at else None
    model = f"{active.spec.model} ({active.spec.backend}, {active.spec.dimensions} dimensions)" if active else None
    return Overview(numbers, model, f"{kyo.generator.name}: {kyo.generator.model}", waiting, kyo.parser.recognition)


def _database_checks(kyo: Kyo) -> tuple[Check, ...]:
    try:
        with kyo.db.transaction(OPERATOR) as tx:
            behind = migrate.pending(tx)
            heartbeat = None if behind else overview.daemon_heartbeat(tx)
            escapes = overview.escapes_row_security(tx)
    except KyoError as error:
        return (Check("database", False, error.message),)
    checks = (Check("database", True, "answers"), _role_check(escapes), _migrations_check(behind))
    # What the daemon's check asks for may not be there before the migrations have run.
    return checks if behind else (*checks, _daemon_check(heartbeat, kyo.now()))


def _role_check(escapes: bool) -> Check:
    if escapes:
        message = (
            "KYO connects as a user to whom row-level security does not apply. Give KYO_APP_DATABASE_URL a user who is "
            "a member of kyo_app alone, or leave it out."
        )
        return Check("database role", False, message)
    return Check("database role", True, "row-level security applies")


def _migrations_check(behind: list[str]) -> Check:
    if behind:
        return Check("migrations", False, f"not applied yet: {', '.join(behind)}. Run `kyo migrate`.")
    return Check("migrations", True, "up to date")


def _daemon_check(heartbeat: datetime | None, now: datetime) -> Check:
    if heartbeat is None:
        return Check("daemon", False, "Dagster's daemon has never run on this database.")
    silence = now - heartbeat
    if silence > DAEMON_SILENCE:
        seconds = int(silence.total_seconds())
        reason = "Dagster's daemon is down, or its sensor waiting_files is off."
        message = f"Nothing has looked for files for {seconds} s: {reason}"
        return Check("daemon", False, message)
    return Check("daemon", True, "alive")


def _redis_check(kyo: Kyo) -> Check:
    if kyo.cache.ping():
        return Check("redis", True, "answers")
    return Check("redis", False, "Redis does not answer: everything works, but slower.")
