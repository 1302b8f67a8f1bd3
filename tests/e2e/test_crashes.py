"""kill -9, in the middle of 200 files and in each stage of a replacement: nothing is lost, half done or done twice.

A dead run needs no restart, and the old version of a document answers until the new one does.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from kyo_app.commands.exits import UNAVAILABLE
from kyo_pipeline import progress
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import Document, VersionStatus
from kyo_pipeline.domain.findings import Ailment
from kyo_pipeline.errors import Conflict, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, reviewing
from kyo_pipeline.services import embedding_sets as sets
from tests.e2e.killing import Barrier, kill, kill_runs, opened, wait_until
from tests.soundness import unsound
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

FILES = 200
BROKEN = b"%PDF-1.7\nthis is not a PDF"
PAGE = "annual leave.txt"
QUESTION = "How many days of paid leave does everyone have?"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = RunningStack(tmp_path_factory.mktemp("crashes") / "home")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def published(stack: RunningStack) -> Document:
    """A page of which the first version answers questions."""
    with opened(stack, DatabaseRole.APP) as kyo:
        document = replace(kyo, 27)
        wait_until(lambda: number(kyo, document) == 1, "the first version never answered")
    return document


def test_killed_in_every_stage_of_a_replacement(stack: RunningStack, published: Document) -> None:
    with opened(stack, DatabaseRole.APP) as kyo, asked_all_the_while(stack) as answers, ExitStack() as barriers:
        here = barriers.enter_context(Barrier(stack, "uploaded"))
        replace(kyo, 30)
        for following in ("parsed", "chunked", "embedded", None):
            wait_until(partial(is_held_up, kyo, published, here), f"not held up: {here.stage}")
            kill_runs(stack)
            assert number(kyo, published) == 1
            passed = here
            if following:
                here = barriers.enter_context(Barrier(stack, following))
            passed.lift()
        wait_until(lambda: number(kyo, published) == 2, "the second version never answered")
        so_far = len(answers)
        wait_until(lambda: len(answers) > so_far + 1, "nothing was asked any more")
    said = [days for days in answers if days is not None]
    assert len(said) == len(answers), "there were moments without an answer"
    assert said == sorted(said), "an old value came after a new one"
    assert set(said) == {"27 days", "30 days"}
    assert_whole(stack, published, versions=2)


def test_a_killed_run_is_taken_over_while_everything_else_goes_on(stack: RunningStack) -> None:
    with opened(stack) as kyo:
        upload(kyo, "run")
        wait_until_under_way(kyo, "run")
        kill_runs(stack)
        wait_until_done(kyo, "run")
        assert_each_file_is_there_once(kyo, "run")
    assert stack.is_ready()


def test_the_database_is_killed_at_the_moment_of_a_swap_and_in_the_middle_of_files(
    stack: RunningStack, published: Document
) -> None:
    with opened(stack, DatabaseRole.APP) as kyo, opened(stack) as looking:
        before = number(kyo, published)
        # Not approved yet: an approval would wait for the same lock.
        version = library.upload(kyo, OPERATOR, PAGE, page(33)).document.latest
        wait_until(lambda: status(kyo, published) == "ready", "the next version was never ready")
        upload(looking, "postgres")
        wait_until_under_way(looking, "postgres")
        with Barrier(stack, "embedded") as barrier:
            approval = threading.Thread(
                target=pytest.raises, args=(Unavailable, reviewing.approve, kyo, OPERATOR, version.id)
            )
            approval.start()
            wait_until(lambda: barrier.is_met("kyo.review_items"), "the approval never came to the swap")
            assert statuses(looking, "postgres").keys() - {"ready", "failed"}, "all was done before the kill"
            kill(stack, "postgres")
            barrier.forget()
            approval.join(30)
    stack.start()
    with opened(stack, DatabaseRole.APP) as kyo:
        assert number(kyo, published) == before, "half a decision was kept"
        reviewing.approve(kyo, OPERATOR, version.id)
        assert told(kyo) == "33 days"
    with opened(stack) as kyo:
        wait_until_done(kyo, "postgres")
        assert_each_file_is_there_once(kyo, "postgres")
    assert_whole(stack, published, versions=version.number)


@pytest.mark.parametrize("victim", ["dagster-daemon", "kyo up"])
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


def test_another_embedding_set_is_built_killed_twice_swapped_in_and_taken_back(
    stack: RunningStack, published: Document
) -> None:
    with opened(stack) as kyo, opened(stack, DatabaseRole.APP) as app, asked_all_the_while(stack) as answers:
        before = progress.serving(kyo)
        made = sets.build(kyo, OPERATOR)
        for _ in range(2):
            with Barrier(stack, "another set") as barrier:
                wait_until(barrier.is_met, "nobody works on the set")
                kill_runs(stack)
        extra = library.upload(kyo, OPERATOR, "meanwhile.txt", b"The quokka is fed meanwhile.").document
        wait_until(lambda: progress.known(kyo)[made.id].verdict is not None, "the set was never judged")
        reviewing.approve(app, OPERATOR, extra.latest.id)
        wait_until(lambda: is_swapped(lambda: sets.activate(kyo, OPERATOR, made.id, "it is a test")), "never swapped")
        assert finds(kyo, "quokka", made.id)
        wait_until(lambda: is_swapped(lambda: sets.roll_back(kyo, OPERATOR)), "never taken back")
        assert finds(kyo, "quokka", before.id)
        assert set(unsound(kyo)) <= {Ailment.FILES.value}
        assert vectors(kyo, made.id) == vectors(kyo, before.id)
        so_far = len(answers)
        wait_until(lambda: len(answers) > so_far + 1, "nothing was asked any more")
    assert set(answers) == {told_days(answers)}, "there were moments without an answer, or with another one"
    assert published.id


def is_swapped(swap: Callable[[], object]) -> bool:
    """False while a version of this very moment is still to be embedded."""
    try:
        swap()
    except Conflict:
        return False
    return True


def finds(kyo: Kyo, word: str, set_id: int) -> bool:
    found = asking.search(kyo, OPERATOR, word)
    return found.embedding_set_id == set_id and any(word in passage.text for passage in found.passages)


def vectors(kyo: Kyo, set_id: int) -> int:
    with kyo.db.transaction(OPERATOR) as tx:
        return int(tx.scalar(text(f"select count(*) from chunk_embeddings_{set_id}")) or 0)  # noqa: S608 — an integer


def told_days(answers: Sequence[str | None]) -> str | None:
    """What was said first: nothing else may be said while the page stays as it is."""
    return answers[0] if answers else None


# 200 files


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
    def begun() -> bool:
        now = statuses(kyo, group)
        assert now["ready"] < FILES - 1, "all was done before anything could be killed"
        return bool(now.keys() & {"parsed", "chunked", "embedded"})

    wait_until(begun, "nothing began")


def wait_until_done(kyo: Kyo, group: str) -> None:
    wait_until(lambda: statuses(kyo, group).keys() <= {"ready", "failed"}, "not done")


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
    assert set(unsound(kyo)) <= {Ailment.FILES.value}


# One page, from one version to the next


def page(days: int) -> bytes:
    return f"Annual leave\n\nEveryone has {days} days of paid leave in a calendar year.\n\nDates are agreed.".encode()


def replace(kyo: Kyo, days: int) -> Document:
    """Upload and approve the next version of the same page."""
    document = library.upload(kyo, OPERATOR, PAGE, page(days)).document
    return reviewing.approve(kyo, OPERATOR, document.latest.id)


def number(kyo: Kyo, document: Document) -> int | None:
    return library.read_document(kyo, OPERATOR, document.id).current_number


def status(kyo: Kyo, document: Document) -> str:
    return library.read_document(kyo, OPERATOR, document.id).latest.status.value


def is_held_up(kyo: Kyo, document: Document, barrier: Barrier) -> bool:
    return status(kyo, document) == barrier.stage and barrier.is_met()


def told(kyo: Kyo) -> str | None:
    """What an answer says now: the number of days, or None where nothing of it is said."""
    answer = asking.ask(kyo, OPERATOR, QUESTION)
    found = [days for days in ("27 days", "30 days", "33 days") if days in answer.text]
    return found[0] if len(found) == 1 else None


@contextmanager
def asked_all_the_while(stack: RunningStack) -> Iterator[list[str | None]]:
    """Asks the question again and again in a thread of its own; the list grows with what was said."""
    answers: list[str | None] = []
    over = threading.Event()

    def ask() -> None:
        with opened(stack, DatabaseRole.APP) as kyo:
            while not over.is_set():
                try:
                    answers.append(told(kyo))
                except Unavailable:
                    answers.append(None)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join(30)


def assert_whole(stack: RunningStack, document: Document, versions: int) -> None:
    """Each version of it is there once and whole, and the doctor finds nothing wrong with anything."""
    with opened(stack) as kyo:
        history = library.list_history(kyo, OPERATOR, document.id)
        assert [one.number for one in history] == list(range(versions, 0, -1))
        assert {one.status for one in history} == {VersionStatus.READY}
    wait_until(stack.is_ready, "something that is needed does not answer any more")
    done = stack.kyo("doctor", "--deep", "--json")
    # The doctor asks Redis once, for a fifth of a second: no answer on a busy machine is no damage.
    assert done.returncode in (0, UNAVAILABLE), done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert [finding for finding in report["findings"] if finding["problems"]] == []
    assert report["findings"]
