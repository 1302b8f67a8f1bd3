"""The tables of the index, as PostgreSQL's own statistics see them, and those statistics made anew."""

from itertools import groupby

from sqlalchemy import Connection, text

from kyo_pipeline.domain.table_health import Index, TableHealth


def names(tx: Connection) -> tuple[str, ...]:
    """All tables of KYO: those of vectors, of which there may be several, are not known by name."""
    return tuple(
        tx.scalars(
            text("select relname from pg_class where relnamespace = 'kyo'::regnamespace and relkind = 'r' order by 1")
        )
    )


def analyse(tx: Connection, table: str) -> bool:
    """Count the planner's statistics of a table anew; False where somebody is changing it at this moment."""
    return bool(tx.scalar(text("select analyse_table(:table)"), {"table": table}))


def read(tx: Connection) -> tuple[TableHealth, ...]:
    """The tables of chunks and vectors, with their indexes for words and vectors."""
    rows = tx.execute(
        text(
            """
            select c.relname as name, coalesce(s.n_live_tup, 0) as live, coalesce(s.n_dead_tup, 0) as dead,
              i.relname as index_name, m.amname as kind, x.indisvalid as is_valid, pg_relation_size(i.oid) as size_bytes
            from pg_class c
            left join pg_stat_all_tables s on s.relid = c.oid
            left join (
              pg_index x
              join pg_class i on i.oid = x.indexrelid
              join pg_am m on m.oid = i.relam and m.amname in ('hnsw', 'gin')
            ) on x.indrelid = c.oid
            where c.relnamespace = 'kyo'::regnamespace
              and c.relkind = 'r'
              and c.relname ~ '^(chunks|chunk_embeddings_[0-9]+)$'
            order by c.relname, i.relname
            """
        )
    )
    return tuple(
        TableHealth(
            name,
            same[0].live,
            same[0].dead,
            tuple(Index(row.index_name, row.kind, row.size_bytes, row.is_valid) for row in same if row.index_name),
        )
        for name, same in ((name, list(found)) for name, found in groupby(rows, lambda row: str(row.name)))
    )
