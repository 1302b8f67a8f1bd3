"""Dagster's code server, with a warm start for runs: `python -m kyo_pipeline.defs.code_server -h … -p …`.

Dagster starts each run in a new Python that imports everything again, which is half of the time from an upload to an
answer. Here runs are forked off a process without threads that has imported it all (multiprocessing's `forkserver`).
Everything else is Dagster's own: its arguments, its protocol, its way to end a run.
"""

import multiprocessing
import os
import sys
from multiprocessing.context import BaseContext
from typing import Any

from dagster._cli.api import grpc_command
from dagster._grpc import server

from kyo_pipeline.defs.storage import make_tables

#: What a run needs, imported once, with one small model. Nothing may start threads of its own here.
PRELOADED = [
    "dagster._grpc.impl",
    "dagster_postgres",
    "kyo_pipeline.defs.code_server",
    "kyo_pipeline.definitions",
    "kyo_pipeline.defs.warm",
    "kyo_pipeline.adapters.embedding.builtin",
    "pydantic",
    "requests",
    "safetensors.numpy",
    "sqlalchemy.dialects.postgresql.psycopg2",
]


class WarmApiServer(server.DagsterApiServer):
    """Dagster's server, whose runs come from `warm_context`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._mp_ctx: Any = warm_context()  # Dagster says `spawn`, and uses what every context has


def warm_context() -> BaseContext:
    """A context whose processes are forked off a warm one, which is started at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    context.Process(target=os.getpid).start()
    return context


def main() -> None:
    make_tables()
    # Dagster offers no setting for this. The names are checked by a test, since they are its own affair.
    setattr(server, "DagsterApiServer", WarmApiServer)  # noqa: B010 - a plain assignment is an error to mypy
    grpc_command(sys.argv[1:])


if __name__ == "__main__":
    main()
