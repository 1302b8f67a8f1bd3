"""The pipeline's steps: whatever happens in the middle, each version ends ready or failed exactly once."""

import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from kyo_pipeline.db import corpus, documents
from kyo_pipeline.db.engine import Database, Transaction
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.domain.findings import Ailment
from kyo_pipeline.domain.parsed import Heading, ParsedDocument
from kyo_pipeline.errors import Conflict, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, indexing, library, reviewing, upkeep
from tests.conftest import Clock
from tests.fakes import OtherEmbedder, PlainTextParser, RollbackDatabase
from tests.soundness import unsound

Sql = Callable[..., list[Any]]
STEPS = (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready)
AWAY = Unavailable("The model does not answer.")


@pytest.fixture
def kyo(kyo: Kyo, db: RollbackDatabase) -> Kyo:
    """All of this is the pipeline's work: it has the rights of the pipeline."""
    return replace(kyo, db=db.as_role(DatabaseRole.PIPELINE))


@pytest.fixture
def committed(committed: Kyo, own_database: str) -> Iterator[Kyo]:
    db = Database(own_database, DatabaseRole.PIPELINE)
    yield replace(committed, db=db)
    db.close()


@pytest.fixture
def app(committed: Kyo, own_database: str) -> Iterator[Kyo]:
    """The same committed Kyo as people have it, who decide."""
    db = Database(own_database, DatabaseRole.APP)
    yield replace(committed, db=db)
    db.close()


class Killed(BaseException):
    """The process ends here: nothing catches it."""


class KilledParser(PlainTextParser):
    """Dies after so many files."""

    def __init__(self, after: int) -> None:
        self.after = after

    def parse_many(
        self, files: Sequence[tuple[Path, str]]
    ) -> Generator[tuple[int, ParsedDocument | str, float], None, None]:
        for done in super().parse_many(files):
            if done[0] >= self.after:
                raise Killed
            yield done


class KilledTokenizer:
    def token_spans(self, text: str) -> list[tuple[int, int]]:  # noqa: ARG002 — the port's signature
        raise Killed


class FixedParser(PlainTextParser):
    """Finds the same in every file."""

    def __init__(self, found: ParsedDocument | str) -> None:
        self.found = found

    def parse_many(
        self, files: Sequence[tuple[Path, str]]
    ) -> Generator[tuple[int, ParsedDocument | str, float], None, None]:
        for index, _ in enumerate(files):
            yield index, self.found, 0.001


@pytest.fixture
def upload(kyo: Kyo, employee: Actor) -> Callable[..., list[UUID]]:
    """Uploads one file for each text."""

    def put(*contents: str) -> list[UUID]:
        return [
            library.upload(kyo, employee, f"{number}.txt", content.encode()).document.latest.id
            for number, content in enumerate(contents)
        ]

    return put


@pytest.fixture
def versions(sql: Sql) -> Callable[[], list[Any]]:
    return lambda: sql("select * from document_versions order by file_name")


def run(kyo: Kyo, name: str) -> None:
    for step in STEPS:
        step(kyo, name)


def assert_sound(kyo: Kyo, sql: Sql, ready: int) -> None:
    """All are ready, each chunk is there once, with one vector, with nothing of anybody else."""
    assert sql("select status, count(*) from document_versions group by status") == [("ready", ready)]
    assert sql("select count(*) from document_versions where claimed_by is not null") == [(0,)]
    [(chunks,)] = sql("select count(*) from chunks")
    assert chunks >= ready
    assert sql("select sum(chunk_count) from document_versions") == [(chunks,)]
    table = f"chunk_embeddings_{indexing.serving_set(kyo).id}"
    assert sql(f"select count(*) from {table}") == [(chunks,)]  # noqa: S608 — the name is made from an integer
    assert sql("select count(*) from version_texts") == [(ready,)]
    assert unsound(kyo) == {}


def test_each_step_reports_what_it_made(kyo: Kyo, upload: Callable[..., list[UUID]]) -> None:
    upload("One text.", "broken", "Another text, a little longer.")
    parsed = indexing.parse(kyo, "run:1")
    assert (parsed.done, parsed.items, parsed.failures) == (2, 2, [("1.txt", "This file is damaged.")])
    cut = indexing.cut(kyo, "run:1")
    assert (cut.done, cut.items) == (2, 2)
    assert cut.tokens > 0
    embedded = indexing.embed(kyo, "run:1")
    assert (embedded.done, embedded.items) == (2, 2)
    published = indexing.publish_ready(kyo, "run:1")
    assert (published.done, published.items) == (2, 0)
    assert all(report.seconds > 0 for report in (parsed, cut, embedded, published))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ("This file is protected.", "This file is protected."),
        (ParsedDocument(""), "No text was found in this file."),
        (ParsedDocument(" \n\t\u00a0 "), "No text was found in this file."),
        (ParsedDocument("\u200b\ufeff\u2060"), "No text was found in this file."),
    ],
)
def test_a_file_without_text_fails_with_a_sentence(
    kyo: Kyo,
    upload: Callable[..., list[UUID]],
    versions: Callable[[], list[Any]],
    found: ParsedDocument | str,
    reason: str,
) -> None:
    upload("text")
    report = indexing.parse(replace(kyo, parser=FixedParser(found)), "run:1")
    [version] = versions()
    assert (version.status, version.error, version.claimed_by) == ("failed", reason, None)
    assert report.failures == [("0.txt", reason)]


def test_a_bad_file_does_not_take_its_batch_with_it(
    kyo: Kyo, upload: Callable[..., list[UUID]], versions: Callable[[], list[Any]]
) -> None:
    upload("good", "broken", "better", "  ")
    run(kyo, "run:1")
    assert [version.status for version in versions()] == ["ready", "failed", "ready", "failed"]


def test_bytes_that_have_gone_are_a_failure_of_that_file_alone(
    kyo: Kyo, upload: Callable[..., list[UUID]], versions: Callable[[], list[Any]]
) -> None:
    upload("good", "gone")
    kyo.files.path(versions()[1].sha256).unlink()
    run(kyo, "run:1")
    assert [version.status for version in versions()] == ["ready", "failed"]
    assert "not in the file store" in versions()[1].error


@pytest.mark.parametrize(
    "document",
    [
        ParsedDocument("Quotes \"a\", 'b', commas, and\n\\.\na lone backslash-dot \\N \t end."),
        ParsedDocument("A carriage return \r alone, and \r\n two."),
        ParsedDocument("Heading\nText.", headings=(Heading(0, 1, 'A "quoted" {brace}, \\ and null NULL'),)),
        ParsedDocument("Pages one.\nPages two.", page_starts=(0, 11)),
        ParsedDocument("休暇は三十日です。" * 50),
        ParsedDocument("x" * 30_000),
        ParsedDocument("the and of"),
        ParsedDocument(":name %s %(x)s {0}"),
    ],
    ids=["csv", "carriage return", "heading", "pages", "japanese", "one long word", "stop words", "placeholders"],
)
def test_any_text_is_stored_as_it_is(
    kyo: Kyo, upload: Callable[..., list[UUID]], sql: Sql, document: ParsedDocument
) -> None:
    upload("text")
    run(replace(kyo, parser=FixedParser(document)), "run:1")
    assert_sound(kyo, sql, 1)
    assert sql("select text from version_texts") == [(document.text,)]
    for chunk in sql("select * from chunks"):
        assert document.text[chunk.start_offset : chunk.end_offset] == chunk.text
        assert chunk.heading_path == [heading.text for heading in document.headings]


@pytest.mark.parametrize("step", range(4), ids=["parse", "cut", "embed", "publish"])
def test_a_step_that_is_run_twice_is_run_once(kyo: Kyo, upload: Callable[..., list[UUID]], sql: Sql, step: int) -> None:
    upload("One text.", "Another text.")
    for number, work in enumerate(STEPS):
        work(kyo, "run:1")
        if number == step:
            assert work(kyo, "run:1").done == 0
    assert_sound(kyo, sql, 2)


@pytest.mark.parametrize(
    "killed",
    ["parse", "parse after a commit", "cut", "embed", "embed after a commit", "publish"],
)
def test_a_run_that_is_killed_is_finished_by_another(
    kyo: Kyo,
    upload: Callable[..., list[UUID]],
    sql: Sql,
    monkeypatch: pytest.MonkeyPatch,
    killed: str,
) -> None:
    monkeypatch.setattr(indexing, "VERSIONS_A_TRANSACTION", 2)
    monkeypatch.setattr(indexing, "CHUNKS_A_TRANSACTION", 2)
    monkeypatch.setattr(indexing, "CHARACTERS_A_TRANSACTION", 20)
    upload(*(f"Text number {number}." for number in range(5)))
    dying = OtherEmbedder(kyo.embedder, kyo.embedder.spec, broken=Killed())  # type: ignore[arg-type]  # no Exception
    dying.calls_left = 1 if killed.endswith("commit") else 0
    deadly = {
        "parse": replace(kyo, parser=KilledParser(1)),
        "parse after a commit": replace(kyo, parser=KilledParser(3)),
        "cut": replace(kyo, embedder=OtherEmbedder(kyo.embedder, kyo.embedder.spec, tokenizer=KilledTokenizer())),
        "embed": replace(kyo, embedder=dying),
        "embed after a commit": replace(kyo, embedder=dying),
        "publish": replace(kyo, now=kyo.now),
    }[killed]
    if killed == "publish":
        sql(
            "create function die() returns trigger language plpgsql as "
            "$$ begin if new.file_name = '3.txt' and new.status = 'ready' then raise 'killed'; end if; "
            "return new; end $$"
        )
        sql("create trigger die before update on document_versions for each row execute function die()")
    with suppress(Killed, Exception):
        run(deadly, "run:killed")
    if killed == "publish":
        sql("drop trigger die on document_versions")
    assert sql("select count(*) from document_versions where claimed_by = 'run:killed'")[0][0] > 0

    run(kyo, "run:early")  # it finds nothing: the claims of the dead run still hold
    assert sql("select count(*) from document_versions where claimed_by = 'run:killed'")[0][0] > 0
    assert indexing.release_dead(kyo, [indexing.claim_name("other")]) > 0
    run(kyo, "run:next")
    assert_sound(kyo, sql, 5)


class OvertakenDatabase:
    """Lets something happen before the transaction with this number."""

    def __init__(self, db: Database, number: int, overtake: Callable[[], None]) -> None:
        self._db, self._left, self._overtake = db, number, overtake

    def transaction(self, actor: Actor) -> AbstractContextManager[Transaction]:
        self._left -= 1
        if self._left == 0:
            self._overtake()
        return self._db.transaction(actor)


@pytest.mark.parametrize(
    ("step", "transaction"),
    [(0, 2), (1, 2), (2, 3), (2, 4), (2, 5), (3, 2)],
    ids=["parse", "cut", "embed, before counting", "embed, before reading", "embed, while the model works", "publish"],
)
def test_a_run_that_comes_back_after_it_has_lost_its_claims_changes_nothing(
    kyo: Kyo,
    db: RollbackDatabase,
    upload: Callable[..., list[UUID]],
    manager: Actor,
    clock: Clock,
    sql: Sql,
    step: int,
    transaction: int,
) -> None:
    """The slow run stands still in the middle of a step; another run takes over, finishes and publishes."""
    [version] = upload("Thirty days of leave.")
    for work in STEPS[:step]:
        work(kyo, "run:slow")

    def overtake() -> None:
        clock.advance(hours=1)
        run(kyo, "run:fast")
        reviewing.approve(app, manager, version)

    app = replace(kyo, db=db.as_role(DatabaseRole.APP))
    slow = OvertakenDatabase(kyo.db, transaction, overtake)
    report = STEPS[step](replace(kyo, db=slow), "run:slow")  # type: ignore[arg-type]  # all that a step needs of one

    assert (report.done, report.items, report.failures) == (0, 0, [])
    assert_sound(kyo, sql, 1)
    assert [passage.text for passage in asking.search(app, manager, "leave").passages] == ["Thirty days of leave."]


def test_a_model_that_does_not_answer_puts_files_back_for_a_minute(
    kyo: Kyo, upload: Callable[..., list[UUID]], versions: Callable[[], list[Any]], clock: Clock, sql: Sql
) -> None:
    upload("One text.", "Another text.")
    away = replace(kyo, embedder=OtherEmbedder(kyo.embedder, kyo.embedder.spec, broken=AWAY))
    for _ in range(2 * indexing.MAX_ATTEMPTS):
        clock.advance(minutes=1)
        with pytest.raises(Unavailable):
            run(away, "run:1")
        assert [(version.status, version.claimed_by) for version in versions()] == [("chunked", None)] * 2
        assert indexing.count_waiting(kyo) == 0
        assert indexing.embed(kyo, "run:2").done == 0
    clock.advance(minutes=1)
    assert indexing.count_waiting(kyo) == 2
    run(kyo, "run:3")
    assert_sound(kyo, sql, 2)


def test_what_was_embedded_before_the_model_went_away_need_not_wait(
    kyo: Kyo,
    upload: Callable[..., list[UUID]],
    versions: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(indexing, "CHUNKS_A_TRANSACTION", 1)
    upload("One text.", "Another text.")
    leaving = OtherEmbedder(kyo.embedder, kyo.embedder.spec, broken=AWAY)
    leaving.calls_left = 1
    with pytest.raises(Unavailable):
        run(replace(kyo, embedder=leaving), "run:1")
    assert sorted(version.status for version in versions()) == ["chunked", "embedded"]
    assert indexing.publish_ready(kyo, "run:2").done == 1


def test_a_file_on_which_runs_keep_dying_fails_in_the_end(
    kyo: Kyo, upload: Callable[..., list[UUID]], versions: Callable[[], list[Any]]
) -> None:
    upload("deadly")
    for number in range(indexing.MAX_ATTEMPTS):
        with suppress(Killed):
            indexing.parse(replace(kyo, parser=KilledParser(0)), f"run:{number}")
        indexing.release_dead(kyo, [])
    report = indexing.parse(kyo, "run:last")
    [version] = versions()
    assert version.status == "failed"
    assert "was interrupted 5 times" in version.error
    assert report.failures == [("0.txt", version.error)]
    assert indexing.count_waiting(kyo) == 0


def test_attempts_are_counted_for_each_step(
    kyo: Kyo, upload: Callable[..., list[UUID]], versions: Callable[[], list[Any]]
) -> None:
    """A file that was unlucky while it was read has all of its chances again while it is embedded."""
    upload("text")
    for number in range(indexing.MAX_ATTEMPTS - 1):
        with suppress(Killed):
            indexing.parse(replace(kyo, parser=KilledParser(0)), f"run:{number}")
        indexing.release_dead(kyo, [])
    indexing.parse(kyo, "run:good")
    assert [(version.status, version.attempts) for version in versions()] == [("parsed", 0)]


def test_a_batch_is_no_larger_than_the_setting(
    with_settings: Callable[..., Kyo], upload: Callable[..., list[UUID]]
) -> None:
    upload("a", "b", "c")
    kyo = with_settings(KYO_BATCH_SIZE=2)
    assert indexing.parse(kyo, "run:1").done == 2
    assert indexing.count_waiting(kyo) == 1
    assert indexing.parse(kyo, "run:2").done == 1


class PoisonedParser(PlainTextParser):
    """Dies of a file that begins with `poison`, and all that it had begun with it."""

    def parse_many(
        self, files: Sequence[tuple[Path, str]]
    ) -> Generator[tuple[int, ParsedDocument | str, float], None, None]:
        if any(path.read_text().startswith("poison") for path, _ in files):
            raise Killed
        yield from super().parse_many(files)


def test_a_file_that_kills_every_run_takes_no_other_with_it(
    with_settings: Callable[..., Kyo], upload: Callable[..., list[UUID]], sql: Sql
) -> None:
    upload("poison", *(f"text {number}" for number in range(20)))
    kyo = replace(with_settings(KYO_BATCH_SIZE=64), parser=PoisonedParser())
    for number in range(40):
        with suppress(Killed):
            run(kyo, f"run:{number}")
        indexing.release_dead(kyo, [])
    assert sql("select status, count(*) from document_versions group by status order by status") == [
        ("failed", 1),
        ("ready", 20),
    ]


def test_chunks_are_no_longer_than_the_model_reads(
    kyo: Kyo, upload: Callable[..., list[UUID]], sql: Sql, with_settings: Callable[..., Kyo]
) -> None:
    """Also where the overlap that was set is more than the model leaves of a chunk."""
    upload("Leave is paid and has thirty days. " * 60)
    small = OtherEmbedder(kyo.embedder, replace(kyo.embedder.spec, max_tokens=100))
    run(replace(with_settings(CHUNK_SIZE=500, CHUNK_OVERLAP=300), embedder=small), "run:1")
    [(longest, count)] = sql("select max(tokens), count(*) from chunks")
    assert longest <= 52
    assert count > 5


def test_nothing_to_do_is_done_quickly_and_asks_no_model(kyo: Kyo) -> None:
    broken = replace(kyo, embedder=OtherEmbedder(kyo.embedder, broken=AWAY))
    for step in STEPS:
        report = step(broken, "run:1")
        assert (report.done, report.items, report.failures) == (0, 0, [])
    assert upkeep.refresh_weights(kyo) == 0


def test_many_small_groups_come_to_the_same_as_one(
    kyo: Kyo, upload: Callable[..., list[UUID]], sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "VERSIONS_A_TRANSACTION", 1)
    monkeypatch.setattr(indexing, "CHUNKS_A_TRANSACTION", 1)
    monkeypatch.setattr(indexing, "CHARACTERS_A_TRANSACTION", 1)
    upload(*(f"Text number {number}." for number in range(3)))
    run(kyo, "run:1")
    assert_sound(kyo, sql, 3)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("update document_versions set status = 'chunked'", Ailment.NOT_READY),
        ("update document_versions set review = 'pending'", Ailment.NOT_READY),
        ("delete from {vectors}", Ailment.VECTORS),
        ("update chunks set bm25 = null", Ailment.WEIGHTS),
        ("update document_versions set chunk_count = null", Ailment.CHUNKS),
        ("update cuttings set chunk_count = chunk_count + 1", Ailment.STATISTICS),
    ],
)
def test_what_should_never_be_is_counted(
    kyo: Kyo, publish: Callable[[str, str], None], sql: Sql, statement: str, fault: Ailment
) -> None:
    publish("a.txt", "Some text.")
    assert unsound(kyo) == {}
    sql(statement.format(vectors=f"chunk_embeddings_{indexing.serving_set(kyo).id}"))
    assert {name: finding.problems for name, finding in unsound(kyo).items()} == {fault.value: 1}


def test_what_has_waited_for_long_is_counted(kyo: Kyo, upload: Callable[..., list[UUID]], clock: Clock) -> None:
    upload("text")
    assert upkeep.count_stuck(kyo) == 0
    clock.advance(hours=2)
    assert upkeep.count_stuck(kyo) == 1


class ForgetfulTokenizer:
    """The tokenizer of a remote model that is away."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:  # noqa: ARG002 - the port's signature
        raise Unavailable("The model does not answer.")


def test_an_outage_while_texts_are_cut_is_no_fault_of_the_files(
    kyo: Kyo, upload: Callable[..., list[UUID]], versions: Callable[[], list[Any]], clock: Clock
) -> None:
    upload("text")
    indexing.parse(kyo, "run:0")
    away = replace(kyo, embedder=OtherEmbedder(kyo.embedder, kyo.embedder.spec, tokenizer=ForgetfulTokenizer()))
    for number in range(indexing.MAX_ATTEMPTS + 2):
        with pytest.raises(Unavailable):
            indexing.cut(away, f"run:{number}")
        clock.advance(minutes=2)
    run(kyo, "run:good")
    assert [version.status for version in versions()] == ["ready"]


class WordyTokenizer:
    """Takes a text of any length for one token: chunks grow beyond what the database can hold."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


def test_a_text_that_cannot_be_indexed_fails_alone(kyo: Kyo, upload: Callable[..., list[UUID]], sql: Sql) -> None:
    upload("calm", " ".join(f"word{number}" for number in range(20_000)), "quiet")
    wordy = replace(kyo, embedder=OtherEmbedder(kyo.embedder, kyo.embedder.spec, tokenizer=WordyTokenizer()))
    run(wordy, "run:1")
    assert sql("select status, count(*) from document_versions group by status order by status") == [
        ("failed", 1),
        ("ready", 2),
    ]
    [(error,)] = sql("select error from document_versions where status = 'failed'")
    assert "too long" in error


def test_people_and_pipelines_at_the_same_time_never_get_in_each_others_way(committed: Kyo, app: Kyo) -> None:
    """Uploads, decisions and two pipelines on real connections: a deadlock would be an error of one of them."""
    ends, errors, number = time.monotonic() + 5, [], itertools.count()

    def until_the_end(work: Callable[[], None]) -> None:
        while time.monotonic() < ends:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
                errors.append(repr(error))

    def upload_one() -> None:
        name = f"{next(number) % 20}.txt"
        library.upload(app, OPERATOR, name, f"Text {uuid4()} of {name}".encode())

    def decide() -> None:
        for document in reviewing.waiting(app, OPERATOR).documents:
            with suppress(Conflict, NotFound):  # a newer version came, or somebody else was quicker
                reviewing.approve(app, OPERATOR, document.latest.id)

    def process() -> None:
        run(committed, f"run:{uuid4()}")

    threads = [
        threading.Thread(target=until_the_end, args=[work])
        for work in (upload_one, upload_one, decide, decide, process, process)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    process()
    upkeep.refresh_weights(committed)
    assert unsound(committed) == {}


def test_a_decision_and_the_pipeline_never_wait_for_each_other(committed: Kyo, app: Kyo) -> None:
    """Both lock documents before the corpus: with real connections, a deadlock would fail one of them."""
    version = library.upload(app, OPERATOR, "a.txt", b"Some text.").document
    reviewing.approve(app, OPERATOR, version.latest.id)
    for step in STEPS[:3]:
        step(committed, "run:1")
    failed: list[BaseException] = []

    def publish() -> None:
        try:
            indexing.publish_ready(committed, "run:1")
        except Exception as error:  # noqa: BLE001 — the main thread looks at it
            failed.append(error)

    with committed.db.transaction(OPERATOR) as tx:
        documents.lock(tx, version.id)
        pipeline = threading.Thread(target=publish)
        pipeline.start()
        pipeline.join(0.5)
        corpus.lock(tx)
    pipeline.join(10)
    assert failed == []
    assert library.read_document(committed, OPERATOR, version.id).searchable


def test_two_runs_at_once_make_each_version_ready_once(committed: Kyo) -> None:
    for number in range(12):
        library.upload(committed, OPERATOR, f"{number}.txt", f"Text number {number} about leave.".encode())
    small = replace(committed, settings=committed.settings.model_copy(update={"KYO_BATCH_SIZE": 4}))
    indexing.serving_set(small)
    runs = [threading.Thread(target=lambda name=f"run:{n}": [run(small, name) for _ in range(3)]) for n in range(2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join(30)
    with committed.db.transaction(OPERATOR) as tx:
        page = documents.find(tx, OPERATOR, documents.Filter(limit=50), committed.now())
    assert [one.latest.status for one in page.documents] == [VersionStatus.READY] * 12
    assert {one.latest.chunks for one in page.documents} == {1}
    assert unsound(committed) == {}
