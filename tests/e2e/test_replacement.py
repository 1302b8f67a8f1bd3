"""kill -9 in each stage of a replacement: the old version answers all the while, then the new one; nothing is lost."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import Document, VersionStatus
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, doctor, library, operations, reviewing
from kyo_pipeline.settings import Settings
from tests.e2e.killing import kill, opened, run_processes
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 90.0
FILE = "annual leave.txt"
QUESTION = "How many days of paid leave does everyone have?"

#: What a step needs last, so that it can be held up there: the version stays in the stage before.
HELD_UP_BY = {
    "uploaded": "lock table kyo.version_texts in share mode",
    "parsed": "lock table kyo.chunks in share mode",
    "chunked": "lock table kyo.{vectors} in share mode",
    "embedded": "select from kyo.corpus for update",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = RunningStack(tmp_path_factory.mktemp("replacement") / "home")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def published(stack: RunningStack) -> Document:
    """The first version, which answers questions."""
    with opened(stack, DatabaseRole.APP) as kyo:
        document = replace(kyo, 27)
        wait_until(lambda: number(kyo, document) == 1, "the first version never answered")
    return document


def test_killed_in_every_stage_of_a_replacement(stack: RunningStack, published: Document) -> None:
    with opened(stack, DatabaseRole.APP) as kyo, asked_all_the_while(stack) as answers:
        barriers = [Barrier(stack, "uploaded")]
        replace(kyo, 30)
        for following in ("parsed", "chunked", "embedded", None):
            here = barriers[-1]
            wait_until(partial(is_held_up, kyo, published, here), f"not held up: {here.stage}")
            for process in run_processes(stack):
                process.kill()
            assert number(kyo, published) == 1
            if following:
                barriers.append(Barrier(stack, following))
            here.lift()
        wait_until(lambda: number(kyo, published) == 2, "the second version never answered")
        time.sleep(0.5)
    said = [value for value in answers if value is not None]
    assert len(said) == len(answers), "there were moments without an answer"
    assert said == sorted(said), "an old value came after a new one"
    assert set(said) == {"27 days", "30 days"}
    assert_sound(stack, versions=2)


def test_the_database_is_killed_at_the_moment_of_the_swap(stack: RunningStack, published: Document) -> None:
    with opened(stack, DatabaseRole.APP) as kyo:
        before = number(kyo, published)
        # Not approved yet: an approval would wait for the same lock.
        version = library.upload(kyo, OPERATOR, FILE, page(33)).document.latest
        wait_until(lambda: status(kyo, published) == "ready", "the third version was never ready")
        barrier = Barrier(stack, "embedded")
        approval = threading.Thread(
            target=pytest.raises, args=(Unavailable, reviewing.approve, kyo, OPERATOR, version.id)
        )
        approval.start()
        wait_until(barrier.is_met, "nobody came to the swap")
        kill(stack, "postgres")
        barrier.forget()
        approval.join(30)
    stack.start()
    with opened(stack, DatabaseRole.APP) as kyo:
        assert number(kyo, published) == before, "half a decision was kept"
        reviewing.approve(kyo, OPERATOR, version.id)
        assert value(kyo) == "33 days"
    assert_sound(stack, versions=version.number)


def page(days: int) -> bytes:
    text = (
        f"Annual leave\n\nEveryone has {days} days of paid leave in a calendar year.\n\nDates are agreed with the team."
    )
    return text.encode()


def replace(kyo: Kyo, days: int) -> Document:
    """Upload and approve the next version of the same page."""
    document = library.upload(kyo, OPERATOR, FILE, page(days)).document
    return reviewing.approve(kyo, OPERATOR, document.latest.id)


def number(kyo: Kyo, document: Document) -> int | None:
    return library.read_document(kyo, OPERATOR, document.id).current_number


def status(kyo: Kyo, document: Document) -> str:
    return library.read_document(kyo, OPERATOR, document.id).latest.status.value


def is_held_up(kyo: Kyo, document: Document, barrier: "Barrier") -> bool:
    return status(kyo, document) == barrier.stage and barrier.is_met()


def value(kyo: Kyo) -> str | None:
    """What an answer says now: the number of days, or None where nothing of it is said."""
    answer = asking.ask(kyo, OPERATOR, QUESTION)
    told = [days for days in ("27 days", "30 days", "33 days") if days in answer.text]
    return told[0] if len(told) == 1 else None


@contextmanager
def asked_all_the_while(stack: RunningStack) -> Iterator[list[str | None]]:
    """Asks the question again and again in a thread of its own; the list grows with what was said."""
    answers: list[str | None] = []
    over = threading.Event()

    def ask() -> None:
        with opened(stack, DatabaseRole.APP) as kyo:
            while not over.is_set():
                try:
                    answers.append(value(kyo))
                except Unavailable:
                    answers.append(None)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join(30)


class Barrier:
    """Nothing gets past this stage before it is lifted."""

    def __init__(self, stack: RunningStack, stage: str) -> None:
        self.stage = stage
        with operations.running_servers(Settings(KYO_HOME=stack.home)) as servers:
            assert servers.settings.DATABASE_URL
            engine = create_engine(servers.settings.DATABASE_URL.get_secret_value(), poolclass=NullPool)
            self._connection = engine.connect()
        vectors = self._connection.scalar(
            text("select 'chunk_embeddings_' || id from kyo.embedding_sets where state = 'active'")
        )
        self._connection.execute(text(HELD_UP_BY[stage].format(vectors=vectors)))

    def is_met(self) -> bool:
        """Whether somebody waits for it."""
        # pg_locks, since what pg_stat_activity says stays the same for a whole transaction.
        waiting = (
            "select exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))"
        )
        return bool(self._connection.scalar(text(waiting)))

    def lift(self) -> None:
        self._connection.rollback()
        self._connection.close()

    def forget(self) -> None:
        """Its server is gone, and with it what held anybody up."""
        self._connection.invalidate()
        self._connection.close()


def wait_until(done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def assert_sound(stack: RunningStack, versions: int) -> None:
    """Each version is there once and whole, and the doctor finds nothing."""
    with opened(stack) as kyo:
        [document] = library.list_documents(kyo, OPERATOR).documents
        history = library.list_history(kyo, OPERATOR, document.id)
        assert [one.number for one in history] == list(range(versions, 0, -1))
        assert {one.status for one in history} == {VersionStatus.READY}
        assert [finding for finding in doctor.check_index(kyo, OPERATOR) if not finding.ok] == []
    done = stack.kyo("doctor", "--deep", "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert [one for one in (*told["checks"], *told["findings"]) if one.get("problems") or one.get("ok") is False] == []
    assert done.returncode == 0
