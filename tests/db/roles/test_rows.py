"""What somebody may not do to rows that they see, with the services left out."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from kyo_pipeline.domain.actor import OPERATOR, OPERATOR_ID, Actor, Role
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import Kyo
from tests.embedding_sets import first_set

Sql = Callable[..., list[Any]]

#: Statements of an employee who may write in the collection, and of nobody else's permission asked.
REFUSED_TO_WRITERS = [
    "insert into documents (collection_id, owner_id, title, state, created_at, updated_at) "
    "select id, current_actor(), 'x', 'approved', now(), now() from collections",
    "update document_versions set status = 'ready'",
    "update document_versions set status = 'failed', error = 'x'",
    "select count_searchable(array(select id from document_versions), 1)",
    "select count_searchable('{}', 7)",
    "update documents set state = 'approved'",
    "update documents set state = 'archived'",
    "update documents set restricted = true",
    "update documents set current_version_id = (select id from document_versions limit 1)",
    "update documents set owner_id = '00000000-0000-0000-0000-000000000001'",
    "update documents set title = 'Another'",
    "update documents set tags = '{mine}'",
    "update documents set review_by = '2099-01-01'",
    "update documents set stale_since = now()",
    "update documents set collection_id = gen_random_uuid()",
    "update documents set collection_id = null",
    "update documents set state = 'deleted'",
    "update documents set state = 'draft'",
    "select erase_document(id, now()) from documents",
    "update document_versions set review = 'approved'",
    "update document_versions set published_at = now()",
    "update document_versions set review = 'rejected'",
    "update document_versions set review = 'draft'",
    "update document_versions set reviewed_by = uploaded_by",
    "insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, "
    "uploaded_at, review) select document_id, 2, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, "
    "'approved' from document_versions",
    "insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, "
    "uploaded_at, review) select document_id, 2, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, "
    "'rejected' from document_versions",
    "insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, "
    "uploaded_at, reprocess_of) select document_id, 2, file_name, sha256, size_bytes, media_type, uploaded_by, "
    "uploaded_at, id from document_versions",
    "select * from requeue_document((select id from documents), now(), true)",
    "update users set role = 'admin'",
    "update users set username = 'root'",
    "update users set active = false",
    "insert into document_readers select id, current_actor() from documents",
    "insert into collections (name, created_at) values ('Mine', now())",
    "insert into groups (name, created_at) values ('Mine', now())",
    "insert into collection_members select id, current_actor(), 'approve' from collections",
    "insert into invitations values ('', current_actor(), current_actor(), now(), now())",
    "insert into sign_in_failures values ('', 1, now(), now())",
    "insert into users (username, name, role, created_at, password_changed_at) "
    "values ('x', 'X', 'admin', now(), now())",
    "insert into audit_log (at, actor_id, actor_name, event, object_type, object_id, outcome, details) "
    "values (now(), '00000000-0000-0000-0000-000000000001', 'kyo', 'user:add', 'user', '', 'done', '{}')",
    "insert into audit_log (at, actor_id, actor_name, event, object_type, object_id, outcome, details) "
    "values (now(), current_actor(), 'somebody else', 'user:add', 'user', '', 'done', '{}')",
    "insert into questions (user_id, text, asked_at) values ('00000000-0000-0000-0000-000000000001', 'x', now())",
    "insert into documents (collection_id, owner_id, title, state, created_at, updated_at) "
    "select id, '00000000-0000-0000-0000-000000000001', 'x', 'in_review', now(), now() from collections",
]


def add_draft(sql: Sql, owner: Actor) -> None:
    """A document with a version that nobody has decided about, in every collection."""
    sql(
        """
        with document as (
          insert into documents (collection_id, owner_id, title, state, created_at, updated_at)
          select id, :owner, 'Mine', 'in_review', now(), now() from collections
          returning id
        )
        insert into document_versions
          (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at)
        select id, 1, 'a.txt', repeat('1', 64), 1, 'text/plain', :owner, now() from document
        """,
        owner=owner.id,
    )


@pytest.fixture
def writer(person: Callable[[Role], Actor], sql: Sql) -> Actor:
    """An employee with a document of their own in a collection where they may write."""
    actor = person(Role.EMPLOYEE)
    add_draft(sql, actor)
    return actor


@pytest.mark.parametrize("statement", REFUSED_TO_WRITERS)
def test_the_database_refuses_what_services_refuse(kyo: Kyo, writer: Actor, statement: str) -> None:
    with pytest.raises(NotAllowed, match="does not allow"), kyo.db.transaction(writer) as tx:
        tx.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "select erase_document(id, now()) from documents",
        "update documents set state = 'deleted'",
        "update documents set collection_id = null",
        "insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, "
        "uploaded_at, reprocess_of) select document_id, 2, file_name, sha256, size_bytes, media_type, "
        "current_actor(), uploaded_at, id from document_versions",
    ],
)
def test_the_database_refuses_to_managers_what_is_for_admins_and_the_pipeline(
    kyo: Kyo, writer: Actor, manager: Actor, statement: str
) -> None:
    with kyo.db.transaction(manager) as tx:
        assert tx.execute(text("update documents set title = 'Theirs', tags = '{hr}'")).rowcount == 1
    with pytest.raises(NotAllowed, match="does not allow"), kyo.db.transaction(manager) as tx:
        tx.execute(text(statement))
    assert writer


def test_a_draft_is_sent_for_review_by_its_uploader_alone(
    kyo: Kyo, writer: Actor, manager: Actor, employee: Actor, sql: Sql
) -> None:
    send = text("update document_versions set review = 'pending'")
    sql("update document_versions set review = 'draft', uploaded_by = :id", id=manager.id)
    # The owner of the document, who has not uploaded this version, nor anybody else who may write there.
    for actor in (writer, employee):
        with kyo.db.transaction(actor) as tx:
            assert tx.execute(send).rowcount == 0
    sql("update document_versions set uploaded_by = :id", id=writer.id)
    with kyo.db.transaction(writer) as tx:
        assert tx.execute(send).rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update documents set state = 'approved'",
        "update documents set title = 'Back', updated_at = now()",
        "update documents set updated_at = now()",
        "select erase_document(id, now()) from documents",
        "update document_versions set status = 'uploaded', error = null",
        "update document_versions set status = 'ready', error = null",
        "update document_versions set review = 'approved'",
        "insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, "
        "uploaded_at) select document_id, 2, file_name, sha256, size_bytes, media_type, current_actor(), uploaded_at "
        "from document_versions",
    ],
)
def test_a_deleted_document_stays_deleted(kyo: Kyo, writer: Actor, admin: Actor, statement: str) -> None:
    with kyo.db.transaction(admin) as tx:
        assert tx.execute(text("select erase_document(id, now()) from documents")).scalars().all() == ["1" * 64]
        assert tx.execute(text("select state, deleted_by from documents")).all() == [("deleted", admin.id)]
        assert tx.execute(text("select status from document_versions")).all() == [("failed",)]
    with pytest.raises(NotAllowed, match="does not allow"), kyo.db.transaction(admin) as tx:
        tx.execute(text(statement))
    assert writer


def test_a_task_is_closed_by_those_who_may_approve_and_read_by_them_and_the_owner(
    kyo: Kyo, writer: Actor, manager: Actor, employee: Actor, sql: Sql
) -> None:
    sql(
        "insert into review_items (document_id, kind, assigned_to, opened_at) "
        "select id, 'overdue', owner_id, now() from documents"
    )
    close = text("update review_items set closed_at = now(), closed_by = current_actor()")
    for actor, read, closed in ((employee, 0, 0), (writer, 1, 0), (manager, 1, 1)):
        with kyo.db.transaction(actor) as tx:
            assert tx.scalar(text("select count(*) from review_items")) == read
            assert tx.execute(close).rowcount == closed


INVISIBLE_TO_WRITERS = [
    "update documents set updated_at = now() where owner_id <> current_actor()",
    "update document_versions set error = 'x' where uploaded_by <> current_actor()",
    "update collections set everyone_access = 'approve'",
    "update users set name = 'X' where id <> current_actor()",
    "delete from users where id <> current_actor()",
    "delete from sessions where user_id <> current_actor()",
    "update api_keys set revoked_at = now() where user_id <> current_actor()",
    "delete from collection_members",
    "delete from sign_in_failures",
    "delete from groups",
    "update review_items set closed_at = now(), closed_by = current_actor()",
]


@pytest.mark.parametrize("statement", INVISIBLE_TO_WRITERS)
def test_what_one_may_not_change_is_not_there(
    kyo: Kyo, writer: Actor, manager: Actor, sql: Sql, statement: str
) -> None:
    sql("insert into groups (name, created_at) values ('Board', now())")
    add_draft(sql, manager)
    sql(
        "insert into api_keys (user_id, name, hint, key_hash, scopes, created_at, expires_at) "
        "values (:id, 'Bot', 'kyo_abcd', 'x', '{answers:ask}', now(), now())",
        id=manager.id,
    )
    sql("insert into sign_in_failures values ('', 1, now(), now())")
    sql("insert into collection_members select id, :id, 'read' from collections", id=manager.id)
    sql(
        "insert into review_items (document_id, kind, assigned_to, opened_at) "
        "select id, 'overdue', owner_id, now() from documents"
    )
    with kyo.db.transaction(writer) as tx:
        assert tx.execute(text(statement)).rowcount == 0


def test_an_update_of_everything_changes_only_what_one_sees(kyo: Kyo, writer: Actor, manager: Actor, sql: Sql) -> None:
    """Without a `where`, the policies for reading do not hold: those for changing must."""
    add_draft(sql, manager)
    with kyo.db.transaction(writer) as tx:
        assert tx.execute(text("update documents set updated_at = now()")).rowcount == 1
        assert tx.execute(text("update document_versions set attempts = 7")).rowcount == 1


def test_the_operator_stays_what_it_is_and_nobody_is_deleted(kyo: Kyo, admin: Actor, employee: Actor) -> None:
    for statement in (
        "update users set active = false where username = 'kyo'",
        "update users set password_hash = 'x' where username = 'kyo'",
        "delete from users where role = 'employee'",
    ):
        with pytest.raises(NotAllowed, match="does not allow"), kyo.db.transaction(admin) as tx:
            tx.execute(text(statement))
    assert employee


def test_a_session_of_the_operator_cannot_be_made(kyo: Kyo, admin: Actor) -> None:
    with pytest.raises(Exception, match="sessions_of_people"), kyo.db.transaction(admin) as tx:
        tx.execute(
            text(
                "insert into sessions (token_hash, user_id, created_at, last_seen_at, expires_at) "
                "values ('', :id, now(), now(), now())"
            ),
            {"id": OPERATOR_ID},
        )


def test_a_table_that_somebody_made_up_is_not_searched(pipeline: Kyo, sql: Sql) -> None:
    """Else code of whoever calls would run as the owner of the tables."""
    with pipeline.db.transaction(OPERATOR) as tx:
        made = first_set(tx, pipeline.embedder.spec, pipeline.now())
    table = f"chunk_embeddings_{made.id}"
    sql(f"drop table {table}")
    sql(
        f"create temporary view {table} as "
        "select cast(1 as bigint) as chunk_id, cast('[1,1]' as vector(2)) as embedding"
    )
    vector = f"[{','.join(['1'] * made.spec.dimensions)}]"
    with pytest.raises(Exception, match=rf'relation "kyo.{table}" does not exist'):
        sql(f"select * from search_set_{made.id}('{vector}', 'x', '{{}}/9', null, 0.5, 1, 10)")  # noqa: S608 — an integer


def test_what_a_writer_needs_is_allowed(kyo: Kyo, writer: Actor) -> None:
    """Or the refusals above would prove nothing."""
    with kyo.db.transaction(writer) as tx:
        assert tx.execute(text("update documents set updated_at = now()")).rowcount == 1
        assert tx.execute(text("update users set name = 'Another'")).rowcount == 1


def test_nobody_asks_for_the_password_hash_of_somebody_else(kyo: Kyo, writer: Actor, admin: Actor) -> None:
    asked = "select username from sign_in_credentials(:username)"
    for actor, own in ((writer, [writer.username]), (admin, [])):
        with kyo.db.transaction(actor) as tx:
            assert tx.scalars(text(asked), {"username": writer.username}).all() == own
    with kyo.db.transaction(OPERATOR) as tx:
        assert tx.scalars(text(asked), {"username": writer.username}).all() == [writer.username]


def test_a_person_without_account_data_of_others_sees_their_names(kyo: Kyo, writer: Actor, manager: Actor) -> None:
    with kyo.db.transaction(writer) as tx:
        assert tx.scalars(text("select id from users")).all() == [writer.id]
        assert {writer.id, manager.id} <= set(tx.scalars(text("select id from people")))


@pytest.mark.parametrize("change", ["role = 'manager'", "active = false"])
def test_the_last_admin_stays(person: Callable[[Role], Actor], sql: Sql, change: str) -> None:
    first, second = person(Role.ADMIN), person(Role.ADMIN)
    sql(f"update users set {change} where id = :id", id=first.id)  # noqa: S608 — a constant
    with pytest.raises(Exception, match="last admin"):
        sql(f"update users set {change} where id = :id", id=second.id)  # noqa: S608 — a constant
    assert sql("select count(*) from users where role = 'admin' and active and id <> :id", id=OPERATOR.id) == [(1,)]
