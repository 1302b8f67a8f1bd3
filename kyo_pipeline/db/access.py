"""What somebody may do in which collection, and why."""

from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.people import Grant


def accesses(tx: Connection, user_id: UUID) -> tuple[tuple[str, Access], ...]:
    """The collections that somebody may read, by name, with the most they may do there."""
    rows = tx.execute(
        text(
            """
            select c.name,
              case
                when c.id in (select accessible_collections(:id, 'approve')) then 'approve'
                when c.id in (select accessible_collections(:id, 'write')) then 'write'
                else 'read'
              end as access
            from collections c
            where c.id in (select accessible_collections(:id, 'read'))
            order by lower(c.name)
            """
        ),
        {"id": user_id},
    )
    return tuple((row.name, Access(row.access)) for row in rows)


def grants(tx: Connection, user_id: UUID) -> tuple[Grant, ...]:
    """Every way in which somebody came to what they may do; no more of it counts than their role allows."""
    rows = tx.execute(
        text(
            """
            with ways as (
              select c.id, c.everyone_access as access, 'everyone' as via
              from collections c
              where c.everyone_access is not null
              union all
              select m.collection_id, m.access, 'member'
              from collection_members m
              where m.user_id = :id
              union all
              select g.collection_id, g.access, 'group ' || n.name
              from collection_groups g
              join group_members p on p.group_id = g.group_id
              join groups n on n.id = g.group_id
              where p.user_id = :id
              union all
              select c.id, 'approve', 'admin'
              from collections c
              join users a on a.id = :id and a.role = 'admin'
            )
            select c.name, w.via,
              (array['read', 'write', 'approve'])[least(access_rank(w.access), role_rank(u.role))] as access
            from ways w
            join collections c on c.id = w.id
            join users u on u.id = :id and u.active
            order by lower(c.name), access_rank(w.access) desc, w.via
            """
        ),
        {"id": user_id},
    )
    return tuple(Grant(row.name, Access(row.access), row.via) for row in rows)
