"""A replacement on a full disk: that of the files, and that of the database. The old version goes on answering."""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, doctor, indexing, library, reviewing

Sql = Callable[..., list[Any]]

OLD = "Everybody has thirty days of leave."
NEW = "Everybody has forty days of leave."

#: Where each step writes first, and the status in which it leaves the version.
STEPS = {
    indexing.parse: ("version_texts", "uploaded"),
    indexing.cut: ("chunks", "parsed"),
    indexing.embed: ("{vectors}", "chunked"),
    indexing.publish_ready: ("audit_log", "embedded"),
}


@contextmanager
def full_disk() -> Iterator[None]:
    """A limit on the size of files stands in for the disk: writing fails in the same place, by the same call."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def answer(kyo: Kyo) -> list[str]:
    return [passage.text for passage in asking.search(kyo, OPERATOR, "leave").passages]


@pytest.fixture
def published(publish: Callable[[str, str], None], kyo: Kyo) -> Kyo:
    publish("leave.txt", OLD)
    return kyo


def test_an_upload_that_does_not_fit_changes_nothing(
    published: Kyo, pipeline: Kyo, employee: Actor, sql: Sql, tmp_path: Path
) -> None:
    before = sorted(path for path in (tmp_path / "files").rglob("*") if path.is_file())
    with full_disk(), pytest.raises(Unavailable, match="cannot be stored"):
        library.upload(published, employee, "leave.txt", (NEW * 100).encode())
    assert sql("select number from document_versions") == [(1,)]
    assert sorted(path for path in (tmp_path / "files").rglob("*") if path.is_file()) == before
    assert answer(published) == [OLD]
    assert all(finding.ok for finding in doctor.check_index(pipeline, OPERATOR))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_database_without_space_in_each_step_of_a_replacement(
    published: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    sql: Sql,
    clock: Any,
    run_pipeline: Callable[[], None],
    step: Callable[[Kyo, str], indexing.StepReport],
) -> None:
    """PostgreSQL's own words for it, from the table that the step writes to."""
    version = library.upload(published, employee, "leave.txt", NEW.encode()).document.latest
    reviewing.approve(published, manager, version.id)
    for earlier in STEPS:
        if earlier is step:
            break
        earlier(pipeline, "run:1")
    table, status = STEPS[step]
    table = table.format(vectors=f"chunk_embeddings_{indexing.serving_set(pipeline).id}")
    sql(
        "create function no_space() returns trigger language plpgsql as "
        "$$ begin raise exception 'no space' using errcode = 'disk_full'; end $$"
    )
    sql(f"create trigger full_disk before insert on {table} for each row execute function no_space()")

    with pytest.raises(Unavailable, match="no space left on its disk"):
        step(pipeline, "run:1")

    assert sql("select status, claimed_by from document_versions where number = 2") == [(status, None)]
    assert answer(published) == [OLD]
    sql(f"drop trigger full_disk on {table}")
    clock.advance(minutes=2)
    run_pipeline()
    assert answer(published) == [NEW]
    assert [finding for finding in doctor.check_index(pipeline, OPERATOR) if not finding.ok] == []
