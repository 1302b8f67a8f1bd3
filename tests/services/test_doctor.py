from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.findings import Ailment, Finding
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, doctor, indexing, library, reviewing

Sql = Callable[..., list[Any]]

#: What can be wrong with a document that answers questions, and the one check that must see it.
FAULTS = {
    Ailment.NOT_READY: "update document_versions set status = 'embedded'",
    Ailment.CHUNKS: "update document_versions set chunk_count = chunk_count + 1",
    Ailment.VECTORS: "delete from {vectors}",
    Ailment.WEIGHTS: "update chunks set bm25 = null",
    Ailment.STRAY_VECTORS: "alter table {vectors} drop constraint {vectors}_chunk_id_fkey;"
    " insert into {vectors} select -1, embedding from {vectors}",
    Ailment.STATISTICS: "update cuttings set lexeme_count = lexeme_count + 3",
}


@pytest.fixture
def published(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    publish("leave.txt", "Everybody has thirty days of leave.")
    [document] = library.list_documents(kyo, employee).documents
    return document


@pytest.fixture
def break_it(pipeline: Kyo, sql: Sql) -> Callable[[str], None]:
    def run(statement: str) -> None:
        sql(statement.format(vectors=f"chunk_embeddings_{indexing.serving_set(pipeline).id}"))

    return run


def checked(kyo: Kyo, *, deep: bool = False) -> tuple[Finding, ...]:
    return (*doctor.check_index(kyo, OPERATOR), *doctor.check_store(kyo, OPERATOR, deep=deep))


def wrong(kyo: Kyo, *, deep: bool = False) -> dict[Ailment, Finding]:
    return {finding.ailment: finding for finding in checked(kyo, deep=deep) if not finding.ok}


@pytest.mark.usefixtures("published")
def test_all_is_looked_at_and_well(pipeline: Kyo, audited: Callable[[], list[str]]) -> None:
    before = audited()
    assert wrong(pipeline, deep=True) == {}
    assert {finding.ailment for finding in checked(pipeline, deep=True)} == set(Ailment)
    looked_at = {finding.ailment: finding.looked_at for finding in checked(pipeline)}
    assert looked_at[Ailment.FILES] == looked_at[Ailment.CHUNKS] == looked_at[Ailment.NOT_READY] == 1
    assert looked_at[Ailment.VECTORS] == looked_at[Ailment.WEIGHTS] == 1
    assert doctor.repair(pipeline, OPERATOR, deep=True) == ()
    assert audited() == before


def test_on_an_empty_database(pipeline: Kyo) -> None:
    assert wrong(pipeline, deep=True) == {}


@pytest.mark.parametrize("ailment", FAULTS)
def test_each_fault_is_found_named_and_repaired_so_that_the_document_answers_again(
    kyo: Kyo,
    pipeline: Kyo,
    published: Document,
    break_it: Callable[[str], None],
    run_pipeline: Callable[[], None],
    audited: Callable[[], list[str]],
    ailment: Ailment,
) -> None:
    break_it(FAULTS[ailment])
    found = wrong(pipeline)
    assert set(found) == {ailment}
    assert found[ailment].repairable == found[ailment].problems > 0
    assert bool(found[ailment].examples) is (ailment not in (Ailment.STATISTICS, Ailment.STRAY_VECTORS))
    if found[ailment].examples:
        assert "“leave” version 1 (leave.txt)" in found[ailment].examples[0]
        assert str(published.id) in found[ailment].examples[0]
    assert audited()[-1:] != ["corpus:repair"]

    assert doctor.repair(pipeline, OPERATOR)
    run_pipeline()
    doctor.repair(pipeline, OPERATOR)
    run_pipeline()

    assert wrong(pipeline) == {}
    assert {"corpus:repair", "document:reprocess"} & set(audited())
    [passage] = asking.search(kyo, OPERATOR, "leave").passages
    assert "thirty days" in passage.text


def test_chunks_that_are_gone_come_back(
    kyo: Kyo, pipeline: Kyo, published: Document, sql: Sql, run_pipeline: Callable[[], None]
) -> None:
    sql("delete from chunks")
    assert set(wrong(pipeline)) == {Ailment.CHUNKS, Ailment.STATISTICS}
    for _ in range(2):
        doctor.repair(pipeline, OPERATOR)
        run_pipeline()
    assert wrong(pipeline) == {}
    assert sql("select number, chunk_count from document_versions order by number") == [(1, 1), (2, 1)]
    assert len(asking.search(kyo, OPERATOR, "leave").passages) == 1
    assert published.latest.number == 1


def test_an_old_version_is_cut_again_from_its_text_where_it_is(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    published: Document,
    run_pipeline: Callable[[], None],
    sql: Sql,
) -> None:
    newer = library.upload(kyo, employee, "leave.txt", b"Everybody has forty days of leave.").document.latest
    reviewing.approve(kyo, manager, newer.id)
    run_pipeline()
    sql("delete from chunks where version_id = :id", id=published.latest.id)
    kyo.files.remove(published.latest.sha256)
    found = wrong(pipeline)
    assert set(found) == {Ailment.CHUNKS, Ailment.FILES}
    assert found[Ailment.FILES].repairable == 0
    [done] = doctor.repair(pipeline, OPERATOR)
    assert done.done == 1
    run_pipeline()
    assert set(wrong(pipeline)) == {Ailment.FILES}
    assert [passage.version_number for passage in asking.search(kyo, employee, "leave").passages] == [2]


def test_what_was_rolled_back_from_does_not_come_in_by_being_repaired(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    published: Document,
    run_pipeline: Callable[[], None],
    sql: Sql,
) -> None:
    newer = library.upload(kyo, employee, "leave.txt", b"Everybody has forty days of leave.").document.latest
    reviewing.approve(kyo, manager, newer.id)
    run_pipeline()
    reviewing.roll_back(kyo, manager, published.latest.id)
    sql("delete from chunks where version_id = :id", id=newer.id)
    assert set(wrong(pipeline)) == {Ailment.CHUNKS}
    doctor.repair(pipeline, OPERATOR)
    run_pipeline()
    assert not wrong(pipeline)
    [passage] = asking.search(kyo, employee, "leave").passages
    assert "thirty" in passage.text


def test_a_damaged_document_without_its_bytes_is_not_made_worse(
    pipeline: Kyo, published: Document, break_it: Callable[[str], None], sql: Sql
) -> None:
    break_it("delete from {vectors}")
    pipeline.files.remove(published.latest.sha256)
    found = wrong(pipeline)
    assert (found[Ailment.VECTORS].problems, found[Ailment.VECTORS].repairable) == (1, 0)
    assert "Upload the same files once more" in found[Ailment.FILES].message
    assert doctor.repair(pipeline, OPERATOR) == ()
    assert sql("select status from document_versions") == [("ready",)]


def test_what_answers_without_approval_is_for_people_to_decide(pipeline: Kyo, published: Document, sql: Sql) -> None:
    sql("update document_versions set review = 'pending' where id = :id", id=published.latest.id)
    found = wrong(pipeline)[Ailment.NOT_READY]
    assert (found.problems, found.repairable) == (1, 0)
    assert doctor.repair(pipeline, OPERATOR) == ()


def test_the_same_file_uploaded_once_more_is_the_cure(
    kyo: Kyo, pipeline: Kyo, employee: Actor, published: Document
) -> None:
    pipeline.files.remove(published.latest.sha256)
    assert set(wrong(pipeline)) == {Ailment.FILES}
    upload = library.upload(kyo, employee, "leave.txt", b"Everybody has thirty days of leave.")
    assert (upload.created, wrong(pipeline)) == (False, {})


def test_damage_is_found_by_reading_and_put_aside(
    kyo: Kyo, pipeline: Kyo, employee: Actor, published: Document, audited: Callable[[], list[str]]
) -> None:
    pipeline.files.path(published.latest.sha256).write_bytes(b"Everybody has ninety days of leave.")
    assert wrong(pipeline) == {}
    assert set(wrong(pipeline, deep=True)) == {Ailment.DAMAGE}
    doctor.repair(pipeline, OPERATOR, deep=True)
    assert audited()[-1] == "file:set_aside"
    assert set(wrong(pipeline, deep=True)) == {Ailment.FILES}
    library.upload(kyo, employee, "leave.txt", b"Everybody has thirty days of leave.")
    assert wrong(pipeline, deep=True) == {}


@pytest.fixture
def later(pipeline: Kyo, clock: Any) -> Kyo:
    clock.advance(hours=2)
    return pipeline


def test_only_old_bytes_that_no_document_has_are_removed(
    later: Kyo, published: Document, audited: Callable[[], list[str]]
) -> None:
    orphan = later.files.put(b"nobody's")
    [finding] = wrong(later).values()
    assert (finding.ailment, finding.problems, finding.examples) == (Ailment.ORPHANS, 1, (orphan,))
    [done] = doctor.repair(later, OPERATOR)
    assert (done.ailment, done.done) == (Ailment.ORPHANS, 1)
    assert audited()[-1] == "file:remove"
    assert [file.sha256 for file in later.files.stored()] == [published.latest.sha256]


def test_bytes_that_an_upload_may_just_have_stored_stay(pipeline: Kyo) -> None:
    pipeline.files.put(b"coming")
    assert wrong(pipeline) == {}
    assert doctor.repair(pipeline, OPERATOR) == ()
    assert len(list(pipeline.files.stored())) == 1


def test_an_orphan_that_got_a_document_meanwhile_stays(kyo: Kyo, later: Kyo, employee: Actor) -> None:
    class Late(FolderFiles):
        """The upload comes after the look around, before the lock."""

        def stored(self) -> Any:
            found = list(super().stored())
            library.upload(kyo, employee, "a.txt", b"nobody's")
            return iter(found)

    later.files.put(b"nobody's")
    root = Path(str(later.files.path(next(later.files.stored()).sha256))).parents[2]
    assert doctor.repair(replace(later, files=Late(root)), OPERATOR) == ()
    assert len(list(later.files.stored())) == 1


def test_what_a_cut_off_write_left_behind_is_removed(later: Kyo, audited: Callable[[], list[str]]) -> None:
    sha256 = later.files.put(b"whole")
    leftover = later.files.path(sha256).with_name(".begun")
    leftover.write_bytes(b"who")
    assert Ailment.LEFTOVERS in wrong(later)
    doctor.repair(later, OPERATOR)
    assert not leftover.exists()
    assert "file:remove" in audited()
