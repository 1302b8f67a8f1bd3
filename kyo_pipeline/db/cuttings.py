"""Ways in which texts are cut: one row each, and the chunks of those that no embedding set searches any more."""

from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.cutting import Cutting

_UNSEARCHED = """
  select k.id
  from cuttings k
  where exists (select from embedding_sets s where s.cutting_id = k.id)
    and not exists (select from embedding_sets s where s.cutting_id = k.id and s.state <> 'dropped')
"""


def id_of(tx: Connection, cutting: Cutting) -> int:
    """The number of this way to cut, which is there from now on."""
    tx.execute(
        text(
            """
            insert into cuttings (name, size, overlap)
            values (:name, :size, :overlap)
            on conflict (name) do update set emptied_at = null
            """
        ),
        vars(cutting),
    )
    return int(tx.scalar(text("select id from cuttings where name = :name"), {"name": cutting.name}) or 0)


def delete_unsearched_chunks(tx: Connection, versions: int, now: datetime) -> int:
    """Delete the chunks that no set searches, of so many versions; returns how many. At last their figures go too.

    Of a version all or none: what has some chunks of a cutting counts as cut. Needs the lock on the sets, so that none
    begins meanwhile.
    """
    if not tx.scalar(text(f"select exists ({_UNSEARCHED} and k.emptied_at is null)")):
        return 0
    deleted = int(
        tx.execute(
            text(
                f"""
                with unsearched as (
                  select distinct c.version_id, c.cutting_id
                  from chunks c
                  where c.cutting_id in ({_UNSEARCHED})
                  limit :versions
                )
                delete from chunks c
                using unsearched u
                where c.version_id = u.version_id and c.cutting_id = u.cutting_id
                """  # noqa: S608 — a text of this module
            ),
            {"versions": versions},
        ).rowcount
    )
    if not deleted:
        tx.execute(text(f"delete from lexeme_counts where cutting_id in ({_UNSEARCHED})"))  # noqa: S608 — a text of this module
        tx.execute(
            text(
                f"""
                update cuttings
                set is_counted = false, chunk_count = 0, lexeme_count = 0, weighed_length = null, emptied_at = :now
                where id in ({_UNSEARCHED})
                """  # noqa: S608 — a text of this module
            ),
            {"now": now},
        )
    return deleted
