"""Numbers for operators, and what the readiness probe asks the database."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import OPERATOR_ID


@dataclass(frozen=True)
class Numbers:
    documents: dict[str, int]  # by lifecycle state
    versions: dict[str, int]  # by processing status
    searchable_documents: int
    searchable_chunks: int
    questions: int
    people: int
    oldest_waiting_at: datetime | None


def numbers(tx: Connection) -> Numbers:
    row = tx.execute(
        text(
            """
            select
              (select count(*) from documents where state = 'approved' and current_version_id is not null)
                as searchable_documents,
              coalesce(
                (
                  select k.chunk_count
                  from embedding_sets s
                  join cuttings k on k.id = s.cutting_id
                  where s.state = 'active'
                ), 0) as searchable_chunks,
              count_questions() as questions,
              (select count(*) from users where active and id <> :operator) as people,
              (select min(uploaded_at) from document_versions where status not in ('ready', 'failed'))
                as oldest_waiting_at
            """
        ),
        {"operator": OPERATOR_ID},
    ).one()
    return Numbers(
        documents=_counts(tx, "select state, count(*) from documents group by state order by state"),
        versions=_counts(tx, "select status, count(*) from document_versions group by status order by status"),
        searchable_documents=row.searchable_documents,
        searchable_chunks=row.searchable_chunks,
        questions=row.questions,
        people=row.people,
        oldest_waiting_at=row.oldest_waiting_at,
    )


def escapes_row_security(tx: Connection) -> bool:
    """Whether row-level security does not hold for whoever this connection works as."""
    return bool(
        tx.scalar(
            text(
                """
                select rolsuper or rolbypassrls or exists (
                  select
                  from pg_class
                  where relnamespace = to_regnamespace('kyo') and pg_has_role(current_user, relowner, 'usage')
                )
                from pg_roles
                where rolname = current_user
                """
            )
        )
    )


def beat(tx: Connection, now: datetime) -> None:
    """Say that the daemon is alive and looks for files."""
    tx.execute(
        text(
            """
            insert into heartbeats (process, seen_at) values ('daemon', :now)
            on conflict (process) do update set seen_at = excluded.seen_at
            """
        ),
        {"now": now},
    )


def daemon_heartbeat(tx: Connection) -> datetime | None:
    """When the daemon last said so; None when it never has."""
    seen: datetime | None = tx.scalar(text("select seen_at from heartbeats where process = 'daemon'"))
    return seen


def _counts(tx: Connection, statement: str) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in tx.execute(text(statement))}
