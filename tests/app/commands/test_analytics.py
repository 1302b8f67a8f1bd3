"""`kyo analytics`, in this process, on a database of its own."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from kyo_pipeline.domain.actor import OPERATOR
from tests.shell import Shell
from tests.usage import Use

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def kyo(shell: Shell) -> Shell:
    return replace(shell, before=("analytics",))


@pytest.fixture
def _use(database: str) -> None:
    """Two questions today, of which one found nothing, and one twenty days ago."""
    engine = create_engine(database, connect_args={"options": "-csearch_path=kyo,public"})

    def sql(statement: str, **values: object) -> list[Any]:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    use, now = Use(sql), datetime.now(timezone.utc)
    leave = use.document(use.collection("Ours"), "Leave \x1b[31m", now)
    use.ask(OPERATOR, now, about=[leave], tokens=(1_000_000, 0))
    use.ask(OPERATOR, now, "not_found", [leave])
    use.ask(OPERATOR, now - timedelta(days=20), about=[leave])
    engine.dispose()


def test_before_the_first_question(kyo: Shell) -> None:
    done = kyo()
    assert done.code == 0
    assert "Questions" in done.out
    assert "0 documents that nobody needed" in done.out


@pytest.mark.usefixtures("_use")
def test_figures_are_shown_beside_those_before(kyo: Shell) -> None:
    done = kyo("--days", "7")
    assert done.code == 0
    lines = {line.split("  ")[0]: line.split() for line in done.out.splitlines() if line}
    assert lines["Questions"][1:3] == ["2", "+2"]
    assert lines["Not found"][2:4] == ["50", "%"]
    assert lines["Ours"][1:] == ["2", "0", "1", "0", "0"]  # the operator is no person
    assert any(line.startswith("Leave  [31m") for line in done.out.splitlines())  # a terminal is told no colour


@pytest.mark.usefixtures("_use")
def test_json_for_programs(kyo: Shell) -> None:
    found = kyo("--json").data
    assert found["totals"]["questions"] == 3
    assert len(found["days"]) == 30
    assert found["period"]["last"] == found["days"][-1]["day"]
    assert found["documents"][0]["cited"] == 2


@pytest.mark.usefixtures("_use")
def test_one_collection(kyo: Shell) -> None:
    assert kyo("--collection", "Ours", "--json").data["totals"]["questions"] == 3
    assert kyo("--collection", "General", "--json").data["totals"]["questions"] == 0
    assert "Refused" not in kyo("--collection", "Ours").out


def test_a_collection_that_there_is_not(kyo: Shell) -> None:
    done = kyo("--collection", "Nope")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("kyo: ")


@pytest.mark.parametrize("days", ["0", "1831", "x"])
def test_days_that_are_none(kyo: Shell, days: str) -> None:
    assert kyo("--days", days).code == 2
