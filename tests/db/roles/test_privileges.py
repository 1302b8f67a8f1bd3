"""What the roles of the app and of the pipeline may do at all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from kyo_pipeline.adapters.embedded_postgres import as_role
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, OPERATOR_ID
from kyo_pipeline.domain.database_role import DatabaseRole
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
