"""The processes of `kyo up`, as command lines and environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from kyo_pipeline.services import operations
from kyo_pipeline.settings import PROJECT_ROOT, Settings, harmless

#: Marks a process as one of the stack in the folder that it names, and so does every process that it starts.
MARK = "KYO_STACK"

WORKSPACE = PROJECT_ROOT / "workspace.yaml"


_APP, _PIPELINE, _STORAGE = "KYO_APP_DATABASE_URL", "KYO_PIPELINE_DATABASE_URL", "DAGSTER_PG_URL"

#: What gives rights that not everybody has: of the owner, or of one of the two roles.
_DATABASES = (_APP, _PIPELINE, _STORAGE, "DATABASE_URL", "DB_PASSWORD")
_OWN = {_APP: (_APP,), _PIPELINE: (_PIPELINE, _STORAGE)}


@dataclass(frozen=True)
class Child:
    name: str
    command: tuple[str, ...]
    database: str = ""
    """The variable with the URL of the database role that it works under."""
    foreign: bool = False
    """Not a program of ours: it gets no settings, since passwords and keys are among them."""

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        if self.foreign:
            return harmless(variables)
        if self.database not in variables:  # it connects as the owner, and takes its role on
            return dict(variables)
        own = _OWN[self.database]
        return {name: value for name, value in variables.items() if name in own or name not in _DATABASES}


def children(settings: Settings, redis: tuple[str, ...] | None) -> tuple[Child, ...]:
    """What runs together. `redis` is the command line of the embedded one, if that is in use."""
    own = (Child("redis", redis, foreign=True),) if redis else ()
    return (*own, _code_server(settings), _webserver(settings), _daemon(), _app(settings))


def environment(settings: Settings, dagster_url: str, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of every child of the stack: those of any process of KYO, and the mark."""
    return {**unmarked_environment(settings, dagster_url, outer), MARK: str(settings.KYO_HOME)}


def unmarked_environment(settings: Settings, dagster_url: str, outer: Mapping[str, str]) -> dict[str, str]:
    """For what is no part of a stack, so that none ends it: settings that are not defaults, and where things are."""
    home = settings.KYO_HOME
    return {
        **{name: value for name, value in outer.items() if name != MARK},
        **{
            name: _as_text(value)
            for name in settings.model_fields_set
            if (value := getattr(settings, name)) is not None
        },
        "KYO_HOME": str(home),
        "KYO_CODE_SOCKET": operations.code_socket(settings),
        "KYO_COMPUTE_LOGS": str(home / "dagster" / "compute_logs"),
        "DAGSTER_HOME": str(home / "dagster"),
        _STORAGE: dagster_url,
        "PYTHONUNBUFFERED": "1",
        # glibc else keeps memory in an arena for each thread, and these processes have dozens.
        "MALLOC_ARENA_MAX": "2",
    }


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _code_server(settings: Settings) -> Child:
    # Threads: a sensor that waits for files holds one for as long as it waits.
    where = ("--socket", operations.code_socket(settings), "--max-workers", "16")
    return Child(
        "dagster-code",
        _python("-m", "kyo_pipeline.defs.code_server", "-m", "kyo_pipeline.definitions", *where),
        _PIPELINE,
    )


def _webserver(settings: Settings) -> Child:
    where = ("-h", settings.KYO_DAGSTER_HOST, "-p", str(settings.KYO_DAGSTER_PORT))
    return Child("dagster-web", _python("-m", "kyo_pipeline.defs.webserver", "-w", str(WORKSPACE), *where), _PIPELINE)


def _daemon() -> Child:
    return Child("dagster-daemon", _python("-m", "kyo_pipeline.defs.daemon", "-w", str(WORKSPACE)), _PIPELINE)


def _app(settings: Settings) -> Child:
    where = ("--host", settings.KYO_HOST, "--port", str(settings.KYO_PORT), "--proxy-headers")
    # No access log: sign-in tickets stand in addresses. Streamlit brings it back, and logs.py sees to that.
    quiet = ("--no-access-log", "--log-level", "info" if settings.DEBUG else "warning")
    polite = ("--no-server-header", "--timeout-graceful-shutdown", "3")
    command = _python(
        "-m", "uvicorn", "--factory", "kyo_app.server:create_app", *where, *_tls(settings), *quiet, *polite
    )
    return Child("app", command, _APP)


def _tls(settings: Settings) -> tuple[str, ...]:
    certificate, key = settings.KYO_TLS_CERTIFICATE, settings.KYO_TLS_KEY
    return ("--ssl-certfile", str(certificate), "--ssl-keyfile", str(key)) if certificate and key else ()


def _as_text(value: object) -> str:
    """A setting as its variable has it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)
