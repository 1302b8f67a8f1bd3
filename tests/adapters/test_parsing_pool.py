"""The pool keeps its limits and never hangs, whatever happens to its children."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from kyo_pipeline.adapters.parsing import clock, process
from kyo_pipeline.adapters.parsing.batch import CRASHED, TOO_SLOW
from kyo_pipeline.adapters.parsing.pool import NOT_DRAWN, ParserPool
from kyo_pipeline.adapters.parsing.worker import NO_FILE, TOO_MUCH_MEMORY
from kyo_pipeline.domain.media_types import DOCX, PDF, TEXT
from kyo_pipeline.domain.parsed import Heading, ParsedDocument
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import PROJECT_ROOT, Settings


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=2, KYO_PARSE_MEMORY_MB=200))
    yield pool
    pool.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A file that nobody writes: opening it waits for ever."""
    path = tmp_path / "never.txt"
    os.mkfifo(path)
    return path


def text_file(folder: Path, name: str, text: str = "Hello.") -> tuple[Path, str]:
    path = folder / f"{name}.txt"
    path.write_text(text)
    return path, TEXT


def children() -> set[int]:
    """Process ids of the pool's children of this process."""
    ids = {int(number) for task in Path("/proc/self/task").iterdir() for number in read(task / "children").split()}
    return {child for child in ids if "parsing.worker" in read(Path(f"/proc/{child}/cmdline"))}


def read(path: Path) -> str:
    """What the kernel says there; nothing when the thread or process has just ended."""
    try:
        return path.read_text()
    except OSError:
        return ""


def wait_for_children(count: int) -> set[int]:
    for _ in range(3000):
        if len(children()) >= count:
            return children()
        time.sleep(0.01)
    raise AssertionError("no child was started")


def kill_when_reading(seconds: float = 0.5) -> threading.Thread:
    def kill() -> None:
        wait_for_children(1)
        time.sleep(seconds)
        for child in children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_document_comes_back_whole(pool: ParserPool, tmp_path: Path) -> None:
    [(index, result, seconds)] = pool.parse_many([text_file(tmp_path, "a", "# Grüße 漢字\n\nText.")])
    assert index == 0
    assert result == ParsedDocument("# Grüße 漢字\n\nText.", headings=(Heading(0, 1, "Grüße 漢字"),))
    assert 0 <= seconds < 1


def test_nothing_starts_before_it_is_needed(pool: ParserPool) -> None:
    before = children()
    assert list(pool.parse_many([])) == []
    assert children() == before


def test_every_file_gets_its_own_result(pool: ParserPool, tmp_path: Path) -> None:
    files = [text_file(tmp_path, str(number), f"Text {number}.") for number in range(300)]
    results = {index: result for index, result, _ in pool.parse_many(files)}
    assert {index: getattr(result, "text", result) for index, result in results.items()} == {
        number: f"Text {number}." for number in range(300)
    }


@pytest.mark.parametrize(
    ("media_type", "words"), [(PDF, "damaged"), (DOCX, "damaged"), ("image/png", "cannot be read here")]
)
def test_refusals_are_sentences(pool: ParserPool, tmp_path: Path, media_type: str, words: str) -> None:
    path, _ = text_file(tmp_path, "a")
    [(_, result, _)] = pool.parse_many([(path, media_type)])
    assert isinstance(result, str)
    assert words in result


@pytest.mark.parametrize("media_type", [PDF, DOCX, TEXT])
def test_a_missing_file(pool: ParserPool, tmp_path: Path, media_type: str) -> None:
    assert [result for _, result, _ in pool.parse_many([(tmp_path / "none", media_type)])] == [NO_FILE]


def test_slow_files_are_stopped_and_the_others_are_not_harmed(tmp_path: Path, fifo: Path) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=1))
    files = [*(text_file(tmp_path, str(number)) for number in range(40)), (fifo, TEXT)]
    files += [text_file(tmp_path, f"after{number}") for number in range(40)]
    results = {index: result for index, result, _ in pool.parse_many(files)}
    assert "longer than 1 seconds" in str(results.pop(40))
    assert len(results) == 80
    assert all(isinstance(result, ParsedDocument) for result in results.values())
    pool.close()


BEFORE_EACH_FILE = """
import sys, time
import kyo_pipeline.adapters.parsing.worker as worker
do = worker._do
def late(*task):
    {what}
    return do(*task)
worker._do = late
worker.main(512, float(sys.argv[2]))
"""


@pytest.mark.parametrize("task", ["parse", "render"])
def test_a_file_that_keeps_the_processor_busy_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    monkeypatch.setattr(process, "_CODE", BEFORE_EACH_FILE.format(what="while True: pass"))
    monkeypatch.setattr(clock, "PATIENCE", 1000)
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=0.5))
    path, media_type = text_file(tmp_path, "a")
    if task == "parse":
        assert [result for _, result, _ in pool.parse_many([(path, media_type)])] == [TOO_SLOW.format(seconds=0.5)]
    else:
        assert pool.render_page(path, 1, "") == NOT_DRAWN
    pool.close()


def test_waiting_for_a_busy_machine_is_not_the_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_CODE", BEFORE_EACH_FILE.format(what="time.sleep(2.5)"))
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=2, KYO_OCR="off"))
    path, media_type = text_file(tmp_path, "a")
    assert isinstance(next(pool.parse_many([(path, media_type)]))[1], ParsedDocument)
    assert pool.render_page(path, 1, "") != NOT_DRAWN  # it is no PDF, but was not stopped
    assert len(pool._idle) == 1
    pool.close()


def test_what_hangs_is_not_tried_again(fifo: Path) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=0.3))
    before = children()
    assert pool.render_page(fifo, 1, "") == NOT_DRAWN
    assert children() == before
    pool.close()


def test_results_come_as_they_are_ready(tmp_path: Path, fifo: Path) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=0.5))
    order = [index for index, _, _ in pool.parse_many([(fifo, TEXT), text_file(tmp_path, "a")])]
    assert order == [1, 0]
    pool.close()


def test_a_slow_consumer_is_not_the_fault_of_the_file(tmp_path: Path) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=0.5))
    files = [text_file(tmp_path, "a"), text_file(tmp_path, "long", "Hello. " * 300_000)]
    for _, result, _ in pool.parse_many(files):
        assert isinstance(result, ParsedDocument)
        time.sleep(2.2)
    pool.close()


def test_memory_is_limited(pool: ParserPool, tmp_path: Path) -> None:
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(1 << 30)
    files = [(huge, TEXT), text_file(tmp_path, "a")]
    results = {index: result for index, result, _ in pool.parse_many(files)}
    assert results[0] == TOO_MUCH_MEMORY
    assert isinstance(results[1], ParsedDocument)


def test_a_child_killed_once_costs_nothing(pool: ParserPool, tmp_path: Path) -> None:
    files = [text_file(tmp_path, str(number), "Hello. " * 4000) for number in range(1500)]
    killer = kill_when_reading(0.2)
    results = {index: result for index, result, _ in pool.parse_many(files)}
    killer.join()
    assert len(results) == 1500
    assert {result for result in results.values() if isinstance(result, str)} == set()


def test_a_file_on_which_the_child_dies_twice_is_refused(fifo: Path) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=20))
    killers = kill_when_reading(0.4)
    generator = pool.parse_many([(fifo, TEXT)])

    def kill_again() -> None:
        killers.join()
        kill_when_reading(0.4).join()

    again = threading.Thread(target=kill_again)
    again.start()
    assert [result for _, result, _ in generator] == [CRASHED]
    again.join()
    pool.close()


def test_an_idle_child_that_was_killed_is_replaced(pool: ParserPool, tmp_path: Path) -> None:
    before = children()
    list(pool.parse_many([text_file(tmp_path, "a")]))
    for child in children() - before:
        os.kill(child, signal.SIGKILL)
    time.sleep(0.1)
    [(_, result, _)] = pool.parse_many([text_file(tmp_path, "a")])
    assert isinstance(result, ParsedDocument)


def test_an_idle_child_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = "import kyo_pipeline.adapters.parsing.worker as worker; worker._IDLE_SECONDS = 1; worker.main(512, 30)"
    monkeypatch.setattr(process, "_CODE", impatient)
    pool = ParserPool(Settings())
    for _ in range(2):
        [(_, result, _)] = pool.parse_many([text_file(tmp_path, "a")])
        assert isinstance(result, ParsedDocument)
        [child] = pool._idle
        assert child.read() is None  # the end of its output
    pool.close()


def test_leaving_early_ends_what_is_being_read(pool: ParserPool, tmp_path: Path, fifo: Path) -> None:
    before = children()
    generator = pool.parse_many([(fifo, TEXT), text_file(tmp_path, "a")])
    next(generator)
    generator.close()
    assert len(children() - before) == 1  # the one that is free
    pool.close()
    assert children() == before


def test_close_ends_a_reading_in_another_thread(fifo: Path) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=20))
    threading.Timer(0.4, pool.close).start()
    with pytest.raises(Unavailable, match="stopped"):
        list(pool.parse_many([(fifo, TEXT)]))


def test_children_that_cannot_start_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    pool = ParserPool(Settings())
    with pytest.raises(Unavailable, match="do not start"):
        list(pool.parse_many([text_file(tmp_path, "a")]))
    pool.close()


def test_children_import_little_and_know_no_secrets(
    pool: ParserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    path = tmp_path / "a.pdf"
    canvas = Canvas(str(path))
    canvas.drawString(50, 700, "Text.")
    canvas.save()
    before = children()
    [(_, result, _)] = pool.parse_many([(path, PDF)])
    assert isinstance(result, ParsedDocument)
    [child] = children() - before
    assert b"do-not-tell" not in Path(f"/proc/{child}/environ").read_bytes()
    mapped = Path(f"/proc/{child}/maps").read_text()
    assert not any(name in mapped for name in ("/numpy/", "/pydantic_core/", "/psycopg2/", "/grpc/"))


def test_the_parent_loads_none_of_the_libraries_that_read_files(tmp_path: Path) -> None:
    """What a hostile file may break is in the children; and the app at rest pays nothing for it."""
    path = tmp_path / "a.pdf"
    canvas = Canvas(str(path))
    canvas.drawString(50, 700, "Text.")
    canvas.save()
    code = f"""
import sys
from pathlib import Path
from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.settings import Settings
pool, path = ParserPool(Settings()), Path({str(path)!r})
[(_, document, _)] = pool.parse_many([(path, {PDF!r})])
assert (document.text, pool.render_page(path, 1, "Text").marked) == ("Text.", 1)
assert pool.unlock(b"%PDF-1.7 /Encrypt 3 0 R", "x").state.name == "REFUSED", pool.recognition
pool.close()
print({{"pypdf", "pypdfium2", "PIL", "docx", "lxml", "tesserocr", "msoffcrypto"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
