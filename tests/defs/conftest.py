"""Dagster opens its own Kyo from the environment: it gets a database of its own, with committed transactions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.kyo import Kyo, utc_now


@pytest.fixture
def stack(committed: Kyo, own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kyo:
    """Kyo on the database and the files that Dagster's own Kyo uses."""
    monkeypatch.setenv("DATABASE_URL", own_database)
    monkeypatch.setenv("KYO_HOME", str(tmp_path))
    monkeypatch.setenv("KYO_PARSE_WORKERS", "1")
    return replace(committed, files=FolderFiles(tmp_path / "files"), now=utc_now)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def resources() -> dict[str, KyoResource]:
    return {"kyo": KyoResource()}
