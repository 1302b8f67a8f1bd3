"""What the two roles of the database may not do, whatever statement a mistake of ours sends them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from kyo_pipeline.adapters.embedded_postgres import as_role
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, OPERATOR_ID, Actor, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import Kyo
from tests.embedding_sets import first_set

Sql = Callable[..., list[Any]]

#: Tables that row-level security need not guard, since the app has no right to them at all (vectors), or that hold
#: no data of anybody.
UNGUARDED = ("schema_migrations",)


@pytest.mark.parametrize("role", list(DatabaseRole))
def test_a_role_is_nobody_special_and_owns_nothing(sql: Sql, role: DatabaseRole) -> None:
    attributes = sql(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = :role",
        role=role.value,
    )
    assert attributes == [(False,) * 5]
    assert sql("select from pg_auth_members where member = cast(:role as regrole)", role=role.value) == []
    assert sql("select from pg_class where relowner = cast(:role as regrole)", role=role.value) == []
    assert sql("select from pg_proc where proowner = cast(:role as regrole)", role=role.value) == []
    assert sql("select has_schema_privilege(:role, 'kyo', 'create')", role=role.value) == [(False,)]
    assert sql("select has_schema_privilege(:role, 'public', 'create')", role=role.value) == [(False,)]


@pytest.mark.usefixtures("own_vectors")
def test_every_table_has_row_security_or_is_closed_to_the_app(sql: Sql) -> None:
    open_to_app = sql(
        """
        select relname
        from pg_class
        where relnamespace = 'kyo'::regnamespace
          and relkind in ('r', 'p', 'm', 'f')
          and not relrowsecurity
          and (
            has_table_privilege('kyo_app', oid, 'select, insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege('kyo_app', oid, 'select, insert, update, references')
          )
          and relname <> all(:unguarded)
        """,
        unguarded=list(UNGUARDED),
    )
    assert open_to_app == []
    assert len(sql("select from pg_class where relnamespace = 'kyo'::regnamespace and relrowsecurity")) > 20


@pytest.mark.usefixtures("own_vectors")
def test_nobody_but_the_roles_may_run_functions_that_run_as_the_owner(sql: Sql) -> None:
    statement = """
        select proname
        from pg_proc
        where pronamespace = 'kyo'::regnamespace and prosecdef
          and (
            has_function_privilege('public', oid, 'execute')
            or proconfig is null
            or not exists (select from unnest(proconfig) as c where c = 'search_path=kyo, pg_temp')
          )
    """
    assert sql(statement) == []


@pytest.fixture
def own_vectors(pipeline: Kyo) -> None:
    """An embedding set with its table, made by the pipeline as it makes them."""
    with pipeline.db.transaction(OPERATOR) as tx:
        first_set(tx, pipeline.embedder.spec, pipeline.now())


# A connection of the app's own, as `kyo up` opens it ----------------------------------------------------------------


@pytest.fixture
def connected(own_database: str) -> Iterator[Callable[[DatabaseRole], Connection]]:
    """Opens a connection as one of the roles, not as the owner who takes it on."""
    opened: list[Connection] = []

    def connect(role: DatabaseRole) -> Connection:
        options = {"options": "-csearch_path=kyo,public"}
        engine = create_engine(as_role(own_database, role), poolclass=NullPool, connect_args=options)
        opened.append(engine.connect())
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


REFUSED = r"permission denied|must be owner"

APP_MAY_NOT = [
    "update documents set created_at = now()",
    "update documents set deleted_at = now()",
    "update documents set deleted_by = gen_random_uuid()",
    "update document_versions set sha256 = repeat('0', 64)",
    "alter table users add column extra text",
    "alter table documents disable row level security",
    "alter table audit_log disable trigger all",
    "alter policy admin on audit_log using (true)",
    "create policy mine on documents using (true)",
    "drop table documents",
    "drop policy readable on documents",
    "create table kyo.mine (id integer)",
    "create table public.mine (id integer)",
    "create function kyo.current_actor() returns uuid language sql as $$ select null::uuid $$",
    "create or replace function access_rank(text) returns integer language sql as $$ select 3 $$",
    "truncate audit_log",
    "update audit_log set actor_name = 'nobody'",
    "delete from audit_log",
    "select password_hash from users",
    "select * from users",
    "select * from lexemes",
    "delete from documents",
    "delete from document_versions",
    "delete from questions",
    "insert into chunks (version_id) values (gen_random_uuid())",
    "update chunks set text = ''",
    "update version_texts set text = ''",
    "update citations set score = 0",
    "update embedding_sets set state = 'retired'",
    "create temporary table mine (id integer)",
    "create function pg_temp.mine() returns integer language sql as $$ select 1 $$",
    "update corpus set revision = -100",
    "update cuttings set chunk_count = -100",
    "select * from lexeme_counts",
    "insert into embedding_work (embedding_set_id, version_id) values (1, gen_random_uuid())",
    "update embedding_requests set taken_at = now()",
    "insert into review_items (kind) values ('overdue')",
    "update review_items set assigned_to = gen_random_uuid()",
    "delete from review_items",
    "update review_items set resolution = 'confirmed'",
    "select answer_id from review_items",
    "select opened_at from review_items",
    "select may_review_feedback(gen_random_uuid(), gen_random_uuid())",
    "insert into evaluation_cases (question) values ('x')",
    "update evaluation_cases set question = 'x'",
    "delete from evaluation_cases",
    "select answer_id from evaluation_cases",
    "insert into evaluation_case_documents values (gen_random_uuid(), gen_random_uuid())",
    "delete from evaluation_case_documents",
    "select keep_evaluation_case('x', '{}', '', 'by_hand', null, now())",
    "update document_versions set reprocess_of = null",
    "update document_versions set uploaded_by = gen_random_uuid()",
    "update document_versions set document_id = gen_random_uuid()",
    "update document_versions set file_name = 'mine.txt'",
    "update sessions set expires_at = now() + interval '10 years'",
    "update sessions set token_hash = ''",
    "update api_keys set scopes = '{audit:read}'",
    "update api_keys set expires_at = now() + interval '10 years'",
    "update api_keys set key_hash = ''",
    "delete from api_keys",
    "update questions set asked_at = now()",
    "update answers set text = ''",
    "update answers set shared_at = now()",
    "update answers set verified_answer_id = gen_random_uuid()",
    "insert into verified_answers (text) values ('x')",
    "update verified_answers set withdrawn_at = null",
    "delete from verified_answers",
    "update verified_questions set key = 'x'",
    "insert into verified_citations (marker) values (1)",
    "update questions set text = 'x'",
    "update questions set conversation_id = gen_random_uuid()",
    "update conversations set user_id = gen_random_uuid()",
    "delete from conversations",
    "insert into documents (current_version_id) values (gen_random_uuid())",
    "insert into documents (restricted) values (true)",
    "insert into documents (tags) values ('{}')",
    "insert into documents (deleted_at) values (now())",
    "insert into document_versions (status) values ('ready')",
    "insert into document_versions (reviewed_by) values (gen_random_uuid())",
    "insert into heartbeats values ('daemon', now())",
    "select * from quality_scores",
    "insert into quality_runs (at) values (now())",
    "update quality_runs set drops = '[]'",
    "delete from quality_runs",
    "update alerts set closed_at = now()",
    "insert into alerts (kind) values ('queue')",
    "delete from alert_notices",
    "select create_vector_table(99)",
    "select * from liked_questions(10)",
    "select * from gap_candidates(now(), 10)",
    "select * from gap_questions",
    "select * from question_vectors",
    "select * from gap_questions_visible_to(gen_random_uuid(), null)",
    "select * from documents_of_gap_questions(null)",
    "insert into gaps (created_at, changed_at) values (now(), now())",
    "update gaps set created_at = now()",
    "delete from gaps",
    "update gap_events set at = now()",
    "delete from gap_events",
    "insert into gap_events (count) values (1)",
    "insert into gap_runs (at, questions, gaps) values (now(), 0, 0)",
    "update question_followers set user_id = gen_random_uuid()",
    "select * from dagster.runs",
    "select * from usage",
    "select * from usage_by_person",
    "select * from usage_by_document",
    "delete from rolled_up_days",
    "insert into stale_days (day) values ('2027-01-01')",
    "select roll_up_day('2027-01-01', 'UTC', '2027-01-02', now())",
    "select recount_day('2027-01-01', 'UTC', now())",
    "select * from usage_on('2027-01-01', 'UTC')",
    "select note_days('{2027-01-01}')",
    "create role somebody",
    "set role kyo",
    "set role kyo_pipeline",
    "set session authorization kyo",
    "set session_replication_role = replica",
    "copy (select 1) to program 'true'",
    "select pg_read_file('/etc/passwd')",
]


@pytest.mark.parametrize("statement", APP_MAY_NOT)
def test_the_app_may_not(connected: Callable[[DatabaseRole], Connection], statement: str) -> None:
    with pytest.raises(Exception, match=REFUSED):
        connected(DatabaseRole.APP).execute(text(statement))


PIPELINE_MAY_NOT = [
    "alter table chunks add column extra text",
    "drop table chunks",
    "create table kyo.mine (id integer)",
    "select password_hash from users",
    "update users set role = 'admin'",
    "insert into users (username) values ('x')",
    "select * from sessions",
    "select * from api_keys",
    "update api_keys set revoked_at = null",
    "select exchange_refresh_token(gen_random_uuid(), '', '', now(), now())",
    "select * from sign_in_tickets",
    "select * from invitations",
    "delete from audit_log",
    "select * from questions",
    "select * from conversations",
    "select * from question_followers",
    "select * from gap_replies",
    "select * from list_gaps(now(), null)",
    "select * from questions_of_gap(gen_random_uuid())",
    "select * from answered_since_asked()",
    "update question_vectors set vector = ''",
    "delete from gap_events",
    "select share_answer(gen_random_uuid(), now())",
    "select reading_rights(gen_random_uuid())",
    "select * from verified_answers",
    "select * from verified_questions",
    "select * from find_verified('x')",
    "select verify_answer(gen_random_uuid(), '{}', '{}', null, '{}', now())",
    "select withdraw_verified(gen_random_uuid(), '', now())",
    "update collections set everyone_access = 'read'",
    "insert into collection_members values (gen_random_uuid(), gen_random_uuid(), 'read')",
    "delete from documents",
    "update review_items set closed_at = now()",
    "delete from review_items",
    "select * from feedback",
    "select * from feedback_items(null, null, 1)",
    "select * from feedback_answer(gen_random_uuid())",
    "select note_feedback(gen_random_uuid(), now())",
    "select * from resolve_feedback_item(gen_random_uuid(), 'confirmed', '', '{}', '', now())",
    "select answer_id from evaluation_cases",
    "update evaluation_cases set retired_at = now()",
    "select add_evaluation_case('x', '{}', '', now())",
    "select erase_document(gen_random_uuid(), now())",
    "update quality_runs set accepted_at = now()",
    "delete from quality_runs",
    "update quality_scores set ndcg = 1",
    "select create_search(1)",
    "select * from sign_in_credentials('admin')",
    "select * from usage_by_person",
    "update usage set questions = 0",
    "select usage_figures(null, '2027-01-01', '2027-01-01', '2027-01-01', '2027-01-01', 'UTC')",
    "select own_usage_figures('2027-01-01', '2027-01-01', '2027-01-01', 'UTC')",
    "select * from usage_on('2027-01-01', 'UTC')",
    "set role kyo",
    "set role kyo_app",
]


@pytest.mark.parametrize("statement", PIPELINE_MAY_NOT)
def test_the_pipeline_may_not(connected: Callable[[DatabaseRole], Connection], statement: str) -> None:
    with pytest.raises(Exception, match=REFUSED):
        connected(DatabaseRole.PIPELINE).execute(text(statement))


@pytest.mark.parametrize("role", list(DatabaseRole))
def test_without_an_actor_there_are_no_rows(
    connected: Callable[[DatabaseRole], Connection], role: DatabaseRole
) -> None:
    """Of any table that the role may read. In this database there are people and collections at least."""
    connection = connected(role)
    tables = connection.scalars(
        text(
            """
            select relname
            from pg_class
            where relnamespace = 'kyo'::regnamespace and relkind in ('r', 'v') and relname <> all(:unguarded)
              and has_any_column_privilege(oid, 'select')
            """
        ),
        {"unguarded": list(UNGUARDED)},
    ).all()
    assert {"users", "collections", "documents", "people"} <= set(tables)
    assert {table: connection.scalar(text(f"select count(*) from {table}")) for table in tables} == dict.fromkeys(  # noqa: S608 — names of tables
        tables, 0
    )
    connection.execute(text("select set_config('kyo.actor', :actor, true)"), {"actor": str(OPERATOR_ID)})
    assert connection.scalar(text("select count(*) from collections")) == 1


def test_the_actor_ends_with_its_transaction(own_database: str) -> None:
    """A pooled connection does not carry the rights of the one before."""
    db = Database(own_database, DatabaseRole.APP, pool_size=1)
    with db.transaction(OPERATOR) as tx:
        assert tx.scalar(text("select count(*) from users")) == 1
    with db.autocommit() as connection:
        assert connection.scalar(text("select current_user")) == DatabaseRole.APP.value
        assert connection.scalar(text("select count(*) from users")) == 0
    db.close()


# What somebody may not do to rows that they see ---------------------------------------------------------------------

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


# The last admin -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["role = 'manager'", "active = false"])
def test_the_last_admin_stays(person: Callable[[Role], Actor], sql: Sql, change: str) -> None:
    first, second = person(Role.ADMIN), person(Role.ADMIN)
    sql(f"update users set {change} where id = :id", id=first.id)  # noqa: S608 — a constant
    with pytest.raises(Exception, match="last admin"):
        sql(f"update users set {change} where id = :id", id=second.id)  # noqa: S608 — a constant
    assert sql("select count(*) from users where role = 'admin' and active and id <> :id", id=OPERATOR.id) == [(1,)]
