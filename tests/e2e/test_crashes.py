"""kill -9 in the middle of 200 files: nothing is lost or done twice, and a dead run needs no restart."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library, upkeep
from tests.e2e.killing import kill, opened, run_processes
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

FILES = 200
PATIENCE_SECONDS = 120.0
BROKEN = b"%PDF-1.7\nthis is not a PDF"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = RunningStack(tmp_path_factory.mktemp("crashes") / "home")
    running.start()
    yield running
    running.stop()


def test_a_killed_run_is_taken_over_while_everything_else_goes_on(stack: RunningStack) -> None:
    with opened(stack) as kyo:
        upload(kyo, "run")
        wait_until_under_way(kyo, "run")
        for process in run_processes(stack):
            process.kill()
        wait_until_done(kyo, "run")
        assert_each_file_is_there_once(kyo, "run")
    assert stack.is_ready()


@pytest.mark.parametrize("victim", ["dagster-daemon", "postgres", "kyo up"])
def test_after_a_restart_every_file_is_ready_or_failed_with_a_reason(stack: RunningStack, victim: str) -> None:
    group = victim.replace(" ", "-")
    with opened(stack) as kyo:
        upload(kyo, group)
        wait_until_under_way(kyo, group)
        kill(stack, victim)
    stack.start()
    with opened(stack) as kyo:
        wait_until_done(kyo, group)
        assert_each_file_is_there_once(kyo, group)


def upload(kyo: Kyo, group: str) -> None:
    for number in range(FILES - 1):
        paragraph = f"Rule {number} of group {group}: requests are answered within {number} days by the desk. "
        library.upload(kyo, OPERATOR, f"{group}-{number:03d}.txt", (paragraph * 60).encode())
    library.upload(kyo, OPERATOR, f"{group}-broken.pdf", BROKEN)


def statuses(kyo: Kyo, group: str) -> Counter[str]:
    with kyo.db.transaction(OPERATOR) as tx:
        rows = tx.execute(
            text("select status from document_versions where file_name like :names"), {"names": f"{group}-%"}
        )
        return Counter(row.status for row in rows)


def wait_until_under_way(kyo: Kyo, group: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = statuses(kyo, group)
        if now.keys() & {"parsed", "chunked", "embedded"}:
            return
        assert now["ready"] < FILES - 1, "all was done before anything could be killed"
        time.sleep(0.02)
    raise AssertionError(f"nothing began: {statuses(kyo, group)}")


def wait_until_done(kyo: Kyo, group: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if statuses(kyo, group).keys() <= {"ready", "failed"}:
            return
        time.sleep(0.2)
    raise AssertionError(f"not done: {statuses(kyo, group)}")


def assert_each_file_is_there_once(kyo: Kyo, group: str) -> None:
    assert statuses(kyo, group) == {"ready": FILES - 1, "failed": 1}
    with kyo.db.transaction(OPERATOR) as tx:
        wrong = tx.execute(
            text(
                """
                select v.file_name, v.error, v.chunk_count, count(c.id) as chunks
                from document_versions v
                left join chunks c on c.version_id = v.id
                where v.file_name like :names
                group by v.id
                having (v.status = 'ready' and (count(c.id) <> v.chunk_count or count(c.id) = 0))
                  or (v.status = 'failed' and (v.error is null or count(c.id) > 0))
                """
            ),
            {"names": f"{group}-%"},
        ).all()
    assert wrong == []
    health = upkeep.inspect(kyo)
    assert (health.searchable_without_vector, health.ready_without_chunks, health.miscounted_chunks) == (0, 0, 0)
