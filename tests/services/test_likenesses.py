"""Near-duplicates: found among what the actor may see, and of nothing else is there a row."""

from collections.abc import Callable
from typing import Any

import pytest

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library, likenesses, reviewing
from tests.domain.test_rechunking import prose

Sql = Callable[..., list[Any]]
PAGE = "\n\n".join(prose(12, 3))
EDITED = PAGE.replace(" ", " newly ", 1)
OTHER = "\n\n".join(prose(12, 4))


@pytest.fixture
def put(kyo: Kyo, run_pipeline: Callable[[], None]) -> Callable[..., Document]:
    """Uploads a file, processes it, and has it approved."""

    def upload(
        name: str, text: str, actor: Actor = OPERATOR, collection: str = "General", *, approved: bool = True
    ) -> Document:
        document = library.upload(kyo, actor, name, text.encode(), collection).document
        run_pipeline()
        if approved:
            reviewing.approve(kyo, OPERATOR, document.latest.id)
        return library.read_document(kyo, actor, document.id)

    return upload


def test_what_is_much_alike_is_found_and_the_rest_is_not(kyo: Kyo, put: Callable[..., Document]) -> None:
    page, edited = put("page.txt", PAGE), put("edited.txt", EDITED)
    put("other.txt", OTHER)
    half = put("half.txt", f"{PAGE[: len(PAGE) * 3 // 4]} {OTHER[: len(OTHER) // 5]}")
    found = likenesses.similar(kyo, OPERATOR, page.latest.id)
    assert [one.document_id for one in found] == [edited.id, half.id]
    assert found[0].likeness > 0.9 > found[1].likeness >= 0.5
    assert (found[0].title, found[0].collection, found[0].version_number) == (edited.title, "General", 1)
    assert [one.document_id for one in likenesses.similar(kyo, OPERATOR, page.latest.id, limit=1)] == [edited.id]


def test_versions_of_one_document_are_not_pointed_out(kyo: Kyo, put: Callable[..., Document]) -> None:
    put("page.txt", PAGE)
    document = put("page.txt", EDITED)
    assert document.latest.number == 2
    assert likenesses.similar(kyo, OPERATOR, document.latest.id) == ()


def test_short_texts_and_texts_that_are_not_read_yet_have_none(kyo: Kyo, put: Callable[..., Document]) -> None:
    short = put("one.txt", "Thirty days of leave.")
    put("two.txt", "Thirty days of leave!")
    assert likenesses.similar(kyo, OPERATOR, short.latest.id) == ()
    put("page.txt", PAGE)
    waiting = library.upload(kyo, OPERATOR, "edited.txt", EDITED.encode()).document
    assert likenesses.similar(kyo, OPERATOR, waiting.latest.id) == ()


def test_the_current_or_the_newest_version_counts(kyo: Kyo, put: Callable[..., Document]) -> None:
    page = put("page.txt", PAGE)
    copy = put("copy.txt", EDITED)
    put("copy.txt", OTHER)  # replaces it: what was is no duplicate any more
    assert likenesses.similar(kyo, OPERATOR, page.latest.id) == ()
    put("copy.txt", f"{EDITED} again", approved=False)
    [found] = likenesses.similar(kyo, OPERATOR, page.latest.id)
    assert (found.document_id, found.version_number) == (copy.id, 3)


@pytest.mark.parametrize("state", ["archived", "deleted"])
def test_what_is_gone_is_not_pointed_out(kyo: Kyo, put: Callable[..., Document], sql: Sql, state: str) -> None:
    page, copy = put("page.txt", PAGE), put("copy.txt", EDITED)
    assert len(likenesses.similar(kyo, OPERATOR, page.latest.id)) == 1
    deleted = ", deleted_at = now(), deleted_by = owner_id" if state == "deleted" else ""
    sql("select set_config('kyo.actor', '', true)")
    sql(f"update documents set state = '{state}'{deleted} where id = :id", id=copy.id)  # noqa: S608 — our own words
    assert likenesses.similar(kyo, OPERATOR, page.latest.id) == ()


def test_nothing_is_said_of_what_one_may_not_read(
    kyo: Kyo,
    put: Callable[..., Document],
    person: Callable[[Role], Actor],
    collection: Callable[..., str],
) -> None:
    """Neither of a closed collection, nor of somebody else's draft, nor by way of a version that one may not see."""
    writer, member = person(Role.EMPLOYEE), person(Role.EMPLOYEE)
    collection("Board", None, {member: Access.READ.value})
    closed = put("closed.txt", PAGE, collection="Board")
    draft = put("draft.txt", EDITED, approved=False)
    own = put("own.txt", f"{PAGE} own", writer, approved=False)
    assert {one.document_id for one in likenesses.similar(kyo, OPERATOR, own.latest.id)} == {closed.id, draft.id}
    assert likenesses.similar(kyo, writer, own.latest.id) == ()
    assert likenesses.similar(kyo, writer, closed.latest.id) == ()
    assert likenesses.similar(kyo, member, own.latest.id) == ()  # a draft of somebody else
    reviewing.approve(kyo, OPERATOR, own.latest.id)
    assert [one.document_id for one in likenesses.similar(kyo, member, own.latest.id)] == [closed.id]
    assert [one.document_id for one in likenesses.similar(kyo, member, closed.latest.id)] == [own.id]
    assert likenesses.similar(kyo, writer, own.latest.id) == ()


def test_a_newer_draft_does_not_hide_the_version_that_all_may_read(
    kyo: Kyo, put: Callable[..., Document], employee: Actor
) -> None:
    copy = put("copy.txt", EDITED)
    put("copy.txt", OTHER, approved=False)
    own = put("own.txt", PAGE, employee, approved=False)
    [found] = likenesses.similar(kyo, employee, own.latest.id)
    assert (found.document_id, found.version_number) == (copy.id, 1)


def test_the_index_is_used(put: Callable[..., Document], sql: Sql) -> None:
    """Without it every upload would be compared with every text there is."""
    put("page.txt", PAGE)
    sql("set local enable_seqscan = off")
    [(bands,)] = sql("select bands from version_texts")
    plan = sql("explain select from version_texts where bands && cast(:bands as integer[])", bands=bands)
    assert any("version_texts_bands" in line for (line,) in plan)
