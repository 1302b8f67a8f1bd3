"""The command line `kyo`. Data goes to stdout, everything else to stderr."""

import importlib
import sys
import traceback
from datetime import datetime, timezone
from typing import NoReturn

import click

from kyo_app.commands.exits import FAILED, UNAVAILABLE
from kyo_pipeline.errors import KyoError, TooMany, Unavailable

_COMMANDS = (
    "up",
    "migrate",
    "users",
    "collections",
    "groups",
    "gaps",
    "ingest",
    "documents",
    "embeddings",
    "search",
    "ask",
    "mcp",
    "eval",
    "analytics",
    "quality",
    "cases",
    "audit",
    "status",
    "alerts",
    "doctor",
    "version",
)
_EPILOG = """\b
Exit codes: 0 all went well; 1 something was refused or failed; 2 the command line is wrong;
3 something that is needed does not answer: a server, a model, or KYO itself is not running.

Settings are environment variables or lines of a file .env; .env.example lists them."""


class _Commands(click.Group):
    """Imports only the command that is called: `kyo up` stays in memory and must not hold what others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"kyo_app.commands.{cmd_name}").command
        return command


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def root() -> None:
    """Know Your Organization: answers with citations, from documents that were approved."""


def main() -> NoReturn:
    """The console script: run the command and turn every failure into one line and an exit code."""
    try:
        sys.exit(root.main(prog_name="kyo", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except KyoError as error:
        _complain(error.sentence("{:%Y-%m-%d %H:%M %Z}".format) if isinstance(error, TooMany) else error.message)
        sys.exit(UNAVAILABLE if isinstance(error, Unavailable) else FAILED)
    except Exception as error:  # noqa: BLE001 - the last stop: nobody is to see a traceback
        _complain(f"something unexpected went wrong ({type(error).__name__}). {_write_down()}")
        sys.exit(FAILED)


def _complain(message: str) -> None:
    for line in message.splitlines():
        click.echo(f"kyo: {line}", err=True)


def _write_down() -> str:
    """Keep the traceback for whoever looks into it; say where it is."""
    # Not above: it loads pydantic, and Ctrl-C meanwhile would print a traceback of the import.
    from kyo_pipeline.settings import load_settings

    details = traceback.format_exc()
    try:
        logs = load_settings().KYO_HOME / "logs"
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = logs / "cli.log"
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(timezone.utc).isoformat()} kyo {' '.join(sys.argv[1:2])}\n{details}\n")
    except (OSError, KyoError):
        return "Its details could not be written down: KYO_HOME cannot be written."
    return f"Details: {log}"


if __name__ == "__main__":
    main()
