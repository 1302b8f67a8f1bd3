"""Dagster's tables: each of its processes makes those that it finds missing, and they start side by side."""

import os
from pathlib import Path

import dagster as dg

from kyo_pipeline.adapters.locks import locked, open_private


def make_tables() -> None:
    """Have one process of this DAGSTER_HOME make the tables while the others wait.

    Dagster tries again when two make a table at the same moment, but not when they make the type of its rows
    (`DuplicateObject`), of which a process then dies at the first start.
    """
    with open_private(Path(os.environ["DAGSTER_HOME"]) / "tables.lock") as file, locked(file), dg.DagsterInstance.get():
        pass
