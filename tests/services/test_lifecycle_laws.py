"""Whatever people and the pipeline do to documents, in whatever order: what holds after each deed.

A model in a few lines of Python says what a deed does and whether it is refused; the real thing must agree with it.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from kyo_pipeline.db import corpus, index_health
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.errors import Conflict, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    curating,
    doctor,
    indexing,
    library,
    reprocessing,
    reviewing,
    upkeep,
)
from tests.fakes import RollbackDatabase
from tests.soundness import unsound

Sql = Callable[..., list[Any]]
STEPS = (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready)
DEEDS = 40
PLACES = ("General", "Board")

#: How much there still is of documents that were deleted.
LEFT_OF_DELETED = (
    "select count(*) from version_texts join document_versions v on v.id = version_id "
    "join documents d on d.id = v.document_id where d.state = 'deleted'",
    "select count(*) from chunks join document_versions v on v.id = version_id "
    "join documents d on d.id = v.document_id where d.state = 'deleted'",
    "select count(*) from citations join document_versions v on v.id = version_id "
    "join documents d on d.id = v.document_id join answers a on a.id = answer_id "
    "where d.state = 'deleted' and (a.outcome <> 'erased' or a.text <> '')",
)


# The model ----------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class OneVersion:
    id: UUID
    number: int
    content: str
    review: str
    status: str = "uploaded"
    reprocess_of: "OneVersion | None" = None

    @property
    def can_answer(self) -> bool:
        return self.review == "approved" and self.status == "ready"


@dataclass(eq=False)
class OneDocument:
    id: UUID
    place: str
    title: str
    state: str
    versions: list[OneVersion] = field(default_factory=list)
    current: OneVersion | None = None

    @property
    def newest(self) -> OneVersion:
        return max(self.versions, key=lambda version: version.number)

    @property
    def is_alive(self) -> bool:
        return self.state not in ("archived", "deleted")

    def above(self, number: int) -> list[OneVersion]:
        return [version for version in self.versions if version.number > number]

    def is_overtaken(self, version: OneVersion) -> bool:
        return any(newer.review != "draft" for newer in self.above(version.number))

    def publish(self, chosen: list[OneVersion]) -> None:
        """The newest of these that may answer, unless something newer has answered already."""
        able = [version for version in chosen if version.can_answer]
        if not able or not self.is_alive:
            return
        best = max(able, key=lambda version: version.number)
        is_news = best.number > (self.current.number if self.current else 0)
        if is_news and not any(newer.can_answer for newer in self.above(best.number)):
            self.current, self.state = best, "approved"

    def in_review(self) -> None:
        self.state = "approved" if self.state == "approved" else "in_review"


class Laws:
    """The model beside the real thing. Each deed returns whether it was expected to be done."""

    def __init__(self, kyo: Kyo, pipeline: Kyo, people: dict[str, Actor], chance: random.Random) -> None:
        self.kyo, self.pipeline, self.people, self.chance = kyo, pipeline, people, chance
        self.documents: list[OneDocument] = []
        self.journal: list[str] = []

    def deeds(self) -> dict[str, tuple[int, Callable[[], bool]]]:
        """Each with its weight."""
        return {
            "upload": (4, self.upload),
            "replace": (6, self.replace),
            "send": (2, self.send),
            "approve": (9, self.approve),
            "reject": (2, self.reject),
            "roll back": (5, self.roll_back),
            "archive": (2, self.archive),
            "restore": (3, self.restore),
            "delete": (2, self.delete),
            "move": (2, self.move),
            "retitle": (2, self.retitle),
            "reprocess": (3, self.reprocess),
            "process": (6, self.process),
            "half": (2, self.half),
        }

    def do(self) -> tuple[str, bool, bool]:
        """One deed by chance: its name, whether it was done, and whether it should have been."""
        deeds = self.deeds()
        [name] = self.chance.choices(list(deeds), [weight for weight, _ in deeds.values()])
        if not self.documents:
            name = "upload"
        self.journal.append(name)
        before = (*self.journal,)
        try:
            return name, True, deeds[name][1]()
        except Refused as refused:
            assert before[-1] == name
            return name, False, refused.expected

    def attempt(self, expected: bool, deed: Callable[[], Any]) -> Any:
        """Do it; the model goes on only where it was not refused."""
        self.journal[-1] += " (may)" if expected else " (may not)"
        try:
            return deed()
        except (Conflict, NotAllowed, NotFound) as error:
            self.journal[-1] += f": {error.message}"
            raise Refused(expected) from error

    def some_document(self) -> OneDocument:
        found = self.chance.choice(self.documents)
        self.journal[-1] += f" {self.documents.index(found)}"
        return found

    def some_version(self, may: Callable[[OneDocument, OneVersion], bool]) -> tuple[OneDocument, OneVersion]:
        """Mostly one with which the deed is possible, if there is one."""
        everything = [(document, version) for document in self.documents for version in document.versions]
        possible = [pair for pair in everything if may(*pair)]
        document, version = self.chance.choice(possible if possible and self.chance.random() < 0.7 else everything)
        self.journal[-1] += f" {self.documents.index(document)} v{version.number}"
        return document, version

    def content(self) -> bytes:
        if self.chance.random() < 0.15 and self.documents:  # bytes that some document has, or had
            return self.chance.choice(self.documents).newest.content.encode()
        broken = "broken " if self.chance.random() < 0.1 else ""
        return f"{broken}The rule {uuid4().hex[:6]} holds for everybody.\n\nIt is about leave.".encode()

    # Deeds of people

    def upload(self) -> bool:
        place, draft, name = self.chance.choice(PLACES), self.chance.random() < 0.2, f"{uuid4().hex[:8]}.txt"
        content = self.content()
        made = self.attempt(
            True,
            lambda: library.upload(self.kyo, self.people["employee"], name, content, place, draft=draft),
        ).document
        document = OneDocument(made.id, place, made.title, "draft" if draft else "in_review")
        document.versions.append(OneVersion(made.latest.id, 1, content.decode(), "draft" if draft else "pending"))
        self.documents.append(document)
        return True

    def replace(self) -> bool:
        document, draft = self.some_document(), self.chance.random() < 0.2
        content, newest = self.content(), document.newest
        done = self.attempt(
            document.is_alive,
            lambda: library.upload(
                self.kyo, self.people["employee"], "any.txt", content, document_id=document.id, draft=draft
            ),
        )
        is_there = newest.content == content.decode() and newest.review != "rejected"
        assert done.created != is_there
        if done.created:
            version = OneVersion(
                done.document.latest.id, newest.number + 1, content.decode(), "draft" if draft else "pending"
            )
            document.versions.append(version)
            if not draft:
                document.in_review()
        elif newest.review == "draft" and not draft:
            newest.review = "pending"
            document.in_review()
        return document.is_alive

    def send(self) -> bool:
        document, version = self.some_version(self.may_send)
        expected = self.may_send(document, version)
        self.attempt(expected, lambda: library.send_for_review(self.kyo, self.people["employee"], version.id))
        version.review = "pending"
        document.in_review()
        return expected

    def approve(self) -> bool:
        document, version = self.some_version(self.may_decide)
        expected = self.may_decide(document, version) and version.status != "failed"
        self.attempt(expected, lambda: reviewing.approve(self.kyo, self.people["manager"], version.id))
        version.review, document.state = "approved", "approved"
        document.publish([version])
        return expected

    def reject(self) -> bool:
        document, version = self.some_version(self.may_decide)
        expected = self.may_decide(document, version)
        self.attempt(expected, lambda: reviewing.reject(self.kyo, self.people["manager"], version.id, "No."))
        version.review = "rejected"
        if not any(one.review == "approved" and one.status != "failed" for one in document.versions):
            document.state = "rejected"
        return expected

    def may_send(self, document: OneDocument, version: OneVersion) -> bool:
        return document.is_alive and version.review == "draft" and not document.is_overtaken(version)

    def may_go_back(self, document: OneDocument, version: OneVersion) -> bool:
        return document.is_alive and version.can_answer and version is not document.current

    def may_decide(self, document: OneDocument, version: OneVersion) -> bool:
        return document.is_alive and version.review == "pending" and not document.is_overtaken(version)

    def roll_back(self) -> bool:
        document, version = self.some_version(self.may_go_back)
        expected = self.may_go_back(document, version)
        self.attempt(expected, lambda: reviewing.roll_back(self.kyo, self.people["manager"], version.id))
        document.current, document.state = version, "approved"
        return expected

    def archive(self) -> bool:
        document = self.some_document()
        expected = document.is_alive
        self.attempt(expected, lambda: curating.archive(self.kyo, self.people["manager"], document.id))
        document.state = "archived"
        return expected

    def restore(self) -> bool:
        document = self.some_document()
        expected = document.state == "archived"
        self.attempt(expected, lambda: curating.restore(self.kyo, self.people["manager"], document.id))
        approved = any(one.review == "approved" and one.status != "failed" for one in document.versions)
        states = {"draft": "draft", "pending": "in_review", "approved": "in_review", "rejected": "rejected"}
        document.state = "approved" if approved else states[document.newest.review]
        document.publish(document.versions)
        return expected

    def delete(self) -> bool:
        document = self.some_document()
        expected = document.state != "deleted"
        self.attempt(expected, lambda: curating.delete(self.kyo, self.people["admin"], document.id))
        document.state = "deleted"
        return expected

    def move(self) -> bool:
        document = self.some_document()
        [place] = [place for place in PLACES if place != document.place]
        expected = document.state != "deleted"
        self.attempt(expected, lambda: curating.move(self.kyo, self.people["manager"], document.id, place))
        document.place = place
        return expected

    def retitle(self) -> bool:
        document, title = self.some_document(), f"Title {uuid4().hex[:6]}"
        owner = self.people["employee"].id
        self.attempt(
            document.is_alive,
            lambda: curating.change(
                self.kyo, self.people["manager"], document.id, title=title, owner=owner, tags=[], review_by=None
            ),
        )
        document.title = title
        self.requeued(document, even_under_way=True)
        return document.is_alive

    def reprocess(self) -> bool:
        document = self.some_document()
        self.attempt(
            document.is_alive,
            lambda: reprocessing.reprocess(self.kyo, self.people["admin"], document_id=document.id),
        )
        self.requeued(document, even_under_way=False)
        return document.is_alive

    def requeued(self, document: OneDocument, *, even_under_way: bool) -> None:
        """What never answered starts again in place; beside what does, a new reading, below what waits."""
        current, newest = document.current, document.newest
        for version in document.above(current.number if current else 0):
            is_ours = version is newest or (current is not None and version.reprocess_of is current)
            if not is_ours or version.review == "rejected":
                continue
            undecided = version.status == "ready" and version.review in ("draft", "pending")
            if version.status == "failed" or undecided or (version.status == "chunked" and even_under_way):
                version.status = "uploaded"
        if current is None or any(
            version.reprocess_of is current and version.status not in ("ready", "failed")
            for version in document.above(current.number)
        ):
            return
        place = newest.number + 1
        for version in sorted(document.above(current.number), key=lambda one: -one.number):
            if version.review == "rejected" or version.can_answer:
                break
            version.number, place = place, version.number
        known = {version.id for version in document.versions}
        made = library.list_history(self.kyo, self.people["admin"], document.id)
        [new] = [version.id for version in made if version.id not in known]
        document.versions.append(OneVersion(new, place, current.content, current.review, reprocess_of=current))

    # Deeds of the pipeline

    def process(self) -> bool:
        for step in STEPS:
            step(self.pipeline, "run:laws")
        upkeep.refresh_weights(self.pipeline)
        for document in self.documents:
            if document.state == "deleted":
                continue
            waiting = [version for version in document.versions if version.status in ("uploaded", "chunked")]
            for version in waiting:
                version.status = "failed" if version.content.startswith("broken") else "ready"
            document.publish(waiting)
        return True

    def half(self) -> bool:
        """As far as the chunks: then somebody does something in between."""
        for step in STEPS[:2]:
            step(self.pipeline, "run:laws")
        for document in self.documents:
            for version in document.versions:
                if version.status == "uploaded" and document.state != "deleted":
                    version.status = "failed" if version.content.startswith("broken") else "chunked"
        return True

    # What holds

    def hold(self, sql: Sql, db: RollbackDatabase) -> None:
        self.people_find_what_answers()
        self.rows_agree(sql)
        self.statistics_agree(db)
        digests = {
            row.sha256
            for row in sql(
                "select distinct sha256 from document_versions v join documents d "
                "on d.id = v.document_id where d.state <> 'deleted'"
            )
        }
        assert {file.sha256 for file in self.kyo.files.stored()} == digests

    def people_find_what_answers(self) -> None:
        answering = [one for one in self.documents if one.state == "approved" and one.current]
        for name, places in (("reader", ("General",)), ("employee", PLACES)):
            found = asking.search(self.kyo, self.people[name], "The rule about leave", 100).passages
            assert Counter(passage.version_id for passage in found) == Counter(
                one.current.id for one in answering if one.current and one.place in places
            ), name
            listed = library.list_documents(self.kyo, self.people[name], limit=100).documents
            wanted = {one.id: one.state for one in self.documents if one.place in places and one.state != "deleted"}
            if name == "reader":  # who has uploaded nothing, and may approve nothing
                wanted = {one.id: one.state for one in self.documents if one.id in wanted and one.current}
            assert {one.id: one.state.value for one in listed} == wanted

    def rows_agree(self, sql: Sql) -> None:
        rows = sql("select id, state, current_version_id, title from documents")
        assert {row.id: tuple(row)[1:] for row in rows} == {
            one.id: (one.state, one.current.id if one.current else None, one.title) for one in self.documents
        }
        rows = sql("select id, number, review, status from document_versions")
        assert {row.id: tuple(row)[1:] for row in rows} == {
            version.id: (version.number, version.review, "failed" if one.state == "deleted" else version.status)
            for one in self.documents
            for version in one.versions
        }
        for leftovers in LEFT_OF_DELETED:
            assert sql(leftovers) == [(0,)]

    def statistics_agree(self, db: RollbackDatabase) -> None:
        assert unsound(self.pipeline) == {}
        problems = [(one.ailment, one.examples) for one in doctor.check_index(self.pipeline, OPERATOR) if not one.ok]
        assert problems == []
        with db.undone(), self.pipeline.db.transaction(OPERATOR) as tx:
            corpus.lock(tx)
            assert index_health.recount(tx) == 0


class Refused(Exception):
    def __init__(self, expected: bool) -> None:
        super().__init__()
        self.expected = expected


EVENTS = {
    "upload": "document:upload",
    "send": "document:submit",
    "approve": "document:approve",
    "reject": "document:reject",
    "roll back": "document:roll_back",
    "archive": "document:archive",
    "restore": "document:restore",
    "delete": "document:delete",
    "move": "document:move",
    "retitle": "document:change",
}


@pytest.mark.parametrize("seed", range(3))
def test_after_each_deed_the_model_and_the_index_agree(
    with_settings: Callable[..., Kyo],
    pipeline: Kyo,
    db: RollbackDatabase,
    sql: Sql,
    employee: Actor,
    manager: Actor,
    admin: Actor,
    person: Callable[..., Actor],
    collection: Callable[..., str],
    audited: Callable[[], list[str]],
    seed: int,
) -> None:
    kyo = with_settings(KYO_QUERIES_PER_MINUTE=10**6, KYO_UPLOADS_PER_HOUR=10**6)
    collection("Board", None, {employee: "write", manager: "approve"})
    people = {"employee": employee, "manager": manager, "admin": admin, "reader": person(employee.role)}
    laws = Laws(kyo, pipeline, people, random.Random(seed))  # noqa: S311 — no secret
    indexing.serving_set(pipeline)
    for _ in range(DEEDS):
        before = audited()
        try:
            name, done, expected = laws.do()
            assert done == expected
            new = Counter(audited()[len(before) :])
            assert new.get(EVENTS.get(name, ""), 0) == (1 if done and name in EVENTS else 0)
            if done and name != "half":
                laws.hold(sql, db)
        except AssertionError as error:
            error.add_note("\n".join(laws.journal))
            raise


# At the same moment -------------------------------------------------------------------------------------------------

DEADLOCK = "40P01"
SECONDS = 3


class Crowd:
    """Deeds of people who do not know of each other, on a few documents with a few contents."""

    def __init__(self, kyo: Kyo, pipeline: Kyo, other: str) -> None:
        self.kyo, self.pipeline, self.other = kyo, pipeline, other
        self.errors: list[str] = []

    def until(self, end: float, chance: random.Random, *deeds: Callable[[random.Random], object]) -> None:
        while time.monotonic() < end:
            deed = chance.choice(deeds)
            try:
                deed(chance)
            except (Conflict, NotAllowed, NotFound) as refused:  # somebody was quicker
                if code_of(refused) == DEADLOCK:
                    self.errors.append(f"{deed.__name__}: deadlock")
            except Exception as error:  # noqa: BLE001 — whatever it is, it is what is looked for
                self.errors.append(f"{deed.__name__}: {error!r}")

    def document(self, chance: random.Random, state: DocumentState | None = None) -> Any:
        found = library.list_documents(self.kyo, OPERATOR, state=state, limit=50).documents
        if not found:
            raise NotFound("There is none.")
        return chance.choice(found)

    def upload(self, chance: random.Random) -> None:
        content = f"Content {chance.randrange(6)} is about leave.".encode()
        library.upload(self.kyo, OPERATOR, f"{chance.randrange(5)}.txt", content)

    def approve(self, _: random.Random) -> None:
        waiting = reviewing.waiting(self.kyo, OPERATOR).documents
        for document in waiting[:3]:
            reviewing.approve(self.kyo, OPERATOR, document.latest.id)

    def roll_back(self, chance: random.Random) -> None:
        versions = library.list_history(self.kyo, OPERATOR, self.document(chance).id)
        reviewing.roll_back(self.kyo, OPERATOR, chance.choice(versions).id)

    def archive(self, chance: random.Random) -> None:
        curating.archive(self.kyo, OPERATOR, self.document(chance).id)

    def restore(self, chance: random.Random) -> None:
        curating.restore(self.kyo, OPERATOR, self.document(chance, DocumentState.ARCHIVED).id)

    def delete(self, chance: random.Random) -> None:
        curating.delete(self.kyo, OPERATOR, self.document(chance).id)

    def move(self, chance: random.Random) -> None:
        curating.move(self.kyo, OPERATOR, self.document(chance).id, chance.choice(["General", self.other]))

    def retitle(self, chance: random.Random) -> None:
        document, title = self.document(chance), f"Title {chance.randrange(5)}"
        curating.change(self.kyo, OPERATOR, document.id, title=title, owner=document.owner_id, tags=[], review_by=None)

    def reprocess(self, chance: random.Random) -> None:
        reprocessing.reprocess(self.kyo, OPERATOR, document_id=self.document(chance).id)

    def ask(self, chance: random.Random) -> None:
        asking.ask(self.kyo, OPERATOR, f"What is content {chance.randrange(6)} about?")

    def process(self, chance: random.Random) -> None:
        name = f"run:{chance.randrange(10**9)}"
        for step in STEPS:
            step(self.pipeline, name)
        upkeep.refresh_weights(self.pipeline)


def code_of(error: BaseException) -> str | None:
    return getattr(getattr(error.__cause__, "orig", None), "pgcode", None)


def test_a_crowd_leaves_everything_sound(committed: Kyo, own_database: str) -> None:
    """On real connections: no deadlock, no error, no count that is wrong, nothing left of what was deleted."""
    db = Database(own_database, DatabaseRole.PIPELINE)
    crowd = Crowd(committed, replace(committed, db=db), collections.create(committed, OPERATOR, "Other").name)
    indexing.serving_set(crowd.pipeline)
    end = time.monotonic() + SECONDS
    everybody = [
        (crowd.upload,),
        (crowd.upload, crowd.approve),
        (crowd.approve, crowd.roll_back, crowd.move),
        (crowd.archive, crowd.restore, crowd.restore, crowd.roll_back),
        (crowd.retitle, crowd.reprocess, crowd.approve),
        (crowd.delete, crowd.ask, crowd.ask, crowd.ask),
        (crowd.process,),
        (crowd.process,),
    ]
    threads = [
        threading.Thread(target=crowd.until, args=[end, random.Random(number), *deeds])  # noqa: S311 — no secret
        for number, deeds in enumerate(everybody)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crowd.errors == []
    crowd.process(random.Random(0))  # noqa: S311 — no secret
    assert indexing.count_waiting(crowd.pipeline) == 0
    assert unsound(crowd.pipeline) == {}
    assert [one for one in doctor.check_index(crowd.pipeline, OPERATOR) if not one.ok] == []
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        assert index_health.recount(tx) == 0
        wanted = {file.sha256 for file in index_health.files(tx)}
        assert {file.sha256 for file in committed.files.stored()} == wanted
        for leftovers in LEFT_OF_DELETED:
            assert tx.scalar(text(leftovers)) == 0
    owner.close()
    db.close()
