"""Dagster's processes start side by side, and each finds its tables missing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine, inspect

from kyo_pipeline.adapters.locks import locked, open_private
from kyo_pipeline.defs import code_server, daemon, webserver
from kyo_pipeline.defs.storage import make_tables
from kyo_pipeline.settings import PROJECT_ROOT


@pytest.fixture
def tables(new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], set[str]]:
    """What there is in Dagster's database, which has nothing at first; DAGSTER_HOME is `tmp_path`."""
    (tmp_path / "dagster.yaml").write_bytes((PROJECT_ROOT / "dagster.yaml").read_bytes())
    url = new_database()
    for name, value in {"DAGSTER_HOME": tmp_path, "KYO_COMPUTE_LOGS": tmp_path, "DAGSTER_PG_URL": url}.items():
        monkeypatch.setenv(name, str(value))

    def read() -> set[str]:
        engine = create_engine(url)
        try:
            return set(inspect(engine).get_table_names())
        finally:
            engine.dispose()

    return read


def test_while_one_makes_the_tables_the_others_wait(tables: Callable[[], set[str]], tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        with open_private(tmp_path / "tables.lock") as file, locked(file):
            others = [pool.submit(make_tables) for _ in range(3)]
            for one in others:
                with pytest.raises(StillWaiting):
                    one.result(timeout=0.5)
            assert tables() == set()
        for one in others:
            one.result(timeout=60)
    assert {"runs", "event_logs", "jobs", "alembic_version"} <= tables()


@pytest.mark.parametrize("program", [code_server, daemon, webserver], ids=["code_server", "daemon", "webserver"])
def test_each_of_dagsters_processes_begins_with_the_tables(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin() -> None:
        raise InterruptedError

    monkeypatch.setattr(program, "make_tables", begin)
    with pytest.raises(InterruptedError):
        program.main()
